"""How streams end: rules C1 to C3 and C6, and C4 as far as the consumer is concerned."""

import asyncio
from typing import Any

import pytest

from helpers import run
from mimo_rx import OutputClosed, Workflow
from runs import (
    add,
    cleaner,
    clock,
    collector,
    counter,
    double,
    drain,
    endings,
    failing,
    forever,
    go,
    taker,
)

SPLIT = ["directly", "with an operator"]


def lead(step: Any, target: Any, how: str) -> None:
    """Lead `step` into `target`, with an operator in between or not."""
    (step if how == "directly" else step.map(lambda item: item)) | target


@pytest.mark.parametrize("how", SPLIT)
def test_c1_when_run_returns_its_outputs_close_by_themselves(how):
    """C1."""
    got: list[Any] = []
    workflow = Workflow()
    source = add(workflow, counter(3), outs="x y")
    lead(source["x"], add(workflow, collector(got), "x"), how)
    lead(source["y"], add(workflow, collector(got), "x"), how)
    statistics = go(workflow)
    assert got == [0, 1, 2]
    assert endings(statistics) == dict.fromkeys(["source", "sink", "sink-2"], "returned")


@pytest.mark.parametrize("how", SPLIT)
def test_c1_close_closes_one_output_earlier(how):
    """C1: `output.close()` closes one earlier."""
    log: list[Any] = []

    async def source(ins, outs, state):
        await outs.x.push(1)
        outs.x.close()
        await asyncio.sleep(5)
        await outs.y.push(2)

    async def sink(ins, outs, state):
        await drain(ins.x, log)
        log.append(await clock())

    workflow = Workflow()
    step = add(workflow, source, outs="x y")
    lead(step["x"], add(workflow, sink, "x"), how)
    lead(step["y"], add(workflow, sink, "x"), how)
    go(workflow)
    assert log == [1, 0.0, 2, 5.0]


def test_c1_a_push_after_close_raises_output_closed():
    """C1: a push after that raises `OutputClosed`, unhandled it is a failure of the stream."""

    async def source(ins, outs, state):
        outs.x.close()
        outs.x.close()
        await outs.x.push(1)

    workflow = Workflow()
    add(workflow, source, outs="x").pipe(add(workflow, taker(1), "x"))
    error = failing(workflow, OutputClosed)
    assert "push to output 'x' of step 'source'" in str(error)
    assert error.__notes__ == ["mimo_rx: raised in step 'source'"]


def test_c1_a_push_that_waits_at_close_raises_output_closed():
    """C1: its item goes to no edge."""
    log: list[Any] = []

    async def source(ins, outs, state):
        async def push():
            with pytest.raises(OutputClosed):
                await outs.x.push("late")
            log.append("refused")

        await outs.x.push("first")
        waiting = asyncio.create_task(push())
        await asyncio.sleep(1)
        outs.x.close()
        await waiting

    async def sink(ins, outs, state):
        await asyncio.sleep(2)
        await drain(ins.x, log)

    workflow = Workflow(threshold=1)
    add(workflow, source, outs="x").pipe(add(workflow, sink, "x"))
    go(workflow)
    assert log == ["refused", "first"]


@pytest.mark.parametrize("how", SPLIT)
def test_c2_an_input_closes_when_all_its_producers_have_closed(how):
    """C2: MiMo closed it after the first producer, which lost items."""
    log: list[Any] = []

    def source(seconds, item):
        async def fn(ins, outs, state):
            await asyncio.sleep(seconds)
            await outs.x.push(item)

        return fn

    async def sink(ins, outs, state):
        await drain(ins.x, log)
        log.append(await clock())

    workflow = Workflow()
    target = add(workflow, sink, "x")
    lead(add(workflow, source(1, "a"), outs="x"), target, how)
    lead(add(workflow, source(9, "b"), outs="x"), target, how)
    lead(add(workflow, source(5, "c"), outs="x"), target, how)
    go(workflow)
    assert log == ["a", "c", "b", 9.0]


def test_c2_two_outputs_of_one_stream_are_two_producers():
    """C2."""
    got: list[Any] = []

    async def source(ins, outs, state):
        outs.x.close()
        await outs.y.push(1)

    workflow = Workflow()
    step, target = add(workflow, source, outs="x y"), add(workflow, collector(got), "x")
    step["x"] | target
    step["y"] | target
    go(workflow)
    assert got == [1]


@pytest.mark.parametrize("how", SPLIT)
def test_c3_items_in_a_buffer_are_still_delivered_after_the_close(how):
    """C3."""
    log: list[Any] = []

    async def sink(ins, outs, state):
        await asyncio.sleep(10)
        assert ins.x.is_open()
        await drain(ins.x, log)
        assert ins.x.is_closed()

    workflow = Workflow()
    lead(add(workflow, counter(50), outs="x"), add(workflow, sink, "x"), how)
    go(workflow)
    assert log == list(range(50))


@pytest.mark.parametrize("how", SPLIT)
@pytest.mark.parametrize("closing", ["returns", "closes its input"])
def test_c4_a_consumer_that_goes_drops_what_waits_and_later_pushes_skip_it(how, closing):
    """C4: the edge is cancelled; the other edges of the output go on."""
    got: list[Any] = []

    async def leaver(ins, outs, state):
        await ins.x.pop()
        if closing == "closes its input":
            ins.x.close()
            assert ins.x.is_closed()
            await asyncio.sleep(100)

    workflow = Workflow(threshold=3)
    source = add(workflow, counter(20), outs="x")
    lead(source, add(workflow, leaver, "x"), how)
    source | add(workflow, collector(got), "x")
    statistics = go(workflow)
    assert got == list(range(20))
    gone, kept = sorted(statistics.edges, key=lambda edge: edge.items)
    assert (gone.target, kept.target, kept.items) == ("leaver.x", "sink.x", 20)
    assert gone.items < 20
    assert statistics.steps["leaver"].inputs["x"].depth == 0


def test_c4_a_push_that_waits_for_a_consumer_that_goes_is_served_by_the_others():
    """C4, P5: no push waits for a consumer that will never take an item."""
    got: list[Any] = []

    async def leaver(ins, outs, state):
        await asyncio.sleep(3)

    workflow = Workflow(threshold=2)
    source = add(workflow, counter(9), outs="x")
    source | add(workflow, leaver, "x")
    source | add(workflow, collector(got), "x")
    go(workflow)
    assert got == list(range(9))


@pytest.mark.parametrize("how", SPLIT)
@pytest.mark.parametrize("cause", ["fails", "is cancelled"])
def test_c6_outputs_of_a_stream_that_failed_or_was_cancelled_never_close(how, cause):
    """C6: a consumer cannot take a failure for an end."""
    log: list[Any] = []

    async def broken(ins, outs, state):
        await asyncio.sleep(1)
        raise ValueError("broken")

    async def sink(ins, outs, state):
        try:
            async for _ in ins.x:
                pass
            log.append("took it for an end")
        finally:
            await asyncio.sleep(1)
            log.append(ins.x.is_closed())

    workflow = Workflow()
    source = broken if cause == "fails" else forever
    lead(add(workflow, source, outs="x"), add(workflow, sink, "x"), how)
    add(workflow, broken, name="other")
    failing(workflow)
    assert log == [False]


def test_c6_nor_do_those_of_one_that_was_cancelled_before_its_first_step():
    """C6: it never began, but its consumer did."""
    log: list[Any] = []

    async def broken(ins, outs, state):
        raise ValueError("at once")

    async def never(ins, outs, state):
        pytest.fail("it was cancelled before it began")

    async def sink(ins, outs, state):
        try:
            async for _ in ins.x:
                pass
            log.append("took it for an end")
        except asyncio.CancelledError:
            log.append("cancelled")
            raise

    workflow = Workflow()
    target = add(workflow, sink, "x")
    add(workflow, broken)
    add(workflow, never, outs="x").pipe(target)
    failing(workflow)
    assert log == ["cancelled"]


def test_c5_every_stream_has_ended_and_cleaned_up():
    """C5: no stream is left when the run is over, however it ended."""
    log: list[Any] = []

    async def broken(ins, outs, state):
        await asyncio.sleep(1)
        raise ValueError("broken")

    workflow = Workflow()
    for name in "abc":
        add(workflow, cleaner(log, name=name))
    add(workflow, broken)
    failing(workflow)
    assert log == [f"{name} {what}" for what in ("begins", "is done") for name in "abc"]


def test_c5_a_chain_ends_from_its_head_to_its_end():
    """C1, C5: each stream passes the end on."""
    got: list[Any] = []
    workflow = Workflow(threshold=2)
    step: Any = add(workflow, counter(10), outs="x")
    for _ in range(20):
        step = step | add(workflow, double, "x", "y")
    step | add(workflow, collector(got), "x")
    statistics = go(workflow)
    assert got == [number << 20 for number in range(10)]
    assert set(endings(statistics).values()) == {"returned"}


def test_c4_an_input_of_the_workflow_takes_pushes_while_anybody_reads_it():
    """C4, W6: one of its two readers has left."""
    got: list[Any] = []
    workflow = Workflow(["a"])
    for fn in taker(1), collector(got):
        workflow.ins["a"] | add(workflow, fn, "x")

    async def main():
        async with workflow.open() as opened:
            for number in range(5):
                await opened.ins.a.push(number)
                await asyncio.sleep(1)

    run(main())
    assert got == list(range(5))


def test_c5_the_run_of_a_stream_alone_that_waits_for_nothing_takes_no_time():
    """C5: no timer delays its end."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x")

    async def main():
        await workflow.run()
        return await clock()

    assert run(main()) == 0.0
