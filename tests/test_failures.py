"""Failures of streams: rules E1, E2, E5 and E7."""

import asyncio
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

from helpers import run
from mimo_rx import InputClosed, StreamCancelled, Workflow, failures
from runs import add, cleaner, clock, collector, counter, endings, failing, forever, go, taker


def raiser(error: BaseException, seconds: float = 0.0) -> Any:
    """Make a function that raises `error` after a while."""

    async def broken(ins, outs, state):
        if seconds:
            await asyncio.sleep(seconds)
        raise error

    return broken


def untidy(error: BaseException) -> Any:
    """Make a function that waits until it is cancelled, and answers by raising `error`."""

    async def tidies_up(ins, outs, state):
        try:
            await asyncio.sleep(100)
        finally:
            raise error

    return tidies_up


async def at_once(ins, outs, state):
    raise ValueError("mine")


async def midway(ins, outs, state):
    await outs.x.push(1)
    await asyncio.sleep(1)
    raise ValueError("mine")


async def in_a_pop(ins, outs, state):
    async for _ in ins.x:
        raise ValueError("mine")


async def in_a_clean_up(ins, outs, state):
    try:
        await outs.x.push(1)
    finally:
        await asyncio.sleep(1)
        raise ValueError("mine")


async def in_a_helper(ins, outs, state):
    async def helper():
        await asyncio.sleep(1)
        raise ValueError("mine")

    await asyncio.gather(helper(), outs.x.push(1))


async def in_an_iterable(ins, outs, state):
    def items():
        yield 1
        raise ValueError("mine")

    await outs.x.push_many(items())


@pytest.mark.parametrize(
    "fn", [at_once, midway, in_a_pop, in_a_clean_up, in_a_helper, in_an_iterable]
)
def test_e1_the_users_own_exception_comes_out_with_one_note(fn):
    """E1: from whatever place; the others are cancelled and their `finally` blocks run."""
    log: list[Any] = []
    workflow = Workflow()
    source = add(workflow, counter(), outs="x", name="source")
    broken = add(workflow, fn, "x", "x")
    source | broken | add(workflow, cleaner(log), "x")
    error = failing(workflow)
    assert (type(error), str(error)) == (ValueError, "mine")
    assert error.__notes__ == [f"mimo_rx: raised in step '{fn.__name__}'"]
    assert failures(error) == ()
    assert traceback.extract_tb(error.__traceback__)[-1].line == 'raise ValueError("mine")'
    assert log in ([], ["clean begins", "clean is done"])


def test_e1_the_others_are_cancelled_and_their_finally_blocks_run():
    """E1: whole, before the exception comes out, wherever they wait."""
    log: list[Any] = []

    def tidy(name, wait):
        async def fn(ins, outs, state):
            try:
                await wait(ins, outs)
            except asyncio.CancelledError:
                await asyncio.sleep(2)
                log.append(name)
                raise

        return fn

    async def pop(ins, outs):
        await ins.x.pop()

    async def push(ins, outs):
        while True:
            await outs.y.push(1)

    async def sleep(ins, outs):
        await asyncio.sleep(100)

    workflow = Workflow(threshold=2)
    never = add(workflow, forever, "x", "x")
    never | add(workflow, tidy("pop", pop), "x", "y")
    add(workflow, tidy("push", push), "x", "y") | never
    add(workflow, tidy("sleep", sleep))
    add(workflow, raiser(ValueError("mine"), 1))

    async def main():
        with pytest.raises(ValueError, match="mine"):
            await workflow.run()
        return await clock()

    assert run(main()) == 3.0
    assert log == ["pop", "push", "sleep"]


def test_e1_the_first_stream_to_raise_fails_the_run():
    """E1: not the first in the workflow."""
    workflow = Workflow()
    add(workflow, raiser(KeyError("second"), 2))
    add(workflow, raiser(ValueError("first"), 1))
    failing(workflow, ValueError)


def test_e1_running_again_adds_no_second_note_to_a_reused_exception():
    """E1."""
    error = ValueError("reused")
    workflow = Workflow()
    add(workflow, raiser(error))
    for _ in range(3):
        assert failing(workflow) is error
    assert error.__notes__ == ["mimo_rx: raised in step 'broken'"]


def test_e1_one_exception_raised_by_two_streams_is_one_failure():
    """E1, E2: it is no further failure of itself."""
    error = ValueError("shared")
    workflow = Workflow()
    add(workflow, raiser(error), name="one")
    add(workflow, raiser(error), name="two")
    assert failing(workflow) is error
    assert error.__notes__ == ["mimo_rx: raised in step 'one'"]
    assert failures(error) == ()


def test_e1_an_exception_keeps_its_cause_and_its_context():
    """E1: it travels as itself."""

    async def fn(ins, outs, state):
        try:
            state["missing"]
        except KeyError as error:
            if state["cause"]:
                raise ValueError("mine") from error
            raise ValueError("mine")  # noqa: B904

    workflow = Workflow()
    state: dict[str, bool] = {}
    add(workflow, fn, state=state)
    for state["cause"] in (True, False):
        error = failing(workflow)
        assert isinstance(error.__context__, KeyError)
        assert isinstance(error.__cause__, KeyError) is state["cause"]


@dataclass(frozen=True)
class FrozenError(Exception):
    """Refuses every assignment, notes too."""

    code: int


def test_e1_an_exception_that_refuses_assignments_gets_its_notes_all_the_same():
    """E1, E2: a frozen dataclass."""
    workflow = Workflow()
    add(workflow, raiser(FrozenError(3), 1), name="frozen")
    add(workflow, untidy(FrozenError(4)))
    error = failing(workflow, FrozenError)
    assert error.code == 3
    assert error.__notes__[0] == "mimo_rx: raised in step 'frozen'"
    assert failures(error) == (FrozenError(4),)


def test_e1_a_group_of_a_task_group_is_the_users_own_exception():
    """E1: it comes out as it is."""

    async def fn(ins, outs, state):
        async with asyncio.TaskGroup() as group:
            group.create_task(raiser(ValueError("a"))(ins, outs, state))
            group.create_task(raiser(KeyError("b"))(ins, outs, state))

    workflow = Workflow()
    add(workflow, fn)
    error = failing(workflow, ExceptionGroup)
    assert [type(each) for each in error.exceptions] == [ValueError, KeyError]
    assert error.__notes__ == ["mimo_rx: raised in step 'fn'"]


def test_e1_a_stream_that_raises_before_others_have_begun():
    """E1: those are cancelled before their first step."""

    async def fn(ins, outs, state):
        pytest.fail("it has not begun")

    workflow = Workflow()
    add(workflow, raiser(ValueError("early")))
    add(workflow, fn)
    failing(workflow)


def test_e1_an_operator_that_fails_at_its_subscription_lets_no_stream_begin():
    """E1, E3."""
    import reactivex as rx

    async def fn(ins, outs, state):
        pytest.fail("it has not begun")

    def subscribe(observer, scheduler=None):
        raise ValueError("no")

    workflow = Workflow()
    add(workflow, fn, outs="x").pipe(lambda _: rx.create(subscribe)) | add(workflow, fn, "x")
    assert "the edge fn.x -> fn-2.x" in failing(workflow).__notes__[0]


def test_e2_further_failures_are_noted_and_kept():
    """E2: notes (path, type, last frame) on the first, objects in `failures(exc)`."""
    workflow = Workflow()
    key, os = KeyError("second"), OSError("third")
    add(workflow, untidy(key), name="a")
    add(workflow, raiser(ValueError("first"), 1), name="first")
    add(workflow, untidy(os), name="b")
    error = failing(workflow, ValueError)
    place = f"({__file__}:{untidy.__code__.co_firstlineno + 7} in tidies_up)"
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
    """E2: nothing of the user's may break the unwinding."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    workflow = Workflow()
    add(workflow, raiser(ValueError("first"), 1))
    add(workflow, untidy(Mute()), name="mute")
    assert "step 'mute' raised Mute: <its str() fails>" in failing(workflow).__notes__[1]


def test_e2_a_cancelled_error_never_hides_a_real_error():
    """E2: neither that of the caller nor that of a stream."""
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
        "step 'odd' ended with a CancelledError that nobody asked of it; something that it awaited"
    )
    assert error.__notes__ == ["mimo_rx: raised in step 'odd'"]


def test_e7_a_loop_that_is_closed_cancels_streams_and_their_caller_in_any_order():
    """E4, E7: then it is no failure of the streams."""
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
    """E7: as in a task group; the error is kept."""
    workflow = Workflow()
    add(workflow, raiser(ValueError("first"), 1))
    add(workflow, untidy(kind()))
    error = failing(workflow, kind)
    assert [type(each) for each in failures(error)] == [ValueError]
    assert "while unwinding, step 'broken' raised ValueError: first" in error.__notes__[1]


def test_e7_an_unhandled_input_closed_is_a_failure_whose_hint_says_async_for():
    """E7."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x") | add(workflow, taker(2), "x")
    error = failing(workflow, InputClosed)
    assert "`async for item in ins.x` stops there by itself" in str(error)
    assert error.__notes__ == ["mimo_rx: raised in step 'take'"]


def test_e1_each_step_knows_how_it_ended():
    """E1, P11: read off a run that is open when it fails."""
    workflow = Workflow()
    add(workflow, raiser(ValueError("mine"), 1))
    add(workflow, forever)
    add(workflow, counter(1), outs="x")
    kept: list[Any] = []

    async def main():
        async with workflow.open() as opened:
            kept.append(opened)
            await asyncio.sleep(5)

    with pytest.raises(ValueError, match="mine"):
        run(main())
    assert endings(kept[0].statistics()) == {
        "broken": "failed",
        "forever": "cancelled",
        "source": "returned",
    }


def test_e1_go_returns_when_nothing_fails():
    """E1: the other side of it."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x") | add(workflow, collector([]), "x")
    assert set(endings(go(workflow)).values()) == {"returned"}
