"""Rules R3 and R8: sources from outside, and how their items enter."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.scheduler import NewThreadScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject

from flows import ops, sink, slow_sink
from helpers import run
from mimo_rx import Stream, Workflow, flow

realtime = pytest.mark.realtime


def start(workflow: Workflow) -> Any:
    """Run on a loop with virtual time."""
    return run(workflow.run())


def really(workflow: Workflow) -> Any:
    """Run on a usual loop, which threads need, and look for threads that are left after it."""

    async def main() -> Any:
        async with asyncio.timeout(10):
            return await workflow.run()

    try:
        return asyncio.run(main())
    finally:
        for thread in [t for t in threading.enumerate() if t.name.startswith("mimo_rx")]:
            thread.join(1)  # its work is done, but it needs a moment to end
            assert not thread.is_alive()


def taking(count: int, got: list[Any]) -> Stream:
    """Make a stream that takes `count` items and returns."""

    async def fn(ins, outs, state):
        while len(got) < count:
            got.append(await ins.x.pop())
            await asyncio.sleep(0.01)  # the source fills its entry meanwhile, and waits

    return Stream(["x"], fn=fn, name="taking")


# R3


def test_r3_iterables_and_iterators_stand_left_of_a_step():
    """R3: any iterable is a source."""
    got: list[Any] = []
    workflow = Workflow()
    for source in ([1, 2], range(3, 5), iter("ab"), {"k": 1}, (n for n in (7, 8))):
        source | workflow.add_stream(sink(got))
    start(workflow)
    assert sorted(map(str, got)) == ["1", "2", "3", "4", "7", "8", "a", "b", "k"]


def test_r3_falsy_items_are_items():
    """R3, P10: this holds for iterables, asynchronous iterables and Observables."""
    items: list[Any] = [None, 0, "", [], ValueError("an item")]
    for source in (items, rx.from_iterable(items)):
        got: list[Any] = []
        workflow = Workflow()
        flow(source) | workflow.add_stream(sink(got))
        really(workflow)
        assert got == items


def test_r3_an_operator_right_after_a_source():
    """R3: `flow([1, 2]) | ops.map(f)`, several sources, and L6 before an operator."""
    got: list[Any] = []
    workflow = Workflow()
    made = workflow.add_stream(Stream(outs=["x"], fn=_one, name="made"))
    flow([1, 2], made, range(2)) | ops.map(str) | workflow.add_stream(sink(got))
    start(workflow)
    assert sorted(got) == ["0", "1", "1", "2", "made"]


async def _one(ins, outs, state):
    await outs.x.push("made")


def test_r3_an_endless_iterable_is_read_as_far_as_it_is_wanted():
    """R3, R6: the source is read only as far as its readers need."""
    taken: list[int] = []

    def naturals() -> Iterator[int]:
        for number in range(10**9):
            taken.append(number)
            yield number

    got: list[Any] = []
    workflow = Workflow(threshold=4)
    flow(naturals()) | ops.map(str) | ops.take(3) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == ["0", "1", "2"]
    assert len(taken) <= 4


@pytest.mark.parametrize("ending", ["end", "early", "error"])
def test_r3_an_asynchronous_iterable_is_closed_at_the_end(ending):
    """R3: it is closed however the run ends."""
    log: list[Any] = []

    async def ticks() -> AsyncIterator[int]:
        try:
            for number in range(3 if ending == "end" else 1000):
                await asyncio.sleep(1)
                yield number
        finally:
            await asyncio.sleep(1)
            log.append("closed")

    def check(number: int) -> int:
        if ending == "error" and number == 2:
            raise KeyError(number)
        return number

    workflow = Workflow()
    chain = flow(ticks()) | ops.map(check)
    (chain | ops.take(2) if ending == "early" else chain) | workflow.add_stream(sink())

    async def main() -> None:
        try:
            await workflow.run()
        except KeyError:
            log.append("failed")
        log.append("over")

    run(main())
    assert log == {"error": ["closed", "failed", "over"]}.get(ending, ["closed", "over"])


@pytest.mark.parametrize("threaded", [False, True])
def test_r3_what_an_iterable_raises_fails_the_run(threaded):
    """R3, E1: the exception has a note that names the source."""

    def broken() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    workflow = Workflow()
    flow(broken(), threaded=threaded) | workflow.add_stream(sink())
    with pytest.raises(OSError, match="gone") as caught:
        really(workflow)
    assert caught.value.__notes__ == ["mimo_rx: raised in step 'broken'"]


# R8: Observables


@realtime
def test_r8_a_cold_observable_waits_on_its_thread():
    """R8: `block` is the default; the number of items made ahead is bounded."""
    made: list[int] = []
    ahead: list[int] = []
    thread: set[int] = set()
    got: list[Any] = []

    def note(item: int) -> None:
        made.append(item)
        thread.add(threading.get_ident())

    async def fn(ins, outs, state):
        async for item in ins.x:
            got.append(item)
            await asyncio.sleep(0.0001)
            ahead.append(len(made) - len(got))

    workflow = Workflow(threshold=5)
    source = rx.range(0, 300).pipe(ops.do_action(note))
    flow(source, capacity=7) | workflow.add_stream(Stream(["x"], fn=fn))
    really(workflow)
    assert got == list(range(300))
    # The buffer, the entry, a batch on its way from there, and the one that waits.
    assert 5 < max(ahead) <= 5 + 7 + 7 + 2
    assert threading.get_ident() not in thread


@realtime
@pytest.mark.parametrize("wanted", [1, 150])
def test_r8_an_infinite_cold_observable_is_ended_by_take(wanted):
    """R8, R6: its thread ends and its subscription is disposed of."""
    disposed: list[str] = []
    source = rx.repeat_value(1).pipe(ops.finally_action(lambda: disposed.append("done")))
    got: list[Any] = []
    workflow = Workflow()
    flow(source) | ops.take(wanted) | workflow.add_stream(sink(got))
    really(workflow)
    assert got == [1] * wanted


@realtime
def test_r8_a_thread_that_waits_at_the_entry_is_let_go():
    """R8: its wait ends when nobody reads any more."""
    got: list[Any] = []
    workflow = Workflow(threshold=1)
    flow(rx.repeat_value(1), capacity=2) | workflow.add_stream(taking(3, got))
    began = time.monotonic()
    really(workflow)
    assert got == [1, 1, 1]
    assert time.monotonic() - began < 4


@realtime
def test_r8_an_observable_with_threads_of_its_own_is_disposed_of():
    """R8: this happens at an early end."""
    disposed = threading.Event()
    source = rx.interval(0.001).pipe(ops.finally_action(disposed.set))
    got: list[Any] = []
    workflow = Workflow()
    flow(source) | workflow.add_stream(taking(3, got))
    really(workflow)
    assert got == [0, 1, 2]
    assert disposed.wait(5)


@realtime
def test_r8_an_observable_that_delivers_on_the_loops_own_thread_is_an_error():
    """R8: it cannot be made to wait; the error names the other settings."""
    subject: Subject[int] = Subject()

    async def fn(ins, outs, state):
        while not subject.observers:  # noqa: ASYNC110 # another thread subscribes
            await asyncio.sleep(0.001)
        subject.on_next(1)
        await asyncio.sleep(10)

    workflow = Workflow()
    subject | workflow.add_stream(sink())
    workflow.add_stream(Stream(fn=fn))
    with pytest.raises(
        RuntimeError, match=r"'Subject' delivers on the thread of the event.*unboun"
    ):
        really(workflow)


def test_r8_unbounded_keeps_what_comes_on_the_loops_own_thread():
    """R8: it keeps all items, in order, by the clock of the loop."""
    got: list[Any] = []
    workflow = Workflow(threshold=3)

    async def main() -> None:
        subject: Subject[int] = Subject()
        flow(subject, overflow="unbounded") | workflow.add_stream(slow_sink(got))
        task = asyncio.create_task(workflow.run())
        await asyncio.sleep(1)
        for number in range(50):
            subject.on_next(number)
        subject.on_completed()
        statistics = await task
        assert statistics.steps["slow"].inputs["x"].peak == 3

    run(main())
    assert got == list(range(50))


def test_r8_unbounded_runs_timers_on_the_loop_and_leaves_none():
    """R8, R4: delayed work of the Observable goes to the timers of the loop."""
    got: list[Any] = []
    workflow = Workflow()
    flow(rx.interval(60.0), overflow="unbounded") | ops.take(3) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [0, 1, 2]


@realtime
def test_r8_unbounded_takes_what_other_threads_deliver():
    """R7, R8: they come safely and in order."""
    source = rx.range(0, 500, scheduler=NewThreadScheduler())
    got: list[Any] = []
    workflow = Workflow(threshold=3)
    flow(source, overflow="unbounded") | workflow.add_stream(sink(got))
    really(workflow)
    assert got == list(range(500))


@realtime
@pytest.mark.parametrize("overflow", ["block", "unbounded"])
@pytest.mark.parametrize("where", ["signal", "subscribe", "timer"])
def test_r8_an_error_of_an_observable_fails_the_run(overflow, where):
    """R8, E1: it may be signalled, raised during the subscription, or raised by delayed work."""

    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        if where == "subscribe":
            raise KeyError("broken")
        observer.on_next(1)
        if where == "signal":
            observer.on_error(KeyError("broken"))
            return Disposable()
        return rx.timer(0.01).subscribe(
            lambda _: observer.on_error(KeyError("broken")), scheduler=scheduler
        )

    workflow = Workflow()
    flow(Observable(subscribe), overflow=overflow) | workflow.add_stream(sink())
    with pytest.raises(KeyError, match="broken") as caught:
        really(workflow)
    assert caught.value.__notes__ == ["mimo_rx: raised in step 'Observable'"]


@realtime
def test_r8_an_observable_that_ends_after_its_error_is_quiet():
    """R11: nothing comes after an error or the end."""

    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        observer.on_next(1)
        observer.on_completed()
        observer.on_next(2)
        observer.on_error(KeyError("late"))
        return Disposable()

    for overflow in ("block", "unbounded"):
        got: list[Any] = []
        workflow = Workflow()
        flow(Observable(subscribe), overflow=overflow) | workflow.add_stream(sink(got))
        really(workflow)
        assert got == [1]


@realtime
def test_r8_an_observable_of_this_loop_that_is_not_made_to_wait_ends_well():
    """R8: `unbounded` with a scheduler of RxPY's own."""
    got: list[Any] = []

    async def main() -> None:
        workflow = Workflow()
        loop = asyncio.get_running_loop()
        source = rx.interval(0.001, scheduler=AsyncIOScheduler(loop)).pipe(ops.take(3))
        flow(source, overflow="unbounded") | workflow.add_stream(sink(got))
        await workflow.run()

    asyncio.run(main())
    assert got == [0, 1, 2]


# threaded=True


@realtime
def test_r3_a_blocking_iterable_is_read_on_a_thread():
    """R3: `threaded=True`; the loop goes on meanwhile, and the entry is bounded."""
    gate = threading.Event()
    read: list[int] = []
    threads: set[int] = set()

    def blocking() -> Iterator[int]:
        assert gate.wait(5)
        threads.add(threading.get_ident())
        for number in range(1000):
            read.append(number)
            yield number

    async def opens(ins, outs, state):
        gate.set()

    got: list[Any] = []
    workflow = Workflow(threshold=2)
    flow(blocking(), threaded=True, capacity=5) | workflow.add_stream(taking(50, got))
    workflow.add_stream(Stream(fn=opens))
    really(workflow)
    assert got == list(range(50))
    assert len(read) <= 50 + 2 + 5 + 5 + 1
    assert threading.get_ident() not in threads


@realtime
def test_e6_a_thread_that_does_not_end_is_left_behind_and_named(caplog):
    """E6, R8: `shutdown_timeout` bounds the wait for it."""
    gate = threading.Event()

    def blocking() -> Iterator[int]:
        yield 1
        gate.wait(30)

    workflow = Workflow()
    flow(blocking(), threaded=True) | workflow.add_stream(taking(1, []))
    began = time.monotonic()
    asyncio.run(workflow.run(shutdown_timeout=0.05))
    assert time.monotonic() - began < 10
    gate.set()
    assert "did not end within 0.05 s" in caplog.text
