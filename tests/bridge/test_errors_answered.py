"""Rules R2 and E3: an error of a flow reaches the operators that read it, which may answer it."""

from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from flows import endless, numbers, ops, sink
from helpers import run
from mimo_rx import Workflow, flow


def risky(item: int) -> int:
    if item == 2:
        raise KeyError("two")
    return item


def start(workflow: Workflow) -> Any:
    return run(workflow.run())


@pytest.mark.parametrize(
    "answer",
    [
        rx.catch,
        rx.on_error_resume_next,
        lambda a, b: a.pipe(ops.map(str), ops.map(int), ops.catch(b)),
        lambda a, b: rx.merge(a, rx.empty()).pipe(ops.catch(b)),
        lambda a, b: flow(rx.concat(flow(rx.merge(a)) | ops.map(int))) | ops.catch(lambda *_: b),
    ],
    ids=["rx.catch", "rx.on_error_resume_next", "a chain", "above merge", "far above"],
)
@pytest.mark.parametrize("shared", [False, True])
def test_r2_a_combinator_answers_the_error_of_a_flow_inside_it(answer, shared):
    """R2: as over Subjects; the failed flow's source is over (C4), the held one is read next."""
    workflow = Workflow()
    a, b = workflow.add_stream(endless("a")), workflow.add_stream(numbers(2, "b"))
    failing = a | ops.map(risky)
    got: list[list[Any]] = [[], []]
    flow(answer(failing, b["x"])) | workflow.add_stream(sink(got[0]))
    if shared:
        flow(rx.catch(failing, rx.empty())) | workflow.add_stream(sink(got[1], "other"))
    statistics = start(workflow)
    assert got == [[0, 1, 0, 1], [0, 1] if shared else []]
    assert statistics.steps["a"].ended == "downstream"


def test_e3_an_error_that_nobody_answers_fails_the_run():
    """E3: the note says which edge it came from and which it led to."""
    workflow = Workflow()
    a, b = workflow.add_stream(numbers(9, "a")), workflow.add_stream(numbers(9, "b"))
    inner = flow(rx.merge(a | ops.filter(bool) | ops.map(risky), b["x"])) | ops.map(str)
    flow(rx.zip(inner, b["x"])) | workflow.add_stream(sink())
    with pytest.raises(KeyError, match="two") as caught:
        start(workflow)
    (note,) = caught.value.__notes__
    assert note.startswith("mimo_rx: raised on the edge a.x -> sink.x, in operator 2 of 2, map(ri")


def test_e3_an_error_that_one_reader_answers_and_another_does_not_fails_the_run():
    """E3: neither a buffer nor an operator that passes the error on answers it."""
    for second in (ops.map(str), None):
        workflow = Workflow()
        failing = workflow.add_stream(numbers(9, "a")) | ops.map(risky)
        flow(rx.catch(failing, rx.empty())) | workflow.add_stream(sink())
        other = flow(rx.merge(failing)) | second if second else failing
        other | workflow.add_stream(sink(name="other"))
        with pytest.raises(KeyError, match="two"):
            start(workflow)


def test_r11_an_operator_that_takes_no_errors_does_not_swallow_one():
    """R11: it subscribes without an `on_error`, so the error comes out of the run."""

    def deaf(a: Any) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            return a.subscribe(observer.on_next, on_completed=observer.on_completed)

        return Observable(subscribe)

    for made in (lambda a: deaf(a), lambda a: rx.merge(deaf(a), rx.never())):
        workflow = Workflow()
        failing = workflow.add_stream(numbers(9, "a")) | ops.map(risky)
        flow(made(failing)) | workflow.add_stream(sink())
        with pytest.raises(KeyError, match="two") as caught:
            start(workflow)
        assert "raised on the edge a.x -> " in caught.value.__notes__[0]


def test_e3_an_error_raised_is_no_error_signalled():
    """E3: no operator answers an exception that RxPY would not signal."""

    def raising(source: Any) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            return source.subscribe(lambda item: observer.on_next(risky(item)))

        return Observable(subscribe)

    workflow = Workflow()
    failing = workflow.add_stream(numbers(9, "a")) | raising
    flow(rx.catch(failing, rx.empty())) | workflow.add_stream(sink())
    with pytest.raises(KeyError, match="two"):
        start(workflow)
