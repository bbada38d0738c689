"""Rule R7: what other threads deliver comes to the loop's thread in order, all of it."""

import asyncio
import threading
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.scheduler import NewThreadScheduler

from flows import endless, numbers, ops, sink
from mimo_rx import LateSubscription, Workflow, flow
from threads import impatient, really

__all__ = ["impatient"]

pytestmark = [pytest.mark.realtime, pytest.mark.usefixtures("impatient")]


def elsewhere(call: Any, *given: Any) -> None:
    """Make a call on a thread of its own and wait for it, as only a test may."""
    thread = threading.Thread(target=call, args=given)
    thread.start()
    thread.join()


def changing(wanted: Any, ending: Any = False) -> Any:
    """Make an operator that delivers the items that `wanted` tells, and the end, elsewhere."""

    def operator(source: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            def on_next(item: Any) -> None:
                if wanted(item):
                    elsewhere(observer.on_next, item)
                else:
                    observer.on_next(item)

            def on_completed() -> None:
                if ending:
                    elsewhere(observer.on_completed)
                else:
                    observer.on_completed()

            return source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)

        return Observable(subscribe)

    return operator


# In order


@pytest.mark.parametrize("ending", [False, True], ids=["ends here", "ends elsewhere"])
@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("readers", [1, 2])
def test_r7_items_of_several_threads_keep_the_order_in_which_they_were_delivered(
    every, ending, readers
):
    """R7: items of the loop's thread do not overtake those of another thread."""
    workflow = Workflow(threshold=5)
    chain = workflow.add_stream(numbers(50)) | changing(lambda item: item % every == 0, ending)
    got: list[list[Any]] = [[] for _ in range(readers)]
    for each in got:
        chain | workflow.add_stream(sink(each))
    really(workflow)
    assert got == [list(range(50))] * readers


def test_r7_an_early_end_drops_what_other_threads_have_delivered():
    """R7, C4: nothing comes after it."""
    workflow = Workflow()
    log: list[Any] = []
    chain = workflow.add_stream(endless()) | changing(lambda item: item % 3)
    chain | ops.do_action(log.append) | ops.take(7) | workflow.add_stream(sink(log))
    assert really(workflow).steps["endless"].ended == "downstream"
    assert sorted(log) == sorted([*range(7)] * 2)


def test_p12_a_flood_of_another_thread_leaves_the_loop_its_turns():
    """P12: the loop takes at most 1,000 items of that thread in one turn."""
    turns: list[int] = []
    got: list[Any] = []

    def flood(source: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            def on_completed() -> None:
                def deliver() -> None:
                    for number in range(20_000):
                        observer.on_next(number)
                    observer.on_completed()

                elsewhere(deliver)

            return source.subscribe(on_completed=on_completed, scheduler=scheduler)

        return Observable(subscribe)

    workflow = Workflow()
    flooded = workflow.add_stream(numbers(1)) | flood
    flooded | workflow.add_stream(sink(name="other"))  # so that what follows runs on the loop
    flooded | ops.filter(lambda item: got.append(item)) | workflow.add_stream(sink())

    async def main() -> None:
        task = asyncio.create_task(workflow.run())
        while not task.done():
            turns.append(len(got))
            await asyncio.sleep(0)
        await task

    asyncio.run(main())
    assert got == list(range(20_000))
    assert len(turns) > 20


# Errors


def late_port() -> Any:
    """Return a flow that the walk cannot see; a test puts it there."""
    return globals()["_late_port"]


def raising(source: Observable[Any]) -> Observable[Any]:
    """Be an operator that raises on the fourth item, where those of RxPY would signal."""

    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        def on_next(item: Any) -> None:
            if item == 3:
                raise KeyError("three")
            observer.on_next(item)

        return source.subscribe(on_next, observer.on_error, observer.on_completed)

    return Observable(subscribe)


FAILING = {
    "raised": (raising,),
    "raised further on": (ops.map(lambda item: item), raising, ops.map(str)),
    "raised behind another one that hops": (ops.observe_on(NewThreadScheduler()), raising),
    "signalled": (ops.map(lambda item: {0: 0, 1: 1, 2: 2}[item]),),
    "swallowed by nobody": (ops.map(lambda item: rx.throw(KeyError("three")).subscribe()),),
}


@pytest.mark.parametrize("name", FAILING)
def test_e3_what_is_raised_on_another_thread_fails_the_run(name):
    """E3, R11: the note names the edge; the error is not lost on any thread."""
    workflow = Workflow()
    chain: Any = workflow.add_stream(numbers(10)) | ops.observe_on(NewThreadScheduler())
    for operator in FAILING[name]:
        chain = chain | operator
    chain | workflow.add_stream(sink())
    with pytest.raises(KeyError) as caught:
        really(workflow)
    (note,) = caught.value.__notes__
    assert note.startswith("mimo_rx: raised on the edge numbers.x -> sink.x")


@pytest.mark.parametrize("when", ["before the end", "after the end", "after the loop"])
def test_r11_what_a_clean_up_raises_on_another_thread_is_never_lost(when):
    """R11: it fails the run; after the run, the handler of the loop or thread gets it."""
    gate, raised = threading.Event(), threading.Event()
    told: list[Any] = []

    def clean_up() -> None:
        if when != "before the end":
            gate.wait(5)
        raise KeyError("clean-up")

    def cleaning(source: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            def on_completed() -> None:
                if when != "before the end":
                    observer.on_completed()
                clean_up()

            return source.subscribe(observer.on_next, observer.on_error, on_completed)

        return Observable(subscribe)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context["exception"]))
        workflow = Workflow()
        hopping = workflow.add_stream(numbers(3)) | ops.observe_on(NewThreadScheduler())
        hopping | cleaning | workflow.add_stream(sink())
        await workflow.run()
        if when == "after the end":
            gate.set()
            while not told:  # noqa: ASYNC110 # a thread fills it
                await asyncio.sleep(0.001)

    def thread_failed(args: Any) -> None:
        told.append(args.exc_value)
        raised.set()

    threading.excepthook = thread_failed
    try:
        asyncio.run(main())
    except KeyError as error:
        told.append(error)
    if when == "after the loop":
        gate.set()
        assert raised.wait(5)
    assert [repr(error) for error in told] == ["KeyError('clean-up')"]


@pytest.mark.parametrize("combine", [rx.merge, rx.zip, rx.combine_latest])
def test_e3_what_is_raised_behind_a_combinator_with_threads_fails_the_run(combine):
    """E3: an outside Observable with a thread of its own delivers into it."""
    workflow = Workflow()
    a = workflow.add_stream(numbers(20, "a"))["x"]
    outside = rx.range(0, 20, scheduler=NewThreadScheduler())
    numbered = ops.map_indexed(lambda item, index: index)
    flow(combine(a, outside)) | numbered | raising | workflow.add_stream(sink())
    with pytest.raises(KeyError, match="three"):
        really(workflow)


@pytest.mark.parametrize(
    "late",
    [
        (ops.observe_on(NewThreadScheduler()), ops.flat_map(lambda _: late_port())),
        (ops.flat_map(lambda _: late_port()), ops.subscribe_on(NewThreadScheduler())),
        (lambda _: rx.defer(lambda _: late_port()), ops.subscribe_on(NewThreadScheduler())),
    ],
    ids=["observe_on", "subscribe_on", "defer"],
)
def test_r12_a_late_subscription_on_another_thread_fails_the_run(late):
    """R12: the error is not lost on that thread."""
    workflow = Workflow()
    globals()["_late_port"] = workflow.add_stream(numbers(2, "a"))["x"]
    chain: Any = workflow.add_stream(numbers(3))
    for operator in late:
        chain = chain | operator
    chain | workflow.add_stream(sink())
    with pytest.raises(LateSubscription, match=r"port 'x' of step 'a'.*ports=\["):
        really(workflow)


def test_r2_an_error_of_another_thread_is_answered_behind_the_items_before_it():
    """R2, R7: the combinator that reads the flow answers it."""
    workflow = Workflow(threshold=3)
    a, b = workflow.add_stream(numbers(50, "a")), workflow.add_stream(numbers(5, "b"))
    failing = a | ops.observe_on(NewThreadScheduler()) | ops.map(lambda item: 1 // (40 - item))
    got: list[Any] = []
    flow(rx.catch(failing, b["x"])) | workflow.add_stream(sink(got))
    really(workflow)
    assert got == [*[0] * 39, 1, *range(5)]


def test_r11_threads_that_ask_a_flow_for_its_lock_at_once_get_the_same():
    """R11: RxPY's combinators use the lock to deliver one item at a time."""
    for _ in range(50):
        x = Workflow().add_stream(numbers(1))["x"]
        locks: list[Any] = []
        start = threading.Barrier(4)

        def ask(x: Any = x, start: Any = start, locks: Any = locks) -> None:
            start.wait(5)
            locks.append(x.lock)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({id(lock) for lock in locks}) == 1
