"""Helpers of tests of restarts."""

from typing import Any

from mimo_rx import Restart, Step, Stream, Workflow
from runs import clock

STEADY = Restart(max_restarts=3, backoff=1.0, max_backoff=8.0, jitter=0.0)


def supervise(
    workflow: Workflow,
    fn: Any,
    ins: str = "",
    outs: str = "",
    restart: Restart = STEADY,
    **keywords: Any,
) -> Step:
    """Add `fn` as a step that is started again."""
    stream = Stream(ins.split(), outs.split(), fn=fn, **keywords)
    return workflow.add_stream(stream, restart=restart)


def failer(times: int, began: list[float] | None = None, then: Any = None) -> Any:
    """Make a function that raises at its first `times` starts, and then calls `then`."""
    starts = 0

    async def fails(ins, outs, state):
        nonlocal starts
        starts += 1
        if began is not None:
            began.append(await clock())
        if starts <= times:
            raise OSError(starts)
        if then is not None:
            await then(ins, outs, state)

    return fails
