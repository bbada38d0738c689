"""Rules R10 and R11: flows that leave their workflow, in every way, under a checked observer."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx

from flows import counting, endless, ops
from helpers import run
from mimo_rx import Flow, Stream, Workflow
from mimo_rx.testing import CheckedObserver


def failing(times: int) -> tuple[Flow, list[str]]:
    """Make a cold flow of 0, 1, 2 that fails in its first runs after two of them."""
    log: list[str] = []

    async def fn(ins, outs, state):
        log.append("begun")
        for number in range(3):
            if number == 2 and len(log) <= times:
                raise KeyError("mine")
            await outs.x.push(number)
            await asyncio.sleep(0)  # what comes before the failure is read before it

    return Workflow().add_stream(Stream(outs=["x"], fn=fn, name="failing"))["x"], log


def blocking(made: Any) -> CheckedObserver:
    observer = CheckedObserver()
    observer.subscribe_to(made)
    return observer


def in_a_loop(made: Any) -> CheckedObserver:
    observer = CheckedObserver()

    async def main() -> None:
        observer.subscribe_to(made)
        await asyncio.sleep(100)

    run(main())
    return observer


def on_a_thread(made: Any) -> CheckedObserver:
    observer = CheckedObserver()
    thread = threading.Thread(target=observer.subscribe_to, args=(made,))
    thread.start()
    thread.join()
    return observer


WAYS: list[Callable[[Any], CheckedObserver]] = [blocking, in_a_loop, on_a_thread]


def flow_of(count: int) -> Flow:
    return counting(count)[0]


COMBINED: dict[str, tuple[Callable[[], Any], list[Any]]] = {
    "a flow": (lambda: flow_of(3), [0, 1, 2]),
    "pipe": (lambda: flow_of(3).pipe(ops.map(str), ops.skip(1)), ["1", "2"]),
    "methods": (lambda: flow_of(3).map(str).take(2), ["0", "1"]),
    "take of an endless one": (lambda: Workflow().add_stream(endless())["x"].take(2), [0, 1]),
    "concat": (lambda: rx.concat(flow_of(2), flow_of(3)), [0, 1, 0, 1, 2]),
    "concat with others": (lambda: rx.concat(rx.of("r"), flow_of(1), rx.of("s")), ["r", 0, "s"]),
    "zip": (lambda: rx.zip(flow_of(2), rx.of("a", "b")), [(0, "a"), (1, "b")]),
    "flat_map": (lambda: flow_of(2).pipe(ops.concat_map(lambda _: flow_of(2))), [0, 1, 0, 1]),
    "flat_map of others": (
        lambda: rx.of(1, 2).pipe(ops.concat_map(lambda _: flow_of(2))),
        [0, 1, 0, 1],
    ),
    "defer": (lambda: rx.defer(lambda _: flow_of(2)), [0, 1]),
    "repeat": (lambda: flow_of(2).pipe(ops.repeat(3)), [0, 1, 0, 1, 0, 1]),
    "retry": (lambda: failing(2)[0].pipe(ops.retry(3)), [0, 1, 0, 1, 0, 1, 2]),
    "catch": (lambda: rx.catch(failing(1)[0], flow_of(1)), [0, 1, 0]),
    "share": (lambda: flow_of(3).share(), [0, 1, 2]),
    "share and others": (lambda: flow_of(3).share() | ops.map(str), ["0", "1", "2"]),
    "ref_count": (lambda: flow_of(3) | ops.publish() | ops.ref_count(), [0, 1, 2]),
    "replay": (lambda: flow_of(3).pipe(ops.replay(), ops.ref_count()), [0, 1, 2]),
    "to_list": (lambda: flow_of(3).to_list(), [[0, 1, 2]]),
    "start_with": (lambda: rx.concat(flow_of(2).start_with("s"), rx.of("e")), ["s", 0, 1, "e"]),
    "using": (lambda: rx.using(lambda: rx.never().subscribe(), lambda _: flow_of(2)), [0, 1]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", COMBINED)
def test_r10_flows_deliver_to_a_checked_observer(name, way):
    """R10, R11: in a loop, without one, and on another thread."""
    make, items = COMBINED[name]
    observer = way(make())
    observer.verify()
    assert (observer.items, observer.error, observer.completed) == (items, None, True)


@pytest.mark.parametrize("way", WAYS)
def test_r10_what_flows_merge_to_comes_one_at_a_time(way):
    """R10, R11: here from two runs."""
    observer = way(rx.merge(flow_of(500), flow_of(500).pipe(ops.map(str))))
    observer.verify()
    assert [item for item in observer.items if isinstance(item, int)] == list(range(500))
    assert [item for item in observer.items if isinstance(item, str)] == [*map(str, range(500))]
    assert observer.completed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("operator", [ops.repeat(2), ops.map(str), ops.retry(1), ops.share()])
def test_r11_the_error_of_a_cold_flow_is_its_end(way, operator):
    """R11: after the items that came before it."""
    observer = way(failing(9)[0].pipe(operator))
    observer.verify()
    assert [int(item) for item in observer.items] == [0, 1]
    assert isinstance(observer.error, KeyError)


def test_r10_rxpys_run_above_flows():
    """R10: it blocks and returns the last item."""
    assert rx.merge(flow_of(3), flow_of(3)).run() == 2
    assert rx.zip(flow_of(3), flow_of(2)).run() == (1, 1)
    assert rx.concat(flow_of(3), flow_of(2)).pipe(ops.sum()).run() == 4
    assert flow_of(3).to_list().run() == [0, 1, 2]


def test_r10_awaiting_and_iterating():
    """R10, L9: in any loop that runs."""

    async def main() -> None:
        assert await flow_of(3) == 2
        assert await flow_of(3).share() == 2
        assert [item async for item in flow_of(3) | ops.map(str)] == ["0", "1", "2"]

    run(main())
    asyncio.run(main())


@pytest.mark.realtime
@pytest.mark.parametrize("runner", [run, asyncio.run], ids=["virtual time", "asyncio"])
@pytest.mark.parametrize("threshold", [1, 5])
def test_r10_a_slow_reader_of_async_for_holds_the_producer_back(runner, threshold):
    """L9, R5: as far as the threshold of the workflow says."""
    made = Workflow(threshold=threshold).add_stream(endless())
    ahead: list[int] = []

    async def main() -> None:
        items: Any = aiter(made["x"] | ops.map(lambda item: item))
        async for item in items:
            await asyncio.sleep(0.001)
            ahead.append(made.stream.state["pushed"] - item)
            if item == 20:
                break
        await items.aclose()

    runner(main())
    assert max(ahead) <= threshold + 1


# Sharing one run


def test_r10_subscribers_of_a_shared_flow_share_one_run():
    """R10, L4: as with RxPY's `share`, also with operators after it; `await` has its own run."""
    x, log = counting(3)
    shared = (x | ops.map(str)).share()
    first, second = CheckedObserver(), CheckedObserver()

    async def main() -> None:
        first.subscribe_to(shared)
        second.subscribe_to(shared | ops.map(int))
        await asyncio.sleep(1)
        assert log == ["begun", "ended"]
        assert await shared == "2"

    run(main())
    assert (first.items, second.items) == (["0", "1", "2"], [0, 1, 2])
    assert first.completed
    assert second.completed
    assert log == ["begun", "ended"] * 2


def test_r10_the_last_subscriber_of_a_shared_flow_ends_its_run():
    """R10: the next subscriber begins another run."""
    made = Workflow().add_stream(endless())
    shared = (made["x"] | ops.map(str)).share()

    async def main() -> None:
        for _ in range(2):
            few, more = CheckedObserver(), CheckedObserver()
            few.subscribe_to(shared.take(3))
            more.subscribe_to(shared.take(9))
            await asyncio.sleep(1)
            assert (len(few.items), len(more.items)) == (3, 9)

    run(main())


def test_r10_publish_begins_with_connect():
    """R10: there is one run for all who have subscribed by then."""
    x, log = counting(3)
    published = x.publish()
    observers = [CheckedObserver(), CheckedObserver()]
    for observer in observers:
        observer.subscribe_to(published)
    assert log == []
    published.connect()
    assert log == ["begun", "ended"]
    assert [observer.items for observer in observers] == [[0, 1, 2]] * 2


# Errors that nobody takes


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        lambda x: x.share(),
        lambda x: rx.merge(x),
        lambda x: rx.concat(rx.of(1), x),
        lambda x: rx.of(1).pipe(ops.flat_map(lambda _: x)),
        lambda x: x.pipe(ops.retry(2)),
        lambda x: rx.zip(x, rx.never()),
    ],
    ids=["flow", "share", "merge", "concat", "flat_map", "retry", "zip"],
)
@pytest.mark.parametrize("loop", [False, True])
def test_r11_an_error_that_no_subscriber_takes_is_not_swallowed(make, loop):
    """R11: it comes out of `subscribe`, or goes to the handler of the loop."""
    made = make(failing(9)[0])
    if not loop:
        with pytest.raises(KeyError, match="mine"):
            made.subscribe(lambda item: None)
        return

    async def main() -> None:
        made.subscribe(lambda item: None)
        await asyncio.sleep(1)

    with pytest.raises(AssertionError, match=r"nobody handles it.*KeyError"):
        run(main())


# Disposing from another thread


@pytest.mark.realtime
@pytest.mark.parametrize("blocked", [True, False], ids=["blocking", "in a loop"])
def test_r11_nothing_comes_after_another_thread_has_disposed(blocked):
    """R11: although the cancel has not arrived yet when the next item comes."""
    box: list[Any] = []
    got: list[Any] = []

    async def fn(ins, outs, state):
        await outs.x.push("first")
        thread = threading.Thread(target=box[0].dispose)
        thread.start()
        thread.join()
        await outs.x.push("second")
        await asyncio.sleep(0)

    x = Workflow().add_stream(Stream(outs=["x"], fn=fn))["x"]
    if blocked:

        def subscribe(observer: Any, _: Any = None) -> Any:
            box.append(x.subscribe(observer))
            return box[0]

        rx.create(subscribe).subscribe(got.append)
    else:

        async def main() -> None:
            box.append(x.subscribe(got.append))
            await asyncio.sleep(1)

        asyncio.run(main())
    assert got == ["first"]


@pytest.mark.realtime
def test_r11_a_silent_flow_that_another_thread_disposes_of_at_any_time_ends():
    """R11, C5: before its run has begun, in the middle, and at the end."""
    for delay in range(30):
        x = Workflow().add_stream(endless())["x"]
        observer = CheckedObserver()
        gate = threading.Event()

        def dispose(subscription: Any, gate: Any = gate, delay: int = delay) -> None:
            gate.wait(5)
            for _ in range(delay * 20):
                pass
            subscription.dispose()

        def subscribe(target: Any, _: Any = None, x: Any = x, gate: Any = gate) -> Any:
            subscription = x.subscribe(target)
            threading.Thread(target=dispose, args=(subscription,)).start()
            gate.set()
            return subscription

        rx.create(subscribe).subscribe(observer)
        observer.verify()
