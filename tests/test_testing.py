"""For users' tests: `mimo_rx.testing.run_stream` and its awaitable twin."""

import asyncio
import itertools
from typing import Any

import pytest

from helpers import run
from mimo_rx import Stream, UnknownPort, Workflow, stream
from mimo_rx.testing import run_stream, run_stream_async
from runs import clock


@stream(ins=["number"], outs=["even", "odd"], side=["zero"])
async def sort(ins, outs, state):
    async for number in ins.number:
        if not number:
            await outs.zero.push(number)
        await (outs.odd if number % 2 else outs.even).push(number)
        state["sorted"] = state.get("sorted", 0) + 1


@stream(ins=["a", "b"], outs=["sum"])
async def add(ins, outs, state):
    async for a in ins.a:
        await outs.sum.push(a + await ins.b.pop())


class Tens:
    """An endless iterable that begins anew each time."""

    def __iter__(self):
        return itertools.count(10)


def twice(made: Stream, inputs: Any, **keywords: Any) -> Any:
    """Run it both ways; return what both return."""
    blocking = run_stream(made, inputs, **keywords)
    assert run(run_stream_async(made, inputs, **keywords)) == blocking
    return blocking


def test_run_stream_returns_what_each_output_was_given():
    """Side outputs too, by name, in the order of their declaration."""
    made = sort()
    found = twice(made, {"number": range(5)})
    assert list(found.items()) == [("even", [0, 2, 4]), ("odd", [1, 3]), ("zero", [0])]
    assert made.state == {"sorted": 10}


def test_run_stream_takes_several_inputs():
    """Each from an iterable of its own, also an endless one."""
    assert twice(add(), {"a": (1, 2), "b": Tens()}) == {"sum": [11, 13]}


def test_run_stream_takes_async_iterables():
    """They run on the loop of the stream."""

    async def numbers():
        for number in range(3):
            await asyncio.sleep(0.1)
            yield number

    assert run(run_stream_async(sort(), {"number": numbers()}))["odd"] == [1]


def test_run_stream_closes_an_input_that_is_left_out():
    """It has nothing to read there."""
    assert twice(sort(), {}) == {"even": [], "odd": [], "zero": []}


def test_run_stream_refuses_an_input_that_is_not_there():
    """With the names that there are."""
    with pytest.raises(UnknownPort, match=r"stream 'sort' has no input 'numbers'.*'number'"):
        run_stream(sort(), {"numbers": []})


@pytest.mark.parametrize("threshold", [1, 2])
def test_run_stream_bounds_every_buffer(threshold):
    """With the threshold that it was given."""
    seen: list[int] = []

    async def fn(ins, outs, state):
        await asyncio.sleep(0.001)
        seen.extend([len(chunk) async for chunk in ins.x.chunks()])

    run(run_stream_async(Stream(["x"], fn=fn), {"x": range(10)}, threshold=threshold))
    assert max(seen) == threshold


def test_run_stream_raises_what_the_stream_raises():
    """As itself, with the note."""

    async def broken(ins, outs, state):
        raise ValueError("mine")

    async def main():
        with pytest.raises(ValueError, match="mine") as caught:
            await run_stream_async(Stream(fn=broken), {})
        assert caught.value.__notes__ == ["mimo_rx: raised in step 'broken'"]

    run(main())  # which checks that the timer is not left


def test_run_stream_gives_up_after_its_timeout():
    """A `TimeoutError` that draws who waited for whom."""

    async def greedy(ins, outs, state):
        await ins.x.pop()
        await asyncio.sleep(1000)

    async def main():
        with pytest.raises(TimeoutError) as caught:
            await run_stream_async(Stream(["x"], fn=greedy), {"x": range(9)}, threshold=2)
        assert await clock() == 5.0
        return str(caught.value)

    text = run(main())
    assert text.startswith("stream 'greedy' had not ended after 5 s; waits at that time:\n")
    assert "waits for room at greedy.x (at most 2 items wait there)" in text


@pytest.mark.realtime
def test_run_stream_gives_up_after_its_timeout_where_it_blocks():
    """By the clock on the wall."""

    async def forever(ins, outs, state):
        await asyncio.sleep(1000)

    text = r"had not ended after 0.05 s; waits at that time:\nnobody waits"
    with pytest.raises(TimeoutError, match=text):
        run_stream(Stream(fn=forever), {}, timeout=0.05)


def test_run_stream_in_a_running_loop_is_refused():
    """It says what to await instead."""

    async def main():
        with pytest.raises(RuntimeError, match="await run_stream_async"):
            run_stream(sort(), {})

    run(main())


def test_run_stream_runs_a_workflow_too():
    """It is a stream."""
    workflow = Workflow(["x"], ["y"])
    workflow.ins["x"] | sort()
    workflow.steps["sort"]["odd"].map(str) | workflow.outs["y"]
    assert twice(workflow, {"x": range(4)}) == {"y": ["1", "3"]}
