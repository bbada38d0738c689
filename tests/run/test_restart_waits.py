"""A stream that waits for its restart: what ends the wait, and what others see of it."""

import asyncio
from typing import Any

import pytest

from helpers import run
from mimo_rx import Restart, Stream, Workflow, failures
from restarts import failer, supervise
from runs import (
    add,
    cleaner,
    clock,
    collector,
    counter,
    double,
    endings,
    failing,
    forever,
    go,
    raiser,
    taker,
    untidy,
)

LONG = Restart(backoff=100, max_backoff=100, jitter=0)


async def read_on(ins, outs, state):
    async for item in ins.x:
        await outs.y.push(item)


def test_meanwhile_it_waits_for_nobody_and_its_ports_are_open():
    """Its inputs fill up to their threshold, and it counts as busy."""
    got: list[Any] = []
    workflow = Workflow(threshold=5)
    source = add(workflow, counter(50), outs="x")
    step = supervise(workflow, failer(1, then=read_on), "x", "y", LONG)
    source | step | add(workflow, collector(got), "x")

    async def main():
        async with workflow.open() as opened:
            await asyncio.sleep(50)
            assert str(opened.waits()) == (
                "source.x --> waits for room at fails.x (at most 5 items wait there)\n"
                "sink.x <-- waits for an item of fails.y"
            )
            record = opened.statistics().steps["fails"]
            assert (record.busy, record.starved, record.backpressured) == (1.0, 0.0, 0.0)
            assert (record.ended, record.restarts) == (None, 0)
            assert record.inputs["x"].depth == 5
        record = opened.statistics().steps["fails"]
        assert (record.ended, record.restarts, record.seconds) == ("returned", 1, 100.0)

    run(main())
    assert got == list(range(50))


@pytest.mark.parametrize("how", ["is cancelled", "times out", "fails", "is given up"])
def test_a_cancel_or_a_failure_of_the_run_ends_the_wait_at_once(how):
    """E1, E4: no other attempt follows, and no timer is left."""
    began: list[float] = []
    workflow = Workflow()
    supervise(workflow, failer(9, began), restart=LONG)
    if how == "fails":
        add(workflow, raiser(ValueError("other"), 5))

    async def main():
        if how == "is given up":
            async with workflow.open() as opened:
                await asyncio.sleep(5)
                opened.cancel()
            assert endings(opened.statistics()) == {"fails": "cancelled"}
        elif how == "fails":
            with pytest.raises(ValueError, match="other") as caught:
                await workflow.run()
            assert failures(caught.value) == ()
        elif how == "times out":
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(workflow.run(), 5)
        else:
            task = asyncio.create_task(workflow.run())
            await asyncio.sleep(5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return await clock()

    assert run(main()) == 5.0
    assert began == [0.0]


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("fed", [False, True])
def test_the_loss_of_all_its_readers_ends_the_wait_at_once(fed, mapped):
    """C4: it ends quietly, since the next push of another attempt would raise anyway."""

    async def leaver(ins, outs, state):
        await asyncio.sleep(5)

    workflow = Workflow()
    step = supervise(workflow, failer(9), "x" if fed else "", "y", LONG)
    if fed:
        add(workflow, counter(), outs="x") | step
    (step.map(str) if mapped else step) | add(workflow, leaver, "x")

    async def main():
        statistics = await workflow.run()
        return endings(statistics), statistics.steps["fails"].restarts, await clock()

    ended, count, time = run(main())
    assert ended.pop("source", "downstream") == "downstream"
    assert (ended, count, time) == ({"fails": "downstream", "leaver": "returned"}, 0, 5.0)


def test_a_reader_that_goes_in_the_very_moment_of_the_restart_ends_it_too():
    """C4: the timer has fired, but the stream has not begun again."""
    began: list[float] = []

    async def leaver(ins, outs, state):
        await asyncio.sleep(100)

    workflow = Workflow()
    leaving = add(workflow, leaver, "x")  # the first to begin, and the first to be woken
    supervise(workflow, failer(9, began), outs="y", restart=LONG) | leaving
    assert endings(go(workflow))["fails"] == "downstream"
    assert began == [0.0]


def test_one_reader_of_two_is_enough_to_be_started_again():
    """C4: "when no edge is left on any connected main output"."""
    got: list[Any] = []
    workflow = Workflow()
    step = supervise(workflow, failer(1, then=counter(3)), outs="x", restart=LONG)
    step | add(workflow, taker(0), "x")
    step | add(workflow, collector(got), "x")
    statistics = go(workflow)
    assert (got, statistics.steps["fails"].restarts) == ([0, 1, 2], 1)


@pytest.mark.parametrize("how", ["told", "cancelled"])
def test_a_clean_up_that_fails_after_the_last_reader_has_gone_is_a_failure(how):
    """C4, E1: it is not restarted, since nobody reads it."""

    async def fails(ins, outs, state):
        try:
            await outs.x.push(1)
            if how == "cancelled":
                await asyncio.get_running_loop().create_future()
            while True:
                await outs.x.push(2)
        finally:
            raise OSError("clean-up")

    workflow = Workflow(threshold=1)
    supervise(workflow, fails, outs="x") | add(workflow, taker(1), "x")
    error = failing(workflow, OSError)
    assert error.__notes__ == ["mimo_rx: raised in step 'fails'"]


def test_nobody_is_started_again_while_the_run_unwinds():
    """E2: its exception is a further failure, to which its earlier ones belong."""
    workflow = Workflow()
    fails = failer(1, then=untidy(OSError("clean-up")))
    supervise(workflow, fails)
    add(workflow, raiser(ValueError("first"), 5))
    error = failing(workflow)
    (further,) = failures(error)
    assert further.args == ("clean-up",)
    assert [each.args for each in failures(further)] == [(1,)]


def test_the_others_clean_up_while_a_wait_ends():
    """E1: one of the streams has used up its budget."""
    log: list[Any] = []
    workflow = Workflow()
    supervise(workflow, failer(9), restart=Restart(1, backoff=1, jitter=0))
    supervise(workflow, failer(9), restart=LONG)
    add(workflow, cleaner(log))
    failing(workflow, OSError)
    assert log == ["clean begins", "clean is done"]


def ring(fn: Any, restart: Restart) -> tuple[Workflow, list[Any]]:
    """Make a ring of two streams, one of which may fail, closed by a marked edge."""
    got: list[Any] = []

    async def halve(ins, outs, state):
        async for number in ins.x:
            got.append(number)
            if number > 1:
                await outs.y.push(number // 2)

    workflow = Workflow(threshold=2)
    halving = add(workflow, halve, "x", "y")
    failing_step = supervise(workflow, fn, "x", "y", restart)
    halving.push(40)
    halving.pipe(failing_step)
    failing_step.pipe(halving, feedback=True)
    return workflow, got


def test_d4_a_ring_in_which_one_waits_for_its_restart_is_not_stuck():
    """D4, D6: it is not at rest either; it goes on, and ends as a ring does."""
    failing_at = [20, 5]

    async def fails(ins, outs, state):
        async for number in ins.x:
            if number in failing_at:
                failing_at.remove(number)
                await outs.y.push(number)
                raise OSError
            await outs.y.push(number)

    workflow, got = ring(fails, LONG)
    statistics = go(workflow)
    assert got == [40, 20, 10, 5, 2, 1]
    assert endings(statistics) == {"halve": "returned", "fails": "returned"}
    assert statistics.steps["fails"].restarts == 2


def test_d2_no_buffer_grows_while_the_one_that_would_empty_it_waits_for_its_restart(caplog):
    """D2, D4: this is a fork whose branches meet again, one of which pauses."""

    async def join(ins, outs, state):
        async for item in ins.y:
            assert item == 2 * await ins.x.pop()

    async def fails(ins, outs, state):
        if state.setdefault("starts", 0) == 0:
            state["starts"] = 1
            raise OSError
        await double(ins, outs, state)

    workflow = Workflow(threshold=2)
    source, joining = add(workflow, counter(20), outs="x"), add(workflow, join, "x y")
    source | joining["x"]
    source | supervise(workflow, fails, "x", "y", LONG) | joining["y"]
    statistics = go(workflow)
    assert [each.growth for each in statistics.steps["join"].inputs.values()] == [0, 0]
    assert not [each for each in caplog.messages if "ring" in each]


def test_d4_a_helper_that_waits_in_a_port_meanwhile_does_not_make_it_stuck():
    """D4: one task that can go on is enough; the one that waits for the restart can."""
    helpers: list[asyncio.Task[Any]] = []

    async def fails(ins, outs, state):
        if not helpers:
            helpers.append(asyncio.create_task(ins.x.pop()))
            await asyncio.sleep(0)
            raise OSError
        await outs.y.push(7)
        await helpers[0]
        outs.y.close()
        await read_on(ins, outs, state)

    async def echo(ins, outs, state):
        async for item in ins.x:
            await outs.y.push(item)

    workflow = Workflow()
    step = supervise(workflow, fails, "x", "y", LONG)
    step.pipe(add(workflow, echo, "x", "y")).pipe(step)
    go(workflow)
    assert helpers[0].result() == 7


def test_a_run_waits_for_a_stream_that_waits_for_its_restart():
    """C5: the run does not end before the restart."""
    workflow = Workflow(["a"], ["b"])
    step = supervise(workflow, failer(1, then=read_on), "x", "y", LONG)
    workflow.ins["a"] | step | workflow.outs["b"]

    async def main():
        async with workflow.open() as opened:
            await opened.ins.a.push(1)
            opened.ins.a.close()
            assert await opened.outs.b.pop() == 1
        return await clock()

    assert run(main()) == 100.0


def test_a_stubborn_stream_is_no_matter_of_restarts(caplog):
    """E6: a wait for a restart always ends."""
    workflow = Workflow()
    supervise(workflow, failer(9), restart=LONG)
    workflow.add_stream(Stream(fn=forever))

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.run(shutdown_timeout=1), 5)
        return await clock()

    assert run(main()) == 5.0
    assert [record.levelname for record in caplog.records] == ["WARNING"]
