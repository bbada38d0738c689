"""The short ways of ``output.push``, one for each shape that an output's edges can have.

``output.push`` is bound anew whenever that shape changes, so that the common case, one edge without
operators, pays nothing for the others. A copy bound earlier stays right: an edge that is gone or
that must wait shows no room, and the long way sorts it out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from ._process import Budget
from ._pushed import TrackedPush

if TYPE_CHECKING:
    from ._buffer import Buffer
    from ._gate import Gate
    from ._port import Link, Output

__all__ = ["Binding", "Push", "bind"]


class Push(Protocol):
    """``output.push``."""

    def __call__(self, item: Any, timeout: float | None = None) -> Awaitable[None]:
        """Hand `item` to every edge."""


class Binding:
    """A way to push, and the count of what went that way.

    Args:
        push: The short way.
        budget: Counts the calls; None where the count follows from the buffer.
        count: Returns the items pushed since the binding was made.
    """

    __slots__ = ("budget", "count", "push")

    def __init__(
        self, push: Push, budget: Budget | None, count: Callable[[], int] | None = None
    ) -> None:
        self.push = push
        self.budget = budget
        self.count = count or (lambda: 0 if budget is None else budget.count)


def bind(output: Output[Any]) -> Binding:
    """Choose the short way for the edges that `output` has now."""
    links = output.links
    if not links:
        binding = _nowhere(output)
    elif output.counted or any(link.buffer is None for link in links):
        binding = _through(output)
    elif len(links) > 1:
        binding = _to_all(output)
    else:
        binding = _to_one(output, links[0])
    if output.closed or output.over or output.stopped:
        binding.push = output.push_slowly
    elif output.process.debug:
        binding.push = _tracked(output, binding.push)
    return binding


def _since(count: Callable[[], int]) -> Callable[[], int]:
    start = count()
    return lambda: count() - start


def _nowhere(output: Output[Any]) -> Binding:
    """Discard; count, and let the loop go round now and then (P12, W9)."""
    pushed = output.process.pushed
    budget = Budget(output.breath)

    def push(item: Any, timeout: float | None = None) -> Awaitable[None]:
        for _ in budget.ticks:
            return pushed
        budget.renew()
        return budget.breathe()

    return Binding(push, budget)


def _to_one(output: Output[Any], link: Link) -> Binding:
    """Append to the one buffer that the output feeds."""
    buffer = link.buffer
    assert buffer is not None
    pushed = output.process.pushed
    long_way = output.push_slowly
    items = buffer.items
    append = items.append

    def push(item: Any, timeout: float | None = None) -> Awaitable[None]:
        if len(items) < buffer.room:
            append(item)
            return pushed
        return long_way(item, timeout)

    if buffer.fan_in <= 1:
        return Binding(push, None, _since(lambda: buffer.entered))
    tally = Budget()
    ticks = tally.ticks

    def push_counted(item: Any, timeout: float | None = None) -> Awaitable[None]:
        if len(items) < buffer.room:
            append(item)
            next(ticks)
            return pushed
        return long_way(item, timeout)

    return Binding(push_counted, tally)


def _to_all(output: Output[Any]) -> Binding:
    """Append to several buffers, if all have room."""
    pushed = output.process.pushed
    long_way = output.push_slowly
    buffers: list[Buffer] = [link.buffer for link in output.links if link.buffer is not None]
    pairs = [(buffer.items, buffer) for buffer in buffers]
    appends = [buffer.items.append for buffer in buffers]
    tally = Budget()
    ticks = tally.ticks

    def push(item: Any, timeout: float | None = None) -> Awaitable[None]:
        for items, buffer in pairs:
            if len(items) >= buffer.room:
                return long_way(item, timeout)
        for append in appends:
            append(item)
        next(ticks)
        return pushed

    return Binding(push, tally)


def _through(output: Output[Any]) -> Binding:
    """Run operators in the push, or whatever else no buffer's bound keeps in check (P12)."""
    pushed = output.process.pushed
    long_way = output.push_slowly
    budget = Budget(output.breath)
    gates = tuple(output.gates)
    deliver = output.links[0].deliver if len(output.links) == 1 else output.deliver

    def push(item: Any, timeout: float | None = None) -> Awaitable[None]:
        for gate in gates:
            if len(gate.items) >= gate.gate:
                return long_way(item, timeout)
        for _ in budget.ticks:
            deliver(item)
            return pushed
        budget.renew()
        deliver(item)
        return budget.breathe()

    if len(gates) != 1:
        return Binding(push, budget)
    gate: Gate = gates[0]
    far = gate.items

    def push_one(item: Any, timeout: float | None = None) -> Awaitable[None]:
        if len(far) < gate.gate:
            for _ in budget.ticks:
                deliver(item)
                return pushed
            budget.renew()
            deliver(item)
            return budget.breathe()
        return long_way(item, timeout)

    return Binding(push_one, budget)


def _tracked(output: Output[Any], short_way: Push) -> Push:
    """Wrap what a push returns, so that one without ``await`` is reported (P2)."""
    pushed = output.process.pushed
    what = f"push to output {output.name!r} of step {output.process.path!r}"

    def push(item: Any, timeout: float | None = None) -> Awaitable[None]:
        result = short_way(item, timeout)
        return TrackedPush(pushed, what) if result is pushed else result

    return push
