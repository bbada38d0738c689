"""``Map``: a function for each item."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from battery import Case, battery
from helpers import run
from mimo_rx import StreamCancelled, Workflow, flow
from mimo_rx.streams import Map
from mimo_rx.testing import run_stream_async
from runs import add, collector, failing, go


async def squared(number):
    return number * number


def slow_square(number):
    return number * number


def squares(inputs):
    return {"item": [number * number for number in inputs["item"]], "errors": []}


NUMBERS = {"item": list(range(-4, 8))}


@battery(
    [
        Case("plain", lambda folder: Map(slow_square), NUMBERS, squares),
        Case("coroutine", lambda folder: Map(squared), NUMBERS, squares),
        Case("concurrent", lambda folder: Map(squared, concurrency=3), NUMBERS, squares),
        Case(
            "unordered",
            lambda folder: Map(squared, concurrency=3, ordered=False),
            NUMBERS,
            squares,
            ordered=False,
        ),
        Case(
            "threads",
            lambda folder: Map(slow_square, concurrency=3, executor="threads"),
            NUMBERS,
            squares,
            real=True,
        ),
        Case(
            "processes",
            lambda folder: Map(slow_square, concurrency=2, executor="processes"),
            NUMBERS,
            squares,
            real=True,
        ),
    ]
)
def test_map_passes_the_battery(case, check, tmp_path):
    check(case, tmp_path)


def ran(stream, inputs):
    """Run `stream` alone in virtual time."""
    return run(run_stream_async(stream, inputs, timeout=10_000))


# Order, and how many at a time


def mapped(items, stream):
    """Return what `stream` makes of `items`, and when, in virtual time."""
    came = []

    async def note(ins, outs, state):
        async for item in ins.x:
            came.append((round(asyncio.get_running_loop().time(), 6), item))  # noqa: PERF401 # in one go they would show at the end

    workflow = Workflow()
    flow(items) | workflow.add_stream(stream) | add(workflow, note, "x", name="note")
    go(workflow)
    return came


async def sleeper(seconds):
    await asyncio.sleep(seconds)
    return seconds


def test_one_call_at_a_time_takes_the_sum_of_their_times():
    assert mapped([3, 1, 2], Map(sleeper)) == [(3, 3), (4, 1), (6, 2)]


def test_results_come_in_the_order_of_their_items():
    assert mapped([3, 1, 2], Map(sleeper, concurrency=3)) == [(3, 3), (3, 1), (3, 2)]


def test_without_order_results_come_as_they_are_ready():
    stream = Map(sleeper, concurrency=3, ordered=False)
    assert mapped([3, 1, 2], stream) == [(1, 1), (2, 2), (3, 3)]


def test_what_waits_for_its_turn_counts_among_those_under_way():
    """Results that are held back are bounded."""
    assert mapped([5, 1, 1, 1], Map(sleeper, concurrency=2)) == [(5, 5), (5, 1), (6, 1), (6, 1)]


def test_without_order_the_next_item_goes_as_soon_as_a_call_returns():
    stream = Map(sleeper, concurrency=2, ordered=False)
    assert mapped([5, 1, 1, 1], stream) == [(1, 1), (2, 1), (3, 1), (5, 5)]


@given(
    st.lists(st.integers(0, 20), max_size=25),
    st.integers(1, 6),
    st.booleans(),
    st.integers(1, 4),
)
@settings(deadline=None)
def test_calls_are_never_more_than_allowed_and_nothing_is_lost(
    durations, concurrency, ordered, threshold
):
    under_way = most = 0

    async def watched(pair):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(pair[1])
        under_way -= 1
        return pair

    pairs = list(enumerate(durations))
    got: list[Any] = []
    workflow = Workflow(threshold=threshold)
    stream = Map(watched, concurrency=concurrency, ordered=ordered)
    flow(pairs) | workflow.add_stream(stream) | add(workflow, collector(got), "x")
    go(workflow)
    assert (got if ordered else sorted(got)) == pairs
    assert most <= concurrency
    if durations and min(durations) > 0 and threshold > 1:
        assert most == min(concurrency, len(durations))


# The port for failures


def inverse(number):
    return 12 // number


async def inverse_later(number):
    await asyncio.sleep(number % 3)
    return 12 // number


WAYS = [
    pytest.param(lambda: Map(inverse, name="invert"), id="plain"),
    pytest.param(lambda: Map(inverse_later, name="invert"), id="coroutine"),
    pytest.param(lambda: Map(inverse_later, concurrency=3, name="invert"), id="concurrent"),
]


@pytest.mark.parametrize("make", WAYS)
def test_a_failing_item_goes_to_errors_and_the_stream_goes_on(make):
    got = ran(make(), {"item": [1, 2, 0, 3, 0, 4]})
    assert got["item"] == [12, 6, 4, 3]
    assert [(each.item, each.step) for each in got["errors"]] == [(0, "invert"), (0, "invert")]
    assert all(type(each.exception) is ZeroDivisionError for each in got["errors"])


@pytest.mark.parametrize("make", WAYS)
def test_without_a_reader_of_errors_the_exception_fails_the_run_as_itself(make):
    """E1."""
    workflow = Workflow()
    flow([1, 0, 2]) | workflow.add_stream(make())
    error = failing(workflow, ZeroDivisionError)
    assert error.__notes__ == ["mimo_rx: raised in step 'invert'"]


@pytest.mark.parametrize("make", WAYS)
def test_once_the_reader_of_errors_has_left_a_failure_fails_the_run(make):
    """None is pushed to where nobody reads it, also if that shows while it waits for room."""
    workflow = Workflow(threshold=1)
    step = workflow.add_stream(make())
    flow([0, 0, 0, 0, 1]) | step

    async def leave(ins, outs, state):
        await asyncio.sleep(100)
        await ins.x.pop()

    step["errors"] | add(workflow, leave, "x", name="leave")
    step["item"] | add(workflow, collector([]), "x", name="read")
    assert failing(workflow, ZeroDivisionError)


def test_failures_come_in_the_order_of_their_items():
    async def fails_later(number):
        await asyncio.sleep(10 - number)
        raise ValueError(number)

    got = ran(Map(fails_later, concurrency=5), {"item": range(8)})
    assert [each.item for each in got["errors"]] == list(range(8))


@pytest.mark.parametrize("concurrency", [1, 3])
def test_stop_iteration_out_of_the_function_is_a_failure_like_any_other(concurrency):
    async def stops(number):
        raise StopIteration(number)

    def stops_plainly(number):
        raise StopIteration(number)

    for stream in (Map(stops, concurrency=concurrency), Map(stops_plainly)):
        failing_items = [each.item for each in ran(stream, {"item": [1, 2]})["errors"]]
        assert failing_items == [1, 2]
        workflow = Workflow()
        flow([1]) | workflow.add_stream(stream)
        with pytest.raises(RuntimeError, match="StopIteration"):
            workflow.start()


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("connected", [False, True])
def test_a_cancelled_error_out_of_the_function_is_no_failure_of_an_item(concurrency, connected):
    """E7."""

    async def cancels(number):
        raise asyncio.CancelledError

    workflow = Workflow()
    step = workflow.add_stream(Map(cancels, concurrency=concurrency))
    flow([1, 2]) | step
    if connected:
        step["errors"] | add(workflow, collector([]), "x")
    failing(workflow, StreamCancelled)


def test_a_plain_function_that_raises_a_cancelled_error_is_a_failure():
    """E7."""

    def cancels(number):
        raise asyncio.CancelledError

    workflow = Workflow()
    flow([1]) | workflow.add_stream(Map(cancels))
    failing(workflow, StreamCancelled)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_exit_out_of_the_function_ends_the_run_and_comes_out(concurrency):
    """E7."""

    async def leaves(number):
        raise SystemExit(3)

    workflow = Workflow()
    flow([1, 2]) | workflow.add_stream(Map(leaves, concurrency=concurrency))
    assert failing(workflow, SystemExit).code == 3
