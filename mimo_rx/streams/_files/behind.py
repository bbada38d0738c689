"""Writing outside of the loop, on a thread that is one block behind."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from .draft import Write
from .files import BLOCK, Halt, Halted

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._ports.pace import Owner

__all__ = ["WriteBehind"]


class WriteBehind:
    """Writes data on a thread, a block at a time.

    While the thread writes one block, the next one is gathered. When that is full too, `write`
    waits.

    Args:
        process: The stream in its run.
        target: Opens the file, in the thread; see :func:`written`.
    """

    def __init__(
        self,
        process: Owner,
        target: Callable[[Halt], AbstractContextManager[tuple[Write, bool]]],
    ) -> None:
        self.is_new = True
        """Whether the file was empty when it was opened."""
        self._process = process
        self._loop = process.loop
        self._target = target
        self._halt = Halt()
        self._jobs: SimpleQueue[bytes | None] = SimpleQueue()
        # Only the loop's thread uses the following.
        self._busy = False
        self._gathered: list[bytes] = []
        self._size = 0
        self._ended = False
        self._error: BaseException | None = None
        self._change: asyncio.Future[None] | None = None

    async def open(self) -> None:
        """Open the file.

        Raises:
            OSError: It cannot be opened.
        """
        self._busy = True
        self._process.start_thread(self._run, f"step {self._process.path!r}")
        while self._busy:
            await self._changed()

    async def write(self, data: bytes) -> None:
        """Write `data`, now or soon.

        Raises:
            OSError: This or earlier data cannot be written.
        """
        self._gathered.append(data)
        self._size += len(data)
        if not self._busy:
            self._send()
        while self._size >= BLOCK or self._ended:
            await self._changed()

    async def finish(self) -> None:
        """Write the rest and close the file.

        Raises:
            OSError: It cannot be written or closed.
        """
        while self._busy:
            await self._changed()
        self._jobs.put(None)
        while not self._ended:
            await self._changed()
        self._raise()

    def leave(self) -> None:
        """Ask the thread to stop, if it has not ended. The file then stays as it was before."""
        self._error = None  # its traceback refers to this frame
        self._halt.set()
        self._jobs.put(None)

    def _send(self) -> None:
        block = self._gathered[0] if len(self._gathered) == 1 else b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        self._busy = True
        self._jobs.put(block)

    async def _changed(self) -> None:
        self._raise()
        self._change = self._loop.create_future()
        await self._change
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    # In the thread

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            with self._target(self._halt) as (write, self.is_new):
                self._tell(self._answer)
                while (block := self._jobs.get()) is not None:
                    self._halt.check()
                    write(block)
                    del block
                    self._tell(self._answer)
                self._halt.check()
        except Halted:
            pass
        except BaseException as raised:
            error = raised
        finally:
            self._halt.close()
        try:
            self._loop.call_soon_threadsafe(self._end, error)
        except RuntimeError:
            pass  # the run has ended without this thread, and its loop is closed

    def _tell(self, what: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(what)
        except RuntimeError:
            raise Halted from None  # the loop is closed

    # Sent by the thread, called in the loop

    def _answer(self) -> None:
        self._busy = False
        if self._gathered:
            self._send()
        self._wake()

    def _end(self, error: BaseException | None) -> None:
        self._ended = True
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._change is not None and not self._change.done():
            self._change.set_result(None)
