"""Where items come in from outside: a bounded FIFO between threads, and what it does when full.

An Observable of RxPY delivers whenever it likes. The place where its items wait for those who work
more slowly is here, before the first operator, and nowhere else.

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
"""What becomes of an item that comes while there is no room: its thread waits, all fails, it is
dropped, the oldest one is dropped for it, there is always room."""

OVERFLOWS: tuple[str, ...] = get_args(Overflow)


class Entry:
    """A FIFO into which any thread may put, and from which one consumer takes.

    Args:
        overflow: What becomes of an item that comes while there is no room.
        capacity: Items that it holds; without effect if it is unbounded.
        name: How errors call the source.
        wake: Called from any thread when the consumer has something to look at.
        refuse_to_wait: Returns the error to end with if the thread that puts must not be made to
            wait, else None.
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
        """Whether the consumer has seen all and waits to be woken."""
        self.waiting = 0
        """Threads that wait for room."""
        self.stopped = False
        """Whether nobody takes any more."""
        self.ended = False
        """Whether nobody puts any more; what is there is still taken."""
        self.error: BaseException | None = None
        """What it ended with, if that was no success."""
        self.drops = 0
        """Items that found no room and were dropped, or for which another one was."""

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Any) -> bool:
        """Add `item`, from any thread, waiting for room if need be; tell whether to go on."""
        with self._room:
            if self._overflow == "block" and (error := self._refuse_to_wait()) is not None:
                self._close(error)  # at the first item, not now and then when there is no room
            goes_in = self._has_room() or self._when_full()
            goes_on = not (self.stopped or self.ended)
            if goes_in and goes_on:
                self._items.append(item)
            wake = self._rouse()
        if wake:
            self._wake()
        return goes_on

    def _has_room(self) -> bool:
        """Tell whether an item goes in, or needs no place since nothing goes in any more."""
        closed = self.stopped or self.ended or self._overflow == "unbounded"
        return closed or len(self._items) < self._capacity

    def _when_full(self) -> bool:
        """Do what is to be done when full; tell whether the item then goes in."""
        match self._overflow:
            case "block":
                self._wait_for_room()
            case "error":
                self._close(
                    BufferOverflow(
                        f"source {self._name!r} delivered an item while {self._capacity} waited at "
                        "its entry, which is all that it holds; give it a larger capacity or "
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
                    pass  # taken() needs no lock, and has made room meanwhile
        return True

    def _wait_for_room(self) -> None:
        self.waiting += 1  # before looking again: see taken()
        try:
            self._room.wait_for(self._has_room)
        finally:
            self.waiting -= 1

    def end(self, error: BaseException | None = None) -> None:
        """Signal the end, or an error, from any thread; what is there is still taken."""
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
        """Take no more: drop what is there, and let go whoever waits for room."""
        with self._room:
            self.stopped = True
            self._items.clear()
            self._room.notify_all()

    def admit(self) -> None:
        """Let those who wait for room look again."""
        with self._room:
            self._room.notify_all()

    def taken(self, made_room: Callable[[], None]) -> Iterator[Any]:
        """Take items, each when it is asked for, until none is left.

        Args:
            made_room: Called after each item while somebody waits for room, to have
                :meth:`admit` called soon.
        """
        # Without the lock, which would cost as much as the rest: whoever is about to wait says so
        # before it looks, and this looks whether anybody waits after it has taken.
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
        """Ask to be woken by the next item or the end; tell whether there is nothing yet."""
        with self._room:
            self._asleep = not self._items and not self.ended
            return self._asleep

    def _rouse(self) -> bool:
        """Tell whether the consumer is to be woken; not under the lock, for it may work at once."""
        wake = self._asleep and not self.stopped and (self.ended or bool(self._items))
        if wake:
            self._asleep = False
        return wake


def check_overflow(
    overflow: object, capacity: object, where: str, error: type[Exception] = ValueError
) -> None:
    """Refuse an overflow that is none, and a capacity that is none or has no effect.

    Args:
        overflow: What was given as one.
        capacity: Likewise; None for a default.
        where: To what it was given, for the text.
        error: The class of what is raised.
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
