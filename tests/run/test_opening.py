"""When an open run is handed over, and what it says of its failure: rule W6a."""

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops
from reactivex.subject import BehaviorSubject, Subject

import mimo_rx._run.opening
from helpers import run
from loops import LOOPS, run_on
from mimo_rx import StreamCancelled, Workflow, flow
from mimo_rx.streams import ForEach
from runs import add, breaking, cleaner, clock, collector, drain, endings, forever, raiser, settled
from trials import ShuffledLoop

COUNT = 200
NUMBERS = list(range(COUNT))
NON_BLOCKING = ["unbounded", "drop_oldest", "drop_newest", "error"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a run wait hardly at all for a ``subscribe`` that does not return."""
    monkeypatch.setattr(mimo_rx._run.opening, "PATIENCE", 0.02)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a run wait longer for a ``subscribe`` that does not return than a test may take."""
    monkeypatch.setattr(mimo_rx._run.opening, "PATIENCE", 1000.0)


def fire(*subjects: Any) -> None:
    """Fire all numbers into `subjects`, and complete them."""
    for number in NUMBERS:
        for subject in subjects:
            subject.on_next(number)
    for subject in subjects:
        subject.on_completed()


def firing(*subjects: Any) -> threading.Thread:
    """Start a thread that fires into `subjects` at once."""
    thread = threading.Thread(target=fire, args=subjects)
    thread.start()
    return thread


def waits(go: threading.Event) -> Any:
    """Wait inside ``subscribe`` until `go` is set."""
    go.wait(20)


def is_odd(number: int) -> bool:
    return number % 2 == 1


def minus(number: int) -> int:
    return -number


def capacity(overflow: str) -> dict[str, Any]:
    return {} if overflow == "unbounded" else {"capacity": COUNT}


@pytest.mark.parametrize("make", LOOPS)
@pytest.mark.parametrize("overflow", NON_BLOCKING)
def test_w6a_what_a_hot_source_fires_in_the_first_line_of_the_block_is_in_the_run(make, overflow):
    """W6a, R8: on the thread of the loop, before the block has waited for anything."""
    subject = Subject[int]()
    got: list[int] = []
    sink = flow(subject, overflow=overflow, **capacity(overflow)) | ForEach(got.append)

    async def main():
        async with sink.workflow.open() as opened:
            fire(subject)
        return [edge.drops for edge in opened.statistics().edges]

    assert run_on(make, main()) == [0]
    assert got == NUMBERS


@pytest.mark.realtime
@pytest.mark.parametrize("make", LOOPS)
def test_w6a_a_thread_may_fire_at_once_into_a_source_that_blocks(make, patient):
    """W6a, R8: the default overflow, whose source is subscribed to on a thread."""
    subject = Subject[int]()
    got: list[int] = []
    sink = flow(subject) | ForEach(got.append)

    async def main():
        async with sink.workflow.open():
            thread = firing(subject)
        thread.join()

    run_on(make, main())
    assert got == NUMBERS


SHAPES: dict[str, Callable[[Any], Any]] = {
    "map": lambda subject: subject.pipe(ops.map(lambda number: number)),
    "start_with": lambda subject: subject.pipe(ops.start_with(-1)),
    "concat": lambda subject: rx.concat(rx.of(-1), subject),
    "merge": lambda subject: rx.merge(rx.of(-1), subject),
    "defer": lambda subject: rx.defer(lambda _: subject),
    "share": lambda subject: subject.pipe(ops.share()),
    "flat_map": lambda subject: subject.pipe(ops.flat_map(rx.of)),
}


@pytest.mark.realtime
@pytest.mark.parametrize("overflow", ["block", "unbounded"])
@pytest.mark.parametrize("shape", SHAPES)
def test_w6a_a_composed_source_is_subscribed_to_the_last_of_its_parts(shape, overflow, patient):
    """W6a: also where RxPY subscribes to a part only after it has delivered another."""
    subject = Subject[int]()
    got: list[int] = []
    sink = flow(SHAPES[shape](subject), overflow=overflow) | ForEach(got.append)

    async def main():
        async with sink.workflow.open():
            thread = firing(subject)
            if overflow == "unbounded":
                thread.join()
        thread.join()

    run_on(asyncio.new_event_loop, main())
    assert [number for number in got if number >= 0] == NUMBERS


@pytest.mark.realtime
def test_w6a_all_of_several_sources_are_subscribed(patient):
    """W6a: with operators behind them, and in nested workflows."""
    here, there, inside = Subject[int](), Subject[int](), Subject[int]()
    got: dict[str, list[int]] = {"here": [], "there": [], "inside": []}
    inner = Workflow(outs=["x"], name="inner")
    flow(inside) | ops.map(lambda number: number) | inner.outs["x"]
    workflow = Workflow()
    workflow.add_stream(inner) | workflow.add_stream(ForEach(got["inside"].append))
    sink = workflow.add_stream(ForEach(got["here"].append))
    flow(here, overflow="unbounded") | ops.filter(is_odd) | sink
    (flow(there) | ops.map(minus) | workflow.add_stream(ForEach(got["there"].append)))

    async def main():
        async with workflow.open():
            thread = firing(there, inside)
            fire(here)
        thread.join()

    run_on(asyncio.new_event_loop, main())
    assert got == {
        "here": NUMBERS[1::2],
        "there": [-number for number in NUMBERS],
        "inside": NUMBERS,
    }


def test_w6a_a_source_inside_a_combinator_is_subscribed():
    """W6a, R12: an Observable from outside, beside a port of the run."""
    subject = Subject[int]()
    got: list[int] = []
    workflow = Workflow()

    async def one(ins, outs, state):
        await outs.x.push(-1)

    step = add(workflow, one, outs="x")
    flow(rx.merge(step["x"], subject)) | workflow.add_stream(ForEach(got.append))

    async def main():
        async with workflow.open():
            fire(subject)

    run(main())
    assert sorted(got) == [-1, *NUMBERS]


def test_w6a_the_run_of_a_flow_is_handed_over_when_its_source_is_subscribed():
    """W6a, L9: `flow.open()`."""
    subject = Subject[int]()

    async def main():
        got: list[int] = []
        async with flow(subject, overflow="unbounded").open() as items:
            fire(subject)
            async for item in items:
                got.append(item)  # noqa: PERF401
        return got

    assert run(main()) == NUMBERS


@pytest.mark.parametrize("make", [*LOOPS, *map(partial, [ShuffledLoop] * 5, range(5))])
def test_w6a_every_stream_has_begun(make):
    """W6a: it is in its first wait, so what it listens to is in place; in any order of tasks."""
    begun: list[int] = []
    workflow = Workflow()

    def begins(number: int) -> Any:
        async def fn(ins, outs, state):
            begun.append(number)
            await forever(ins, outs, state)

        return fn

    for number in range(20):
        add(workflow, begins(number))

    async def main():
        async with workflow.open() as opened:
            assert sorted(begun) == list(range(20))
            opened.cancel()

    run_on(make, main())


def test_w6a_a_stream_that_has_ended_has_begun():
    """W6a: it is not waited for."""
    got: list[Any] = []
    workflow = Workflow(["a"])

    async def nothing(ins, outs, state):
        return

    add(workflow, nothing)
    workflow.ins["a"] | add(workflow, collector(got), "x")

    async def main():
        async with workflow.open() as opened:
            await opened.ins.a.push(1)
        return await clock(), endings(opened.statistics())

    assert run(main()) == (0.0, {"nothing": "returned", "sink": "returned"})
    assert got == [1]


def test_w6a_a_workflow_without_streams_is_handed_over_at_once():
    """W6a."""

    async def main():
        async with Workflow().open() as opened:
            assert opened.failure is None
        return await clock()

    assert run(main()) == 0.0


@pytest.mark.parametrize("seed", [None, *range(5)])
@pytest.mark.parametrize("place", range(3))
def test_w6a_a_stream_that_fails_at_once_cancels_the_block(place, seed):
    """W6, W6a, E1: at its first wait, as a later failure does; `run.failure` is there before."""
    log: list[Any] = []
    workflow = Workflow(["a"], name="w")
    mine = ValueError("run")
    for number in range(3):
        add(workflow, raiser(mine) if number == place else cleaner(log))

    async def main():
        with pytest.raises(ValueError, match="run") as caught:
            async with workflow.open() as opened:
                assert opened.failure is mine
                with pytest.raises(StreamCancelled) as told:
                    await opened.ins.a.push(1)
                assert told.value.__cause__ is mine
                await asyncio.sleep(100)
        assert caught.value.__notes__ == ["mimo_rx: raised in step 'broken'"]
        return await settled()

    left, _ = run(main(), None if seed is None else ShuffledLoop(seed))
    assert left == 0
    # One that had not begun has nothing to clean up.
    assert log.count("clean begins") == log.count("clean is done")
    if seed is None:
        assert log.count("clean is done") == place


def test_w6a_a_source_that_cannot_be_subscribed_to_cancels_the_block():
    """W6a, E3."""

    def refuse(observer, scheduler):
        raise LookupError("no such topic")

    sink = flow(rx.create(refuse), overflow="unbounded") | ForEach(print)

    async def main():
        with pytest.raises(LookupError, match="no such topic"):
            async with sink.workflow.open() as opened:
                assert isinstance(opened.failure, LookupError)
                await asyncio.sleep(100)
        return await settled()

    assert run(main()) == (0, 0.0)


def test_w6a_a_failure_at_once_comes_out_of_a_block_that_never_waits():
    """W6, W6a."""

    async def main():
        with pytest.raises(ValueError, match="run"):
            async with breaking(0).open():
                pass
        return await settled()

    assert run(main()) == (0, 0.0)


@pytest.mark.realtime
@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_w6a_a_cancel_while_a_source_is_being_subscribed_to_ends_the_run(how, patient):
    """W6a, E4: the streams that have begun clean up, and the thread is waited for."""
    go = threading.Event()
    log: list[Any] = []

    workflow = Workflow()
    add(workflow, cleaner(log, 0.0))
    flow(rx.create(lambda *_: waits(go))) | workflow.add_stream(ForEach(print))

    async def opening():
        async with workflow.open():
            pytest.fail("the block began")

    async def main():
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(opening())
        loop.call_later(0.05, go.set)
        if how == "cancel":
            loop.call_later(0.01, task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await task
        assert go.is_set()

    run_on(asyncio.new_event_loop, main())
    assert log == ["clean begins", "clean is done"]


@pytest.mark.realtime
def test_w6a_a_failure_while_a_source_is_being_subscribed_to_ends_the_opening(patient):
    """W6a, E1."""
    go = threading.Event()
    workflow = Workflow()
    add(workflow, raiser(ValueError("run"), 0.01))
    flow(rx.create(lambda *_: waits(go))) | workflow.add_stream(ForEach(print))

    async def main():
        asyncio.get_running_loop().call_later(0.05, go.set)
        with pytest.raises(ValueError, match="run"):
            async with workflow.open():
                await asyncio.sleep(100)

    run_on(asyncio.new_event_loop, main())


@pytest.mark.realtime
def test_w6a_a_source_that_delivers_inside_subscribe_does_not_hold_the_opening_up(impatient):
    """W6a: a loop over a queue that the block itself feeds; it has half a second to return."""
    items: queue.Queue[int | None] = queue.Queue()
    got: list[int] = []

    def deliver(observer, scheduler):
        while (item := items.get()) is not None:
            observer.on_next(item)
        observer.on_completed()

    sink = flow(rx.create(deliver)) | ForEach(got.append)

    async def main():
        async with sink.workflow.open():
            for item in (1, 2, None):
                items.put(item)

    run_on(asyncio.new_event_loop, main())
    assert got == [1, 2]


@pytest.mark.realtime
def test_w6a_a_cold_source_that_waits_for_room_counts_as_subscribed(patient):
    """W6a, R8: nobody reads on before the block does."""
    workflow = Workflow(outs=["b"], threshold=2)
    flow(rx.from_iterable(range(1000)), capacity=3) | workflow.outs["b"]

    async def main():
        got: list[int] = []
        async with workflow.open() as opened:
            await drain(opened.outs.b, got)
        return got

    assert run_on(asyncio.new_event_loop, main()) == list(range(1000))


@pytest.mark.realtime
def test_w6a_a_threaded_iterable_that_blocks_does_not_hold_the_opening_up(patient):
    """W6a: its thread has begun."""
    go = threading.Event()
    got: list[int] = []

    def blocking():
        assert go.wait(20)
        yield 1

    sink = flow(blocking(), threaded=True) | ForEach(got.append)

    async def main():
        async with sink.workflow.open():
            go.set()

    run_on(asyncio.new_event_loop, main())
    assert got == [1]


def test_w6a_a_source_that_has_an_item_at_once_delivers_it_once():
    """W6a."""
    subject = BehaviorSubject(-1)
    got: list[int] = []
    sink = flow(subject, overflow="unbounded") | ForEach(got.append)

    async def main():
        async with sink.workflow.open():
            fire(subject)

    run(main())
    assert got == [-1, *NUMBERS]


def test_w6a_two_runs_of_one_hot_source_open_at_once():
    """W6a, W7: each run is subscribed when its block begins."""
    subject = Subject[int]()
    got: list[int] = []
    sink = flow(subject, overflow="unbounded") | ForEach(got.append)

    async def main():
        async with sink.workflow.open(), sink.workflow.open():
            fire(subject)

    run(main())
    assert sorted(got) == sorted(NUMBERS * 2)


# What an open run says of its failure


def test_w6a_the_failure_of_a_run_is_the_exception_that_failed_it():
    """W6a: None before, and that very exception from then on."""
    mine = ValueError("run")

    async def main():
        with pytest.raises(ValueError, match="run"):
            async with breaking(1, mine).open() as opened:
                assert opened.failure is None
                try:
                    await asyncio.sleep(100)
                finally:
                    assert opened.failure is mine
        assert opened.failure is mine

    run(main())


def test_w6a_a_run_that_was_cancelled_or_that_ended_has_no_failure():
    """W6a."""

    async def main():
        async with breaking(50).open() as opened:
            opened.cancel()
            with pytest.raises(StreamCancelled) as caught:
                await opened.ins.a.push(1)
        assert caught.value.__cause__ is None
        async with Workflow().open() as ended:
            pass
        return opened.failure, ended.failure

    assert run(main()) == (None, None)


@pytest.mark.parametrize("call", ["push", "push_many", "pop", "peek", "async for", "chunks"])
@pytest.mark.parametrize("when", ["after", "waiting"])
def test_w6a_a_push_or_pop_after_a_failure_is_raised_from_it(call, when):
    """W6a: also one that waits at the time of the failure."""
    mine = ValueError("unlucky")

    async def use(opened: Any) -> None:
        match call:
            case "push":
                while True:
                    await opened.ins.a.push(2)
            case "push_many":
                await opened.ins.a.push_many(range(100))
            case "pop":
                await opened.outs.b.pop()
            case "peek":
                await opened.outs.b.peek()
            case "async for":
                await drain(opened.outs.b, [])
            case _:
                async for _ in opened.outs.b.chunks():
                    pass

    async def main():
        with pytest.raises(ValueError, match="unlucky"):
            async with breaking(1, mine).open() as opened:
                if when == "waiting":
                    task = asyncio.create_task(use(opened))
                    await asyncio.wait([task])
                else:
                    await asyncio.sleep(100)
        if when == "after":
            task = asyncio.create_task(use(opened))
        with pytest.raises(StreamCancelled, match="run of workflow 'w' has failed") as caught:
            await task
        assert caught.value.__cause__ is mine
        return await settled()

    left, _ = run(main())
    assert left == 0
