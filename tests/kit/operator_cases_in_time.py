"""The cases that need a clock, or another source that delivers on its own."""

from datetime import timedelta
from typing import Any

import reactivex as rx
from reactivex import Observable

from flows import ops
from operator_cases import Make, after, fail, lists


def ticks(item: Any) -> Observable[Any]:
    """Deliver three items: the first one soon, the last one much later."""
    return rx.timer(0.53, 0.77).pipe(ops.map(lambda tick: (item, tick)), ops.take(3))


def soon(item: Any) -> Observable[Any]:
    return rx.timer(0.251)


def gaps() -> Any:
    """Turn timestamps into the time between them."""
    return rx.compose(
        ops.pairwise(),
        ops.starmap(lambda one, two: round((two.timestamp - one.timestamp).total_seconds(), 3)),
    )


TIMED: dict[str, Make] = {
    "amb, ours first": lambda _: ops.amb(rx.timer(2.5)),
    "amb, theirs first": lambda _: ops.amb(rx.timer(0.5)),
    "buffer": lambda _: ops.buffer(rx.interval(1.37).pipe(ops.take(4))),
    "buffer_toggle": lambda _: ops.buffer_toggle(
        rx.timer(1.53, 2.07).pipe(ops.take(2)), lambda _: rx.timer(1.03)
    ),
    "buffer_when": lambda _: ops.buffer_when(lambda: rx.timer(2.53)),
    "buffer_with_time": lambda _: ops.buffer_with_time(2.0),
    "buffer_with_time, overlapping": lambda _: ops.buffer_with_time(2.0, 1.5),
    "buffer_with_time_or_count": lambda _: ops.buffer_with_time_or_count(2.0, 2),
    "catch": lambda _: rx.compose(ops.map(fail), ops.catch(rx.timer(1.0))),
    "combine_latest": lambda _: ops.combine_latest(rx.interval(1.7).pipe(ops.take(3))),
    "concat": lambda _: ops.concat(rx.timer(1.0)),
    "concat_all": lambda _: after(ticks, ops.concat_all()),
    "concat_map": lambda _: ops.concat_map(ticks),
    "debounce": lambda _: ops.debounce(0.5),
    "delay": lambda _: ops.delay(2.53),
    "delay, timedelta": lambda _: ops.delay(timedelta(seconds=0.15)),
    "delay_subscription": lambda _: ops.delay_subscription(0.5),
    "delay_with_mapper": lambda _: ops.delay_with_mapper(lambda item: rx.timer(item / 2 + 0.01)),
    "delay_with_mapper, both": lambda _: ops.delay_with_mapper(rx.timer(0.4), soon),
    "exclusive": lambda _: after(ticks, ops.exclusive()),
    "expand": lambda _: ops.expand(
        lambda i: rx.timer(0.57).pipe(ops.map(lambda _: i - 1)) if i > 2 else rx.empty()
    ),
    "flat_map": lambda _: ops.flat_map(ticks),
    "flat_map, failing inside": lambda _: ops.flat_map(
        lambda item: rx.timer(0.3).pipe(ops.map(lambda _: fail(int(item + 0.7))))
    ),
    "flat_map_indexed": lambda _: ops.flat_map_indexed(lambda item, index: ticks(index)),
    "flat_map_latest": lambda _: ops.flat_map_latest(ticks),
    "fork_join": lambda _: ops.fork_join(rx.timer(20.0)),
    "group_by_until": lambda _: rx.compose(
        ops.group_by_until(lambda item: int(item) % 2, None, lambda _: rx.timer(2.0)),
        ops.flat_map(lambda group: group.pipe(ops.to_list())),
    ),
    "group_join": lambda _: lists(
        rx.compose(
            ops.group_join(
                rx.interval(1.03).pipe(ops.take(5)),
                lambda _: rx.timer(1.51),
                lambda _: rx.timer(1.57),
            ),
            ops.map(lambda pair: pair[1]),
        )
    ),
    "join": lambda _: ops.join(
        rx.interval(1.03).pipe(ops.take(5)), lambda _: rx.timer(1.51), lambda _: rx.timer(1.57)
    ),
    "merge": lambda _: ops.merge(rx.timer(2.53)),
    "merge, max_concurrent": lambda _: after(ticks, ops.merge(max_concurrent=2)),
    "merge_all": lambda _: after(ticks, ops.merge_all()),
    "multicast": lambda _: ops.multicast(
        subject_factory=lambda scheduler: rx.subject.Subject(), mapper=ops.delay(0.17)
    ),
    "on_error_resume_next": lambda _: ops.on_error_resume_next(rx.timer(1.0)),
    "publish, mapper": lambda _: ops.publish(ops.delay(0.17)),
    "publish_value, mapper": lambda _: ops.publish_value("before", ops.delay(0.17)),
    "replay": lambda _: rx.compose(ops.replay(window=1.0), ops.ref_count()),
    "replay, mapper": lambda _: ops.replay(mapper=ops.delay(0.17)),
    "sample": lambda _: ops.sample(2.0),
    "sample, sampler": lambda _: ops.sample(rx.interval(1.7).pipe(ops.take(3))),
    "sequence_equal": lambda _: ops.sequence_equal(rx.interval(1.7).pipe(ops.take(3))),
    "skip_last_with_time": lambda _: ops.skip_last_with_time(2.0),
    "skip_until": lambda _: ops.skip_until(rx.timer(2.0)),
    "skip_until_with_time": lambda _: ops.skip_until_with_time(2.0),
    "skip_with_time": lambda _: ops.skip_with_time(2.0),
    "switch_latest": lambda _: after(ticks, ops.switch_latest()),
    "switch_map": lambda _: ops.switch_map(ticks),
    "switch_map_indexed": lambda _: ops.switch_map_indexed(lambda item, index: ticks(index)),
    "take_last_with_time": lambda _: ops.take_last_with_time(4.0),
    "take_until": lambda _: ops.take_until(rx.timer(2.0)),
    "take_until_with_time": lambda _: ops.take_until_with_time(3.2),
    "take_with_time": lambda _: ops.take_with_time(3.2),
    "throttle_first": lambda _: ops.throttle_first(0.5),
    "throttle_first, no time": lambda _: ops.throttle_first(0.0),
    "throttle_with_mapper": lambda _: ops.throttle_with_mapper(soon),
    "throttle_with_timeout": lambda _: ops.throttle_with_timeout(0.15),
    "time_interval": lambda _: rx.compose(
        ops.time_interval(), ops.map(lambda each: round(each.interval.total_seconds(), 3))
    ),
    "timeout": lambda _: ops.timeout(2.0),
    "timeout, fallback": lambda _: ops.timeout(2.0, rx.of("late")),
    "timeout_with_mapper": lambda _: ops.timeout_with_mapper(
        rx.timer(5.0), lambda item: rx.timer(2.0)
    ),
    "timeout_with_mapper, fallback": lambda _: ops.timeout_with_mapper(
        rx.timer(0.5), None, rx.timer(1.0)
    ),
    "timestamp": lambda _: rx.compose(ops.timestamp(), gaps()),
    "to_marbles": lambda _: ops.to_marbles(1.0),
    "window": lambda _: lists(ops.window(rx.interval(1.37).pipe(ops.take(4)))),
    "window_toggle": lambda _: lists(
        ops.window_toggle(rx.timer(1.53, 2.07).pipe(ops.take(2)), lambda _: rx.timer(1.03))
    ),
    "window_when": lambda _: lists(ops.window_when(lambda: rx.timer(2.53))),
    "window_with_time": lambda _: lists(ops.window_with_time(2.0)),
    "window_with_time, overlapping": lambda _: lists(ops.window_with_time(2.0, 1.5)),
    "window_with_time_or_count": lambda _: lists(ops.window_with_time_or_count(2.0, 2)),
    "with_latest_from": lambda _: ops.with_latest_from(rx.interval(1.7).pipe(ops.take(3))),
    "zip": lambda _: ops.zip(rx.interval(1.7)),
    "zip_latest": lambda _: ops.zip_latest(rx.interval(1.7).pipe(ops.take(3))),
}

WITH_ANOTHER: dict[str, Make] = {
    "amb": lambda y: ops.amb(y),
    "buffer": lambda y: ops.buffer(y),
    "buffer_toggle": lambda y: ops.buffer_toggle(y, lambda _: rx.timer(1.53)),
    "combine_latest": lambda y: ops.combine_latest(y),
    "fork_join": lambda y: ops.fork_join(y),
    "group_join": lambda y: lists(
        rx.compose(
            ops.group_join(y, lambda _: rx.timer(1.51), lambda _: rx.timer(1.57)),
            ops.map(lambda pair: pair[1]),
        )
    ),
    "join": lambda y: ops.join(y, lambda _: rx.timer(1.51), lambda _: rx.timer(1.57)),
    "merge": lambda y: ops.merge(y),
    "sample": lambda y: ops.sample(y),
    "sequence_equal": lambda y: ops.sequence_equal(y),
    "skip_until": lambda y: ops.skip_until(y),
    "take_until": lambda y: ops.take_until(y),
    "timeout_with_mapper": lambda y: ops.timeout_with_mapper(y, lambda item: rx.timer(2.03)),
    "window": lambda y: lists(ops.window(y)),
    "window_toggle": lambda y: lists(ops.window_toggle(y, lambda _: rx.timer(1.53))),
    "with_latest_from": lambda y: ops.with_latest_from(y),
    "zip": lambda y: ops.zip(y),
    "zip_latest": lambda y: ops.zip_latest(y),
}
"""The cases that read another port of the same workflow, and subscribe to it at the beginning.

Operators that subscribe to it later (``concat``) cannot be compared with a Subject: a Subject loses
the items that nobody takes, while here the producer waits (R12).
"""
