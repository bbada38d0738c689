"""Reading off the loop: a thread that is one block ahead.

What is ahead are bytes. To take them apart needs the interpreter, which the loop has at that time:
two threads that want it at once hand it to and fro, at the price of half the work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from ..._ports.output import Output
from .files import Halt, Halted

__all__ = ["Give", "ReadAhead", "Wait"]

Give: TypeAlias = Callable[[list[Any]], None]
"""Hands a block of items over, as soon as one is wanted."""
Wait: TypeAlias = Callable[[], None]
"""Waits until a block is wanted."""


class ReadAhead:
    """Pushes what a thread reads, a block at a time.

    The thread reads one block while the one before is being pushed, and no further.

    Args:
        output: Where to.
        work: What the thread does: it is given what asks it to stop, where to give its blocks, and
            what to call between reading bytes and taking them apart.
    """

    def __init__(self, output: Output[Any], work: Callable[[Halt, Give, Wait], None]) -> None:
        self._output = output
        self._loop = output.process.loop
        self._work = work
        self._halt = Halt()
        self._wanted = threading.Event()
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
            self._wanted.set()

    async def _next(self) -> list[Any] | None:
        while self._block is None:
            if self._ended:
                return None
            self._change = self._loop.create_future()
            self._wanted.set()
            await self._change
        block, self._block = self._block, None
        return block

    # In the thread

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._work(self._halt, self._give, self._wait)
        except Halted:
            pass
        except BaseException as raised:
            error = raised
        finally:
            self._wanted.wait()  # an end comes in its turn, as a block does
            self._halt.close()
        try:
            self._loop.call_soon_threadsafe(self._end, error)
        except RuntimeError:
            pass  # the run has left this thread behind, and its loop is closed

    def _wait(self) -> None:
        self._wanted.wait()
        self._halt.check()

    def _give(self, block: list[Any]) -> None:
        if not block:
            return
        self._wait()
        self._wanted.clear()
        try:
            self._loop.call_soon_threadsafe(self._arrive, block)
        except RuntimeError:
            raise Halted from None  # the loop is closed

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
