"""Pushing: what `push` returns, and the ways that a push can go."""

import asyncio
import gc
import warnings
from typing import Any

import pytest

from helpers import run
from mimo_rx import DownstreamClosed, OutputClosed, Stream, Workflow
from mimo_rx._ports.input import Input
from mimo_rx._ports.output import Output
from ports import (
    assert_nobody_waits,
    buffer,
    cancel,
    output,
    pipe,
    process,
    reader,
    start,
    through,
    turns,
)


async def take(port: Input[int], count: int) -> list[int]:
    """Pop some items."""
    return [await port.pop() for _ in range(count)]


# P2: all edges or none


def test_p2_push_hands_the_item_to_every_edge():
    """P2: a fan-out in a run hands each item to three readers."""

    async def main():
        workflow = Workflow(["a"], ["x", "y", "z"])

        async def fan(ins, outs, state):
            async for item in ins.a:
                await outs.b.push(item)

        step = workflow.add_stream(Stream(["a"], ["b"], fn=fan))
        workflow.ins["a"] | step
        for name in "xyz":
            step | workflow.outs[name]
        async with workflow.open() as opened:
            await opened.ins.a.push_many(range(3))
            opened.ins.a.close()
            for port in opened.outs:
                assert [item async for item in port] == [0, 1, 2]

    run(main())


def test_p2_a_cancelled_push_hands_the_item_to_no_edge():
    """P2: this holds although one of the edges had room."""

    async def main():
        near, far = buffer(5), buffer(1)
        out = output(near, far)
        await out.push(0)
        waiting = start(out.push(1))
        await turns()
        await cancel(waiting)
        assert list(near.items) == list(far.items) == [0]
        assert out.count == 1
        far.items.clear()
        await out.push(2)
        assert (list(near.items), list(far.items)) == ([0, 2], [2])
        assert_nobody_waits([out])

    run(main())


def test_p2_a_timeout_hands_the_item_to_no_edge():
    """P2: `timeout=` is in seconds, and the error names output and step."""

    async def main():
        loop = asyncio.get_running_loop()
        near, far = buffer(5), buffer(1)
        out = output(near, far)
        await out.push(0, timeout=0)
        began = loop.time()
        text = "push to output 'b0' of step 'writer' waited for 1.5 s"
        with pytest.raises(TimeoutError, match=text):
            await out.push(1, timeout=1.5)
        assert loop.time() == began + 1.5
        assert len(near.items) == len(far.items) == 1
        loop.call_later(1, start, reader(far).pop())
        await out.push(2, timeout=1.5)
        assert loop.time() == began + 2.5
        assert_nobody_waits([out])

    run(main())


# P2: at once, and what is returned


def test_p2_a_push_that_has_room_is_done_when_the_call_returns():
    """P2: it is done before anything is awaited; without room, only the await hands over."""

    async def main():
        out, port = pipe(2)
        pushes = [out.push(item) for item in range(3)]
        assert list(port.buffer.items) == [0, 1]
        waiting = start(pushes[2])
        for push in pushes[:2]:
            assert await push is None  # type: ignore[func-returns-value]
        assert await take(port, 3) == [0, 1, 2]
        await waiting

    run(main())


AWAITERS: dict[str, Any] = {
    "await": start,
    "create_task": asyncio.create_task,
    "ensure_future": asyncio.ensure_future,
    "gather": lambda push: asyncio.gather(push, push),
    "wait_for": lambda push: start(asyncio.wait_for(push, 9)),
    "shield": asyncio.shield,
    "shield a task": lambda push: asyncio.shield(asyncio.create_task(push)),
}


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("room", [True, False])
@pytest.mark.parametrize("how", AWAITERS)
def test_p2_what_push_returns_is_accepted_wherever_a_coroutine_is(how, room, debug):
    """P2: it is accepted with and without room, and under asyncio's debug mode."""

    async def main():
        asyncio.get_running_loop().set_debug(debug)
        out, port = pipe(1)
        if not room:
            await out.push(0)
        done = AWAITERS[how](out.push(1))
        await turns()
        assert done.done() is room
        if not room:
            assert await port.pop() == 0
        assert await done in (None, [None, None])
        assert await port.pop() == 1
        assert_nobody_waits([out, port])

    run(main())


@pytest.mark.parametrize("debug", [False, True])
def test_p2_task_groups_and_timeouts_accept_pushes(debug):
    """P2: a group has more pushes than there is room for; `asyncio.timeout` is around one push."""

    async def main():
        asyncio.get_running_loop().set_debug(debug)
        out, port = pipe(2)
        async with asyncio.TaskGroup() as group:
            for item in range(5):
                group.create_task(out.push(item))
            assert await take(port, 5) == [0, 1, 2, 3, 4]
        await out.push_many([5, 6])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await out.push(7)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(out.push(8), 1)
        assert await take(port, 2) == [5, 6]
        assert not port.buffer.items
        assert_nobody_waits([out, port])

    run(main())


def test_p2_a_finished_push_poses_as_a_coroutine():
    """P2: `send`, `throw` and `close` do what those of a coroutine without an `await` do."""

    async def main():
        out, _ = pipe(9)
        for debug in (False, True):
            out.process.debug = debug
            out.rebind()
            with pytest.raises(StopIteration) as caught:
                out.push(1).send(None)
            assert caught.value.value is None
            with pytest.raises(KeyError):
                out.push(1).throw(KeyError("x"))
            with pytest.raises(KeyError):
                out.push(1).throw(KeyError)
            assert out.push(1).close() is None
        assert out.count == 8

    run(main())


def test_p2_a_push_that_is_never_awaited_is_reported_in_debug_mode():
    """P2: the report names output and step; one that is awaited is not reported."""

    async def main():
        asyncio.get_running_loop().set_debug(True)
        nowhere = output()
        out, _ = pipe(9)
        for each in (out, nowhere):
            await each.push(1)
            with pytest.warns(RuntimeWarning, match=r"push to output 'b0' of step 'writer'.*await"):
                each.push(1)  # type: ignore[unused-coroutine]  # the mistake
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            task = asyncio.create_task(out.push(1))
            await task
            await asyncio.gather(out.push(1), nowhere.push(1))
            del task
            gc.collect()

    run(main())


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_p2_a_push_beside_what_fails_or_is_cancelled_counts_as_awaited(how, kept, recwarn):
    """P2: `gather` does not ask for the result of such a push."""

    async def other():
        await asyncio.sleep(1)
        raise ValueError("other")

    async def main():
        asyncio.get_running_loop().set_debug(True)
        out, _ = pipe(9)
        gathering = asyncio.gather(out.push(1), other(), out.push(2), return_exceptions=kept)
        await asyncio.sleep(0)
        if how == "is cancelled":
            gathering.cancel()
        await asyncio.wait([gathering])
        if not gathering.cancelled():
            gathering.exception()

    run(main())
    gc.collect()
    assert not recwarn


# C1: after the end


@pytest.mark.parametrize("edges", [0, 1, 2])
@pytest.mark.parametrize("operators", [False, True])
@pytest.mark.parametrize("debug", [False, True])
def test_c1_a_push_after_close_raises_also_one_whose_method_was_kept(edges, operators, debug):
    """C1: programs keep `push = outs.b.push` before a loop; such a push must not lose an item."""

    async def main():
        asyncio.get_running_loop().set_debug(debug)
        buffers = [buffer(9) for _ in range(edges)]
        out = through(*buffers) if operators else output(*buffers)
        push = out.push
        for item in range(-2, 3):
            await push(item)
        for far in buffers:  # so that there is room without a new high-water mark
            assert await take(reader(far), 2) == [-2, -1]
        out.close()
        out.close()
        for call in (push, out.push):
            with pytest.raises(OutputClosed, match=r"'b0' of step 'writer' after it was closed"):
                await call(3)
        with pytest.raises(OutputClosed):
            await out.push_many([3])
        assert all(list(each.items) == [0, 1, 2] for each in buffers)
        assert out.count == 5

    run(main())


def test_c1_close_reaches_a_push_that_waits():
    """C1, P7: another task closes the output; the next waiter in line is served."""

    async def main():
        far = buffer(1)
        closing, other = output(far), output(far)
        await closing.push(0)
        waiting, behind = start(closing.push(1)), start(other.push(2))
        await turns()
        await reader(far).pop()
        closing.close()
        with pytest.raises(OutputClosed):
            await waiting
        await behind
        assert list(far.items) == [2]
        assert_nobody_waits([closing, other])

    run(main())


@pytest.mark.parametrize("edges", [1, 2])
def test_c4_a_kept_push_follows_the_edges_that_are_left(edges):
    """C4: a kept push skips edges that are gone, goes on counting, and raises when none is left."""

    async def main():
        buffers = [buffer(9) for _ in range(edges)]
        out = output(*buffers)
        push = out.push
        await push(0)
        for number, far in enumerate(buffers):
            reader(far).close()
            if number + 1 < edges:
                await push(1)
                assert list(buffers[-1].items) == [0, 1]
        with pytest.raises(DownstreamClosed, match="nobody reads the outputs of step 'writer'"):
            await push(2)
        assert out.count == edges

    run(main())


def test_c4_a_push_into_nothing_raises_when_the_stream_is_over():
    """C4: pushes to outputs that were never connected raise too, also by a kept method."""

    async def main():
        far = buffer()
        owner = process("writer")
        main_output = output(far, owner=owner)
        nowhere: Output[int] = output(owner=owner)
        push = nowhere.push
        await push(1)
        reader(far).close()
        for call in (push, nowhere.push, main_output.push):
            with pytest.raises(DownstreamClosed):
                await call(1)

    run(main())


def test_e4_a_push_after_stop_lets_the_cancel_that_is_on_its_way_arrive():
    """E4: an operator has failed; nothing more is pushed until the stream hears of it."""

    async def main():
        out, port = pipe(9)

        async def push():
            await out.push(1)
            out.stop()
            asyncio.get_running_loop().call_soon(task.cancel)
            await out.push(2)

        task = asyncio.create_task(push())
        await asyncio.wait([task])
        assert task.cancelled()
        assert list(port.buffer.items) == [1]

    run(main())


# P13


def test_p13_is_connected_tells_whether_an_edge_leads_from_it_now():
    """P13: it is False before the first edge, when all edges are gone, and after close."""

    async def main():
        assert not output().is_connected()
        buffers = [buffer(), buffer()]
        out = output(*buffers)
        assert out.is_connected()
        for far, left in zip(buffers, (True, False), strict=True):
            reader(far).close()
            assert out.is_connected() is left
        closed, _ = pipe()
        closed.close()
        assert not closed.is_connected()

    run(main())


def test_p13_is_connected_in_a_run():
    """P13: a stream may ask before it makes items that nobody reads."""
    seen = {}

    async def ask(ins, outs, state):
        seen.update({name: outs[name].is_connected() for name in ("b", "c")})

    workflow = Workflow()
    step = workflow.add_stream(Stream([], ["b", "c"], fn=ask))

    async def drain(ins, outs, state):
        async for _ in ins.a:
            pass

    step["b"] | workflow.add_stream(Stream(["a"], fn=drain))
    run(workflow.run())
    assert seen == {"b": True, "c": False}
