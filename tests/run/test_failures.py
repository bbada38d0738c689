"""Failures of streams: rule E1."""

import asyncio
import traceback
from dataclasses import dataclass
from typing import Any

import pytest

from helpers import run
from mimo_rx import Workflow, failures
from runs import (
    add,
    cleaner,
    clock,
    collector,
    counter,
    endings,
    failing,
    forever,
    go,
    raiser,
    untidy,
)


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
    """E1: wherever it was raised; the others are cancelled and their `finally` blocks run."""
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
    """E1: completely, before the exception comes out, wherever the streams wait."""
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
    """E1: first in time, not in the order of the workflow."""
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
    """E1, E2: the exception is not a further failure of itself."""
    error = ValueError("shared")
    workflow = Workflow()
    add(workflow, raiser(error), name="one")
    add(workflow, raiser(error), name="two")
    assert failing(workflow) is error
    assert error.__notes__ == ["mimo_rx: raised in step 'one'"]
    assert failures(error) == ()


def test_e1_an_exception_keeps_its_cause_and_its_context():
    """E1: the user gets the exception itself."""

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
    """E1, E2: for example one that is a frozen dataclass."""
    workflow = Workflow()
    add(workflow, raiser(FrozenError(3), 1), name="frozen")
    add(workflow, untidy(FrozenError(4)))
    error = failing(workflow, FrozenError)
    assert error.code == 3
    assert error.__notes__[0] == "mimo_rx: raised in step 'frozen'"
    assert failures(error) == (FrozenError(4),)


def test_e1_a_group_of_a_task_group_is_the_users_own_exception():
    """E1: the group is raised as it is."""

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
    """E1: the others are cancelled before their first step."""

    async def fn(ins, outs, state):
        pytest.fail("it has not begun")

    workflow = Workflow()
    add(workflow, raiser(ValueError("early")))
    add(workflow, fn)
    failing(workflow)


def test_e1_what_operators_hold_does_not_keep_a_run_that_has_failed():
    """E1, C5: also if nobody reads the operators."""
    workflow = Workflow(outs=["late"])
    add(workflow, counter(3), outs="x").delay(1000.0) | workflow.outs["late"]
    add(workflow, raiser(ValueError("first"), 1))

    async def main():
        with pytest.raises(ValueError, match="first"):
            await workflow.run()
        return await clock()

    assert run(main()) == 1.0


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


def test_e1_each_step_knows_how_it_ended():
    """E1, P11: the statistics of an open run say so after its failure."""
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
    """E1: the opposite case."""
    workflow = Workflow()
    add(workflow, counter(1), outs="x") | add(workflow, collector([]), "x")
    assert set(endings(go(workflow)).values()) == {"returned"}


@pytest.mark.parametrize("odd", [5, None, "text"])
def test_e1_an_exception_whose_notes_are_none_gets_its_note_all_the_same(odd):
    """E1: its `__notes__` is None, which Python itself does not accept."""
    error: Any = ValueError("mine")
    error.__notes__ = odd

    async def fail(ins, outs, state):
        raise error

    workflow = Workflow()
    add(workflow, fail)
    with pytest.raises(ValueError, match="mine"):
        go(workflow)
    assert error.__notes__ == ["mimo_rx: raised in step 'fail'"]
