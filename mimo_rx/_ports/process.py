"""What the ports of one stream share in one run.

Rules: C4.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from .._errors import DownstreamClosed, MimoError
from .._life import Event, Life
from .gate import Timer
from .input import Input
from .output import Output
from .pace import ALLOWANCE, Clock, Drops, Watches
from .pushed import Pushed

__all__ = ["Process"]


class Process:
    """One stream in one run, as its ports see it.

    Args:
        path: The step's path in the workflow, for errors and notes.
        loop: The loop that the run is on.
        pushed: What a push returns if there was room; one object for the whole run.
    """

    def __init__(self, path: str, loop: asyncio.AbstractEventLoop, pushed: Pushed) -> None:
        self.path = path
        self.as_source = self.as_target = path
        """The prefix of its ports at either end of an edge."""
        self.loop = loop
        self.pushed = pushed
        self.debug = loop.get_debug()
        self.ins: dict[str, Input[Any]] = {}
        self.outs: dict[str, Output[Any]] = {}
        self.starved = Clock(loop)
        self.backpressured = Clock(loop)
        self.runs_next = 0
        """How many of its tasks wait in a port only for the next round of the loop."""
        self.life = Life.RUNS
        """Its state; see :mod:`mimo_rx._life`."""
        self.entry: Drops | None = None
        """The entry of its items, if they come from an outside source."""
        self.watch: Watches | None = None
        """The watch to notify when a wait begins, if the wait may be part of a ring."""
        self.timers: set[Timer] | tuple[()] = ()
        """The timeouts of the waits in its ports."""
        self.allowance = ALLOWANCE
        """How many calls of one output may follow each other before the loop goes round (P12)."""

    def where(self, side: str, name: str) -> str:
        """Return the name of a port in errors.

        Args:
            side: ``input`` or ``output``.
            name: The port.
        """
        return f"{side} {name!r} of step {self.path!r}"

    def iteration(self, name: str) -> str:
        """Return the code that iterates over an input."""
        return f"async for item in ins.{name}"

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Run `work` in a daemon thread; the run waits for it at its end (E6)."""
        raise RuntimeError("only a stream can start a thread of a run; the caller of a run cannot")

    async def give_way(self) -> None:
        """Go round the loop once, so that a pending cancel can arrive."""
        await asyncio.sleep(0)

    def downstream_closed(self, port: str | None = None) -> MimoError:
        """Return the error that ends the stream quietly, and note that the stream was told."""
        self.life = self.life.after(Event.TELL)
        return DownstreamClosed(
            f"nobody reads the outputs of step {self.path!r} any more; "
            "let this exception pass to end quietly"
        )

    def edge_cancelled(self, output: Output[Any]) -> None:
        """Check whether anybody still reads a main output, after an edge of one was cancelled."""
        if self.life is not Life.RUNS or output.side:
            return
        if any(other.edges and not other.side for other in self.outs.values()):
            return
        self.end_over()

    def end_over(self) -> None:
        """Declare the stream over: its pushes and pops raise ``DownstreamClosed`` from now on."""
        self.life = self.life.after(Event.LEFT)
        for output in self.outs.values():
            output.end_over()
        _cascade.go_on(self)


class _Cascade(threading.local):
    """Closes the inputs of streams that are over, which may end further streams upstream.

    It handles one stream after the other, so a chain of any length ends without recursion.
    """

    def __init__(self) -> None:
        self._waiting: deque[Process] = deque()
        self._busy = False

    def go_on(self, process: Process) -> None:
        """Close the inputs of `process`: now, or after those of the streams already waiting."""
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
