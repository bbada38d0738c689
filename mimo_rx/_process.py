"""What the ports of one stream in one run have in common."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat
from operator import length_hint
from sys import maxsize
from typing import TYPE_CHECKING, Any, Protocol

from ._errors import DownstreamClosed
from ._pushed import Pushed

if TYPE_CHECKING:
    from ._entry import Entry
    from ._gate import Timer
    from ._port import Input, Output

__all__ = ["Budget", "Clock", "Process", "Turn", "Watches"]

BREATH = 1000
"""Calls that need no wait which may follow each other before the loop goes round (P12)."""


class Watches(Protocol):
    """The watch for rings, as ports see it."""

    def arm(self) -> None:
        """Look at who waits for whom, soon."""


class Turn(asyncio.Future[None]):
    """What a task of a stream awaits of another task of the same stream alone.

    To the watch for rings (D4) who waits for one is at rest: it cannot go on by itself.
    """


class Clock:
    """Adds up the time in which at least one task of a stream waits, by the loop's clock.

    Who begins to wait adds one to :attr:`depth`, the first one setting :attr:`since`; who ends
    takes one off, the last one adding to :attr:`total`. Both do so in place, since a call more in
    each wait can be seen in the price of an item.
    """

    __slots__ = ("depth", "now", "since", "total")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # The usual loop's clock is this one: asking it directly saves a call a wait.
        usual = getattr(type(loop), "time", None) is asyncio.BaseEventLoop.time
        self.now: Callable[[], float] = time.monotonic if usual else loop.time
        self.total = 0.0
        self.since = 0.0
        self.depth = 0

    def seconds(self) -> float:
        """Return the time added up so far, in seconds."""
        running = self.now() - self.since if self.depth else 0.0
        return self.total + running


class Budget:
    """Counts the calls of a port, and says when the loop should go round (P12).

    Drawing from :attr:`ticks` costs next to nothing and counts by itself; once they are used up,
    :meth:`renew` gives new ones.

    Args:
        size: Calls in a row before a breath is due.
    """

    __slots__ = ("_base", "_size", "due", "ticks")

    def __init__(self, size: int = maxsize) -> None:
        self._size = max(1, size)
        self._base = 0
        self.due = False
        """Whether the next trip through the loop is due after a :meth:`draw`."""
        self.ticks: Iterator[None] = repeat(None, self._size)

    @property
    def count(self) -> int:
        """Calls so far."""
        return self._base + self._size - length_hint(self.ticks)

    def draw(self, calls: int = 1) -> None:
        """Count `calls` that were made in another way than by drawing a tick each."""
        if self._size == maxsize:
            self._base += calls  # short ways may hold on to the ticks of a budget without end
            return
        left = length_hint(self.ticks)
        self._base += max(0, calls - left)
        self.ticks = repeat(None, max(0, left - calls))
        self.due = calls >= left

    def renew(self) -> None:
        """Give new ticks, and count one for the call that found none left."""
        self._refill()
        next(self.ticks)

    def _refill(self) -> None:
        self.due = False
        self._base += self._size
        self.ticks = repeat(None, self._size)

    async def breathe(self) -> None:
        """Let the loop go round once."""
        if self.due:
            self._refill()
        await asyncio.sleep(0)


class Process:
    """One stream in one run, as its ports see it.

    Args:
        path: The step's path in the workflow, for errors and notes.
        loop: The loop that the run is on.
        pushed: What a push returns that had room; one for the whole run.
    """

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop, pushed: Pushed) -> None:
        self.path = path
        self.loop = loop
        self.pushed = pushed
        self.debug = loop.get_debug()
        self.ins: dict[str, Input[Any]] = {}
        self.outs: dict[str, Output[Any]] = {}
        self.starved = Clock(loop)
        self.backpressured = Clock(loop)
        self.soon = 0
        """How many of its tasks wait in a port for the next round of the loop alone."""
        self.over = False
        """Nobody reads any main output any more (C4)."""
        self.told = False
        """``DownstreamClosed`` was raised in it: a cancel would strike its clean-up now."""
        self.entry: Entry | None = None
        """Where its items come in from outside, if they do."""
        self.watch: Watches | None = None
        """What is told that a wait begins, where it may be part of a ring."""
        self.timers: set[Timer] | tuple[()] = ()
        """The timeouts of those that wait in its ports."""
        self.breath = BREATH
        """Calls of one output that may follow each other before the loop goes round (P12)."""

    def where(self, side: str, name: str) -> str:
        """Return what an error calls a port.

        Args:
            side: ``input`` or ``output``.
            name: The port.
        """
        return f"{side} {name!r} of step {self.path!r}"

    def iteration(self, name: str) -> str:
        """Return how to iterate over an input."""
        return f"async for item in ins.{name}"

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Let `work` run in a daemon thread, for which the run waits at its end (E6)."""
        raise RuntimeError("threads are the streams' own: whoever works with a run has none of it")

    async def give_way(self) -> None:
        """Let a cancel that is on its way arrive."""
        await asyncio.sleep(0)

    def downstream_closed(self, port: str | None = None) -> DownstreamClosed:
        """Return the error that ends the stream quietly, and remember that it was told so."""
        self.told = True
        return DownstreamClosed(
            f"nobody reads the outputs of step {self.path!r} any more; "
            "let this exception pass to end quietly"
        )

    def edge_cancelled(self, output: Output[Any]) -> None:
        """Look whether anybody still reads a main output, after an edge of one was cancelled."""
        if self.over or output.side:
            return
        if any(other.links and not other.side for other in self.outs.values()):
            return
        self.end_over()

    def end_over(self) -> None:
        """Declare the stream over: its pushes and pops raise ``DownstreamClosed`` from now on."""
        self.over = True
        for output in self.outs.values():
            output.end_over()
        _cascade.go_on(self)


class _Cascade(threading.local):
    """Closes the inputs of streams that are over, which may be the end of others upstream.

    One after the other, so that a chain of any length comes to its end without recursion.
    """

    def __init__(self) -> None:
        self._waiting: deque[Process] = deque()
        self._busy = False

    def go_on(self, process: Process) -> None:
        """Close the inputs of `process`, now or as soon as those before it are closed."""
        self._waiting.append(process)
        if self._busy:
            return
        self._busy = True
        try:
            while self._waiting:
                for port in self._waiting.popleft().ins.values():
                    port.end_over()
        finally:
            self._busy = False
            self._waiting.clear()


_cascade = _Cascade()
