"""``Batch``, ``ToLists``, ``FromLists``: items into lists and back."""

import asyncio
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery import Case, Items, battery
from helpers import run
from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import Batch, FromLists, ToLists
from mimo_rx.testing import run_stream_async
from runs import add, endings, failing, go, raiser, taker


def cut(items, size):
    return [items[start : start + size] for start in range(0, len(items), size)]


def threes(inputs):
    return {"item": cut(inputs["item"], 3)}


def by_size(inputs):
    items = iter(inputs["item"])
    return {"items": [[next(items) for _ in range(size)] for size in inputs["size"]]}


def apart(inputs):
    return {
        "item": [item for items in inputs["items"] for item in items],
        "size": [len(items) for items in inputs["items"]],
    }


SIZED: Items = {"item": list("abcdefgh"), "size": [1, 0, 4, 2, 1, 0]}
LISTS: Items = {"items": [["a"], ["b", "c", "d"], [], ["e", "f"], (), ["g"]]}


@battery(
    [
        Case("Batch", lambda folder: Batch(3), {"item": list(range(11))}, threes),
        Case("Batch in time", lambda folder: Batch(3, 60.0), {"item": list(range(11))}, threes),
        Case("ToLists", lambda folder: ToLists(), SIZED, by_size),
        Case("FromLists", lambda folder: FromLists(), LISTS, apart),
    ]
)
def test_streams_of_lists_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


def at(times):
    """Make a source that gives each time at that time."""

    async def source():
        clock = asyncio.get_running_loop().time
        for time in times:
            await asyncio.sleep(time - clock())
            yield time

    return flow(source())


def stamped(workflow, step, pause=0.0):
    """Read `step`, and write down when what came; then wait for a while."""
    log = []

    async def read(ins, outs, state):
        clock = asyncio.get_running_loop().time
        async for item in ins.x:
            log.append((clock(), item))
            await asyncio.sleep(pause)

    step | add(workflow, read, "x")
    return log


# Batch


@given(st.lists(st.integers()), st.integers(1, 9), st.integers(1, 9))
def test_batch_cuts_as_slices_do(items, size, threshold):
    came = run(run_stream_async(Batch(size), {"item": items}, threshold=threshold))
    assert came["item"] == cut(items, size)


def test_batch_goes_out_in_time_after_its_first_item():
    workflow = Workflow()
    step = at([1.0, 2.0, 2.5, 7.0, 8.0, 8.5, 8.75, 20.0, 21.0]) | workflow.add_stream(Batch(3, 2.0))
    log = stamped(workflow, step)
    go(workflow)
    assert log == [
        (2.5, [1.0, 2.0, 2.5]),  # full
        (8.5, [7.0, 8.0, 8.5]),  # full
        (10.75, [8.75]),  # two seconds after its first item
        (21.0, [20.0, 21.0]),  # the end
    ]


def test_batch_never_gives_an_empty_list_however_long_nothing_comes():
    workflow = Workflow()
    log = stamped(workflow, at([10.0, 50.0]) | workflow.add_stream(Batch(3, 1.0)))
    go(workflow)
    assert log == [(11.0, [10.0]), (50.0, [50.0])]


def test_the_timeout_of_a_batch_is_not_put_off_by_further_items():
    workflow = Workflow()
    step = at([0.25 * n for n in range(12)]) | workflow.add_stream(Batch(100, 1.125))
    log = stamped(workflow, step)
    go(workflow)
    assert [time for time, _ in log] == [1.125, 2.375, 2.75]
    assert [len(items) for _, items in log] == [5, 5, 2]


def test_batch_takes_nothing_while_its_list_waits_for_room():
    pushed = []

    async def source():
        for number in range(100):
            pushed.append(number)
            yield number

    async def late(ins, outs, state):
        await asyncio.sleep(10)
        state["pushed"] = len(pushed)

    for timeout in (None, 1.0):
        pushed.clear()
        workflow = Workflow(threshold=1)
        reader = add(workflow, late, "x")
        (flow(source()) | workflow.add_stream(Batch(4, timeout))) | reader
        go(workflow)
        # A list in the buffer, one that waits, an item in its own buffer, and one that waits there.
        assert reader.stream.state["pushed"] == 4 + 4 + 1 + 1


def test_a_batch_that_waited_for_room_is_followed_by_one_with_its_own_time():
    workflow = Workflow(threshold=1)
    step = at([0.0, 1.0, 2.0, 3.0, 4.0]) | workflow.add_stream(Batch(2, 1.5))
    log = stamped(workflow, step, pause=10.0)
    go(workflow)
    assert [items for _, items in log] == [[0.0, 1.0], [2.0, 3.0], [4.0]]
    assert [time for time, _ in log] == [1.0, 11.0, 21.0]


def test_a_failure_upstream_gives_no_list_that_is_not_full():
    """C6."""
    workflow = Workflow()
    got = []

    async def two(ins, outs, state):
        await outs.x.push(1)
        await outs.x.push(2)
        await raiser(ValueError(), 1.0)(ins, outs, state)

    step = add(workflow, two, "", "x") | workflow.add_stream(Batch(3))

    async def keep(ins, outs, state):
        async for items in ins.x:
            got.append(items)  # noqa: PERF401 # as they come

    step | add(workflow, keep, "x")
    failing(workflow)
    assert got == []


def test_lists_of_a_batch_are_made_anew():
    seen = run(run_stream_async(Batch(2), {"item": range(4)}))["item"]
    seen[0].append("mine")
    assert seen[1] == [2, 3]


@pytest.mark.parametrize("size", [0, -1, True, 2.0, "2"])
def test_batch_refuses_a_size_that_is_none(size):
    with pytest.raises(WiringError, match="Batch: size must be a number of items, an int of at le"):
        Batch(size)


@pytest.mark.parametrize("timeout", [0, -1.0, float("inf"), float("nan"), "1"])
def test_batch_refuses_a_timeout_that_is_none(timeout):
    with pytest.raises(WiringError, match="Batch: timeout must be a number of seconds above 0"):
        Batch(2, timeout)


# ToLists and FromLists


@given(st.lists(st.lists(st.integers(), max_size=6), max_size=8), st.integers(1, 3))
def test_lists_come_together_again_in_buffers_of_any_size(lists, threshold):
    """No buffer grows (D2): the size goes first, as it is asked for first."""
    got = []
    workflow = Workflow(threshold=threshold, growth_limit=0)
    apart_, together = workflow.add_stream(FromLists()), workflow.add_stream(ToLists())
    flow(lists) | apart_
    apart_["size"] | together["size"]
    apart_["item"] | together["item"]

    async def keep(ins, outs, state):
        async for items in ins.x:
            got.append(items)  # noqa: PERF401 # as they come

    together | add(workflow, keep, "x")
    statistics = go(workflow)
    assert got == lists
    assert all(port.growth == 0 for s in statistics.steps.values() for port in s.inputs.values())


def to_lists(items, sizes, kind):
    with pytest.raises(kind) as caught:
        run(run_stream_async(ToLists(), {"item": items, "size": sizes}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("size", "kind"), [(-1, ValueError), (2.0, TypeError), (True, TypeError), (None, TypeError)]
)
def test_a_size_that_is_none_is_named(size, kind):
    assert to_lists([1, 2], [1, size], kind) == (
        f"input 'size' of step 'ToLists' takes numbers of items, ints of at least 0, got {size!r}"
    )


@pytest.mark.parametrize(("items", "count"), [([], 0), ([1, 2], 2)])
def test_items_that_end_within_a_list_are_an_error(items, count):
    assert to_lists(items, [3], ValueError) == (
        f"input 'item' of step 'ToLists' ended after {count} of the 3 items of a list; "
        "the sizes must add up to the number of items"
    )


def test_items_that_no_size_asks_for_are_an_error():
    assert to_lists([1, 2, None], [2], ValueError) == (
        "input 'item' of step 'ToLists' gave None after the last list was complete; "
        "the sizes must add up to the number of items"
    )


def test_sizes_of_nothing_after_the_end_of_the_items_are_empty_lists():
    came = run(run_stream_async(ToLists(), {"item": [1], "size": [1, 0, 0]}))
    assert came == {"items": [[1], [], []]}


def test_to_lists_ends_with_its_reader():
    workflow = Workflow(threshold=1)
    step = workflow.add_stream(ToLists())
    flow(iter(int, 1)) | step["item"]
    flow([2] * 1000) | step["size"]
    step | add(workflow, taker(2), "x")
    assert endings(go(workflow))["ToLists"] == "downstream"


@pytest.mark.parametrize("given_", [3, None, iter([1]), "text", b"text"])
def test_from_lists_names_what_is_no_list(given_):
    with pytest.raises(TypeError) as caught:
        run(run_stream_async(FromLists(), {"items": [[1], given_]}))
    assert str(caught.value) == (
        "input 'items' of step 'FromLists' takes lists and other iterables with a length, but no "
        f"text, got {given_!r}"
    )


def test_from_lists_goes_on_for_the_one_output_that_is_read():
    workflow = Workflow(threshold=1)
    step = workflow.add_stream(FromLists())
    got: list[int] = []
    flow([[1, 2, 3], [4], [5]]) | step
    step["item"] | add(workflow, taker(1), "x")
    step["size"] | add(workflow, taker(3, got), "x")
    go(workflow)
    assert got == [3, 1, 1]


@pytest.mark.parametrize("stream", [Batch(3, 1.0), ToLists(name="a"), FromLists()])
def test_streams_of_lists_pickle_and_have_a_name(stream):
    again = pickle.loads(pickle.dumps(stream))
    assert again.name == stream.name
    assert Batch(1, name="b").name == "b"
