"""RxPY's operators with arguments: the cases of the tests of operators.

A case is a function, so each use of it makes an operator of its own. Its argument is another
source, which few cases use. Its name is the operator's name, with a remark after a comma.
"""

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex.notification import OnCompleted, OnError, OnNext
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import BehaviorSubject, ReplaySubject, Subject

from flows import ops

Operator = Callable[[Observable[Any]], Any]
Make = Callable[[Any], Operator]

Pair = namedtuple("Pair", "one two")


class Unwanted(Exception):
    """What `fail` raises."""


def fail(item: Any) -> Any:
    """Raise on 4."""
    if item == 4:
        raise Unwanted("four")
    return item


def fail_at(item: Any, index: int) -> Any:
    """Raise on the fourth item."""
    return fail(index + 1)


def lists(windows: Operator) -> Operator:
    """Turn windows into lists, so that they can be compared."""
    return rx.compose(windows, ops.flat_map(lambda window: window.pipe(ops.to_list())))


def members(groups: Operator) -> Operator:
    """Turn groups into pairs of key and member."""
    return rx.compose(
        groups,
        ops.flat_map(lambda group: group.pipe(ops.map(lambda item: (group.key, item)))),
    )


def after(convert: Callable[[Any], Any], operator: Operator) -> Operator:
    """Make from the items what `operator` takes."""
    return rx.compose(ops.map(convert), operator)


def twice(item: Any) -> Observable[Any]:
    return rx.of(item, item)


def fail_or_one(item: Any, *_: Any) -> Observable[Any]:
    """Raise on 4; make an Observable of any other item."""
    return rx.of(fail(item))


def fail_inside(item: Any) -> Observable[Any]:
    return rx.throw(Unwanted("inside")) if item == 4 else rx.of(item)


def noted(item: Any) -> Any:
    """Make a notification of an item: an error of 4, an end of 5."""
    special: dict[Any, Any] = {4: OnError(Unwanted("noted")), 5: OnCompleted()}
    return special.get(item) or OnNext(item)


def large(item: Any) -> bool:
    return bool(item > 9)


def thrown() -> Observable[Any]:
    return rx.throw(Unwanted("thrown"))


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


CASES: dict[str, Make] = {
    "all": lambda _: ops.all(lambda item: item < 4),
    "all, true": lambda _: ops.all(lambda item: item < 9),
    "all, failing": lambda _: ops.all(fail),
    "amb, never": lambda _: ops.amb(rx.never()),
    "amb, at once": lambda _: ops.amb(rx.of("theirs")),
    "amb, error": lambda _: ops.amb(thrown()),
    "as_observable": lambda _: ops.as_observable(),
    "average": lambda _: ops.average(),
    "average, failing key": lambda _: ops.average(fail),
    "buffer": lambda _: ops.buffer(rx.never()),
    "buffer, error": lambda _: ops.buffer(thrown()),
    "buffer_toggle": lambda _: ops.buffer_toggle(rx.of(1, 2), lambda opening: rx.never()),
    "buffer_toggle, failing": lambda _: ops.buffer_toggle(rx.of(1, 4), fail_or_one),
    "buffer_when": lambda _: ops.buffer_when(rx.never),
    "buffer_when, error": lambda _: ops.buffer_when(thrown),
    "buffer_with_count": lambda _: ops.buffer_with_count(4),
    "buffer_with_count, apart": lambda _: ops.buffer_with_count(1, 2),
    "buffer_with_count, overlapping": lambda _: ops.buffer_with_count(3, 2),
    "catch, fallback": lambda _: rx.compose(ops.map(fail), ops.catch(rx.of("caught", "twice"))),
    "catch, handler": lambda _: rx.compose(ops.map(fail), ops.catch(lambda e, _: rx.of(str(e)))),
    "catch, failing handler": lambda _: rx.compose(ops.map(fail), ops.catch(lambda e, _: fail(4))),
    "combine_latest, alone": lambda _: ops.combine_latest(),
    "combine_latest": lambda _: ops.combine_latest(rx.of("a", "b")),
    "combine_latest, error": lambda _: ops.combine_latest(thrown()),
    "concat": lambda _: ops.concat(rx.of("more", "and more")),
    "concat, error": lambda _: ops.concat(thrown()),
    "concat_all": lambda _: after(twice, ops.concat_all()),
    "concat_map": lambda _: ops.concat_map(lambda item: rx.of(item, -item)),
    "concat_map, failing": lambda _: ops.concat_map(fail_or_one),
    "concat_map, failing inside": lambda _: ops.concat_map(fail_inside),
    "contains": lambda _: ops.contains(4),
    "contains, no": lambda _: ops.contains(9),
    "contains, comparer": lambda _: ops.contains(-5, lambda one, two: one == -two),
    "contains, failing": lambda _: ops.contains(4, lambda one, two: fail(one)),
    "count": lambda _: ops.count(),
    "count, predicate": lambda _: ops.count(lambda item: item > 1),
    "count, failing": lambda _: ops.count(fail),
    "default_if_empty": lambda _: ops.default_if_empty(),
    "default_if_empty, value": lambda _: rx.compose(
        ops.filter(large), ops.default_if_empty("none")
    ),
    "delay_with_mapper": lambda _: ops.delay_with_mapper(lambda item: rx.empty()),
    "delay_with_mapper, failing": lambda _: ops.delay_with_mapper(fail_or_one),
    "dematerialize": lambda _: rx.compose(ops.materialize(), ops.dematerialize()),
    "dematerialize, error": lambda _: after(noted, ops.dematerialize()),
    "dematerialize, end": lambda _: rx.compose(ops.skip(4), ops.map(noted), ops.dematerialize()),
    "distinct": lambda _: ops.distinct(),
    "distinct, key": lambda _: ops.distinct(lambda item: item % 2),
    "distinct, comparer": lambda _: ops.distinct(None, lambda one, two: one % 3 == two % 3),
    "distinct, failing": lambda _: ops.distinct(fail),
    "distinct_until_changed": lambda _: ops.distinct_until_changed(),
    "distinct_until_changed, key": lambda _: ops.distinct_until_changed(lambda item: item % 2),
    "distinct_until_changed, comparer": lambda _: ops.distinct_until_changed(
        None, lambda one, two: one > two
    ),
    "distinct_until_changed, failing": lambda _: ops.distinct_until_changed(fail),
    "do": lambda _: ops.do(Subject()),
    "do_action": lambda _: ops.do_action(lambda item: None),
    "do_action, failing": lambda _: ops.do_action(fail),
    "do_action, failing end": lambda _: ops.do_action(on_completed=lambda: fail(4)),
    "element_at": lambda _: ops.element_at(2),
    "element_at, beyond": lambda _: ops.element_at(20),
    "element_at_or_default": lambda _: ops.element_at_or_default(2),
    "element_at_or_default, beyond": lambda _: ops.element_at_or_default(20, "none"),
    "exclusive": lambda _: after(twice, ops.exclusive()),
    "exclusive, going on": lambda _: after(lambda item: rx.never(), ops.exclusive()),
    "expand": lambda _: ops.expand(lambda i: rx.of(i - 1) if i and i > 0 else rx.empty()),
    "expand, failing": lambda _: ops.expand(lambda i: rx.of(fail(i) - 1) if i else rx.empty()),
    "filter": lambda _: ops.filter(lambda item: item > 1),
    "filter, failing": lambda _: ops.filter(fail),
    "filter_indexed": lambda _: ops.filter_indexed(lambda item, index: index % 2 == 0),
    "filter_indexed, failing": lambda _: ops.filter_indexed(fail_at),
    "finally_action": lambda _: ops.finally_action(lambda: None),
    "find": lambda _: ops.find(lambda item, index, source: item == 4),
    "find, nothing": lambda _: ops.find(lambda item, index, source: large(item)),
    "find, failing": lambda _: ops.find(lambda item, index, source: fail(item) == 9),
    "find_index": lambda _: ops.find_index(lambda item, index, source: item == 4),
    "find_index, nothing": lambda _: ops.find_index(lambda item, index, source: False),
    "first": lambda _: ops.first(),
    "first, predicate": lambda _: ops.first(lambda item: item > 3),
    "first, of none": lambda _: ops.first(large),
    "first, failing": lambda _: ops.first(lambda item: fail(item) == 9),
    "first_or_default": lambda _: ops.first_or_default(None, "none"),
    "first_or_default, of none": lambda _: ops.first_or_default(large, "none"),
    "flat_map": lambda _: ops.flat_map(lambda item: rx.of(item, [item])),
    "flat_map, failing": lambda _: ops.flat_map(fail),
    "flat_map, failing inside": lambda _: ops.flat_map(fail_inside),
    "flat_map, thrown": lambda _: ops.flat_map(thrown()),
    "flat_map, iterables": lambda _: ops.flat_map(lambda item: [item, item]),
    "flat_map, one Observable": lambda _: ops.flat_map(rx.of("one", "and the same")),
    "flat_map, nested": lambda _: ops.flat_map(lambda item: twice(item).pipe(ops.flat_map(twice))),
    "flat_map_indexed": lambda _: ops.flat_map_indexed(lambda item, index: rx.of((index, item))),
    "flat_map_indexed, failing": lambda _: ops.flat_map_indexed(fail_at),
    "flat_map_latest": lambda _: ops.flat_map_latest(twice),
    "flat_map_latest, failing": lambda _: ops.flat_map_latest(fail_or_one),
    "fork_join, alone": lambda _: ops.fork_join(),
    "fork_join": lambda _: ops.fork_join(rx.of("a", "b")),
    "fork_join, empty": lambda _: ops.fork_join(rx.empty()),
    "group_by": lambda _: members(ops.group_by(lambda item: item % 2)),
    "group_by, elements": lambda _: members(ops.group_by(lambda item: item % 2, repr)),
    "group_by, subjects": lambda _: members(ops.group_by(str, None, ReplaySubject)),
    "group_by, failing": lambda _: members(ops.group_by(fail)),
    "group_by, failing elements": lambda _: members(ops.group_by(str, fail)),
    "group_by_until": lambda _: members(ops.group_by_until(str, None, lambda group: rx.never())),
    "group_by_until, itself": lambda _: members(ops.group_by_until(str, repr, lambda group: group)),
    "group_by_until, failing": lambda _: members(ops.group_by_until(str, None, fail_inside)),
    "group_join": lambda _: lists(
        rx.compose(
            ops.group_join(rx.of(1, 2), lambda _: rx.never(), lambda _: rx.never()),
            ops.map(lambda pair: pair[1]),
        )
    ),
    "group_join, failing": lambda _: rx.compose(
        ops.group_join(rx.of(1), fail_or_one, fail_or_one), ops.map(lambda pair: pair[0])
    ),
    "ignore_elements": lambda _: ops.ignore_elements(),
    "is_empty": lambda _: ops.is_empty(),
    "join": lambda _: ops.join(rx.of(1, 2), lambda _: rx.never(), lambda _: rx.never()),
    "join, failing": lambda _: ops.join(rx.of(1), fail_or_one, fail_or_one),
    "last": lambda _: ops.last(),
    "last, of none": lambda _: ops.last(large),
    "last, failing": lambda _: ops.last(fail),
    "last_or_default": lambda _: ops.last_or_default("none"),
    "last_or_default, of none": lambda _: ops.last_or_default("none", large),
    "map": lambda _: ops.map(lambda item: item + 1),
    "map, failing": lambda _: ops.map(fail),
    "map, nothing": lambda _: ops.map(),
    "map_indexed": lambda _: ops.map_indexed(lambda item, index: (index, item)),
    "map_indexed, failing": lambda _: ops.map_indexed(fail_at),
    "materialize": lambda _: ops.materialize(),
    "max": lambda _: ops.max(),
    "max, comparer": lambda _: ops.max(lambda one, two: two - one),
    "max, failing": lambda _: ops.max(lambda one, two: 1 if fail(one) else 0),
    "max_by": lambda _: ops.max_by(lambda item: item % 2),
    "max_by, failing": lambda _: ops.max_by(fail),
    "merge": lambda _: ops.merge(rx.of("a", "b")),
    "merge, error": lambda _: ops.merge(rx.throw(Unwanted("merged"))),
    "merge, max_concurrent": lambda _: after(twice, ops.merge(max_concurrent=1)),
    "merge_all": lambda _: after(twice, ops.merge_all()),
    "merge_all, failing inside": lambda _: after(fail_inside, ops.merge_all()),
    "min": lambda _: ops.min(),
    "min, comparer": lambda _: ops.min(lambda one, two: two - one),
    "min_by": lambda _: ops.min_by(lambda item: -item),
    "min_by, failing": lambda _: ops.min_by(fail),
    "multicast": lambda _: ops.multicast(
        subject_factory=lambda scheduler: Subject(),
        mapper=lambda shared: rx.merge(shared, shared.pipe(ops.map(str))),
    ),
    "multicast, subject": lambda _: rx.compose(ops.multicast(Subject()), ops.ref_count()),
    "multicast, behaviour": lambda _: rx.compose(
        ops.multicast(BehaviorSubject("before")), ops.ref_count()
    ),
    "observe_on": lambda _: ops.observe_on(ImmediateScheduler.singleton()),
    "on_error_resume_next": lambda _: rx.compose(
        ops.map(fail), ops.on_error_resume_next(rx.of("next"))
    ),
    "on_error_resume_next, error": lambda _: ops.on_error_resume_next(thrown()),
    "pairwise": lambda _: ops.pairwise(),
}
