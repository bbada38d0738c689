"""Reading: pop, peek, iterating, chunks and the end of an input."""

import asyncio
import gc
import math
from fractions import Fraction
from typing import Any

import pytest

from helpers import run
from mimo_rx import InputClosed, Stream, Workflow, stream
from ports import assert_nobody_waits, buffer, cancel, output, pipe, reader, start, turns


class Array:
    """Like an array of numpy: it has no truth value, and a comparison makes another array."""

    def __bool__(self) -> bool:
        raise ValueError("the truth of an array is ambiguous")

    def __eq__(self, other: object) -> bool:
        raise ValueError("compared")

    __hash__ = None  # type: ignore[assignment]


FALSY: list[Any] = [None, 0, "", b"", [], False, ValueError("an item"), StopIteration(), Array()]


@stream(ins=["a"], outs=["b"])
async def copy(ins, outs, state):
    async for item in ins.a:
        await outs.b.push(item)


def piped(stream: Stream, threshold: int) -> Workflow:
    """Return a workflow whose `a` leads through `stream` to its `b`."""
    workflow = Workflow(["a"], ["b"], threshold=threshold)
    workflow.ins["a"] | workflow.add_stream(stream) | workflow.outs["b"]
    return workflow


# P1


def test_p1_pop_takes_the_oldest_item_and_peek_leaves_it():
    """P1: order on an edge is FIFO."""

    async def main():
        output, port = pipe(3)
        await output.push_many("abc")
        assert [await port.peek(), await port.peek(), await port.pop()] == ["a", "a", "a"]
        assert [await port.pop(), await port.peek(), await port.pop()] == ["b", "c", "c"]

    run(main())


def test_p1_async_for_takes_until_the_end():
    """P1: items go through a stream of a run in order."""

    async def main():
        async with piped(copy(), threshold=3).open() as opened:
            feeding = start(opened.ins.a.push_many(range(50)))
            feeding.add_done_callback(lambda _: opened.ins.a.close())
            assert [item async for item in opened.outs.b] == list(range(50))

    run(main())


def test_p1_pop_peek_and_async_for_wait_for_an_item():
    """P1: each of them waits while no item is there."""

    async def main():
        output, port = pipe()
        for call in (port.pop, port.peek, aiter(port).__anext__, aiter(port.chunks()).__anext__):
            waiting = start(call())
            await turns()
            assert not waiting.done()
            await output.push("x")
            assert await waiting in ("x", ["x"])
            if call == port.peek:
                assert await port.pop() == "x"
        assert_nobody_waits([output, port])

    run(main())


# P2, the reading half


def test_p2_chunks_are_lists_of_what_is_there():
    """P2: a chunk has 1 to `max_size` items and never waits to fill up."""

    async def main():
        output, port = pipe(10)
        await output.push_many(range(5))
        chunks = port.chunks(2)
        assert [await anext(chunks), await anext(chunks)] == [[0, 1], [2, 3]]
        assert await anext(port.chunks()) == [4]
        waiting = start(anext(chunks))
        await turns()
        await output.push(5)
        assert await waiting == [5]
        await output.push_many([6, 7])
        output.close()
        assert [chunk async for chunk in port.chunks(100)] == [[6, 7]]

    run(main())


@pytest.mark.parametrize(
    ("size", "error"), [(0, ValueError), (-1, ValueError), (1.0, TypeError), (True, TypeError)]
)
def test_p2_chunks_refuses_a_size_that_is_no_number_of_items(size, error):
    """P2: the call itself raises, not the first item."""

    async def main():
        _, port = pipe()
        with pytest.raises(error, match=f"max_size is a number of items.*got {size}"):
            port.chunks(size)

    run(main())


def test_p2_pop_and_peek_take_a_timeout():
    """P2: after this many seconds of the loop's clock they raise `TimeoutError`, with the port."""

    async def main():
        output, port = pipe()
        for name, call in {"pop from": port.pop, "peek at": port.peek}.items():
            began = asyncio.get_running_loop().time()
            text = f"{name} input 'a' of step 'reader' waited for 2 s"
            with pytest.raises(TimeoutError, match=text):
                await call(timeout=2)
            assert asyncio.get_running_loop().time() == began + 2
        await output.push(1)
        assert await port.peek(timeout=0) == await port.pop(timeout=0) == 1
        waiting = start(port.pop(timeout=5))
        await turns()
        await output.push(2)
        assert await waiting == 2
        assert_nobody_waits([output, port])

    run(main())


NO_TIMES = [
    ("1", TypeError, "'1'"),
    (True, TypeError, "True"),
    (int, TypeError, "int"),
    (1j, TypeError, "1j"),
    (math.nan, ValueError, "nan"),
]


@pytest.mark.parametrize(("timeout", "error", "got"), NO_TIMES)
def test_p2_a_timeout_that_is_no_number_is_refused_where_it_must_wait(timeout, error, got):
    """P2: in clear words, and nobody is left in line."""

    async def main():
        output, port = pipe(threshold=1)
        for name, call in {"pop from": port.pop, "peek at": port.peek}.items():
            text = (
                f"timeout of {name} input 'a' of step 'reader' is a number of seconds.*got.*{got}"
            )
            with pytest.raises(error, match=text):
                await call(timeout=timeout)
        await output.push(1)
        with pytest.raises(error, match=f"timeout of push to output .* is a number.*got.*{got}"):
            await output.push(2, timeout=timeout)
        assert await port.pop() == 1
        assert_nobody_waits([output, port])

    run(main())


@pytest.mark.parametrize("timeout", [0, -1, -math.inf, Fraction(-1, 2)])
def test_p2_a_timeout_in_the_past_is_over_at_once(timeout):
    """P2: as in `asyncio.timeout`."""

    async def main():
        output, port = pipe(threshold=1)
        began = asyncio.get_running_loop().time()
        with pytest.raises(TimeoutError):
            await port.pop(timeout=timeout)
        await output.push(1)
        with pytest.raises(TimeoutError):
            await output.push(2, timeout=timeout)
        assert asyncio.get_running_loop().time() == began
        assert await port.pop() == 1
        assert_nobody_waits([output, port])

    run(main())


def test_p2_an_item_and_a_timeout_at_the_same_instant_lose_nothing():
    """P2, P7: the item is either returned or stays."""

    async def main(first):
        loop = asyncio.get_running_loop()
        output, port = pipe()
        at = loop.time() + 1

        def push():
            output.push("x").close()  # there is room: the call hands it over

        if first:
            loop.call_at(at, push)
        waiting = start(port.pop(timeout=1))
        await turns()
        if not first:
            loop.call_at(at, push)
        await asyncio.wait([waiting])
        if waiting.exception() is None:
            assert waiting.result() == "x"
        else:
            assert await port.pop() == "x"
        assert port.buffer.taken == 1
        assert_nobody_waits([output, port])

    run(main(first=True))
    run(main(first=False))


# P8


def test_p8_each_item_goes_to_exactly_one_of_two_tasks():
    """P8: two tasks may take from one input in any way."""

    async def main():
        output, port = pipe(3)
        got: list[int] = []

        async def iterate():
            async for item in port:
                got.extend([item])

        async def pop():
            for _ in range(10):
                got.extend([await port.pop()])

        async def chunk():
            async for items in port.chunks(2):
                got.extend(items)

        async with asyncio.TaskGroup() as group:
            for reader in (iterate, pop, chunk, iterate):
                group.create_task(reader())
            await output.push_many(range(100))
            output.close()
        assert sorted(got) == list(range(100))
        assert port.buffer.taken == 100

    run(main())


def test_p8_a_waiting_pop_is_served_although_a_peek_was_woken_first():
    """P8: a peek leaves the item to the next in line."""

    async def main():
        output, port = pipe()
        looking = [start(port.peek()), start(port.peek())]
        popping = start(port.pop())
        await turns()
        await output.push("x")
        assert await popping == "x"
        assert [await each for each in looking] == ["x", "x"]

    run(main())


# P9


def test_p9_an_input_is_closed_when_the_end_was_signalled_and_nothing_is_left():
    """P9, C3: what is in the buffer is still delivered; then pop and peek raise `InputClosed`."""

    async def main():
        output, port = pipe()
        assert (port.is_open(), port.is_closed()) == (True, False)
        await output.push(1)
        output.close()
        assert (port.is_open(), port.is_closed()) == (True, False)
        assert await port.pop() == 1
        assert (port.is_open(), port.is_closed()) == (False, True)
        for call in (port.pop, port.peek):
            with pytest.raises(InputClosed, match=r"input 'a' of step 'reader'.*async for"):
                await call()
        assert [item async for item in port] == [item async for item in port.chunks()] == []

    run(main())


def test_p9_the_end_wakes_all_that_wait():
    """P9, C2: the end comes with the last of several producers, not with the first."""

    async def main():
        far = buffer()
        first, second = output(far), output(far)
        port = reader(far)
        popping = [start(port.pop()), start(port.peek())]
        iterating = start(anext(aiter(port), "end"))
        await turns()
        first.close()
        await turns()
        assert not any(task.done() for task in (*popping, iterating))
        second.close()
        for task in popping:
            with pytest.raises(InputClosed):
                await task
        assert await iterating == "end"
        assert_nobody_waits([first, second, port])

    run(main())


def test_p9_an_input_that_its_reader_closed_is_closed_at_once():
    """P9, C4: items that wait are dropped, and a task that waits in the input is told."""

    async def main():
        output, port = pipe()
        waiting = start(port.pop())
        await turns()
        port.close()
        with pytest.raises(InputClosed):
            await waiting
        output, port = pipe()
        await output.push(1)
        port.close()
        assert port.is_closed()
        assert not output.is_connected()
        with pytest.raises(InputClosed):
            await port.pop()

    run(main())


# P10


def test_p10_falsy_items_are_items_like_any_other():
    """P10: they pass push, push_many, a fan-out, a stream, pop, peek, iteration and chunks."""

    async def main():
        async with piped(copy(), threshold=4).open() as opened:
            feeding = start(opened.ins.a.push_many(FALSY))
            for item in FALSY:
                assert await opened.outs.b.peek() is item
                assert await opened.outs.b.pop() is item
            await feeding
        output, port = pipe(100)
        for item in FALSY:
            await output.push(item)
        await output.push_many(FALSY)
        output.close()
        got = [item async for item in port]
        assert [id(item) for item in got] == [id(item) for item in FALSY * 2]

    run(main())


def test_p10_items_are_never_compared():
    """P10: this holds while a call waits, and when it gives up."""

    async def main():
        near, far = buffer(1), buffer(1)
        pushing = [start(output(near, far).push(Array())) for _ in range(3)]
        await turns()
        await cancel(pushing[2])
        for items in (near.items, far.items):
            items.clear()
        near.wake_next()
        await pushing[1]

    run(main())


# Leaving a loop


@pytest.mark.parametrize("kind", ["items", "chunks"])
def test_p1_leaving_async_for_leaves_no_task_and_loses_nothing(kind):
    """P1, P7: by break, return or an exception, and also when the generator is only dropped."""

    async def main():
        loop = asyncio.get_running_loop()
        output, port = pipe(10)
        await output.push_many(range(10))
        got: list[Any] = []
        for _ in range(4):
            async for item in port if kind == "items" else port.chunks(1):
                got += [item] if kind == "items" else item
                break
        with pytest.raises(ZeroDivisionError):
            async for _ in port:
                raise ZeroDivisionError
        gc.collect()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not loop._ready  # type: ignore[attr-defined]
        assert not loop._asyncgens  # type: ignore[attr-defined]
        assert got == [0, 1, 2, 3]
        assert await port.pop() == 5

    run(main())


def test_p7_a_cancelled_iteration_loses_nothing_for_the_next_one():
    """P7: the item that comes next goes to the next reader."""

    async def main():
        output, port = pipe()

        async def iterate():
            return [item async for item in port]

        for read in (iterate, lambda: anext(port.chunks())):
            await cancel_in_wait(start(read()))
            await output.push("x")
            assert await anext(aiter(port)) == "x"
        assert_nobody_waits([output, port])

    async def cancel_in_wait(task):
        await turns()
        await cancel(task)

    run(main())
