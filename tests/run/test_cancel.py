"""Cancelling a run, and what does not let itself be cancelled: rules E4 and E6."""

import asyncio
import contextlib
import gc
import threading
import time
from typing import Any

import pytest

from helpers import run
from mimo_rx import Stream, Workflow, flow
from runs import add, cleaner, clock, collector, counter, forever, go


def cleaned(log: list[Any]) -> bool:
    return log == ["clean begins", "clean is done"]


def test_e4_cancelling_the_task_that_awaits_run_cancels_all_and_waits_for_their_clean_up():
    """E4."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log))

    async def main():
        task = asyncio.create_task(workflow.run())
        await asyncio.sleep(1)
        task.cancel("enough")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        return await clock()

    assert run(main()) == 2.0
    assert cleaned(log)


def test_e4_a_second_cancel_does_not_cut_the_clean_up_short():
    """E4: a third cancel does not either."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log, 3.0))

    async def main():
        task = asyncio.create_task(workflow.run())
        await asyncio.sleep(1)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.5)
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelling(), await clock()

    assert run(main()) == (3, 4.0)
    assert cleaned(log)


def test_e4_a_timeout_around_it_cancels_all_and_waits_for_their_clean_up():
    """E4: `asyncio.timeout` and `wait_for`."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log))

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await workflow.run()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.run(), 2)
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling(), await clock()

    assert run(main()) == (0, 6.0)
    assert log == ["clean begins", "clean is done"] * 2


def test_e4_a_failure_of_the_clean_up_comes_out_instead_of_the_timeout():
    """E2, E4: a real error is never hidden."""

    async def broken(ins, outs, state):
        try:
            await asyncio.sleep(100)
        finally:
            raise ValueError("real")

    workflow = Workflow()
    add(workflow, broken)

    async def main():
        with pytest.raises(ValueError, match="real"):
            async with asyncio.timeout(2):
                await workflow.run()

    run(main())


def test_e4_a_run_in_a_task_group_is_cancelled_with_it():
    """E4: structured concurrency."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log))

    async def broken():
        await asyncio.sleep(1)
        raise ValueError("sibling")

    async def main():
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(workflow.run())
                group.create_task(broken())

    run(main())
    assert cleaned(log)


def stubborn(seconds: float = 50.0) -> Any:
    """Make a function that ignores its cancels for a while."""

    async def clings(ins, outs, state):
        until = await clock() + seconds
        while await clock() < until:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(until - await clock())

    return clings


@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_e6_a_stream_that_swallows_its_cancel_is_left_behind(how, caplog):
    """E6: after `shutdown_timeout` seconds; it logs which (step, last frame) and ends."""

    async def broken(ins, outs, state):
        await asyncio.sleep(1)
        raise ValueError("first")

    workflow = Workflow()
    add(workflow, stubborn(), name="clings")
    add(workflow, broken if how == "fails" else forever)

    async def main():
        task = asyncio.create_task(workflow.run(shutdown_timeout=3))
        await asyncio.sleep(1)
        if how == "is cancelled":
            task.cancel()
        with pytest.raises(ValueError if how == "fails" else asyncio.CancelledError):
            await task
        assert await clock() == 4.0
        await asyncio.sleep(100)

    run(main())
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("mimo_rx", "ERROR")
    assert record.message.startswith(
        "step 'clings' did not let itself be cancelled within 3 s and is left behind; it is at "
    )
    assert record.message.endswith(" in clings")


def test_e6_the_last_frame_is_where_the_stream_waits(caplog):
    """E6: it is a frame of the user's code, not of the library."""

    class Eternal:
        def __await__(self):
            while True:
                with contextlib.suppress(asyncio.CancelledError):
                    yield from asyncio.sleep(30).__await__()
                    return

    async def clings(ins, outs, state):
        await Eternal()

    async def broken(ins, outs, state):
        await asyncio.sleep(1)
        raise ValueError("first")

    workflow = Workflow()
    add(workflow, clings)
    add(workflow, broken)

    async def main():
        with pytest.raises(ValueError, match="first"):
            await workflow.run(shutdown_timeout=3)
        await asyncio.sleep(100)

    run(main())
    line = Eternal.__await__.__code__.co_firstlineno + 3
    assert caplog.messages[0].endswith(f"it is at {__file__}:{line} in __await__")


def test_e6_the_timeout_is_five_seconds_if_nothing_else_is_said(caplog):
    """E6: `shutdown_timeout` seconds (5)."""
    workflow = Workflow()
    add(workflow, stubborn())

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.run(), 1)
        assert await clock() == 6.0
        await asyncio.sleep(100)

    run(main())
    assert len(caplog.records) == 1


def test_e6_a_stream_that_takes_its_time_within_the_timeout_is_waited_for(caplog):
    """E6: nothing is logged."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log, 4.0))

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.run(), 1)
        return await clock()

    assert run(main()) == 5.0
    assert cleaned(log)
    assert not caplog.records


def test_e6_what_a_stream_that_was_left_behind_raises_is_nobodys_failure(caplog):
    """E6: the run is over; its task ends without a report."""

    async def late(ins, outs, state):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(50)
        await asyncio.sleep(50)
        raise ValueError("late")

    workflow = Workflow()
    add(workflow, late)

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workflow.run(), 1)
        await asyncio.sleep(100)

    run(main())
    assert len(caplog.records) == 1


@pytest.mark.realtime
def test_e6_a_blocking_read_runs_in_a_daemon_thread_of_our_own():
    """E6: never in the loop's default executor."""
    threads: list[threading.Thread] = []

    def read():
        threads.append(threading.current_thread())
        yield 1

    got: list[Any] = []
    workflow = Workflow()
    flow(read(), threaded=True) | add(workflow, collector(got), "x")
    workflow.start()
    (thread,) = threads
    assert got == [1]
    assert thread is not threading.main_thread()
    assert thread.daemon
    assert thread.name == "mimo_rx source read"
    assert not thread.is_alive()


@pytest.mark.realtime
def test_e6_a_thread_that_does_not_end_is_left_behind(caplog):
    """E6: it waits `shutdown_timeout` seconds for threads, then logs which, and where it is."""
    release = threading.Event()

    def read():
        yield 1
        release.wait(20)

    async def one(ins, outs, state):
        state["got"] = await ins.x.pop()

    workflow = Workflow()
    step = add(workflow, one, "x")
    flow(read(), threaded=True) | step
    try:
        began = time.monotonic()
        workflow.start(shutdown_timeout=0.1)
        assert time.monotonic() - began < 5
        assert step.stream.state == {"got": 1}
        (record,) = caplog.records
        assert record.message.startswith(
            "thread 'mimo_rx source read' of source 'read' did not end within 0.1 s "
            "and is left behind; it is at "
        )
        assert record.message.endswith(f"{__file__}:{read.__code__.co_firstlineno + 2} in read")
    finally:
        release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("mimo_rx"):
            thread.join(5)


@pytest.mark.realtime
def test_e6_start_ends_although_a_stream_is_left_behind(caplog, recwarn):
    """E6: the loop is closed without a warning about the stream's task."""

    async def clings(ins, outs, state):
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(20)

    async def broken(ins, outs, state):
        raise ValueError("first")

    workflow = Workflow()
    add(workflow, clings)
    add(workflow, counter(1), outs="x")
    workflow.add_stream(Stream(fn=broken))
    with pytest.raises(ValueError, match="first"):
        workflow.start(shutdown_timeout=0.05)
    gc.collect()
    assert not recwarn
    assert len(caplog.records) in (0, 1)


def test_e6_nothing_is_armed_where_nothing_is_asked_to_end():
    """E6, C5: a run may last as long as it likes."""

    async def slow(ins, outs, state):
        await asyncio.sleep(1000)
        state["done"] = True

    workflow = Workflow()
    step = add(workflow, slow)
    go(workflow, shutdown_timeout=1)
    assert step.stream.state == {"done": True}
