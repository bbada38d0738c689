"""Reading off the loop: a thread that is one block ahead."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from .._output import Output
from ._files import Halt, Halted

__all__ = ["Give", "ReadAhead"]

Give: TypeAlias = Callable[[list[Any]], None]
"""Hands a block of items over and waits until the next one is wanted."""


class ReadAhead:
    """Pushes what a thread reads, a block at a time.

    The thread is at work on one block while the one before is being pushed, and no further.

    Args:
        output: Where to.
        work: What the thread does: it is given what asks it to stop, and where to give its blocks.
    """

    def __init__(self, output: Output[Any], work: Callable[[Halt, Give], None]) -> None:
        self._output = output
        self._loop = output.process.loop
        self._work = work
        self._halt = Halt()
        self._wanted = threading.Semaphore(0)
        # What follows belongs to the thread of the loop.
        self._block: list[Any] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._change: asyncio.Future[None] | None = None

    async def push_all(self) -> None:
        """Push to the end; in every ending the thread is asked to stop.

        Raises:
            BaseException: What the thread raised, after all that it had given was pushed.
        """
        self._output.process.start_thread(self._run, f"step {self._output.process.path!r}")
        try:
            while (block := await self._next()) is not None:
                await self._output.push_many(block)
            if self._error is not None:
                raise self._error
        finally:
            self._error = None  # whose traceback leads here
            self._halt.set()
            self._wanted.release()

    async def _next(self) -> list[Any] | None:
        while self._block is None:
            if self._ended:
                return None
            self._change = self._loop.create_future()
            await self._change
        block, self._block = self._block, None
        self._wanted.release()
        return block

    # In the thread

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._work(self._halt, self._give)
        except Halted:
            pass
        except BaseException as raised:
            error = raised
        finally:
            self._halt.close()
        try:
            self._loop.call_soon_threadsafe(self._end, error)
        except RuntimeError:
            pass  # the run has left this thread behind, and its loop is closed

    def _give(self, block: list[Any]) -> None:
        self._halt.check()
        if not block:
            return
        try:
            self._loop.call_soon_threadsafe(self._arrive, block)
        except RuntimeError:
            raise Halted from None  # the loop is closed
        del block
        self._wanted.acquire()
        self._halt.check()

    # Called by the thread, in the loop

    def _arrive(self, block: list[Any]) -> None:
        self._block = block
        self._wake()

    def _end(self, error: BaseException | None) -> None:
        self._ended = True
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)
