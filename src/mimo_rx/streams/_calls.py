"""The ways to call a user's function for each item: here, in threads, in processes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from concurrent.futures import BrokenExecutor, Executor
from contextvars import Context, copy_context
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from .._failure import add_note, carried
from .._process import Process

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

__all__ = ["Call", "called_in"]

Call: TypeAlias = Callable[[Any], Any]
"""``await call(item)``."""


@contextlib.asynccontextmanager
async def called_in(
    where: Executor | str, function: Callable[[Any], Any], count: int, process: Process
) -> AsyncIterator[Call]:
    """Give a way to call `function` elsewhere; what was made for it goes at the end.

    Args:
        where: ``"threads"``, ``"processes"``, or an executor of the user's, which stays open.
        function: What to call.
        count: Calls that may be under way at once.
        process: The stream in its run.
    """
    if where == "threads":
        threads = Threads(function, count, process)
        try:
            yield threads.call
        finally:
            threads.close()
        return
    if isinstance(where, Executor):
        yield partial(_call_executor, where, function, process)
        return
    pool = _process_pool(function, count)
    try:
        yield partial(_call_executor, pool, _call_kept, process)
    except BaseException:
        _terminate(pool)  # nobody waits for what they are at
        raise
    finally:
        # It waits for its processes, which may take a while.
        process.start_thread(pool.shutdown, f"step {process.path!r}")


class Threads:
    """Daemon threads of one stream, which call a function.

    A call that was given up (a timeout, a cancel) keeps its thread until it returns.

    Args:
        function: What to call.
        count: How many threads there are at most.
        process: The stream in its run.
    """

    def __init__(self, function: Callable[[Any], Any], count: int, process: Process) -> None:
        self._function = function
        self._most = count
        self._process = process
        self._jobs: SimpleQueue[tuple[Context, Any, asyncio.Future[Any]] | None] = SimpleQueue()
        self._threads = 0
        self._under_way = 0

    async def call(self, item: Any) -> Any:
        """Call the function with `item` and return what it returns.

        Raises:
            BaseException: Whatever it raises.
        """
        future: asyncio.Future[Any] = self._process.loop.create_future()
        self._under_way += 1
        if self._threads < min(self._under_way, self._most):
            self._threads += 1
            self._process.start_thread(self._work, f"step {self._process.path!r}")
        self._jobs.put((copy_context(), item, future))
        return await future

    def close(self) -> None:
        """Let the threads end."""
        for _ in range(self._threads):
            self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            context, item, future = job
            result: Any = None
            error: BaseException | None = None
            if not future.done():  # else nobody waits for it any more
                try:
                    result = context.run(self._function, item)
                except StopIteration as stop:
                    error = carried(stop)
                except BaseException as raised:
                    error = raised
            try:
                self._process.loop.call_soon_threadsafe(self._answer, future, result, error)
            except RuntimeError:
                return  # the run has left this thread behind, and its loop is closed
            del job, context, item, future, result, error  # while it waits for the next one

    def _answer(
        self, future: asyncio.Future[Any], result: Any, error: BaseException | None
    ) -> None:
        self._under_way -= 1
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


async def _call_executor(
    executor: Executor, function: Callable[[Any], Any], process: Process, item: Any
) -> Any:
    try:
        return await asyncio.wrap_future(executor.submit(function, item))
    except BrokenExecutor as error:
        add_note(
            error,
            f"mimo_rx: a worker of step {process.path!r} ended before its function returned; it "
            "was killed, or crashed",
        )
        raise


# Processes


def _process_pool(function: Callable[[Any], Any], count: int) -> ProcessPoolExecutor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    # Not by fork: it copies the locks of other threads in whatever state they are.
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    return ProcessPoolExecutor(count, context, initializer=_keep, initargs=(function,))


_kept: Callable[[Any], Any]


def _keep(function: Callable[[Any], Any]) -> None:
    """Remember in a worker what to call, so that it is sent there once."""
    global _kept
    _kept = function


def _call_kept(item: Any) -> Any:
    return _kept(item)


def _terminate(pool: ProcessPoolExecutor) -> None:
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in list((getattr(pool, "_processes", None) or {}).values()):
        worker.terminate()
