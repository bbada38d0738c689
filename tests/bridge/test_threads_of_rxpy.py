"""Rule R7 under stress: RxPY's own schedulers, futures and timers on threads, all at once."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import reactivex as rx
from reactivex.scheduler import (
    EventLoopScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
    TimeoutScheduler,
)

from flows import numbers, ops, sink, slow_sink
from mimo_rx import Stream, Workflow, flow
from threads import impatient, really

__all__ = ["impatient"]

pytestmark = [pytest.mark.realtime, pytest.mark.usefixtures("impatient")]

COUNT = 60


@pytest.fixture
def schedulers() -> Iterator[dict[str, Any]]:
    """The schedulers of RxPY that have threads; theirs are ended after the test."""
    # The thread of an event loop ends when there is nothing to do. It cannot be disposed of here:
    # `observe_on` has it look once more after the last item, which would fail then.
    pool, loop = ThreadPoolScheduler(4), EventLoopScheduler(exit_if_empty=True)
    timeout, new = TimeoutScheduler.singleton(), NewThreadScheduler()
    threads = threading.active_count()
    yield {"pool": pool, "event loop": loop, "new thread": new, "timeout": timeout}
    pool.executor.shutdown()
    # `observe_on` goes through all that it holds, on a new thread for each item, also when it has
    # been disposed of. The tests that come next count threads.
    until = time.monotonic() + 20
    while threading.active_count() > threads and time.monotonic() < until:
        time.sleep(0.01)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


ORDERED: dict[str, Callable[[Any], Any]] = {
    "observe_on": lambda at: ops.observe_on(at),
    "subscribe_on": lambda at: ops.subscribe_on(at),
    "both": lambda at: rx.compose(ops.subscribe_on(at), ops.observe_on(at)),
    "twice": lambda at: rx.compose(ops.observe_on(at), ops.map(int), ops.observe_on(at)),
    "delay": lambda at: ops.delay(0.001, scheduler=at),
    "delay_subscription": lambda at: ops.delay_subscription(0.01, scheduler=at),
    "timeout": lambda at: ops.timeout(30.0, scheduler=at),
    "concat_map": lambda at: ops.concat_map(lambda item: rx.return_value(item, at)),
}


@pytest.mark.parametrize("at", ["pool", "event loop", "new thread", "timeout"])
@pytest.mark.parametrize("name", ORDERED)
def test_r7_operators_that_hop_threads_deliver_in_order_and_without_loss(name, at, schedulers):
    """R7: on every scheduler of RxPY that has threads, several chains at once."""
    if name == "timeout" and at != "timeout":
        pytest.skip("the threads of this scheduler sleep until the time is over")
    workflow = Workflow(threshold=5)
    got: list[list[Any]] = [[] for _ in range(3)]
    for index, each in enumerate(got):
        operator = ORDERED[name](schedulers[at])
        (
            workflow.add_stream(numbers(COUNT, f"n{index}"))
            | operator
            | workflow.add_stream(sink(each))
        )
    really(workflow)
    assert got == [list(range(COUNT))] * 3


COMBINED: dict[str, tuple[Callable[[Any, Any], Any], int]] = {
    "merge": (rx.merge, 2 * COUNT),
    "zip": (rx.zip, COUNT),
    "concat": (rx.concat, 2 * COUNT),
}


@pytest.mark.parametrize("name", COMBINED)
@pytest.mark.parametrize("at", ["pool", "event loop", "new thread"])
def test_r7_combinators_of_flows_on_several_threads_lose_nothing(name, at, schedulers):
    """R7: the items of each flow stay in order."""
    combine, count = COMBINED[name]
    workflow = Workflow(threshold=5)
    a, b = workflow.add_stream(numbers(COUNT, "a")), workflow.add_stream(numbers(COUNT, "b"))
    hop = ops.observe_on(schedulers[at])
    left = a | hop | ops.map(lambda item: ("a", item))
    right = b | ops.map(lambda item: ("b", item))
    got: list[Any] = []
    flow(combine(left, right)) | workflow.add_stream(sink(got))
    really(workflow)
    assert len(got) == count
    flat = [pair for item in got for pair in ([item] if isinstance(item[0], str) else item)]
    for who in "ab":
        assert [item for name, item in flat if name == who] == list(range(COUNT))


def test_r7_combine_latest_and_windows_over_threads_keep_what_they_must(schedulers):
    """R7: the last item of each source, and every item in some window."""
    workflow = Workflow(threshold=5)
    a, b = workflow.add_stream(numbers(COUNT, "a")), workflow.add_stream(numbers(COUNT, "b"))
    c = workflow.add_stream(numbers(COUNT, "c"))
    latest, windows = [], []  # type: ignore[var-annotated] # of whatever comes
    hop = ops.observe_on(schedulers["pool"])
    flow(rx.combine_latest(a | hop, b["x"])) | workflow.add_stream(sink(latest))
    timed = ops.window_with_time(0.001, scheduler=schedulers["timeout"])
    lists = ops.flat_map(lambda window: window.pipe(ops.to_list()))
    (
        c
        | ops.observe_on(schedulers["event loop"])
        | timed
        | lists
        | workflow.add_stream(sink(windows))
    )
    really(workflow)
    assert latest[-1] == (COUNT - 1, COUNT - 1)
    assert sorted(item for window in windows for item in window) == list(range(COUNT))


def test_r7_outside_observables_with_threads_merge_with_ports_without_loss(schedulers):
    """R7: several in one combinator, whose lock never stops the loop for long."""
    workflow = Workflow(threshold=2)
    port = workflow.add_stream(numbers(COUNT))["x"]
    outside = [
        rx.range(0, COUNT, scheduler=scheduler).pipe(ops.map(lambda item, name=name: (name, item)))
        for name, scheduler in schedulers.items()
    ]
    got: list[Any] = []
    tagged = port | ops.map(lambda item: ("port", item))
    flow(rx.merge(*outside, tagged)) | workflow.add_stream(slow_sink(got, 0.0))
    slowest: list[float] = []

    async def main() -> None:
        task = asyncio.create_task(workflow.run())
        before = time.monotonic()
        while not task.done():
            await asyncio.sleep(0)
            now = time.monotonic()
            slowest.append(now - before)
            before = now
        await task

    asyncio.run(main())
    for who in ("port", *schedulers):
        assert [item for name, item in got if name == who] == list(range(COUNT))
    assert max(slowest) < 1.0


FUTURES: dict[str, Callable[[ThreadPoolExecutor], Any]] = {
    "from_future": lambda pool: lambda item: rx.from_future(pool.submit(int, item)),
    "a future": lambda pool: lambda item: pool.submit(int, item),
    "start": lambda pool: lambda item: rx.start(lambda: int(item), ThreadPoolScheduler(1)),
    "start_async": lambda pool: lambda item: rx.start_async(lambda: later(item)),
    "run_in_executor": lambda pool: (
        lambda item: asyncio.get_running_loop().run_in_executor(pool, int, item)
    ),
    "timer": lambda pool: (
        lambda item: rx.timer(0.001, scheduler=TimeoutScheduler()).pipe(ops.map(lambda _: item))
    ),
}


def later(item: int) -> Any:
    async def answer() -> int:
        await asyncio.sleep(0.001)
        return item

    return asyncio.ensure_future(answer())


def in_turn(mapper: Any) -> Any:
    """Be `concat_map` for a mapper to futures, which RxPY's takes for Observables."""
    return ops.concat_map(lambda item: rx.from_future(mapper(item)))


@pytest.mark.parametrize("flatten", [ops.flat_map, ops.concat_map], ids=["flat_map", "concat_map"])
@pytest.mark.parametrize("name", FUTURES)
def test_r7_what_futures_and_timers_answer_arrives(name, flatten, pool):
    """R7: each answer arrives once; those of `concat_map` arrive in order."""
    if name in ("a future", "run_in_executor") and flatten is ops.concat_map:
        flatten = in_turn
    workflow = Workflow(threshold=3)
    got: list[Any] = []
    chain = workflow.add_stream(numbers(60)) | flatten(FUTURES[name](pool))
    chain | workflow.add_stream(sink(got))
    really(workflow)
    assert sorted(got) == list(range(60))
    if flatten is not ops.flat_map:
        assert got == list(range(60))


# The end


def paced() -> Stream:
    """Make a stream that leaves the other threads a turn after each of many items."""

    async def fn(ins, outs, state):
        for number in range(300):
            await outs.x.push(number)
            await asyncio.sleep(0)

    return Stream(outs=["x"], fn=fn, name="paced")


async def ended(workflow: Workflow, seconds: float | None) -> BaseException | None:
    """Run it, or cancel it after `seconds`; return what it failed with."""
    task = asyncio.create_task(workflow.run())
    if seconds is not None:
        await asyncio.sleep(seconds)
        task.cancel()
    async with asyncio.timeout(20):
        await asyncio.wait([task])
    assert len(asyncio.all_tasks()) == 1
    return None if task.cancelled() else task.exception()


@pytest.mark.parametrize("ending", ["cancel", "take", "failure"])
@pytest.mark.parametrize("name", ["observe_on", "both", "delay", "concat_map"])
def test_c5_a_run_that_ends_while_threads_deliver_leaves_nothing(name, ending, schedulers):
    """C5: no task and no warning, whenever it ends; RxPY's own threads do not count."""
    for reached in (5, 20, 60):
        workflow = Workflow(threshold=5)
        chain: Any = workflow.add_stream(paced()) | ORDERED[name](schedulers["new thread"])
        if ending == "take":
            chain = chain | ops.take(reached)
        elif ending == "failure":
            chain = chain | ops.map(lambda item, reached=reached: 1 // (reached - item))
        chain | workflow.add_stream(sink())
        error = asyncio.run(ended(workflow, reached / 4000 if ending == "cancel" else None))
        assert type(error) is (ZeroDivisionError if ending == "failure" else type(None))
