"""Helpers of tests of streams with several ports: runs that are fed, and read fully or in part."""

import asyncio
from typing import Any

from helpers import run
from mimo_rx import Statistics, Stream, Workflow, flow
from mimo_rx.testing import run_stream_async


def outputs(
    stream: Stream, inputs: dict[str, Any] | None = None, threshold: int = 100, **named: Any
) -> dict[str, list[Any]]:
    """Run `stream` alone on virtual time; return the items of each output."""
    fed = {**(inputs or {}), **named}
    return run(run_stream_async(stream, fed, threshold=threshold))


def items(stream: Stream, **inputs: Any) -> list[Any]:
    """Run `stream` alone; return the items of ``item``."""
    return outputs(stream, inputs)["item"]


def wired(
    stream: Stream, inputs: dict[str, Any], readers: dict[str, Any], threshold: int = 1
) -> tuple[Workflow, dict[str, list[Any]]]:
    """Wire `stream` up, outputs to readers ``await read(port, taken)``; others lead nowhere."""
    workflow = Workflow(threshold=threshold)
    step = workflow.add_stream(stream)
    for name, source in inputs.items():
        flow(source) | step[name]
    taken: dict[str, list[Any]] = {}
    for name, read in readers.items():
        step[name] | Stream(["item"], fn=_reader(read, taken, name), name=f"read-{name}")
    return workflow, taken


def _reader(read: Any, taken: dict[str, list[Any]], name: str) -> Any:
    async def fn(ins, outs, state):
        taken[name] = []
        await read(ins.item, taken[name])

    return fn


def go(workflow: Workflow) -> Statistics:
    """Run `workflow` on virtual time."""
    return run(workflow.run())


def every(seconds: float, count: int | None = None) -> Any:
    """Make a reader that takes an item every so often, and leaves after `count` of them."""

    async def read(port: Any, taken: list[Any]) -> None:
        if count == 0:
            return
        async for item in port:
            taken.append(item)
            if len(taken) == count:
                return
            if seconds:
                await asyncio.sleep(seconds)

    return read
