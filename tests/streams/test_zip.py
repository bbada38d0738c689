"""``Zip``, ``ZipLongest``, ``Unzip`` and ``Concat``."""

import asyncio
import copy
import pickle
from collections import UserDict, deque
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from battery import Case, Items, battery
from helpers import run
from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import Concat, Unzip, Zip, ZipLongest
from several import every, go, items, outputs, wired

TWO: Items = {"a": [1, 2, 3, 4, 5], "b": ["x", "y", "z"]}


def zipped(inputs):
    return {"item": list(zip(inputs["a"], inputs["b"], strict=False))}


@battery(
    [
        Case("zip", lambda folder: Zip("a", "b"), TWO, zipped),
        Case(
            "zip longest",
            lambda folder: ZipLongest("a", "b", fill=0),
            TWO,
            lambda inputs: {"item": list(zip_longest(inputs["a"], inputs["b"], fillvalue=0))},
        ),
        Case(
            "unzip",
            lambda folder: Unzip("x", "y"),
            {"item": [(1, 2), [3, 4], {"y": 6, "x": 5}, (7, 8)]},
            lambda inputs: {
                "x": [1, 3, 5, 7][: len(inputs["item"])],
                "y": [2, 4, 6, 8][: len(inputs["item"])],
            },
        ),
        Case(
            "concat",
            lambda folder: Concat("a", "b"),
            TWO,
            lambda inputs: {"item": inputs["a"] + inputs["b"]},
        ),
    ]
)
def test_they_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


lists = st.lists(st.integers(), max_size=12)


@given(lists, lists, lists, st.integers(1, 5))
def test_zips_and_concat_do_what_itertools_does(a, b, c, threshold):
    inputs = {"a": a, "b": b, "c": c}
    for stream, expected in [
        (Zip("a", "b", "c"), list(zip(a, b, c, strict=False))),
        (ZipLongest("a", "b", "c", fill="-"), list(zip_longest(a, b, c, fillvalue="-"))),
        (Concat("c", "a", "b"), c + a + b),
    ]:
        assert outputs(stream, inputs, threshold)["item"] == expected


# Rows


def test_a_row_has_a_field_for_each_input():
    [row] = items(Zip("left", "right"), left=[1], right=[2])
    assert (row.left, row.right) == (1, 2)
    assert repr(row) == "Row(left=1, right=2)"
    assert type(row) is type(items(ZipLongest("left", "right"), left=[3])[0])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_row_can_be_pickled_and_copied(protocol):
    [row] = items(Zip("a", "b"), a=[1], b=[[2]])
    again = pickle.loads(pickle.dumps(row, protocol))
    assert again == row
    assert type(again) is type(row)
    assert copy.deepcopy(row) == copy.copy(row) == row
    assert row._replace(a=5) == (5, [2])


@pytest.mark.parametrize("stream", [Zip("a", "b"), ZipLongest("a", "b", fill=7), Concat("a", "b")])
def test_the_streams_can_be_pickled(stream):
    again = pickle.loads(pickle.dumps(stream))
    inputs = {"a": [1, 2], "b": [3]}
    assert outputs(again, inputs) == outputs(stream, inputs)


@pytest.mark.parametrize("make", [Zip, ZipLongest])
@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("class", "other than a keyword of Python"),
        ("_a", "without an underscore at its beginning"),
        ("count", "other than a method of tuples"),
        ("index", "other than a method of tuples"),
    ],
)
def test_an_input_that_can_be_no_field_is_refused(make, name, rule):
    with pytest.raises(WiringError) as caught:
        make("a", name)
    assert str(caught.value) == (
        f"{make.__name__}: the name of an input is also a field, so it must be {rule}, got {name!r}"
    )


@pytest.mark.parametrize(
    ("make", "side"),
    [(Zip, "inputs"), (ZipLongest, "inputs"), (Concat, "inputs"), (Unzip, "outputs")],
)
def test_names_are_checked(make, side):
    with pytest.raises(WiringError) as caught:
        make()
    assert str(caught.value) == (
        f"{make.__name__}: there must be at least one name of {side}, got ()"
    )
    with pytest.raises(WiringError, match="write the names one by one, or a `\\*` before the list"):
        make(["a", "b"])
    with pytest.raises(WiringError, match="'a' is given twice"):
        make("a", "a")
    with pytest.raises(WiringError, match="a port name must be an identifier, got 'a b'"):
        make("a b")
    assert make("a", name="mine").name == "mine"
    assert make("a").name == make.__name__


# Ends


def test_zip_ends_with_its_shortest_input_and_takes_nothing_more_of_the_others():
    workflow, taken = wired(Zip("a", "b"), {"a": range(9), "b": "x"}, {"item": every(0)}, 1)
    statistics = go(workflow)
    assert taken["item"] == [(0, "x")]
    assert statistics.steps["Zip"].items_in == 2


def test_zip_ends_an_endless_input():
    def endless():
        while True:
            yield 0

    assert items(Zip("a", "b"), a=endless(), b=[1, 2]) == [(0, 1), (0, 2)]


def test_zip_longest_goes_on_while_one_input_does():
    assert items(ZipLongest("a", "b", "c"), b=[1, 2]) == [(None, 1, None), (None, 2, None)]


def test_zip_takes_nothing_before_there_is_room():
    workflow, _ = wired(Zip("a", "b"), TWO, {"item": every(100, 2)}, 1)

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            statistics = opened.statistics().steps["Zip"]
            opened.cancel()
        return statistics

    statistics = run(main())
    assert statistics.items_out == 2  # one at the reader, one in its buffer
    assert statistics.items_in == 4


def test_zip_of_one_source_goes_on_where_one_side_needs_a_longer_lead():
    """D2: the buffer grows."""
    workflow = Workflow(threshold=2)
    step = workflow.add_stream(Zip("a", "b"))
    source = flow(range(20)) | ops.map(lambda number: number)
    source | ops.skip(10) | step["a"]
    source | step["b"]
    got = run(_list(step["item"]))
    assert got == [(number + 10, number) for number in range(10)]


async def _list(port):
    return [item async for item in port]


# Unzip


@pytest.mark.parametrize(
    "item", [(1, 2), [1, 2], deque([1, 2]), range(1, 3), {"b": 2, "a": 1}, UserDict(a=1, b=2)]
)
def test_unzip_splits_sequences_by_position_and_mappings_by_key(item):
    assert outputs(Unzip("a", "b"), item=[item]) == {"a": [1], "b": [2]}


@pytest.mark.parametrize(
    ("item", "kind", "text"),
    [
        ((1, 2, 3), ValueError, "sequences of 2 parts, got one of 3: (1, 2, 3)"),
        ([1], ValueError, "sequences of 2 parts, got one of 1: [1]"),
        (range(3), ValueError, "sequences of 2 parts, got one of 3: range(0, 3)"),
        ({"a": 1}, ValueError, "mappings with the keys 'a', 'b', got {'a': 1}"),
        ({"a": 1, "c": 1}, ValueError, "mappings with the keys 'a', 'b', got {'a': 1, 'c': 1}"),
        ("ab", TypeError, "sequences and mappings, got str 'ab'"),
        (b"ab", TypeError, "sequences and mappings, got bytes b'ab'"),
        (None, TypeError, "sequences and mappings, got NoneType None"),
    ],
)
def test_unzip_names_what_it_cannot_split(item, kind, text):
    with pytest.raises(kind) as caught:
        outputs(Unzip("a", "b"), item=[(1, 2), item])
    assert str(caught.value) == f"step 'Unzip' splits {text}"


def test_unzip_goes_on_for_the_others_where_one_reader_leaves():
    pairs = [(number, -number) for number in range(20)]
    readers = {"a": every(0, 1), "b": every(0)}
    workflow, taken = wired(Unzip("a", "b"), {"item": pairs}, readers)
    assert go(workflow).steps["Unzip"].ended == "returned"
    assert taken == {"a": [0], "b": [-number for number in range(20)]}


def test_unzip_ends_where_all_readers_have_left():
    """C4"""

    def endless():
        while True:
            yield 0, 1

    readers = {"a": every(0, 3), "b": every(0, 1)}
    workflow, taken = wired(Unzip("a", "b"), {"item": endless()}, readers)
    assert go(workflow).steps["Unzip"].ended == "downstream"
    assert taken == {"a": [0, 0, 0], "b": [1]}


def test_what_unzip_takes_apart_zip_puts_together():
    pairs = [(number, str(number)) for number in range(50)]
    workflow = Workflow(threshold=1)
    apart = workflow.add_stream(Unzip("a", "b"))
    together = workflow.add_stream(Zip("a", "b"))
    flow(pairs) | apart
    apart["a"] | together["a"]
    apart["b"] | together["b"]
    assert run(_list(together["item"])) == pairs


# Concat


def test_concat_holds_later_inputs_back():
    async def slow():
        for number in range(3):
            await asyncio.sleep(1)
            yield number

    workflow, taken = wired(
        Concat("a", "b"), {"a": slow(), "b": range(10, 30)}, {"item": every(0)}, 2
    )
    statistics = go(workflow)
    assert taken["item"] == [0, 1, 2, *range(10, 30)]
    assert statistics.steps["Concat"].inputs["b"].peak == 2
