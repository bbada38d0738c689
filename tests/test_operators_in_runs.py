"""Rule R2: on an edge an operator does what it does behind a RxPY ``Subject``."""

import asyncio
from collections import namedtuple
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.scheduler import CurrentThreadScheduler
from reactivex.scheduler.eventloop import AsyncIOScheduler
from reactivex.subject import Subject

from flows import END, ops, player, sink
from helpers import run
from mimo_rx import Workflow

Script = list[tuple[float, str, Any]]
Operator = Callable[[Observable[Any]], Any]

ITEMS: Script = [
    *((float(at), "x", item) for at, item in enumerate([3, 1, 1, 4, 0, 5], 1)),
    (7.0, "x", END),
]
QUICK: Script = [
    *((at, "x", at) for at in [1.0, 1.1, 1.2, 3.0, 3.3, 6.0, 6.1]),
    (9.0, "x", END),
]
TWO: Script = [
    (1.0, "x", "a"), (2.0, "y", 1), (3.0, "y", 2), (4.0, "x", "b"), (5.0, "x", "c"),
    (6.0, "x", END), (7.0, "y", 3), (8.0, "y", 4), (9.0, "y", END),
]  # fmt: skip
OTHER_FIRST: Script = [
    (1.0, "y", 1), (2.0, "x", "a"), (2.5, "x", "b"), (3.0, "y", 2), (4.0, "x", "c"),
    (5.0, "y", END), (6.0, "x", "d"), (7.0, "x", END),
]  # fmt: skip
Pair = namedtuple("Pair", "one two")


class Reference(AsyncIOScheduler):
    """Undelayed work on RxPY's own trampoline, delayed work on the loop's clock."""

    def __init__(self, loop):
        super().__init__(loop)
        self._began = datetime.now(UTC) - timedelta(seconds=loop.time())

    @property
    def now(self):
        return self._began + timedelta(seconds=self._loop.time())

    def schedule(self, action, state=None):
        return CurrentThreadScheduler.singleton().schedule(action, state)


def fail(item: Any) -> Any:
    """Raise on 4."""
    if item == 4:
        raise ValueError("four")
    return item


def user_made(source: Observable[Any]) -> Observable[Any]:
    """Deliver each item twice, and one more at the end."""

    def subscribe(observer, scheduler=None):
        def on_next(item):
            observer.on_next(item)
            observer.on_next(item)

        def on_completed():
            observer.on_next("end")
            observer.on_completed()

        return source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)

    return Observable(subscribe)


def lists(windows: Operator) -> Operator:
    """Turn windows into lists, so that they can be compared."""
    return rx.compose(windows, ops.flat_map(lambda window: window.pipe(ops.to_list())))


def groups(key: Callable[[Any], Any]) -> Operator:
    return rx.compose(
        ops.group_by(key),
        ops.flat_map(lambda group: group.pipe(ops.map(lambda item: (group.key, item)))),
    )


def intervals(item: Any) -> Observable[Any]:
    return rx.timer(0.5, 0.75).pipe(ops.map(lambda tick: (item, tick)), ops.take(3))


PLAIN: dict[str, Operator] = {
    "all": ops.all(lambda item: item < 4),
    "as_observable": ops.as_observable(),
    "average": ops.average(),
    "catch, fallback": rx.compose(ops.map(fail), ops.catch(rx.of("caught", "twice"))),
    "catch, handler": rx.compose(ops.map(fail), ops.catch(lambda error, _: rx.of(str(error)))),
    "concat": ops.concat(rx.of("more", "and more")),
    "concat_map": ops.concat_map(lambda item: rx.of(item, -item)),
    "concat_map, inner in time": ops.concat_map(intervals),
    "contains": ops.contains(4),
    "count": ops.count(),
    "default_if_empty": rx.compose(ops.filter(lambda item: False), ops.default_if_empty("none")),
    "delay": ops.delay(2.5),
    "delay_with_mapper": ops.delay_with_mapper(lambda item: rx.timer(item / 2)),
    "dematerialize": rx.compose(ops.materialize(), ops.dematerialize()),
    "distinct": ops.distinct(),
    "distinct_until_changed": ops.distinct_until_changed(),
    "do_action": ops.do_action(lambda item: None),
    "do_action, failing": ops.do_action(fail),
    "element_at": ops.element_at(2),
    "element_at, beyond": ops.element_at(20),
    "element_at_or_default": ops.element_at_or_default(20, "none"),
    "exclusive": rx.compose(ops.map(intervals), ops.exclusive()),
    "expand": ops.expand(lambda item: rx.of(item - 1) if item > 0 else rx.empty()),
    "filter": ops.filter(lambda item: item > 1),
    "filter, failing": ops.filter(fail),
    "filter_indexed": ops.filter_indexed(lambda item, index: index % 2 == 0),
    "finally_action": ops.finally_action(lambda: None),
    "find": ops.find(lambda item, index, source: item == 4),
    "first": ops.first(),
    "first, of none": ops.first(lambda item: item > 9),
    "first_or_default": ops.first_or_default(lambda item: item > 9, "none"),
    "flat_map": ops.flat_map(lambda item: rx.of(item, item * 10)),
    "flat_map, failing mapper": ops.flat_map(fail),
    "flat_map, failing inner": ops.flat_map(
        lambda i: rx.throw(KeyError(i)) if i == 4 else rx.of(i)
    ),
    "flat_map, inner in time": ops.flat_map(intervals),
    "flat_map, iterables": ops.flat_map(lambda item: [item, item]),
    "flat_map_indexed": ops.flat_map_indexed(lambda item, index: rx.of((index, item))),
    "flat_map_latest": ops.flat_map_latest(intervals),
    "group_by": groups(lambda item: item % 2),
    "group_by, failing key": groups(fail),
    "ignore_elements": ops.ignore_elements(),
    "is_empty": ops.is_empty(),
    "last": ops.last(),
    "last, of none": ops.last(lambda item: item > 9),
    "map": ops.map(lambda item: item + 1),
    "map, failing": ops.map(fail),
    "materialize": rx.compose(ops.materialize(), ops.map(str)),
    "max": ops.max(),
    "merge with a timer": ops.merge(rx.timer(2.5)),
    "merge, max_concurrent": rx.compose(ops.map(intervals), ops.merge(max_concurrent=2)),
    "min": ops.min(),
    "multicast": ops.multicast(subject_factory=lambda _: Subject(), mapper=lambda s: s),
    "on_error_resume_next": rx.compose(ops.map(fail), ops.on_error_resume_next(rx.of("next"))),
    "pairwise": ops.pairwise(),
    "pluck_attr": rx.compose(ops.map(lambda item: Pair(item, 2)), ops.pluck_attr("one")),
    "pluck": rx.compose(ops.map(lambda item: {"one": item}), ops.pluck("one")),
    "publish and ref_count": rx.compose(ops.publish(), ops.ref_count()),
    "publish, mapper": ops.publish(lambda shared: rx.merge(shared, shared.pipe(ops.map(str)))),
    "reduce": ops.reduce(lambda total, item: total + item),
    "reduce, seed": ops.reduce(lambda total, item: total + item, 100),
    "replay and ref_count": lambda source: source.pipe(ops.replay(2), ops.ref_count()),
    "scan": ops.scan(lambda total, item: total + item),
    "scan, seed": ops.scan(lambda total, item: total + item, 100),
    "scan, failing": ops.scan(lambda total, item: fail(item), 0),
    "sequence_equal": ops.sequence_equal([3, 1, 1, 4, 0, 5]),
    "share": ops.share(),
    "single, of many": ops.single(),
    "skip": ops.skip(2),
    "skip_last": ops.skip_last(2),
    "skip_while": ops.skip_while(lambda item: item != 4),
    "some": ops.some(lambda item: item == 4),
    "slice": ops.slice(1, 5, 2),
    "starmap": rx.compose(ops.map(lambda item: (item, 2)), ops.starmap(lambda a, b: a * b)),
    "start_with": ops.start_with("a", "b"),
    "sum": ops.sum(),
    "switch_latest": rx.compose(ops.map(intervals), ops.switch_latest()),
    "take": ops.take(3),
    "take, none": ops.take(0),
    "take, more": ops.take(30),
    "take_last": ops.take_last(2),
    "take_last_buffer": ops.take_last_buffer(2),
    "take_while": ops.take_while(lambda item: item != 4),
    "take_while, inclusive": ops.take_while(lambda item: item != 4, inclusive=True),
    "take_while, failing": ops.take_while(fail),
    "throw": ops.flat_map(lambda item: rx.throw(RuntimeError("thrown"))),
    "to_dict": ops.to_dict(lambda item: item),
    "to_list": ops.to_list(),
    "to_set": ops.to_set(),
    "user-made": user_made,
    "window_with_count": lists(ops.window_with_count(2)),
    "window_with_count, overlapping": lists(ops.window_with_count(3, 2)),
    "zip_with_iterable": ops.zip_with_iterable("abc"),
    "amb, ours first": ops.amb(rx.timer(2.5)),
    "amb, theirs first": ops.amb(rx.timer(0.5)),
    "buffer_with_count": ops.buffer_with_count(4),
    "buffer_when": ops.buffer_when(lambda: rx.timer(2.5)),
    "buffer_toggle": ops.buffer_toggle(rx.timer(1.5, 2).pipe(ops.take(2)), lambda _: rx.timer(1.0)),
    "min_by": ops.min_by(lambda item: -item),
}

TIMED: dict[str, Operator] = {
    "buffer_with_time": ops.buffer_with_time(2.0),
    "buffer_with_time, overlapping": ops.buffer_with_time(2.0, 1.5),
    "buffer_with_time_or_count": ops.buffer_with_time_or_count(2.0, 2),
    "debounce": ops.debounce(0.5),
    "delay_subscription": ops.delay_subscription(0.5),
    "sample": ops.sample(2.0),
    "skip_last_with_time": ops.skip_last_with_time(2.0),
    "skip_until_with_time": ops.skip_until_with_time(2.0),
    "skip_with_time": ops.skip_with_time(2.0),
    "take_last_with_time": ops.take_last_with_time(4.0),
    "take_until_with_time": ops.take_until_with_time(3.1),
    "take_with_time": ops.take_with_time(3.1),
    "throttle_first": ops.throttle_first(0.5),
    "throttle_with_mapper": ops.throttle_with_mapper(lambda item: rx.timer(0.25)),
    "throttle_with_timeout": ops.throttle_with_timeout(0.15),
    "timeout": ops.timeout(2.0),
    "timeout, fallback": ops.timeout(2.0, rx.of("late")),
    "timeout_with_mapper": ops.timeout_with_mapper(rx.timer(5.0), lambda item: rx.timer(2.0)),
    "time_interval": rx.compose(
        ops.time_interval(), ops.map(lambda each: round(each.interval.total_seconds(), 3))
    ),
    "timestamp": rx.compose(
        ops.timestamp(),
        ops.pairwise(),
        ops.starmap(lambda one, two: round((two.timestamp - one.timestamp).total_seconds(), 3)),
    ),
    "window_with_time": lists(ops.window_with_time(2.0)),
    "window_with_time_or_count": lists(ops.window_with_time_or_count(2.0, 2)),
    "group_by_until": rx.compose(
        ops.group_by_until(lambda item: int(item) % 2, None, lambda _: rx.timer(2.0)),
        ops.flat_map(lambda group: group.pipe(ops.to_list())),
    ),
}

WITH_ANOTHER: dict[str, Callable[[Any], Operator]] = {
    "amb": lambda y: ops.amb(y),
    "buffer": lambda y: ops.buffer(y),
    "combine_latest": lambda y: ops.combine_latest(y),
    "fork_join": lambda y: ops.fork_join(y),
    "join": lambda y: ops.join(y, lambda _: rx.timer(1.5), lambda _: rx.timer(1.5)),
    "merge": lambda y: ops.merge(y),
    "sample": lambda y: ops.sample(y.pipe(ops.concat(rx.timer(5.0)))),
    "sequence_equal": lambda y: ops.sequence_equal(y),
    "skip_until": lambda y: ops.skip_until(y),
    "take_until": lambda y: ops.take_until(y),
    "window": lambda y: lists(ops.window(y)),
    "with_latest_from": lambda y: ops.with_latest_from(y),
    "zip": lambda y: ops.zip(y),
}

Outcome = tuple[list[Any], Any]


class Record:
    """What came out, and when."""

    def __init__(self) -> None:
        self.log: list[Any] = []

    def note(self, what: Any) -> None:
        now = asyncio.get_running_loop().time()
        self.log.append((round(now - self.began, 6), what))

    def begin(self) -> None:
        self.began = asyncio.get_running_loop().time()

    def watch(self) -> Any:
        """Make an operator that writes down all that passes."""
        return ops.do_action(
            lambda item: self.note(("next", item)),
            lambda error: self.note(("error", repr(error))),
            lambda: self.note("completed"),
        )


def expected(script: Script, operator: Callable[[Any], Operator]) -> list[Any]:
    """Return what comes out behind subjects that are fed by `script`."""
    record = Record()

    async def main() -> None:
        record.begin()
        subjects: dict[str, Subject[Any]] = {"x": Subject(), "y": Subject()}
        watched = subjects["x"].pipe(operator(subjects["y"]), record.watch())
        loop = asyncio.get_running_loop()
        subscription = watched.subscribe(on_error=lambda _: None, scheduler=Reference(loop))
        for at, name, item in script:
            await asyncio.sleep(max(0.0, record.began + at - loop.time()))
            if item is END:
                subjects[name].on_completed()
            else:
                subjects[name].on_next(item)
        await asyncio.sleep(30)  # for what operators still hold
        subscription.dispose()

    run(main())
    return record.log


def delivered(script: Script, operator: Callable[[Any], Operator]) -> tuple[list[Any], list[Any]]:
    """Return what comes out of an edge of a run, and what the stream behind it took."""
    record = Record()
    taken: list[Any] = []
    workflow = Workflow()
    played = workflow.add_stream(player(script, ["x", "y"]))
    played["x"] | operator(played["y"]) | record.watch() | workflow.add_stream(sink(taken))

    async def main() -> Any:
        record.begin()
        return await asyncio.gather(workflow.run(), return_exceptions=True)

    (outcome,) = run(main())
    failed = isinstance(outcome, Exception)
    assert record.log[-1][1] == (("error", repr(outcome)) if failed else "completed")
    return record.log, taken


def compare(script: Script, operator: Callable[[Any], Operator]) -> None:
    want = expected(script, operator)
    assert want, "the reference says something"
    log, taken = delivered(script, operator)
    assert log == want
    if want[-1][1] == "completed":
        assert taken == [what[1] for _, what in want[:-1]]


@pytest.mark.parametrize("name", PLAIN)
def test_r2_an_operator_does_on_an_edge_what_it_does_behind_a_subject(name):
    """R2: what it delivers, fails and completes with, and when."""
    compare(ITEMS, lambda _: PLAIN[name])


@pytest.mark.parametrize("name", PLAIN | TIMED)
def test_r2_an_operator_on_an_edge_treats_an_empty_sequence_as_behind_a_subject(name):
    """R2: completion without an item."""
    compare([(2.0, "x", END)], lambda _: (PLAIN | TIMED)[name])


@pytest.mark.parametrize("name", TIMED)
def test_r2_an_operator_in_time_does_on_an_edge_what_it_does_behind_a_subject(name):
    """R2, R4: on the loop's clock."""
    compare(QUICK, lambda _: TIMED[name])


@pytest.mark.parametrize("script", [TWO, OTHER_FIRST], ids=["x first", "y first"])
@pytest.mark.parametrize("name", WITH_ANOTHER)
def test_r2_an_operator_over_two_ports_does_what_it_does_behind_two_subjects(name, script):
    """R2: as zip, merge and concat with a port of the same workflow."""
    compare(script, WITH_ANOTHER[name])
