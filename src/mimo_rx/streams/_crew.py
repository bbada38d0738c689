"""Several tasks of one stream, which end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from .._errors import DownstreamClosed
from .._failure import consists_of, gather
from .._process import Process, Turn

__all__ = ["Crew", "Line"]


class Crew:
    """The tasks that a stream has made: all end when one fails, and when the stream is cancelled.

    Args:
        process: The stream in its run.
    """

    def __init__(self, process: Process) -> None:
        self._process = process
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[asyncio.Task[None]] = []
        self._change: Turn | None = None

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` run in a task of its own."""
        task = self._process.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    async def join(self) -> None:
        """Wait until all tasks have ended.

        Raises:
            BaseException: What the first of them to fail raised; the others have been cancelled.
            asyncio.CancelledError: The stream was cancelled, and so were its tasks.
        """
        failed: list[BaseException] = []
        cancelled: asyncio.CancelledError | None = None
        while self._tasks:
            self._change = Turn(loop=self._process.loop)
            try:
                await self._change
            except asyncio.CancelledError as error:
                cancelled = error
                self._cancel()
            stopping = cancelled is not None or bool(failed)
            for task in self._ended:
                if not task.cancelled():
                    error_of = task.exception()
                    if error_of is not None:
                        failed.append(error_of)
                elif not stopping:
                    failed.append(asyncio.CancelledError())  # something awaited was cancelled (E7)
            self._ended.clear()
            if failed and not stopping:
                self._cancel()
        if failed:
            self._raise(failed)
        if cancelled is not None:
            raise cancelled

    def _raise(self, failed: list[BaseException]) -> None:
        # That nobody reads the stream is no failure: it is told to every task.
        failed.sort(key=lambda error: consists_of(error, DownstreamClosed))
        first, *others = failed
        where = f"step {self._process.path!r}"
        gather(first, [(where, each) for each in others if not isinstance(each, DownstreamClosed)])
        raise first

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._ended.append(task)
        if self._change is not None and not self._change.done():
            self._change.set_result(None)


class Line:
    """Turns, in the order in which they were taken.

    Args:
        process: The stream in its run.
    """

    def __init__(self, process: Process) -> None:
        self._loop = process.loop
        self._last: Turn | None = None

    def stand(self) -> tuple[Turn | None, Turn]:
        """Stand at its end; return the turn before and one's own, to be ended by its owner."""
        before = self._last
        self._last = mine = Turn(loop=self._loop)
        return before, mine
