"""Calls of a user's plain function outside the loop: in threads or in an executor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any

from .._notes import add_note, carried
from .._ports.pace import Owner

__all__ = ["Called", "Threads", "note_death", "result_of"]


class Threads:
    """Daemon threads of one stream, which call a function.

    A call that was abandoned (by a timeout or a cancel) keeps its thread until it returns. Calls
    that find no free thread meanwhile wait for one.

    Args:
        function: The function to call.
        count: The largest number of threads.
        process: The stream in its run.
    """

    def __init__(self, function: Callable[[Any], Any], count: int, process: Owner) -> None:
        self._function = function
        self._process = process
        self._free = asyncio.Semaphore(count)
        self._jobs: SimpleQueue[tuple[Context, Any, asyncio.Future[Any]] | None] = SimpleQueue()
        self._threads = 0
        self._under_way = 0

    async def call(self, item: Any) -> Any:
        """Call the function with `item` and return what it returns.

        Raises:
            BaseException: Whatever it raises.
        """
        await self._free.acquire()
        try:
            if self._threads == self._under_way:
                self._process.start_thread(self._work, f"step {self._process.path!r}")
                self._threads += 1
        except BaseException:
            self._free.release()
            raise
        self._under_way += 1
        future: asyncio.Future[Any] = self._process.loop.create_future()
        self._jobs.put((copy_context(), item, future))
        return await future

    def close(self) -> None:
        """Tell the threads to end once their jobs are done."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            context, item, future = job
            result: Any = None
            error: BaseException | None = None
            if not future.done():  # if it is done, the caller has stopped waiting
                try:
                    result = context.run(self._function, item)
                except StopIteration as stop:
                    error = carried(stop, _the_function(self._process))
                except BaseException as raised:
                    error = raised
            try:
                self._process.loop.call_soon_threadsafe(self._answer, future, result, error)
            except RuntimeError:
                return  # the run has ended without this thread, and its loop is closed
            finally:
                # Release these while the thread waits for the next job.
                del job, context, item, future, result, error

    def _answer(
        self, future: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        self._under_way -= 1
        self._free.release()
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


class Called:
    """A function that is called in the user's executor, which stays open.

    Args:
        executor: The executor.
        function: The function to call.
        count: The largest number of calls in the executor at once. An abandoned call counts until
            it returns.
        process: The stream in its run.
    """

    def __init__(
        self, executor: Executor, function: Callable[[Any], Any], count: int, process: Owner
    ) -> None:
        self._executor = executor
        self._function = function
        self._free = asyncio.Semaphore(count)
        self._process = process

    async def call(self, item: Any) -> Any:
        """Call the function with `item` and return what it returns.

        Raises:
            BrokenExecutor: The executor was shut down, or one of its workers died.
            BaseException: Whatever the function raises.
        """
        await self._free.acquire()
        try:
            future = self._executor.submit(self._function, item)
        except BaseException as error:
            self._free.release()
            if isinstance(error, RuntimeError) and not isinstance(error, BrokenExecutor):
                raise BrokenExecutor(
                    f"the executor of step {self._process.path!r} takes no more calls: {error}"
                ) from error
            raise
        return await result_of(future, self._process, self._free)


async def result_of(
    future: Future[Any], process: Owner, free: asyncio.Semaphore, *, cancels: bool = True
) -> Any:
    """Wait for the result of a call in an executor.

    Args:
        future: The call.
        process: The stream in its run.
        free: Is released when the call has left the executor.
        cancels: Whether to cancel the call if this wait is cancelled. A call that has not begun
            then never does.

    Raises:
        BrokenExecutor: The executor was shut down, or one of its workers died.
        BaseException: Whatever the call raises.
    """
    # wrap_future() cannot be used: asyncio's futures refuse StopIteration, and the wait would never
    # end.
    ended: asyncio.Future[None] = process.loop.create_future()

    def end() -> None:
        free.release()
        if not ended.done():
            ended.set_result(None)

    def tell(_: object) -> None:
        try:
            process.loop.call_soon_threadsafe(end)
        except RuntimeError:
            pass  # the run has ended without this call, and its loop is closed

    future.add_done_callback(tell)
    try:
        await ended
    except BaseException:
        if cancels:
            future.cancel()
        raise
    if future.cancelled():
        raise BrokenExecutor(f"the executor of step {process.path!r} was shut down")
    try:
        return future.result()
    except StopIteration as stop:
        raise carried(stop, _the_function(process)) from stop
    except BrokenExecutor as error:
        note_death(error, process)
        raise


def _the_function(process: Owner) -> str:
    return f"the function of step {process.path!r}"


def note_death(error: BrokenExecutor, process: Owner) -> None:
    """Note on `error` which step's worker died."""
    add_note(
        error,
        f"mimo_rx: a worker of step {process.path!r} ended while calls were under way: it was "
        "killed, it crashed or it could not start (a script needs its `if __name__ == "
        '"__main__":`)',
    )
