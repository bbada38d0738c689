"""Worker processes of one stream, which call a user's function."""

from __future__ import annotations

import asyncio
import multiprocessing
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from time import perf_counter
from typing import Any, TypeAlias

from .._notes import carried, text_of
from .._ports.pace import Owner
from ._calls import Threads, note_death, result_of

__all__ = ["Outcome", "Processes"]

Outcome: TypeAlias = tuple[Any, BaseException | None]
"""What a call returned, and the exception that it raised, if any."""

_CHUNK_SECONDS = 0.01
"""Seconds that a chunk of calls should take: sending one costs some tenths of a ms."""
_CHUNK_MOST = 64


class Processes:
    """Worker processes of one stream, started when they are needed.

    Args:
        function: The function that they call.
        count: The largest number of workers.
        process: The stream in its run.
        ahead: Whether a worker is sent its next chunk while it works on the one before.
    """

    def __init__(
        self, function: Callable[[Any], Any], count: int, process: Owner, *, ahead: bool
    ) -> None:
        # No fork: it would copy the locks of other threads in whatever state they are.
        methods = multiprocessing.get_all_start_methods()
        method = "forkserver" if "forkserver" in methods else "spawn"
        context = multiprocessing.get_context(method)
        given = (function, context.Barrier(count))
        self._pool = ProcessPoolExecutor(count, context, initializer=_keep, initargs=given)
        self._count = count
        self._process = process
        self._free = asyncio.Semaphore(2 * count if ahead else count)
        self._starter = Threads(self._submit, 1, process)
        self._lock = threading.Lock()
        self._futures: set[Future[Any]] = set()
        self._closed = False
        self.chunk = 1
        """How many calls take about 10 ms, as measured so far."""

    async def ready(self) -> None:
        """Start all workers, so that the time of no call is spent on that.

        Raises:
            BrokenExecutor: A worker died.
        """
        futures = []
        for _ in range(self._count):
            await self._free.acquire()
            futures.append(await self._starter.call((_meet, None)))
        for future in futures:
            await self._result_of(future)

    async def call(self, item: Any) -> Any:
        """Call the function with `item` and return what it returns.

        Raises:
            BrokenExecutor: A worker died.
            BaseException: Whatever the function raises, or the error because of which `item` or its
                result cannot be sent.
        """
        [(result, error)] = await self.call_all([item])
        try:
            if error is not None:
                raise error
            return result
        finally:
            del error

    async def call_all(self, items: Sequence[Any]) -> list[Outcome]:
        """Call the function with each of `items` in turn, in one worker.

        Raises:
            BrokenExecutor: A worker died.
        """
        outcomes: list[Outcome | None] = []
        sent: list[bytes] = []
        for item in items:
            try:
                sent.append(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))
                outcomes.append(None)
            except Exception as error:
                outcomes.append((None, error))
        answers = iter(await self._send(sent) if sent else ())
        return [_received(next(answers)) if each is None else each for each in outcomes]

    def close(self, *, kill: bool) -> None:
        """End the workers.

        Args:
            kill: Whether to kill them, as nobody waits for their results any more.
        """
        self._starter.close()
        # In a thread: to wait for the workers may take a while.
        kill = kill or not all(future.done() for future in tuple(self._futures))
        self._process.start_thread(lambda: self._end(kill), f"step {self._process.path!r}")

    async def _send(self, sent: list[bytes]) -> list[_Answer]:
        await self._free.acquire()
        try:
            if len(_workers(self._pool)) < self._count:
                # In a thread: to start a worker blocks for a while.
                future = await self._starter.call((_call_kept, sent))
            else:
                future = self._submit((_call_kept, sent))
        except BaseException as error:
            self._free.release()
            if isinstance(error, BrokenExecutor):  # it broke during another call
                note_death(error, self._process)
            raise
        seconds, answers = await self._result_of(future)
        calls = _CHUNK_SECONDS * len(sent) / max(seconds, 1e-6)
        # At most twice as many as before, since the next calls may take longer.
        self.chunk = max(1, min(int(calls), 2 * self.chunk, _CHUNK_MOST))
        found: list[_Answer] = answers
        return found

    async def _result_of(self, future: Future[Any]) -> Any:
        # Never cancel the future: if a worker dies at that moment, the pool's own thread fails on a
        # future that is done. `close` ends the workers anyway.
        return await result_of(future, self._process, self._free, cancels=False)

    def _submit(self, call: tuple[Callable[[Any], Any], Any]) -> Future[Any]:
        function, given = call
        with self._lock:
            if self._closed:
                raise RuntimeError("the stream has ended")
            future = self._pool.submit(function, given)
            self._futures.add(future)
        future.add_done_callback(self._futures.discard)
        return future

    def _end(self, kill: bool) -> None:
        with self._lock:
            self._closed = True
        if kill:
            for worker in _workers(self._pool):
                worker.kill()  # a user's module may handle any weaker signal
        self._pool.shutdown(cancel_futures=True)


def _workers(pool: ProcessPoolExecutor) -> list[Any]:
    return list((getattr(pool, "_processes", None) or {}).values())


# Messages to and from workers. They are pickled here: an executor that cannot unpickle some data
# would believe that a worker died.

_Answer: TypeAlias = tuple[bytes, str | None]
"""A pickled result and None; or a pickled exception and its traceback as text."""


class _RemoteTraceback(Exception):
    """The traceback in the worker, as the cause of the exception that was raised there."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'


def _received(answer: _Answer) -> Outcome:
    data, trace = answer
    try:
        given = pickle.loads(data)
    except Exception as error:
        return None, error
    if trace is None:
        return given, None
    given.__cause__ = _RemoteTraceback(trace)
    return None, given


# In a worker

_kept: Callable[[Any], Any]
_barrier: Barrier


def _keep(function: Callable[[Any], Any], barrier: Barrier) -> None:
    """Remember the function, so that it is sent only once."""
    global _kept, _barrier
    _kept, _barrier = function, barrier
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run handles Ctrl-C and ends its workers


def _meet(_: object) -> None:
    """Wait for all other workers: the pool starts a new one only while none is idle."""
    _barrier.wait()


def _call_kept(sent: list[bytes]) -> tuple[float, list[_Answer]]:
    began = perf_counter()
    answers = [_answer(each) for each in sent]
    return perf_counter() - began, answers


def _answer(data: bytes) -> _Answer:
    try:
        result = _kept(pickle.loads(data))
        return pickle.dumps(result, pickle.HIGHEST_PROTOCOL), None
    except BaseException as error:
        trace = "".join(traceback.format_exception(error))
        return _portable(
            carried(error, "the function") if isinstance(error, StopIteration) else error
        ), trace


def _portable(error: BaseException) -> bytes:
    """Pickle `error`, or a ``RuntimeError`` with its text if it cannot be unpickled again."""
    try:
        data = pickle.dumps(error)
        pickle.loads(data)  # fails if its __init__ takes other arguments than `args`
    except Exception:
        stand_in = RuntimeError(f"{type(error).__qualname__}: {text_of(error)}")
        return pickle.dumps(stand_in)
    return data
