"""The line on a terminal that shows the progress of a run."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from mimo_rx import OpenRun

from ._text import escaped

__all__ = ["Progress"]

_EVERY = 0.2
"""Seconds between two drawings of the line, and before the first one."""
_ERASE = "\r\x1b[K"


class Progress:
    """A line at the bottom of stderr, redrawn regularly; other output is printed above it."""

    def __init__(self) -> None:
        self._terminal: Any = sys.stderr
        self._shown = False
        self.line_is_open = False
        """Whether the last text printed did not end its line; nothing is drawn over that line."""
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None

    @contextlib.contextmanager
    def below(self) -> Iterator[None]:
        """Print all output of the block above the line."""
        with contextlib.ExitStack() as streams:
            if sys.stdout.isatty():
                streams.enter_context(contextlib.redirect_stdout(_Above(sys.stdout, self)))
            streams.enter_context(contextlib.redirect_stderr(_Above(sys.stderr, self)))
            try:
                yield
            finally:
                self.stop()

    def follow(self, run: OpenRun) -> None:
        """Draw the line regularly, from the running loop, until :meth:`stop`."""
        loop = asyncio.get_running_loop()
        began = self._began = loop.time() if self._began is None else self._began

        def draw() -> None:
            try:
                self._draw(_told(run, loop.time() - began))
            except OSError:  # the terminal was closed
                return
            self.follow(run)

        self._timer = loop.call_later(_EVERY, draw)

    def stop(self) -> None:
        """Stop drawing the line, and erase it."""
        if self._timer is not None:
            self._timer.cancel()
        self.erase()

    def erase(self) -> None:
        """Erase the line, until it is drawn again."""
        if self._shown:
            self._shown = False
            with contextlib.suppress(OSError):
                self._terminal.write(_ERASE)
                self._terminal.flush()

    def _draw(self, text: str) -> None:
        if self.line_is_open:
            return
        width = shutil.get_terminal_size().columns - 1
        self._terminal.write(f"{_ERASE}{_fitting(text, width)}")
        self._terminal.flush()
        self._shown = True


class _Above:
    """A text stream that erases the line before it writes anything."""

    def __init__(self, stream: Any, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress

    def write(self, text: str) -> Any:
        self._progress.erase()
        if text:
            self._progress.line_is_open = not text.endswith("\n")
        return self._stream.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    @property
    def buffer(self) -> Any:
        self._progress.erase()
        return self._stream.buffer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _fitting(text: str, width: int) -> str:
    """Return the start of `text` that fits into `width` columns."""
    for number, each in enumerate(text):
        width -= 2 if unicodedata.east_asian_width(each) in "WF" else 1
        if width < 0:
            return text[:number]
    return text


def _told(run: OpenRun, seconds: float) -> str:
    statistics = run.statistics()
    moved = sum(edge.items for edge in statistics.edges)
    running = sum(step.ended is None for step in statistics.steps.values())
    text = f"{seconds:.0f} s: {moved:,} items moved, {running} of {len(statistics.steps)} steps run"
    slowest = statistics.bottleneck
    return text if slowest is None else f"{text}, bottleneck: {escaped(slowest)}"
