"""Helpers of tests of runs: simple streams, and logs of what they did."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from helpers import run
from mimo_rx import Statistics, Step, Stream, Workflow


def add(workflow: Workflow, fn: Any, ins: str = "", outs: str = "", **keywords: Any) -> Step:
    """Add `fn` as a step; the names of its ports are separated by spaces."""
    return workflow.add_stream(Stream(ins.split(), outs.split(), fn=fn, **keywords))


def counter(count: int | None = None) -> Any:
    """Make a function that pushes 0, 1, ... to `x`, for ever if there is no `count`."""

    async def source(ins, outs, state):
        number = 0
        while count is None or number < count:
            await outs.x.push(number)
            number += 1
            state["pushed"] = number

    return source


def collector(got: list[Any]) -> Any:
    """Make a function that appends the items of `x` to `got`."""

    async def sink(ins, outs, state):
        await drain(ins.x, got)

    return sink


async def drain(port: Any, got: list[Any]) -> None:
    """Append the items of `port` to `got`, each when it comes."""
    async for item in port:
        got.append(item)  # noqa: PERF401 # in one go they would show only at the end


def taker(count: int, got: list[Any] | None = None) -> Any:
    """Make a function that takes `count` items of `x` and returns."""

    async def take(ins, outs, state):
        for _ in range(count):
            item = await ins.x.pop()
            if got is not None:
                got.append(item)

    return take


async def double(ins, outs, state):
    """Push twice what comes in at `x` to `y`."""
    async for item in ins.x:
        await outs.y.push(2 * item)


async def forever(ins, outs, state):
    """Wait for ever."""
    await asyncio.get_running_loop().create_future()


def cleaner(log: list[Any], seconds: float = 1.0, name: str = "clean") -> Any:
    """Make a function that waits for ever and logs each step of its clean-up."""

    async def clean(ins, outs, state):
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            log.append(f"{name} begins")
            await asyncio.sleep(seconds)
            log.append(f"{name} is done")

    return clean


def raiser(error: BaseException, seconds: float = 0.0) -> Any:
    """Make a function that raises `error` after a while."""

    async def broken(ins, outs, state):
        if seconds:
            await asyncio.sleep(seconds)
        raise error

    return broken


def untidy(error: BaseException) -> Any:
    """Make a function that waits until it is cancelled, and then raises `error`."""

    async def tidies_up(ins, outs, state):
        try:
            await asyncio.sleep(100)
        finally:
            raise error

    return tidies_up


def go(workflow: Workflow, **keywords: Any) -> Statistics:
    """Run `workflow` on virtual time."""
    return run(workflow.run(**keywords))


def failing(workflow: Workflow, kind: Any = ValueError, **keywords: Any) -> Any:
    """Run `workflow` on virtual time and return what it raises."""
    with pytest.raises(kind) as caught:
        go(workflow, **keywords)
    return caught.value


def endings(statistics: Statistics) -> dict[str, str | None]:
    """Return how each step ended."""
    return {path: step.ended for path, step in statistics.steps.items()}


async def clock() -> float:
    """Return the time of the loop."""
    return asyncio.get_running_loop().time()


def breaking(
    seconds: float = 1.0, error: BaseException | None = None, before: Callable[[], Any] = int
) -> Workflow:
    """Make a workflow with an input `a` and an output `b` that calls `before` and then fails."""
    workflow = Workflow(["a"], ["b"], name="w", threshold=1)

    async def broken(ins, outs, state):
        if seconds:
            await asyncio.sleep(seconds)
        before()
        raise ValueError("run") if error is None else error

    workflow.ins["a"] | add(workflow, broken, "x", "y") | workflow.outs["b"]
    return workflow


def cancelling() -> int:
    """Return how many cancels the current task has not answered."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def settled() -> tuple[int, float]:
    """Return how many cancels are left after a pending one has arrived, and the time."""
    await asyncio.sleep(0)
    return cancelling(), await clock()
