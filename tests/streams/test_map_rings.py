"""``Map`` in rings: one that is stuck is seen, one that works is no false alarm."""

import asyncio
import time
from typing import Any

import pytest

from helpers import run
from mimo_rx import DeadlockError, Stream, Workflow, flow
from mimo_rx.streams import Map
from runs import add, collector, failing, go


async def same(item):
    return item


async def slowly(item):
    await asyncio.sleep(50)
    return item


def slow_in_a_thread(item):
    time.sleep(0.3)
    return item


MAPS = [
    pytest.param(lambda fn: Map(fn, name="m"), id="one at a time"),
    pytest.param(lambda fn: Map(fn, concurrency=3, name="m"), id="concurrent"),
    pytest.param(lambda fn: Map(fn, concurrency=3, ordered=False, name="m"), id="unordered"),
]


def ring(stream, entry, *, feedback=False, threshold=100, growth_limit=None):
    """Make a ring of `entry` and `stream`; `entry` reads `back` and pushes `there`."""
    workflow = Workflow(threshold=threshold, growth_limit=growth_limit)
    first = add(workflow, entry, "item back", "there", name="entry")
    step = workflow.add_stream(stream)
    first.pipe(step, "there", "item")
    step.pipe(first, "item", "back", feedback=feedback)
    return workflow, first, step


async def reads_first(ins, outs, state):
    async for item in ins.back:
        await outs.there.push(item)


@pytest.mark.parametrize("make", MAPS)
def test_d3_a_ring_of_reads_is_seen(make):
    """D3: every task of the Map waits in a pop."""
    workflow, _, _ = ring(make(same), reads_first)
    error = failing(workflow, DeadlockError)
    assert "m" in str(error)


async def two_for_one(ins, outs, state):
    await outs.there.push(0)
    async for item in ins.back:
        if item > 12:
            return
        await outs.there.push(item + 1)
        await outs.there.push(item + 1)


@pytest.mark.parametrize("make", MAPS)
def test_d2_a_full_ring_grows_or_is_seen(make):
    """D2, D4: some of the tasks wait for room, the others for those."""
    workflow, _, _ = ring(make(same), two_for_one, threshold=1, growth_limit=0)
    failing(workflow, DeadlockError)
    workflow, _, _ = ring(make(same), two_for_one, threshold=1)
    go(workflow)


async def one_round(ins, outs, state):
    await outs.there.push(1)
    state["back"] = await ins.back.pop()


@pytest.mark.parametrize("make", MAPS)
def test_d4_a_call_that_is_under_way_is_no_ring(make):
    """D4: it may be all that the ring waits for."""
    workflow, first, _ = ring(make(slowly), one_round)
    go(workflow)
    assert first.stream.state["back"] == 1


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_d4_a_call_in_a_thread_or_process_is_no_ring(executor):
    """D4."""
    stream = Map(slow_in_a_thread, 2, executor=executor, name="m")
    workflow, first, _ = ring(stream, one_round)
    workflow.start()
    assert first.stream.state["back"] == 1


@pytest.mark.parametrize("make", MAPS)
@pytest.mark.parametrize("threshold", [1, 2, 100])
def test_d6_a_ring_of_feedback_ends_when_nothing_is_under_way(make, threshold):
    """D6: a crawl, in which what is found is looked up in its turn."""
    seen: list[Any] = []

    async def crawl(ins, outs, state):
        async for number in ins.item:
            if number not in seen:
                seen.append(number)
                await outs.there.push(number)

    async def links(number):
        await asyncio.sleep(number % 3)
        return (number * 2) % 31

    workflow = Workflow(threshold=threshold)
    first = workflow.add_stream(Stream(["item"], ["there"], fn=crawl))
    step = workflow.add_stream(make(links))
    flow([1, 3]) | first["item"]
    first.pipe(step, "there", "item")
    step.pipe(first, "item", "item", feedback=True)
    go(workflow)
    expected = {1, 3}
    for start in (1, 3):
        number = start
        while (number := (number * 2) % 31) not in expected:
            expected.add(number)
    assert set(seen) == expected


@pytest.mark.parametrize("make", MAPS)
def test_a_map_that_feeds_itself_lets_the_loop_go_round(make):
    """P12: an endless ring of one stream is no deadlock, and can be cancelled."""

    async def main():
        workflow = Workflow(threshold=5)
        step = workflow.add_stream(make(same))
        step.push(1)
        step.pipe(step)
        task = asyncio.create_task(workflow.run())
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


def test_the_drawing_of_a_stuck_ring_shows_where_a_map_waits():
    """W6: also of its tasks."""
    got: list[Any] = []
    drawn = []

    async def main():
        workflow = Workflow(["a"], threshold=1)
        step = workflow.add_stream(Map(same, concurrency=3, name="m"))
        workflow.ins["a"] | step | add(workflow, collector(got), "x", name="read")
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            drawn.append(str(opened.waits()))

    run(main())
    assert "m" in drawn[0]
