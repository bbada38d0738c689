"""Waits of a single round of the loop, where the other side of a buffer is about to run."""

import asyncio
from typing import Any

import pytest

from helpers import run
from mimo_rx import OutputClosed, Workflow, stream
from mimo_rx._ports.burst import Soon, Taker
from ports import (
    assert_nobody_waits,
    buffer,
    cancel,
    output,
    outputs,
    process,
    reader,
    start,
    turns,
)


def about_to_run(far):
    """Let the consumer of `far` count as one that waits only for the next round."""
    far.process.runs_next += 1
    return far


async def reserving():
    """Make a full buffer and an output, and let a push make a reservation."""
    near = about_to_run(buffer(1))
    out = output(near)
    await out.push(0)
    reserved = start(out.push(1))
    await turns(1)
    return near, out, reserved


def test_p6_a_push_before_a_consumer_that_is_about_to_run_comes_back_in_the_next_round():
    """P6: the push is not woken, and its item comes before those of newcomers."""

    async def main():
        near = about_to_run(buffer(1))
        first, second = outputs([near], [near])
        await first.push(0)
        reserved = start(first.push(1))
        await turns(1)
        assert not near.putters
        newcomer = start(second.push(2))
        assert near.items.popleft() == 0  # the consumer, in the same round
        await reserved
        assert list(near.items) == [1]
        assert await reader(near).pop() == 1
        await newcomer
        assert list(near.items) == [2]
        assert_nobody_waits([first, second])

    run(main())


def test_p6_a_push_that_reserved_in_vain_stands_at_the_head_of_the_line():
    """P6: pushes that came meanwhile come after it."""

    async def main():
        near = about_to_run(buffer(1))
        first, second = outputs([near], [near])
        await first.push(0)
        waiting = [start(first.push(1)), start(second.push(2)), start(first.push(3))]
        await turns()
        assert [len(near.putters), near.turn] == [3, None]
        for expected in range(4):
            assert await reader(near).pop() == expected
            await turns()
        await asyncio.gather(*waiting)
        assert_nobody_waits([first, second])

    run(main())


def test_p6_nobody_reserves_before_those_who_stand_in_line():
    """P6: a push that came later comes after the waiters."""

    async def main():
        near = about_to_run(buffer(1))
        first, second = outputs([near], [near])
        await first.push(0)
        waiting = [start(first.push(1, timeout=9)), start(second.push(2))]
        await turns(1)
        assert len(near.putters) == 2
        for expected in range(3):
            assert await reader(near).pop() == expected
            await turns()
        await asyncio.gather(*waiting)

    run(main())


@pytest.mark.parametrize("room", [False, True])
def test_p7_a_cancelled_push_that_has_reserved_leaves_its_turn_to_the_next(room):
    """P7: everything is as if the push had never been called."""

    async def main():
        near = about_to_run(buffer(1))
        first, second = outputs([near], [near])
        await first.push(0)
        reserved, next_one = start(first.push(1)), start(second.push(2))
        await turns(1)
        if room:
            near.items.popleft()
        await cancel(reserved)
        if not room:
            await turns()
            assert list(near.items) == [0]
            await reader(near).pop()
        await next_one
        assert list(near.items) == [2]
        assert first.process.runs_next == 0
        assert_nobody_waits([first, second])

    run(main())


def test_c1_a_push_that_has_reserved_hears_of_the_close_of_its_output():
    """C1: the push raises, and its item goes nowhere."""

    async def main():
        near, out, reserved = await reserving()
        out.close()
        near.items.clear()
        with pytest.raises(OutputClosed):
            await reserved
        assert not near.items
        assert_nobody_waits([out])

    run(main())


def test_c4_a_push_that_has_reserved_goes_on_where_its_reader_closes():
    """C4: the edge is skipped from now on."""

    async def main():
        near, out, reserved = await reserving()
        out.process.outs["side"] = output(buffer(9), owner=out.process)
        reader(near).close()
        await reserved
        assert near.lost == 1
        assert_nobody_waits([out])

    run(main())


def test_p2_a_push_with_a_timeout_does_not_reserve():
    """P2: the push waits in line, where its time can run out."""

    async def main():
        near = about_to_run(buffer(1))
        out = output(near)
        await out.push(0)
        waiting = start(out.push(1, timeout=9))
        await turns(1)
        assert len(near.putters) == 1
        await reader(near).pop()
        await waiting

    run(main())


READS = {
    "pop": lambda port: port.pop(),
    "peek": lambda port: port.peek(),
    "async for": lambda port: anext(aiter(port)),
    "chunks": lambda port: anext(port.chunks()),
}


@pytest.mark.parametrize("read", READS)
def test_p1_a_read_waits_a_round_for_a_producer_that_is_about_to_run_and_then_in_line(read):
    """P1: whatever the producer does, an item that comes later is not missed."""

    async def main():
        owner = process("writer")
        near = buffer(2)
        out = output(near, owner=owner)
        owner.runs_next = 1
        reading = start(READS[read](reader(near)))
        await turns(1)
        assert (near.process.runs_next, len(near.getters)) == (1, 0)
        await turns()
        assert (near.process.runs_next, len(near.getters)) == (0, 1)
        await out.push("x")
        assert await reading in ("x", ["x"])
        assert near.process.starved.depth == 0

    run(main())


@pytest.mark.parametrize("read", READS)
def test_p7_a_read_cancelled_in_its_round_leaves_nothing_behind(read):
    """P7: no item is taken, and the read no longer counts as about to run."""

    async def main():
        owner = process("writer")
        near = buffer(2)
        out = output(near, owner=owner)
        owner.runs_next = 1
        reading = start(READS[read](reader(near)))
        await turns(1)
        await out.push("x")
        await cancel(reading)
        assert list(near.items) == ["x"]
        assert (near.process.runs_next, near.process.starved.depth) == (0, 0)
        assert await reader(near).pop() == "x"

    run(main())


def test_p1_a_reader_of_several_inputs_waits_in_line_at_once():
    """Waiting a round for each input would be slower than waiting in line."""

    async def main():
        owner, consumer = process("writer"), process("join")
        near = buffer(2, owner=consumer)
        consumer.ins = {"a": reader(near), "b": reader(buffer(2, owner=consumer))}
        output(near, owner=owner)
        owner.runs_next = 1
        reading = start(reader(near).pop())
        await turns(1)
        assert (consumer.runs_next, len(near.getters)) == (0, 1)
        await cancel(reading)

    run(main())


# The places that a producer fills without a look


def filled_to(depth, threshold=9):
    """Make an output before a buffer that has been full once and now holds `depth` items."""
    near = buffer(threshold)
    out = output(near)
    for item in range(threshold):
        out.push(item).close()
    for _ in range(threshold - depth):
        near.items.popleft()
        near.untick(-1)
    return near, out


def test_p4_pushes_fill_places_without_a_look_at_the_buffer():
    """P4: as many items as there was room for, and no more."""

    async def main():
        near, out = filled_to(4)
        await out.push("a")
        assert len([*near.places]) == 4
        near.settle()
        for item in "bcde":
            await out.push(item)
        assert len(near.items) == 9
        waiting = start(out.push("f"))
        await turns()
        assert not waiting.done()
        assert await reader(near).pop() == 5
        await waiting
        assert (out.count, near.peak, near.over) == (15, 9, 0)

    run(main())


async def batch(near, out):
    await out.push_many("xyz")


async def burst(near, out):
    out.fill(iter("xyz"))


async def operators(near, out):
    near.put("x")


async def wait(near, out):
    near.items.clear()
    reading = start(reader(near).pop())
    await turns()
    assert near.getters
    await out.push("seen")
    assert await reading == "seen"


async def shut(near, out):
    near.turn = out
    near.settle()
    waiting = start(out.push("late"))
    await turns()
    assert not waiting.done()
    await cancel(waiting)
    near.turn = None
    near.settle()


async def late_turn(near, out):
    """Give a turn after a newcomer went ahead, as when wake-ups are late."""
    other = output(near)
    await out.push_many(range(7 - len(near.items) + 2))
    waiting = start(other.push("late"))
    await turns()
    for _ in range(5):
        near.items.popleft()
    await out.push("ahead")
    near.wake_next()
    newcomer = start(out.push("behind"))
    await turns()
    assert waiting.done()
    assert newcomer.done()
    assert [*near.items][-2:] == ["late", "behind"]


async def closed(near, out):
    reader(near).close()
    await out.push("gone")
    assert not near.items


@pytest.mark.parametrize("event", [batch, burst, operators, wait, shut, late_turn, closed])
def test_p3_whatever_else_happens_in_a_buffer_takes_the_places_back(event):
    """P3, P7: the next push looks again."""

    async def main():
        near, out = filled_to(2)
        out.process.outs["other"] = output(buffer(99), owner=out.process)
        push = out.push
        await push("a")
        assert near.places.__length_hint__() == 6
        await event(near, out)
        pushed = [start(push(item)) for item in range(9)]
        await turns()
        if event is not closed:
            assert len(near.items) == 9  # it never held more, or the buffer would have failed
        for task in pushed:
            if not task.done():
                await cancel(task)

    run(main())


# In runs


@stream(outs=["item"])
async def numbers(ins, outs, state):
    for item in range(1000):
        await outs.item.push(item)


@stream(ins=["item"], outs=["item"])
async def relay(ins, outs, state):
    async for item in ins.item:
        await outs.item.push(item)


@stream(ins=["item"])
async def total(ins, outs, state):
    state["total"] = 0
    async for item in ins.item:
        state["total"] += item


@pytest.mark.parametrize("threshold", [1, 10, 100])
def test_p4_streams_in_a_row_need_no_wake_ups(threshold):
    """P4: where the other side runs anyway, no task must be woken, except at the start and end."""

    class Loop(asyncio.SelectorEventLoop):
        wake_ups = 0

        def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:  # type: ignore[override]
            self.wake_ups += getattr(callback, "__name__", "") == "task_wakeup"
            return super().call_soon(callback, *args, context=context)

    workflow, last = Workflow(threshold=threshold), total()
    step = workflow.add_stream(numbers())
    for _ in range(5):
        step = step | relay()
    step | last
    with asyncio.Runner(loop_factory=Loop) as runner:
        runner.run(workflow.run())
        loop: Any = runner.get_loop()
        wake_ups = loop.wake_ups
    assert last.state["total"] == sum(range(1000))
    assert 1 <= wake_ups <= 20


def test_nobody_reserves_before_a_merge_that_wakes_producers_late():
    """The merge runs in the next round, but may take very little from any one input."""

    async def main():
        near = about_to_run(buffer(1))
        out = output(near)
        await out.push(0)
        Taker(reader(near), Soon(near.loop))
        waiting = start(out.push(1))
        await turns(1)
        assert len(near.putters) == 1
        await reader(near).pop()
        await waiting

    run(main())
