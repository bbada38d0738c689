"""The tasks of a crew: they begin apart, end together, and tell what went wrong by the rules."""

import asyncio
import gc
import weakref
from typing import Any

import pytest

from helpers import run
from loops import LOOPS, run_on
from mimo_rx import DownstreamClosed, Restart, StreamCancelled, Workflow, failures, flow
from mimo_rx.streams import Map
from mimo_rx.streams._tasks import Crew, Line
from runs import add, collector, failing, go, taker


def crew_of(*works, then=None):
    """Make a workflow of one step with a crew of `works`, each a coroutine function."""
    workflow = Workflow()

    async def crewed(ins, outs, state):
        crew = Crew(ins.x.buffer.process)
        for work in works:
            crew.start(work())
        if then is not None:
            await then()
        await crew.join()

    add(workflow, crewed, "x", name="crewed")
    return workflow


def raising(error, seconds=0.0):
    async def work():
        await asyncio.sleep(seconds)
        raise error

    return work


async def waiting():
    await asyncio.sleep(1000)


def test_the_first_failure_ends_all_and_comes_out():
    error = failing(crew_of(waiting, raising(ValueError("mine"), 1), waiting))
    assert str(error) == "mine"
    assert error.__notes__ == ["mimo_rx: raised in step 'crewed'"]


def test_several_that_fail_at_once_are_all_kept():
    """E2."""
    error = failing(crew_of(raising(ValueError("one")), raising(ValueError("two")), waiting))
    assert str(error) == "one"
    assert [str(each) for each in failures(error)] == ["two"]
    assert "while unwinding, step 'crewed' raised ValueError: two" in error.__notes__[0]


def test_a_failure_before_the_crew_is_joined_is_seen():
    async def later():
        await asyncio.sleep(5)

    assert str(failing(crew_of(raising(ValueError("early")), then=later))) == "early"


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_an_exit_goes_before_a_failure(kind):
    """E7: not through the loop, but out of the run, after the others have unwound."""
    log = []

    async def tidy():
        try:
            await waiting()
        finally:
            await asyncio.sleep(1)
            log.append("tidied up")

    error = failing(crew_of(raising(ValueError("x")), raising(kind("bye")), tidy), kind)
    assert error.args == ("bye",)
    assert log == ["tidied up"]
    assert [type(each) for each in failures(error)] == [ValueError]


def test_a_cancel_that_nobody_asked_for_is_a_failure():
    """E7."""
    error = failing(crew_of(raising(asyncio.CancelledError("odd")), waiting), StreamCancelled)
    assert error.__cause__.args == ("odd",)


def test_a_cancel_that_nobody_asked_for_hides_no_error():
    """E2."""
    error = failing(crew_of(raising(asyncio.CancelledError()), raising(ValueError("x")), waiting))
    assert str(error) == "x"
    assert failures(error) == ()


def test_that_nobody_reads_is_no_failure_beside_another():
    error = failing(crew_of(raising(DownstreamClosed("x")), raising(ValueError("y"))))
    assert str(error) == "y"
    assert failures(error) == ()


@pytest.mark.parametrize("times", [1, 2, 5])
def test_tasks_are_cancelled_once_however_often_the_stream_is(times):
    """A second cancel would strike the clean-up that the first one began."""
    log = []

    async def tidy():
        try:
            await waiting()
        finally:
            await asyncio.sleep(1)
            log.append("tidied up")

    async def main():
        task: Any = None

        async def crewed(ins, outs, state):
            nonlocal task
            task = asyncio.current_task()
            crew = Crew(ins.x.buffer.process)
            crew.start(tidy())
            await crew.join()

        workflow = Workflow()
        add(workflow, crewed, "x", name="crewed")
        running = asyncio.create_task(workflow.run())
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.sleep(0)
        for _ in range(times - 1):
            task.cancel()
            await asyncio.sleep(0.01)
        with pytest.raises(asyncio.CancelledError):
            await running

    run(main())
    assert log == ["tidied up"]


def test_a_task_cancelled_before_its_first_step_leaves_no_coroutine_behind():
    begun = []

    async def work():
        begun.append(1)  # pragma: no cover

    async def main():
        async def crewed(ins, outs, state):
            crew = Crew(ins.x.buffer.process)
            crew.start(work())
            for task in crew._tasks:
                task.cancel()
            await crew.join()

        workflow = Workflow()
        add(workflow, crewed, "x", name="crewed")
        with pytest.raises(StreamCancelled):
            await workflow.run()

    run(main())
    gc.collect()  # a coroutine that was never awaited would warn, and warnings are errors
    assert begun == []


def test_one_that_joins_while_the_crew_stops_is_cancelled_too():
    begun = []

    async def main():
        async def crewed(ins, outs, state):
            crew = Crew(ins.x.buffer.process)

            async def late():
                begun.append(1)
                await waiting()

            async def stubborn():
                try:
                    await waiting()
                finally:
                    crew.start(late())

            crew.start(stubborn())
            crew.start(raising(ValueError("x"))())
            await crew.join()

        workflow = Workflow()
        add(workflow, crewed, "x", name="crewed")
        with pytest.raises(ValueError, match="x"):
            await workflow.run()
        assert asyncio.get_running_loop().time() < 1000

    run(main())
    assert begun == []


def test_a_failure_keeps_nothing_alive_once_it_is_dropped():
    """Without a collection: a traceback that refers to its own error would wait for one."""

    class Big:
        pass

    kept = []

    async def main():
        async def crewed(ins, outs, state):
            crew = Crew(ins.x.buffer.process)

            async def work():
                big = Big()
                kept.append(weakref.ref(big))
                raise ValueError(len(kept))

            crew.start(work())
            try:
                await crew.join()
            except ValueError:
                pass

        workflow = Workflow()
        add(workflow, crewed, "x", name="crewed")
        await workflow.run()

    gc.disable()
    try:
        run(main())
        assert kept[0]() is None
    finally:
        gc.enable()


def test_turns_are_taken_in_the_order_of_the_line():
    order = []

    async def main():
        async def crewed(ins, outs, state):
            process = ins.x.buffer.process
            crew, line = Crew(process), Line(process)

            async def work(number):
                before, mine = line.stand()
                await asyncio.sleep(5 - number)
                if before is not None:
                    await before
                order.append(number)
                mine.set_result(None)

            for number in range(5):
                crew.start(work(number))
            await crew.join()

        workflow = Workflow()
        add(workflow, crewed, "x", name="crewed")
        await workflow.run()

    run(main())
    assert order == [0, 1, 2, 3, 4]


# On the loops that there are


@pytest.mark.parametrize("make", LOOPS)
@pytest.mark.parametrize("ordered", [True, False])
def test_no_more_calls_are_under_way_than_allowed_on_any_loop(make, ordered):
    """Also where the loop's tasks begin within the call that makes them."""
    under_way = most = 0

    async def watched(number):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return number

    async def main():
        return await (range(300) | Map(watched, concurrency=7, ordered=ordered)).to_list()

    got = run_on(make, main())
    assert (got if ordered else sorted(got)) == list(range(300))
    assert most == 7


@pytest.mark.parametrize("make", LOOPS)
def test_a_call_of_many_begins_no_task_within_another(make):
    """Eager tasks would nest as deep as the concurrency, past what Python allows."""

    async def same(number):
        await asyncio.sleep(0)
        return number

    async def main():
        return await (range(3000) | Map(same, concurrency=2000)).to_list()

    assert run_on(make, main()) == list(range(3000))


def test_a_map_that_fails_is_restarted_with_a_new_crew():
    failed: list[Any] = []

    async def fails_once(number):
        await asyncio.sleep(1)
        if number == 3 and not failed:
            failed.append(number)
            raise ValueError("once")
        return number

    got: list[Any] = []
    workflow = Workflow()
    step = workflow.add_stream(Map(fails_once, concurrency=2), restart=Restart(1, on=(ValueError,)))
    flow(range(8)) | step | add(workflow, collector(got), "x")
    statistics = go(workflow)
    assert statistics.steps["fails_once"].restarts == 1
    assert got == sorted(got)
    assert set(got) >= {0, 1, 5, 6, 7}


@pytest.mark.parametrize("answer", [None, ValueError("tidy up")])
def test_a_map_ends_whatever_its_function_answers_to_a_cancel(answer):
    """E2, E4: a call swallows it or raises; none waits for the turn of one that is gone."""

    async def stubborn(number):
        if number == 0:
            await asyncio.sleep(1)
            raise KeyError("first")
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            if answer is not None:
                raise answer from None
        return number

    async def main():
        workflow = Workflow()
        step = workflow.add_stream(Map(stubborn, concurrency=4))
        flow(range(10)) | step | add(workflow, collector([]), "x")
        with pytest.raises(KeyError) as caught:
            await workflow.run()
        assert asyncio.get_running_loop().time() == 1
        return failures(caught.value)

    assert run(main()) == (() if answer is None else (answer,))


def test_a_map_that_nobody_reads_ends_with_its_calls():
    """C4: the calls that are under way are cancelled."""
    log = []

    async def slow_after_one(number):
        try:
            await asyncio.sleep(1 if number < 2 else 100)
        except asyncio.CancelledError:
            log.append(number)
            raise
        return number

    workflow = Workflow(threshold=1)
    step = workflow.add_stream(Map(slow_after_one, concurrency=4, ordered=False))
    flow(range(3)) | step | add(workflow, taker(1), "x", name="take")
    statistics = go(workflow)
    assert statistics.steps["slow_after_one"].ended == "downstream"
    assert log == [2]
