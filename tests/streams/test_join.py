"""``JoinSorted`` and ``HashJoin``."""

import asyncio
import pickle
from functools import partial
from operator import itemgetter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from battery import Case, battery
from helpers import run
from mimo_rx import DeadlockError, WiringError, Workflow, flow
from mimo_rx.streams import HashJoin, JoinSorted, Pair
from several import every, go, outputs, wired

first = itemgetter(0)

LEFT = [(1, "a"), (2, "b"), (2, "c"), (4, "d"), (7, "e")]
RIGHT = [(0, "s"), (2, "t"), (2, "u"), (2, "v"), (4, "w"), (5, "x")]
SIDES = {"left": LEFT, "right": RIGHT}


def brute(left, right, how):
    """Join by comparing each with each, in the order of the left."""
    pairs = []
    for one in left:
        matches = [other for other in right if other[0] == one[0]]
        pairs += [(one, other) for other in matches]
        if not matches and how != "inner":
            pairs.append((one, None))
    if how == "outer":
        keys = {key for key, _ in left}
        pairs += [(None, other) for other in right if other[0] not in keys]
        pairs.sort(key=lambda pair: (pair[0] or pair[1])[0])
    return pairs


def oracle(how):
    return lambda inputs: {"item": brute(inputs["left"], inputs["right"], how), "errors": []}


def joined(join, how, folder):
    return join(first, how=how)


@battery(
    [
        *(
            Case(how, partial(joined, JoinSorted, how), SIDES, oracle(how))
            for how in ("inner", "left", "outer")
        ),
        *(
            Case(
                f"hash {how}",
                partial(joined, HashJoin, how),
                {"left": LEFT[::-1], "right": RIGHT},
                oracle(how),
            )
            for how in ("inner", "left")
        ),
    ]
)
def test_joins_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


sides = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 99)), max_size=12)


@given(sides, sides, st.sampled_from(["inner", "left", "outer"]), st.sampled_from([1, 2, 100]))
def test_a_sorted_join_gives_what_comparing_each_with_each_does(left, right, how, threshold):
    left, right = sorted(left, key=first), sorted(right, key=first)
    outs = outputs(JoinSorted(first, how=how), {"left": left, "right": right}, threshold)
    assert outs == {"item": brute(left, right, how), "errors": []}


@given(sides, sides, st.sampled_from(["inner", "left"]), st.sampled_from([1, 2, 100]))
def test_a_hash_join_gives_what_comparing_each_with_each_does(left, right, how, threshold):
    outs = outputs(HashJoin(first, how=how), {"left": left, "right": right}, threshold)
    assert outs == {"item": brute(left, right, how), "errors": []}


JOINS = pytest.mark.parametrize("join", [JoinSorted, HashJoin])


@JOINS
def test_a_pair_is_a_named_tuple_that_can_be_pickled(join):
    [pair] = outputs(join(first), left=[(1, "a")], right=[(1, "b")])["item"]
    assert (pair.left, pair.right) == ((1, "a"), (1, "b"))
    assert type(pickle.loads(pickle.dumps(pair))) is Pair


@JOINS
def test_each_side_can_have_a_key_of_its_own(join):
    outs = outputs(join(int, len), left=["1", "2"], right=["a", "bb"])
    assert outs["item"] == [("1", "a"), ("2", "bb")]


@JOINS
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_failing_key_goes_to_errors_and_the_join_goes_on(join, side):
    inputs = {"left": ["1", "2"], "right": ["1", "2"]}
    inputs[side] = ["x", "1", "x", "2", "x"]
    outs = outputs(join(int), inputs)
    assert outs["item"] == [("1", "1"), ("2", "2")]
    assert [failure.item for failure in outs["errors"]] == ["x", "x", "x"]
    assert {type(failure.exception) for failure in outs["errors"]} == {ValueError}


@JOINS
def test_a_failing_key_fails_the_run_where_errors_is_not_read(join):
    """E1"""
    workflow, _ = wired(join(int), {"left": ["x"], "right": ["1"]}, {"item": every(0)})
    with pytest.raises(ValueError, match="invalid literal"):
        go(workflow)


@JOINS
def test_a_join_ends_endless_inputs_where_its_reader_leaves(join):
    """C4"""

    def endless():
        number = 0
        while True:
            yield number
            number += 1

    inputs = {"left": endless(), "right": range(50)}
    workflow, taken = wired(join(int), inputs, {"item": every(0, 2)})
    assert go(workflow).steps[join.__name__].ended == "downstream"
    assert taken["item"] == [(0, 0), (1, 1)]


@JOINS
def test_a_join_can_be_pickled(join):
    again = pickle.loads(pickle.dumps(join(first, how="left")))
    assert outputs(again, SIDES) == outputs(join(first, how="left"), SIDES)


# JoinSorted


@pytest.mark.parametrize("side", ["left", "right"])
def test_an_item_out_of_order_is_named_with_its_port_and_the_key_before(side):
    inputs = {"left": [1, 9], "right": [1, 9], side: [1, 4, 2, 9]}
    outs = outputs(JoinSorted(int), inputs)
    assert outs["item"] == [(1, 1), (9, 9)]
    [failure] = outs["errors"]
    assert failure.item == 2
    assert str(failure.exception) == (
        f"input '{side}' of step 'JoinSorted' must be sorted; got 2, whose key 2 is less than 4, "
        "the key of the item before"
    )


def test_keys_that_cannot_be_compared_fail_the_run():
    with pytest.raises(TypeError):
        outputs(JoinSorted(lambda item: item), left=[1], right=["a"])


def test_a_sorted_join_ends_where_nothing_more_can_come_of_it():
    def endless():
        number = 0
        while True:
            yield number
            number += 1

    assert outputs(JoinSorted(int), left=[1, 2], right=endless())["item"] == [(1, 1), (2, 2)]
    assert outputs(JoinSorted(int), left=endless(), right=[3])["item"] == [(3, 3)]
    outs = outputs(JoinSorted(int, how="left"), left=[1], right=endless())
    assert outs["item"] == [(1, 1)]


def test_a_sorted_join_holds_no_more_than_a_run_of_the_right():
    workflow, _ = wired(
        JoinSorted(first),
        {"left": [(1, 0)] * 50, "right": [(1, 0)] * 3 + [(2, 0)] * 50},
        {"item": every(100)},
        2,
    )

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            step = opened.statistics().steps["JoinSorted"]
            opened.cancel()
        return step

    step = run(main())
    assert step.items_out == 3  # one at the reader, two in its buffer
    assert step.items_in == 4  # the run of the right, and the first of the left
    assert {port.peak for port in step.inputs.values()} == {2}


def test_a_sorted_join_that_gives_nothing_lets_the_loop_go_round():
    """P12"""

    def evens():
        number = 0
        while True:
            yield number
            number += 2

    workflow = Workflow(threshold=100_000)
    step = workflow.add_stream(JoinSorted(lambda number: number, lambda number: number + 1))
    flow(evens()) | step["left"]
    flow(evens()) | step["right"]
    step["item"] | ops.map(int)

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await workflow.run()

    asyncio.run(main())


def is_high(number):
    return number >= 20


def test_a_source_may_be_joined_with_itself():
    """D2: the buffer of the side that is ahead grows."""
    workflow = Workflow(threshold=2)
    step = workflow.add_stream(JoinSorted(int))
    source = flow(range(40)) | ops.map(int)
    source | ops.filter(is_high) | step["left"]
    source | step["right"]
    assert step["item"].to_list().run() == [(number, number) for number in range(20, 40)]


# HashJoin


def test_a_hash_join_reads_its_right_side_first_and_holds_the_left_back():
    async def slow():
        for number in range(3):
            await asyncio.sleep(1)
            yield number

    inputs = {"left": range(50), "right": slow()}
    workflow, taken = wired(HashJoin(int), inputs, {"item": every(0)}, 2)

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(2.5)
            step = opened.statistics().steps["HashJoin"]
            assert taken["item"] == []
        return step

    step = run(main())
    assert (step.items_in, step.inputs["left"].depth, step.inputs["left"].peak) == (2, 2, 2)
    assert taken["item"] == [(0, 0), (1, 1), (2, 2)]


def test_a_key_without_a_hash_goes_to_errors():
    outs = outputs(HashJoin(lambda item: item), left=[[1], 2], right=[2, [3]])
    assert outs["item"] == [(2, 2)]
    assert [failure.item for failure in outs["errors"]] == [[3], [1]]


def test_a_source_may_be_hash_joined_with_itself_as_far_as_a_buffer_may_grow():
    """D2"""

    def of(growth_limit):
        workflow = Workflow(threshold=2, growth_limit=growth_limit)
        step = workflow.add_stream(HashJoin(int))
        source = flow(range(40)) | ops.map(int)
        source | step["left"]
        source | step["right"]
        return step["item"].to_list()

    assert of(None).run() == [(number, number) for number in range(40)]
    with pytest.raises(DeadlockError):
        of(10).run()


@JOINS
@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        ((1,), "left_key must be a function, got 1"),
        ((int, 1), "right_key must be a function, got 1"),
        ((int, int, "right"), "how must be one of {}, got 'right'"),
    ],
)
def test_joins_check_their_arguments(join, arguments, rule):
    ways = "'inner', 'left'" if join is HashJoin else "'inner', 'left', 'outer'"
    with pytest.raises(WiringError) as caught:
        join(*arguments)
    assert str(caught.value) == f"{join.__name__}: {rule.format(ways)}"
