"""Observables from outside in a run, with each overflow strategy (R8)."""

import asyncio
import threading
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.subject import BehaviorSubject, Subject

from flows import ops, sink
from helpers import run
from mimo_rx import BufferOverflow, Stream, StreamCancelled, WiringError, Workflow, flow
from runs import go


def seconds(each: float, got: list[Any], name: str = "slow", ins: str = "x") -> Stream:
    """Make a stream that works `each` seconds on each item."""

    async def fn(ins, outs, state):
        async for item in ins.x:
            await asyncio.sleep(each)
            got.append(item)

    return Stream([ins], fn=fn, name=name)


def burst(count: int) -> Observable[int]:
    """Deliver `count` items at once, a second after the subscription."""
    return rx.timer(1.0).pipe(ops.flat_map(lambda _: rx.range(count)))


@pytest.mark.parametrize(
    ("overflow", "capacity", "expected", "drops"),
    [
        ("drop_newest", 3, [0, 1, 2], 7),
        ("drop_oldest", 3, [7, 8, 9], 7),
        ("drop_oldest", 1, [9], 9),
        ("unbounded", None, list(range(10)), 0),
        ("error", 10, list(range(10)), 0),
        ("drop_newest", None, list(range(10)), 0),
    ],
)
def test_r8_what_arrives_of_ten_items_that_come_at_once(overflow, capacity, expected, drops):
    """R8: drops are counted on the edge."""
    got: list[Any] = []
    workflow = Workflow(threshold=1)
    flow(burst(10), overflow=overflow, capacity=capacity) | workflow.add_stream(seconds(1, got))
    (edge,) = go(workflow).edges
    assert got == expected
    assert (edge.items, edge.drops) == (len(expected), drops)


def test_r8_error_fails_the_run_and_names_the_source():
    """R8: the error says what to do about it."""
    workflow = Workflow(threshold=1)
    flow(burst(10), overflow="error", capacity=4) | workflow.add_stream(seconds(1, []))
    with pytest.raises(
        BufferOverflow, match="while 4 waited at its entry, which is its capacity"
    ) as caught:
        go(workflow)
    assert caught.value.__notes__ == ["mimo_rx: raised in step 'Observable'"]


@pytest.mark.parametrize("threshold", [1, 2, 5])
@pytest.mark.parametrize("capacity", [1, 2, 5])
def test_r8_no_more_wait_than_the_capacity_and_the_threshold_say(capacity, threshold):
    """R8, P3: an item stays at the entry until there is room, so no other place holds items."""
    subject: Subject[int] = Subject()
    got: list[int] = []

    async def reader(ins, outs, state):
        await asyncio.sleep(2)
        async for items in ins.x.chunks():
            got.extend(items)

    async def main() -> None:
        workflow = Workflow(threshold=threshold)
        source = flow(subject, overflow="drop_newest", capacity=capacity)
        source | workflow.add_stream(Stream(["x"], fn=reader, name="reader"))
        async with workflow.open() as opened:
            await asyncio.sleep(1)
            for number in range(50):
                subject.on_next(number)
                await asyncio.sleep(0.001)
            subject.on_completed()
            assert opened.statistics().steps["reader"].inputs["x"].depth == threshold
        drops = opened.statistics().edges[0].drops
        assert drops == 50 - capacity - threshold

    run(main())
    assert got == list(range(capacity + threshold))


def test_r8_the_latest_item_is_the_one_that_a_slow_reader_gets():
    """R8: with capacity and threshold 1, each item came while the reader had the one before."""
    got: list[Any] = []
    workflow = Workflow(threshold=1)
    ticks = flow(rx.interval(1.0), overflow="drop_oldest", capacity=1)
    ticks | workflow.add_stream(taking(seconds_each=10, count=4, got=got))
    go(workflow)
    # One item waits in the buffer since the reader began to work; the latest is at the entry.
    assert got == [0, 1, 10, 20]


def taking(seconds_each: float, count: int, got: list[Any]) -> Stream:
    async def fn(ins, outs, state):
        for _ in range(count):
            got.append(await ins.x.pop())
            await asyncio.sleep(seconds_each)

    return Stream(["x"], fn=fn, name="taking")


@pytest.mark.parametrize("overflow", ["error", "drop_newest", "drop_oldest", "unbounded"])
def test_r8_an_observable_that_never_ends_is_disposed_of_when_its_edge_is_cancelled(overflow):
    """R8, C4: also when the run ends for another reason."""
    for ends in ("edge", "failure"):
        disposed: list[str] = []

        def subscribe(observer: Any, scheduler: Any = None, log: list[str] = disposed) -> Any:
            inner = rx.interval(1.0).subscribe(observer, scheduler=scheduler)

            def dispose() -> None:
                log.append("disposed")
                inner.dispose()

            return Disposable(dispose)

        async def fail(ins, outs, state):
            await asyncio.sleep(5)
            raise ValueError("mine")

        got: list[Any] = []
        workflow = Workflow()
        source = flow(Observable(subscribe), overflow=overflow)
        if ends == "edge":
            source | ops.take(3) | workflow.add_stream(sink(got))
            go(workflow)
            assert got == [0, 1, 2]
        else:
            source | workflow.add_stream(sink(got))
            workflow.add_stream(Stream(fn=fail))
            with pytest.raises(ValueError, match="mine"):
                go(workflow)
        assert disposed == ["disposed"]


@pytest.mark.parametrize("combine", [rx.merge, rx.zip, rx.combine_latest, rx.concat])
def test_r8_an_entry_inside_a_combinator_has_its_strategy_too(combine):
    """R8, R5: back-pressure reaches the port; items are dropped at the entry."""
    got: list[Any] = []
    workflow = Workflow(threshold=2)
    ours: Any = Stream(outs=["x"], fn=_three, name="ours")
    port = workflow.add_stream(ours)["x"]
    entry = flow(burst(9), overflow="drop_oldest", capacity=2)
    flow(combine(port, entry)) | workflow.add_stream(seconds(1, got))
    statistics = go(workflow)
    edges = {edge.source: edge for edge in statistics.edges}
    entered = next(edge for source, edge in edges.items() if source != "ours.x")
    assert entered.items + entered.drops == 9
    assert edges["ours.x"].drops == 0
    if combine in (rx.merge, rx.concat):
        assert [item for item in got if isinstance(item, str)] == ["a", "b", "c"]
        assert [item for item in got if isinstance(item, int)] == [7, 8]


async def _three(ins: Any, outs: Any, state: Any) -> None:
    for letter in "abc":
        await outs.x.push(letter)


@pytest.mark.realtime
def test_r8_one_thread_behind_two_sources_is_let_go_as_soon_as_either_has_room():
    """R8: a join waits for the second source; the thread waits at the entry of the first."""
    first: Subject[int] = Subject()
    second: Subject[int] = Subject()
    ready = threading.Barrier(3)

    def counted(subject: Subject[int]) -> Observable[int]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            subscription = subject.subscribe(observer)
            ready.wait(30)
            return subscription

        return Observable(subscribe)

    def produce() -> None:
        ready.wait(30)
        for number in range(60):
            first.on_next(number)
            if number >= 8:
                second.on_next(number)
        first.on_completed()
        second.on_completed()

    got: list[Any] = []

    async def join(ins, outs, state):
        async for late in ins.late:
            early = await ins.early.pop()
            got.append((early, late))

    workflow = Workflow(threshold=4)
    step = workflow.add_stream(Stream(["early", "late"], fn=join, name="join"))
    flow(counted(first), capacity=6) | step["early"]
    flow(counted(second), capacity=6) | step["late"]
    thread = threading.Thread(target=produce)
    thread.start()
    workflow.start()
    thread.join(30)
    assert got == [(number, number + 8) for number in range(52)]


def test_r8_only_the_first_end_of_an_observable_counts():
    """R11: signals that break the grammar of Rx do not reach the run."""
    got: list[Any] = []

    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        observer.on_next(1)
        observer.on_completed()
        observer.on_next(2)
        observer.on_error(ValueError("late"))
        return Disposable()

    workflow = Workflow()
    flow(Observable(subscribe), overflow="unbounded") | workflow.add_stream(sink(got))
    go(workflow)
    assert got == [1]


async def ticking(count: int, state: list[str] | None = None):
    """Yield an item a second, or without a wait where there is no `state`."""
    try:
        for number in range(count):
            if state is not None:
                await asyncio.sleep(1)
            yield number
    finally:
        if state is not None:
            await asyncio.sleep(1)
            state.append("closed")


@pytest.mark.parametrize(
    ("overflow", "capacity", "expected"),
    [
        ("drop_newest", 3, [0, 1, 2]),
        ("drop_oldest", 3, [7, 8, 9]),
        ("drop_oldest", 1, [9]),
        ("unbounded", None, list(range(10))),
        ("error", 10, list(range(10))),
    ],
)
@pytest.mark.parametrize("kind", ["async", "threaded"])
@pytest.mark.realtime
def test_r8a_an_iterable_may_be_drawn_at_its_own_pace(overflow, capacity, expected, kind):
    """R8a: it is not made to wait, and dropped as R8 says."""
    got: list[Any] = []
    workflow = Workflow(threshold=1)
    source: Any = ticking(10) if kind == "async" else range(10)
    threaded = kind == "threaded"
    entered = flow(source, overflow=overflow, capacity=capacity, threaded=threaded)
    entered | workflow.add_stream(sink(got))
    (edge,) = workflow.start().edges
    assert len(got) + edge.drops == 10
    if kind == "async":  # a thread may deliver while the loop takes
        assert got == expected


def test_r8a_the_pace_of_an_asynchronous_iterable_is_its_own():
    """R8a: 10 items come in 10 s, and the consumer takes 4 s for each."""
    got: list[Any] = []
    workflow = Workflow(threshold=1)
    state: list[str] = []
    latest = flow(ticking(10, state), overflow="drop_oldest", capacity=1, name="ticks")
    latest | workflow.add_stream(seconds(4, got))
    statistics = go(workflow)
    assert (got[0], got[-1]) == (0, 9)
    assert len(got) < 8
    assert len(got) + statistics.edges[0].drops == 10
    assert statistics.edges[0].source == "ticks.item"
    assert state == ["closed"]


@pytest.mark.parametrize("ending", ["take", "failure"])
def test_r8a_an_asynchronous_iterable_is_closed_when_nobody_reads_it(ending):
    """R8a, C4, C5: its clean-up is waited for."""
    state: list[str] = []
    source = flow(ticking(100, state), overflow="drop_newest") | ops.take(2)
    if ending == "failure":
        source = source | ops.map(lambda item: 1 // (1 - item))
    got: list[Any] = []
    workflow = (source | sink(got)).workflow
    if ending == "take":
        go(workflow)
        assert got == [0, 1]
    else:
        with pytest.raises(ZeroDivisionError):
            go(workflow)
    assert state == ["closed"]


@pytest.mark.parametrize("where", ["item", "clean-up"])
@pytest.mark.parametrize(
    ("error", "wanted"),
    [(KeyError("gone"), KeyError), (asyncio.CancelledError(), StreamCancelled)],
)
def test_r8a_what_an_asynchronous_iterable_raises_fails_the_run(where, error, wanted):
    """R8a, C6, E7: also a cancel that nobody asked for; a clean-up may end by one."""

    async def raising():
        try:
            yield 1
            if where == "item":
                raise error
            await asyncio.sleep(9)
        finally:
            if where == "clean-up":
                raise error

    taken = flow(raising(), overflow="unbounded") | ops.take(2 if where == "item" else 1)
    workflow = (taken | sink()).workflow
    if where == "clean-up" and wanted is StreamCancelled:
        go(workflow)
    else:
        with pytest.raises(wanted):
            go(workflow)


def test_r8a_an_asynchronous_iterable_that_never_waits_lets_the_loop_go_round():
    """R8a, P12: an endless one does not freeze its run."""

    async def endless():
        while True:
            yield 1

    source = flow(endless(), overflow="drop_oldest", capacity=1)
    assert run(_first(source | ops.take(3) | ops.to_list())) == [1, 1, 1]


async def _first(source: Any) -> Any:
    return await source


def test_r8a_a_subject_of_flows_has_an_entry():
    """R8a: the flows are its items, not its sources."""
    inner = flow([1, 2])
    subjects: list[Subject[Any]] = [Subject(), BehaviorSubject(inner)]
    for subject in subjects:
        got: list[Any] = []
        source = flow(subject, overflow="unbounded") | ops.merge_all() | sink(got)

        async def main(step: Any = source, subject: Any = subject) -> None:
            async with step.workflow.open():
                await asyncio.sleep(1)
                if not isinstance(subject, BehaviorSubject):
                    subject.on_next(inner)
                subject.on_completed()

        run(main())
        assert got == [1, 2]


def test_r8a_a_name_is_given_to_a_source():
    """R8a: statistics, notes and drawings use it."""
    workflow = Workflow()
    flow([1], name="letters") | workflow.add_stream(sink())
    flow(rx.of(1), overflow="unbounded", name="letters") | workflow.add_stream(sink())
    assert "letters" in str(workflow)
    assert {"letters", "letters-2"} <= {*go(workflow).steps}


@pytest.mark.parametrize("name", ["", "a/b", 3])
def test_r8a_a_name_that_is_none_is_refused(name):
    """R8a: as that of a step."""
    with pytest.raises(WiringError, match="name of flow must be a non-empty string without '/'"):
        flow([1], name=name)


def test_r8a_a_name_is_for_one_source():
    """R8a: two sources, or a port, have no use for it."""
    step = Workflow().add_stream(Stream(outs=["x"], fn=_nothing))
    for sources in (([1], [2]), (step,), ()):
        with pytest.raises(WiringError, match="flow"):
            flow(*sources, name="x")


async def _nothing(ins, outs, state):
    return


def test_r8a_an_iterable_that_can_wait_has_no_overflow():
    """R8a: it is refused with what to do."""
    with pytest.raises(WiringError, match="got list; add threaded=True"):
        flow([1], overflow="drop_oldest")
    flow([1], overflow="drop_oldest", threaded=True)
