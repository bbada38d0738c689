"""An open run: rule W6, and how its block treats the task around it."""

import asyncio
import contextlib
from typing import Any

import pytest

from helpers import run
from mimo_rx import (
    DownstreamClosed,
    OutputClosed,
    StreamCancelled,
    UnknownPort,
    Workflow,
)
from runs import (
    add,
    cleaner,
    clock,
    counter,
    double,
    drain,
    endings,
    forever,
)


def doubling(**keywords: Any) -> Workflow:
    """Make a workflow that doubles what comes in at `a` and delivers it at `b`."""
    workflow = Workflow(["a"], ["b"], name="w", **keywords)
    workflow.ins["a"] | add(workflow, double, "x", "y") | workflow.outs["b"]
    return workflow


def test_w6_ins_and_outs_are_the_workflows_own_ports_turned_round():
    """W6: `await run.ins.a.push(x)`, `run.ins.a.close()`, `async for y in run.outs.b`."""

    async def main():
        got: list[Any] = []
        async with doubling().open() as opened:
            for number in range(3):
                await opened.ins.a.push(number)
            opened.ins.a.close()
            await drain(opened.outs["b"], got)
        return got

    assert run(main()) == [0, 2, 4]


def test_w6_pushes_of_the_caller_wait_for_room():
    """W6, P3: back-pressure reaches the caller that feeds the run."""

    async def main():
        async with doubling(threshold=2).open() as opened:
            pushed = 0
            with contextlib.suppress(TimeoutError):
                while True:
                    await opened.ins.a.push(pushed, timeout=1)
                    pushed += 1
            return pushed

    # Two items wait before the stream, the stream holds one, and two wait for the caller.
    assert run(main()) == 5


def test_w6_an_edge_from_input_to_output_has_a_buffer_too():
    """W1, W6: this workflow passes its input on and has no step."""
    workflow = Workflow(["a"], ["b"], threshold=2)
    workflow.ins["a"] | workflow.outs["b"]

    async def main():
        got: list[Any] = []
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            await opened.ins.a.push(1)
            await opened.ins.a.push(2)
            with pytest.raises(TimeoutError):
                await opened.ins.a.push(3, timeout=1)
            opened.ins.a.close()
            await drain(opened.outs.b, got)
        return got

    assert run(main()) == [1, 2]


def test_w6_ports_of_the_run_are_found_by_name_only():
    """W6, S2: the error text lists the ports there are."""

    async def main():
        async with doubling().open() as opened:
            with pytest.raises(UnknownPort, match=r"workflow 'w' has no input 'b'.*are 'a'"):
                opened.ins.b
            with pytest.raises(UnknownPort, match=r"workflow 'w' has no output 'a'.*are 'b'"):
                opened.outs["a"]

    run(main())


def test_w6_leaving_the_block_closes_ins_and_waits_for_the_end():
    """W6: items pushed before are still processed."""
    got: list[Any] = []
    workflow = Workflow(["a"])

    async def slow(ins, outs, state):
        async for item in ins.x:
            await asyncio.sleep(1)
            got.append(item)

    workflow.ins["a"] | add(workflow, slow, "x")

    async def main():
        async with workflow.open() as opened:
            for number in range(3):
                await opened.ins.a.push(number)
        with pytest.raises(OutputClosed):
            await opened.ins.a.push(4)
        return await clock()

    assert run(main()) == 3.0
    assert got == [0, 1, 2]


def test_w6_leaving_the_block_cancels_outs():
    """W6, C4: so an endless source ends when the caller has enough."""
    workflow = Workflow(outs=["b"], threshold=2)
    add(workflow, counter(), outs="x") | workflow.outs["b"]

    async def main():
        async with workflow.open() as opened:
            first = [await opened.outs.b.pop() for _ in range(3)]
        return first, endings(opened.statistics())

    assert run(main()) == ([0, 1, 2], {"source": "downstream"})


def test_w6_leaving_it_by_an_exception_cancels():
    """W6: it waits for the clean-up and raises the exception as it is."""
    log: list[Any] = []
    workflow = Workflow(["a"])
    add(workflow, cleaner(log))

    async def main():
        with pytest.raises(ValueError, match="mine") as caught:
            async with workflow.open() as opened:
                await asyncio.sleep(1)
                raise ValueError("mine")
        assert not hasattr(caught.value, "__notes__")
        return await clock(), endings(opened.statistics())

    assert run(main()) == (2.0, {"clean": "cancelled"})
    assert log == ["clean begins", "clean is done"]


@pytest.mark.parametrize("left", ["break", "return", "continue"])
def test_w6_leaving_it_by_break_or_return_is_leaving_it(left):
    """W6."""

    async def main():
        for _ in range(1):
            async with doubling().open() as opened:
                await opened.ins.a.push(1)
                if left == "break":
                    break
                if left == "continue":
                    continue
                return opened
        return opened

    # Nobody takes its one item any more.
    assert endings(run(main()).statistics()) == {"double": "downstream"}


def test_w6_a_generator_that_is_closed_inside_the_block_cancels_the_run():
    """W6: `aclose()` of an asynchronous generator."""
    log: list[Any] = []
    workflow = Workflow(outs=["b"])
    add(workflow, cleaner(log))
    add(workflow, counter(), outs="x") | workflow.outs["b"]

    async def items():
        async with workflow.open() as opened:
            while True:
                yield await opened.outs.b.pop()

    async def main():
        generator = items()
        assert await anext(generator) == 0
        await generator.aclose()

    run(main())
    assert log == ["clean begins", "clean is done"]


def test_w6_statistics_and_waits_are_those_of_now():
    """W6: `run.statistics()`, `run.waits()` (who waits for whom)."""

    async def main():
        async with doubling().open() as opened:
            await asyncio.sleep(1)
            assert str(opened.waits()) == "double.x <-- waits for an item of ins.a"
            assert opened.statistics().steps["double"].ended is None
            await opened.ins.a.push(1)
            assert await opened.outs.b.pop() == 2
            assert opened.statistics().steps["double"].items_in == 1
        assert str(opened.waits()) == "nobody waits"
        return [(edge.source, edge.target, edge.items) for edge in opened.statistics().edges]

    assert run(main()) == [("ins.a", "double.x", 1), ("double.y", "outs.b", 1)]


def test_w6_cancel_cancels_all_streams_and_the_block_goes_on():
    """W6: `run.cancel()`; the clean-up is waited for at the end of the block."""
    log: list[Any] = []
    workflow = doubling()
    add(workflow, cleaner(log, 3.0))

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            opened.cancel()
            opened.cancel()
            await asyncio.sleep(1)
            log.append("the block goes on")
        return await clock(), endings(opened.statistics())

    assert run(main()) == (4.0, {"double": "cancelled", "clean": "cancelled"})
    assert log == ["clean begins", "the block goes on", "clean is done"]


@pytest.mark.parametrize("call", ["push", "pop", "peek", "a pop that waits", "in a task group"])
def test_w6_after_cancel_the_ports_of_the_run_raise_and_the_block_may_end_by_it(call):
    """W6, C6: they raise `StreamCancelled`, which cannot be mistaken for an end."""

    async def main():
        async with doubling().open() as opened:
            if call == "a pop that waits":
                asyncio.get_running_loop().call_later(1, opened.cancel)
            else:
                opened.cancel()
            if call == "push":
                await opened.ins.a.push(1)
            elif call == "peek":
                await opened.outs.b.peek()
            elif call == "in a task group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(opened.outs.b.pop())
                    group.create_task(drain(opened.outs.b, []))
            else:
                await opened.outs.b.pop()
            pytest.fail("it should have raised")

    run(main())


def test_w6_after_cancel_the_text_says_so():
    """W6."""

    async def main():
        async with doubling().open() as opened:
            opened.cancel()
            with pytest.raises(StreamCancelled, match="the run of workflow 'w' was cancelled"):
                await opened.ins.a.push(1)

    run(main())


def test_w6_a_stream_cancelled_of_another_origin_comes_out():
    """W6: only a `StreamCancelled` of this run is swallowed."""

    async def main():
        with pytest.raises(StreamCancelled, match="another"):
            async with doubling().open():
                raise StreamCancelled("another")
        with pytest.raises(StreamCancelled, match="another"):
            async with doubling().open() as opened:
                opened.cancel()
                raise StreamCancelled("another")

    run(main())


def test_w6_after_cancel_an_exception_of_the_blocks_own_comes_out():
    """W6: also if its ports raised before."""

    async def main():
        with pytest.raises(ValueError, match="mine"):
            async with doubling().open() as opened:
                opened.cancel()
                with pytest.raises(StreamCancelled):
                    await opened.outs.b.pop()
                raise ValueError("mine")

    run(main())


def test_w6_an_input_that_nobody_reads_any_more_refuses_pushes():
    """W6, C4: `DownstreamClosed`, and the run goes on."""
    workflow = Workflow(["a"], ["b"], name="w")

    async def one(ins, outs, state):
        await outs.y.push(await ins.x.pop())
        ins.x.close()
        await asyncio.sleep(5)

    workflow.ins["a"] | add(workflow, one, "x", "y") | workflow.outs["b"]

    async def main():
        async with workflow.open() as opened:
            await opened.ins.a.push(1)
            assert await opened.outs.b.pop() == 1
            await asyncio.sleep(1)
            with pytest.raises(DownstreamClosed, match="nobody reads input 'a' of workflow 'w'"):
                await opened.ins.a.push(2)
        return await clock()

    assert run(main()) == 5.0


def test_w6_a_run_may_end_before_its_block_does():
    """W6: what is in `outs` can still be read."""
    workflow = Workflow(outs=["b"])
    add(workflow, counter(3), outs="x") | workflow.outs["b"]

    async def main():
        got: list[Any] = []
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            assert endings(opened.statistics()) == {"source": "returned"}
            await drain(opened.outs.b, got)
        return got

    assert run(main()) == [0, 1, 2]


def test_w6_cancel_after_the_end_of_all_streams_drops_what_is_left():
    """W6: it makes no difference whether the streams have just ended by themselves."""
    workflow = Workflow(outs=["b"])
    add(workflow, counter(3), outs="x") | workflow.outs["b"]

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            opened.cancel()
            with pytest.raises(StreamCancelled):
                await opened.outs.b.pop()

    run(main())


def test_w6_two_runs_are_open_at_once():
    """W6, W7: in one block after the other."""
    workflow = doubling()

    async def main():
        async with workflow.open() as one, workflow.open() as other:
            await one.ins.a.push(1)
            await other.ins.a.push(2)
            return await one.outs.b.pop(), await other.outs.b.pop()

    assert run(main()) == (2, 4)


def test_w6_open_makes_one_run():
    """W6: a context manager is entered once."""
    workflow = doubling()

    async def main():
        context = workflow.open()
        async with context:
            pass
        with pytest.raises(RuntimeError, match=r"open\(\) makes one run; call it again"):
            async with context:
                pass

    run(main())


def test_w6_open_without_entering_makes_nothing():
    """W6, C5: no run, no task."""
    workflow = doubling()
    add(workflow, forever)

    async def main():
        workflow.open()
        assert len(asyncio.all_tasks()) == 1

    run(main())
