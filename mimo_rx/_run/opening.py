"""Which streams of a run have begun, and which outside sources are subscribed.

The caller of ``open()`` waits for all of them, so a hot source may fire in the first line of the
block.

Rules: W6a.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

__all__ = ["PATIENCE", "Beginning", "Opening"]

PATIENCE = 0.5
"""Seconds after which a source counts as subscribed although its ``subscribe`` has not returned.

One that delivers inside ``subscribe``, such as a loop over a queue, may never return from it.
"""


class Opening:
    """Knows which streams of a run have not begun yet.

    Args:
        loop: The loop that the run is on.
        streams: The streams of the run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, streams: Iterable[object]) -> None:
        self.loop = loop
        self._left = set(streams)
        self._waiting: asyncio.Future[None] | None = None

    def begun(self, stream: object) -> None:
        """Note that `stream` is in its first step, or is over; further calls change nothing."""
        self._left.discard(stream)
        waiting = self._waiting
        if not self._left and waiting is not None and not waiting.done():
            waiting.set_result(None)

    def end(self) -> None:
        """End the wait: the run has failed."""
        for stream in tuple(self._left):
            self.begun(stream)

    async def wait(self) -> None:
        """Wait until every stream has begun or is over, or the run has failed."""
        if self._left:
            self._waiting = self.loop.create_future()
            await self._waiting


class Beginning:
    """Tells an opening, from any thread, that a source is subscribed.

    Args:
        opening: The opening; None if nobody waits for it.
        stream: The stream of the source.
    """

    def __init__(self, opening: Opening | None, stream: object) -> None:
        self._opening = opening
        self._stream = stream
        self._timer: asyncio.TimerHandle | None = None
        self.awaited = opening is not None
        """Whether somebody waits, and was not told yet."""

    def be_patient(self) -> None:
        """Tell in any case after `PATIENCE`; to be called on the loop's thread."""
        if self._opening is not None:
            self._timer = self._opening.loop.call_later(PATIENCE, self.now)

    def now(self) -> None:
        """Tell it, on the loop's thread."""
        self.awaited = False
        if self._timer is not None:
            self._timer.cancel()
        if self._opening is not None:
            self._opening.begun(self._stream)

    def tell(self) -> None:
        """Tell it, on any thread."""
        if self._opening is not None and self.awaited:
            self.awaited = False
            try:
                self._opening.loop.call_soon_threadsafe(self.now)
            except RuntimeError:
                pass  # the run has left this thread behind, and its loop is closed
