"""The short ways of ``output.push``, one for each shape that an output's edges can have.

An *edge* leads from an output into an input, directly or through operators. A *way* is one
implementation of ``push``. The short ways hand an item over without a wait, if there is room. There
is one for each shape: one buffer, several buffers, operators in between, no edge at all. The long
way, ``push_slowly``, handles every shape and waits if it must.

An output changes its class whenever the shape of its edges changes. So the common case, one edge
without operators, pays nothing for the others, and the interpreter finds ``push`` on the class,
where it expects a method.

Each way looks at a field of its own. The field is *shut* while the edges have another shape: it
never has room. This is for programs that keep a bound ``push`` from before the change. It finds no
room and goes the long way, which knows the current shape.

Rules: P4.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence, Sized
from itertools import islice, repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, TypeAlias

from .buffer import Buffer
from .edge import Edge
from .gate import NO_PLACES, Gate
from .pace import Budget, Owner
from .pushed import TrackedPush

__all__ = [
    "SHUT",
    "SPENT",
    "Nowhere",
    "Shut",
    "Through",
    "ThroughOne",
    "ToAll",
    "ToOne",
    "ToOneOfSeveral",
    "Tracked",
    "Way",
    "choose_way",
    "exhausted",
    "iterator_of",
]

Awaitable: TypeAlias = Coroutine[Any, Any, None]


class Shut:
    """Stands in for a buffer or gate in the field of a way that does not fit: it never has room."""

    items: Any = ()
    gate = 0
    room = 0
    places = NO_PLACES

    def put(self, item: Any) -> None:
        """Exist for type checkers; it is never called, since there is never room."""

    enter = put


SHUT = Shut()
SPENT = Budget(1)
"""Stands in for a budget in the field of a way that does not fit: it never has a tick left."""
SPENT.ticks = repeat(None, 0)
_SHUT_PAIRS = (((), SHUT),)
_SHUT_DOORS = (SHUT,)


class Way:
    """The base of all ways, and the fields of an output that they look at."""

    __slots__ = (
        "allowance",
        "appends",
        "budget",
        "counted",
        "deliver_now",
        "door",
        "doors",
        "edges",
        "entered_before",
        "gates",
        "metered",
        "name",
        "near",
        "nowhere",
        "pairs",
        "process",
        "pushed",
        "ticks",
        "usual",
        "way",
    )

    process: Owner
    name: str
    edges: list[Edge]
    gates: Sequence[Gate]
    usual: bool
    counted: bool
    allowance: int
    pushed: Any
    budget: Any
    metered: Buffer | None
    entered_before: int
    ticks: Iterator[None]
    way: type[Way]
    near: Buffer | Shut
    pairs: Sequence[tuple[Sized, Gate | Shut]]
    appends: Sequence[Callable[[Any], None]]
    doors: Sequence[Gate | Shut]
    door: Gate | Shut
    deliver_now: Callable[[Any], object]
    nowhere: Budget

    if TYPE_CHECKING:  # the subclasses have these: the ways the first two, the output the others

        @staticmethod
        def push_batch(output: Way, iterator: Iterator[Any]) -> bool:
            """Push as much as there is room for; tell whether the iterator has ended."""

        def push(self, item: Any, timeout: float | None = None) -> Awaitable:
            """Push `item` by this way."""

        def push_slowly(self, item: Any, timeout: float | None = None) -> Awaitable:
            """Push `item` by the long way."""

        def wait_for_room(self, timeout: float | None = None, item: Any = None) -> Awaitable:
            """Wait for room, then push `item`."""

        def lacking(self) -> bool:
            """Tell whether a newcomer has to wait."""

        def deliver(self, item: Any) -> None:
            """Hand `item` to every edge; there is room."""


def _extend(output: Way, iterator: Iterator[Any]) -> bool:
    """Push a batch to the one buffer, straight from the iterator."""
    buffer: Any = output.edges[0].buffer
    items = buffer.items
    before = len(items)
    # While another push has the turn, this one may still take room for one item (rule 3).
    free: int = buffer.gate - before
    if free < 1:
        free = 1
    try:
        items.extend(islice(iterator, free))
    finally:
        added = len(items) - before
        if added:
            buffer.filled()
            if output.budget is not None:
                output.budget.spend(added)
    return added < free


def _extend_all(output: Way, iterator: Iterator[Any]) -> bool:
    """Push a batch to several buffers, or to none at all."""
    room = min((gate.gate - len(gate.items) for gate in output.gates), default=output.allowance)
    free = max(1, room)
    batch: list[Any] = []
    try:
        batch.extend(islice(iterator, free))
    finally:
        if output.budget is not None:
            output.budget.spend(len(batch))
        for edge in output.edges:
            if edge.buffer is not None and batch:
                edge.buffer.items.extend(batch)
                edge.buffer.filled()
    return len(batch) < free


def _push_singly(output: Way, iterator: Iterator[Any]) -> bool:
    """Push one item at a time, since operators may make any number of items of each."""
    budget = output.budget
    ticks = budget.ticks
    gate = output.gates[0] if len(output.gates) == 1 else None
    deliver = output.edges[0].deliver if len(output.edges) == 1 else output.deliver
    for item in islice(iterator, length_hint(ticks)):
        next(ticks, None)
        deliver(item)
        full = output.lacking() if gate is None else len(gate.items) >= gate.gate
        if full or output.budget is not budget:
            return False
    ended = length_hint(ticks) > 0
    budget.due = not ended
    return ended


class ToOne(Way):
    """Append to one buffer, of which the output is the only producer."""

    __slots__ = ()
    push_batch = staticmethod(_extend)

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push to ``near``."""
        near = self.near
        for append in near.places:
            append(item)
            return self.pushed  # type: ignore[no-any-return] # it poses as a coroutine
        if len(near.items) < near.gate:  # a consumer waits, or new places must be counted out
            near.enter(item)
            return self.pushed  # type: ignore[no-any-return]
        if near is SHUT:
            return self.push_slowly(item, timeout)
        return self.wait_for_room(timeout, item)


class ToOneOfSeveral(Way):
    """Append to one buffer that has other producers too, and count the push."""

    __slots__ = ()
    push_batch = staticmethod(_extend)

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push to ``near``."""
        near = self.near
        items = near.items
        if len(items) < near.room:
            items.append(item)
            next(self.ticks)
            return self.pushed  # type: ignore[no-any-return]
        if len(items) < near.gate:
            near.put(item)
            next(self.ticks)
            return self.pushed  # type: ignore[no-any-return]
        return self.push_slowly(item, timeout)


class ToAll(Way):
    """Append to several buffers if all have room, and count the push."""

    __slots__ = ()
    push_batch = staticmethod(_extend_all)

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push to each of ``pairs``."""
        for items, buffer in self.pairs:
            if len(items) >= buffer.room:
                return self.push_slowly(item, timeout)
        for append in self.appends:
            append(item)
        next(self.ticks)
        return self.pushed  # type: ignore[no-any-return]


class ThroughOne(Way):
    """Hand the item over if the one gate has room; count the push, which no bound limits (P12).

    This is the way of an edge with operators, which run inside the push.
    """

    __slots__ = ()
    push_batch = staticmethod(_push_singly)

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push through ``door``."""
        door = self.door
        if len(door.items) < door.gate:
            budget = self.budget
            deliver = self.deliver_now  # a field: a method of the output would take longer
            for _ in budget.ticks:
                deliver(item)
                return self.pushed  # type: ignore[no-any-return]
            budget.renew()
            deliver(item)
            return budget.go_round()  # type: ignore[no-any-return]
        return self.push_slowly(item, timeout)


class Through(Way):
    """Do the same with several gates, or none."""

    __slots__ = ()
    push_batch = staticmethod(_push_singly)

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push through all of ``doors``."""
        for door in self.doors:
            if len(door.items) >= door.gate:
                return self.push_slowly(item, timeout)
        budget = self.budget
        deliver = self.deliver_now
        for _ in budget.ticks:
            deliver(item)
            return self.pushed  # type: ignore[no-any-return]
        budget.renew()
        deliver(item)
        return budget.go_round()  # type: ignore[no-any-return]


class Nowhere(Way):
    """Discard the item and count it; let the loop go round when the budget is used up (P12, W9)."""

    __slots__ = ()
    push_batch = staticmethod(_extend_all)

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Discard `item`."""
        nowhere = self.nowhere
        for _ in nowhere.ticks:
            return self.pushed  # type: ignore[no-any-return]
        if nowhere is SPENT:
            return self.push_slowly(item, timeout)
        nowhere.renew()
        return nowhere.go_round()


class Tracked(Way):
    """Push by the way that fits, and report a push without ``await`` (P2)."""

    __slots__ = ()

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push as ``way`` does."""
        result = self.way.push(self, item, timeout)
        if result is not self.pushed:
            return result
        what = f"push to {self.process.where('output', self.name)}"
        tracked: Any = TrackedPush(self.process.loop, what)
        return tracked  # type: ignore[no-any-return]


def choose_way(output: Way) -> type[Way]:
    """Choose the short way for the current edges of `output`, and open the field it looks at.

    The field stays shut where pushes may not take any short way.
    """
    output.near = SHUT
    output.pairs = _SHUT_PAIRS
    output.appends = ()
    output.doors = _SHUT_DOORS
    output.door = SHUT
    output.nowhere = SPENT
    output.metered = None
    edges = output.edges
    if not edges:
        budget = _count_by(output, Budget(output.allowance))
        if output.usual:
            output.nowhere = budget
        return Nowhere
    buffers = [edge.buffer for edge in edges if edge.buffer is not None]
    if output.counted or len(buffers) < len(edges):
        _count_by(output, Budget(output.allowance))
        output.deliver_now = edges[0].deliver if len(edges) == 1 else output.deliver
        if len(output.gates) == 1:
            if output.usual:
                output.door = output.gates[0]
            return ThroughOne
        if output.usual:
            output.doors = output.gates
        return Through
    if len(edges) > 1:
        _count_by(output, Budget())
        if output.usual:
            output.pairs = [(buffer.items, buffer) for buffer in buffers]
            output.appends = [buffer.items.append for buffer in buffers]
        return ToAll
    buffer = buffers[0]
    if output.usual:
        output.near = buffer
    if buffer.fan_in > 1:
        _count_by(output, Budget())
        return ToOneOfSeveral
    output.budget = None
    output.metered, output.entered_before = buffer, buffer.entered
    return ToOne


def _count_by(output: Way, budget: Budget) -> Budget:
    """Count the pushes of `output` with `budget` from now on."""
    output.budget = budget
    output.ticks = budget.ticks
    return budget


def iterator_of(output: Way, items: Iterable[Any]) -> Iterator[Any]:
    """Return an iterator over `items`, which are pushed in bulk.

    Raises:
        TypeError: `items` cannot be iterated over.
    """
    try:
        return iter(items)
    except TypeError:
        hint = ""
        if hasattr(items, "__aiter__"):
            hint = (
                "; push the items of an async iterable one by one: "
                f"`async for item in ...: await outs.{output.name}.push(item)`"
            )
        raise TypeError(
            f"push_many to {output.process.where('output', output.name)} takes an iterable, "
            f"got {type(items).__name__}{hint}"
        ) from None


def exhausted(iterator: Iterator[Any]) -> bool:
    """Tell whether `iterator` is known to have ended, without taking an item.

    Only the interpreter's own iterators are trusted: the length hint of any other is only a hint.
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
