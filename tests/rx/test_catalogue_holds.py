"""The table of RxPY's operators is true of what they hold outside the bound: rule R5."""

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.scheduler import ImmediateScheduler, VirtualTimeScheduler
from reactivex.subject import Subject

from flows import ops, stuck
from helpers import run
from mimo_rx import Stream, Workflow
from mimo_rx._rx.catalogue import CATALOGUE
from mimo_rx._rx.operators import holding, parts

COUNT = 60
THRESHOLD = 3
LITTLE = THRESHOLD + 5
"""What fits into the buffer, is under way, or is kept as the last one."""
MUCH = COUNT - 10


class Item:
    """An item that can be counted as long as it lives."""

    def __init__(self, number: int, living: "weakref.WeakSet[Item]") -> None:
        self.number = number
        living.add(self)

    def observable(self) -> Observable[Any]:
        """Make an inner Observable that keeps the item and goes on for ever."""
        return rx.never().pipe(ops.map(lambda _: self))


def on_and_on(*items: Any) -> Observable[Any]:
    """Make an Observable that goes on for ever, and holds nothing."""
    return rx.never()


def kept(item: Item) -> Observable[Any]:
    return item.observable()


def number(item: Item) -> int:
    return item.number


UP_TO_THE_FUNCTION: dict[str, Callable[[], Any]] = {
    "expand": lambda: rx.compose(ops.expand(kept), ops.ignore_elements()),
    "flat_map": lambda: ops.flat_map(kept),
    "flat_map_indexed": lambda: ops.flat_map_indexed(lambda item, index: kept(item)),
    "merge_all": lambda: rx.compose(ops.map(kept), ops.merge_all()),
}
"""Operators that hold what their function tells them to."""

HOLDS: dict[str, Callable[[], Any]] = {
    "buffer": lambda: ops.buffer(rx.never()),
    "buffer_toggle": lambda: ops.buffer_toggle(rx.of(1), on_and_on),
    "buffer_when": lambda: ops.buffer_when(rx.never),
    "buffer_with_count": lambda: ops.buffer_with_count(COUNT),
    "buffer_with_time": lambda: ops.buffer_with_time(50.0),
    "buffer_with_time_or_count": lambda: ops.buffer_with_time_or_count(50.0, COUNT),
    "concat_all": lambda: rx.compose(ops.map(kept), ops.concat_all()),
    "concat_map": lambda: ops.concat_map(kept),
    "delay": lambda: ops.delay(50.0),
    "delay_with_mapper": lambda: ops.delay_with_mapper(on_and_on),
    "distinct": lambda: rx.compose(ops.distinct(), ops.ignore_elements()),
    "group_by": lambda: rx.compose(ops.group_by(lambda item: item), ops.ignore_elements()),
    "group_by_until": lambda: rx.compose(
        ops.group_by_until(lambda item: item, None, on_and_on), ops.ignore_elements()
    ),
    "group_join": lambda: (
        lambda source: rx.never().pipe(
            ops.group_join(source, on_and_on, on_and_on), ops.ignore_elements()
        )
    ),
    "join": lambda: ops.join(rx.never(), on_and_on, on_and_on),
    "max": lambda: ops.max(lambda one, two: 0),
    "max_by": lambda: ops.max_by(lambda item: 0),
    "merge": lambda: rx.compose(ops.map(kept), ops.merge(max_concurrent=1)),
    "min": lambda: ops.min(lambda one, two: 0),
    "min_by": lambda: ops.min_by(lambda item: 0),
    "observe_on": lambda: ops.observe_on(VirtualTimeScheduler()),
    "replay": lambda: rx.compose(ops.replay(), ops.ref_count(), ops.ignore_elements()),
    "sequence_equal": lambda: ops.sequence_equal(rx.never()),
    "skip_last": lambda: ops.skip_last(COUNT),
    "skip_last_with_time": lambda: ops.skip_last_with_time(50.0),
    "slice": lambda: ops.slice(-COUNT),
    "take_last": lambda: ops.take_last(COUNT),
    "take_last_buffer": lambda: ops.take_last_buffer(COUNT),
    "take_last_with_time": lambda: ops.take_last_with_time(50.0),
    "to_dict": lambda: ops.to_dict(number),
    "to_iterable": lambda: ops.to_iterable(),
    "to_list": lambda: ops.to_list(),
    "to_set": lambda: ops.to_set(),
    "zip": lambda: ops.zip(rx.never()),
}
"""Operators that hold, in such a way that they do."""

PASSES: dict[str, Callable[[], Any]] = {
    "all": lambda: ops.all(lambda item: True),
    "amb": lambda: ops.amb(rx.never()),
    "as_observable": lambda: ops.as_observable(),
    "average": lambda: ops.average(number),
    "catch": lambda: ops.catch(rx.never()),
    "combine_latest": lambda: ops.combine_latest(rx.never()),
    "concat": lambda: ops.concat(rx.never()),
    "contains": lambda: ops.contains(None),
    "count": lambda: ops.count(),
    "debounce": lambda: ops.debounce(50.0),
    "default_if_empty": lambda: ops.default_if_empty(),
    "delay_subscription": lambda: ops.delay_subscription(1.0),
    "dematerialize": lambda: rx.compose(ops.map(rx.notification.OnNext), ops.dematerialize()),
    "distinct_until_changed": lambda: ops.distinct_until_changed(),
    "do": lambda: ops.do(Subject()),
    "do_action": lambda: ops.do_action(number),
    "element_at": lambda: ops.element_at(COUNT),
    "element_at_or_default": lambda: ops.element_at_or_default(COUNT),
    "exclusive": lambda: rx.compose(ops.map(kept), ops.exclusive()),
    "expand": lambda: ops.expand(lambda item: rx.empty()),
    "filter": lambda: ops.filter(number),
    "filter_indexed": lambda: ops.filter_indexed(lambda item, index: False),
    "finally_action": lambda: ops.finally_action(list),
    "find": lambda: ops.find(lambda item, index, source: False),
    "find_index": lambda: ops.find_index(lambda item, index, source: False),
    "first": lambda: ops.first(lambda item: False),
    "first_or_default": lambda: ops.first_or_default(lambda item: False),
    "flat_map": lambda: ops.flat_map(rx.of),
    "flat_map_indexed": lambda: ops.flat_map_indexed(lambda item, index: rx.of(item)),
    "flat_map_latest": lambda: ops.flat_map_latest(kept),
    "fork_join": lambda: ops.fork_join(rx.never()),
    "ignore_elements": lambda: ops.ignore_elements(),
    "is_empty": lambda: ops.is_empty(),
    "last": lambda: ops.last(),
    "last_or_default": lambda: ops.last_or_default(),
    "map": lambda: ops.map(lambda item: item),
    "map_indexed": lambda: ops.map_indexed(lambda item, index: item),
    "materialize": lambda: ops.materialize(),
    "merge": lambda: ops.merge(rx.never()),
    "merge_all": lambda: rx.compose(ops.map(rx.of), ops.merge_all()),
    "multicast": lambda: rx.compose(ops.multicast(Subject()), ops.ref_count()),
    "observe_on": lambda: ops.observe_on(ImmediateScheduler.singleton()),
    "on_error_resume_next": lambda: ops.on_error_resume_next(rx.never()),
    "pairwise": lambda: ops.pairwise(),
    "pluck": lambda: rx.compose(ops.map(lambda item: {1: item}), ops.pluck(1)),
    "pluck_attr": lambda: ops.pluck_attr("number"),
    "publish": lambda: ops.publish(lambda shared: shared),
    "publish_value": lambda: ops.publish_value(0, lambda shared: shared),
    "reduce": lambda: ops.reduce(lambda total, item: item),
    "ref_count": lambda: rx.compose(ops.publish(), ops.ref_count()),
    "sample": lambda: ops.sample(rx.never()),
    "scan": lambda: ops.scan(lambda total, item: item),
    "share": lambda: ops.share(),
    "single": lambda: ops.single(lambda item: item.number == 0),
    "single_or_default": lambda: ops.single_or_default(lambda item: item.number == 0),
    "single_or_default_async": lambda: rx.compose(
        ops.take(1), ops.concat(rx.never()), ops.single_or_default_async()
    ),
    "skip": lambda: ops.skip(COUNT),
    "skip_until": lambda: ops.skip_until(rx.never()),
    "skip_until_with_time": lambda: ops.skip_until_with_time(50.0),
    "skip_while": lambda: ops.skip_while(lambda item: True),
    "skip_while_indexed": lambda: ops.skip_while_indexed(lambda item, index: True),
    "skip_with_time": lambda: ops.skip_with_time(50.0),
    "slice": lambda: ops.slice(1, COUNT, 2),
    "some": lambda: ops.some(lambda item: False),
    "starmap": lambda: rx.compose(ops.map(lambda i: (i,)), ops.starmap(lambda i: i)),
    "starmap_indexed": lambda: rx.compose(
        ops.map(lambda i: (i, 0)), ops.starmap_indexed(lambda i, n: i)
    ),
    "start_with": lambda: ops.start_with(1),
    "subscribe_on": lambda: ops.subscribe_on(ImmediateScheduler.singleton()),
    "sum": lambda: ops.sum(number),
    "switch_latest": lambda: rx.compose(ops.map(kept), ops.switch_latest()),
    "switch_map": lambda: ops.switch_map(kept),
    "switch_map_indexed": lambda: ops.switch_map_indexed(lambda item, index: kept(item)),
    "take": lambda: ops.take(COUNT),
    "take_until": lambda: ops.take_until(rx.never()),
    "take_until_with_time": lambda: ops.take_until_with_time(50.0),
    "take_while": lambda: ops.take_while(lambda item: True),
    "take_while_indexed": lambda: ops.take_while_indexed(lambda item, index: True),
    "take_with_time": lambda: ops.take_with_time(50.0),
    "tap": lambda: ops.tap(number),
    "throttle_first": lambda: ops.throttle_first(50.0),
    "throttle_with_mapper": lambda: ops.throttle_with_mapper(kept),
    "throttle_with_timeout": lambda: ops.throttle_with_timeout(50.0),
    "time_interval": lambda: ops.time_interval(),
    "timeout": lambda: ops.timeout(90.0),
    "timeout_with_mapper": lambda: ops.timeout_with_mapper(None, kept),
    "timestamp": lambda: ops.timestamp(),
    "window": lambda: ops.window(rx.never()),
    "window_toggle": lambda: ops.window_toggle(rx.of(1), on_and_on),
    "window_when": lambda: ops.window_when(rx.never),
    "window_with_count": lambda: ops.window_with_count(COUNT),
    "window_with_time": lambda: ops.window_with_time(50.0),
    "window_with_time_or_count": lambda: ops.window_with_time_or_count(50.0, COUNT),
    "with_latest_from": lambda: ops.with_latest_from(rx.never()),
    "zip_latest": lambda: ops.zip_latest(rx.never()),
    "zip_with_iterable": lambda: ops.zip_with_iterable(range(COUNT)),
    "zip_with_list": lambda: ops.zip_with_list([0] * COUNT),
}
"""Operators that hold no more than the last item, and that no mapper of these makes hold more."""


def alive(operator: Any) -> int:
    """Return how many items are alive while nobody takes any behind `operator`."""
    living: weakref.WeakSet[Item] = weakref.WeakSet()

    async def fn(ins, outs, state):
        await asyncio.sleep(2.0)  # for those that subscribe later
        for at in range(COUNT):
            await outs.x.push(Item(at, living))
        await asyncio.sleep(100.0)

    workflow = Workflow(threshold=THRESHOLD)
    source = workflow.add_stream(Stream(outs=["x"], fn=fn, name="source"))
    source | operator | workflow.add_stream(stuck())

    async def main() -> int:
        running = asyncio.create_task(workflow.run())
        await asyncio.sleep(30.0)
        assert not running.done(), running
        gc.collect()
        found = len(living)
        running.cancel()
        await asyncio.wait([running])
        return found

    return run(main())


@pytest.mark.parametrize("name", HOLDS)
def test_r5_what_the_table_says_to_hold_items_does(name):
    """R5: nothing bounds them."""
    assert CATALOGUE[name].holds
    assert alive(HOLDS[name]()) >= MUCH


@pytest.mark.parametrize("name", UP_TO_THE_FUNCTION)
def test_r5_what_subscribes_to_all_inner_observables_holds_those_that_go_on(name):
    """R5: the row says so in a remark, since it may as well hold nothing."""
    assert "active" in CATALOGUE[name].remark
    assert alive(UP_TO_THE_FUNCTION[name]()) >= MUCH


@pytest.mark.parametrize("name", PASSES)
def test_r5_what_the_table_does_not_say_to_hold_items_holds_at_most_the_last(name):
    """R5, P5: so that a push waits, or an item is dropped."""
    operator = PASSES[name]()
    if name != "observe_on":  # it depends on its scheduler
        assert not any(holding(part) for part in parts(operator))
    assert alive(operator) <= LITTLE


def test_r5_every_operator_that_stands_on_an_edge_is_tried():
    """R5: what is new is looked into."""
    standing = {entry.name for entry in CATALOGUE.values() if entry.stands}
    assert (HOLDS | PASSES).keys() == standing - {"to_marbles"}
    holders = {entry.name for entry in CATALOGUE.values() if entry.holds}
    assert holders - HOLDS.keys() == {"to_marbles"}
