"""Where pushes wait for room: gates, the waiters before them, and the turns they are given.

The rules, which random cancels tried hard to break before they were written down:

1. A pop that makes room gives the *turn* at its gate to the first waiter that has room everywhere
   else; one that lacks room elsewhere is passed over and stands in line there as well (P6).
2. While a turn is given, newcomers find the gate shut, so nobody overtakes.
3. A waiter that wakes looks again, and what it finds is what counts: it may take a place that is
   kept for another, who will look again in turn. Two fan-outs that each kept a place for good could
   otherwise give each other's places back for ever.
4. A fan-out waits holding nothing. Nobody's item is handed over for it: a late cancel would lose or
   double it (P7).
5. Whoever leaves, served, cancelled or timed out, passes on what it was given.
6. Where nobody is in line and the consumer is likely to make room soon, since a task of it runs in
   the next round of the loop, a push *books*: it takes the turn ahead of time and comes back in
   that round, which costs a fraction of being woken. If there is no room even then, it stands in
   line like any other, but at the head.

Rules: P6, P7.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, Protocol

from .pace import Owner

__all__ = ["NEXT_ROUND", "NOBODY", "NO_PLACES", "UNKNOWN", "Gate", "Runs", "Timer", "Waiter"]


class _HasGates(Protocol):
    @property
    def gates(self) -> Sequence[Gate]:
        """All that must have room."""


class Runs(Protocol):
    """A stream, as the gates around it see it."""

    runs_next: int
    """How many of its tasks wait in a port for the next round of the loop alone."""


class _Unknown:
    __slots__ = ()
    runs_next: Final = 0


UNKNOWN: Any = _Unknown()
"""A stream of which nobody knows when it runs."""


class _NextRound:
    """Awaited, it lets the loop go round once, as ``asyncio.sleep(0)`` does, for less."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __await__(self) -> Generator[None, None, None]:
            """Yield once."""
    else:
        __await__ = (None,).__iter__  # no call in Python: 3 % of an item in bulk


NEXT_ROUND = _NextRound()

NOBODY: Any = ()
"""A line in which nobody has stood so far: most never need a deque, which takes 600 bytes."""

NO_PLACES: Iterator[Callable[[Any], None]] = repeat(lambda _: None, 0)
"""What a short push finds that must not go the short way."""


class Gate:
    """A place that lets a push pass while fewer than `gate` items are in `items`.

    By itself it is the gate of an edge whose operators have not subscribed yet: it holds no items
    and is shut until :meth:`release`. A buffer is a gate with items behind it.
    """

    __slots__ = (
        "consumer",
        "gate",
        "has_waiters",
        "items",
        "loop",
        "places",
        "putters",
        "room",
        "threshold",
        "turn",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, threshold: int = 0) -> None:
        self.loop = loop
        self.items: deque[Any] = deque()
        self.threshold = threshold
        self.gate = threshold
        """What newcomers compare with: `threshold`, or 0 while a turn is given (rule 2)."""
        self.room = 0
        """What a direct push compares with, where the gate is a buffer; 0 while a turn is given."""
        self.places = NO_PLACES
        """Places that the only producer of a buffer may fill without a look (see `enter`)."""
        self.consumer: Runs = UNKNOWN
        """Who takes the items."""
        self.putters: deque[Waiter] = NOBODY
        self.turn: Waiter | _NextRound | None = None
        self.has_waiters = False
        """Whether a pop must call :meth:`wake_next`."""

    def full(self) -> bool:
        """Tell whether there is no room, whoever has the turn (rule 3)."""
        return len(self.items) >= self.threshold

    def settle(self) -> None:
        """Recompute what depends on turns and lines, after either changed."""
        self.gate = self.threshold if self.turn is None else 0
        self.has_waiters = self.turn is None and bool(self.putters)

    def release(self) -> None:
        """Open for good: what held the edge back is there now."""
        self.threshold = sys.maxsize
        self.settle()
        self.wake_next()

    def reserve(self) -> bool:
        """Take the turn ahead of time, where nobody else waits for it (rule 6)."""
        if self.turn is None and not self.putters and len(self.items) >= self.threshold:
            self.turn = NEXT_ROUND
            self.room = self.gate = 0  # as settle() would find; where it is full, no place is left
            self.has_waiters = False
            return True
        return False

    def cancel_reservation(self) -> None:
        """Give a reserved turn up; who stood in line meanwhile comes after who had it."""
        self.turn = None
        self.settle()
        if self.putters:
            self.loop.call_soon(self.wake_next)

    def enlist(self, waiter: Waiter, *, first: bool = False) -> None:
        """Put `waiter` in line, unless it stands there already.

        Args:
            waiter: Who waits.
            first: Whether it goes to the head of the line.
        """
        if self not in waiter.lines:
            waiter.lines[self] = None
            if self.putters is NOBODY:
                self.putters = deque()
            if first:
                self.putters.appendleft(waiter)
            else:
                self.putters.append(waiter)
        self.has_waiters = self.turn is None

    def wake_next(self) -> None:
        """Give the turn to the first waiter that can go, if there is room (rule 1)."""
        if self.turn is not None or len(self.items) >= self.threshold:
            return
        for waiter in self.putters:
            future = waiter.future
            if future is None or future.done():
                continue
            if len(waiter.output.gates) == 1 or waiter.can_go(self):
                self.turn = waiter
                waiter.turns.append(self)
                self.places = NO_PLACES
                self.room = self.gate = 0  # as settle() would find
                self.has_waiters = False
                future.set_result(None)
                return
        # All in line lack room elsewhere, and are woken from there.
        self.has_waiters = False


class Waiter:
    """A push that waits until every gate of its output has room."""

    __slots__ = ("_lacking", "future", "lines", "output", "served", "turns")

    def __init__(self, output: _HasGates) -> None:
        self.output = output
        self.future: asyncio.Future[None] | None = None
        self.lines: dict[Gate, None] = {}
        self.turns: list[Gate] = []
        self.served = False
        self._lacking = 0
        """The place, among the gates, of the one that lacked room when last looked for."""

    def can_go(self, here: Gate) -> bool:
        """Tell whether only room at `here` was missing; if not, stand in line where it is."""
        gates = self.output.gates
        count = len(gates)
        # To look at all gates each time would cost the square of their number: a wide fan-out is
        # asked here once for each of them. So it begins with the gate that was in the way before.
        for place in range(self._lacking, self._lacking + count):
            gate = gates[place % count]
            if gate is not here and gate.full():
                gate.enlist(self)
                self._lacking = place % count
                return False
        return True

    def wake(self) -> None:
        """Let the push look again."""
        if self.future is not None and not self.future.done():
            self.future.set_result(None)

    def give_back(self) -> None:
        """Pass on every turn and stay in line: room was missing after all (rule 3)."""
        turns, self.turns = self.turns, []
        for gate in turns:
            if gate.turn is self:
                gate.turn = None
                gate.settle()
                gate.wake_next()

    def leave_others(self, gates: Sequence[Gate]) -> None:
        """Leave the lines of gates that are not among `gates` any more (rule 5)."""
        kept = set(gates)
        for gate in [gate for gate in self.lines if gate not in kept]:
            del self.lines[gate]
            if self._quit(gate):
                gate.wake_next()

    def leave(self) -> None:
        """Leave every line, and pass the turns on (rule 5).

        Once served, the push's stream goes on first: it fills what room is left without another
        wake-up, and only when it waits or ends the next in line is woken.
        """
        self.future = None
        for gate in self.lines:
            if self._quit(gate):
                if self.served:
                    gate.loop.call_soon(gate.wake_next)
                else:
                    gate.wake_next()

    def _quit(self, gate: Gate) -> bool:
        """Leave the line of `gate` and give its turn up; tell whether another could go now."""
        gate.putters.remove(self)
        if gate.turn is self:
            gate.turn = None
        gate.settle()
        return bool(gate.putters) and not gate.full()


class Timer:
    """The ``timeout=`` of one call: fails the future that the call waits on.

    Args:
        process: Whose call it is.
        seconds: How long the call may wait.
        what: What waits, for the error.
    """

    __slots__ = ("_all", "_handle", "expired", "future", "what")

    def __init__(self, process: Owner, seconds: float, what: str) -> None:
        self.what = f"{what} waited for {seconds:g} s"
        self.expired = False
        self.future: asyncio.Future[None] | None = None
        self._handle = process.loop.call_later(seconds, self._expire)
        if not process.timers:
            process.timers = set()
        self._all = process.timers
        self._all.add(self)

    def watch(self, future: asyncio.Future[None]) -> None:
        """Fail `future` at the end of the time, or at once if that has passed."""
        self.future = future
        if self.expired:
            self._expire()

    def cancel(self) -> None:
        """Stop the clock."""
        self._handle.cancel()
        self._all.discard(self)

    def _expire(self) -> None:
        self.expired = True
        if self.future is not None and not self.future.done():
            self.future.set_exception(TimeoutError(self.what))
