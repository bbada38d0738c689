"""`on_backpressure` for programs of RxPY that know nothing of workflows (R9)."""

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable, abc
from reactivex import operators as ops
from reactivex.scheduler import (
    CurrentThreadScheduler,
    EventLoopScheduler,
    ImmediateScheduler,
    NewThreadScheduler,
    ThreadPoolScheduler,
    VirtualTimeScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler
from reactivex.subject import Subject

from mimo_rx import BufferOverflow, flow
from mimo_rx.operators import on_backpressure


class Log:
    """What an observer was told, and the event that it was told the end."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.over = threading.Event()

    def subscribe(self, source: Observable[Any]) -> abc.DisposableBase:
        return source.subscribe(self.told.append, self._failed, self._completed)

    def _failed(self, error: Exception) -> None:
        self.told.append(error)
        self.over.set()

    def _completed(self) -> None:
        self.told.append("end")
        self.over.set()


@pytest.mark.parametrize(
    ("overflow", "capacity", "told"),
    [
        ("drop_newest", 3, [0, 1, 2, "end"]),
        ("drop_oldest", 3, [5, 6, 7, "end"]),
        ("drop_oldest", 1, [7, "end"]),
        ("unbounded", None, [*range(8), "end"]),
    ],
)
def test_r9_what_an_observer_that_is_late_is_told(overflow, capacity, told):
    """R9: the same strategies as `flow` has."""
    later = VirtualTimeScheduler()
    subject: Subject[int] = Subject()
    log = Log()
    log.subscribe(subject.pipe(on_backpressure(overflow, capacity, scheduler=later)))
    for number in range(8):
        subject.on_next(number)
    subject.on_completed()
    assert log.told == []  # nothing is delivered where it comes from
    later.start()
    assert log.told == told


def test_r9_error_is_told_after_what_had_room():
    """R9: nothing of it is lost; the source is let go."""
    later = VirtualTimeScheduler()
    subject: Subject[int] = Subject()
    log = Log()
    log.subscribe(subject.pipe(on_backpressure("error", 2, scheduler=later)))
    for number in range(5):
        subject.on_next(number)
    later.start()
    *items, error = log.told
    assert items == [0, 1]
    assert isinstance(error, BufferOverflow)
    assert not subject.observers


def test_r9_an_error_of_the_source_comes_after_its_items():
    """R9: Rx grammar is kept."""
    later = VirtualTimeScheduler()
    subject: Subject[int] = Subject()
    log = Log()
    log.subscribe(subject.pipe(on_backpressure("unbounded", scheduler=later)))
    subject.on_next(1)
    subject.on_error(error := ValueError("mine"))
    later.start()
    assert log.told == [1, error]


def test_r9_a_batch_leaves_its_scheduler_time_for_other_work():
    """R9: a source that never pauses does not keep a scheduler for itself."""
    later = VirtualTimeScheduler()
    subject: Subject[int] = Subject()
    log = Log()
    log.subscribe(subject.pipe(on_backpressure("unbounded", scheduler=later)))
    for number in range(250):
        subject.on_next(number)
    later.schedule(lambda *_: log.told.append("other"))
    later.start()
    assert log.told.index("other") == 100
    assert [each for each in log.told if each != "other"] == list(range(250))


def test_r9_disposing_drops_what_waits_and_lets_the_source_go():
    """R9: from the side of the observer."""
    later = VirtualTimeScheduler()
    subject: Subject[Any] = Subject()
    log = Log()
    subscription = log.subscribe(
        subject.pipe(on_backpressure("unbounded", scheduler=later), ops.take(2))
    )
    for number in range(5):
        subject.on_next(number)
    later.start()
    assert log.told == [0, 1, "end"]
    assert not subject.observers
    subscription.dispose()

    class Item:
        pass

    subscription = log.subscribe(subject.pipe(on_backpressure("unbounded", scheduler=later)))
    item = Item()
    seen = weakref.ref(item)
    subject.on_next(item)
    subscription.dispose()
    del item
    gc.collect()
    assert seen() is None
    later.start()
    assert log.told == [0, 1, "end"]


def test_r9_each_subscription_has_a_bound_of_its_own():
    """R9: an operator is used as often as one likes."""
    later = VirtualTimeScheduler()
    subject: Subject[int] = Subject()
    bounded = subject.pipe(on_backpressure("drop_newest", 1, scheduler=later))
    first, second = Log(), Log()
    first.subscribe(bounded)
    second.subscribe(bounded)
    subject.on_next(1)
    subject.on_completed()
    later.start()
    assert first.told == second.told == [1, "end"]


def test_r9_what_an_observer_raises_comes_out_of_the_scheduler():
    """R9, R11: it is not swallowed, and the source is let go."""
    later = VirtualTimeScheduler()
    subject: Subject[int] = Subject()

    def fail(item: int) -> None:
        raise ValueError("mine")

    subject.pipe(on_backpressure("drop_newest", scheduler=later)).subscribe(fail)
    subject.on_next(1)
    with pytest.raises(ValueError, match="mine"):
        later.start()
    assert not subject.observers


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"overflow": "drop"}, "overflow of on_backpressure must be 'block', .* got 'drop'"),
        ({"capacity": 0}, "capacity of on_backpressure must be an integer of at least 1, got 0"),
        ({"overflow": "unbounded", "capacity": 3}, "on_backpressure was given a capacity"),
        ({"scheduler": 3}, "scheduler of on_backpressure must be one of RxPY's, got 3"),
        ({"scheduler": CurrentThreadScheduler()}, "CurrentThreadScheduler works on that same"),
        ({"scheduler": ImmediateScheduler()}, "ImmediateScheduler works on that same thread"),
        ({"scheduler": VirtualTimeScheduler()}, "VirtualTimeScheduler works on that same thread"),
    ],
)
def test_r9_settings_that_cannot_be_meant_are_refused(settings, text):
    """R9: where the operator is made."""
    with pytest.raises(ValueError, match=text):
        on_backpressure(**settings)


def test_r9_with_a_scheduler_that_works_at_once_nothing_waits():
    """R9: what comes from inside of the observer is delivered after what it works on."""
    subject: Subject[int] = Subject()
    told: list[Any] = []

    def observe(number: int) -> None:
        told.append(("in", number))
        if number < 3:
            subject.on_next(number + 1)
        told.append(("out", number))

    operator = on_backpressure("drop_newest", 1, scheduler=ImmediateScheduler())
    subject.pipe(operator).subscribe(observe)
    subject.on_next(1)
    assert told == [(way, number) for number in (1, 2, 3) for way in ("in", "out")]


# With threads.


def numbers_on(scheduler: abc.SchedulerBase) -> Observable[int]:
    # Not without end: what works inside of `subscribe_on` cannot be disposed of.
    return rx.range(5000).pipe(ops.subscribe_on(scheduler))


class Item:
    """Counts how many of its kind are alive, and how many ever were."""

    alive = 0
    most = 0

    def __init__(self) -> None:
        Item.alive += 1
        Item.most = max(Item.most, Item.alive)

    def __del__(self) -> None:
        Item.alive -= 1


@pytest.mark.realtime
@pytest.mark.parametrize("observers", ["pool", "own thread", "new thread"])
def test_r9_the_program_of_an_endless_loop_before_a_pool_has_a_flat_memory(observers):
    """R9: a subject, `observe_on` a pool, a loop without a pause; here with a bound in between."""
    Item.alive = Item.most = 0
    made: dict[str, Callable[[], Any]] = {
        "pool": lambda: ThreadPoolScheduler(2),
        "own thread": lambda: None,
        "new thread": NewThreadScheduler,
    }
    scheduler = made[observers]()
    subject: Subject[Item] = Subject()
    seen = 0
    over = threading.Event()

    def work(item: Item) -> None:
        nonlocal seen
        seen += 1

    subject.pipe(
        on_backpressure("block", 10, scheduler=scheduler), ops.do_action(work), ops.take(5000)
    ).subscribe(on_completed=over.set)
    while not over.is_set():
        subject.on_next(Item())
    assert seen == 5000
    assert Item.most <= 10 + 4  # those in the hands of the source, the operators, the observer
    if observers == "pool":
        scheduler.executor.shutdown()


@pytest.fixture
def restless() -> Iterator[None]:
    """Switch threads as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.realtime
@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("capacity", [1, 7])
def test_r9_block_loses_nothing_and_keeps_the_order(capacity):
    """R9: one item at a time, on one thread, the end after all."""
    log = Log()
    threads = set()
    working = threading.Lock()

    def observe(item: int) -> int:
        assert working.acquire(blocking=False), "two at a time"
        threads.add(threading.current_thread())
        working.release()
        return item

    numbers = rx.range(2000).pipe(ops.subscribe_on(NewThreadScheduler()))
    log.subscribe(numbers.pipe(on_backpressure("block", capacity), ops.map(observe)))
    assert log.over.wait(30)
    assert log.told == [*range(2000), "end"]
    assert threading.main_thread() not in threads


@pytest.mark.realtime
@pytest.mark.parametrize("overflow", ["block", "drop_newest", "drop_oldest"])
def test_r9_disposing_lets_a_source_end_that_waits_for_room(overflow):
    """R9: from the observer's thread and from a foreign one."""
    for foreign in (False, True):
        ended = threading.Event()
        reached = threading.Event()

        def produce(observer: Any, scheduler: Any, ended: threading.Event = ended) -> Any:
            stopped = threading.Event()

            def loop() -> None:
                while not stopped.is_set():
                    observer.on_next(0)
                ended.set()

            threading.Thread(target=loop, daemon=True).start()
            return rx.disposable.Disposable(stopped.set)

        hold = threading.Event()

        def observe(item: int, reached: threading.Event = reached, hold: Any = hold) -> None:
            reached.set()
            hold.wait(30)

        bounded = rx.create(produce).pipe(on_backpressure(overflow, 2))
        if foreign:
            subscription = bounded.subscribe(observe)
            assert reached.wait(30)
            subscription.dispose()
            hold.set()
        else:
            hold.set()
            bounded.pipe(ops.take(1)).subscribe(observe)
        assert ended.wait(30)


@pytest.mark.realtime
def test_r9_a_source_on_the_thread_of_its_observer_cannot_be_made_to_wait():
    """R9: it would wait for itself; the error names what would do."""
    thread = EventLoopScheduler(exit_if_empty=True)
    log = Log()
    bounded = numbers_on(thread).pipe(on_backpressure("block", 2, scheduler=thread))
    log.subscribe(bounded)
    assert log.over.wait(30)
    (error,) = log.told
    assert "delivers on the thread on which its observer works" in str(error)
    assert "use another overflow, 'drop_oldest'" in str(error)


def test_r9_an_event_loop_is_never_made_to_wait():
    """R9: not even for an observer on another thread."""
    log = Log()

    async def main() -> None:
        subject: Subject[int] = Subject()
        log.subscribe(subject.pipe(on_backpressure("block", 2)))
        subject.on_next(1)

    asyncio.run(main())
    assert log.over.wait(30)
    (error,) = log.told
    assert "delivers on the thread of an event loop" in str(error)


@pytest.mark.realtime
@pytest.mark.parametrize("kind", [AsyncIOScheduler, AsyncIOThreadSafeScheduler])
def test_r9_a_thread_waits_for_an_observer_in_an_event_loop(kind: Callable[..., Any]):
    """R9: though the scheduler is the one that must not be called from another thread."""

    async def main() -> list[int]:
        loop = asyncio.get_running_loop()
        told: list[int] = []
        over = loop.create_future()
        numbers = numbers_on(NewThreadScheduler()).pipe(
            on_backpressure("block", 5, scheduler=kind(loop)), ops.take(300)
        )
        numbers.subscribe(told.append, on_completed=lambda: over.set_result(None))
        await asyncio.wait_for(over, 30)
        return told

    assert asyncio.run(main()) == list(range(300))


@pytest.mark.realtime
def test_r9_it_stands_on_an_edge_too():
    """R2, R7: any operator does; here another thread works on the items."""
    threads = set()

    def work(item: int) -> int:
        threads.add(threading.current_thread())
        return -item

    numbers = flow(range(300)) | on_backpressure("unbounded") | ops.map(work)
    assert numbers.to_list().run() == [-number for number in range(300)]
    assert threading.main_thread() not in threads
