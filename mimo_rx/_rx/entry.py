"""The entry of an outside source: a bounded FIFO between threads, and what it does when full.

An Observable of RxPY delivers at any rate. Its items wait for slower consumers here, before the
first operator, and nowhere else.

Rules: R8.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias, get_args

from .._errors import BufferOverflow, nearest

__all__ = ["OVERFLOWS", "Entry", "Overflow", "check_overflow"]

Overflow: TypeAlias = Literal["block", "error", "drop_newest", "drop_oldest", "unbounded"]
"""The effect of an item that arrives when the entry is full. In this order: its thread waits, the
run fails, the item is dropped, the oldest item is dropped instead, the entry is never full."""

OVERFLOWS: tuple[str, ...] = get_args(Overflow)


class Entry:
    """A FIFO into which any thread may put items, and from which one consumer takes them.

    Args:
        overflow: What to do with an item when the entry is full.
        capacity: Number of items that it holds; ignored if it is unbounded.
        name: The name of the source in errors.
        wake: Called from any thread when the consumer should look at the entry.
        refuse_to_wait: Returns the error to end with if the putting thread must not wait, else
            None.
    """

    def __init__(
        self,
        overflow: str,
        capacity: int,
        name: str,
        wake: Callable[[], None],
        refuse_to_wait: Callable[[], Exception | None],
    ) -> None:
        self._overflow = overflow
        self._capacity = capacity
        self._name = name
        self._wake = wake
        self._refuse_to_wait = refuse_to_wait
        self._items: deque[Any] = deque()
        self._room = threading.Condition(threading.RLock())
        self._asleep = True
        """Whether the consumer has taken everything and waits to be woken."""
        self.waiting = 0
        """Number of threads that wait for room."""
        self.stopped = False
        """Whether the consumer has stopped taking."""
        self.ended = False
        """Whether the source has ended; the items that are left are still taken."""
        self.error: BaseException | None = None
        """The error that the source ended with, if any."""
        self.expects: Callable[[], bool] = bool
        """Tells whether the source has work scheduled on the loop of the consumer."""
        self.drops = 0
        """Number of items dropped for lack of room, the newest or the oldest."""

    def __len__(self) -> int:
        return len(self._items)

    def is_idle(self) -> bool:
        """Tell whether nothing waits here or is scheduled, and the source has not ended."""
        return not (self._items or self.ended or self.expects())

    def put(self, item: Any) -> bool:
        """Add `item` from any thread, waiting for room if necessary; tell whether to go on."""
        with self._room:
            if self._overflow == "block" and (error := self._refuse_to_wait()) is not None:
                self._close(error)  # at the first item, not only when the entry happens to be full
            goes_in = self._has_room() or self._when_full()
            goes_on = not (self.stopped or self.ended)
            if goes_in and goes_on:
                self._items.append(item)
            wake = self._rouse()
        if wake:
            self._wake()
        return goes_on

    def is_full(self) -> bool:
        """Tell whether an item that came now would find no room."""
        return not self._has_room()

    def _has_room(self) -> bool:
        """Tell whether an item need not wait: there is room, or nothing goes in any more."""
        closed = self.stopped or self.ended or self._overflow == "unbounded"
        return closed or len(self._items) < self._capacity

    def _when_full(self) -> bool:
        """Apply the overflow strategy; tell whether the item then goes in."""
        match self._overflow:
            case "block":
                self._wait_for_room()
            case "error":
                self._close(
                    BufferOverflow(
                        f"source {self._name!r} delivered an item while {self._capacity} waited at "
                        "its entry, which is its capacity; give it a larger capacity or "
                        "another overflow than 'error'"
                    )
                )
            case "drop_newest":
                self.drops += 1
                return False
            case "drop_oldest":
                try:
                    self._items.popleft()
                    self.drops += 1
                except IndexError:
                    pass  # taken(), which needs no lock, has made room meanwhile
        return True

    def _wait_for_room(self) -> None:
        self.waiting += 1  # before testing for room again: see taken()
        try:
            self._room.wait_for(self._has_room)
        finally:
            self.waiting -= 1

    def end(self, error: BaseException | None = None) -> None:
        """Signal the end, or an error, from any thread; items in the entry are still taken."""
        with self._room:
            self._close(error)
            wake = self._rouse()
        if wake:
            self._wake()

    def _close(self, error: BaseException | None) -> None:
        if not self.ended:
            self.ended = True
            self.error = error
            self._room.notify_all()

    def stop(self) -> None:
        """Stop taking: drop all items, and release the threads that wait for room."""
        with self._room:
            self.stopped = True
            self._items.clear()
            self._room.notify_all()

    def admit(self) -> None:
        """Make the threads that wait for room test again."""
        with self._room:
            self._room.notify_all()

    def taken(self, made_room: Callable[[], None]) -> Iterator[Any]:
        """Take items, each when it is asked for, until none is left.

        Args:
            made_room: Called after each item while a thread waits for room; it must have
                :meth:`admit` called soon.
        """
        # This works without the lock, which would double the cost. A thread that is about to wait
        # first counts itself in `waiting`, then tests for room. This takes first, then tests
        # `waiting`. So one of the two always sees the other.
        pop = self._items.popleft
        while True:
            try:
                item = pop()
            except IndexError:
                return
            if self.waiting:
                made_room()
            yield item

    def sleep(self) -> bool:
        """Ask to be woken by the next item or the end; tell whether the entry is still empty."""
        with self._room:
            self._asleep = not self._items and not self.ended
            return self._asleep

    def _rouse(self) -> bool:
        """Tell whether to wake the consumer; the caller does so without the lock.

        The consumer may begin to work inside that call.
        """
        wake = self._asleep and not self.stopped and (self.ended or bool(self._items))
        if wake:
            self._asleep = False
        return wake


def check_overflow(
    overflow: object, capacity: object, where: str, error: type[Exception] = ValueError
) -> None:
    """Refuse an unknown overflow, and a capacity that is invalid or would have no effect.

    Args:
        overflow: The value given as overflow.
        capacity: The value given as capacity; None for the default.
        where: The name for the text of what they were given to.
        error: The class of the exception to raise.
    """
    if overflow not in OVERFLOWS:
        close = nearest(overflow, OVERFLOWS)
        hint = f"; did you mean {close!r}" if close else ""
        listed = f"{', '.join(map(repr, OVERFLOWS[:-1]))} or {OVERFLOWS[-1]!r}"
        raise error(f"overflow of {where} must be {listed}, got {overflow!r}{hint}")
    if capacity is not None and (
        not isinstance(capacity, int) or isinstance(capacity, bool) or capacity < 1
    ):
        raise error(f"capacity of {where} must be an integer of at least 1, got {capacity!r}")
    if capacity is not None and overflow == "unbounded":
        raise error(f"{where} was given a capacity although overflow='unbounded' has no bound")
