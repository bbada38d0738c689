"""Waits that the watch must not take for a ring, and hidden rings that it finds (D4)."""

import asyncio
from typing import Any

import pytest
import reactivex as rx

from flows import ops
from helpers import run
from mimo_rx import Stream, Workflow, flow
from rings import deadlock, drawing, relay, stream
from runs import go


async def _later(outs: Any) -> None:
    await asyncio.sleep(5)
    await outs.x.push("go")


async def _pass_on(ins: Any, outs: Any) -> None:
    async for item in ins.x:
        await outs.x.push(item + "!")
        if len(item) > 5:
            return


async def by_timer(ins, outs, state):
    await _later(outs)
    await _pass_on(ins, outs)


async def by_future(ins, outs, state):
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_later(5, future.set_result, "go")
    await outs.x.push(await future)
    await _pass_on(ins, outs)


async def by_timeout(ins, outs, state):
    with pytest.raises(TimeoutError):
        await ins.x.pop(timeout=5)
    await outs.x.push("go")
    await _pass_on(ins, outs)


async def by_helper(ins, outs, state):
    helper = asyncio.create_task(_later(outs))
    await _pass_on(ins, outs)
    await helper


async def by_gather(ins, outs, state):
    await asyncio.gather(_pass_on(ins, outs), _later(outs))


async def by_group(ins, outs, state):
    async with asyncio.TaskGroup() as group:
        group.create_task(_later(outs))
        group.create_task(_pass_on(ins, outs))


async def by_wait(ins, outs, state):
    tasks = [asyncio.create_task(each) for each in (_later(outs), _pass_on(ins, outs))]
    await asyncio.wait(tasks)


async def by_nested_gather(ins, outs, state):
    await asyncio.gather(asyncio.gather(_pass_on(ins, outs)), _later(outs))


@pytest.mark.parametrize(
    "fn",
    [by_timer, by_future, by_timeout, by_helper, by_gather, by_group, by_wait, by_nested_gather],
)
def test_d4_a_stream_that_may_go_on_is_not_blocked(fn):
    """D4: it waits for a timer, a future, or with a timeout; or one of its tasks does."""
    got: list[Any] = []

    async def noting(ins, outs, state):
        async for item in ins.x:
            got.append(item)
            await outs.x.push(item)

    workflow = Workflow()
    one = workflow.add_stream(stream("one", noting, "x", "x"))
    two = workflow.add_stream(stream("two", fn, "x", "x"))
    one.pipe(two).pipe(one)
    go(workflow)
    assert got[:5] == ["go", "go!", "go!!", "go!!!", "go!!!!"]


@pytest.mark.parametrize("how", ["gather", "group", "wait", "tasks"])
def test_d4_a_stream_all_of_whose_tasks_starve_is_blocked(how):
    """D4: with `asyncio.gather` of two starving pops, or any other way to wait for both."""

    async def both(ins, outs, state):
        if how == "group":
            async with asyncio.TaskGroup() as group:
                for port in ins:
                    group.create_task(port.pop())
            return
        pops = [asyncio.ensure_future(port.pop()) for port in ins]
        try:
            if how == "gather":
                await asyncio.gather(*pops)
            elif how == "wait":
                await asyncio.wait(pops)
            else:
                for pop in pops:
                    await pop
        finally:
            for pop in pops:
                pop.cancel()

    workflow = Workflow()
    step = workflow.add_stream(stream("both", both, "a b", "x"))
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    step | one
    one | [step["a"], step["b"]]
    assert drawing(deadlock(workflow)) == [
        "both.a <-- waits for an item of one.x",
        "both.b <-- waits for an item of one.x",
        "one.x <-- waits for an item of both.x",
    ]


def test_d4_one_pop_of_two_that_can_go_on_is_enough():
    """D4: the other one starves in a ring meanwhile."""
    got: list[Any] = []

    async def both(ins, outs, state):
        ring = asyncio.create_task(ins.ring.pop())
        got.extend([item async for item in ins.fed])
        ring.cancel()

    async def slow(ins, outs, state):
        for number in range(5):
            await asyncio.sleep(1)
            await outs.x.push(number)

    workflow = Workflow()
    step = workflow.add_stream(Stream(["ring", "fed"], ["x"], fn=both, name="both"))
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    step | one | step["ring"]
    workflow.add_stream(stream("slow", slow, "", "x")) | step["fed"]
    go(workflow)
    assert got == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("operator", [ops.delay(5.0), ops.debounce(5.0), ops.sample(5.0)])
def test_d4_an_edge_that_is_not_quiet_is_no_ring(operator):
    """D4: an operator may still deliver the items that it holds."""
    got: list[Any] = []

    async def once(ins, outs, state):
        await outs.x.push("first")
        got.append(await ins.x.pop())

    workflow = Workflow()
    one = workflow.add_stream(stream("one", once, "x", "x"))
    other = workflow.add_stream(stream("other", relay, "x", "x"))
    one | operator | other
    other | one
    go(workflow)
    assert got == ["first"]


def test_d4_whoever_works_with_a_run_may_always_go_on():
    """D4: the caller reads and feeds the ports from outside."""

    async def main():
        workflow = Workflow(["x"], ["x"])
        one = workflow.add_stream(stream("one", relay, "x", "x"))
        workflow.ins.x | one | workflow.outs.x
        one | workflow.add_stream(stream("other", relay, "x", "x")) | one
        async with workflow.open() as opened:
            await asyncio.sleep(10)
            await opened.ins.x.push("late")
            item = await opened.outs.x.pop()
            opened.cancel()
            return item

    assert run(main()) == "late"


def test_d4_a_source_from_outside_may_always_go_on():
    """D4: the watch cannot see into an outside Observable."""
    got: list[Any] = []
    workflow = Workflow()
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    other = workflow.add_stream(stream("other", first_of(got), "x", "x"))
    one | other | one
    flow(rx.timer(5.0).pipe(ops.map(lambda _: "late")), overflow="unbounded") | one
    go(workflow)
    assert got == ["late"]


def first_of(got: list[Any]) -> Any:
    async def fn(ins, outs, state):
        got.append(await ins.x.pop())

    return fn
