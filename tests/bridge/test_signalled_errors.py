"""Rules R2 and E3: an error that a flow signals reaches the operators that read the flow."""

from typing import Any

import pytest
import reactivex as rx

from flows import numbers, ops, sink
from helpers import run
from mimo_rx import LateSubscription, Stream, Workflow, flow


def explode(item: Any) -> Any:
    """Raise on 2."""
    if item == 2:
        raise ValueError("two")
    return item


def shared(workflow: Workflow) -> tuple[Any, Any]:
    made = workflow.add_stream(numbers(5))
    return made, made | ops.map(explode)


def test_r2_each_reader_of_a_shared_flow_can_answer_its_error():
    """R2, L4: as behind `share`."""
    first: list[Any] = []
    second: list[Any] = []
    workflow = Workflow()
    made, failing = shared(workflow)
    failing | ops.catch(rx.of("caught")) | workflow.add_stream(sink(first))
    failing | ops.materialize() | ops.map(str) | workflow.add_stream(sink(second))
    run(workflow.run())
    assert first == [0, 1, "caught"]
    assert second == ["OnNext(0.0)", "OnNext(1.0)", "OnError(two)"]
    assert made.stream.state["pushed"] <= 3


def test_e3_a_reader_that_does_not_answer_fails_the_run():
    """E3: the note names the operator that raised, not the one that passed it on."""
    workflow = Workflow()
    _, failing = shared(workflow)
    failing | ops.catch(rx.of("caught")) | workflow.add_stream(sink(name="good"))
    failing | ops.map(str) | workflow.add_stream(sink(name="bad"))
    with pytest.raises(ValueError, match="two") as caught:
        run(workflow.run())
    (note,) = caught.value.__notes__
    assert note.startswith(
        "mimo_rx: raised on the edge numbers.x -> bad.x, in operator 1 of 1, map(explode), "
        "by explode"
    )


def test_e3_a_flow_with_a_step_behind_it_cannot_be_answered_for_by_its_other_readers():
    """E3: an error that leads straight into a step is a failure of that edge."""
    workflow = Workflow()
    _, failing = shared(workflow)
    failing | workflow.add_stream(sink(name="bad"))
    failing | ops.catch(rx.of("caught")) | workflow.add_stream(sink(name="good"))
    with pytest.raises(ValueError, match="two") as caught:
        run(workflow.run())
    assert "numbers.x -> bad.x" in caught.value.__notes__[0]


def test_r2_what_a_flow_inside_a_combinator_signals_can_be_answered_behind_it():
    """R2: the first error ends the combinator, as with `rx.merge`."""
    got: list[Any] = []
    workflow = Workflow()
    _, failing = shared(workflow)
    quiet = workflow.add_stream(numbers(2, "quiet"))
    merged = flow(rx.merge(failing, quiet)) | ops.catch(rx.of("caught"))
    merged | workflow.add_stream(sink(got))
    run(workflow.run())
    assert got[-1] == "caught"
    assert got.count("caught") == 1


def test_r2_the_first_error_of_a_fan_in_ends_it():
    """R2, L6: here a merge of flows."""
    got: list[Any] = []
    workflow = Workflow()
    _, failing = shared(workflow)
    endless = workflow.add_stream(numbers(1000, "endless"))
    flow(failing, endless) | ops.catch(rx.of("caught")) | workflow.add_stream(sink(got))
    run(workflow.run())
    assert got[-1] == "caught"
    assert endless.stream.state.get("pushed", 0) < 1000


def test_r12_an_answer_that_subscribes_again_is_told_that_it_is_late():
    """R12: the items that have passed are gone."""
    workflow = Workflow()
    made = workflow.add_stream(numbers(5))
    again = ops.catch(lambda error, source: source)
    made | ops.map(explode) | again | workflow.add_stream(sink())
    with pytest.raises(LateSubscription):
        run(workflow.run())


def test_c6_an_error_of_a_stream_is_not_for_operators_to_answer():
    """C6, E1: it fails the run."""

    async def fn(ins, outs, state):
        await outs.x.push(1)
        raise ValueError("of the stream")

    workflow = Workflow()
    made = workflow.add_stream(Stream(outs=["x"], fn=fn, name="failing"))
    made | ops.catch(rx.of("caught")) | workflow.add_stream(sink())
    with pytest.raises(ValueError, match="of the stream"):
        run(workflow.run())


def test_r12_retry_behind_a_shared_flow_is_told_that_it_is_late():
    """R12: `retry` is inside a composed operator, so it cannot be refused where it is written."""
    workflow = Workflow()
    _, failing = shared(workflow)
    failing | rx.compose(ops.map(str), ops.retry(2)) | workflow.add_stream(sink())
    failing | ops.catch(rx.of("caught")) | workflow.add_stream(sink())
    with pytest.raises(LateSubscription):
        run(workflow.run())
