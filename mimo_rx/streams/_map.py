"""A function that is called for each item: ``Map``."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from types import CoroutineType
from typing import TYPE_CHECKING, Any, ClassVar

from .._callable import describe_callable, function_name, is_coroutine_function
from .._ports.burst import burst, take
from ._ready_made import UserFunction, named_after
from ._tasks import Crew, Line

if TYPE_CHECKING:
    from ._process_pool import Processes

__all__ = ["Map"]


class Map(UserFunction):
    """Call a function for each item and emit its results.

    ``ops.map(fn)`` calls a quick plain function inside the push that feeds it. This stream is a
    step of its own. It is for functions that wait, that should run elsewhere or several at a time,
    or whose failures should go to an output of their own.

    Inputs: ``item``. Outputs: ``item``, and ``errors`` for the items on which the function raised.

    Emits when: the function has returned and, with `ordered`, all calls before it have too.
    Backpressures when: ``item`` has no room, or `concurrency` items are under way (an item that is
        finished and waits for its turn counts). A plain function is called only when there is room.
        Worker processes get short calls in chunks, if results are in order and without a timeout:
        up to 64 calls, as many as take about 10 ms, and as many again in advance.
    Completes when: the input has ended and all calls have returned.
    Fails when: the function raises or takes too long, and ``errors`` is not connected; a worker
        process dies, or the executor was shut down, even if ``errors`` is connected.
    Cancels when: nobody reads ``item`` any more; it notices at the next item that it pops or
        pushes. It cancels calls that are under way and kills its worker processes. Calls in threads
        go on by themselves; the run waits for them for its `shutdown_timeout`.

    It is determinate if the function is, unless `ordered` is False and `concurrency` above 1.

    Args:
        fn: A plain function, or a coroutine function. Without an `executor` a plain one runs on
            the loop's thread, which does nothing else meanwhile.
        concurrency: Calls that may be under way at once, at least 1. More than 1 needs a coroutine
            function or an `executor`.
        ordered: Whether results come in the order of their items. Otherwise they come when they
            are ready, and a slow one delays no other.
        executor: Where a plain function runs: ``"threads"`` (daemon threads of the stream),
            ``"processes"`` (worker processes of the stream, which import the module of `fn`: a
            script needs its ``if __name__ == "__main__":``), or an executor of
            ``concurrent.futures``, which stays open afterwards.
        timeout: Seconds above 0 that one call may take; None sets no limit. It needs a coroutine
            function or an `executor`. It cannot stop a thread or process: there the call goes on
            unattended and keeps its place until it returns. Later items wait for a free place, and
            their time runs while they do.
        name: Name of the stream; by default that of `fn`.

    Raises:
        WiringError: An argument is out of its range or does not fit the others; `fn` has to be
            pickled for worker processes and cannot be.

    Example:
        >>> import asyncio
        >>> async def look_up(number):
        ...     await asyncio.sleep(0.001 * (5 - number))
        ...     return number * number
        >>> (range(5) | Map(look_up, concurrency=3)).to_list().run()
        [0, 1, 4, 9, 16]
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self,
        fn: Callable[[Any], Any],
        concurrency: int = 1,
        ordered: bool = True,
        executor: Any = None,
        timeout: float | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.check_function("fn", fn)
        super().__init__(name=name or named_after(fn, "Map"))
        self._function = fn
        self._concurrency = concurrency
        self._ordered = ordered
        self._executor = executor
        self._timeout = timeout
        self._is_async = is_coroutine_function(fn)
        self._check()

    def _check(self) -> None:
        self.check_count("concurrency", self._concurrency, unit="calls")
        self.check_choice("ordered", self._ordered, (True, False))
        self.check_executor("executor", self._executor)
        if self._timeout is not None:
            self.check_seconds("timeout", self._timeout)
        if self._is_async:
            if self._executor is not None:
                self.refuse(
                    "executor is for plain functions",
                    self._executor,
                    "a coroutine runs in the loop",
                )
            return
        if self._executor is None:
            hint = 'give a coroutine function, or executor="threads"'
            if self._concurrency > 1:
                self.refuse("concurrency of a plain function must be 1", self._concurrency, hint)
            if self._timeout is not None:
                self.refuse("timeout cannot stop a plain function", self._timeout, hint)
        if self._executor == "processes":
            self._check_pickles()

    def _check_pickles(self) -> None:
        try:
            pickle.dumps(self._function)
        except Exception as error:
            self.refuse(
                'with executor="processes", fn must be one that pickle finds by its name, at the '
                "top of a module",
                self.shown(describe_callable(self._function)),
                str(error),
            )

    async def run(self, ins: Any, outs: Any) -> None:
        """Call the function for each item."""
        if self._is_async:
            await self._run_calls(ins, outs, self._function)
        elif self._executor is None:
            await self._run_plainly(ins, outs)
        elif self._executor == "processes":
            await self._run_in_processes(ins, outs)
        else:
            await self._run_in_threads(ins, outs)

    async def _run_in_threads(self, ins: Any, outs: Any) -> None:
        from ._calls import Called, Threads

        process = outs.item.process
        if self._executor != "threads":
            called = Called(self._executor, self._function, self._concurrency, process)
            await self._run_calls(ins, outs, called.call)
            return
        threads = Threads(self._function, self._concurrency, process)
        try:
            await self._run_calls(ins, outs, threads.call)
        finally:
            threads.close()

    async def _run_in_processes(self, ins: Any, outs: Any) -> None:
        from ._process_pool import Processes

        process = outs.item.process
        in_chunks = self._ordered and self._timeout is None
        pool = Processes(self._function, self._concurrency, process, ahead=in_chunks)
        ended = False
        try:
            if in_chunks:
                line = Line(process)
                crew = Crew(process)
                crew.start(self._work_in_chunks(ins, outs, pool, crew, line))
                await crew.join()
            else:
                if self._timeout is not None:
                    await pool.ready()
                await self._run_calls(ins, outs, pool.call)
            ended = True
        finally:
            pool.close(kill=not ended)

    async def _run_plainly(self, ins: Any, outs: Any) -> None:
        function = self._function
        failed: list[tuple[Any, Exception]] = []
        seen = False

        def results(items: Iterator[Any]) -> Iterator[Any]:
            nonlocal seen
            for item in items:
                try:
                    result = function(item)
                    if not seen:  # checking the first result is enough
                        seen = True
                        refuse_coroutine(function, result)
                except Exception as error:
                    failed.append((item, error))
                    return
                yield result

        while await burst(ins.item, outs.item, results):
            if failed:
                await self.fail(outs, *failed.pop())

    async def _run_calls(self, ins: Any, outs: Any, call: Callable[[Any], Any]) -> None:
        if self._timeout is not None:
            call = self._timed(call, self._timeout)
        if self._concurrency == 1:
            async for item in ins.item:
                try:
                    result = await call(item)
                except Exception as error:
                    if self._befalls_all(error):
                        raise
                    await self.fail(outs, item, error)
                else:
                    await outs.item.push(result)
                    del result
                del item  # release it while waiting for the next one
            return
        crew = Crew(outs.item.process)
        line = Line(outs.item.process) if self._ordered else None
        crew.start(self._work(ins, outs, call, crew, line))
        await crew.join()

    async def _work(
        self, ins: Any, outs: Any, call: Callable[[Any], Any], crew: Crew, line: Line | None
    ) -> None:
        """Call the function for one item after another, in one of several such tasks."""
        async for item in ins.item:
            if len(crew) < self._concurrency:
                crew.start(self._work(ins, outs, call, crew, line))
            before, mine = (None, None) if line is None else line.stand()
            failure: Exception | None = None
            result: Any = None
            try:
                result = await call(item)
            except Exception as error:
                if self._befalls_all(error):
                    raise
                failure = error
            if crew.stopping:  # the function returned or raised in place of the cancel
                if failure is not None:
                    raise failure
                return
            if before is not None and not before.done():
                await before
            if failure is not None:
                await self.fail(outs, item, failure)
            else:
                await outs.item.push(result)
            if mine is not None and not mine.done():  # it is done if the task behind was cancelled
                mine.set_result(None)
            del item, result, failure  # release them while waiting for the next one

    async def _work_in_chunks(
        self, ins: Any, outs: Any, pool: Processes, crew: Crew, line: Line
    ) -> None:
        """Send chunks of waiting items to a worker, in one of several such tasks.

        As results are in order, a chunk of short calls looks like single calls from outside. Its
        results wait for each other a few ms at most, and each worker gets its share of the waiting
        items. If calls are short, a worker has its next chunk while it works on the one before.
        """
        while items := await take(ins.item, pool.chunk, shares=2 * self._concurrency):
            if len(crew) < self._concurrency * (2 if pool.chunk > 1 else 1):
                crew.start(self._work_in_chunks(ins, outs, pool, crew, line))
            before, mine = line.stand()
            outcomes = await pool.call_all(items)
            if before is not None and not before.done():
                await before
            for item, (result, failure) in zip(items, outcomes, strict=True):
                if failure is None:
                    await outs.item.push(result)
                elif isinstance(failure, Exception):
                    await self.fail(outs, item, failure)
                else:
                    raise failure
            if not mine.done():
                mine.set_result(None)
            # Release these while waiting for the next chunk.
            del items, outcomes, item, result, failure

    def _befalls_all(self, error: Exception) -> bool:
        """Tell whether the executor itself is broken, so that all further items would fail too."""
        return self._executor not in (None, "threads") and isinstance(error, BrokenExecutor)

    def _timed(self, call: Callable[[Any], Any], seconds: float) -> Callable[[Any], Any]:
        function = function_name(self._function)

        async def timed(item: Any) -> Any:
            try:
                async with asyncio.timeout(seconds) as timeout:
                    return await call(item)
            except TimeoutError as error:
                if timeout.expired():
                    raise TimeoutError(f"{function} took longer than {seconds:g} s") from error
                raise

        return timed


def refuse_coroutine(function: Callable[..., Any], result: object) -> None:
    """Refuse a coroutine as the result of a plain function, since nobody would await it.

    Raises:
        TypeError: `result` is a coroutine.
    """
    if isinstance(result, CoroutineType):
        result.close()
        raise TypeError(
            f"{function_name(function)} returned a coroutine; give the coroutine function itself, "
            "or one that awaits it"
        )
