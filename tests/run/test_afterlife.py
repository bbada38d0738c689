"""Tasks and ports that outlive a run, or were kept from one, find it over."""

import asyncio
import warnings
from typing import Any

import pytest
from reactivex import operators as ops

from helpers import run
from mimo_rx import DownstreamClosed, OutputClosed, Stream, WiringError, Workflow, flow


async def read(ins, outs, state):
    async for _ in ins.x:
        pass


def leaving_a_helper(ending):
    """Return a workflow whose first stream leaves a task behind that pushes for ever."""
    left: list[asyncio.Task[None]] = []

    async def source(ins, outs, state):
        async def helper():
            while True:
                await outs.x.push(1)
                await asyncio.sleep(0.1)

        left.append(asyncio.create_task(helper()))
        await asyncio.sleep(1)
        await ending()

    workflow = Workflow()
    workflow.add_stream(Stream(outs=["x"], fn=source)) | Stream(["x"], fn=read)
    return workflow, left


async def fail():
    raise ValueError("on purpose")


async def wait():
    await asyncio.sleep(1000)


async def end():
    pass


def test_c6_a_helper_that_outlives_a_failed_stream_cannot_push_on():
    """C6: the outputs do not close, but a helper's push raises, so it does not push for ever."""

    async def main():
        workflow, left = leaving_a_helper(fail)
        with pytest.raises(ValueError, match="on purpose"):
            await workflow.run()
        with pytest.raises(DownstreamClosed):
            await left[0]

    run(main())


def test_c6_a_helper_that_outlives_a_cancelled_stream_cannot_push_on():
    """C6: the same where the run was cancelled."""

    async def main():
        workflow, left = leaving_a_helper(wait)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await workflow.run()
        with pytest.raises(DownstreamClosed):
            await left[0]

    run(main())


def test_c1_a_helper_that_outlives_a_stream_that_returned_finds_its_outputs_closed():
    """C1: when `run` returns, its outputs close, whoever else holds them."""

    async def main():
        workflow, left = leaving_a_helper(end)
        await workflow.run()
        with pytest.raises(OutputClosed):
            await left[0]

    run(main())


def test_r10_a_task_that_outlives_its_run_may_subscribe_to_the_workflow():
    """R10: subscribing outside a run runs the workflow, wherever the task was made."""
    got: list[Any] = []

    async def main():
        over = asyncio.Event()
        left: list[asyncio.Task[None]] = []

        async def source(ins, outs, state):
            async def helper():
                await over.wait()
                step["x"].subscribe(got.append)
                await asyncio.sleep(1)

            if not left:
                left.append(asyncio.create_task(helper()))
            await outs.x.push_many([1, 2])

        workflow = Workflow()
        step = workflow.add_stream(Stream(outs=["x"], fn=source))
        await workflow.run()
        over.set()
        await left[0]

    run(main())
    assert got == [1, 2]


def test_e3_a_stop_iteration_of_an_operator_comes_out_with_its_note():
    """E3: a coroutine cannot raise `StopIteration`, so another error carries it and its note."""

    def stop(item):
        raise StopIteration(item)

    async def main():
        await (flow([1]) | ops.map(stop) | Stream(["x"], fn=read, name="reader")).workflow.run()

    with pytest.raises(RuntimeError, match="an operator raised StopIteration: 1") as caught:
        run(main())
    assert isinstance(caught.value.__cause__, StopIteration)
    assert "list.item -> reader.x" in caught.value.__notes__[0]


def pushing(use):
    """Run a stream that uses a push with room as `use` does, in debug mode; return the items."""
    got: list[Any] = []

    async def source(ins, outs, state):
        await use(outs.x)

    async def collect(ins, outs, state):
        async for chunk in ins.x.chunks():
            got.extend(chunk)

    async def main():
        asyncio.get_running_loop().set_debug(True)
        workflow = Workflow()
        workflow.add_stream(Stream(outs=["x"], fn=source)) | Stream(["x"], fn=collect)
        await workflow.run()

    run(main())
    return got


async def by_wait_for(output):
    await asyncio.wait_for(output.push(1), 0)


async def by_gather(output):
    await asyncio.gather(output.push(1))


async def by_task(output):
    await asyncio.create_task(output.push(1))


async def by_await(output):
    await output.push(1)


@pytest.mark.parametrize("use", [by_wait_for, by_gather, by_task, by_await])
def test_p2_debug_mode_does_not_change_what_a_push_returns(use):
    """P2: a push that had room is done, also in debug mode, and is not reported as unawaited."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pushing(use) == [1]


def test_w1_a_workflow_that_was_not_made_to_its_end_says_so():
    """W1: without `super().__init__()` the error names the remedy, not a missing attribute."""

    class Half(Workflow):
        def __init__(self):
            pass

    with pytest.raises(
        WiringError, match=r"'Half' is not initialised; call super\(\).__init__\(\)"
    ):
        Half().add_stream(Stream(["x"], fn=read))
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        Workflow().nope  # type: ignore[attr-defined]
