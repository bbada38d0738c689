"""Rule E3: of every operator that takes a function, the note names place and function."""

import inspect
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import reactivex as rx
from reactivex.subject import Subject

from flows import numbers, ops, sink
from helpers import run
from mimo_rx import Workflow
from mimo_rx._rx.catalogue import CATALOGUE


class Raised(Exception):
    """What the functions raise."""


def explode(*arguments: Any, **named: Any) -> Any:
    """Raise on anything."""
    raise Raised


LINE = explode.__code__.co_firstlineno + 2
BY = rf"by explode \(.*test_operator_functions\.py:{LINE}\)"


def once(*arguments: Any) -> Any:
    return rx.of(1)


def pair(item: Any) -> Any:
    return (item, item)


CASES: dict[str, Callable[[], Any]] = {
    "all": lambda: ops.all(explode),
    "average": lambda: ops.average(explode),
    "buffer_toggle": lambda: ops.buffer_toggle(rx.of(1), explode),
    "buffer_when": lambda: ops.buffer_when(explode),
    "catch": lambda: ops.catch(explode),
    "concat_map": lambda: ops.concat_map(explode),
    "contains": lambda: ops.contains(1, explode),
    "count": lambda: ops.count(explode),
    "delay_with_mapper": lambda: ops.delay_with_mapper(explode),
    "distinct": lambda: ops.distinct(explode),
    "distinct, comparer": lambda: ops.distinct(None, explode),
    "distinct_until_changed": lambda: ops.distinct_until_changed(explode),
    "distinct_until_changed, comparer": lambda: ops.distinct_until_changed(None, explode),
    "do_action": lambda: ops.do_action(explode),
    "do_action, end": lambda: ops.do_action(on_completed=explode),
    "expand": lambda: ops.expand(explode),
    "filter": lambda: ops.filter(explode),
    "filter_indexed": lambda: ops.filter_indexed(explode),
    "finally_action": lambda: ops.finally_action(explode),
    "find": lambda: ops.find(explode),
    "find_index": lambda: ops.find_index(explode),
    "first": lambda: ops.first(explode),
    "first_or_default": lambda: ops.first_or_default(explode),
    "flat_map": lambda: ops.flat_map(explode),
    "flat_map_indexed": lambda: ops.flat_map_indexed(explode),
    "flat_map_latest": lambda: ops.flat_map_latest(explode),
    "group_by": lambda: ops.group_by(explode),
    "group_by, elements": lambda: ops.group_by(str, explode),
    "group_by, subjects": lambda: ops.group_by(str, None, explode),
    "group_by_until": lambda: ops.group_by_until(explode, None, once),
    "group_by_until, duration": lambda: ops.group_by_until(str, None, explode),
    "group_join": lambda: ops.group_join(rx.never(), explode, once),
    "join": lambda: ops.join(rx.never(), explode, once),
    "last": lambda: ops.last(explode),
    "last_or_default": lambda: ops.last_or_default(None, explode),
    "map": lambda: ops.map(explode),
    "map_indexed": lambda: ops.map_indexed(explode),
    "max": lambda: ops.max(explode),
    "max_by": lambda: ops.max_by(explode),
    "max_by, comparer": lambda: ops.max_by(str, explode),
    "min": lambda: ops.min(explode),
    "min_by": lambda: ops.min_by(explode),
    "multicast": lambda: ops.multicast(subject_factory=lambda _: Subject(), mapper=explode),
    "multicast, factory": lambda: ops.multicast(subject_factory=explode, mapper=lambda s: s),
    "publish": lambda: ops.publish(explode),
    "publish_value": lambda: ops.publish_value(0, explode),
    "reduce": lambda: ops.reduce(explode),
    "reduce, seed": lambda: ops.reduce(explode, 0),
    "replay": lambda: ops.replay(mapper=explode),
    "scan": lambda: ops.scan(explode),
    "sequence_equal": lambda: ops.sequence_equal([1], explode),
    "single": lambda: ops.single(explode),
    "single_or_default": lambda: ops.single_or_default(explode),
    "skip_while": lambda: ops.skip_while(explode),
    "skip_while_indexed": lambda: ops.skip_while_indexed(explode),
    "some": lambda: ops.some(explode),
    "starmap": lambda: ops.starmap(explode),
    "starmap_indexed": lambda: ops.starmap_indexed(explode),
    "sum": lambda: ops.sum(explode),
    "switch_map": lambda: ops.switch_map(explode),
    "switch_map_indexed": lambda: ops.switch_map_indexed(explode),
    "take_while": lambda: ops.take_while(explode),
    "take_while_indexed": lambda: ops.take_while_indexed(explode),
    "tap": lambda: ops.tap(explode),
    "throttle_with_mapper": lambda: ops.throttle_with_mapper(explode),
    "timeout_with_mapper": lambda: ops.timeout_with_mapper(None, explode),
    "to_dict": lambda: ops.to_dict(explode),
    "to_dict, elements": lambda: ops.to_dict(str, explode),
    "window_toggle": lambda: ops.window_toggle(rx.of(1), explode),
    "window_when": lambda: ops.window_when(explode),
}
"""Operators whose function raises."""

CALLED = {
    "concat_map": "map",
    "first_or_default": "filter",
    "publish_value": "multicast",
    "single_or_default": "filter",
    "switch_map": "map",
    "switch_map_indexed": "map_indexed",
    "tap": "do_action",
}
"""What RxPY makes of others, or calls otherwise: the note names the parts."""


def note_of(*operators: Any) -> str:
    """Run a chain of operators that fails, and return the note."""
    workflow = Workflow()
    chain: Any = workflow.add_stream(numbers(5, "read"))["x"]
    for operator in operators:
        chain = chain | operator
    chain | workflow.add_stream(sink(name="parse"))
    with pytest.raises(Raised) as caught:
        run(workflow.run())
    (note,) = caught.value.__notes__
    return str(note)


def before(name: str) -> Any:
    """Make the operator that leads to the failure of the next one."""
    if name.startswith("starmap"):
        return ops.map(pair)
    return ops.flat_map(rx.throw(KeyError())) if name == "catch" else ops.map(lambda item: item)


@pytest.mark.parametrize("name", CASES)
def test_e3_the_note_names_the_operator_its_position_and_the_function(name):
    """E3: it is between two other operators, which take a function too."""
    note = note_of(before(name), CASES[name](), ops.map(str))
    public = name.partition(",")[0]
    called = CALLED.get(public, public)
    assert re.search(
        rf"edge read\.x -> parse\.x, in operator 2 of [34], {called}\(.*explode.*\), {BY}$", note
    ), note


@pytest.mark.parametrize("name", CASES)
def test_e3_the_position_is_told_where_the_operator_stands_beside_itself(name):
    """E3: the other one has another function, which does not raise."""
    quiet = ops.do_action(lambda item: None)
    note = note_of(before(name), quiet, CASES[name](), ops.do_action(str), ops.map(str))
    assert re.search(rf"in operator 3 of [56], .*explode.*, {BY}$", note), note


def test_e3_every_operator_that_takes_a_function_is_tried():
    """E3: as far as the names of RxPY's parameters show which operators do."""
    telling = re.compile("mapper|predicate|comparer|accumulator|action|handler|project|on_next")
    taking = {
        name
        for name, entry in CATALOGUE.items()
        if entry.stands
        and telling.search(" ".join(inspect.signature(getattr(ops, name)).parameters))
    }
    assert taking <= {name.partition(",")[0] for name in CASES}


class Parser:
    def parse(self, item: Any) -> Any:
        raise Raised


@pytest.mark.parametrize(
    ("function", "by"),
    [(partial(explode, 1), "explode"), (Parser().parse, r"Parser\.parse")],
    ids=["partial", "method"],
)
def test_e3_a_partial_and_a_method_are_told_by_what_they_call(function, by):
    """E3."""
    note = note_of(ops.map(str), ops.map(function), ops.map(repr))
    assert re.search(rf"in operator 2 of 3, map\(.*\), by {by} \(.*\.py:\d+\)$", note), note
