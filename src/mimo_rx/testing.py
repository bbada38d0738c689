"""For users' tests: run one stream alone and see what comes out.

Example:
    >>> from mimo_rx import stream
    >>> from mimo_rx.testing import run_stream
    >>> @stream(ins=["number"], outs=["even", "odd"])
    ... async def sort(ins, outs, state):
    ...     async for number in ins.number:
    ...         await (outs.odd if number % 2 else outs.even).push(number)
    >>> run_stream(sort(), {"number": range(5)})
    {'even': [0, 2, 4], 'odd': [1, 3]}
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any

from ._blocking import run_blocking
from ._errors import UnknownPort
from ._sources import flow
from ._step import Step
from ._stream import Stream
from ._workflow import Workflow

__all__ = ["run_stream", "run_stream_async"]

Items = Iterable[Any] | AsyncIterable[Any]


def run_stream(
    stream: Stream, inputs: Mapping[str, Items], *, threshold: int = 100, timeout: float = 5.0
) -> dict[str, list[Any]]:
    """Run `stream` alone to its end, and block meanwhile.

    Args:
        stream: The stream; a workflow is one too.
        inputs: The items of each input, by its name; an input that is left out is closed.
        threshold: The bound of each buffer, in items, at least 1.
        timeout: Seconds that it may take.

    Returns:
        What each output was given, side outputs too, by its name.

    Raises:
        UnknownPort: A name in `inputs` is not that of an input.
        TimeoutError: It had not ended in time; the text draws who waited for whom.
        RuntimeError: A loop is running in this thread; await :func:`run_stream_async` there.
        Exception: Whatever the stream raised.
    """
    return run_blocking(
        lambda: run_stream_async(stream, inputs, threshold=threshold, timeout=timeout),
        "run_stream()",
        "write `await run_stream_async(...)`",
    )


async def run_stream_async(
    stream: Stream, inputs: Mapping[str, Items], *, threshold: int = 100, timeout: float = 5.0
) -> dict[str, list[Any]]:
    """Run `stream` alone to its end in the running loop; see :func:`run_stream`.

    Raises:
        UnknownPort: A name in `inputs` is not that of an input.
        TimeoutError: It had not ended in time; the text draws who waited for whom.
        Exception: Whatever the stream raised.
    """
    workflow = Workflow(name=f"test of {stream.name}", threshold=threshold)
    step = workflow.add_stream(stream)
    for name, items in inputs.items():
        if name not in step.ins:
            raise UnknownPort(f"stream {stream.name!r}", "input", name, step.ins)
        flow(items) | step[name]
    collected = {name: _collect(step, name) for name in step.outs}
    drawing = ""

    def expire() -> None:
        nonlocal drawing
        drawing = str(run.waits())
        run.cancel()

    timer = asyncio.get_running_loop().call_later(timeout, expire)
    try:
        async with workflow.open() as run:
            pass
    finally:
        timer.cancel()
    if drawing:
        raise TimeoutError(
            f"stream {stream.name!r} had not ended after {timeout:g} s; then\n{drawing}"
        )
    return collected


def _collect(step: Step, name: str) -> list[Any]:
    items: list[Any] = []

    async def collect(ins: Any, outs: Any, state: Any) -> None:
        async for chunk in ins.item.chunks():
            items.extend(chunk)

    step[name] | Stream(["item"], fn=collect, name=f"collect-{name}")
    return items
