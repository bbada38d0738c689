"""Helpers of all tests."""

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, TypeVar

import async_solipsism

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], loop: Any = None) -> T:
    """Run a coroutine on a fresh event loop with virtual time, and check that nothing is left.

    Waiting for a timer takes no real time: the loop's clock jumps to it.

    Args:
        coroutine: The coroutine; its result is returned, and its exception is raised.
        loop: The loop to use; None for a plain one with virtual time.

    Raises:
        async_solipsism.SleepForeverError: All tasks wait, and no timer will wake any.
        AssertionError: The coroutine ended, but a task, a timer or an asynchronous generator is
            left, or the loop's handler was called for an exception that nobody handled.
    """
    loop = loop or async_solipsism.EventLoop()
    reports: list[str] = []
    loop.set_exception_handler(lambda _, context: reports.append(f"report: {context}"))
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            result = runner.run(coroutine)
        except async_solipsism.SleepForeverError:
            raise  # of course something is left: what sleeps
        except Exception:
            # The traceback keeps frames alive, and these keep the generators that they read.
            _assert_empty(reports + _tasks(loop) + _timers(loop))
            raise
        left = _tasks(loop) + _timers(loop)
        if not left and (asyncio.all_tasks(loop) or _generators(loop)):
            runner.run(_close_unreachable_generators())
        _assert_empty(reports + left + _generators(loop))
        return result


def _assert_empty(left: list[str]) -> None:
    assert not left, "left after the run:\n" + "\n".join(left)


def _tasks(loop: Any) -> list[str]:
    # A task in which the loop closes an unreferenced generator does not count.
    return [
        f"task: {task}"
        for task in asyncio.all_tasks(loop)
        if type(task.get_coro()).__name__ != "async_generator_athrow"
    ]


def _timers(loop: Any) -> list[str]:
    return [f"timer: {handle}" for handle in loop._scheduled if not handle.cancelled()]


def _generators(loop: Any) -> list[str]:
    return [f"generator: {agen}" for agen in loop._asyncgens if agen.ag_frame is not None]


async def _close_unreachable_generators() -> None:
    gc.collect()
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
