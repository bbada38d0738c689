"""The statistics of a run: rule P11, field by field, on virtual time."""

import asyncio
import dataclasses
import pickle
from typing import Any

import pytest

from helpers import run
from mimo_rx import EdgeStatistics, InputStatistics, Statistics, StepStatistics, Stream, Workflow
from runs import add, collector, counter, double, forever, go, taker


def paced(seconds: float, count: int) -> Any:
    """Make a function that works `seconds` before each of `count` pushes."""

    async def source(ins, outs, state):
        for number in range(count):
            await asyncio.sleep(seconds)
            await outs.x.push(number)

    return source


def slow(seconds: float) -> Any:
    """Make a function that works `seconds` on each item."""

    async def sink(ins, outs, state):
        async for _ in ins.x:
            await asyncio.sleep(seconds)

    return sink


@pytest.mark.parametrize(
    "kind", [Statistics, StepStatistics, InputStatistics, EdgeStatistics], ids=lambda k: k.__name__
)
def test_p11_statistics_are_a_frozen_record(kind):
    """P11: no field can be set, and none can be added."""
    workflow = Workflow()
    add(workflow, counter(3), outs="x") | add(workflow, taker(3), "x")
    statistics = go(workflow)
    step = statistics.steps["take"]
    records: list[Any] = [statistics, step, step.inputs["x"], statistics.edges[0]]
    (record,) = [each for each in records if type(each) is kind]
    for field in dataclasses.fields(record):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(record, field.name, None)
    with pytest.raises((AttributeError, TypeError)):
        record.another = 1


def test_p11_statistics_can_be_compared_pickled_and_made_a_dict():
    """P11: they are plain data, which outlives the run."""
    workflow = Workflow()
    add(workflow, counter(3), outs="x") | add(workflow, taker(3), "x")
    statistics = go(workflow)
    assert pickle.loads(pickle.dumps(statistics)) == statistics == go(workflow)
    assert dataclasses.asdict(statistics)["steps"]["take"]["inputs"]["x"]["threshold"] == 100


def test_p11_items_in_and_out_are_those_taken_and_pushed():
    """P11: `items_in`, `items_out` count all ports, read or not, and every kind of call."""

    async def source(ins, outs, state):
        await outs.x.push(1)
        await outs.x.push_many(range(10))
        await outs.loose.push(1)

    async def sink(ins, outs, state):
        await ins.x.peek()
        await ins.x.pop()
        async for _ in ins.x.chunks(2):
            break
        async for _ in ins.x:
            break
        await ins.y.pop()

    workflow = Workflow()
    step, target = add(workflow, source, outs="x loose"), add(workflow, sink, "x y")
    step["x"] | target["x"]
    step["x"] | target["y"]
    statistics = go(workflow)
    assert statistics.steps["source"].items_out == 12
    assert statistics.steps["source"].items_in == 0
    assert statistics.steps["sink"].items_in == 5
    assert statistics.steps["sink"].items_out == 0


def test_p11_shares_of_time_are_exact_and_add_up_to_one():
    """P11: `busy`, `starved` (waiting to pop) and `backpressured` (waiting to push)."""
    workflow = Workflow(threshold=1)
    # An item comes at 1, 2, ... 5 s, and the work on each takes 3 s: on the last one from 13 to
    # 16 s. The third push waits from 3 to 4 s, the fourth from 5 to 7 s, the fifth from 8 to 10 s.
    add(workflow, paced(1, 5), outs="x") | add(workflow, slow(3), "x")
    steps = go(workflow).steps
    source, sink = steps["source"], steps["sink"]
    assert source.busy == pytest.approx(5 / 10)
    assert source.backpressured == pytest.approx(5 / 10)
    assert source.starved == 0
    assert sink.starved == pytest.approx(1 / 16)
    assert sink.busy == pytest.approx(15 / 16)
    assert sink.backpressured == 0


def test_p11_shares_are_those_of_now_while_a_wait_goes_on():
    """P11: in the middle of a run, and unchanged after its step has ended."""
    workflow = Workflow()

    async def sink(ins, outs, state):
        await asyncio.sleep(1)
        await ins.x.pop()

    add(workflow, paced(4, 1), outs="x") | add(workflow, sink, "x")
    add(workflow, paced(10, 1), outs="x", name="longer")

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(2)
            early = opened.statistics().steps["sink"]
            await asyncio.sleep(7)
            late = opened.statistics().steps["sink"]
        return early, late, opened.statistics().steps["sink"]

    early, late, last = run(main())
    assert (early.busy, early.starved, early.ended) == (0.5, 0.5, None)
    assert (late.busy, late.starved, late.ended) == (0.25, 0.75, "returned")
    assert last == late


def test_p11_two_tasks_of_one_stream_that_wait_at_once_count_once():
    """P11: it is the share of the stream's time in which at least one waits."""

    async def sink(ins, outs, state):
        async def one():
            await ins.x.pop()

        await asyncio.gather(one(), one())
        await asyncio.sleep(2)

    workflow = Workflow()
    add(workflow, paced(1, 2), outs="x") | add(workflow, sink, "x")
    sink_ = go(workflow).steps["sink"]
    assert (sink_.starved, sink_.busy) == (0.5, 0.5)


def test_p11_a_stream_that_took_no_time_was_busy():
    """P11: the shares add up to one all the same."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x")
    step = go(workflow).steps["source"]
    assert (step.busy, step.starved, step.backpressured) == (1.0, 0.0, 0.0)


def test_p11_restarts_are_none_without_a_supervisor():
    """P11: `restarts`."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x")
    assert go(workflow).steps["source"].restarts == 0


def test_p11_ended_tells_how():
    """P11: `ended` (returned, downstream, cancelled, failed), None while it runs."""
    workflow = Workflow()

    async def broken(ins, outs, state):
        await asyncio.sleep(2)
        raise ValueError("broken")

    add(workflow, counter(1), outs="x", name="returned")
    add(workflow, counter(), outs="x", name="downstream") | add(workflow, taker(1), "x")
    add(workflow, forever, name="cancelled")
    add(workflow, broken, name="failed")

    async def main():
        early: Any = None
        try:
            async with workflow.open() as opened:
                await asyncio.sleep(1)
                early = opened.statistics()
                await asyncio.sleep(5)
        except ValueError:
            return early, opened.statistics()

    early, late = run(main())
    assert early.steps["failed"].ended is early.steps["cancelled"].ended is None
    for how in ("returned", "downstream", "cancelled", "failed"):
        assert late.steps[how].ended == how


def test_p11_inputs_tell_depth_peak_threshold_growth_and_over():
    """P11: `.inputs["item"]`."""
    workflow = Workflow()

    async def sink(ins, outs, state):
        await asyncio.sleep(2)
        for _ in range(2):
            await ins.item.pop()
        await asyncio.sleep(2)

    step = workflow.add_stream(Stream(["item"], fn=sink, name="parse"), threshold=7)
    add(workflow, counter(5), outs="x").pipe(step)
    step.push("seed")

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(3)
            during = opened.statistics().steps["parse"].inputs["item"]
        return during, opened.statistics().steps["parse"].inputs["item"]

    during, after = run(main())
    assert during == InputStatistics(depth=4, peak=6, threshold=7, growth=0, over=0)
    assert after == InputStatistics(depth=0, peak=6, threshold=7, growth=0, over=0)


def test_p11_steps_are_found_by_their_path():
    """P11, W2: `statistics.steps["parse"]`, `outer/inner/parse`."""
    inner, workflow = Workflow(name="inner"), Workflow()
    add(inner, counter(1), outs="x", name="parse")
    workflow.add_stream(inner)
    workflow.add_stream(inner)
    add(workflow, counter(1), outs="x", name="parse")
    assert list(go(workflow).steps) == ["inner/parse", "inner-2/parse", "parse"]


def test_p11_edges_tell_source_target_items_and_drops():
    """P11: `statistics.edges`; before operators, the items pushed into the edge."""
    workflow = Workflow(outs=["out"])
    source, middle = add(workflow, counter(6), outs="x"), add(workflow, double, "x", "y")
    source | middle | workflow.outs["out"]
    filtered = source.filter(lambda number: number > 3)
    filtered | add(workflow, collector([]), "x")
    assert set(go(workflow).edges) == {
        EdgeStatistics("source.x", "double.x", items=6, drops=0),
        EdgeStatistics("source.x", "sink.x", items=6, drops=0),
    }


def test_p11_an_edge_that_was_cancelled_counts_what_came_before():
    """P11, C4: "items pushed into the edge while it was connected"."""

    async def one(ins, outs, state):
        await ins.x.pop()
        ins.x.close()

    workflow = Workflow(threshold=1)
    source = add(workflow, paced(1, 5), outs="x")
    source | add(workflow, one, "x")
    source | add(workflow, collector([]), "x")
    items = {edge.target: edge.items for edge in go(workflow).edges}
    assert items == {"one.x": 1, "sink.x": 5}
