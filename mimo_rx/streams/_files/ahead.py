"""Reading outside of the loop, on a thread that is one block ahead.

The thread reads bytes ahead and parses them later, when the block is wanted. Parsing needs the
interpreter's lock. If it went on while the loop works, the two threads would pass the lock back and
forth, at the cost of half the work.
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
"""Hands over a block of items, once one is wanted."""
Wait: TypeAlias = Callable[[], None]
"""Waits until a block is wanted."""


class ReadAhead:
    """Pushes the items that a thread reads, a block at a time.

    While one block is being pushed, the thread reads the next one, and no more.

    Args:
        output: The output to push to.
        work: The work of the thread. Its arguments are the `Halt` that asks it to stop, the
            function that takes its blocks, and the function to call between reading bytes and
            parsing them.
    """

    def __init__(self, output: Output[Any], work: Callable[[Halt, Give, Wait], None]) -> None:
        self._output = output
        self._loop = output.process.loop
        self._work = work
        self._halt = Halt()
        self._wanted = threading.Event()
        # Only the loop's thread uses the following.
        self._block: list[Any] | None = None
        self._ended = False
        self._error: BaseException | None = None
        self._change: asyncio.Future[None] | None = None

    async def push_all(self) -> None:
        """Push all items; however this ends, ask the thread to stop.

        Raises:
            BaseException: What the thread raised, after all blocks from before were pushed.
        """
        self._output.process.start_thread(self._run, f"step {self._output.process.path!r}")
        try:
            while (block := await self._next()) is not None:
                await self._output.push_many(block)
            if self._error is not None:
                raise self._error
        finally:
            self._error = None  # its traceback refers to this frame
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
            self._wanted.wait()  # the end waits until it is wanted, as a block does
            self._halt.close()
        try:
            self._loop.call_soon_threadsafe(self._end, error)
        except RuntimeError:
            pass  # the run has ended without this thread, and its loop is closed

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

    # Sent by the thread, called in the loop

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
