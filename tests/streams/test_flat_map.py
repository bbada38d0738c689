"""``FlatMap``: several items for each item."""

import asyncio
import itertools
import pickle
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery import Case, battery
from helpers import run
from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import FlatMap
from mimo_rx.testing import run_stream_async
from runs import add, collector, endings, failing, go, taker


def as_list(number):
    return [number] * (number % 3)


def as_generator(number):
    yield from as_list(number)


async def as_awaited(number):
    return as_list(number)


async def as_async_generator(number):
    for each in as_list(number):
        yield each


async def as_awaited_async_generator(number):
    return as_async_generator(number)


KINDS = [as_list, as_generator, as_awaited, as_async_generator, as_awaited_async_generator]
NUMBERS = {"item": [1, 2, 3, 5, 0, 4]}


def repeated(inputs):
    return {"item": [each for item in inputs["item"] for each in as_list(item)], "errors": []}


def made_of(fn, folder):
    return FlatMap(fn)


@battery([Case(kind.__name__, partial(made_of, kind), NUMBERS, repeated) for kind in KINDS])
def test_flat_map_passes_the_battery(case, check, tmp_path):
    check(case, tmp_path)


def by_hand(items):
    given, failed = [], []
    for item in items:
        given += [(item, count) for count in range(abs(item))]
        if item < 0:
            failed.append(item)
    return given, failed


def counted(item):
    for count in range(abs(item)):
        yield item, count
    if item < 0:
        raise ValueError(item)


async def counted_async(item):
    for each in range(abs(item)):
        await asyncio.sleep(0)
        yield item, each
    if item < 0:
        raise ValueError(item)


async def counted_awaited(item):
    return counted(item)


@given(
    st.sampled_from([counted, counted_async, counted_awaited]),
    st.lists(st.integers(-4, 4), max_size=8),
    st.integers(1, 4),
)
def test_it_gives_what_loops_would_and_the_failures_apart(fn, items, threshold):
    came = run(run_stream_async(FlatMap(fn), {"item": items}, threshold=threshold))
    given_away, failed = by_hand(items)
    assert came["item"] == given_away
    assert [failure.item for failure in came["errors"]] == failed
    assert [failure.exception.args for failure in came["errors"]] == [(item,) for item in failed]


def endless(number):
    return itertools.count(number)


async def endless_async(number):
    for each in itertools.count(number):
        yield each


@pytest.mark.parametrize("fn", [endless, endless_async])
def test_what_never_ends_is_asked_for_what_is_read(fn):
    got: list[int] = []
    workflow = Workflow(threshold=2)
    ([5] | workflow.add_stream(FlatMap(fn))) | add(workflow, taker(3, got), "x")
    assert set(endings(go(workflow)).values()) <= {"returned", "downstream"}
    assert got == [5, 6, 7]


@pytest.mark.parametrize("kind", ["plain", "asynchronous", "awaited"])
def test_nothing_is_asked_while_there_is_no_room(kind):
    """P3: never more is taken than there is room for, beside the one that waits."""
    asked = []

    def plain(item):
        for number in range(1000):
            asked.append(number)
            yield number

    async def asynchronous(item):
        for number in plain(item):
            yield number

    async def awaited(item):
        return plain(item)

    async def slow(ins, outs, state):
        await asyncio.sleep(1)
        state["asked"] = len(asked)

    workflow = Workflow(threshold=3)
    step = [1] | workflow.add_stream(FlatMap(locals()[kind]))
    reader = add(workflow, slow, "x")
    step | reader
    go(workflow)
    # An asynchronous generator is asked for an item before it is known whether there is room.
    assert reader.stream.state["asked"] == (4 if kind == "asynchronous" else 3)


@pytest.mark.parametrize("awaits", [False, True])
def test_generators_are_closed_when_they_are_left_early(awaits):
    closed = []

    def plain(item):
        try:
            yield from itertools.count()
        finally:
            closed.append(item)

    async def asynchronous(item):
        try:
            for number in itertools.count():
                yield number
        finally:
            await asyncio.sleep(0.5)
            closed.append(item)

    workflow = Workflow(threshold=1)
    ([7] | workflow.add_stream(FlatMap(asynchronous if awaits else plain))) | add(
        workflow, taker(2), "x"
    )
    statistics = go(workflow)
    assert closed == [7]
    assert set(endings(statistics).values()) <= {"returned", "downstream"}


@pytest.mark.parametrize("awaits", [False, True])
def test_a_generator_that_somebody_keeps_is_closed_too(awaits):
    kept = []

    def keeping(item):
        kept.append(counted(item))
        return kept[-1]

    async def keeping_async(item):
        return keeping(item)

    workflow = Workflow(threshold=1)
    ([7] | workflow.add_stream(FlatMap(keeping_async if awaits else keeping))) | add(
        workflow, taker(2), "x"
    )
    go(workflow)
    assert list(kept[0]) == []


@pytest.mark.parametrize("awaits", [False, True])
def test_generators_are_closed_when_the_run_is_cancelled(awaits):
    closed = []

    def plain(item):
        try:
            yield from itertools.count()
        finally:
            closed.append(item)

    async def asynchronous(item):
        try:
            for number in itertools.count():
                yield number
        finally:
            closed.append(item)

    async def never(ins, outs, state):
        await asyncio.sleep(100)

    workflow = Workflow(threshold=1)
    ([7] | workflow.add_stream(FlatMap(asynchronous if awaits else plain))) | add(
        workflow, never, "x"
    )

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await workflow.run()

    run(main())
    assert closed == [7]


def test_without_a_reader_of_errors_the_failure_fails_the_run():
    """E1."""
    workflow = Workflow()
    ([2, -1] | workflow.add_stream(FlatMap(counted))) | add(workflow, collector([]), "x")
    error = failing(workflow)
    assert error.args == (-1,)
    assert "counted" in "".join(error.__notes__)


@pytest.mark.parametrize("fn", KINDS)
def test_an_operator_that_fails_downstream_is_not_taken_for_a_failing_item(fn):
    """E3: what a push raises is not the user's function's."""
    from reactivex import operators as ops

    def broken(item):
        raise ZeroDivisionError(item)

    workflow = Workflow()
    failures: list[Any] = []
    step = workflow.add_stream(FlatMap(fn))
    [1, 2] | step
    step["errors"] | add(workflow, collector(failures), "x")
    step["item"] | ops.map(broken) | add(workflow, collector([]), "x")
    failing(workflow, ZeroDivisionError)
    assert failures == []


@pytest.mark.parametrize("fn", KINDS)
def test_it_keeps_to_the_end_of_its_reader_and_gives_nobody_a_failure(fn):
    """C4: ``DownstreamClosed`` passes."""
    workflow = Workflow(threshold=1)
    failures: list[Any] = []
    step = workflow.add_stream(FlatMap(fn))
    [2] * 50 | step
    step["errors"] | add(workflow, collector(failures), "x")
    step["item"] | add(workflow, taker(3), "x")
    assert endings(go(workflow))[fn.__name__] == "downstream"
    assert failures == []


class Untidy:
    """Fails where it is made an iterator."""

    def __iter__(self):
        raise TypeError("of its own")


class UntidyAsync:
    """Fails where it is made an asynchronous iterator."""

    def __aiter__(self):
        raise OSError("of its own")


@pytest.mark.parametrize("awaited", [False, True])
@pytest.mark.parametrize(
    ("result", "text"),
    [
        (None, "give must return an iterable .* got None; for a single item, return a list"),
        ("abc", r"give must return .* got 'abc'; return `\[text\]` for the text"),
        (b"abc", "give must return .* got b'abc'; return"),
        (3, "got 3"),
        (Untidy(), "^of its own$"),
        (UntidyAsync(), "^of its own$"),
    ],
)
def test_what_cannot_be_iterated_over_is_a_failure_that_names_the_function(awaited, result, text):
    async def give(item):
        return result if item else [item]

    give_plainly = partial(lambda item: result if item else [item])
    give_plainly.func.__name__ = "give"
    fn = give if awaited else give_plainly
    came = run(run_stream_async(FlatMap(fn), {"item": [0, 1, 0]}))
    assert came["item"] == [0, 0]
    [failure] = came["errors"]
    assert failure.item == 1
    with pytest.raises(type(failure.exception), match=text):
        raise failure.exception


def test_a_function_that_returns_a_coroutine_is_told_so():
    came = run(run_stream_async(FlatMap(lambda item: as_awaited(item)), {"item": [1]}))
    [failure] = came["errors"]
    assert "returned a coroutine; give the coroutine function itself" in str(failure.exception)


def test_a_function_that_raises_stop_iteration_does_not_end_it():
    def stops(item):
        if item == 1:
            raise StopIteration
        return [item]

    came = run(run_stream_async(FlatMap(stops), {"item": [0, 1, 2]}))
    assert came["item"] == [0, 2]
    assert [failure.item for failure in came["errors"]] == [1]


def test_kinds_of_results_may_change_from_item_to_item():
    def mixed(item):
        return KINDS[item % 2 * 3](item)

    came = run(run_stream_async(FlatMap(mixed), {"item": range(12)}, threshold=2))
    assert came["item"] == repeated({"item": range(12)})["item"]


def test_many_items_that_give_nothing_leave_the_loop_responsive():
    """P12."""
    rounds = 0

    async def ticker():
        nonlocal rounds
        while True:
            await asyncio.sleep(0)
            rounds += 1

    async def main():
        other = asyncio.create_task(ticker())
        await (flow(range(20_000)) | FlatMap(lambda item: ())).workflow.run()
        other.cancel()

    run(main())
    assert rounds >= 20


def test_it_is_named_after_its_function_and_pickles():
    assert FlatMap(as_list).name == "as_list"
    assert FlatMap(lambda item: []).name == "FlatMap"
    assert FlatMap(as_list, name="other").name == "other"
    again = pickle.loads(pickle.dumps(FlatMap(as_list)))
    assert run(run_stream_async(again, {"item": [2]}))["item"] == [2, 2]


def test_what_is_no_function_is_refused():
    with pytest.raises(WiringError, match=r"FlatMap: fn must be a function, got \[1\]"):
        FlatMap([1])  # type: ignore[arg-type] # that is the mistake
