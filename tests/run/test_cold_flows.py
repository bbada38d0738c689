"""Rules R10 and R11: flows that are subscribed to outside a run."""

import asyncio
from typing import Any

import pytest
import reactivex as rx
from reactivex.scheduler import CurrentThreadScheduler
from reactivex.testing import TestScheduler

from flows import counting, endless, numbers, ops, sink
from helpers import run
from mimo_rx import Stream, Workflow, flow


class Seen:
    """An observer that logs the signals that it gets."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def on_next(self, item: Any) -> None:
        self.log.append(item)

    def on_error(self, error: Exception) -> None:
        self.log.append(error)

    def on_completed(self) -> None:
        self.log.append("completed")


# Without a loop


def test_r10_without_a_loop_subscribe_runs_to_the_end_before_it_returns():
    """R10: as `from_iterable` does."""
    x, log = counting()
    seen: Any = Seen()
    x.subscribe(seen)
    assert seen.log == [0, 1, 2, "completed"]
    assert log == ["begun", "ended"]


def test_r10_each_subscription_is_a_run_of_its_own():
    """R10: cold, once per subscription."""
    x, log = counting()
    x.subscribe()
    x.subscribe()
    assert log == ["begun", "ended"] * 2


def test_r10_operators_after_a_flow_run_with_each_subscription():
    """R10, L4: each subscriber outside a run has its own run."""
    x, log = counting()
    assert x.pipe(ops.repeat(2), ops.to_list()).run() == [0, 1, 2, 0, 1, 2]
    assert log == ["begun", "ended"] * 2


@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside a trampoline"])
def test_r10_concat_of_flows_runs_one_after_the_other(inside):
    """R10: also if the caller is inside a trampoline of RxPY."""
    (x, first), (y, second) = counting(2), counting(3)
    seen: Any = Seen()

    def subscribe(*_: Any) -> None:
        rx.concat(x, y | ops.map(str)).subscribe(seen)

    if inside:
        CurrentThreadScheduler.singleton().schedule(subscribe)
    else:
        subscribe()
    assert seen.log == [0, 1, "0", "1", "2", "completed"]
    assert first == second == ["begun", "ended"]


def test_r10_combinators_of_rxpy_end_endless_flows():
    """R10: through `take` above `merge`, which disposes inside on_next."""
    seen: Any = Seen()
    x = Workflow().add_stream(endless())["x"]
    rx.merge(x).pipe(ops.take(3)).subscribe(seen)
    assert seen.log == [0, 1, 2, "completed"]
    one, other = counting(1000)[0], counting(1000)[0]
    rx.merge(one, other).pipe(ops.take(3)).subscribe(seen)
    assert seen.log[4:] == [0, 1, 2, "completed"]


def test_r10_a_flow_inside_flat_map_of_a_flow_outside_a_run():
    """R10: it runs on the same loop, and is cleaned up before `subscribe` returns."""
    x, outer = counting(3)
    y, inner = counting(1000)
    seen: Any = Seen()
    rx.merge(x).pipe(ops.flat_map(lambda _: rx.merge(y)), ops.take(5)).subscribe(seen)
    assert len(seen.log) == 6
    assert seen.log[-1] == "completed"
    assert outer == ["begun", "ended"]
    assert inner.count("begun") == inner.count("ended") > 0


@pytest.mark.realtime
def test_r10_what_another_thread_disposes_of_is_cancelled():
    """R10: although the loop is asleep."""
    log: list[str] = []

    async def fn(ins, outs, state):
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0.01)
            log.append("cleaned up")

    silent = Workflow().add_stream(Stream(outs=["x"], fn=fn))["x"]
    seen: Any = Seen()
    rx.merge(silent).pipe(ops.take_until(rx.timer(0.05))).subscribe(seen)
    assert seen.log == ["completed"]
    assert log == ["cleaned up"]


def test_r10_flows_that_a_flow_brought_about_are_cleaned_up_before_subscribe_returns():
    """R10, C5: although the first flow has ended long before."""
    log: list[str] = []

    async def fn(ins, outs, state):
        log.append("begun")
        try:
            for number in range(1000):
                await asyncio.sleep(0.001)
                await outs.x.push(number)
        finally:
            await asyncio.sleep(0.01)
            log.append("cleaned up")

    inner = Workflow().add_stream(Stream(outs=["x"], fn=fn))["x"]
    first = counting(2)[0]
    rx.merge(first).pipe(ops.flat_map(lambda _: rx.merge(inner)), ops.take(5)).subscribe()
    assert sorted(log) == ["begun"] * 2 + ["cleaned up"] * 2


def test_r10_ports_under_one_flow_share_one_run_and_ports_apart_are_runs_apart():
    """R10: `flow(rx.merge(a["x"], b["y"]))`."""
    runs: list[str] = []

    async def fn(ins, outs, state):
        runs.append("run")
        await outs.x.push("x")
        await outs.y.push("y")

    step = Workflow().add_stream(Stream(outs=["x", "y"], fn=fn))
    together = rx.merge(step["x"], step["y"])
    assert sorted(flow(together).pipe(ops.to_list()).run()) == ["x", "y"]
    assert runs == ["run"]
    assert sorted(together.pipe(ops.to_list()).run()) == ["x", "y"]
    assert runs == ["run"] * 3


def test_r10_streams_may_use_the_current_thread_scheduler_inside_a_blocking_run():
    """R10: what they schedule there runs at once."""

    async def fn(ins, outs, state):
        got: list[int] = []
        rx.of(1, 2).pipe(ops.flat_map(lambda item: rx.of(item, item))).subscribe(got.append)
        await outs.x.push(got)

    x = Workflow().add_stream(Stream(outs=["x"], fn=fn))["x"]
    seen: Any = Seen()
    rx.concat(rx.of("first"), x).subscribe(seen)
    assert seen.log == ["first", [1, 1, 2, 2], "completed"]


# In a running loop


def test_r10_in_a_running_loop_subscribe_runs_as_a_task():
    """R10: it returns at once."""
    x, log = counting()
    seen: Any = Seen()

    async def main() -> None:
        x.subscribe(seen)
        assert seen.log == log == []
        await asyncio.sleep(1)

    run(main())
    assert seen.log == [0, 1, 2, "completed"]
    assert log == ["begun", "ended"]


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_r10_disposing_returns_at_once_and_cancels_the_run(steps):
    """R10: before it began, soon after, and in the middle; its clean-up goes on in its task."""
    log: list[str] = []

    async def fn(ins, outs, state):
        log.append("begun")
        try:
            await outs.x.push("item")
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(1)
            log.append("cleaned up")

    seen: Any = Seen()

    async def main() -> None:
        step = Workflow().add_stream(Stream(outs=["x"], fn=fn))
        subscription = step["x"].subscribe(seen)
        for _ in range(steps):
            await asyncio.sleep(0)
        subscription.dispose()
        subscription.dispose()
        assert "cleaned up" not in log
        await asyncio.sleep(2)

    run(main())
    assert log == (["begun", "cleaned up"] if steps else [])
    assert seen.log in ([], ["item"])


def test_r11_nothing_comes_after_dispose_inside_on_next():
    """R10, R11."""
    x, log = counting(50)
    got: list[Any] = []

    async def main() -> None:
        def on_next(item: Any) -> None:
            got.append(item)
            subscription.dispose()

        subscription = x.subscribe(on_next, got.append, lambda: got.append("completed"))
        await asyncio.sleep(1)

    run(main())
    assert got == [0]
    assert log == ["begun", "ended"]


def test_r10_flow_run_is_refused_in_a_running_loop():
    """R10, W5: as `start()` is."""
    x, log = counting()

    async def main() -> None:
        with pytest.raises(RuntimeError, match=r"run\(\) of a flow blocks.*await flow"):
            x.run()

    run(main())
    assert log == []


@pytest.mark.realtime
@pytest.mark.parametrize("operator", [ops.sum(), ops.repeat(2)], ids=["a flow", "an Observable"])
def test_r10_rxpy_run_above_a_flow_is_refused_in_a_running_loop(operator):
    """R10: it would block the loop that the flow needs."""
    x, log = counting()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="an event loop is running in"):
            x.pipe(operator).run()
        with pytest.raises(RuntimeError, match="an event loop is running in"):
            rx.merge(x).pipe(operator).run()

    asyncio.run(main())
    assert log == []


def test_r10_a_flow_of_another_workflow_inside_an_operator_is_a_run_of_its_own():
    """R10: the flow of a workflow is cold in the run of another one."""
    y, inner = counting(2)
    globals()["_other"] = lambda: y
    workflow = Workflow()
    got: list[Any] = []
    chain = workflow.add_stream(numbers(3)) | ops.flat_map(lambda _: globals()["_other"]())
    chain | workflow.add_stream(sink(got))
    run(workflow.run())
    assert sorted(got) == [0, 0, 0, 1, 1, 1]
    assert inner.count("begun") == inner.count("ended") == 3


# Errors


def test_r11_an_error_reaches_on_error_as_itself():
    """R11, E1."""
    x = counting()[0] | ops.map(lambda item: 1 // (item - 2))
    seen: Any = Seen()
    x.subscribe(seen)
    assert seen.log[:-1] in ([], [-1], [-1, -1])
    assert isinstance(seen.log[-1], ZeroDivisionError)


@pytest.mark.parametrize("loop", [False, True])
def test_r11_without_on_error_no_exception_is_swallowed(loop):
    """R11: it comes out of subscribe, or is reported to the loop."""
    x = counting()[0] | ops.map(lambda item: 1 // (item - 2))
    if not loop:
        with pytest.raises(ZeroDivisionError):
            x.subscribe()
        return

    async def main() -> None:
        x.subscribe()
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match=r"nobody handles it.*ZeroDivisionError"):
        run(main())


def test_r11_what_on_next_raises_comes_out_and_is_no_error_of_the_flow():
    """R11: as in RxPY; the run is cancelled."""
    x, log = counting(500)
    errors: list[Exception] = []
    with pytest.raises(KeyError):
        x.subscribe({}.__getitem__, errors.append)
    assert errors == []
    assert log == ["begun", "ended"]


def test_r11_what_on_completed_raises_comes_out():
    """R11."""
    x, _ = counting()
    errors: list[Exception] = []
    with pytest.raises(ZeroDivisionError):
        x.subscribe(None, errors.append, lambda: print(1 // 0))
    assert errors == []


def test_r11_an_observer_is_taken_as_it_is():
    """R11: any object with the three methods, and RxPY's own."""
    x, _ = counting()
    observer = TestScheduler().create_observer()
    x.subscribe(observer)
    assert [str(each.value) for each in observer.messages][-1] == "OnCompleted()"
