"""What the ports of one stream share: its clocks, its budgets, and what they know of their owner.

The ports know the stream that they belong to by the protocol :class:`Owner` alone. The class that
fulfils it, :class:`Process`, stands above them.

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
"""Calls that need no wait which may follow each other before the loop goes round (P12)."""


class Watches(Protocol):
    """The watch for rings, as ports see it."""

    def arm(self) -> None:
        """Look at who waits for whom, soon."""


class InnerWait(asyncio.Future[None]):
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
        size: Calls in a row before a allowance is due.
    """

    __slots__ = ("_base", "_size", "due", "ticks")

    def __init__(self, size: int = maxsize) -> None:
        self._size = max(1, size)
        self._base = 0
        self.due = False
        """Whether the next trip through the loop is due after a :meth:`spend`."""
        self.ticks: Iterator[None] = repeat(None, self._size)

    @property
    def count(self) -> int:
        """Calls so far."""
        return self._base + self._size - length_hint(self.ticks)

    def spend(self, calls: int = 1) -> None:
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

    async def go_round(self) -> None:
        """Let the loop go round once."""
        if self.due:
            self._refill()
        await asyncio.sleep(0)


class Drops(Protocol):
    """Where items come in from outside, as statistics see it."""

    drops: int
    """Items that were dropped there."""


class Owner(Protocol):
    """The stream that ports belong to, as they see it; see :class:`Process`."""

    path: str
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
        """Return what an error calls a port."""

    def iteration(self, name: str) -> str:
        """Return how to iterate over an input."""

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Let `work` run in a daemon thread, for which the run waits at its end (E6)."""

    async def give_way(self) -> None:
        """Let a cancel that is on its way arrive."""

    def downstream_closed(self, port: str | None = None) -> MimoError:
        """Return what a push or pop raises when nobody reads the stream any more (C4)."""

    def edge_cancelled(self, output: Any) -> None:
        """Look whether anybody still reads a main output, after an edge of one was cancelled."""
