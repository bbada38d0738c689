"""Helpers of tests of rings."""

from typing import Any

import pytest

from mimo_rx import DeadlockError, Stream, Workflow
from runs import go


def stream(name: str, fn: Any, ins: str = "", outs: str = "", **more: Any) -> Stream:
    return Stream(ins.split(), outs.split(), fn=fn, name=name, **more)


async def relay(ins, outs, state):
    async for item in ins.x:
        await outs.x.push(item)


def deadlock(workflow: Workflow) -> DeadlockError:
    with pytest.raises(DeadlockError) as caught:
        go(workflow)
    return caught.value


def drawing(error: DeadlockError) -> list[str]:
    return [line.strip() for line in str(error).splitlines()[1:]]


def alternating(count: int, first: str = "b") -> Stream:
    """Make a source that pushes to `b` and `a` by turns; the first goes to `first`."""

    async def fn(ins, outs, state):
        for number in range(count):
            for name in ("b", "a") if first == "b" else ("a", "b"):
                await outs[name].push(number)

    return stream("source", fn, "", "a b")
