"""The short ways of ``output.push``, one for each shape that an output's edges can have.

``output.push`` is bound anew whenever that shape changes, so that the common case, one edge without
operators, pays nothing for the others. A copy that somebody kept from before is *retired*: it finds
no room any more, and the long way sorts out what is the case now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence, Sized
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, Protocol, cast

from ._process import Budget
from ._pushed import TrackedPush

if TYPE_CHECKING:
    from ._buffer import Buffer
    from ._gate import Gate
    from ._link import Link
    from ._output import Output

__all__ = ["Binding", "Push", "bind", "exhausted"]


class Push(Protocol):
    """``output.push``."""

    def __call__(self, item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        """Hand `item` to every edge."""


class Binding:
    """A way to push, and the count of what went that way.

    Args:
        push: The short way.
        retire: Sends every later call of it the long way.
        budget: Counts the calls; None where the count follows from the buffer.
        count: Returns the items pushed since the binding was made.
    """

    __slots__ = ("budget", "count", "push", "retire")

    def __init__(
        self,
        push: Push,
        retire: Callable[[], None],
        budget: Budget | None,
        count: Callable[[], int] | None = None,
    ) -> None:
        self.push = push
        self.retire = retire
        self.budget = budget
        self.count = count or (lambda: 0 if budget is None else budget.count)


class _Shut:
    """What a retired short way finds in place of a gate: no room, ever."""

    items: Sized = ()
    gate = 0
    room = 0


_SHUT = _Shut()


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


def _finished(output: Output[Any]) -> Coroutine[Any, Any, None]:
    """Return what a push returns that had room; to its receiver it is a coroutine."""
    return cast("Coroutine[Any, Any, None]", output.process.pushed)


def _since(count: Callable[[], int]) -> Callable[[], int]:
    start = count()
    return lambda: count() - start


def _nowhere(output: Output[Any]) -> Binding:
    """Discard; count, and let the loop go round now and then (P12, W9)."""
    pushed = _finished(output)
    long_way = output.push_slowly
    budget = Budget(output.breath)
    retired = False

    def push(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        for _ in budget.ticks:
            return pushed
        if retired:
            return long_way(item, timeout)
        budget.renew()
        return budget.breathe()

    def retire() -> None:
        nonlocal retired
        retired = True
        budget.ticks = repeat(None, 0)

    return Binding(push, retire, budget)


def _to_one(output: Output[Any], link: Link) -> Binding:
    """Append to the one buffer that the output feeds."""
    far = link.buffer
    assert far is not None
    buffer: Buffer | _Shut = far
    pushed = _finished(output)
    long_way = output.push_slowly
    items = far.items
    append = items.append

    def retire() -> None:
        nonlocal buffer
        buffer = _SHUT

    def push(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        if len(items) < buffer.room:
            append(item)
            return pushed
        return long_way(item, timeout)

    if far.fan_in <= 1:
        return Binding(push, retire, None, _since(lambda: far.entered))
    tally = Budget()
    ticks = tally.ticks

    def push_counted(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        if len(items) < buffer.room:
            append(item)
            next(ticks)
            return pushed
        return long_way(item, timeout)

    return Binding(push_counted, retire, tally)


def _to_all(output: Output[Any]) -> Binding:
    """Append to several buffers, if all have room."""
    pushed = _finished(output)
    long_way = output.push_slowly
    buffers: list[Buffer] = [link.buffer for link in output.links if link.buffer is not None]
    pairs: list[tuple[Sized, Buffer | _Shut]] = [(buffer.items, buffer) for buffer in buffers]
    appends = [buffer.items.append for buffer in buffers]
    tally = Budget()
    ticks = tally.ticks

    def push(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        for items, buffer in pairs:
            if len(items) >= buffer.room:
                return long_way(item, timeout)
        for append in appends:
            append(item)
        next(ticks)
        return pushed

    def retire() -> None:
        pairs[:] = [((), _SHUT)]

    return Binding(push, retire, tally)


def _through(output: Output[Any]) -> Binding:
    """Run operators in the push, or whatever else no buffer's bound keeps in check (P12)."""
    pushed = _finished(output)
    long_way = output.push_slowly
    budget = Budget(output.breath)
    gates: Sequence[Gate | _Shut] = tuple(output.gates)
    gate = gates[0] if gates else _SHUT
    deliver = output.links[0].deliver if len(output.links) == 1 else output.deliver

    def push(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        for gate in gates:
            if len(gate.items) >= gate.gate:
                return long_way(item, timeout)
        for _ in budget.ticks:
            deliver(item)
            return pushed
        budget.renew()
        deliver(item)
        return budget.breathe()

    def retire() -> None:
        nonlocal gate, gates
        gate = _SHUT
        gates = (_SHUT,)

    if len(gates) != 1:
        return Binding(push, retire, budget)
    far = gate.items

    def push_one(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        if len(far) < gate.gate:
            for _ in budget.ticks:
                deliver(item)
                return pushed
            budget.renew()
            deliver(item)
            return budget.breathe()
        return long_way(item, timeout)

    return Binding(push_one, retire, budget)


def _tracked(output: Output[Any], short_way: Push) -> Push:
    """Wrap what a push returns, so that one without ``await`` is reported (P2)."""
    finished = _finished(output)
    what = f"push to output {output.name!r} of step {output.process.path!r}"

    def push(item: Any, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        result = short_way(item, timeout)
        if result is not finished:
            return result
        return cast("Coroutine[Any, Any, None]", TrackedPush(output.process.loop, what))

    return push


def exhausted(iterator: Iterator[Any]) -> bool:
    """Tell whether `iterator` is known to have ended, without taking an item.

    Only the interpreter's own iterators are believed: elsewhere a length hint is but a hint.
    """
    return type(iterator) in _EXACT and length_hint(iterator, 1) == 0


_SAMPLES: tuple[Iterable[Any], ...] = (
    [],
    (),
    range(0),
    range(1 << 64),
    deque(),
    {},
    set(),
    "",
    b"",
)
_EXACT = frozenset(type(iter(sample)) for sample in _SAMPLES)
