"""Rule C4 for the producer in less simple cases: exception groups, diamonds, generators."""

import asyncio
import contextlib
from typing import Any

from helpers import run
from mimo_rx import DownstreamClosed, Workflow, flow
from runs import add, clock, counter, double, endings, failing, go, taker


def test_c4_in_a_task_group_it_ends_the_stream_quietly_too():
    """C4: as a group, nested at any depth, that holds nothing but `DownstreamClosed`."""

    async def source(ins, outs, state):
        async def push():
            while True:
                await outs.x.push(1)

        async with asyncio.TaskGroup() as group:
            group.create_task(push())
            group.create_task(push())
            async with asyncio.TaskGroup() as inner:
                inner.create_task(push())

    workflow = Workflow(threshold=2)
    add(workflow, source, outs="x") | add(workflow, taker(20), "x")
    assert endings(go(workflow)) == {"source": "downstream", "take": "returned"}


def test_c4_in_a_group_with_a_real_error_it_is_a_failure():
    """C4, E1: a real error is never hidden."""

    async def source(ins, outs, state):
        async def push():
            try:
                while True:
                    await outs.x.push(1)
            finally:
                raise KeyError("clean-up")

        async with asyncio.TaskGroup() as group:
            group.create_task(push())
            group.create_task(outs.x.push(1))

    workflow = Workflow(threshold=2)
    add(workflow, source, outs="x") | add(workflow, taker(5), "x")
    error = failing(workflow, ExceptionGroup)
    assert error.subgroup(KeyError)
    assert error.__notes__ == ["mimo_rx: raised in step 'source'"]


def test_c4_raised_by_the_stream_itself_without_cause_it_is_a_failure():
    """C4: `DownstreamClosed` ends only a stream quietly that nobody reads."""

    async def source(ins, outs, state):
        raise DownstreamClosed("not so")

    workflow = Workflow()
    add(workflow, source, outs="x") | add(workflow, taker(1), "x")
    failing(workflow, DownstreamClosed)


def test_c4_a_diamond_ends_when_its_end_has_enough():
    """C4, P5: the end travels up both branches."""
    workflow = Workflow(threshold=2)
    source, end = add(workflow, counter(), outs="x"), add(workflow, taker(7), "x")
    for _ in range(2):
        source | add(workflow, double, "x", "y") | end
    statistics = go(workflow)
    assert endings(statistics) == {
        "source": "downstream",
        "take": "returned",
        "double": "downstream",
        "double-2": "downstream",
    }


def test_c4_an_endless_async_iterable_is_closed():
    """C4, L7: its `finally` block runs."""
    log: list[Any] = []

    async def ticks():
        try:
            while True:
                yield await clock()
                await asyncio.sleep(1)
        finally:
            log.append("closed")

    got: list[Any] = []
    workflow = Workflow()
    flow(ticks()) | add(workflow, taker(3, got), "x")
    go(workflow)
    assert (got, log) == ([0.0, 1.0, 2.0], ["closed"])


def test_c4_the_run_does_not_wait_for_a_source_that_swallows_its_cancel(caplog):
    """C4, E6: the source is left behind like any other stream that cannot be cancelled."""

    async def stubborn(ins, outs, state):
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
                return

    workflow = Workflow()
    add(workflow, stubborn, outs="x") | add(workflow, taker(0), "x")

    async def main():
        await workflow.run(shutdown_timeout=2.0)
        assert await clock() == 2.0
        await asyncio.sleep(100)

    run(main())
    (record,) = caplog.records
    assert "step 'stubborn' did not let itself be cancelled within 2 s" in record.message
