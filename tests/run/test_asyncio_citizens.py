"""Runs among other users of asyncio: other loops, other task groups, many at once."""

import asyncio
import gc
import threading
from typing import Any

import anyio
import pytest

from helpers import run
from loops import LOOPS, run_on
from mimo_rx import Restart, Stream, Workflow, flow
from restarts import failer
from runs import (
    add,
    cancelling,
    cleaner,
    clock,
    collector,
    counter,
    double,
    endings,
    forever,
    raiser,
    taker,
)


def chain(count: int | None = 500, threshold: int = 7) -> tuple[Workflow, list[Any]]:
    """Make a workflow of three streams with an operator between two of them."""
    got: list[Any] = []
    workflow = Workflow(threshold=threshold)
    doubling = add(workflow, counter(count), outs="x") | add(workflow, double, "x", "y")
    doubling.map(lambda number: number + 1) | add(workflow, collector(got), "x")
    return workflow, got


@pytest.mark.parametrize("loop", LOOPS)
def test_a_run_delivers_everything(loop):
    """C1 to C3: through back-pressure, an operator and a close."""
    workflow, got = chain()
    statistics = run_on(loop, workflow.run())
    assert got == [2 * number + 1 for number in range(500)]
    assert set(endings(statistics).values()) == {"returned"}


@pytest.mark.parametrize("loop", LOOPS)
def test_a_failure_comes_out_as_itself(loop):
    """E1."""
    log: list[Any] = []
    workflow, _ = chain(None)
    add(workflow, cleaner(log, 0))
    add(workflow, raiser(ValueError("mine"), 0.01))
    with pytest.raises(ValueError, match="mine") as caught:
        run_on(loop, workflow.run())
    assert caught.value.__notes__ == ["mimo_rx: raised in step 'broken'"]
    assert log == ["clean begins", "clean is done"]


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("first", [True, False])
def test_a_stream_that_raises_in_its_first_step_fails_the_run(loop, first):
    """E1: an eager task has raised before the others are made."""
    workflow = Workflow()
    steps: list[Any] = [raiser(ValueError("early")), forever]
    for fn in steps if first else steps[::-1]:
        add(workflow, fn)
    with pytest.raises(ValueError, match="early"):
        run_on(loop, workflow.run())


@pytest.mark.parametrize("loop", LOOPS)
def test_no_stream_begins_before_all_are_made(loop):
    """E1, C4: a stream that is cancelled by then never begins, whatever the kind of tasks."""

    async def never(ins, outs, state):
        pytest.fail("it has begun")

    unread, failing = Workflow(), Workflow()
    add(unread, never, outs="x").take(0) | add(unread, collector([]), "x")
    assert endings(run_on(loop, unread.run())) == {"never": "downstream", "sink": "returned"}
    add(failing, raiser(ValueError("early")))
    add(failing, never)
    with pytest.raises(ValueError, match="early"):
        run_on(loop, failing.run())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_subscription_is_there_before_its_first_item(loop):
    """R10, R11: `subscribe` returns first, so an observer may dispose of the subscription."""
    got: list[Any] = []

    async def main():
        def take(item):
            got.append(item)
            subscription.dispose()

        subscription = flow(range(9)).map(str).subscribe(take)
        flow(range(9)).map(str).subscribe(got.append).dispose()
        assert got == []
        await asyncio.sleep(0.01)

    run_on(loop, main())
    assert got == ["0"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_source_that_nobody_reads_any_more_ends(loop):
    """C4: one that pushes, and one that waits for what never comes."""

    async def silent(ins, outs, state):
        await outs.x.push(1)
        await asyncio.get_running_loop().create_future()

    workflow = Workflow(threshold=3)
    add(workflow, counter(), outs="x") | add(workflow, taker(5), "x")
    add(workflow, silent, outs="x") | add(workflow, taker(1), "x")
    add(workflow, forever, outs="x") | add(workflow, taker(0), "x")
    ended = endings(run_on(loop, workflow.run()))
    assert [ended[name] for name in ("source", "silent", "forever")] == ["downstream"] * 3


@pytest.mark.parametrize("loop", LOOPS)
def test_asyncio_timeout_cancels_a_run(loop):
    """E4: the timeout also takes its cancel back."""
    log: list[Any] = []
    workflow, _ = chain(None)
    add(workflow, cleaner(log, 0.01))

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await workflow.run()
        return cancelling()

    assert run_on(loop, main()) == 0
    assert log == ["clean begins", "clean is done"]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_task_group_cancels_its_runs(loop):
    """E4: a failing sibling cancels the runs in its group, and a failing run its siblings."""
    log: list[Any] = []
    cleaning, failing = Workflow(), Workflow()
    add(cleaning, cleaner(log, 0))
    add(failing, raiser(ValueError("sibling"), 0.01))

    async def main():
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                group.create_task(cleaning.run())
                group.create_task(failing.run())
        assert [str(each) for each in caught.value.exceptions] == ["sibling"]

    run_on(loop, main())
    assert log == ["clean begins", "clean is done"]


@pytest.mark.parametrize("loop", LOOPS)
def test_an_open_run_serves_and_fails(loop):
    """W6: a failure cancels the block and takes that cancel back."""
    workflow = Workflow(["a"], ["b"])
    workflow.ins["a"] | add(workflow, double, "x", "y") | workflow.outs["b"]

    async def main():
        async with workflow.open() as opened:
            await opened.ins.a.push(21)
            assert await opened.outs.b.pop() == 42
        add(workflow, raiser(ValueError("mine"), 0.01))
        with pytest.raises(ValueError, match="mine"):
            async with workflow.open():
                await asyncio.sleep(60)
        return cancelling()

    assert run_on(loop, main()) == 0


@pytest.mark.parametrize("loop", LOOPS)
def test_a_stream_is_started_again(loop):
    """Its ports stay as they are."""
    workflow = Workflow()
    stream = Stream(outs=["x"], fn=failer(2, then=counter(3)))
    step = workflow.add_stream(stream, restart=Restart(backoff=0.001))
    step | add(workflow, collector(got := list[Any]()), "x")
    assert run_on(loop, workflow.run()).steps["fails"].restarts == 2
    assert got == [0, 1, 2]


@pytest.mark.parametrize("loop", LOOPS)
def test_timers_of_operators_and_threads_of_sources_work(loop):
    """R4, E6: delayed items, and those that a thread reads."""

    async def main():
        numbers: Any = flow(iter(range(20)), threaded=True).delay(0.01)
        return [number async for number in numbers]

    assert run_on(loop, main()) == list(range(20))


@pytest.mark.parametrize("loop", LOOPS)
def test_several_runs_share_a_loop(loop):
    """W7: of one blueprint and of several, also one that fails among them."""

    async def main():
        chains = [chain(100, threshold) for threshold in (1, 2, 3, 100)]
        broken = Workflow()
        add(broken, raiser(ValueError("mine")))
        runs = [workflow.run() for workflow, _ in chains for _ in range(3)]
        done: list[Any] = await asyncio.gather(*runs, broken.run(), return_exceptions=True)
        assert isinstance(done.pop(), ValueError)
        assert all(set(endings(each).values()) == {"returned"} for each in done)
        for _, got in chains:
            assert sorted(got) == sorted(3 * [2 * number + 1 for number in range(100)])

    run_on(loop, main())


@pytest.mark.parametrize("how", ["start", "loop"])
def test_several_threads_have_a_loop_and_a_run_each(how):
    """W7: of one blueprint, at the same time."""
    states: list[list[Any]] = []
    together = threading.Barrier(6)

    def make():
        together.wait(30)  # until each thread has begun its run
        states.append([])
        return states[-1]

    async def collect(ins, outs, state):
        async for number in ins.x:
            state.append(number)

    workflow = Workflow(threshold=3)
    source = add(workflow, counter(500), outs="x")
    source | add(workflow, double, "x", "y") | add(workflow, collect, "x", state_factory=make)

    def work():
        if how == "start":
            workflow.start()
        else:
            asyncio.run(workflow.run())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == 6 * [[2 * number for number in range(500)]]


def test_debug_mode_reports_nothing_of_a_run(caplog, recwarn):
    """P2, P12: no slow callback, and nothing that was never awaited."""
    got: list[Any] = []
    workflow = Workflow()
    bulk = add(workflow, counter(10_000), outs="x").filter(lambda number: number % 2)
    bulk | add(workflow, double, "x", "y") | add(workflow, collector(got), "x")

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.5  # on a busy machine, much takes a tenth of a second
        await workflow.run()

    asyncio.run(main())
    gc.collect()
    assert len(got) == 5_000
    assert not [record for record in caplog.records if record.name == "asyncio"]
    assert not recwarn


def test_an_anyio_task_group_waits_for_its_runs():
    """Runs are coroutines like others."""
    workflow, got = chain()

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(workflow.run)
            group.start_soon(workflow.run)

    anyio.run(main)
    assert len(got) == 1000


@pytest.mark.parametrize("how", ["a sibling fails", "it is cancelled", "its time is over"])
def test_an_anyio_scope_cancels_a_run_and_waits_for_its_clean_up(how):
    """E4: although anyio cancels again at every turn of the loop."""
    log: list[Any] = []
    workflow, _ = chain(None)
    add(workflow, cleaner(log, 0.02))

    async def fail():
        await anyio.sleep(0.01)
        raise ValueError("sibling")

    async def main():
        if how == "its time is over":
            with anyio.move_on_after(0.01) as scope:
                await workflow.run()
            assert scope.cancelled_caught
        elif how == "a sibling fails":
            with pytest.raises(ExceptionGroup):
                async with anyio.create_task_group() as group:
                    group.start_soon(workflow.run)
                    group.start_soon(fail)
        else:
            async with anyio.create_task_group() as group:
                group.start_soon(workflow.run)
                await anyio.sleep(0.01)
                group.cancel_scope.cancel()
        await anyio.sleep(0.001)
        return cancelling()

    assert anyio.run(main) == 0
    assert log == ["clean begins", "clean is done"]


def test_a_failure_of_a_run_comes_out_of_an_anyio_task_group():
    """E1: in its group, with its note."""
    workflow = Workflow()
    add(workflow, raiser(ValueError("mine")))

    async def main():
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 60)
            async with workflow.open():
                await anyio.sleep(60)

    with pytest.raises(ExceptionGroup) as caught:
        anyio.run(main)
    (error,) = caught.value.exceptions
    assert (str(error), error.__notes__) == ("mine", ["mimo_rx: raised in step 'broken'"])


def test_a_stream_may_use_an_anyio_task_group():
    """C4: `DownstreamClosed` comes out of it in a group and ends the stream quietly."""

    async def source(ins, outs, state):
        async def push():
            while True:
                await outs.x.push(1)

        async with anyio.create_task_group() as group:
            group.start_soon(push)
            group.start_soon(anyio.sleep_forever)

    workflow = Workflow(threshold=2)
    add(workflow, source, outs="x") | add(workflow, taker(20), "x")
    statistics = anyio.run(workflow.run)
    assert endings(statistics) == {"source": "downstream", "take": "returned"}


def test_many_cancels_of_one_run_leave_nothing_behind():
    """E4: the cancels do not pile up while the streams clean up."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log, 3))

    async def main():
        task = asyncio.create_task(workflow.run())
        for _ in range(100):
            await asyncio.sleep(0.01)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await clock()

    assert run(main()) == pytest.approx(3.01)
    assert log == ["clean begins", "clean is done"]
