"""Giving up: cancels and timeouts at the worst moment, and edges that are cut meanwhile."""

import asyncio

import pytest

from helpers import run
from mimo_rx import InputClosed
from mimo_rx._ports.edge import Edge
from mimo_rx._ports.gate import Gate
from ports import assert_nobody_waits, buffer, cancel, output, outputs, pipe, reader, start, turns

PUSHES = {
    "push": lambda out: out.push("x"),
    "push with a timeout": lambda out: out.push("x", timeout=99),
    "push_many": lambda out: out.push_many(iter(["x"])),
}
READS = {
    "pop": lambda port: port.pop(),
    "pop with a timeout": lambda port: port.pop(timeout=99),
    "peek": lambda port: port.peek(),
    "async for": lambda port: anext(aiter(port)),
    "chunks": lambda port: anext(port.chunks()),
}


@pytest.mark.parametrize("fan", [False, True])
@pytest.mark.parametrize("push", PUSHES)
def test_p7_cancelling_a_waiting_push_leaves_everything_as_it_was(push, fan):
    """P7: no item is handed over, no waiter is left behind, and the next one is served."""

    async def main():
        near, far = buffer(1), buffer(9)
        first, second = outputs([near, far] if fan else [near], [near])
        await second.push(0)
        waiting = [start(PUSHES[push](first)), start(second.push(1))]
        await turns()
        await cancel(waiting[0])
        assert list(near.items) == [0]
        assert not far.items
        assert len(near.putters) == 1
        assert await reader(near).pop() == 0
        await waiting[1]
        assert list(near.items) == [1]
        assert_nobody_waits([first, second])

    run(main())


@pytest.mark.parametrize("fan", [False, True])
@pytest.mark.parametrize("push", PUSHES)
def test_p7_a_push_cancelled_as_it_is_woken_passes_its_turn_on(push, fan):
    """P7: the wake-up was given already; the next in line gets the place."""

    async def main():
        near, far = buffer(1), buffer(9)
        first, second = outputs([near, far] if fan else [near], [near])
        await second.push(0)
        waiting = [start(PUSHES[push](first)), start(second.push(1))]
        await turns()
        assert await reader(near).pop() == 0
        assert near.turn is first.waiters[0]
        await cancel(waiting[0])
        await waiting[1]
        assert list(near.items) == [1]
        assert not far.items
        assert_nobody_waits([first, second])

    run(main())


@pytest.mark.parametrize("read", READS)
def test_p7_cancelling_a_waiting_read_leaves_everything_as_it_was(read):
    """P7: the next in line gets the item."""

    async def main():
        out, port = pipe()
        waiting = [start(READS[read](port)), start(port.pop())]
        await turns()
        await cancel(waiting[0])
        assert len(port.buffer.getters) == 1
        await out.push("x")
        assert await waiting[1] == "x"
        assert port.buffer.taken == 1
        assert_nobody_waits([out, port])

    run(main())


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("next_read", READS)
def test_p7_a_read_cancelled_as_it_is_woken_passes_the_item_on(read, next_read):
    """P7: the wake-up was given already; the next in line gets the item."""

    async def main():
        out, port = pipe()
        waiting = [start(READS[read](port)), start(READS[next_read](port))]
        await turns()
        await out.push("x")
        await cancel(waiting[0])
        assert await waiting[1] in ("x", ["x"])
        if next_read == "peek":
            assert await port.pop() == "x"
        assert port.buffer.taken == 1
        assert_nobody_waits([out, port])

    run(main())


def test_p7_a_read_whose_item_was_taken_by_another_waits_on_at_the_head_of_the_line():
    """P7, P8: a pop that need not wait may be quicker than a pop that was woken."""

    async def main():
        out, port = pipe()
        waiting = [start(port.pop()), start(port.pop())]
        await turns()
        await out.push(0)
        assert await port.pop() == 0
        await turns()
        await out.push(1)
        assert await waiting[0] == 1
        await out.push(2)
        assert await waiting[1] == 2
        assert_nobody_waits([out, port])

    run(main())


@pytest.mark.parametrize("pop_first", [True, False])
def test_p7_a_timeout_at_the_instant_of_the_wake_up_loses_no_place(pop_first):
    """P7: either the push is done, or its place goes to the next in line."""

    async def main():
        loop = asyncio.get_running_loop()
        far = buffer(1)
        (first, second), port = outputs([far], [far]), reader(far)
        await first.push(0)
        at = loop.time() + 1
        if pop_first:
            loop.call_at(at, start, port.pop())
        waiting = [start(first.push(1, timeout=1)), start(second.push(2))]
        await turns()
        if not pop_first:
            loop.call_at(at, start, port.pop())
        await asyncio.wait([waiting[0]])
        await turns()
        got = [await port.pop()]
        await turns()
        if waiting[0].exception() is None:
            got.append(await port.pop())
            assert got == [1, 2]
        else:
            assert got == [2]
        assert waiting[1].done()
        assert not far.items
        assert_nobody_waits([first, second, port])

    run(main())


def test_p7_a_timeout_counts_the_whole_wait():
    """P7, P2: a call that is woken in vain waits on for the rest of its time only."""

    async def main():
        loop = asyncio.get_running_loop()
        ends = []
        began = loop.time()
        out, port = pipe(1)

        async def snatch():
            for _ in range(3):
                await asyncio.sleep(1)
                await out.push(0)
                await port.pop()

        popping = start(port.pop(timeout=2.5))
        popping.add_done_callback(lambda _: ends.append(loop.time() - began))
        await snatch()
        with pytest.raises(TimeoutError):
            await popping
        assert ends == [2.5]
        assert_nobody_waits([out, port])

    run(main())


def test_p7_a_timeout_that_passes_while_an_item_is_snatched_away_is_not_forgotten():
    """P7, P2: the pop was woken at that instant, found nothing, and has no time left."""

    async def main():
        loop = asyncio.get_running_loop()
        out, port = pipe()

        def push_and_snatch():
            assert not [*out.push("x").__await__()]
            with pytest.raises(StopIteration, match="x"):
                port.pop().send(None)

        loop.call_at(loop.time() + 1, push_and_snatch)
        with pytest.raises(TimeoutError):
            await port.pop(timeout=1)
        assert loop.time() == 1
        assert_nobody_waits([out, port])

    run(main())


def test_p6_a_fan_out_that_finds_no_room_after_all_passes_its_turn_on():
    """P6, P7: a newcomer has taken the place in its other buffer."""

    async def main():
        near, far = buffer(1), buffer(1)
        fan, single, newcomer = outputs([near, far], [near], [far])
        await fan.push(0)
        waiting = [start(fan.push(1)), start(single.push(2))]
        await turns()
        await reader(far).pop()
        await reader(near).pop()
        assert near.turn is fan.waiters[0]
        await newcomer.push(3)
        await waiting[1]
        assert (list(near.items), list(far.items)) == ([2], [3])
        assert not waiting[0].done()
        await reader(near).pop()
        await reader(far).pop()
        await waiting[0]
        assert_nobody_waits([fan, single, newcomer])

    run(main())


# Edges that change while somebody waits


@pytest.mark.parametrize("given", [False, True])
def test_p7_an_edge_cut_while_its_push_waits_leaves_no_turn_behind(given):
    """P7, C4: the operators of the edge have completed; the buffer has other producers."""

    async def main():
        near, far = buffer(1), buffer(1)
        fan, other = outputs([near, far], [near])
        await fan.push(0)
        assert await reader(far).pop() == 0
        waiting = [start(fan.push(1)), start(other.push(2))]
        await turns()
        if given:
            assert await reader(near).pop() == 0
            assert near.turn is fan.waiters[0]
        fan.edges[0].cancel()
        await waiting[0]
        assert list(far.items) == [1]
        if not given:
            assert await reader(near).pop() == 0
        await waiting[1]
        assert list(near.items) == [2]
        assert_nobody_waits([fan, other])

    run(main())


def test_c4_a_reader_that_closes_lets_the_pushes_that_wait_go_on():
    """C4: they skip this edge, and wait only for the others."""

    async def main():
        near, far = buffer(1), buffer(1)
        fan = output(near, far)
        await fan.push(0)
        pushing = start(fan.push(1))
        await turns()
        reader(near).close()
        await turns()
        assert not pushing.done()
        assert await reader(far).pop() == 0
        await pushing
        assert list(far.items) == [1]
        assert near.lost == 1
        assert not near.items
        assert_nobody_waits([fan])

    run(main())


def test_c4_a_read_that_waits_in_an_input_hears_of_its_close():
    """C4: all tasks that wait in the input are told."""

    async def main():
        _, port = pipe()
        waiting = [start(port.pop()), start(port.peek())]
        await turns()
        port.close()
        for task in waiting:
            with pytest.raises(InputClosed):
                await task
        assert not port.buffer.getters

    run(main())


def test_r12_a_push_waits_at_a_gate_until_its_operators_have_subscribed():
    """R12: a gate without items is shut until it is released, then open for good."""

    async def main():
        held = Gate(asyncio.get_running_loop())
        far = buffer(9)
        out = output()
        out.connect([Edge((held, far), far.put, far.producer_closed)])
        waiting = [start(out.push(0)), start(out.push_many([1, 2])), start(out.push(3))]
        await turns()
        assert not far.items
        await cancel(waiting.pop())
        held.release()
        await asyncio.gather(*waiting)
        await out.push(4)
        assert list(far.items) == [0, 1, 2, 4]
        assert_nobody_waits([out])

    run(main())


def test_r5_an_edge_that_gets_other_gates_waits_for_those():
    """R5: `regate` moves the waiters, and takes them out of the lines that they stood in."""

    async def main():
        old, new, far = buffer(1), buffer(1), buffer(9)
        out = output()
        edge = Edge((old,), far.put, far.producer_closed)
        out.connect([edge])
        old.put("full")
        pushing = start(out.push(0))
        await turns()
        new.put("full")
        edge.regate((new,))
        await turns()
        assert not old.putters
        assert not pushing.done()
        await reader(new).pop()
        await pushing
        assert list(far.items) == [0]
        assert_nobody_waits([out])

    run(main())
