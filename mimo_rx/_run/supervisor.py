"""What runs in the task of a stream, and how it is restarted as the step's `Restart` says."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from random import Random
from typing import Any

from .._blueprint.restart import Restart
from .._blueprint.sources import SourceStream
from .._errors import failures, keep_failures
from .._notes import raised_at, text_of
from .._ports.sets import Inputs, Outputs
from .opening import Beginning
from .processes import StreamProcess
from .pump import pump

__all__ = ["Supervisor", "coroutine_of"]

_log = logging.getLogger("mimo_rx")
_KEPT = 100
"""How many failures are kept, so that a stream that restarts for ever runs in bounded memory."""


def coroutine_of(process: StreamProcess) -> Coroutine[Any, Any, Any]:
    """Return what runs in the task of a stream."""
    stream = process.step.stream
    opening = process.run.opening
    if isinstance(stream, SourceStream) and stream.needs_pump:
        return pump(stream, process, Beginning(opening, process))
    if opening is not None:
        opening.begun(process)  # nothing else runs before its first step
    where = f"step {process.path!r}"
    ins = Inputs(where, "input", process.ins)
    outs = Outputs(where, "output", process.outs)
    main = partial(stream.main, ins, outs, stream.new_state())
    if process.step.restart is None:
        return main()
    process.supervisor = Supervisor(process, process.step.restart, main)
    return process.supervisor.run()


class Supervisor:
    """Runs one stream in one run, and starts it again after a failure.

    Args:
        process: The stream in the run.
        restart: The restart rules of its step.
        main: Makes the coroutine of one attempt; all get the same ports and the same state.
    """

    def __init__(
        self, process: StreamProcess, restart: Restart, main: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        self.restarts = 0
        """How often it was started again."""
        self._process = process
        self._restart = restart
        self._main = main
        self._before = 0
        """Restarts since the budget was last reset."""
        self._failures: deque[BaseException] = deque(maxlen=_KEPT)
        """What it raised since then."""
        self._random = Random()
        self._pause: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Run the stream until it returns, or fails for good.

        Raises:
            DownstreamClosed: The last reader left while the stream waited for its restart.
            BaseException: What the last attempt raised.
        """
        loop = self._process.loop
        while True:
            began = loop.time()
            try:
                await self._main()
                return
            except Exception as error:
                if not self._is_due(error, loop.time() - began):
                    raise
                delay = self._restart.delay(self._before, self._random)
                self._note(error, delay)
            # Outside of the handler, so the next exception does not get this one as its context.
            await self._wait(delay)
            self.restarts += 1

    def end_wait(self) -> None:
        """End the wait for a restart: nobody reads the stream any more (C4)."""
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def keep_failures(self, error: BaseException) -> None:
        """Attach the stream's earlier exceptions to the one that it fails with."""
        known = [error]
        for each in (*self._failures, *failures(error)):
            if not any(each is other for other in known):
                known.append(each)
        if len(known) > 1:
            keep_failures(error, known[1:])

    def _is_due(self, error: Exception, seconds: float) -> bool:
        """Tell whether to try again after an attempt that took `seconds` and raised `error`."""
        process = self._process
        if process.life.is_unread or process.run.stopping:
            return False
        if seconds >= self._restart.within:
            self._before = 0
            self._failures.clear()
        return self._before < self._restart.max_restarts and self._restart.retries(error)

    def _note(self, error: Exception, delay: float) -> None:
        self._before += 1
        self._failures.append(error)
        _log.warning(
            "step %r raised %s: %s%s; it is started again in %.3g s, restart %d of %d",
            self._process.path,
            type(error).__name__,
            text_of(error),
            raised_at(error),
            delay,
            self._before,
            self._restart.max_restarts,
        )

    async def _wait(self, seconds: float) -> None:
        """Wait for `seconds`; raise as soon as nobody reads the stream any more."""
        process = self._process
        self._pause = process.loop.create_future()
        timer = process.loop.call_later(seconds, self.end_wait)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None
        if process.life.is_unread:
            raise process.downstream_closed()
