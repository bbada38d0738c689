"""The short ways of ``output.push``, one for each shape that an output's edges can have.

An output changes its class whenever that shape changes, so that the common case, one edge without
operators, pays nothing for the others, and the interpreter finds the method of a class where it
expects it. Each way looks at a field of its own, which is *shut* while the shape is another: so a
bound ``push`` that somebody kept from before finds no room any more, and goes the long way, which
knows what is the case now.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence, Sized
from itertools import repeat
from operator import length_hint
from typing import TYPE_CHECKING, Any, TypeAlias

from ._gate import NO_PLACES
from ._process import Budget
from ._pushed import TrackedPush

if TYPE_CHECKING:
    from ._buffer import Buffer
    from ._gate import Gate
    from ._process import Process

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
    "exhausted",
]

Awaitable: TypeAlias = Coroutine[Any, Any, None]


class Shut:
    """What a way finds in place of a buffer or gate while the shape is another: no room, ever."""

    items: Any = ()
    gate = 0
    room = 0
    places = NO_PLACES

    def put(self, item: Any) -> None:
        """Be there for type checkers: nobody finds room for it."""

    enter = put


SHUT = Shut()
SPENT = Budget(1)
"""What a way finds in place of a budget: nothing is left, ever."""
SPENT.ticks = repeat(None, 0)


class _Way:
    """What the ways use of an output."""

    __slots__ = ()

    if TYPE_CHECKING:
        process: Process
        name: str
        pushed: Any
        near: Buffer | Shut
        pairs: Sequence[tuple[Sized, Gate | Shut]]
        appends: Sequence[Callable[[Any], None]]
        doors: Sequence[Gate | Shut]
        door: Gate | Shut
        deliver_now: Callable[[Any], object]
        nowhere: Budget
        budget: Budget
        ticks: Iterator[None]
        way: type[_Way]

        def push(self, item: Any, timeout: float | None = None) -> Awaitable:
            """Go the way."""

        def push_slowly(self, item: Any, timeout: float | None = None) -> Awaitable:
            """Go the long way."""

        def wait_for_room(self, timeout: float | None = None, item: Any = None) -> Awaitable:
            """Wait, then push."""


class ToOne(_Way):
    """Append to the one buffer that the output feeds, and that nobody else does."""

    __slots__ = ()

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push to ``near``."""
        near = self.near
        for append in near.places:
            append(item)
            return self.pushed  # type: ignore[no-any-return] # it poses as a coroutine
        if len(near.items) < near.gate:  # somebody waits for it, or there were never as many
            near.enter(item)
            return self.pushed  # type: ignore[no-any-return]
        if near is SHUT:
            return self.push_slowly(item, timeout)
        return self.wait_for_room(timeout, item)


class ToOneOfSeveral(_Way):
    """Append to the one buffer that the output feeds, as others do, and count."""

    __slots__ = ()

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


class ToAll(_Way):
    """Append to several buffers, if all have room."""

    __slots__ = ()

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push to each of ``pairs``."""
        for items, buffer in self.pairs:
            if len(items) >= buffer.room:
                return self.push_slowly(item, timeout)
        for append in self.appends:
            append(item)
        next(self.ticks)
        return self.pushed  # type: ignore[no-any-return]


class ThroughOne(_Way):
    """Run operators before one buffer in the push, or what else no bound keeps in check (P12)."""

    __slots__ = ()

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push through ``door``."""
        door = self.door
        if len(door.items) < door.gate:
            budget = self.budget
            deliver = self.deliver_now  # called as a method of the output, it would take longer
            for _ in budget.ticks:
                deliver(item)
                return self.pushed  # type: ignore[no-any-return]
            budget.renew()
            deliver(item)
            return budget.breathe()
        return self.push_slowly(item, timeout)


class Through(_Way):
    """The same before several buffers, or none."""

    __slots__ = ()

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
        return budget.breathe()


class Nowhere(_Way):
    """Discard; count, and let the loop go round now and then (P12, W9)."""

    __slots__ = ()

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push to nobody."""
        nowhere = self.nowhere
        for _ in nowhere.ticks:
            return self.pushed  # type: ignore[no-any-return]
        if nowhere is SPENT:
            return self.push_slowly(item, timeout)
        nowhere.renew()
        return nowhere.breathe()


class Tracked(_Way):
    """Go another way, and report a push without ``await`` (P2)."""

    __slots__ = ()

    def push(self, item: Any, timeout: float | None = None) -> Awaitable:
        """Push as ``way`` does."""
        result = self.way.push(self, item, timeout)
        if result is not self.pushed:
            return result
        what = f"push to output {self.name!r} of step {self.process.path!r}"
        tracked: Any = TrackedPush(self.process.loop, what)
        return tracked  # type: ignore[no-any-return]


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
