"""Rule R8a: an error of an outside Observable is a signal that operators may answer."""

import asyncio
import itertools
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.subject import Subject

from flows import numbers, ops, sink
from helpers import run
from mimo_rx import Flow, LateSubscription, Workflow, flow
from runs import go


def failing(*items: Any) -> Observable[Any]:
    """Deliver `items`, then an error."""
    return rx.concat(rx.from_iterable(items), rx.throw(ValueError("unlucky")))


def read(source: Flow) -> list[Any]:
    """Lead `source` into a step, run, and return the items."""
    got: list[Any] = []
    go((source | sink(got)).workflow)
    return got


def really_read(source: Flow) -> list[Any]:
    """Do the same on a loop with a real clock, which threads can wake."""
    got: list[Any] = []
    (source | sink(got)).workflow.start()
    return got


def as_rxpy(observable: Observable[Any]) -> list[Any]:
    """Return what `observable` delivers."""
    got: list[Any] = []
    observable.subscribe(got.append)
    return got


ANSWERS = {
    "catch": ops.catch(rx.of(9)),
    "catch by a function": ops.catch(lambda error, source: rx.of(repr(error))),
    "behind another operator": rx.compose(ops.map(str), ops.filter(bool), ops.catch(rx.of(9))),
    "materialize": rx.compose(ops.materialize(), ops.map(str)),
    "on_error_resume_next": ops.on_error_resume_next(rx.of(9)),
    "to_list and catch": rx.compose(ops.to_list(), ops.catch(rx.of(9))),
    "scan and catch": rx.compose(ops.scan(lambda a, b: a + b), ops.catch(rx.of(9))),
    "flat_map and catch": rx.compose(ops.flat_map(rx.of), ops.catch(rx.of(9))),
    "merge and catch": rx.compose(ops.merge(rx.of(5)), ops.catch(rx.of(9))),
    "take before it": ops.take(2),
}


@pytest.mark.realtime
@pytest.mark.parametrize("overflow", ["block", "unbounded", "drop_oldest", "error"])
@pytest.mark.parametrize("name", ANSWERS)
def test_r8a_operators_answer_the_error_of_an_outside_observable(name, overflow):
    """R8a: after the items that came before it, and as in RxPY."""
    expected = as_rxpy(failing(1, 2).pipe(ANSWERS[name]))
    assert really_read(flow(failing(1, 2), overflow=overflow) | ANSWERS[name]) == expected


@pytest.mark.realtime
def test_r8a_the_error_comes_after_items_that_waited_for_room():
    """R8a: a full buffer does not let it overtake."""
    workflow = Workflow(threshold=2)
    got: list[Any] = []
    (
        flow(failing(*range(500)), overflow="unbounded")
        | ops.catch(rx.of("end"))
        | (workflow.add_stream(sink(got)))
    )
    go(workflow)
    assert got == [*range(500), "end"]


def test_r8a_an_error_that_nobody_answers_fails_the_run():
    """R8a, E1: the note names the source, not an operator that only passed the error on."""
    for operators in ([], [ops.map(str)], [ops.map(str), ops.flat_map(rx.of), ops.merge(rx.of(1))]):
        source = flow(failing(1), overflow="unbounded", name="feed")
        for operator in operators:
            source = source | operator
        with pytest.raises(ValueError, match="unlucky") as caught:
            read(source)
        assert caught.value.__notes__ == ["mimo_rx: raised in step 'feed'"]


def test_r8a_one_reader_that_cannot_answer_fails_the_run():
    """R8a, L4: another reader's answer does not help it."""
    workflow = Workflow()
    source = flow(failing(1), overflow="unbounded")
    source | ops.catch(rx.of(9)) | workflow.add_stream(sink(name="a"))
    source | workflow.add_stream(sink(name="b"))
    with pytest.raises(ValueError, match="unlucky"):
        go(workflow)


def test_r8a_each_reader_of_a_source_answers_for_itself():
    """R8a, L4: all get the error."""
    workflow = Workflow()
    got: list[list[Any]] = [[], []]
    source = flow(failing(1), overflow="unbounded")
    source | ops.catch(rx.of(9)) | workflow.add_stream(sink(got[0], "a"))
    source | ops.materialize() | ops.map(str) | workflow.add_stream(sink(got[1], "b"))
    go(workflow)
    assert got == [[1, 9], ["OnNext(1.0)", "OnError(unlucky)"]]


@pytest.mark.parametrize("number", [1, 2])
def test_r8a_a_source_beside_it_is_cancelled(number):
    """R8a: a merge fails with its first error, and the other sources are over (C4)."""
    sources = [flow(failing(1), overflow="unbounded"), itertools.count()]
    merged = flow(*(sources if number == 1 else reversed(sources))) | ops.catch(rx.of("end"))
    got = read(merged)
    assert got[-1] == "end"
    assert 1 in got


COMBINED = {
    "catch": (rx.catch, [1, 0, 1]),
    "on_error_resume_next": (rx.on_error_resume_next, [1, 0, 1]),
    "concat": (lambda a, b: rx.concat(b, a).pipe(ops.catch(rx.of(9))), [0, 1, 1, 9]),
    "late": (lambda a, b: a.pipe(ops.delay_subscription(1.0), ops.catch(b)), [1, 0, 1]),
}


@pytest.mark.parametrize("name", COMBINED)
def test_r8a_a_combinator_answers_and_reads_the_next_source(name):
    """R8a, R12: also where the error comes before anybody has subscribed."""
    combine, expected = COMBINED[name]
    step = Workflow().add_stream(numbers(2))
    assert read(flow(combine(flow(failing(1), overflow="unbounded"), step["x"]))) == expected


def test_r8a_the_error_waits_for_a_late_subscription_without_items():
    """R8a: it is held as an item is."""
    late = flow(rx.throw(ValueError()), overflow="unbounded") | ops.delay_subscription(3.0)
    assert read(late | ops.catch(rx.of(9))) == [9]


def test_r8a_a_subject_may_fail_while_the_run_goes_on():
    """R8a: its other readers' items are not lost."""
    subject: Subject[Any] = Subject()
    got: list[Any] = []

    async def main() -> None:
        step = flow(subject, overflow="unbounded") | ops.catch(rx.of(9)) | sink(got)
        async with step.workflow.open():
            await asyncio.sleep(1)
            subject.on_next(1)
            subject.on_error(KeyError("gone"))
            await asyncio.sleep(1)
            assert got == [1, 9]

    run(main())


def test_r8a_what_a_stream_or_an_iterable_raises_still_fails_the_run():
    """R8a, C6: an exception is not a signal."""

    def broken():
        yield 1
        raise KeyError("broken")

    async def broken_too():
        yield 1
        raise KeyError("broken")

    for source in (broken(), broken_too()):
        with pytest.raises(KeyError, match="broken"):
            read(flow(source) | ops.catch(rx.of(9)))


def test_r8a_a_full_entry_and_a_late_subscription_are_no_signals():
    """R8a: they are mistakes of the program, which `catch` must not hide."""
    workflow = Workflow(threshold=1)
    ports = workflow.add_stream(numbers(3))
    hidden = rx.defer(lambda _: ports["x"])
    flow(hidden, overflow="unbounded") | ops.catch(rx.of(9)) | workflow.add_stream(sink())
    with pytest.raises(LateSubscription):
        go(workflow)


@pytest.mark.realtime
def test_r8a_a_cold_flow_answers_as_its_observable_does():
    """R8a, R10: outside a run too."""
    for name, answer in ANSWERS.items():
        assert as_rxpy(flow(failing(1, 2)).pipe(answer)) == as_rxpy(failing(1, 2).pipe(answer)), (
            name
        )
