"""The table of RxPY's operators: rules R2, R5, D4."""

import asyncio
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable, Subject, operators
from reactivex.subject import ReplaySubject

from flows import ops
from mimo_rx import WiringError, flow
from mimo_rx._rx.catalogue import CATALOGUE, entry_of
from mimo_rx._rx.operators import describe, holding, known_as, stays_on_thread

NAMES = sorted(set(operators.__all__))

AT_ONCE = [
    ops.as_observable(), ops.dematerialize(), ops.distinct(), ops.distinct_until_changed(),
    ops.do_action(str), ops.filter(bool), ops.filter_indexed(lambda x, i: i),
    ops.finally_action(list), ops.first(), ops.group_by(bool), ops.ignore_elements(), ops.map(str),
    ops.map_indexed(lambda x, i: i), ops.pairwise(), ops.scan(max), ops.share(), ops.skip(1),
    ops.skip_while(bool), ops.skip_while_indexed(lambda x, i: i < 1), ops.starmap(max),
    ops.starmap_indexed(max), ops.take(2), ops.take_while(bool), ops.tap(str),
    ops.take_while_indexed(lambda x, i: i < 1), ops.time_interval(), ops.timestamp(),
    ops.throttle_first(1.0), ops.zip_with_iterable([1, 2]),
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_r2_every_operator_of_rxpy_has_its_row(name):
    """R2: what RxPY adds must be looked into."""
    assert CATALOGUE[name].name == name


def test_r2_no_row_is_of_an_operator_that_is_gone():
    """R2: and the rows are in the order of their names, each once."""
    assert list(CATALOGUE) == NAMES


@pytest.mark.parametrize("entry", CATALOGUE.values(), ids=list(CATALOGUE))
def test_r2_a_row_is_consistent(entry):
    """R2, R5: what holds names what would do instead, what does not stand says why."""
    assert bool(entry.holds) == bool(entry.instead)
    assert entry.stands or entry.remark
    assert not (entry.resubscribes and entry.stands)
    assert entry.immediate or not entry.one_to_one
    assert entry.stays or not entry.immediate
    assert entry.holds_if is None or entry.holds


@pytest.mark.parametrize("operator", AT_ONCE, ids=describe)
def test_d4_what_is_immediate_delivers_within_the_push_of_its_item(operator):
    """D4: nothing comes at the subscription, nothing with the end."""
    entry = known_as(operator)
    assert entry is not None
    assert entry.immediate
    got: list[Any] = []
    subject: Subject[Any] = Subject()
    subject.pipe(operator).subscribe(got.append, lambda error: None)
    assert got == []
    for item in ((1, 2), (2, 3), (2, 3)):
        before = len(got)
        if entry.name != "dematerialize":
            subject.on_next(item)
        assert len(got) - before == 1 or not entry.one_to_one
    before = len(got)
    subject.on_completed()
    assert len(got) == before


@pytest.mark.parametrize(
    "entry", [entry for entry in CATALOGUE.values() if not entry.stands], ids=lambda e: e.name
)
def test_r2_what_cannot_stand_on_an_edge_is_refused(entry):
    """R2: the table and the language agree."""
    arguments: dict[str, list[Any]] = {"do_while": [bool], "while_do": [bool], "partition": [bool]}
    arguments["partition_indexed"] = [lambda x, i: True]
    operator = getattr(ops, entry.name)(*arguments.get(entry.name, []))
    with pytest.raises(WiringError, match=r"cannot be|flow\.pipe"):
        asyncio.run(refuse(operator))


async def refuse(operator):
    flow([1]) | operator  # in a loop, since `to_future` wants one


@pytest.mark.parametrize(
    ("operator", "name"),
    [
        (ops.to_list(), "to_iterable"),
        (ops.find(bool), "find"),
        (ops.throttle_with_timeout(1.0), "debounce"),
        (ops.zip_latest(rx.never()), "zip_latest"),
        (ops.replay(), "replay"),
        (ops.replay(mapper=lambda source: source), "replay"),
        (ops.multicast(ReplaySubject()), "replay"),
        (ops.multicast(Subject()), "multicast"),
        (ops.first_or_default(), "first_or_default"),
    ],
    ids=str,
)
def test_r2_an_operator_is_known_by_the_name_of_its_closure(operator, name):
    """R2: several may share one."""
    entry = known_as(operator)
    assert entry is not None
    assert entry.name == name


def test_r2_of_several_with_one_closure_the_one_that_promises_least_answers():
    """R2, D4: nothing is called immediate that may not be."""
    order = ["at once", "later", "by itself"]
    for entry in CATALOGUE.values():
        known = entry_of(entry.closure or entry.name)
        assert known is not None
        assert order.index(known.delivers) >= order.index(entry.delivers)
        assert entry.one_to_one or not known.one_to_one


def test_r2_what_is_not_of_rxpy_is_not_known():
    """R2: nothing is told of a user's own operator."""
    assert known_as(lambda source: source) is None
    assert entry_of("mine") is None
    assert holding(lambda source: source) is None


def test_r5_some_hold_only_with_certain_arguments():
    """R5: a merge without a limit has no queue, a slice from the start holds nothing."""
    assert holding(ops.merge(rx.never())) is None
    assert holding(ops.merge(max_concurrent=2)) is CATALOGUE["merge"]
    assert holding(ops.slice(1, 3)) is None
    assert holding(ops.slice(-3)) is CATALOGUE["slice"]
    assert holding(ops.slice(None, -1)) is CATALOGUE["slice"]
    assert holding(ops.delay(1.0)) is CATALOGUE["delay"]
    assert holding(ops.map(str)) is None


def test_r4_what_delivers_by_itself_may_do_so_on_another_thread():
    """R4: the others stay."""
    assert stays_on_thread(ops.to_list())
    assert stays_on_thread(ops.find(bool))
    assert not stays_on_thread(ops.observe_on(rx.scheduler.ImmediateScheduler()))
    assert not stays_on_thread(ops.concat(Observable()))
