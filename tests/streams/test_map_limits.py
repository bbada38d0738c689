"""``Map``: timeouts, and what it is given."""

import asyncio
import pickle
import re
from typing import Any

import pytest

from helpers import run
from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import Map
from mimo_rx.testing import run_stream_async
from runs import add, failing, go


def ran(stream, inputs):
    """Run `stream` alone in virtual time."""
    return run(run_stream_async(stream, inputs, timeout=10_000))


async def sleeper(seconds):
    await asyncio.sleep(seconds)
    return seconds


def inverse(number):
    return 12 // number


async def inverse_later(number):
    await asyncio.sleep(number % 3)
    return 12 // number


# Timeouts


def test_a_call_that_takes_too_long_is_cancelled_and_fails_its_item():
    cancelled = []

    async def slow(seconds):
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            cancelled.append(seconds)
            raise
        return seconds

    for concurrency in (1, 2):
        got = ran(Map(slow, concurrency, timeout=0.02), {"item": [0.001, 50, 0.002]})
        assert got["item"] == [0.001, 0.002]
        [failure] = got["errors"]
        assert failure.item == 50
        assert isinstance(failure.exception, TimeoutError)
        assert str(failure.exception).endswith("slow took longer than 0.02 s")
    assert cancelled == [50, 50]


def test_a_timeout_is_exact():
    workflow = Workflow()
    flow([10]) | workflow.add_stream(Map(sleeper, timeout=7.5))
    times = []

    async def main():
        with pytest.raises(TimeoutError):
            await workflow.run()
        times.append(asyncio.get_running_loop().time())

    run(main())
    assert times == [7.5]


def test_a_timeout_of_the_function_s_own_is_left_as_it_is():
    async def impatient(item):
        raise TimeoutError("mine")

    [failure] = ran(Map(impatient, timeout=5), {"item": [1]})["errors"]
    assert str(failure.exception) == "mine"


def test_the_wait_for_room_or_for_a_turn_counts_for_no_timeout():
    workflow = Workflow(threshold=1)
    got = []

    async def read(ins, outs, state):
        async for item in ins.x:
            await asyncio.sleep(100)
            got.append(item)

    stream = Map(sleeper, concurrency=2, timeout=5)
    flow([4, 1, 1, 1]) | workflow.add_stream(stream) | add(workflow, read, "x")
    go(workflow)
    assert got == [4, 1, 1, 1]


# What is refused where it is written


MAP: Any = Map  # which is given what the types forbid too


async def coroutine(item):
    return item


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MAP(3), "Map: fn must be a function, got 3"),
        (lambda: MAP(abs, 2), "concurrency of a plain function must be 1, got 2; give a coroutine"),
        (lambda: MAP(coroutine, 0), "concurrency must be a number of calls, an int of at least 1"),
        (lambda: MAP(coroutine, True), "concurrency must be a number of calls"),
        (lambda: MAP(coroutine, 2.0), "concurrency must be a number of calls"),
        (lambda: MAP(coroutine, ordered="no"), "ordered must be one of True, False, got 'no'"),
        (lambda: MAP(abs, executor="fork"), 'must be "threads", "processes" or an executor'),
        (lambda: MAP(coroutine, executor="threads"), "executor is for plain functions"),
        (lambda: MAP(abs, timeout=1), "timeout cannot stop a plain function, got 1"),
        (lambda: MAP(coroutine, timeout=0), "timeout must be a number of seconds above 0, got 0"),
        (lambda: MAP(coroutine, timeout=float("nan")), "timeout must be a number of seconds"),
        (lambda: MAP(coroutine, timeout="1"), "timeout must be a number of seconds"),
        (lambda: MAP(lambda x: x, executor="processes"), "fn must be one that pickle finds"),
    ],
)
def test_what_makes_no_sense_is_refused_where_it_is_written(make, text):
    with pytest.raises(WiringError, match=re.escape(text)):
        make()


def test_a_plain_function_that_returns_a_coroutine_is_refused_at_its_first_item():
    workflow = Workflow()
    flow([1]) | workflow.add_stream(Map(lambda item: coroutine(item), name="m"))
    error = failing(workflow, TypeError)
    assert "returned a coroutine; give the coroutine function itself" in str(error)


def test_it_is_named_after_its_function():
    assert Map(inverse).name == "inverse"
    assert Map(lambda item: item).name == "Map"
    assert Map(inverse, name="other").name == "other"


def test_a_map_is_a_blueprint_that_can_be_pickled():
    again = pickle.loads(pickle.dumps(Map(inverse_later, concurrency=3, timeout=5)))
    assert ran(again, {"item": [4, 6]})["item"] == [3, 2]
