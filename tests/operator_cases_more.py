"""The second half of the cases, from `pluck` on."""

from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex.scheduler import CurrentThreadScheduler, ImmediateScheduler

from flows import ops
from operator_cases import (
    CASES,
    Make,
    Pair,
    after,
    fail,
    fail_at,
    fail_or_one,
    large,
    lists,
    thrown,
    twice,
)


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


def both(shared: Observable[Any]) -> Observable[Any]:
    """Read an Observable twice."""
    return rx.merge(shared, shared.pipe(ops.map(str)))


MORE: dict[str, Make] = {
    "pluck": lambda _: after(lambda item: {"one": item}, ops.pluck("one")),
    "pluck, missing": lambda _: after(lambda item: {item: item}, ops.pluck(3)),
    "pluck_attr": lambda _: after(lambda item: Pair(item, 2), ops.pluck_attr("one")),
    "pluck_attr, missing": lambda _: ops.pluck_attr("gone"),
    "publish": lambda _: rx.compose(ops.publish(), ops.ref_count()),
    "publish, mapper": lambda _: ops.publish(both),
    "publish_value": lambda _: rx.compose(ops.publish_value("before"), ops.ref_count()),
    "publish_value, mapper": lambda _: ops.publish_value("before", both),
    "reduce": lambda _: ops.reduce(lambda total, item: total + item),
    "reduce, seed": lambda _: ops.reduce(lambda total, item: total + item, 100),
    "reduce, failing": lambda _: ops.reduce(lambda total, item: fail(item), 0),
    "ref_count": lambda _: rx.compose(ops.replay(2), ops.ref_count()),
    "replay": lambda _: rx.compose(ops.replay(2), ops.ref_count()),
    "replay, mapper": lambda _: ops.replay(mapper=both),
    "scan": lambda _: ops.scan(lambda total, item: total + item),
    "scan, seed": lambda _: ops.scan(lambda total, item: total + item, 100),
    "scan, failing": lambda _: ops.scan(lambda total, item: fail(item), 0),
    "sequence_equal": lambda _: ops.sequence_equal([3, 1, 1, 4, 0, 5]),
    "sequence_equal, no": lambda _: ops.sequence_equal([3, 2]),
    "sequence_equal, error": lambda _: ops.sequence_equal(thrown()),
    "sequence_equal, failing": lambda _: ops.sequence_equal([1, 2], lambda one, two: fail(4)),
    "share": lambda _: ops.share(),
    "single": lambda _: ops.single(),
    "single, predicate": lambda _: ops.single(lambda item: item == 4),
    "single, failing": lambda _: ops.single(fail),
    "single_or_default": lambda _: ops.single_or_default(None, "none"),
    "single_or_default, predicate": lambda _: ops.single_or_default(large, "none"),
    "single_or_default_async": lambda _: ops.single_or_default_async(),
    "single_or_default_async, default": lambda _: ops.single_or_default_async(True, "none"),
    "skip": lambda _: ops.skip(2),
    "skip, none": lambda _: ops.skip(0),
    "skip_last": lambda _: ops.skip_last(2),
    "skip_until": lambda _: ops.skip_until(rx.never()),
    "skip_until, at once": lambda _: ops.skip_until(rx.of("now")),
    "skip_until, error": lambda _: ops.skip_until(thrown()),
    "skip_while": lambda _: ops.skip_while(lambda item: item != 4),
    "skip_while, failing": lambda _: ops.skip_while(lambda item: fail(item) != 9),
    "skip_while_indexed": lambda _: ops.skip_while_indexed(lambda item, index: index < 2),
    "skip_while_indexed, failing": lambda _: ops.skip_while_indexed(fail_at),
    "slice": lambda _: ops.slice(1, 5, 2),
    "slice, from the end": lambda _: ops.slice(-3),
    "slice, to the end": lambda _: ops.slice(1, -2),
    "slice, mixed": lambda _: ops.slice(-5, 4, 2),
    "some": lambda _: ops.some(lambda item: item == 4),
    "some, any": lambda _: ops.some(),
    "some, failing": lambda _: ops.some(lambda item: fail(item) == 9),
    "starmap": lambda _: after(lambda i: (i, 2), ops.starmap(lambda a, b: a * b)),
    "starmap, nothing": lambda _: after(lambda i: (i, 2), ops.starmap()),
    "starmap, failing": lambda _: after(lambda i: (i,), ops.starmap(fail)),
    "starmap_indexed": lambda _: after(lambda i: (i, 2), ops.starmap_indexed(lambda a, b, i: i)),
    "starmap_indexed, failing": lambda _: after(lambda i: (i,), ops.starmap_indexed(fail_at)),
    "start_with": lambda _: ops.start_with("a", "b"),
    "start_with, nothing": lambda _: ops.start_with(),
    "subscribe_on": lambda _: ops.subscribe_on(ImmediateScheduler.singleton()),
    "subscribe_on, trampoline": lambda _: ops.subscribe_on(CurrentThreadScheduler.singleton()),
    "sum": lambda _: ops.sum(),
    "sum, key": lambda _: ops.sum(lambda item: -item),
    "sum, failing": lambda _: ops.sum(fail),
    "switch_latest": lambda _: after(twice, ops.switch_latest()),
    "switch_map": lambda _: ops.switch_map(twice),
    "switch_map, failing": lambda _: ops.switch_map(fail_or_one),
    "switch_map_indexed": lambda _: ops.switch_map_indexed(lambda item, index: rx.of(index, item)),
    "switch_map_indexed, failing": lambda _: ops.switch_map_indexed(fail_or_one),
    "take": lambda _: ops.take(3),
    "take, none": lambda _: ops.take(0),
    "take, more": lambda _: ops.take(30),
    "take_last": lambda _: ops.take_last(2),
    "take_last_buffer": lambda _: ops.take_last_buffer(2),
    "take_until": lambda _: ops.take_until(rx.never()),
    "take_until, at once": lambda _: ops.take_until(rx.of("now")),
    "take_until, error": lambda _: ops.take_until(thrown()),
    "take_while": lambda _: ops.take_while(lambda item: item != 4),
    "take_while, inclusive": lambda _: ops.take_while(lambda item: item != 4, inclusive=True),
    "take_while, failing": lambda _: ops.take_while(fail),
    "take_while_indexed": lambda _: ops.take_while_indexed(lambda item, index: index < 2),
    "take_while_indexed, inclusive": lambda _: ops.take_while_indexed(lambda i, n: n < 2, True),
    "take_while_indexed, failing": lambda _: ops.take_while_indexed(fail_at),
    "tap": lambda _: ops.tap(lambda item: None),
    "tap, failing": lambda _: ops.tap(fail),
    "to_dict": lambda _: ops.to_dict(lambda item: item),
    "to_dict, elements": lambda _: ops.to_dict(str, lambda item: [item]),
    "to_dict, failing": lambda _: ops.to_dict(fail),
    "to_iterable": lambda _: ops.to_iterable(),
    "to_list": lambda _: ops.to_list(),
    "to_set": lambda _: ops.to_set(),
    "window": lambda _: lists(ops.window(rx.never())),
    "window, error": lambda _: lists(ops.window(thrown())),
    "window_toggle": lambda _: lists(ops.window_toggle(rx.of(1, 2), lambda opening: rx.never())),
    "window_toggle, failing": lambda _: lists(ops.window_toggle(rx.of(1, 4), fail_or_one)),
    "window_when": lambda _: lists(ops.window_when(rx.never)),
    "window_when, error": lambda _: lists(ops.window_when(thrown)),
    "window_with_count": lambda _: lists(ops.window_with_count(2)),
    "window_with_count, overlapping": lambda _: lists(ops.window_with_count(3, 2)),
    "window_with_count, apart": lambda _: lists(ops.window_with_count(1, 2)),
    "with_latest_from": lambda _: ops.with_latest_from(rx.of("a", "b")),
    "with_latest_from, error": lambda _: ops.with_latest_from(thrown()),
    "zip": lambda _: ops.zip(rx.of("a", "b")),
    "zip, error": lambda _: ops.zip(thrown()),
    "zip_latest": lambda _: ops.zip_latest(rx.of("a", "b")),
    "zip_latest, error": lambda _: ops.zip_latest(thrown()),
    "zip_with_iterable": lambda _: ops.zip_with_iterable("abc"),
    "zip_with_list": lambda _: ops.zip_with_list([1, 2]),
    "zip_with_list, longer": lambda _: ops.zip_with_list(range(100)),
}

UNTIMED = CASES | MORE
"""Those that need no clock."""

USERS_OWN: dict[str, Make] = {"user-made": lambda _: user_made}
"""What is not of RxPY."""
