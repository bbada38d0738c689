"""Pushing in bulk: `push_many`, through every kind of edge."""

import asyncio
from collections import deque
from itertools import count, islice
from typing import Any

import pytest
from reactivex import operators as ops

from helpers import run
from mimo_rx import Stream, Workflow
from ports import (
    assert_nobody_waits,
    buffer,
    cancel,
    counted,
    output,
    pipe,
    reader,
    start,
    through,
    turns,
)

SHAPES = {
    "one edge": lambda far, other: output(far),
    "one of two producers": lambda far, other: (output(far), output(far))[0],
    "fan-out": lambda far, other: output(far, other),
    "operators": lambda far, other: through(far),
    "fan-out with operators": lambda far, other: through(far, other),
    "itself": lambda far, other: counted(far),
}


@pytest.fixture(params=SHAPES)
def shape(request):
    """Return a maker of outputs of one shape."""
    return SHAPES[request.param]


def test_p2_push_many_is_push_in_bulk(shape):
    """P2: the same items in the same order, any iterable, and the same count."""

    async def main():
        far, other = buffer(3), buffer(50)
        out, port = shape(far, other), reader(far)
        iterables = [[0, 1], (2, 3), range(4, 6), deque([6, 7]), {8: 0, 9: 0}, iter([10]), []]
        got = []

        async def read():
            for _ in range(20):
                got.extend([await port.pop()])

        reading = start(read())
        for items in iterables:
            await out.push_many(items)
        await out.push_many(item for item in range(11, 20))
        await reading
        assert got == list(range(20))
        assert out.count == 20
        assert list(other.items) in ([], got)
        assert_nobody_waits([out, port])

    run(main())


def test_p2_push_many_takes_an_item_only_when_there_is_room_for_it(shape):
    """P2: from an endless iterator it takes only what the buffers can hold."""

    async def main():
        far, other = buffer(3), buffer(5)
        out, port = shape(far, other), reader(far)
        numbers = count()
        pushing = start(out.push_many(numbers))
        for popped in range(5):
            await turns()
            assert list(far.items) == [popped, popped + 1, popped + 2]
            assert await port.pop() == popped
            if other.items:
                other.items.popleft()
        await cancel(pushing)
        assert next(numbers) == out.count
        assert_nobody_waits([out, port])

    run(main())


def test_p2_push_many_that_is_cancelled_stands_at_the_next_item(shape):
    """P2, P7: the items before it stay pushed, and the same iterator goes on later."""

    async def main():
        far, other = buffer(2), buffer(50)
        out, port = shape(far, other), reader(far)
        items = iter(range(7))
        got = []
        for _ in range(3):
            pushing = start(out.push_many(items))
            await turns()
            await cancel(pushing)
            got += [await port.pop() for _ in range(len(far.items))]
        assert got == [0, 1, 2, 3, 4, 5]
        await out.push_many(items)
        assert await port.pop() == 6
        assert out.count == 7
        assert_nobody_waits([out, port])

    run(main())


def test_p2_push_many_that_fails_midway_keeps_what_went_before(shape):
    """P2: the error of the iterable comes out as itself, and the reader wakes."""

    async def main():
        far, other = buffer(9), buffer(9)
        out, port = shape(far, other), reader(far)

        def failing():
            yield from (0, 1)
            raise KeyError("midway")

        waiting = start(port.pop())
        await turns()
        with pytest.raises(KeyError, match="midway"):
            await out.push_many(failing())
        assert await waiting == 0
        assert await port.pop() == 1
        assert out.count == 2
        await out.push(2)
        assert await port.pop() == 2
        assert_nobody_waits([out, port])

    run(main())


def test_p2_push_many_of_nothing_returns_without_room(shape):
    """P2: it does not wait if the iterable tells that nothing is left."""

    async def main():
        far, other = buffer(2), buffer(2)
        out = shape(far, other)
        await out.push_many([0, 1])
        empties: list[Any] = [[], (), range(0), {}, "", iter([])]
        for empty in empties:
            await out.push_many(empty)
        assert list(far.items) == [0, 1]

    run(main())


def test_p2_push_many_refuses_what_is_no_iterable():
    """P2: the text names the port, and the remedy for an asynchronous iterable."""

    async def main():
        out, port = pipe()

        async def items():
            yield 1

        with pytest.raises(TypeError, match=r"output 'b0' of step 'writer'.*got int$"):
            await out.push_many(1)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"got async_generator; .*`async for item in \.\.\."):
            await out.push_many(items())
        assert not port.buffer.items

    run(main())


def test_p2_push_many_that_waits_takes_one_place_where_the_turn_is_another_s(shape):
    """P2, P6: a push that looks again may take a place kept for another, which stays in line."""

    async def main():
        far, other = buffer(2), buffer(9)
        out, port = shape(far, other), reader(far)
        first = output(far)
        await first.push_many([0, 1])
        ahead = start(first.push(2))
        await turns()
        behind = start(out.push_many(iter([10, 11, 12])))
        await turns()
        out.rebind()  # as when one of its edges is cut: it is woken, and will look again
        assert await port.pop() == 0
        assert far.turn is first.waiters[0]
        await asyncio.sleep(0)
        assert list(far.items) == [1, 10]
        assert await port.pop() == 1
        await turns()
        assert list(far.items) == [10, 2]
        assert [await port.pop() for _ in range(4)] == [10, 2, 11, 12]
        await asyncio.gather(ahead, behind)
        assert_nobody_waits([out, first, port])

    run(main())


def double(number: int) -> int:
    return 2 * number


def is_no_third(number: int) -> bool:
    return number % 3 != 0


def test_p2_push_many_in_a_run_with_operators():
    """P2: at the end of a flow of operators the order is the same, and the bound is kept."""

    async def source(ins, outs, state):
        numbers = count()
        await outs.b.push_many(islice(numbers, 500))
        state["next"] = next(numbers)

    async def sink(ins, outs, state):
        state["got"] = [item async for item in ins.a]

    workflow = Workflow(threshold=7)
    step = workflow.add_stream(Stream([], ["b"], fn=source))
    end = step | ops.map(double) | ops.filter(is_no_third) | Stream(["a"], fn=sink)
    statistics = run(workflow.run())
    assert end.stream.state["got"] == [x for x in range(0, 1000, 2) if x % 3]
    assert step.stream.state == {"next": 500}
    assert statistics.steps["sink"].inputs["a"].peak <= 7
    assert statistics.edges[0].items == 500
