"""The things that the ports of one stream share: clocks, budgets and the protocol of their owner.

A call that needs no wait does not go through the event loop. An *allowance* is how many such calls
may follow each other before the loop must go round once (P12). Each of them uses up one *tick*.

The ports know the stream they belong to only by the protocol :class:`Owner`. The class that
implements it, :class:`Process`, stands above them.

Rules: P12.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from operator import length_hint
from sys import maxsize
from typing import Any, Protocol

from .._errors import MimoError

__all__ = ["ALLOWANCE", "Budget", "Clock", "Drops", "InnerWait", "Owner", "Watches"]

ALLOWANCE = 1000
"""How many calls that need no wait may follow each other before the loop goes round (P12)."""


class Watches(Protocol):
    """The watch for rings, as ports see it."""

    def arm(self) -> None:
        """Look soon at who waits for whom."""


class InnerWait(asyncio.Future[None]):
    """A future that only another task of the same stream completes.

    The watch for rings (D4) takes a task that waits for one to be at rest: it cannot go on by
    itself.
    """


class Clock:
    """Adds up the time in which at least one task of a stream waits, by the loop's clock.

    A task that begins to wait adds one to :attr:`depth`; the first one also sets :attr:`since`. A
    task that ends its wait takes one off; the last one also adds to :attr:`total`. The tasks do
    this in place, since one more call in each wait shows in the cost of an item.
    """

    __slots__ = ("depth", "now", "since", "total")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # The usual loop's clock is time.monotonic: asking it directly saves a call in each wait.
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

    Drawing from :attr:`ticks` costs next to nothing and counts by itself. Once they are used up,
    :meth:`renew` gives new ones.

    Args:
        size: The allowance: calls in a row before the loop should go round, at least 1.
    """

    __slots__ = ("_base", "_size", "due", "ticks")

    def __init__(self, size: int = maxsize) -> None:
        self._size = max(1, size)
        self._base = 0
        self.due = False
        """Whether the last :meth:`spend` used up the ticks, so that the loop should go round."""
        self.ticks: Iterator[None] = repeat(None, self._size)

    @property
    def count(self) -> int:
        """Calls so far."""
        return self._base + self._size - length_hint(self.ticks)

    def spend(self, calls: int = 1) -> None:
        """Count `calls` that were made without drawing a tick each."""
        if self._size == maxsize:
            self._base += calls  # ways may hold on to the ticks of an endless budget
            return
        left = length_hint(self.ticks)
        self._base += max(0, calls - left)
        self.ticks = repeat(None, max(0, left - calls))
        self.due = calls >= left

    def renew(self) -> None:
        """Give new ticks, and draw one for the call that found none left."""
        self._refill()
        next(self.ticks)

    def _refill(self) -> None:
        self.due = False
        self._base += self._size
        self.ticks = repeat(None, self._size)

    async def go_round(self) -> None:
        """Let the loop go round once."""
        if self.due:
            self._refill()
        await asyncio.sleep(0)


class Drops(Protocol):
    """The entry of items from outside, as a run sees it."""

    drops: int
    """Items that were dropped there."""

    def is_idle(self) -> bool:
        """Tell whether nothing waits there, and the source has nothing scheduled on the loop."""


class Owner(Protocol):
    """The stream that ports belong to, as the ports see it; see :class:`Process`."""

    path: str
    as_source: str
    as_target: str
    loop: asyncio.AbstractEventLoop
    pushed: Any
    debug: bool
    starved: Clock
    backpressured: Clock
    runs_next: int
    allowance: int
    entry: Drops | None
    watch: Watches | None
    timers: set[Any] | tuple[()]

    @property
    def ins(self) -> Mapping[str, object]:
        """Its inputs by name."""

    def where(self, side: str, name: str) -> str:
        """Return how an error names a port."""

    def iteration(self, name: str) -> str:
        """Return the line of code that iterates over an input, for hints."""

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Run `work` in a daemon thread, which the run waits for at its end (E6)."""

    async def give_way(self) -> None:
        """Let a cancel that is on its way arrive."""

    def downstream_closed(self, port: str | None = None) -> MimoError:
        """Return the error that a push or pop raises when nobody reads the stream any more (C4)."""

    def edge_cancelled(self, output: Any) -> None:
        """Check whether any main output is still read, after an edge of one was cancelled."""
