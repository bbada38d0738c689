"""``Route`` and ``Balance``."""

import asyncio
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from battery import Case, battery
from helpers import run
from mimo_rx import Stream, WiringError, Workflow, flow
from mimo_rx.streams import Balance, Route
from several import every, go, outputs, wired


def parity(number):
    if number is None:
        raise ValueError("no number")
    return "odd" if number % 2 else "even"


def by_parity(inputs):
    numbers = [number for number in inputs["item"] if number is not None]
    return {
        "even": [number for number in numbers if number % 2 == 0],
        "odd": [number for number in numbers if number % 2],
        "errors": [None for number in inputs["item"] if number is None],
    }


def balanced(folder):
    workflow = Workflow(["item"], ["item"])
    step = workflow.add_stream(Balance("a", "b", "c"))
    workflow.ins.item | step
    for name in step.outs:
        step[name] | workflow.outs.item
    return workflow


NUMBERS = {"item": list(range(12))}


@battery(
    [
        Case("route", lambda folder: Route(parity, ["even", "odd"]), NUMBERS, by_parity),
        Case("balance of one", lambda folder: Balance("item"), NUMBERS, lambda inputs: inputs),
        Case("balance of three", balanced, NUMBERS, lambda inputs: inputs, ordered=False),
    ]
)
def test_they_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


# Route


@given(st.lists(st.integers()), st.integers(1, 4))
def test_each_item_goes_where_the_key_says_in_order(numbers, threshold):
    inputs = {"item": numbers}
    assert outputs(Route(parity, ["even", "odd"]), inputs, threshold) == by_parity(inputs)


def test_a_failing_key_goes_to_errors_and_the_stream_goes_on():
    outs = outputs(Route(parity, ["even", "odd"]), item=[1, None, 2])
    assert (outs["odd"], outs["even"]) == ([1], [2])
    [failure] = outs["errors"]
    assert (failure.item, str(failure.exception), failure.step) == (None, "no number", "parity")


def test_a_failing_key_fails_the_run_where_errors_is_not_read():
    """E1"""
    workflow, _ = wired(Route(parity, ["even", "odd"]), {"item": [None]}, {"even": every(0)})
    with pytest.raises(ValueError, match="no number"):
        go(workflow)


@pytest.mark.parametrize("name", ["c", None, True, 0])
def test_an_unknown_name_is_a_failure_that_names_it_and_the_outputs(name):
    [failure] = outputs(Route(lambda item: name, ["a", "b"]), item=["x"])["errors"]
    assert type(failure.exception) is ValueError
    assert str(failure.exception) == (
        f"key of step 'Route' must return the name of an output, one of 'a', 'b', got {name!r} "
        "for 'x'; default= names an output for all others"
    )


def test_a_name_without_a_hash_is_a_failure_of_its_item():
    [failure] = outputs(Route(lambda item: [item], ["a"], default="b"), item=["x"])["errors"]
    assert type(failure.exception) is TypeError


@pytest.mark.parametrize("default", ["b", "others"])
def test_an_unknown_name_goes_to_the_default(default):
    route = Route(lambda item: item, ["a", "b"], default=default)
    outs = outputs(route, item=["a", "x", None, "errors"])
    assert outs["a"] == ["a"]
    assert outs[default] == ["x", None, "errors"]
    assert outs["errors"] == []
    assert route.main_outs == tuple(dict.fromkeys(["a", "b", default]))


def test_one_default_is_enough_of_an_output():
    assert outputs(Route(parity, [], default="all"), item=[1])["all"] == [1]


def test_a_full_output_holds_back_the_others():
    readers = {"even": every(0), "odd": every(1000)}
    workflow, taken = wired(Route(parity, ["even", "odd"]), {"item": [1, 3, 5, 2]}, readers)

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            opened.cancel()

    run(main())
    assert taken["even"] == []


def test_route_goes_on_for_the_others_where_one_reader_leaves():
    readers = {"even": every(0, 1), "odd": every(0)}
    workflow, taken = wired(Route(parity, ["even", "odd"]), {"item": range(20)}, readers)
    assert go(workflow).steps["parity"].ended == "returned"
    assert taken == {"even": [0], "odd": list(range(1, 20, 2))}


def test_route_can_be_pickled_and_is_named_after_its_key():
    route = pickle.loads(pickle.dumps(Route(parity, ["even", "odd"])))
    assert route.name == "parity"
    assert outputs(route, item=[1])["odd"] == [1]
    assert Route(lambda item: item, ["a"]).name == "Route"
    assert Route(parity, ["a"], name="mine").name == "mine"


async def coroutine(item):
    return item


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((1, ["a"]), "Route: key must be a function, got 1"),
        ((coroutine, ["a"]), "Route: key must be a plain function, got the function 'coroutine'"),
        ((parity, "a"), "Route: outs must be a list of names, got 'a'; write `[\"a\"]`"),
        ((parity, []), "Route: there must be at least one name of outputs, got ()"),
        (
            (parity, ["a", "errors"]),
            "Route: the output 'errors' is for failures, got ('a', 'errors'); choose another name",
        ),
        (
            (parity, ["a"], "errors"),
            "Route: the output 'errors' is for failures, got ('a', 'errors'); choose another name",
        ),
    ],
)
def test_route_checks_its_arguments(arguments, text):
    with pytest.raises(WiringError) as caught:
        Route(*arguments)
    assert str(caught.value) == text


# Balance


def test_balance_deals_in_turn_while_all_have_room():
    assert outputs(Balance("a", "b", "c"), item=range(8)) == {
        "a": [0, 3, 6],
        "b": [1, 4, 7],
        "c": [2, 5],
    }


def test_a_slow_reader_holds_up_no_other():
    readers = {"slow": every(1000), "quick": every(0)}
    workflow, taken = wired(Balance("slow", "quick"), {"item": range(100)}, readers)

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            opened.cancel()

    run(main())
    assert len(taken["quick"]) + len(taken["slow"]) == 99  # one is in the buffer of the slow one
    assert len(taken["slow"]) == 1


def test_balance_ends_its_outputs_although_one_of_them_has_no_room():
    """The quick reader hears of the end while the slow one is still at its first item."""
    ended = []

    async def quick(port, taken):
        await every(0)(port, taken)
        ended.append(asyncio.get_running_loop().time())

    readers = {"slow": every(1000), "quick": quick}
    workflow, _ = wired(Balance("slow", "quick"), {"item": range(20)}, readers)

    async def main():
        start = asyncio.get_running_loop().time()
        await workflow.run()
        return ended[0] - start

    assert run(main()) < 1


def test_balance_takes_nothing_before_there_is_room():
    workflow, _ = wired(
        Balance("a", "b"), {"item": range(100)}, {"a": every(1000), "b": every(1000)}
    )

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            step = opened.statistics().steps["Balance"]
            opened.cancel()
        return step

    step = run(main())
    assert step.items_in == step.items_out == 4  # one at each reader, one in each buffer


def test_an_output_that_is_not_read_is_skipped():
    workflow, taken = wired(Balance("a", "b", "c"), {"item": range(50)}, {"b": every(0)})
    go(workflow)
    assert taken["b"] == list(range(50))


def test_without_any_reader_items_are_discarded():
    """W9"""
    workflow, _ = wired(Balance("a", "b"), {"item": range(50)}, {})
    assert go(workflow).steps["Balance"].items_in == 50


def test_balance_ends_where_all_readers_have_left():
    """C4"""

    def endless():
        while True:
            yield 0

    readers = {"a": every(0, 3), "b": every(1, 2), "c": every(0, 0)}
    workflow, _ = wired(Balance("a", "b", "c"), {"item": endless()}, readers)
    assert go(workflow).steps["Balance"].ended == "downstream"


def test_balance_ends_where_all_readers_leave_while_it_waits_for_an_item():
    async def silent():
        yield 0
        yield 1
        await asyncio.get_running_loop().create_future()

    workflow, _ = wired(Balance("a", "b"), {"item": silent()}, {"a": every(0, 1), "b": every(0, 1)})
    assert go(workflow).steps["Balance"].ended == "downstream"


def test_balance_shares_an_output_buffer_with_another_producer():
    """A reader that others feed too may be full at any time; nothing is lost, nobody is starved."""
    workflow = Workflow(threshold=1)
    balance = workflow.add_stream(Balance("a", "b"))
    flow(range(100)) | balance
    got = []

    async def read(ins, outs, state):
        async for item in ins.item:
            got.append(item)
            await asyncio.sleep(0)

    for name in "ab":
        reader = workflow.add_stream(Stream(["item"], fn=read, name=f"read-{name}"))
        balance[name] | reader
        flow(range(1000, 1050)) | reader
    go(workflow)
    assert sorted(got) == sorted([*range(100), *range(1000, 1050), *range(1000, 1050)])


def test_nobody_waits_for_an_item_while_there_is_one():
    """Room is noticed wherever it shows, also where one woke up to find its item dealt by another.

    The task of `b` deals first, to all, and leaves one item; that of `a` wakes and sees it, and
    must tell that of `c`.
    """
    workflow = Workflow(["item"], ["a", "b", "c"], threshold=1)
    step = workflow.add_stream(Balance("a", "b", "c"), threshold=10)
    workflow.ins.item | step
    for name in step.outs:
        step[name] | workflow.outs[name]

    async def main():
        async with workflow.open() as opened:
            outs = opened.outs
            await opened.ins.item.push_many([1, 2, 3])
            await asyncio.sleep(1)
            assert (await outs.a.pop(), await outs.c.pop()) == (1, 3)
            await asyncio.sleep(1)
            assert await outs.b.pop() == 2
            await opened.ins.item.push_many([4, 5, 6, 7])
            await asyncio.sleep(1)
            first = await outs.c.pop(timeout=1)
            second = await outs.c.pop(timeout=1)
            opened.cancel()
        return first, second

    assert run(main())[1] == 7


def test_balance_into_operators_that_hold_nothing_lets_the_loop_go_round():
    """P12: timers run while a long input goes into nothing."""
    workflow = Workflow(threshold=100)
    balance = workflow.add_stream(Balance("a", "b"))
    for name in "ab":
        (
            balance[name]
            | ops.filter(lambda item: False)
            | Stream(["item"], fn=sink, name=f"sink-{name}")
        )
    flow(iter(int, 1)) | balance

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await workflow.run()

    asyncio.run(main())


async def sink(ins, outs, state):
    async for _ in ins.item:
        pass


@given(
    st.lists(
        st.tuples(st.sampled_from([0, 1, 2, 7]), st.one_of(st.none(), st.integers(0, 6))),
        max_size=4,
    ),
    st.integers(0, 60),
    st.integers(1, 4),
    st.sampled_from([0, 1, 3]),
)
def test_every_item_goes_to_exactly_one_output(leaving, count, threshold, pause):
    """Readers of any speed, some of which leave: only what a leaver had before it is dropped."""
    readers = {f"r{place}": every(*how) for place, how in enumerate(leaving)}
    readers["stays"] = every(1)

    async def source():
        for number in range(count):
            if pause and number % 4 == 0:
                await asyncio.sleep(pause)
            yield number

    workflow, taken = wired(Balance(*readers), {"item": source()}, readers, threshold)
    statistics = go(workflow)
    assert statistics.steps["Balance"].ended == "returned"
    assert statistics.steps["Balance"].items_in == count
    got = [item for items in taken.values() for item in items]
    assert len(got) == len(set(got))
    assert all(items == sorted(items) for items in taken.values())
    leavers = sum(limit is not None for _, limit in leaving)
    assert count - len(got) <= leavers * threshold
    if not leavers:
        assert sorted(got) == list(range(count))
    for step in statistics.steps.values():
        assert all(port.peak <= threshold and not port.over for port in step.inputs.values())
