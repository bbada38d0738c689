"""The counts of the ports (P11), in the statistics of a run and in corner cases."""

import asyncio
import dataclasses
from typing import Any

import pytest

from helpers import run
from mimo_rx import Input, Stream, Workflow
from ports import buffer, cancel, output, outputs, pipe, reader, start, turns


def test_p11_items_in_and_out_count_what_was_taken_and_pushed():
    """P11: every kind of call counts, also a push to an output that leads nowhere."""

    async def source(ins, outs, state):
        await outs.b.push(0)
        await outs.b.push_many(range(1, 10))
        await outs.nowhere.push(0)
        await outs.nowhere.push_many([1, 2])

    async def sink(ins, outs, state):
        await ins.a.peek()
        await ins.a.pop()
        async for _ in ins.a:
            break
        async for chunk in ins.a.chunks(2):
            assert len(chunk) == 2
            break
        assert ins.a.buffer.taken == 4
        async for _ in ins.a:
            pass

    workflow = Workflow(threshold=4)
    begin = workflow.add_stream(Stream([], ["b", "nowhere"], fn=source))
    begin["b"] | workflow.add_stream(Stream(["a"], fn=sink))
    steps = run(workflow.run()).steps
    assert (steps["source"].items_in, steps["source"].items_out) == (0, 13)
    assert (steps["sink"].items_in, steps["sink"].items_out) == (10, 0)


def test_p11_an_input_tells_depth_peak_threshold_growth_and_over():
    """P11: both while the run is under way and after it."""

    async def sink(ins, outs, state):
        await asyncio.sleep(1)
        await ins.a.pop()
        await asyncio.sleep(2)

    async def main():
        workflow = Workflow(["a"], threshold=9)
        step = workflow.add_stream(Stream(["a"], fn=sink), threshold=5)
        for seed in range(6):
            step.push(seed)
        workflow.ins["a"] | step
        async with workflow.open() as opened:

            def fields() -> tuple[int, ...]:
                record = opened.statistics().steps["sink"].inputs["a"]
                return dataclasses.astuple(record)

            assert fields() == (6, 6, 5, 0, 1)
            await asyncio.sleep(2)
            assert fields() == (5, 6, 5, 0, 1)
            assert opened.statistics().steps["sink"].ended is None
        assert fields() == (0, 6, 5, 0, 1)

    run(main())


def test_p11_the_peak_is_seen_whoever_fills_the_buffer():
    """P11: by pushes one by one, in bulk and into several edges."""

    async def main():
        far, other = buffer(9), buffer(9)
        out, fan = outputs([far], [far, other])
        for expected, call in enumerate([out.push, out.push, fan.push, out.push], 1):
            await call(0)
            assert far.peak == expected
        await out.push_many([0, 0])
        far.put(0)
        await fan.push_many([0, 0])
        assert (far.peak, other.peak) == (9, 3)

    run(main())


def test_p11_shares_of_time_are_busy_starved_and_backpressured():
    """P11: time is measured by the loop's clock, and the three shares add up to one."""

    async def source(ins, outs, state):
        await asyncio.sleep(1)
        await outs.b.push(0)
        await outs.b.push(1)  # waits until second 4

    async def sink(ins, outs, state):
        await ins.a.pop()
        await asyncio.sleep(3)
        await ins.a.pop()
        await asyncio.sleep(4)

    workflow = Workflow(threshold=1)
    begin = workflow.add_stream(Stream([], ["b"], fn=source))
    begin | workflow.add_stream(Stream(["a"], fn=sink))
    steps = run(workflow.run()).steps
    assert steps["sink"].starved == pytest.approx(1 / 8)
    assert steps["sink"].busy == pytest.approx(7 / 8)
    assert steps["source"].starved == 0
    for record in steps.values():
        assert record.busy + record.starved + record.backpressured == pytest.approx(1)
        assert (record.ended, record.restarts) == ("returned", 0)
        with pytest.raises(dataclasses.FrozenInstanceError):
            record.items_in = 0  # type: ignore[misc]


def test_p11_edges_tell_source_target_and_items():
    """P11: each edge of a fan-out counts until it is cut."""

    async def source(ins, outs, state):
        for item in range(20):
            await outs.b.push(item)

    async def all_(ins, outs, state):
        async for _ in ins.a:
            pass

    async def some(ins, outs, state):
        for _ in range(3):
            await ins.a.pop()

    workflow = Workflow(threshold=1)
    begin = workflow.add_stream(Stream([], ["b"], fn=source))
    begin | workflow.add_stream(Stream(["a"], fn=all_))
    begin | workflow.add_stream(Stream(["a"], fn=some))
    edges = run(workflow.run()).edges
    whole, part = edges
    assert (whole.source, whole.target, whole.items) == ("source.b", "all_.a", 20)
    assert (part.source, part.target, part.drops) == ("source.b", "some.a", 0)
    assert 3 <= part.items <= 5


def test_p11_counts_survive_every_change_of_the_edges():
    """P11: this covers short ways, long ways, kept methods, cuts and the close."""

    async def main():
        buffers = [buffer(50) for _ in range(3)]
        out = output(*buffers)
        edges = list(out.edges)
        push = out.push
        pushed = 0
        for far in buffers[:2]:
            for _ in range(3):
                await push(0)
                await out.push(0)
                await out.push_many([0, 0])
                pushed += 4
            assert out.count == pushed
            reader(far).close()
        await out.push_many([0, 0])
        out.close()
        assert out.count == pushed + 2 == 26
        assert [edge.items for edge in edges] == [12, 24, 26]
        assert [far.entered for far in buffers] == [12, 24, 26]
        assert [far.lost for far in buffers] == [12, 24, 0]

    run(main())


def test_p11_calls_that_were_given_up_are_not_counted():
    """P11, P7: they count neither as pushed nor as taken."""

    async def main():
        out, port = pipe(1)
        for call in (port.pop, port.peek, lambda: anext(aiter(port)), lambda: anext(port.chunks())):
            reading = start(call())
            await turns()
            await cancel(reading)
        await out.push(0)
        for given_up in (out.push(1), out.push_many([1])):
            pushing = start(given_up)
            await turns()
            await cancel(pushing)
        await port.peek()
        assert (out.count, port.buffer.taken) == (1, 0)

    run(main())


def test_p11_two_producers_of_one_input_are_counted_apart():
    """P11, P8: they share the buffer of the input."""

    async def main():
        far = buffer(100)
        first, second = outputs([far], [far])
        calls: list[Any] = [first.push, second.push, first.push]
        for call in calls * 5:
            await call(0)
        await second.push_many(range(7))
        assert (first.count, second.count, far.entered) == (10, 12, 22)

    run(main())


def test_p11_the_time_of_two_that_wait_at_once_counts_once():
    """P11: two tasks that wait at the same time count once, and a wait under way counts too."""

    async def main():
        far = buffer(100)
        (near,) = outputs([far])
        port: Input[int] = Input("x", far)
        starved = far.process.starved
        first = asyncio.create_task(port.pop())
        await asyncio.sleep(1)
        second = asyncio.create_task(port.pop())
        await asyncio.sleep(2)
        await near.push(1)
        assert await first == 1
        assert starved.seconds() == 3
        await asyncio.sleep(4)
        await near.push(2)
        assert await second == 2
        await asyncio.sleep(8)
        assert starved.seconds() == 7

    run(main())
