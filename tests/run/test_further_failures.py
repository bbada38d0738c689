"""Further failures, failures in nested workflows, and exits: rules E2, E5 and E7."""

import asyncio
from typing import Any

import pytest

import runs
from helpers import run
from mimo_rx import InputClosed, StreamCancelled, Workflow, failures
from runs import add, cleaner, collector, counter, failing, forever, raiser, taker, untidy


def test_e2_further_failures_are_noted_and_kept():
    """E2: notes (path, type, last frame) on the first, objects in `failures(exc)`."""
    workflow = Workflow()
    key, os = KeyError("second"), OSError("third")
    add(workflow, untidy(key), name="a")
    add(workflow, raiser(ValueError("first"), 1), name="first")
    add(workflow, untidy(os), name="b")
    error = failing(workflow, ValueError)
    place = f"({runs.__file__}:{untidy.__code__.co_firstlineno + 7} in tidies_up)"
    assert error.__notes__ == [
        "mimo_rx: raised in step 'first'",
        f"mimo_rx: while unwinding, step 'a' raised KeyError: 'second' {place}",
        f"mimo_rx: while unwinding, step 'b' raised OSError: third {place}",
    ]
    assert failures(error) == (key, os)


def test_e2_what_fails_while_a_stream_cancelled_by_itself_unwinds_is_kept():
    """E2, E7: a `CancelledError` that nobody asked for comes first."""
    workflow = Workflow()
    add(workflow, raiser(asyncio.CancelledError(), 1))
    add(workflow, untidy(ValueError("late")))
    error = failing(workflow, StreamCancelled)
    assert [str(each) for each in failures(error)] == ["late"]


def test_e2_a_failure_whose_text_fails_is_noted_all_the_same():
    """E2: a faulty `__str__` of the user does not break the unwinding."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    workflow = Workflow()
    add(workflow, raiser(ValueError("first"), 1))
    add(workflow, untidy(Mute()), name="mute")
    assert "step 'mute' raised Mute: <its str() fails>" in failing(workflow).__notes__[1]


def test_e2_a_cancelled_error_never_hides_a_real_error():
    """E2: neither a cancel of the caller nor one of a stream does."""
    workflow = Workflow()
    add(workflow, untidy(ValueError("real")))

    async def main():
        task = asyncio.create_task(workflow.run())
        await asyncio.sleep(1)
        task.cancel()
        await task

    with pytest.raises(ValueError, match="real"):
        run(main())


def test_e5_a_failure_inside_a_nested_workflow_names_the_whole_path():
    """E5: `outer/inner/parse`."""
    inner, outer, workflow = Workflow(name="inner"), Workflow(name="outer"), Workflow()
    add(inner, raiser(ValueError("deep"), 1), name="parse")
    add(inner, untidy(KeyError("too")), name="other")
    outer.add_stream(inner)
    workflow.add_stream(outer)
    error = failing(workflow)
    assert error.__notes__[0] == "mimo_rx: raised in step 'outer/inner/parse'"
    assert "step 'outer/inner/other' raised KeyError" in error.__notes__[1]


def test_e5_an_operator_inside_a_nested_workflow_names_the_whole_paths():
    """E3, E5: also the workflow's own ports, where the edge leads to the caller."""
    inner = Workflow(outs=["y"], name="inner")
    add(inner, counter(), outs="x").map(lambda number: 1 // (2 - number)) | inner.outs["y"]
    workflow = Workflow(outs=["z"])
    step = workflow.add_stream(inner)
    step | add(workflow, collector([]), "x")
    step | workflow.outs["z"]
    (note,) = failing(workflow, ZeroDivisionError).__notes__
    assert "the edge inner/source.x -> sink.x, outs.z, in operator 1 of 1, map(<lambda>)" in note


def test_e5_a_run_inside_a_stream_keeps_what_both_know():
    """E2, E5: notes and failures of the inner run come first."""
    inner = Workflow()
    add(inner, raiser(ValueError("first"), 1), name="a")
    add(inner, untidy(KeyError("second")), name="b")

    async def runs(ins, outs, state):
        await inner.run()

    workflow = Workflow()
    add(workflow, runs)
    add(workflow, untidy(OSError("third")), name="c")
    error = failing(workflow)
    assert [type(each) for each in failures(error)] == [KeyError, OSError]
    assert [note[9:].split(" raised ")[0] for note in error.__notes__] == [
        "raised in step 'a'",
        "while unwinding, step 'b'",
        "raised in step 'runs'",
        "while unwinding, step 'c'",
    ]


@pytest.mark.parametrize("how", ["raises it", "awaits what was cancelled", "in a helper"])
def test_e7_a_cancelled_error_that_nobody_asked_for_is_a_failure(how):
    """E7: `StreamCancelled`, from it."""

    async def fn(ins, outs, state):
        if how == "raises it":
            raise asyncio.CancelledError
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await (future if how != "in a helper" else asyncio.gather(future))

    workflow = Workflow()
    add(workflow, fn, name="odd")
    error = failing(workflow, StreamCancelled)
    assert isinstance(error.__cause__, asyncio.CancelledError)
    assert str(error).startswith(
        "step 'odd' ended with a CancelledError that nobody asked for; something that it awaited"
    )
    assert error.__notes__ == ["mimo_rx: raised in step 'odd'"]


def test_e7_a_loop_that_is_closed_cancels_streams_and_their_caller_in_any_order():
    """E4, E7: the cancels are then no failures of the streams."""
    workflow = Workflow()
    for _ in range(5):
        add(workflow, forever)

    async def main():
        task = asyncio.create_task(workflow.run())
        await asyncio.sleep(1)
        streams = asyncio.all_tasks() - {asyncio.current_task(), task}
        assert len(streams) == 5
        for each in (*streams, task):
            each.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_e7_exits_are_kept_the_others_unwind_then_they_are_raised(kind):
    """E7: `SystemExit` and `KeyboardInterrupt` out of a stream."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log))
    add(workflow, raiser(kind(3), 1))
    error = failing(workflow, kind)
    assert error.args == (3,)
    assert error.__notes__ == ["mimo_rx: raised in step 'broken'"]
    assert log == ["clean begins", "clean is done"]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_e7_exits_go_before_an_error_that_came_first(kind):
    """E7: as in a task group; the earlier error is kept."""
    workflow = Workflow()
    add(workflow, raiser(ValueError("first"), 1))
    add(workflow, untidy(kind()))
    error = failing(workflow, kind)
    assert [type(each) for each in failures(error)] == [ValueError]
    assert "while unwinding, step 'broken' raised ValueError: first" in error.__notes__[1]


def test_e7_of_several_exits_the_first_is_raised():
    """E7: the other is kept."""
    workflow = Workflow()
    add(workflow, raiser(SystemExit(1), 1))
    add(workflow, untidy(KeyboardInterrupt(2)))
    assert [each.args for each in failures(failing(workflow, SystemExit))] == [(2,)]


def test_e7_an_unhandled_input_closed_is_a_failure_whose_hint_says_async_for():
    """E7."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x") | add(workflow, taker(2), "x")
    error = failing(workflow, InputClosed)
    assert "`async for item in ins.x` stops there by itself" in str(error)
    assert error.__notes__ == ["mimo_rx: raised in step 'take'"]
