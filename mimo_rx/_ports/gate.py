"""Where a push waits for room: gates, waiters and turns.

A *buffer* is the bounded queue in front of an input. Its *threshold* is the bound, in items. A push
goes from one output into every buffer that the output feeds, or into none.

A *gate* is where a push finds out whether there is room. Every buffer is a gate. So is an edge
whose operators have not subscribed yet: it has no room until they have. A push needs room at all
gates of its output.

A push that lacks room becomes a *waiter*. It stands in line at each gate that has no room, and
sleeps. A gate wakes one waiter at a time by giving it the *turn*: the right to push next. A *round*
is one pass of the event loop over the callbacks that are ready.

Six rules keep this fair and lose no item. The tests try to break them with random cancels.

1. A pop that makes room gives the turn at its gate to the first waiter that has room at all its
   other gates. A waiter that lacks room elsewhere is passed over. It joins the line there too (P6).
2. A gate is shut to newcomers while its turn is given, so no push overtakes the waiter that has it.
3. A waiter that wakes looks at its gates again and goes by what it finds. It may take a place that
   is meant for another waiter, which then looks again as well. If turns were binding, two fan-outs
   with one turn each could hand the turns back and forth for ever.
4. A fan-out holds nothing while it waits. Only the push itself hands its item over, after it wakes.
   If a pop did so for it, a late cancel would lose the item or deliver it twice (P7).
5. A waiter that leaves its lines passes on the turns it has, whether it was served, was cancelled
   or timed out.
6. A push may make a *reservation* where no waiter is in line and a task of the consumer runs in the
   next round, so that room is likely soon. The push takes the turn in advance, lets the loop go
   round once and looks again, which costs a fraction of being woken. If there is still no room, it
   joins the line like any other push, but at the head.

Rules: P6, P7.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import repeat
from numbers import Real
from typing import TYPE_CHECKING, Any, Final, Protocol

from .pace import Owner

__all__ = ["NEXT_ROUND", "NOBODY", "NO_PLACES", "UNKNOWN", "Gate", "Runs", "Timer", "Waiter"]


class _HasGates(Protocol):
    @property
    def gates(self) -> Sequence[Gate]:
        """All gates that must have room."""


class Runs(Protocol):
    """A stream, as the gates around it see it."""

    runs_next: int
    """How many of its tasks wait in a port only for the next round of the loop."""


class _Unknown:
    __slots__ = ()
    runs_next: Final = 0


UNKNOWN: Any = _Unknown()
"""Stands in for a stream where it is not known when the stream runs."""


class _NextRound:
    """Let the loop go round once when awaited, as ``asyncio.sleep(0)`` does, at less cost."""

    __slots__ = ()

    if TYPE_CHECKING:

        def __await__(self) -> Generator[None, None, None]:
            """Yield once."""
    else:
        __await__ = (None,).__iter__  # spares a call in Python: 3 % of the cost of an item in bulk


NEXT_ROUND = _NextRound()

NOBODY: Any = ()
"""A line that has had no waiter yet. Most lines never need a deque, which takes 600 bytes."""

NO_PLACES: Iterator[Callable[[Any], None]] = repeat(lambda _: None, 0)
"""The places of a gate whose producer must look before it appends: there are none."""


class Gate:
    """Lets a push pass while fewer than `gate` items are in `items`.

    This class itself is the gate of an edge whose operators have not subscribed yet. It holds no
    items and is shut until :meth:`release`. A buffer is a gate with items behind it.
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
        """Newcomers pass below this many items: `threshold`, or 0 if a turn is given (rule 2)."""
        self.room = 0
        """A push into a buffer only has to append below this many items; see :mod:`.buffer`."""
        self.places = NO_PLACES
        """Appends that the only producer of a buffer may make without looking at it (see
        :meth:`Buffer.enter`)."""
        self.consumer: Runs = UNKNOWN
        """The stream that takes the items."""
        self.putters: deque[Waiter] = NOBODY
        self.turn: Waiter | _NextRound | None = None
        self.has_waiters = False
        """Whether a pop must call :meth:`wake_next`."""

    def full(self) -> bool:
        """Tell whether there is no room, no matter who has the turn (rule 3)."""
        return len(self.items) >= self.threshold

    def settle(self) -> None:
        """Recompute what depends on the turn and the line, after either has changed."""
        self.gate = self.threshold if self.turn is None else 0
        self.has_waiters = self.turn is None and bool(self.putters)

    def release(self) -> None:
        """Open for good: the operators of the edge have subscribed."""
        self.threshold = sys.maxsize
        self.settle()
        self.wake_next()

    def reserve(self) -> bool:
        """Take the turn in advance if no waiter is in line; tell whether it was taken (rule 6)."""
        if self.turn is None and not self.putters and len(self.items) >= self.threshold:
            self.turn = NEXT_ROUND
            self.room = self.gate = 0  # as settle() would set it; a full buffer has no places left
            self.has_waiters = False
            return True
        return False

    def cancel_reservation(self) -> None:
        """Give up a reserved turn.

        The push that had it goes on first. Waiters that joined the line meanwhile are woken later.
        """
        self.turn = None
        self.settle()
        if self.putters:
            self.loop.call_soon(self.wake_next)

    def enlist(self, waiter: Waiter, *, first: bool = False) -> None:
        """Put `waiter` in line, unless it is there already.

        Args:
            waiter: The push that waits.
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
                self.room = self.gate = 0  # as settle() would set it
                self.has_waiters = False
                future.set_result(None)
                return
        # All waiters in line lack room at other gates, which will wake them.
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
        """Index of the gate that lacked room at the last look."""

    def can_go(self, here: Gate) -> bool:
        """Tell whether only `here` lacked room; if not, join the line of a gate that lacks it."""
        gates = self.output.gates
        count = len(gates)
        # A wide fan-out is asked this once for each of its gates. To look at all of them each time
        # would cost the square of their number, so begin with the gate that lacked room before.
        for place in range(self._lacking, self._lacking + count):
            gate = gates[place % count]
            if gate is not here and gate.full():
                gate.enlist(self)
                self._lacking = place % count
                return False
        return True

    def wake(self) -> None:
        """Wake the push, so that it looks at its gates again."""
        if self.future is not None and not self.future.done():
            self.future.set_result(None)

    def give_back(self) -> None:
        """Pass on every turn but stay in line: room was missing after all (rule 3)."""
        turns, self.turns = self.turns, []
        for gate in turns:
            if gate.turn is self:
                gate.turn = None
                gate.settle()
                gate.wake_next()

    def leave_others(self, gates: Sequence[Gate]) -> None:
        """Leave the lines of gates that are no longer among `gates` (rule 5)."""
        kept = set(gates)
        for gate in [gate for gate in self.lines if gate not in kept]:
            del self.lines[gate]
            if self._quit(gate):
                gate.wake_next()

    def leave(self) -> None:
        """Leave every line and pass on every turn (rule 5).

        After a push that was served, its stream goes on first. It fills the room that is left
        without another wake-up. The next in line is woken only when that stream waits or ends.
        """
        self.future = None
        for gate in self.lines:
            if self._quit(gate):
                if self.served:
                    gate.loop.call_soon(gate.wake_next)
                else:
                    gate.wake_next()

    def _quit(self, gate: Gate) -> bool:
        """Leave the line of `gate` and give up its turn; tell whether another could go now."""
        gate.putters.remove(self)
        if gate.turn is self:
            gate.turn = None
        gate.settle()
        return bool(gate.putters) and not gate.full()


class Timer:
    """The ``timeout=`` of one call: when the time is up, the future that the call waits on fails.

    Args:
        process: The stream that makes the call.
        seconds: How long the call may wait; it does not if this is 0 or less.
        what: How the error names the call.

    Raises:
        TypeError: `seconds` is no number.
        ValueError: `seconds` is nan.
    """

    __slots__ = ("_all", "_handle", "expired", "future", "what")

    def __init__(self, process: Owner, seconds: float, what: str) -> None:
        given: Any = seconds
        if isinstance(given, bool) or not isinstance(given, Real):
            raise TypeError(f"timeout of {what} is a number of seconds or None, got {given!r}")
        if given != given:
            raise ValueError(f"timeout of {what} is a number of seconds, got nan")
        seconds = float(given)
        self.what = f"{what} waited for {seconds:g} s"
        self.expired = False
        self.future: asyncio.Future[None] | None = None
        self._handle = process.loop.call_later(seconds, self._expire)
        if not process.timers:
            process.timers = set()
        self._all = process.timers
        self._all.add(self)

    def watch(self, future: asyncio.Future[None]) -> None:
        """Fail `future` when the time is up, or at once if it already is."""
        self.future = future
        if self.expired:
            self._expire()

    def cancel(self) -> None:
        """Stop the timer."""
        self._handle.cancel()
        self._all.discard(self)

    def _expire(self) -> None:
        self.expired = True
        if self.future is not None and not self.future.done():
            self.future.set_exception(TimeoutError(self.what))
