"""Letting the loop go round, and streams that are over because nobody reads them."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import cycle, pairwise
from typing import Any

import pytest
from reactivex import Subject
from reactivex import operators as ops

from helpers import run
from mimo_rx import Stream, Workflow
from mimo_rx._ports.input import Input
from mimo_rx._ports.pace import Budget
from ports import buffer, counted, output, process, reader

ENOUGH = 5000
"""Calls after which a test of P12 gives up."""


async def calls_before_a_timer(*calls: Callable[[], Awaitable[Any]]) -> int:
    """Set a timer and return how many calls, in turns, are made before it fires."""
    fired: list[bool] = []
    asyncio.get_running_loop().call_later(0, fired.append, True)
    for made, call in enumerate(cycle(calls)):
        await call()
        if fired or made == ENOUGH:
            return made
    raise AssertionError


async def often(*calls: Callable[[], Awaitable[Any]], limit: int = 1000) -> None:
    """Assert that timers fire in time, the first and later ones."""
    for _ in range(4):
        assert await calls_before_a_timer(*calls) <= limit


# P12, one stream


@pytest.mark.parametrize(
    "edge",
    [
        None,
        ops.filter(lambda _: False),
        ops.ignore_elements(),
    ],
    ids=["nothing", "filter", "ignore_elements"],
)
@pytest.mark.parametrize("bulk", [False, True])
def test_p12_pushes_that_nothing_bounds_let_timers_fire(edge, bulk):
    """P12: a discarding output, and operators that let nothing through."""

    async def push(ins, outs, state):
        if not bulk:
            await often(lambda: outs.b.push(1))
        else:
            await often(lambda: outs.b.push_many([1]))
            await often(lambda: outs.b.push_many(iter([1, 2, 3])), limit=333)
            await often(lambda: outs.b.push(1), lambda: outs.b.push_many([1]))
        state["done"] = True

    async def sink(ins, outs, state):
        async for _ in ins.a:
            raise AssertionError

    workflow = Workflow()
    step = workflow.add_stream(Stream([], ["b"], fn=push))
    if edge is not None:
        step | edge | Stream(["a"], fn=sink)
    run(workflow.run())
    assert step.stream.state["done"]


def test_p12_an_endless_push_many_into_nothing_lets_timers_fire():
    """P12: it can be cancelled, and takes at most 1,000 items between two turns of the loop."""

    async def main():
        out = output(owner=process())
        taken = [0]

        def endless():
            while True:
                taken[-1] += 1
                yield 1

        async def look():
            while len(taken) < 10:
                taken.append(0)
                await asyncio.sleep(0)

        pushing = asyncio.create_task(out.push_many(endless()))
        await look()
        pushing.cancel()
        await asyncio.wait([pushing])
        assert pushing.cancelled()
        assert max(taken) <= 1000
        assert out.count == sum(taken)

    run(main())


def test_p12_a_subscriber_without_a_buffer_lets_timers_fire():
    """P12: a `Subject` at the end of the operators takes every item at once."""
    seen: list[int] = []

    async def push(ins, outs, state):
        await often(lambda: outs.b.push(1))

    async def sink(ins, outs, state):
        async for _ in ins.a:
            raise AssertionError

    subject: Subject[int] = Subject()
    subject.subscribe(seen.append)
    workflow = Workflow()
    step = workflow.add_stream(Stream([], ["b"], fn=push))
    step | ops.do(subject) | ops.filter(lambda _: False) | Stream(["a"], fn=sink)
    statistics = run(workflow.run())
    assert len(seen) == statistics.steps["push"].items_out > 1000


READS: dict[str, list[Callable[[Input[int]], Awaitable[Any]]]] = {
    "pop": [lambda port: port.pop()],
    "peek": [lambda port: port.peek()],
    "async for": [lambda port: anext(aiter(port))],
    "chunks": [lambda port: anext(port.chunks(1))],
    "peek and pop": [lambda port: port.peek(), lambda port: port.pop()],
    "all": [
        lambda port: port.peek(),
        lambda port: port.pop(),
        lambda port: anext(port.chunks(1)),
        lambda port: anext(aiter(port)),
    ],
}


@pytest.mark.parametrize("read", READS)
def test_p12_reading_an_over_seeded_input_lets_timers_fire(read):
    """P12: 10,000 seeds before an input with threshold 100, read in every way and mixture."""

    async def fn(ins, outs, state):
        await often(*[lambda call=call: call(ins.a) for call in READS[read]])
        state["done"] = True

    workflow = Workflow(threshold=100)
    step = workflow.add_stream(Stream(["a"], fn=fn))
    for item in range(10_000):
        step.push(item)
    run(workflow.run())
    assert step.stream.state["done"]


@pytest.mark.parametrize("kind", ["items", "chunks"])
def test_p12_one_iteration_over_many_seeds_lets_timers_fire(kind):
    """P12: the same iterator is used all the time."""

    async def fn(ins, outs, state):
        items = aiter(ins.a if kind == "items" else ins.a.chunks(1))
        await often(lambda: anext(items))
        state["done"] = True

    workflow = Workflow(threshold=100)
    step = workflow.add_stream(Stream(["a"], fn=fn))
    for item in range(10_000):
        step.push(item)
    run(workflow.run())
    assert step.stream.state["done"]


def test_p12_reading_what_one_push_released_lets_timers_fire():
    """P12: this holds right after a wait too, when the ticks were just renewed."""

    async def main():
        for taken_before in (0, 1, 499, 500, 501, 999):
            far = buffer(ENOUGH * 2, allowance=1000)
            port = reader(far)
            out = output(far)
            for _ in range(taken_before):
                far.put(0)
                await port.pop()
            pushing = asyncio.create_task(out.push_many(range(ENOUGH)))
            assert await port.pop() == 0
            assert await calls_before_a_timer(port.pop) <= 1000
            await pushing

    run(main())


def test_p12_a_larger_threshold_is_the_allowance_of_its_input():
    """P12: the bound is 1,000 calls, or the threshold where that is larger."""

    made = []

    async def fn(ins, outs, state):
        made.append(await calls_before_a_timer(ins.a.pop))

    for threshold in (100, 3000):
        workflow = Workflow(threshold=threshold)
        step = workflow.add_stream(Stream(["a"], fn=fn))
        for item in range(10_000):
            step.push(item)
        run(workflow.run())
    assert made[0] <= 1000
    assert made[0] < made[1] <= 3000


# P12, several ports


def test_p12_several_outputs_and_inputs_share_the_allowance():
    """P12: pushes and pops take turns, and none of them needs a wait."""

    async def fn(ins, outs, state):
        await often(lambda: outs.b.push(1), lambda: outs.c.push(1))
        await often(lambda: ins.a.pop(), lambda: ins.d.pop())
        state["done"] = True

    workflow = Workflow(threshold=100)
    step = workflow.add_stream(Stream(["a", "d"], ["b", "c"], fn=fn))
    for item in range(20_000):
        step.push(item, "a")
        step.push(item, "d")
    run(workflow.run())
    assert step.stream.state["done"]


@pytest.mark.parametrize(("pops", "pushes"), [(1, 1), (1, 2), (2, 1), (5, 1), (1, 5)])
def test_p12_an_input_and_an_output_share_the_allowance(pops, pushes):
    """P12: this holds whichever of them is used more."""

    async def fn(ins, outs, state):
        await often(*[ins.a.pop] * pops, *[lambda: outs.b.push(1)] * pushes)
        state["done"] = True

    workflow = Workflow(threshold=100)
    step = workflow.add_stream(Stream(["a"], ["b"], fn=fn))
    for item in range(10_000):
        step.push(item)
    run(workflow.run())
    assert step.stream.state["done"]


@pytest.mark.parametrize("bulk", [False, True])
def test_p12_a_stream_that_feeds_itself_lets_timers_fire(bulk):
    """P12: every pop makes room for the next push, and every push brings an item to pop."""

    async def fn(ins, outs, state):
        push = outs.b.push if not bulk else lambda item: outs.b.push_many([item])
        for item in range(10):
            await push(item)
        await often(ins.a.pop, lambda: push(1))
        state["done"] = True

    workflow = Workflow(threshold=100)
    step = workflow.add_stream(Stream(["a"], ["b"], fn=fn))
    step.pipe(step)
    run(workflow.run())
    assert step.stream.state["done"]


def test_p12_the_caller_that_reads_what_it_pushes_lets_timers_fire():
    """P12: an input of an open run leads straight to an output of it."""

    async def main():
        workflow = Workflow(["a"], ["b"])
        workflow.ins["a"] | workflow.outs["b"]
        async with workflow.open() as opened:
            await often(lambda: opened.ins.a.push(1), opened.outs.b.pop)

    run(main())


def test_p12_counting_the_calls_does_not_miscount_the_items():
    """P12, P11: by short and long ways, in bulk or not, before and after an allowance ends."""

    async def main():
        for out in (output(owner=process()), counted(buffer(10**5), allowance=28)):
            expected = 0
            for _ in range(1000):
                await out.push(0)
                expected += 1
                assert out.count == expected
            for number in range(100):
                await out.push(0)
                await out.push_many(range(number % 9))
                await out.push_slowly(0)
                expected += 2 + number % 9
                assert out.count == expected

    run(main())


def test_p12_a_budget_says_when_the_loop_is_to_go_round():
    """P12: this does not depend on how the calls are counted."""

    async def main():
        budget = Budget(3)
        budget.spend(2)
        assert (budget.count, budget.due) == (2, False)
        budget.spend(1)
        assert (budget.count, budget.due) == (3, True)
        await budget.go_round()
        assert (budget.count, budget.due) == (3, False)
        next(budget.ticks)
        budget.spend(5)
        assert (budget.count, budget.due) == (9, True)
        assert not [*budget.ticks]
        budget.renew()
        assert (budget.count, budget.due) == (10, False)
        assert len([*budget.ticks]) == 2

    run(main())


# C4


def test_c4_the_end_of_a_long_chain_ends_all_of_it():
    """C4: 1,000 streams upstream of the one that returns, without recursion."""

    async def endless(ins, outs, state):
        while True:
            await outs.b.push(1)

    async def copy(ins, outs, state):
        async for item in ins.a:
            await outs.b.push(item)

    async def first(ins, outs, state):
        await ins.a.pop()

    workflow = Workflow()
    step = workflow.add_stream(Stream([], ["b"], fn=endless))
    for _ in range(1000):
        step = step.pipe(workflow.add_stream(Stream(["a"], ["b"], fn=copy)))
    step.pipe(workflow.add_stream(Stream(["a"], fn=first)))
    statistics = run(workflow.run())
    ends = [record.ended for record in statistics.steps.values()]
    assert ends == ["downstream"] * 1001 + ["returned"]


def test_c4_streams_upstream_are_over_at_once():
    """C4: the whole chain is over before anything else runs."""

    async def main():
        owners = [process(f"step{number}") for number in range(1000)]
        for owner, next_owner in pairwise(owners):
            far = buffer(owner=next_owner)
            next_owner.ins["a"] = reader(far)
            output(far, owner=owner)
        owners[-1].ins["a"].close()
        assert all(owner.life.is_unread for owner in owners[:-1])

    run(main())


def test_c4_a_side_output_that_nobody_reads_any_more_ends_nothing():
    """C4: also where no main output is connected; the side output discards from then on."""

    async def main():
        owner = process()
        main_output = output(owner=owner)
        far = buffer()
        side = output(far, owner=owner)
        side.side = True
        reader(far).close()
        assert not owner.life.is_unread
        await side.push(1)
        await main_output.push(1)
        assert (side.count, main_output.count) == (1, 1)

    run(main())
