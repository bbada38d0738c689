"""Operators in runs: rules R1, R4 to R6, R11, P3, P12, C4 and L3 to L6."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from flows import END, endless, numbers, ops, player, sink, slow_sink, stuck
from helpers import run
from mimo_rx import OutputClosed, Stream, Workflow, flow


def start(workflow: Workflow) -> Any:
    return run(workflow.run())


def copies(count: int) -> Any:
    """Make an operator that delivers each item `count` times."""
    return ops.flat_map(lambda item: [item] * count)


# R1: ports are Observables


def test_r1_a_port_is_an_observable_for_any_function_of_rxpy():
    """R1: it can be subscribed to, piped and handed to any function of RxPY."""
    workflow = Workflow()
    a, b = workflow.add_stream(numbers(3, "a")), workflow.add_stream(numbers(3, "b"))
    got: list[Any] = []
    assert isinstance(a["x"], Observable)
    rx.zip(a["x"], b["x"].pipe(ops.map(str))) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [(0, "0"), (1, "1"), (2, "2")]


@pytest.mark.parametrize("count", [1, 2])
def test_r1_a_flow_is_an_observable_with_the_methods_and_operators_of_rxpy(count):
    """R1: `flow.map(f)` is `flow | ops.map(f)`, `flow.pipe(op, op)` too."""
    got: list[list[Any]] = [[], [], []]
    workflow = Workflow()
    x = workflow.add_stream(numbers(4))["x"]
    chains = [
        x.map(str).take(count),
        x | ops.map(str) | ops.take(count),
        x.pipe(ops.map(str), ops.take(count)),
    ]
    for chain, into in zip(chains, got, strict=True):
        chain | workflow.add_stream(sink(into))
    start(workflow)
    assert got == [["0", "1"][:count]] * 3


def test_r1_what_merge_delivers_comes_from_all_ports_as_it_is_pushed():
    """R1: merge holds the lock of the flow while it delivers."""
    workflow = Workflow()
    script = [(1.0, "a", 1), (2.0, "b", 2), (3.0, "a", 3), (4.0, "b", END), (5.0, "a", 5)]
    played = workflow.add_stream(player(script, ["a", "b"]))
    got: list[Any] = []
    rx.merge(played["a"], played["b"]) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [1, 2, 3, 5]


# R4: operators run inside the push


def test_r4_operators_run_inside_the_push_that_feeds_them():
    """R4: also work without a delay that goes through a scheduler."""
    log: list[Any] = []

    async def fn(ins, outs, state):
        for number in range(3):
            log.append(("push", number))
            pushed = outs.x.push(number)  # there is room: the call hands it over
            log.append("pushed")
            await pushed

    workflow = Workflow()
    chain = workflow.add_stream(Stream(outs=["x"], fn=fn)) | ops.flat_map(rx.of)
    chain | ops.do_action(log.append) | workflow.add_stream(sink())
    start(workflow)
    assert log == [each for n in range(3) for each in (("push", n), n, "pushed")]


def test_r4_flat_map_of_does_not_queue_without_bound():
    """R4: with `AsyncIOScheduler` alone it would queue."""
    workflow = Workflow(threshold=5)
    made = workflow.add_stream(numbers(1000))
    got: list[Any] = []
    under_way: list[int] = []

    def note(item: int) -> None:
        under_way.append(made.stream.state["pushed"] - item)

    made | ops.flat_map(rx.of) | ops.do_action(note) | workflow.add_stream(slow_sink(got))
    made.stream.state["pushed"] = 0
    statistics = start(workflow)
    assert got == list(range(1000))
    assert statistics.steps["slow"].inputs["x"].peak == 5
    assert set(under_way) == {0}


def test_r4_start_with_loses_nothing():
    """R4: with `AsyncIOScheduler` alone it would lose items."""
    got: list[Any] = []
    workflow = Workflow()
    workflow.add_stream(numbers(5)) | ops.start_with("a", "b") | workflow.add_stream(sink(got))
    start(workflow)
    assert got == ["a", "b", 0, 1, 2, 3, 4]


def test_r4_delayed_work_goes_to_the_timers_of_the_loop():
    """R4: it runs by the loop's clock, which is virtual here."""
    times: list[float] = []
    workflow = Workflow()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        chain = workflow.add_stream(numbers(1)) | ops.delay(3600.0)
        watch = ops.do_action(lambda _: times.append(loop.time() - began))
        chain | watch | workflow.add_stream(sink())
        await workflow.run()

    run(main())
    assert times == [pytest.approx(3600)]


# R5, P3: back-pressure and the bound


def test_r5_back_pressure_passes_through_operators():
    """R5: a push waits while the buffer at the far end is full."""
    workflow = Workflow(threshold=4)
    made = workflow.add_stream(endless())
    made | ops.map(str) | ops.scan(lambda a, b: b) | workflow.add_stream(stuck())
    start(workflow)
    assert made.stream.state["pushed"] == 4


@pytest.mark.parametrize("apart", [True, False], ids=["chains apart", "a shared chain"])
def test_r5_a_push_waits_while_any_far_end_is_full(apart):
    """R5: one full buffer at the far end of any edge is enough."""
    workflow = Workflow(threshold=4)
    made = workflow.add_stream(numbers(20))
    log: list[Any] = []
    shared = made | ops.map(lambda item: item)
    for seconds, threshold in ((1.0, 3), (5.0, 7)):
        chain = made | ops.map(lambda item: item) if apart else shared
        name = f"slow-{threshold}"
        slow = slow_sink(log, seconds, name)
        chain | workflow.add_stream(slow, threshold=threshold)
    statistics = start(workflow)
    assert sorted(log) == sorted([*range(20)] * 2)
    assert statistics.steps["slow-3"].inputs["x"].peak <= 3
    assert statistics.steps["slow-7"].inputs["x"].peak == 7
    assert all(step.inputs["x"].over == 0 for step in statistics.steps.values() if step.inputs)


def test_r5_a_push_waits_through_shared_flows_and_combinators():
    """R5: whatever operators are in between."""
    workflow = Workflow(threshold=4)
    made = workflow.add_stream(endless())
    shared = made | ops.map(str)
    again = flow(rx.merge(shared, rx.never())) | ops.map(str)
    again | ops.filter(bool) | workflow.add_stream(stuck())
    again | workflow.add_stream(stuck("other"), threshold=50)
    start(workflow)
    assert made.stream.state["pushed"] == 4


def test_r5_what_an_operator_holds_is_outside_the_bound():
    """R5: here the faster side of zip."""
    workflow = Workflow(threshold=4)
    fast, slow = workflow.add_stream(numbers(50, "fast")), workflow.add_stream(numbers(1, "slow"))
    got: list[Any] = []
    rx.zip(fast["x"], slow["x"] | ops.delay(1.0)) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [(0, 0)]
    assert fast.stream.state["pushed"] >= 49


@pytest.mark.parametrize("k", [1, 2, 7])
def test_p3_k_items_of_one_exceed_the_threshold_by_less_than_k(k):
    """P3: if an operator makes k items of one, at most threshold + k - 1 wait, as `over`."""
    workflow = Workflow(threshold=5)
    got: list[Any] = []
    workflow.add_stream(numbers(40)) | copies(k) | workflow.add_stream(slow_sink(got))
    statistics = start(workflow).steps["slow"].inputs["x"]
    assert got == [n for n in range(40) for _ in range(k)]
    assert 5 <= statistics.peak <= 5 + k - 1
    assert (statistics.over > 0) is (k > 1)


def test_p3_what_an_operator_releases_by_itself_is_over():
    """P3: at a time of its own or at completion."""
    for operator in (ops.delay(10.0), ops.take_last(8), ops.concat(rx.of(*range(8)))):
        workflow = Workflow(threshold=3)
        workflow.add_stream(numbers(8)) | operator | workflow.add_stream(slow_sink([], 20.0))
        statistics = start(workflow).steps["slow"].inputs["x"]
        assert statistics.over == statistics.peak - 3 > 0


def test_p3_pushes_wait_until_the_buffer_is_below_its_threshold_again():
    """P3: also after items above the threshold."""
    workflow = Workflow(threshold=2)
    depths: list[int] = []

    async def fn(ins, outs, state):
        async for _ in ins.x:
            depths.append(len(ins.x.buffer.items))
            await asyncio.sleep(1)

    workflow.add_stream(numbers(4)) | copies(6) | workflow.add_stream(Stream(["x"], fn=fn))
    start(workflow)
    # The next push passes when one item is left; the threshold is two.
    assert depths == [5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "operator",
    [ops.filter(lambda item: False), ops.ignore_elements(), ops.map(str)],
    ids=["filter", "ignore_elements", "no buffer"],
)
def test_p12_a_filter_that_lets_nothing_through_leaves_the_loop_its_turns(operator):
    """P12: timers and cancels get their turn."""
    workflow = Workflow(outs=["y"])
    made = workflow.add_stream(endless())
    made | operator | workflow.outs["y"]
    turns: list[int] = []

    async def counted() -> None:
        task = asyncio.create_task(workflow.run())
        while not task.done() and len(turns) < 20:
            turns.append(made.stream.state.get("pushed", 0))
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(counted())
    steps = [after - before for before, after in pairwise(turns)]
    assert 0 < max(steps) <= 1000


# R6, C4: the end


@pytest.mark.parametrize(
    "operator",
    [ops.take(3), ops.first(), ops.take_while(lambda n: n < 3), ops.element_at(2), ops.take(0)],
    ids=["take", "first", "take_while", "element_at", "take 0"],
)
def test_r6_take_cancels_its_edge(operator):
    """R6: an operator that completes early cancels its edge, and C4 ends an endless source."""
    workflow = Workflow()
    made = workflow.add_stream(endless())
    got: list[Any] = []
    made | operator | workflow.add_stream(sink(got))
    statistics = start(workflow)
    assert statistics.steps["endless"].ended == "downstream"
    assert statistics.steps["sink"].ended == "returned"
    assert made.stream.state["pushed"] <= 4


def test_r6_take_ends_a_source_that_waits_for_something_silent():
    """R6, C4: the source is cancelled in its wait."""

    async def fn(ins, outs, state):
        await outs.x.push(1)
        await asyncio.get_running_loop().create_future()

    workflow = Workflow()
    got: list[Any] = []
    silent = workflow.add_stream(Stream(outs=["x"], fn=fn, name="silent"))
    silent | ops.take(1) | workflow.add_stream(sink(got))
    assert start(workflow).steps["silent"].ended == "downstream"
    assert got == [1]


def test_r6_an_edge_that_ends_early_leaves_the_others_their_items():
    """R6: later pushes skip the edge."""
    workflow = Workflow()
    made = workflow.add_stream(numbers(10))
    few: list[Any] = []
    some: list[Any] = []
    every: list[Any] = []
    shared = made | ops.map(str)
    made | ops.take(2) | workflow.add_stream(sink(few))
    shared | ops.take(4) | workflow.add_stream(sink(some))
    shared | workflow.add_stream(sink(every))
    start(workflow)
    assert (few, some, len(every)) == ([0, 1], ["0", "1", "2", "3"], 10)


def test_r6_a_consumer_that_returns_disposes_of_the_operators():
    """R6, C4: the consumer at the far end ends the edge."""
    disposed: list[str] = []

    async def first(ins, outs, state):
        await ins.x.pop()

    workflow = Workflow()
    chain = workflow.add_stream(endless()) | ops.finally_action(lambda: disposed.append("done"))
    chain | workflow.add_stream(Stream(["x"], fn=first, name="first"))
    assert start(workflow).steps["endless"].ended == "downstream"
    assert disposed == ["done"]


def test_c5_a_run_ends_when_every_edge_has_delivered():
    """C5: also items that come long after the last stream has ended."""
    got: list[Any] = []
    workflow = Workflow()
    workflow.add_stream(numbers(3)) | ops.delay(50.0) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [0, 1, 2]


def test_c5_a_run_leaves_no_timer_behind():
    """C5: `run` of the helpers looks for them."""
    workflow = Workflow()
    timed = rx.compose(ops.delay(5.0), ops.buffer_with_time(100.0), ops.timeout(500.0))
    ticking = workflow.add_stream(player((float(at), "x", at) for at in range(300)))
    ticking | timed | ops.take(1) | workflow.add_stream(sink())
    waiting = workflow.add_stream(player([(150.0, "x", END)]))
    waiting | workflow.add_stream(sink())

    start(workflow)
    with_cancel = Workflow()
    with_cancel.add_stream(numbers(3)) | ops.delay(100.0) | with_cancel.add_stream(sink())

    async def cancelled() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await with_cancel.run()

    run(cancelled())


# R11: the grammar


def test_r11_an_observer_gets_nothing_after_it_has_disposed():
    """R11: also if another observer disposes of it while the same item is delivered."""
    log: list[Any] = []

    def twice(source: Observable[Any]) -> Observable[Any]:
        def subscribe(observer, scheduler=None):
            second: list[Any] = []

            def first(item):
                log.append(("first", item))
                second[0].dispose()
                observer.on_next(item)

            subscription = source.subscribe(first, observer.on_error, observer.on_completed)
            second.append(source.subscribe(lambda item: log.append(("second", item))))
            return subscription

        return Observable(subscribe)

    workflow = Workflow()
    workflow.add_stream(numbers(2)) | twice | workflow.add_stream(sink())
    start(workflow)
    assert log == [("first", 0), ("first", 1)]


def test_c1_a_push_after_close_is_refused_before_operators_see_the_item():
    """C1, R11: an observer gets nothing after completion."""
    log: list[Any] = []

    async def fn(ins, outs, state):
        await outs.x.push(1)
        outs.x.close()
        await outs.x.push(2)

    workflow = Workflow()
    chain = workflow.add_stream(Stream(outs=["x"], fn=fn)) | ops.do_action(log.append)
    chain | workflow.add_stream(sink())
    with pytest.raises(OutputClosed):
        start(workflow)
    assert log == [1]


@pytest.mark.parametrize("read", [False, True])
def test_e3_an_operator_that_fails_as_it_subscribes_fails_a_run_without_streams(read):
    """E3, E1: the run does not end before all of it has begun."""

    def fails() -> None:
        raise ValueError("clean-up")

    workflow = Workflow(["a"], ["b"])
    first = flow(rx.merge(workflow.ins["a"], rx.of(1, 2))) | ops.take(1)
    ended = first | ops.finally_action(fails)
    ended | workflow.outs["b"]
    with pytest.raises(ValueError, match="clean-up"):
        ended.run() if read else workflow.start()
