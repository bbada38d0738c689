"""Rule E3: an operator that raises is a failure of its edge, and the note says where."""

import asyncio
import re
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from flows import numbers, ops, player, sink
from helpers import run
from mimo_rx import Stream, Workflow, failures, flow


def explode(item: Any) -> Any:
    """Raise on 2."""
    if item == 2:
        raise ValueError("two")
    return item


def rises(item: Any) -> Any:
    return [explode(item)]


def keep(item: Any) -> Any:
    return item


LINE = explode.__code__.co_firstlineno + 3
BY = rf"by explode \(.*test_operator_failures\.py:{LINE}\)"


def raw(source: Observable[Any]) -> Observable[Any]:
    """Be an operator that does not catch what it raises."""

    def subscribe(observer, scheduler=None):
        def on_next(item):
            observer.on_next(explode(item))

        return source.subscribe(on_next, observer.on_error, observer.on_completed)

    return Observable(subscribe)


CASES: dict[str, tuple[Any, str]] = {
    "map": (ops.map(explode), rf"operator 1 of 1, map\(explode\), {BY}"),
    "filter": (ops.filter(explode), rf"operator 1 of 1, filter\(explode\), {BY}"),
    "scan": (
        ops.scan(lambda total, item: explode(item), 0),
        r"operator 1 of 1, scan\(<lambda>\), by .*<lambda> \(.*test_operator_failures\.py:\d+\)",
    ),
    "flat_map": (
        ops.flat_map(rises),
        r"operator 1 of 1, flat_map\(rises\), by rises \(.*\.py:\d+\)",
    ),
    "take_while": (
        ops.take_while(rises),
        r"operator 1 of 1, take_while\(rises\), by rises \(.*:\d+\)",
    ),
    "lambda": (
        ops.map(lambda item: 1 // (item - 2)),
        r"operator 1 of 1, map\(<lambda>\), by <lambda> \(.*test_operator_failures\.py:\d+\)",
    ),
    "second": (
        rx.compose(ops.filter(lambda item: True), ops.map(explode)),
        rf"operator map, {BY}|map\(explode\), {BY}",
    ),
    "user-made": (raw, rf"operator 1 of 1, raw, {BY}|in raw, {BY}"),
}


def failure_of(workflow: Workflow) -> BaseException:
    with pytest.raises((ValueError, ZeroDivisionError, KeyError)) as caught:
        run(workflow.run())
    return caught.value


@pytest.mark.parametrize("name", CASES)
def test_e3_the_note_names_edge_operator_position_function_module_and_line(name):
    """E3: it is the user's own exception, with one note."""
    operator, pattern = CASES[name]
    workflow = Workflow()
    workflow.add_stream(numbers(5, "read")) | operator | workflow.add_stream(sink(name="parse"))
    error = failure_of(workflow)
    assert type(error) in (ValueError, ZeroDivisionError)
    (note,) = error.__notes__
    assert note.startswith("mimo_rx: raised on the edge read.x -> parse.x, in")
    assert re.search(pattern, note), note


@pytest.mark.parametrize("position", [1, 2, 3])
def test_e3_the_position_is_told_where_an_operator_stands_twice(position):
    """E3: the same operator is there twice, with different functions."""
    functions = [keep, keep, keep]
    functions[position - 1] = explode
    workflow = Workflow()
    chain: Any = workflow.add_stream(numbers(5))["x"]
    for function in functions:
        chain = chain | ops.map(function)
    chain | workflow.add_stream(sink())
    (note,) = failure_of(workflow).__notes__
    assert f"in operator {position} of 3, map(explode), by explode" in note


def test_e3_an_error_signal_is_a_failure_of_its_edge():
    """R6, E3: also an error that was never raised."""
    workflow = Workflow()
    chain = workflow.add_stream(numbers(5)) | ops.flat_map(lambda _: rx.throw(KeyError("gone")))
    chain | workflow.add_stream(sink())
    error = failure_of(workflow)
    assert isinstance(error, KeyError)
    (note,) = error.__notes__
    assert note.startswith("mimo_rx: raised on the edge numbers.x -> sink.x, in flat_map")


@pytest.mark.parametrize("operator", [ops.map(explode), raw], ids=["signalled", "raised"])
def test_e3_behind_a_shared_flow_the_note_names_the_edge_that_failed(operator):
    """E3: not the edge before the shared flow, and not one of another reader."""
    workflow = Workflow()
    shared = workflow.add_stream(numbers(5)) | ops.map(keep)
    shared | workflow.add_stream(sink(name="good"))
    shared | operator | workflow.add_stream(sink(name="bad"))
    (note,) = failure_of(workflow).__notes__
    assert note.startswith("mimo_rx: raised on the edge numbers.x -> bad.x, in")
    assert "explode" in note


def test_e3_what_a_timer_raises_is_a_failure_of_its_edge():
    """E3: this is delayed work, which no push waits for."""
    workflow = Workflow()
    chain = workflow.add_stream(numbers(5)) | ops.delay(5.0) | ops.map(explode)
    chain | workflow.add_stream(sink())
    error = failure_of(workflow)
    (note,) = error.__notes__
    assert "edge numbers.x -> sink.x" in note
    assert "by explode" in note


@pytest.mark.parametrize("raising", ["completed", "applied", "subscribed", "disposed"])
def test_e3_what_an_operator_raises_anywhere_fails_the_run(raising):
    """E3: at the end, when it is applied, when it is subscribed to or disposed of."""
    applied: list[Any] = []

    def operator(source: Observable[Any]) -> Any:
        applied.append(source)
        if raising == "applied" and len(applied) > 1:
            raise ValueError("broken")

        def subscribe(observer, scheduler=None):
            if raising == "subscribed":
                raise ValueError("broken")
            return source.subscribe(
                observer.on_next, observer.on_error, lambda: broken("completed", observer)
            )

        def broken(where: str, observer: Any = None) -> None:
            if raising == where:
                raise ValueError("broken")
            if observer is not None:
                observer.on_completed()

        made: Observable[Any] = Observable(subscribe)
        return made.pipe(ops.finally_action(lambda: broken("disposed")))

    log: list[str] = []

    async def fn(ins, outs, state):
        try:
            await asyncio.sleep(100)
        finally:
            log.append("cleaned up")

    workflow = Workflow()
    workflow.add_stream(numbers(5)) | operator | workflow.add_stream(sink())
    workflow.add_stream(Stream(fn=fn))
    error = failure_of(workflow)
    assert isinstance(error, ValueError)
    assert "mimo_rx: raised on the edge numbers.x -> sink.x, in" in error.__notes__[0]
    assert log in (["cleaned up"], [])


def test_e3_a_dispose_that_raises_while_the_run_unwinds_is_kept():
    """E2, E3: nothing is left of the run."""
    workflow = Workflow()

    def broken() -> None:
        raise KeyError("clean-up")

    chain = workflow.add_stream(numbers(5)) | ops.finally_action(broken)
    chain | workflow.add_stream(sink())
    played = workflow.add_stream(player([(1.0, "x", 2)]))
    played | ops.map(explode) | workflow.add_stream(sink(name="other"))

    async def main() -> Any:
        async with asyncio.timeout(50):
            (error,) = await asyncio.gather(workflow.run(), return_exceptions=True)
            return error

    error = run(main())
    assert isinstance(error, KeyError | ValueError)


def test_e3_no_push_passes_after_the_one_that_failed():
    """E3, E1: the stream is cancelled where it pushes next."""
    workflow = Workflow()
    made = workflow.add_stream(numbers(5))
    made | ops.map(explode) | workflow.add_stream(sink())
    failure_of(workflow)
    assert made.stream.state["pushed"] <= 3


def test_e2_operators_that_fail_while_unwinding_are_kept():
    """E2."""
    workflow = Workflow()

    async def fn(ins, outs, state):
        try:
            await asyncio.sleep(100)
        finally:
            raise KeyError("more")

    workflow.add_stream(numbers(5)) | ops.map(explode) | workflow.add_stream(sink())
    workflow.add_stream(player([(1.0, "x", 1)])) | workflow.add_stream(Stream(["x"], fn=fn))
    error = failure_of(workflow)
    assert isinstance(error, ValueError)
    assert [type(each) for each in failures(error)] in ([KeyError], [])


def test_e3_operators_right_after_a_source_name_it():
    """E3, R3."""
    workflow = Workflow()
    flow([1, 2, 3]) | ops.map(explode) | workflow.add_stream(sink())
    (note,) = failure_of(workflow).__notes__
    assert "edge list.item -> sink.x, in operator 1 of 1, map(explode)" in note


def test_e3_an_operator_that_fails_at_the_end_is_the_only_failure():
    """E3, E2: it raises while the output closes its edges; edges not closed yet are cancelled."""
    workflow = Workflow()
    source = workflow.add_stream(numbers(3))
    source | ops.take_last(1) | ops.map(explode) | sink(name="first")
    source | ops.map(keep) | sink(name="second")
    with pytest.raises(ValueError, match="two") as caught:
        run(workflow.run())
    assert len(caught.value.__notes__) == 1
    assert failures(caught.value) == ()
