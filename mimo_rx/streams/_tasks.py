"""Several tasks of one stream, which end together."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from .._errors import DownstreamClosed
from .._notes import consists_of, gather, is_exit
from .._ports.pace import InnerWait, Owner

__all__ = ["Crew", "Line"]


class Crew:
    """Tasks of one stream. All end when one of them fails or the stream is cancelled.

    Args:
        process: The stream in its run.
    """

    def __init__(self, process: Owner) -> None:
        self._process = process
        self._tasks: set[asyncio.Task[None]] = set()
        self._beginning = 0
        self._failed: list[BaseException] = []
        self.stopping = False
        """Whether all tasks have been cancelled."""
        self._change: InnerWait | None = None

    def __len__(self) -> int:
        return len(self._tasks) + self._beginning

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in a task of its own."""
        self._beginning += 1
        try:
            task = self._process.loop.create_task(self._run(work))
        finally:
            self._beginning -= 1
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._done(task, work))
        if self.stopping:
            task.cancel()

    async def join(self) -> None:
        """Wait until all tasks have ended.

        Raises:
            BaseException: The error of the task that failed first; the others were cancelled.
            asyncio.CancelledError: The stream was cancelled, and so were its tasks.
        """
        cancelled: asyncio.CancelledError | None = None
        while self._tasks:
            if self._failed:
                self._stop()
            self._change = InnerWait(loop=self._process.loop)
            try:
                await self._change
            except asyncio.CancelledError as error:
                cancelled = error
                self._stop()
        error_of = self._first_failure() or cancelled
        try:
            if error_of is not None:
                raise error_of
        finally:
            # The traceback refers to this frame: such a cycle keeps items until a collection.
            del error_of, cancelled

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            if asyncio.current_task() not in self._tasks:
                await asyncio.sleep(0)  # an eager task begins inside create_task()
            await work
        except BaseException as error:
            # The task itself raises nothing: a SystemExit would pass through the loop (E7).
            if not (self.stopping and isinstance(error, asyncio.CancelledError)):
                self._failed.append(error)
                self._look()

    def _first_failure(self) -> BaseException | None:
        """Return the error that the stream raises; the others are noted on it (E2)."""
        # An error that ends the whole process goes first (E7). A cancel that nobody asked for hides
        # no real error. DownstreamClosed goes last: every task gets it, and it is not a failure.
        failed = sorted(self._failed, key=_rank)
        self._failed.clear()
        if not failed:
            return None
        where = f"step {self._process.path!r}"
        gather(failed[0], [(where, each) for each in failed[1:] if _rank(each) < _CANCELLED])
        return failed[0]

    def _stop(self) -> None:
        # Only once: a second cancel would interrupt the clean-up after the first.
        if not self.stopping:
            self.stopping = True
            for task in self._tasks:
                task.cancel()

    def _done(self, task: asyncio.Task[None], work: Coroutine[Any, Any, None]) -> None:
        work.close()  # it has not begun if the task was cancelled before its first step
        self._tasks.discard(task)
        if task.cancelled() and not self.stopping:
            self._failed.append(asyncio.CancelledError())  # cancelled from outside of the crew
        self._look()

    def _look(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)


_EXIT, _FAILURE, _CANCELLED, _QUIET = range(4)
"""Ranks of errors: the lowest is raised first."""


def _rank(error: BaseException) -> int:
    if consists_of(error, DownstreamClosed):
        return _QUIET
    if isinstance(error, asyncio.CancelledError):
        return _CANCELLED
    return _EXIT if is_exit(error) else _FAILURE


class Line:
    """Turns, in the order in which they were taken.

    Args:
        process: The stream in its run.
    """

    def __init__(self, process: Owner) -> None:
        self._loop = process.loop
        self._last: InnerWait | None = None

    def stand(self) -> tuple[InnerWait | None, InnerWait]:
        """Join the line; return the turn before and the caller's own, which the caller ends."""
        before = self._last
        self._last = mine = InnerWait(loop=self._loop)
        return before, mine
