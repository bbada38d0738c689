"""Helpers of tests of flows in runs: streams that play a script, and streams that log items."""

import asyncio
from collections.abc import Iterable
from typing import Any

from reactivex import operators

from mimo_rx import Flow, Stream, Workflow

ops: Any = operators
"""RxPY's operators; their types cannot follow lambdas."""

END = object()
"""In a script: this output closes."""


def numbers(count: int, name: str = "numbers") -> Stream:
    """Make a stream that pushes 0 to count - 1 to `x`; its state records how far it came."""

    async def fn(ins, outs, state):
        for number in range(count):
            await outs.x.push(number)
            state["pushed"] = number + 1

    return Stream(outs=["x"], fn=fn, name=name)


def endless(name: str = "endless") -> Stream:
    """Make a stream that counts without end."""

    async def fn(ins, outs, state):
        while True:
            await outs.x.push(state["pushed"])
            state["pushed"] += 1

    return Stream(outs=["x"], fn=fn, name=name, state={"pushed": 0})


def player(script: Iterable[tuple[float, str, Any]], outs: Iterable[str] = ("x",)) -> Stream:
    """Make a stream that pushes each item of (time, output, item) at its time."""
    lines = list(script)

    async def fn(ins, outs, state):
        began = asyncio.get_running_loop().time()
        for at, name, item in lines:
            await asyncio.sleep(max(0.0, began + at - asyncio.get_running_loop().time()))
            if item is END:
                outs[name].close()
            else:
                await outs[name].push(item)

    return Stream(outs=outs, fn=fn, name="player")


def sink(got: list[Any] | None = None, name: str = "sink") -> Stream:
    """Make a stream that appends what comes in at `x` to `got`."""

    async def fn(ins, outs, state):
        async for item in ins.x:
            if got is not None:
                got.append(item)

    return Stream(["x"], fn=fn, name=name)


def slow_sink(got: list[Any], seconds: float = 1.0, name: str = "slow") -> Stream:
    """Make a stream that takes one item in each `seconds`."""

    async def fn(ins, outs, state):
        async for item in ins.x:
            got.append(item)
            await asyncio.sleep(seconds)

    return Stream(["x"], fn=fn, name=name)


def stuck(name: str = "stuck") -> Stream:
    """Make a stream that takes nothing for 100 seconds and then returns."""

    async def fn(ins, outs, state):
        await asyncio.sleep(100)

    return Stream(["x"], fn=fn, name=name)


def counting(count: int = 3) -> tuple[Flow, list[str]]:
    """Make a cold flow of `count` numbers, and the log of its runs."""
    log: list[str] = []

    async def fn(ins, outs, state):
        log.append("begun")
        try:
            for number in range(count):
                await outs.x.push(number)
        finally:
            log.append("ended")

    return Workflow().add_stream(Stream(outs=["x"], fn=fn, name="counting"))["x"], log
