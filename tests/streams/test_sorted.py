"""``MergeSorted``: sorted inputs into one."""

import asyncio
import heapq
import pickle
from operator import itemgetter, neg
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from battery import Case, battery
from helpers import run
from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import MergeSorted
from several import every, go, items, outputs, wired


def merged(inputs):
    return {"item": list(heapq.merge(*inputs.values())), "errors": []}


@battery(
    [
        Case(
            "three",
            lambda folder: MergeSorted("a", "b", "c"),
            {"a": [1, 4, 4, 9], "b": [0, 4, 5, 6, 7, 8], "c": [2, 3]},
            merged,
        ),
        Case("one", lambda folder: MergeSorted("a"), {"a": list(range(9))}, merged),
    ]
)
def test_merge_sorted_passes_the_battery(case, check, tmp_path):
    check(case, tmp_path)


pairs = st.lists(st.tuples(st.integers(0, 5), st.integers()), max_size=15)


@given(pairs, pairs, pairs, st.sampled_from([1, 2, 100]))
def test_it_does_what_heapq_does_stable_as_that(a, b, c, threshold):
    key = itemgetter(0)
    lists = [sorted(each, key=key) for each in (a, b, c)]
    outs = outputs(
        MergeSorted("a", "b", "c", key=key), dict(zip("abc", lists, strict=True)), threshold
    )
    assert outs == {"item": list(heapq.merge(*lists, key=key)), "errors": []}


@given(st.lists(st.integers(0, 9) | st.none(), max_size=20), st.integers(1, 3))
def test_what_is_out_of_order_goes_to_errors_and_the_rest_comes_sorted(numbers, threshold):
    good: list[int] = []
    bad = []
    for number in numbers:
        if number is None or (good and number < good[-1]):
            bad.append(number)
        else:
            good.append(number)
    others = [3, 3, 6]
    outs = outputs(MergeSorted("a", "b"), {"a": others, "b": numbers}, threshold)
    assert outs["item"] == list(heapq.merge(others, good))
    assert [failure.item for failure in outs["errors"]] == bad


def test_an_item_out_of_order_is_named_with_its_port_and_the_key_before():
    error = failure(MergeSorted("a", "b", key=neg), a=[1, 3], b=[5])
    assert type(error) is ValueError
    assert str(error) == (
        "input 'a' of step 'MergeSorted' must be sorted; got 3, whose key -3 is less than -1, the "
        "key of the item before"
    )


def failure(stream, **inputs):
    """Run `stream` with nobody at ``errors``; return what it raises."""
    workflow, _ = wired(stream, inputs, {"item": every(0)})
    with pytest.raises((ValueError, TypeError, ZeroDivisionError)) as caught:
        go(workflow)
    return caught.value


def test_a_failing_key_goes_to_errors_and_is_called_once_for_each_item():
    called = []

    def key(number):
        called.append(number)
        return 12 / number

    outs = outputs(MergeSorted("a", "b", key=key), a=[0, 6, 0, 0, 3], b=[4, 0, 2])
    assert outs["item"] == [6, 4, 3, 2]
    assert [failure.item for failure in outs["errors"]] == [0, 0, 0, 0]
    assert sorted(called) == [0, 0, 0, 0, 2, 3, 4, 6]


def test_a_failing_key_fails_the_run_where_errors_is_not_read():
    """E1"""
    assert (
        type(failure(MergeSorted("a", key=lambda number: 1 / number), a=[0])) is ZeroDivisionError
    )


def test_keys_of_two_inputs_that_cannot_be_compared_fail_the_run():
    assert type(failure(MergeSorted("a", "b"), a=[1], b=["x"])) is TypeError
    assert type(failure(MergeSorted("a", "b"), a=[1, 2], b=[1.5, None])) is TypeError


def test_items_that_cannot_be_compared_do_where_their_keys_can():
    a, b = {"at": 1}, {"at": 1}
    assert items(MergeSorted("a", "b", key=itemgetter("at")), a=[a], b=[b]) == [a, b]


def test_it_waits_for_an_item_of_each_input_and_leaves_the_others_where_they_are():
    async def silent():
        await asyncio.sleep(10)
        yield 0

    workflow, taken = wired(MergeSorted("a", "b"), {"a": [1, 2], "b": silent()}, {"item": every(0)})

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            step = opened.statistics().steps["MergeSorted"]
            assert (taken["item"], step.items_in) == ([], 0)
            await asyncio.sleep(10)
            assert taken["item"] == [0, 1, 2]

    run(main())


def test_it_takes_nothing_before_there_is_room():
    workflow, _ = wired(
        MergeSorted("a", "b"), {"a": range(9), "b": range(9)}, {"item": every(100)}, 2
    )

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            step = opened.statistics().steps["MergeSorted"]
            opened.cancel()
        return step

    step = run(main())
    assert step.items_in == step.items_out == 3  # one at the reader, two in its buffer
    assert {name: port.peak for name, port in step.inputs.items()} == {"a": 2, "b": 2}


def test_it_ends_endless_inputs_where_its_reader_leaves():
    """C4"""

    def endless():
        number = 0
        while True:
            yield number
            number += 1

    inputs = {"a": endless(), "b": endless()}
    workflow, taken = wired(MergeSorted("a", "b"), inputs, {"item": every(0, 5)}, 3)
    assert go(workflow).steps["MergeSorted"].ended == "downstream"
    assert taken["item"] == [0, 0, 1, 1, 2]


def test_it_ends_where_an_operator_after_it_has_enough():
    """R6"""
    workflow = Workflow(threshold=10)
    step = workflow.add_stream(MergeSorted("a", "b"))
    for name in "ab":
        flow(range(1000)) | step[name]
    assert (step["item"] | ops.take(3) | ops.to_list()).run() == [0, 0, 1]


def is_low(number):
    return number < 20


def test_one_source_may_feed_all_inputs():
    """D2: the buffer of the input that is ahead grows."""
    workflow = Workflow(threshold=2)
    step = workflow.add_stream(MergeSorted("low", "high"))
    source = flow(range(40)) | ops.map(int)
    source | ops.filter(is_low) | step["low"]
    source | ops.filter(lambda number: not is_low(number)) | step["high"]
    assert step["item"].to_list().run() == list(range(40))


def test_it_checks_its_arguments():
    text: Any = "a"
    with pytest.raises(WiringError, match="there must be at least one name of inputs"):
        MergeSorted()
    with pytest.raises(WiringError, match="MergeSorted: key must be a function, got 'a'"):
        MergeSorted("a", key=text)
    assert MergeSorted("a", name="mine").name == "mine"


def test_it_can_be_pickled():
    again = pickle.loads(pickle.dumps(MergeSorted("a", "b", key=neg)))
    assert items(again, a=[3, 1], b=[2]) == [3, 2, 1]
