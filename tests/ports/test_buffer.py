"""The bound of a buffer, what may exceed it, the order of waiters, and calls that need no loop."""

import asyncio
from typing import Any

import pytest
from reactivex import operators as ops

from helpers import run
from mimo_rx import Stream, Workflow
from ports import assert_nobody_waits, buffer, output, outputs, pipe, reader, start, turns


async def sink(ins, outs, state):
    """Write down the items that come in."""
    async for item in ins.a:
        state.setdefault("got", []).append(item)


async def late_sink(ins, outs, state):
    """Begin to read when all other tasks wait."""
    await asyncio.sleep(1)
    await sink(ins, outs, state)


def source(items, name="source"):
    """Make a stream that pushes `items` one by one."""

    async def fn(ins, outs, state):
        for item in items:
            await outs.b.push(item)

    return Stream([], ["b"], fn=fn, name=name)


# P3


def test_p3_push_waits_while_the_buffer_is_full():
    """P3: push waits before it adds."""

    async def main():
        out, port = pipe(2)
        await out.push_many([0, 1])
        waiting = start(out.push(2))
        await turns()
        assert not waiting.done()
        assert list(port.buffer.items) == [0, 1]
        assert await port.pop() == 0
        await waiting
        assert list(port.buffer.items) == [1, 2]
        assert_nobody_waits([out, port])

    run(main())


@pytest.mark.parametrize("threshold", [1, 2, 7])
def test_p3_a_buffer_never_holds_more_with_any_number_of_producers(threshold):
    """P3: twenty streams push into one input, one by one and in bulk."""

    async def bulk(ins, outs, state):
        await outs.b.push_many(range(30))

    workflow = Workflow(threshold=threshold)
    step = workflow.add_stream(Stream(["a"], fn=late_sink))
    for number in range(20):
        producer = Stream([], ["b"], fn=bulk) if number % 2 else source(range(30))
        workflow.add_stream(producer) | step
    statistics = run(workflow.run())
    assert sorted(step.stream.state["got"]) == sorted(list(range(30)) * 20)
    record = statistics.steps["late_sink"].inputs["a"]
    assert (record.peak, record.over, record.depth) == (threshold, 0, 0)


def test_p3_an_operator_that_makes_k_items_at_once_exceeds_by_k_less_1():
    """P3: at most threshold + k - 1, and each above the threshold counts as `over`."""
    workflow = Workflow(threshold=3)
    step = workflow.add_stream(Stream(["a"], fn=late_sink))
    workflow.add_stream(source(range(4))) | ops.flat_map(lambda x: [x] * 5) | step
    statistics = run(workflow.run())
    assert step.stream.state["got"] == [x for x in range(4) for _ in range(5)]
    record = statistics.steps["late_sink"].inputs["a"]
    assert 5 <= record.peak <= 3 + 5 - 1
    assert record.over > 0


def test_p3_what_an_operator_releases_at_the_end_counts_as_over():
    """P3: an operator that completes cannot wait, as a push can."""
    workflow = Workflow(threshold=3)
    step = workflow.add_stream(Stream(["a"], fn=late_sink))
    workflow.add_stream(source(range(20))) | ops.take_last(10) | step
    statistics = run(workflow.run())
    assert step.stream.state["got"] == list(range(10, 20))
    record = statistics.steps["late_sink"].inputs["a"]
    assert (record.peak, record.over) == (10, 7)


def test_p3_seeds_may_exceed_the_threshold_and_count_as_over():
    """P3, W3: pushes wait until it is below again."""
    workflow = Workflow(threshold=3)
    step = workflow.add_stream(Stream(["a"], fn=sink))
    for item in range(10):
        step.push(item)
    workflow.add_stream(source(range(10, 20))) | step
    statistics = run(workflow.run())
    assert step.stream.state["got"] == list(range(20))
    record = statistics.steps["sink"].inputs["a"]
    assert (record.peak, record.over) == (10, 7)


def test_p3_pushes_wait_until_an_overfull_buffer_is_below_again():
    """P3: one item that was taken is not enough."""

    async def main():
        far = buffer(2)
        far.items.bound = 5  # type: ignore[attr-defined]
        out, port = output(far), reader(far)
        for item in range(5):
            far.put(item)
        assert (far.over, far.peak) == (3, 5)
        waiting = start(out.push(5))
        for left in (4, 3, 2):
            await turns()
            assert not waiting.done()
            await port.pop()
            assert len(far.items) == left
        await turns()
        assert not waiting.done()
        await port.pop()
        await waiting
        assert list(far.items) == [4, 5]
        far.items.bound = 2  # type: ignore[attr-defined]
        assert far.over == 3

    run(main())


# P4


def test_p4_a_push_with_room_and_a_pop_with_an_item_do_not_go_through_the_loop():
    """P4: each await ends at its first step, and nothing is scheduled."""

    async def main():
        loop = asyncio.get_running_loop()
        out, port = pipe(5)
        items = aiter(port)
        chunks = port.chunks(1)
        for item in range(3):
            for _ in range(4):
                call = out.push(item)
                assert not [*call.__await__()]
            for take in (port.peek(), port.pop(), anext(items), anext(chunks), port.pop()):
                with pytest.raises(StopIteration):
                    take.__await__().send(None)
        assert not loop._ready  # type: ignore[attr-defined]
        bulk = out.push_many(range(5))
        with pytest.raises(StopIteration):
            bulk.send(None)
        assert not loop._ready  # type: ignore[attr-defined]

    run(main())


def test_p4_a_push_that_wakes_a_reader_goes_on_itself():
    """P4: the reader is scheduled once, and takes all items that are there by then."""

    async def main():
        out, port = pipe(5)
        reading = start(anext(port.chunks()))
        await turns()
        for item in range(5):
            assert not [*out.push(item).__await__()]
        assert await reading == [0, 1, 2, 3, 4]

    run(main())


# P6


@pytest.mark.parametrize("threshold", [1, 3])
def test_p6_all_producers_of_one_input_make_progress(threshold):
    """P6: endless producers, in bulk or not, with a reader that never stops."""

    async def main():
        far = buffer(threshold)
        outs = outputs(*[[far]] * 6)
        port = reader(far)

        async def one_by_one(out, number):
            while True:
                await out.push(number)

        async def in_bulk(out, number):
            await out.push_many(iter(lambda: number, None))

        tasks = [
            start((in_bulk if number % 2 else one_by_one)(out, number))
            for number, out in enumerate(outs)
        ]
        got = [await port.pop() for _ in range(600)]
        for number in range(6):
            assert 60 <= got.count(number) <= 140
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert_nobody_waits([*outs, port])

    run(main())


def test_p6_waiters_are_served_in_order():
    """P6: a push that comes in between does not overtake them."""

    async def main():
        far = buffer(1)
        outs, port = outputs(*[[far]] * 5), reader(far)
        await outs[0].push("first")
        waiting = []
        for number, out in enumerate(outs):
            waiting.append(start(out.push(number)))
            await turns()
        assert await port.pop() == "first"
        # The place is kept for the first in line, who has not run yet.
        waiting.append(start(output(far).push(5)))
        got = []
        for _ in range(6):
            await turns()
            got.append(await port.pop())
        assert got == [0, 1, 2, 3, 4, 5]
        await asyncio.gather(*waiting)

    run(main())


def test_p6_one_that_lacks_room_elsewhere_is_passed_over_and_served_later():
    """P6: the waiter that is passed over keeps its place in line."""

    async def main():
        near, far = buffer(1), buffer(1)
        fan, single, other = outputs([near, far], [near], [near])
        await fan.push(0)
        fanning = start(fan.push(1))
        await turns()
        waiting = [start(single.push(2))]
        await turns()
        assert await reader(near).pop() == 0
        await waiting[0]
        assert list(near.items) == [2]
        waiting.append(start(other.push(3)))
        await turns()
        assert await reader(far).pop() == 0
        assert await reader(near).pop() == 2
        await fanning
        assert (list(near.items), list(far.items)) == ([1], [1])
        await reader(near).pop()
        await waiting[1]
        assert_nobody_waits([fan, single, other])

    run(main())


def test_p6_a_fan_out_waits_holding_nothing():
    """P6: while it waits for one buffer, other pushes use the room in its other buffer."""

    async def main():
        near, far = buffer(3), buffer(1)
        fan, single = outputs([near, far], [near])
        await fan.push(0)
        fanning = start(fan.push(1))
        await turns()
        await single.push_many([2, 3])
        assert list(near.items) == [0, 2, 3]
        await reader(far).pop()
        await turns()
        assert not fanning.done()
        assert not far.items
        await reader(near).pop()
        await fanning
        assert (list(near.items), list(far.items)) == ([2, 3, 1], [1])
        assert_nobody_waits([fan, single])

    run(main())


def test_p6_two_fan_outs_in_opposite_orders_go_on_for_ever():
    """P6: each waits for both buffers; the loop would raise an error if both stood still."""

    async def main():
        left, right = buffer(1), buffer(1)
        fans = outputs([left, right], [right, left])
        got: dict[str, list[Any]] = {"left": [], "right": []}

        async def read(name, far):
            async for item in reader(far):
                got[name].append(item)

        async def write(number, fan):
            for item in range(100):
                await fan.push((number, item))
            fan.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(read("left", left))
            group.create_task(read("right", right))
            for number, fan in enumerate(fans):
                group.create_task(write(number, fan))
        for items in got.values():
            for number in range(2):
                assert [item for item in items if item[0] == number] == [
                    (number, item) for item in range(100)
                ]
        assert_nobody_waits(fans)

    run(main())
