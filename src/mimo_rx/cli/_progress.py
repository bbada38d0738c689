"""The line on a terminal that tells how far a run is."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from typing import Any

from mimo_rx import OpenRun

from ._text import escaped

__all__ = ["Progress"]

_EVERY = 0.2
"""Seconds between two drawings, and before the first one."""
_ERASE = "\r\x1b[K"


class Progress:
    """A line at the bottom of stderr, drawn anew now and then, above which all else is printed."""

    def __init__(self) -> None:
        self._terminal: Any = sys.stderr
        self._shown = False
        self._timer: asyncio.TimerHandle | None = None
        self._began = time.monotonic()

    @contextlib.contextmanager
    def below(self) -> Iterator[None]:
        """Let what is printed meanwhile appear above the line."""
        with (
            contextlib.redirect_stdout(_Above(sys.stdout, self)),
            contextlib.redirect_stderr(_Above(sys.stderr, self)),
        ):
            try:
                yield
            finally:
                self.stop()

    def follow(self, run: OpenRun) -> None:
        """Draw the line now and then, from the running loop, until :meth:`stop`."""

        def draw() -> None:
            try:
                self._draw(_told(run, time.monotonic() - self._began))
            except OSError:  # the terminal has gone
                return
            self.follow(run)

        self._timer = asyncio.get_running_loop().call_later(_EVERY, draw)

    def stop(self) -> None:
        """Draw it no more, and take it away."""
        if self._timer is not None:
            self._timer.cancel()
        self.erase()

    def erase(self) -> None:
        """Take the line away, until it is drawn again."""
        if self._shown:
            self._shown = False
            with contextlib.suppress(OSError):
                self._terminal.write(_ERASE)
                self._terminal.flush()

    def _draw(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        self._terminal.write(f"{_ERASE}{text[:width]}")
        self._terminal.flush()
        self._shown = True


class _Above:
    """A stream that takes the line away before anything is written to it."""

    def __init__(self, stream: Any, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    def write(self, text: str) -> Any:
        self._progress.erase()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _told(run: OpenRun, seconds: float) -> str:
    statistics = run.statistics()
    moved = sum(edge.items for edge in statistics.edges)
    running = sum(step.ended is None for step in statistics.steps.values())
    text = f"{seconds:.0f} s: {moved:,} items moved, {running} of {len(statistics.steps)} steps run"
    slowest = statistics.bottleneck
    return text if slowest is None else f"{text}, bottleneck: {escaped(slowest)}"
