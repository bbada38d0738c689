"""Failures and cancels around an open run: rule W6, with E1, E2 and E4."""

import asyncio
import sys
import traceback
from typing import Any

import pytest

from helpers import run
from mimo_rx import StreamCancelled, Workflow, failures
from runs import add, breaking, cancelling, cleaner, clock, drain, forever, settled


def untidy(error: BaseException, seconds: float = 0.0) -> Workflow:
    """Make a workflow that waits for ever, and raises `error` when it is cancelled."""
    workflow = Workflow(["a"], ["b"], name="w")

    async def tidies_up(ins, outs, state):
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(seconds)
            raise error

    add(workflow, tidies_up)
    return workflow


async def wait(opened):
    await asyncio.sleep(100)


async def push(opened):
    while True:
        await opened.ins.a.push(1)


async def pop(opened):
    await opened.outs.b.pop()


async def iterate(opened):
    await drain(opened.outs.b, [])


async def peek(opened):
    await opened.outs.b.peek()


async def group(opened):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(push(opened))
        tasks.create_task(pop(opened))


async def group_of_pops(opened):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(pop(opened))
        tasks.create_task(iterate(opened))


async def timed(opened):
    async with asyncio.timeout(50):
        await asyncio.sleep(100)


async def swallow(opened):
    try:
        await asyncio.sleep(100)
    except asyncio.CancelledError:
        await asyncio.sleep(1)


LEAKING = [] if sys.version_info >= (3, 13) else [group, group_of_pops]
"""A task group of older Pythons leaves a cancel of its own behind (gh-117407)."""

BLOCKS = [wait, push, pop, iterate, peek, group, group_of_pops, timed, swallow]


@pytest.mark.parametrize("block", BLOCKS)
def test_w6_a_failure_of_the_run_cancels_the_block_and_comes_out_of_it_as_itself(block):
    """W6, E1: with one note; the task around it goes on as if it was never cancelled."""
    workflow = breaking()

    async def main():
        with pytest.raises(ValueError, match="run") as caught:
            async with workflow.open() as opened:
                await block(opened)
        assert caught.value.__notes__ == ["mimo_rx: raised in step 'broken'"]
        assert failures(caught.value) == ()
        return await settled()

    left, now = run(main())
    assert now == (2.0 if block is swallow else 1.0)
    assert left == (1 if block in LEAKING else 0)


def test_w6_the_failure_shows_no_cancel_of_ours_in_its_traceback():
    """W6, E1: "During handling of the above exception" would mislead."""
    workflow = breaking()

    async def main():
        async with workflow.open():
            await asyncio.sleep(100)

    with pytest.raises(ValueError, match="run") as caught:
        run(main())
    assert caught.value.__context__ is None
    assert "CancelledError" not in "".join(traceback.format_exception(caught.value))


def test_w6_a_failure_at_the_very_exit_of_the_block_comes_out():
    """W6: the block ends in the same turn of the loop, before the cancel arrives."""
    workflow = breaking(0)

    async def main():
        for turns in range(6):
            with pytest.raises(ValueError, match="run"):
                async with workflow.open():
                    for _ in range(turns):
                        await asyncio.sleep(0)
            assert await settled() == (0, 0.0)

    run(main())


def test_w6_a_failure_while_the_block_is_left_comes_out():
    """W6: also while the block waits for the end of the run."""

    async def main():
        with pytest.raises(ValueError, match="run"):
            async with breaking(5).open():
                pass
        return await settled()

    assert run(main()) == (0, 5.0)


def test_w6_a_failure_after_the_block_has_been_left_by_an_exception_is_kept_with_it():
    """W6, E2: the exception of the block came first."""

    async def main():
        with pytest.raises(KeyError) as caught:
            async with untidy(ValueError("run")).open():
                await asyncio.sleep(1)
                raise KeyError("block")
        (note,) = caught.value.__notes__
        assert note.startswith(
            "mimo_rx: while unwinding, the run of workflow 'w' raised ValueError: run ("
        )
        assert [str(each) for each in failures(caught.value)] == ["run"]

    run(main())


def test_w6_an_exception_of_the_block_after_a_failure_of_the_run_is_kept_with_that():
    """W6, E2: the failure of the run came first."""

    async def main():
        with pytest.raises(ValueError, match="run") as caught:
            async with breaking().open():
                try:
                    await asyncio.sleep(100)
                finally:
                    raise KeyError("block")
        assert caught.value.__notes__[1].startswith(
            "mimo_rx: while unwinding, the block raised KeyError: 'block' ("
        )
        assert [type(each) for each in failures(caught.value)] == [KeyError]
        return await settled()

    assert run(main()) == (0, 1.0)


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("of", ["the block", "the run"])
def test_w6_exits_go_before_other_failures(kind, of):
    """W6, E7: whichever came first."""

    async def main():
        if of == "the block":
            async with breaking().open():
                try:
                    await asyncio.sleep(100)
                finally:
                    raise kind
        else:
            async with untidy(kind()).open():
                await asyncio.sleep(1)
                raise ValueError("run")

    with pytest.raises(kind) as caught:
        run(main())
    assert [str(each) for each in failures(caught.value)] == ["run"]


def test_w6_a_cancel_from_outside_cancels_the_run_and_comes_out():
    """W6, E4."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log))

    async def main():
        async def block():
            async with workflow.open():
                await asyncio.sleep(100)

        task = asyncio.create_task(block())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled(), task.cancelling(), await clock()

    assert run(main()) == (True, 1, 2.0)
    assert log == ["clean begins", "clean is done"]


def test_w6_a_cancel_while_the_end_is_waited_for_cancels_the_run():
    """W6, E4."""
    log: list[Any] = []
    workflow = Workflow()
    add(workflow, cleaner(log))

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3), workflow.open():
                pass
        return await settled()

    assert run(main()) == (0, 4.0)
    assert log == ["clean begins", "clean is done"]


def test_w6_a_cancel_from_outside_does_not_hide_what_fails_meanwhile():
    """W6, E2."""

    async def main():
        with pytest.raises(ValueError, match="run"):
            async with asyncio.timeout(1), untidy(ValueError("run"), 1).open():
                await asyncio.sleep(100)
        return await settled()

    assert run(main()) == (0, 2.0)


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("block", [wait, pop, push, swallow])
def test_w6_a_cancel_from_outside_at_the_time_of_a_failure_leaves_the_count_right(turns, block):
    """W6, E2: the failure comes out, and one cancel is left, the one from outside."""

    async def main():
        loop = asyncio.get_running_loop()
        left: list[int] = []

        def later(turns: int) -> None:
            if turns:
                loop.call_soon(later, turns - 1)
            elif not left:
                task.cancel()
                left.append(1)

        async def around():
            try:
                async with breaking(before=lambda: later(turns)).open() as opened:
                    await block(opened)
            except ValueError:
                assert cancelling() == len(left)
                left.append(0)

        task = asyncio.create_task(around())
        await asyncio.wait([task])
        assert left
        await task

    run(main())


def test_w6_asyncio_timeout_around_the_block_works():
    """W6, E4: also if the run fails at the same moment."""

    async def main():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1), breaking(50).open() as opened:
                await pop(opened)
        with pytest.raises((ValueError, TimeoutError)):
            async with asyncio.timeout(1), breaking(1).open() as opened:
                await pop(opened)
        return await settled()

    assert run(main()) == (0, 2.0)


def test_w6_asyncio_timeout_inside_the_block_works():
    """W6: the timeout does not take a cancel of the run for its own."""

    async def main():
        async with breaking(50).open() as opened:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await pop(opened)
            opened.cancel()
        with pytest.raises((ValueError, TimeoutError)):
            async with breaking(1).open() as opened, asyncio.timeout(1):
                await pop(opened)
        return await settled()

    assert run(main()) == (0, 2.0)


@pytest.mark.parametrize("failing", ["inner", "outer", "both"])
def test_w6_blocks_nest(failing):
    """W6: a failure of either run comes out of its own block."""

    async def main():
        outer = breaking(1, KeyError("outer")) if failing != "inner" else Workflow()
        inner = breaking(1, ValueError("inner")) if failing != "outer" else Workflow()
        add(outer, forever)
        add(inner, forever)
        seen: list[BaseException] = []
        with pytest.raises((ValueError, KeyError)) as caught:
            async with outer.open():
                try:
                    async with inner.open():
                        await asyncio.sleep(100)
                except BaseException as error:
                    seen.append(error)
                    raise
        assert await settled() == (0, 1.0)
        return caught.value, seen[0]

    error, passed = run(main())
    if failing == "inner":
        assert isinstance(error, ValueError)
        assert passed is error
    elif failing == "outer":
        assert isinstance(error, KeyError)
        assert isinstance(passed, asyncio.CancelledError)
    else:
        assert isinstance(error, KeyError)
        assert [passed] == list(failures(error))


def test_w6_after_cancel_a_failure_of_the_clean_up_comes_out_at_the_end_of_the_block():
    """W6: it does not cancel the block, which has called `cancel()` itself."""

    async def main():
        with pytest.raises(ValueError, match="run"):
            async with untidy(ValueError("run")).open() as opened:
                await asyncio.sleep(1)
                opened.cancel()
                await asyncio.sleep(5)
        return await settled()

    assert run(main()) == (0, 6.0)


def test_w6_a_block_that_goes_on_after_a_failure_is_told_in_its_ports():
    """W6: its later pushes and pops raise `StreamCancelled`."""

    async def main():
        with pytest.raises(ValueError, match="run"):
            async with breaking().open() as opened:
                try:
                    await asyncio.sleep(100)
                except asyncio.CancelledError:
                    with pytest.raises(StreamCancelled, match="run of workflow 'w' has failed"):
                        await opened.ins.a.push(1)
        return await settled()

    assert run(main()) == (0, 1.0)


def test_w6_in_a_task_group_its_cancel_is_not_taken_for_that_of_the_group():
    """W6: the group gets the failure, and nothing else."""

    async def main():
        async def block():
            async with breaking().open():
                await asyncio.sleep(100)

        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(block())
                tasks.create_task(asyncio.sleep(100))
        return [str(each) for each in caught.value.exceptions]

    assert run(main()) == ["run"]
