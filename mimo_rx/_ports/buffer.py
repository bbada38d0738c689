"""The bounded FIFO in front of an input.

A *buffer* holds the items that were pushed and not popped yet. Its *threshold* is the bound, in
items, and its *peak* is the most items that it has ever held. Producers wait in line for room, in
``putters``, and consumers for an item, in ``getters``.

A push looks at one number, ``room``. If the buffer holds fewer items, the push appends its item and
is done. Otherwise it has more to do. ``room`` follows from the state that the buffer is in:

========= =================================== =============== =====================================
State     When                                ``room``        What a push does
========= =================================== =============== =====================================
ordinary  it holds fewer items than its peak  the peak        appends
rising    it is at its peak and not full      the peak        appends and raises the peak
full      it holds `threshold` items          the threshold   waits
awaited   a consumer is in line               0               appends and wakes the consumer
shut      a turn is given (see ``gate.py``)   0               waits, unless it has the turn
closed    the consumer is gone                0               drops its item
========= =================================== =============== =====================================

``room`` never exceeds the threshold, even where items that count as ``over`` have raised the peak
above it. A buffer whose producers have all closed has *ended*: pops take what is left, and the next
one finds the end.

The only producer of a buffer need not even compare. It draws from ``places``: a *place* is one
append that was counted out in advance. All that is not ordinary has methods of its own, so that the
common path stays short.

The consumer's side counts too. Each call of the consumer draws a *tick*. When the ticks of an
*allowance* are used up, the loop must go *round*: it runs the callbacks that are ready once (P12).

Rules: P3, P5, P8, C2, C3.
"""

from __future__ import annotations

from asyncio import Future
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import repeat
from operator import length_hint
from typing import Any, Protocol

from .gate import NEXT_ROUND, NO_PLACES, NOBODY, UNKNOWN, Gate, Runs, Timer
from .pace import Owner

__all__ = ["A_ROUND", "IN_LINE", "NEVER", "Buffer", "Feed"]


class Feed(Protocol):
    """What feeds a buffer: an edge, or the end of an edge with operators on it."""

    @property
    def live(self) -> bool:
        """Whether it may still deliver."""

    @property
    def feedback(self) -> bool:
        """Whether it closes a ring on purpose (D6)."""

    def sources(self) -> Iterable[Owner | None]:
        """Return those any of whom can make it deliver; None is whoever cannot be seen (D4)."""

    def cancel(self) -> None:
        """Stop carrying items."""

    def rest(self) -> None:
        """Signal the end to the buffer and stop carrying items."""


NEVER, A_ROUND, IN_LINE = range(3)
"""How a consumer has waited for an item so far: not at all, for a round of the loop, in line."""


_NO_BURST: Iterator[Any] = repeat((), 0)


class Buffer(Gate):
    """A FIFO that holds at most `threshold` items, except those that count as `over` (P3).

    Args:
        process: The stream whose input this is.
        port: The name of that input.
        threshold: The bound, in items (at least 1).
        allowance: Calls of the consumer that may follow each other without a wait (P12).
    """

    __slots__ = (
        "_base",
        "allowance",
        "burst_left",
        "burst_size",
        "closed",
        "edges",
        "fan_in",
        "feeder",
        "getters",
        "growth",
        "has_waited",
        "lost",
        "over",
        "peak",
        "port",
        "process",
        "producers",
        "stream_over",
        "ticks",
    )

    def __init__(self, process: Owner, port: str, threshold: int, allowance: int) -> None:
        super().__init__(process.loop, threshold)
        self.process = process
        self.port = port
        self.peak = 0
        self.over = 0
        self.growth = 0
        """Items by which the bound was raised to let a ring go on (D2)."""
        self.lost = 0
        """Items that had entered and were dropped when the consumer went away."""
        self.getters: deque[Future[None]] = NOBODY
        self.edges: list[Feed] = []
        """All edges that ever fed it; they are cancelled with it."""
        self.consumer = process
        self.feeder: Runs = UNKNOWN
        """The stream that feeds it, if it is the only one and this is the consumer's only input.
        With several inputs, waiting a round for each is slower than waiting in line."""
        self.fan_in = 0
        """How many edges feed it, directly or through operators."""
        self.producers = 0
        """Edges that may still deliver; at 0 the input has ended (C2)."""
        self.closed = False
        """Whether the consumer is gone (C4)."""
        self.stream_over = False
        """Whether the whole stream is over: a pop raises ``DownstreamClosed`` (C4)."""
        self.has_waited = False
        """Whether the consumer has waited since the last :meth:`must_yield`."""
        self.allowance = max(1, allowance // 4)
        """Ticks given out at a time. A consumer may use several allowances before timers run, so
        each is a quarter of what P12 allows. A timer that is due runs at the end of the second
        round of the loop, and a consumer that has just waited gets new ticks without a round. So at
        most three allowances are used, or two and two of the same stream's pushes."""
        self._base = 0
        self.burst_left = _NO_BURST
        """Counts down the items of a burst that is under way. It began with `burst_size`. The items
        are added to the count of ticks when the burst is over."""
        self.burst_size = 0
        self.ticks = repeat((), self.allowance)
        """A call draws one tick. The iterator counts itself, which costs nothing. A call that takes
        more or less than one item corrects the count. (A tick is an empty argument list, so that
        ``starmap(popleft, ticks)`` draws a tick and takes an item.)"""

    def __repr__(self) -> str:
        """Show whose input it serves and how full it is."""
        return f"<Buffer of {self.process.path}.{self.port}: {len(self.items)} of {self.threshold}>"

    # Counters

    @property
    def taken(self) -> int:
        """Items that were popped."""
        under_way = self.burst_size - length_hint(self.burst_left)
        return self._base + self.allowance - length_hint(self.ticks) + under_way

    @property
    def entered(self) -> int:
        """Items that have entered so far."""
        return self.taken + len(self.items) + self.lost

    def untick(self, ticks: int = 1) -> None:
        """Correct the count of items taken.

        Args:
            ticks: Ticks that were drawn without taking an item; negative for items that were taken
                without drawing a tick.
        """
        self._base -= ticks

    # Producers

    def grow(self, items: int) -> None:
        """Raise the bound by `items` (D2)."""
        self.threshold += items
        self.growth += items
        self.settle()
        self.wake_next()

    def fed_by(self, feeder: Owner) -> None:
        """Remember `feeder`, if it is the only one and the consumer has no other input."""
        if self.fan_in == 1 and len(self.process.ins) < 2:
            self.feeder = feeder

    def settle(self) -> None:
        """Recompute `room` and `gate` after anything they depend on has changed."""
        self.places = NO_PLACES
        if self.turn is not None:
            self.room = self.gate = 0
            self.has_waiters = False
            return
        self.gate = self.threshold
        self.has_waiters = bool(self.putters)
        if self.closed or self.getters:
            self.room = 0
        else:
            self.room = self.peak if self.peak < self.threshold else self.threshold

    def put(self, item: Any) -> None:
        """Append `item`, even above the bound: a push waits for room before it calls this."""
        items = self.items
        self.places = NO_PLACES
        if len(items) < self.room:
            items.append(item)
            return
        if self.closed:
            return
        depth = len(items) + 1
        if depth > self.threshold:
            self.over += 1
        items.append(item)
        if depth > self.peak:
            self.peak = depth
        getters = self.getters
        if getters:
            future = getters.popleft()
            if future.done():
                self.wake_getter()
            else:
                future.set_result(None)
        # The same as settle(), since neither the turn nor the line of producers has changed.
        if self.turn is None and not getters:
            self.room = self.peak if self.peak < self.threshold else self.threshold

    def enter(self, item: Any) -> None:
        """Append an item of the only producer, for which there is room, and count out its places.

        The producer may append an item per place without looking at the buffer. Pops only make more
        room, so they leave the places as they are. Anything else that happens here takes them back.
        """
        items = self.items
        depth = len(items)
        if depth and depth == self.room == self.peak:  # it has never held more
            items.append(item)
            self.peak = self.room = depth + 1
            return
        self.put(item)
        places = self.room - len(items)
        if places > 0:
            self.places = repeat(items.append, places)

    def filled(self) -> None:
        """Account for items that were appended: raise the peak, and wake a waiting consumer."""
        self.places = NO_PLACES
        if self.closed:  # by the iterator that gave the items
            self.lost += len(self.items)
            self.items.clear()
            return
        depth = len(self.items)
        if depth > self.peak:
            self.peak = depth
        if self.getters and depth:
            self.wake_getter()
        if self.turn is None and not self.getters:
            self.room = self.peak if self.peak < self.threshold else self.threshold

    def producer_closed(self) -> None:
        """Count one producer less; the input ends after the last one (C2)."""
        self.producers -= 1
        if self.producers == 0:
            self.wake_all()

    # The consumer

    async def ready(self, timeout: float | None = None, *, leaves: bool = False) -> bool:
        """Wait until an item can be taken.

        Args:
            timeout: How long to wait at most, in seconds.
            leaves: Whether the caller only looks at the item, and leaves it for the next in line.

        Returns:
            False once the end was signalled and nothing is left.

        Raises:
            DownstreamClosed: The stream is over.
            TimeoutError: `timeout` seconds passed first.
        """
        timer = None
        before = NEVER
        if timeout is not None:
            timer = Timer(self.process, timeout, self._what(leaves))
            before = A_ROUND  # so that wait() returns a future, which the timer can fail
        try:
            while not self.items:
                if not self.may_come():
                    return False
                waiting = self.wait(before)
                if timer is not None:
                    timer.watch(waiting)
                try:
                    await waiting
                except BaseException:
                    self.give_up(waiting)
                    raise
                finally:
                    self.waited(waiting)
                before = A_ROUND if waiting is NEXT_ROUND else IN_LINE
        finally:
            if timer is not None:
                timer.cancel()
        if self.getters and (leaves or len(self.items) > 1):
            self.wake_getter()
            self.settle()
        return True

    def may_come(self) -> bool:
        """Tell whether an item may still come.

        Raises:
            DownstreamClosed: The stream is over.
        """
        if self.stream_over:
            raise self.process.downstream_closed()
        return not self.closed and self.producers > 0

    def wait(self, before: int = NEVER) -> Any:
        """Begin to wait for an item, and return what to await.

        Args:
            before: How the caller has waited for this item so far.
        """
        process = self.process
        clock = process.starved
        if clock.depth:
            clock.depth += 1
        else:
            clock.depth = 1
            clock.since = clock.now()
        getters = self.getters
        if before == NEVER and (self.turn is not None or self.feeder.runs_next) and not getters:
            # A task of the producer runs in this round of the loop or the next. It is enough to
            # look again right after it, which is a round sooner than to be woken by it.
            process.runs_next += 1
            return NEXT_ROUND
        if process.watch is not None:
            process.watch.arm()
        future: Future[None] = Future(loop=self.loop)
        if getters is NOBODY:
            self.getters = getters = deque()
        if before == IN_LINE:  # it was woken, but its item was gone: it goes to the head
            getters.appendleft(future)
        else:
            getters.append(future)
        self.places = NO_PLACES
        self.room = 0
        return future

    def waited(self, waiting: Any) -> None:
        """Record that the wait for `waiting` is over."""
        process = self.process
        if waiting is NEXT_ROUND:
            process.runs_next -= 1
        clock = process.starved
        clock.depth -= 1
        if not clock.depth:
            clock.total += clock.now() - clock.since
        self.has_waited = True

    def give_up(self, future: Any) -> None:
        """Leave the line after the wait ended with an exception (P7)."""
        try:
            self.getters.remove(future)
        except (ValueError, AttributeError):  # not in line, or there is no line
            # It had been woken already: the wake-up belongs to the next in line (P7).
            if self.items:
                self.wake_getter()
        self.settle()

    def must_yield(self) -> bool:
        """Renew used-up ticks; tell whether the consumer must let the loop go round now (P12)."""
        if length_hint(self.ticks) == 0:
            self._base += self.allowance
            self.ticks = repeat((), self.allowance)
        waited, self.has_waited = self.has_waited, False
        return not waited

    def wake_getter(self) -> None:
        """Wake the first consumer in line."""
        while self.getters:
            future = self.getters.popleft()
            if not future.done():
                future.set_result(None)
                return

    def wake_all(self) -> None:
        """Wake every consumer in line: the end is signalled."""
        for future in self.getters:
            if not future.done():
                future.set_result(None)
        self.getters = NOBODY
        self.settle()

    def cancel_edges(self) -> None:
        """Drop the items that wait here and cancel every edge: the consumer is gone (C4)."""
        if self.closed:
            return
        self.closed = True
        self.lost += len(self.items)
        self.items.clear()
        self.wake_all()
        for edge in self.edges:
            edge.cancel()

    def _what(self, leaves: bool) -> str:
        call = "peek at" if leaves else "pop from"
        return f"{call} {self.process.where('input', self.port)}"
