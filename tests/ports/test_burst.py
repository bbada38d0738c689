"""Bursts: they cannot be told from a loop that takes and pushes one item at a time."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex import operators as ops

from helpers import run
from mimo_rx import Stream, Workflow, failures, flow
from mimo_rx._ports.burst import burst, take
from mimo_rx.streams import Map
from runs import add, collector, go


async def loop_by_hand(ins, outs, function):
    async for item in ins.item:
        try:
            result = function(item)
        except Exception as error:
            if not outs.errors.is_connected():
                raise
            await outs.errors.push((item, error))
        else:
            await outs.item.push(result)


class ByHand(Stream):
    """Do what `Map` does, written by hand."""

    IN = ("item",)
    OUT = ("item",)
    SIDE = ("errors",)

    def __init__(self, fn):
        super().__init__(name="middle")
        self._function = fn

    async def run(self, ins, outs):
        await loop_by_hand(ins, outs, self._function)


def slowly(seconds, got, most=None):
    """Make a reader that takes its time, and leaves after `most` items."""

    async def read(ins, outs, state):
        if most == 0:
            return
        async for item in ins.x:
            got.append(item)
            if len(got) == most:
                return
            if seconds:
                await asyncio.sleep(seconds)

    return read


def source(count, pause_every):
    async def make(ins, outs, state):
        for number in range(count):
            if pause_every and number % pause_every == 0:
                await asyncio.sleep(0.01)
            await outs.x.push(number)

    return make


def function(number: int) -> int:
    return 100 // (number % 7) * 1000 + number


def third(number: int) -> bool:
    return number % 3 == 0


def repeated(number: int) -> list[int]:
    return [number] * (number % 3)


TRIALS = st.fixed_dictionaries(
    {
        "count": st.integers(0, 60),
        "pause_every": st.integers(0, 9),
        "thresholds": st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)),
        "readers": st.lists(
            st.tuples(st.sampled_from([0, 0.001, 0.02]), st.none() | st.integers(0, 20)),
            max_size=3,
        ),
        "operator": st.sampled_from([None, "map", "filter", "take", "flat_map"]),
        "errors": st.booleans(),
    }
)

OPERATORS: dict[str, Any] = {
    "map": lambda: ops.map(int.__neg__),
    "filter": lambda: ops.filter(third),
    "take": lambda: ops.take(4),
    "flat_map": lambda: ops.flat_map(repeated),
}


def tried(middle, trial):
    """Run `middle` between a source and readers; return the result."""
    first, own, last = trial["thresholds"]
    workflow = Workflow(threshold=last)
    step = workflow.add_stream(middle, name="middle", threshold=own)
    add(workflow, source(trial["count"], trial["pause_every"]), "", "x", name="source") | step
    taken: list[Any] = []
    for number, (seconds, most) in enumerate(trial["readers"]):
        taken.append([])
        reader = add(workflow, slowly(seconds, taken[-1], most), "x", name=f"reader{number}")
        if number == 0 and trial["operator"]:
            step["item"] | OPERATORS[trial["operator"]]() | reader
        else:
            step["item"] | reader
    failed: list[Any] = []
    if trial["errors"]:
        last_of_all = Stream(["x"], fn=collector(failed), name="failed")
        step["errors"] | workflow.add_stream(last_of_all, threshold=first)
    error = None
    try:
        statistics = go(workflow)
    except ZeroDivisionError as raised:
        error = (str(raised), len(failures(raised)))
        statistics = None
    items = [each[0] if isinstance(each, tuple) else each.item for each in failed]
    return taken, items, error, statistics


@given(TRIALS)
@settings(max_examples=150, deadline=None)
def test_a_burst_does_what_a_loop_does(trial):
    """P3, P11, C4: it gives the same items, counters and endings, within the same bounds.

    Where a reader leaves, the loop written by hand takes one item more than a burst before it
    finds that out, and before that one which fails, if it is the next. Either may be the last one.
    """
    taken, failed, error, statistics = tried(Map(function, name="middle"), trial)
    all_taken, all_failed, same_error, theirs = tried(ByHand(function), trial)
    assert error == same_error
    if error is not None:
        assert failed == all_failed
        return
    assert taken == all_taken
    # An operator that makes two items of one may pass the threshold by one, and that is counted.
    above = 1 if trial["operator"] == "flat_map" else 0
    for step in statistics.steps.values():
        for port in step.inputs.values():
            assert port.peak <= port.threshold + (above if port.over else 0)
    if any(most is not None for _, most in trial["readers"]) or trial["operator"] == "take":
        assert failed in (all_failed, all_failed[:-1])
        ahead = theirs.steps["middle"].items_in - statistics.steps["middle"].items_in
        assert 0 <= ahead <= 1 + len(all_failed) - len(failed)
        ends = {step.ended for step in (*statistics.steps.values(), *theirs.steps.values())}
        assert ends <= {"returned", "downstream"}
        return
    assert failed == all_failed
    assert {
        path: (step.ended, step.items_in, step.items_out) for path, step in statistics.steps.items()
    } == {path: (step.ended, step.items_in, step.items_out) for path, step in theirs.steps.items()}
    assert Counter(edge.items for edge in statistics.edges) == Counter(
        edge.items for edge in theirs.edges
    )


def test_an_item_is_taken_only_when_there_is_room_for_it():
    """P3: the stream holds no item while it waits."""
    seen = []

    def noted(number):
        seen.append(number)
        return number

    async def main():
        workflow = Workflow([], ["out"], threshold=2)
        step = workflow.add_stream(Map(noted))
        flow(range(100)) | step
        step | workflow.outs["out"]
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            assert seen == [0, 1]
            assert opened.statistics().steps["noted"].items_in == 2
            assert await opened.outs.out.pop() == 0
            await asyncio.sleep(1)
            assert seen == [0, 1, 2]
            opened.cancel()

    run(main())


def test_what_a_burst_had_pushed_before_a_failure_stays():
    """As with push_many, the items before the one that failed were handed over."""
    got: list[Any] = []
    workflow = Workflow(threshold=50)
    step = workflow.add_stream(Map(lambda number: 10 // (5 - number), name="middle"))

    async def all_at_once(ins, outs, state):
        await outs.x.push_many(range(20))

    add(workflow, all_at_once, "", "x", name="source") | step | add(workflow, collector(got), "x")
    failed: list[Any] = []
    step["errors"] | add(workflow, collector(failed), "x")
    go(workflow)
    assert got == [10 // (5 - number) for number in range(20) if number != 5]
    assert [failure.item for failure in failed] == [5]


def test_a_burst_whose_input_is_closed_by_what_it_calls_ends_quietly():
    """C4: the function closes the input, which drops the items that the burst was about to take."""
    opened: Any = None

    def closing(number):
        if number == 3:
            opened.outs.out.close()
        return number

    async def main():
        nonlocal opened
        workflow = Workflow([], ["out"], threshold=20)

        async def all_at_once(ins, outs, state):
            await outs.x.push_many(range(20))

        step = workflow.add_stream(Map(closing))
        add(workflow, all_at_once, "", "x", name="source") | step
        step | workflow.outs["out"]
        async with workflow.open() as opened:
            await asyncio.sleep(1)
        return opened.statistics()

    statistics = run(main())
    assert statistics.steps["closing"].ended == "downstream"
    assert statistics.steps["closing"].items_in == 4


def test_a_burst_that_nobody_reads_lets_the_loop_go_round():
    """P12: it does so although every item comes at once and is discarded."""
    rounds = 0

    async def main():
        nonlocal rounds
        workflow = Workflow(threshold=100)

        async def all_at_once(ins, outs, state):
            await outs.x.push_many(range(100_000))

        add(workflow, all_at_once, "", "x", name="source") | workflow.add_stream(Map(abs))
        running = asyncio.create_task(workflow.run())
        while not running.done():
            rounds += 1
            await asyncio.sleep(0)
        await running

    run(main())
    assert rounds >= 100


def test_a_burst_of_a_long_input_lets_the_loop_go_round():
    """P12: it does so although it never waits for items or for room."""
    rounds = 0

    async def main():
        nonlocal rounds
        workflow = Workflow()
        step = workflow.add_stream(Map(abs))
        for number in range(20_000):
            step.push(number)
        running = asyncio.create_task(workflow.run())
        while not running.done():
            rounds += 1
            await asyncio.sleep(0)
        await running

    run(main())
    assert rounds >= 20


# take()


@pytest.mark.parametrize(
    ("most", "shares", "sizes"), [(3, 1, [3, 3, 3, 1]), (9, 2, [5, 2, 1, 1, 1])]
)
def test_take_takes_what_is_there_but_leaves_others_their_share(most, shares, sizes):
    taken: list[Any] = []

    async def taking(ins, outs, state):
        while items := await take(ins.x, most, shares=shares):
            taken.append(items)

    workflow = Workflow()
    step = add(workflow, taking, "x", name="taking")
    for number in range(10):
        step.push(number)
    statistics = go(workflow)
    assert [item for items in taken for item in items] == list(range(10))
    assert [len(items) for items in taken] == sizes
    assert statistics.steps["taking"].items_in == 10


def test_take_makes_room_for_those_that_wait():
    """P6: pushes that wait for room go on after it."""
    got: list[Any] = []

    async def taking(ins, outs, state):
        while items := await take(ins.x, 5):
            got.extend(items)
            await asyncio.sleep(1)

    workflow = Workflow(threshold=2)
    sink = add(workflow, taking, "x", name="taking")
    for start in (0, 100):
        flow(range(start, start + 10)) | sink
    go(workflow)
    assert sorted(got) == [*range(10), *range(100, 110)]


def test_burst_tells_when_its_input_has_ended():
    async def once(ins, outs, state):
        state["first"] = await burst(ins.x, outs.y, lambda items: items)
        state["second"] = await burst(ins.x, outs.y, lambda items: items)

    workflow = Workflow()
    step = add(workflow, once, "x", "y", name="once")
    step.push(1)
    go(workflow)
    assert step.stream.state == {"first": True, "second": False}


@pytest.mark.parametrize("count", [1, 30, 99])
def test_p11_a_burst_that_ends_the_stream_midway_is_counted_whole(count):
    """P11: the operator behind it cuts the edges within the burst."""
    workflow = Workflow()
    mapping = workflow.add_stream(Map(abs))
    source = workflow.add_stream(Stream((), ["x"], fn=hundred, name="source"))
    source.pipe(mapping)
    mapping["item"] | ops.take(count) | Stream(["x"], fn=collector([]), name="sink")
    statistics = run(workflow.run())
    assert statistics.steps["source"].items_out == 100
    assert statistics.edges[0].items == 100


async def hundred(ins, outs, state):
    for number in range(100):
        await outs.x.push(number)
