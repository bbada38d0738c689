"""Rule R4's scheduler, and what other threads deliver (R7, as far as it must not corrupt)."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.scheduler import NewThreadScheduler, TimeoutScheduler
from reactivex.subject import Subject

from flows import endless, numbers, ops, player, sink
from helpers import run
from mimo_rx import Stream, Workflow
from mimo_rx._rx.operators import stays_on_thread
from mimo_rx._rx.scheduler import RunScheduler, Trampoline

realtime = pytest.mark.realtime


def on_scheduler(work: Any) -> list[BaseException]:
    """Call `work(scheduler, trampoline)` on a loop with virtual time; return what failed."""
    failed: list[BaseException] = []

    async def main() -> None:
        trampoline = Trampoline(asyncio.get_running_loop())
        waited = work(RunScheduler(trampoline, failed.append), trampoline)
        if waited is not None:
            await asyncio.sleep(waited)
        trampoline.close()

    run(main())
    return failed


def test_r4_undelayed_work_runs_at_once_and_in_order():
    """R4: on a trampoline: what work schedules runs after it."""
    log: list[Any] = []

    def work(scheduler: Any, trampoline: Any) -> None:
        def outer(inner_scheduler: Any, state: Any) -> None:
            assert inner_scheduler is scheduler
            scheduler.schedule(lambda *_: log.append("inner"))
            scheduler.schedule_relative(0, lambda *_: log.append("no delay"))
            scheduler.schedule_relative(-1.0, lambda *_: log.append("in the past"))
            log.append(state)

        scheduler.schedule(outer, "outer")
        log.append("done")

    on_scheduler(work)
    assert log == ["outer", "inner", "no delay", "in the past", "done"]


@pytest.mark.parametrize("delay", [2.0, timedelta(seconds=2)])
def test_r4_delayed_work_runs_on_the_clock_of_the_loop(delay):
    """R4: relative, absolute and periodic."""
    log: list[Any] = []

    def work(scheduler: Any, trampoline: Any) -> float:
        began = scheduler.now

        def note(*_: Any) -> None:
            log.append(round((scheduler.now - began).total_seconds(), 6))

        scheduler.schedule_relative(delay, note)
        scheduler.schedule_absolute(began + timedelta(seconds=3), note)
        periodic = scheduler.schedule_periodic(4.0, lambda state: note())
        scheduler.schedule_relative(9.0, lambda *_: periodic.dispose())
        return 100.0

    assert on_scheduler(work) == []
    assert log == [2.0, 3.0, 4.0, 8.0]


def test_r4_work_that_is_disposed_of_does_not_run():
    """R4: before it is due, and in the same allowance."""
    log: list[Any] = []

    def work(scheduler: Any, trampoline: Any) -> float:
        scheduler.schedule_relative(1.0, log.append).dispose()

        def outer(*_: Any) -> None:
            scheduler.schedule(log.append).dispose()

        scheduler.schedule(outer)
        return 10.0

    on_scheduler(work)
    assert log == []


def test_r4_work_that_raises_leaves_the_trampoline_usable():
    """R4: undelayed work raises where it is scheduled, delayed work fails the node."""
    log: list[Any] = []

    def broken(*_: Any) -> None:
        raise KeyError("broken")

    def work(scheduler: Any, trampoline: Any) -> float:
        with pytest.raises(KeyError):
            scheduler.schedule(broken)
        scheduler.schedule_relative(1.0, broken)
        scheduler.schedule_relative(2.0, lambda *_: log.append("later"))
        return 10.0

    (error,) = on_scheduler(work)
    assert isinstance(error, KeyError)
    assert log == ["later"]


def test_r4_what_is_queued_behind_work_that_raises_is_forgotten():
    """R4: the run has failed."""
    log: list[Any] = []

    def work(scheduler: Any, trampoline: Any) -> None:
        def outer(*_: Any) -> None:
            scheduler.schedule(lambda *_: log.append("queued"))
            raise KeyError("broken")

        with pytest.raises(KeyError):
            scheduler.schedule(outer)
        scheduler.schedule(lambda *_: log.append("next"))

    on_scheduler(work)
    assert log == ["next"]


def test_c5_a_closed_trampoline_takes_no_timers():
    """C5: nothing of a run is left, even if a clean-up schedules more."""
    log: list[Any] = []

    def work(scheduler: Any, trampoline: Any) -> float:
        scheduler.schedule_relative(1.0, lambda *_: log.append("before"))
        trampoline.close()
        scheduler.schedule_relative(1.0, lambda *_: log.append("after"))
        return 10.0

    on_scheduler(work)
    assert log == []


def drops(source: Observable[Any]) -> Observable[Any]:
    """Be an operator that passes on no scheduler."""

    def subscribe(observer, scheduler=None):
        return source.subscribe(observer.on_next, observer.on_error, observer.on_completed)

    return Observable(subscribe)


def test_r4_an_operator_that_drops_the_scheduler_leaves_the_others_theirs():
    """R4: one scheduler of the run, else `delay` would run on a thread in real time."""
    workflow = Workflow()
    got: list[Any] = []
    threads = threading.active_count()
    chain = workflow.add_stream(numbers(3)) | ops.delay(3600.0) | drops | ops.delay(3600.0)
    composed = rx.compose(ops.delay(1.0), drops, ops.delay(1.0), drops)
    chain | composed | workflow.add_stream(sink(got))
    run(workflow.run())
    assert got == [0, 1, 2]
    assert threading.active_count() == threads


def test_r4_periodic_sources_inside_operators_run_on_the_loop():
    """R4: `interval` and `timer` in a mapper."""
    workflow = Workflow()
    got: list[Any] = []
    ticking = ops.flat_map(lambda item: rx.interval(60.0).pipe(ops.take(2)))
    (
        workflow.add_stream(player([(1.0, "x", 0), (30.0, "x", 1)]))
        | ticking
        | workflow.add_stream(sink(got))
    )
    run(workflow.run())
    assert got == [0, 0, 1, 1]


# Other threads


def test_r7_only_operators_known_to_stay_on_their_thread_go_unchecked():
    """R7: to ask for the thread costs something for each item."""
    assert stays_on_thread(ops.map(str))
    assert stays_on_thread(rx.compose(ops.map(str), ops.take(1)))
    assert not stays_on_thread(rx.compose(ops.map(str), ops.delay(1.0)))
    assert not stays_on_thread(ops.flat_map(rx.of))
    assert not stays_on_thread(drops)


def really(workflow: Workflow) -> Any:
    async def main() -> Any:
        async with asyncio.timeout(10):
            return await workflow.run()

    return asyncio.run(main(), debug=True)


THREADED = {
    "observe_on": ops.observe_on(NewThreadScheduler()),
    "delay": ops.delay(0.001, scheduler=TimeoutScheduler.singleton()),
    "subscribe_on": ops.subscribe_on(NewThreadScheduler()),
    "delay_subscription": ops.delay_subscription(0.01, scheduler=NewThreadScheduler()),
    "flat_map": ops.flat_map(lambda item: rx.return_value(item, NewThreadScheduler())),
    "merge": ops.merge(rx.from_([0] * 200, scheduler=NewThreadScheduler())),
}


@realtime
@pytest.mark.parametrize("name", THREADED)
def test_r7_items_of_another_thread_arrive_all_on_the_loops_thread(name):
    """R7: handed to it safely; the loop wakes up for them."""
    workflow = Workflow(threshold=10)
    got: list[Any] = []
    chain = workflow.add_stream(numbers(200)) | THREADED[name]
    # A shared flow beyond: all of what follows runs on the loop's thread.
    shared = chain | ops.map(lambda item: item)
    seen: set[int] = set()
    beyond = shared | ops.do_action(lambda _: seen.add(threading.get_ident()))
    beyond | workflow.add_stream(sink(got))
    shared | workflow.add_stream(sink(name="other"))
    really(workflow)
    assert sorted(got) == sorted([*range(200), *([0] * 200 if name == "merge" else [])])
    assert seen == {threading.get_ident()}
    if name in ("observe_on", "subscribe_on", "delay_subscription"):
        assert got == list(range(200))


@realtime
@pytest.mark.parametrize("ending", ["take", "error"])
def test_r7_an_end_on_another_thread_ends_the_edge(ending):
    """R7, R6, E3: early completion and errors, signalled there."""
    workflow = Workflow()
    got: list[Any] = []
    chain = workflow.add_stream(endless()) | ops.observe_on(NewThreadScheduler())
    if ending == "take":
        chain | ops.take(5) | workflow.add_stream(sink(got))
        assert really(workflow).steps["endless"].ended == "downstream"
        assert got == [0, 1, 2, 3, 4]
        return

    def fail(item: int) -> int:
        if item == 5:
            raise ValueError("five")
        return item

    chain | ops.map(fail) | workflow.add_stream(sink(got))
    with pytest.raises(ValueError, match="five") as caught:
        really(workflow)
    assert "edge endless.x -> sink.x, in operator 2 of 2, map(fail)" in caught.value.__notes__[0]


@realtime
def test_r7_a_thread_that_delivers_after_the_run_disturbs_nobody():
    """R7, C5."""
    outside: Subject[int] = Subject()
    workflow = Workflow()
    got: list[Any] = []
    chain = workflow.add_stream(numbers(3)) | ops.merge(outside) | ops.take(3)
    chain | workflow.add_stream(sink(got))
    really(workflow)
    thread = threading.Thread(target=lambda: rx.range(0, 100).subscribe(outside))
    thread.start()
    thread.join()
    assert got == [0, 1, 2]


@realtime
def test_r7_a_subject_that_a_stream_of_the_user_feeds_from_a_thread():
    """R7: items in the order of their thread, while the loop delivers as well."""
    outside: Subject[Any] = Subject()
    workflow = Workflow(threshold=5)
    got: list[Any] = []

    def feed() -> None:
        for number in range(500):
            outside.on_next(("thread", number))
        outside.on_completed()

    async def fn(ins, outs, state):
        task = asyncio.create_task(asyncio.to_thread(feed))
        for number in range(500):
            await outs.x.push(("loop", number))
        await task

    chain = workflow.add_stream(Stream(outs=["x"], fn=fn)) | ops.merge(outside)
    chain | workflow.add_stream(sink(got))
    really(workflow)
    for who in ("thread", "loop"):
        assert [number for name, number in got if name == who] == list(range(500))
