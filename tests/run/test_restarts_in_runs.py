"""Streams that are started again in a run."""

import asyncio
import gc
import weakref
from random import Random
from typing import Any

import pytest

from helpers import run
from mimo_rx import (
    InputClosed,
    Restart,
    Statistics,
    Stream,
    StreamCancelled,
    Workflow,
    failures,
)
from mimo_rx._run import supervisor
from restarts import STEADY, failer, supervise
from runs import (
    add,
    clock,
    collector,
    counter,
    endings,
    failing,
    forever,
    go,
    raiser,
    taker,
)

NOTE = "mimo_rx: raised in step 'fails'"


def restarts(statistics: Statistics) -> dict[str, int]:
    return {path: step.restarts for path, step in statistics.steps.items()}


def test_a_stream_that_raises_is_started_again_after_the_delay():
    """The delay is on the loop's clock and doubles; statistics count restarts and the end."""
    began: list[float] = []
    workflow = Workflow()
    supervise(workflow, failer(3, began))
    statistics = go(workflow)
    assert began == [0.0, 1.0, 3.0, 7.0]
    assert restarts(statistics) == {"fails": 3}
    assert endings(statistics) == {"fails": "returned"}
    assert "restarts" in str(statistics)


def test_when_the_budget_is_used_up_the_last_exception_comes_out_as_itself():
    """Its note counts the restarts; the earlier exceptions are its further failures."""
    workflow = Workflow()
    supervise(workflow, failer(99))
    error = failing(workflow, OSError)
    assert error.args == (4,)
    assert error.__notes__ == [f"{NOTE}, which had been restarted 3 times before"]
    assert [each.args for each in failures(error)] == [(1,), (2,), (3,)]
    assert error.__context__ is None


@pytest.mark.parametrize(("most", "note"), [(0, ""), (1, ", which had been restarted once before")])
def test_the_note_knows_few_restarts_too(most, note):
    """Without a restart the note does not mention them."""
    workflow = Workflow()
    supervise(workflow, failer(99), restart=Restart(most))
    error = failing(workflow, OSError)
    assert error.__notes__ == [NOTE + note]
    assert len(failures(error)) == most


def test_another_exception_fails_the_run_at_once_and_knows_the_earlier_ones():
    """This is an exception that is not in `on`."""

    async def broken(ins, outs, state):
        raise ValueError("for good")

    workflow = Workflow()
    supervise(workflow, failer(2, then=broken))
    error = failing(workflow, ValueError)
    assert error.__notes__ == [f"{NOTE}, which had been restarted 2 times before"]
    assert [each.args for each in failures(error)] == [(1,), (2,)]


def test_an_exception_that_is_reused_is_no_further_failure_of_itself():
    """This holds however often the stream raises it."""
    workflow = Workflow()
    error = OSError("reused")
    supervise(workflow, raiser(error))
    for _ in range(2):
        assert failing(workflow, OSError) is error
    assert error.__notes__ == [
        "mimo_rx: raised in step 'broken', which had been restarted 3 times before"
    ]
    assert failures(error) == ()


def test_a_stream_that_ran_long_enough_has_its_budget_again():
    """It also has its shortest delay again; the failures before are forgotten."""
    began: list[float] = []
    workflow = Workflow()

    async def fails(ins, outs, state):
        began.append(await clock())
        await asyncio.sleep(64 if len(began) == 3 else 0)
        raise OSError(len(began))

    restart = Restart(max_restarts=2, within=64, backoff=1, max_backoff=8, jitter=0)
    supervise(workflow, fails, restart=restart)
    error = failing(workflow, OSError)
    assert began == [0.0, 1.0, 3.0, 68.0, 70.0]
    assert error.__notes__ == [f"{NOTE}, which had been restarted 4 times before"]
    assert [each.args for each in failures(error)] == [(3,), (4,)]


def test_time_in_waits_counts_as_time_in_which_it_ran():
    """A stream that waits for items is healthy."""
    workflow = Workflow()

    async def fails(ins, outs, state):
        await asyncio.sleep(10)
        await ins.x.pop()
        raise OSError

    async def slow(ins, outs, state):
        for _ in range(5):
            await asyncio.sleep(64)
            await outs.x.push(1)

    restart = Restart(max_restarts=1, within=60, backoff=1, jitter=0, on=(OSError,))
    add(workflow, slow, outs="x") | supervise(workflow, fails, "x", restart=restart)
    failing(workflow, InputClosed)


def test_the_jitter_is_drawn_from_a_random_of_its_own(monkeypatch):
    """So a test can seed it."""
    monkeypatch.setattr(supervisor, "Random", lambda: Random(3))
    began: list[float] = []
    workflow = Workflow()
    supervise(workflow, failer(2, began), restart=Restart(backoff=1, max_backoff=8, jitter=1))
    go(workflow)
    drawn = Random(3)
    first = 1 - drawn.random()
    assert began == pytest.approx([0, first, first + 2 * (1 - drawn.random())])


def test_its_ports_are_as_they_were():
    """Only the items popped before are gone; the order stays, and closed ports stay closed."""
    got: list[Any] = []
    closed: list[bool] = []

    async def fails(ins, outs, state):
        closed.append(ins.z.is_closed())
        ins.z.close()
        async for item in ins.x:
            if item in (3, 4):
                raise OSError
            await outs.y.push(item)

    workflow = Workflow(threshold=2)
    step = supervise(workflow, fails, "x z", "y")
    add(workflow, counter(8), outs="x") | step["x"]
    add(workflow, counter(), outs="x") | step["z"]
    step | add(workflow, collector(got), "x")
    go(workflow)
    assert got == [0, 1, 2, 5, 6, 7]
    assert closed == [False, True, True]


@pytest.mark.parametrize("threshold", [1, 100])
def test_peek_then_work_then_pop_is_at_least_once(threshold):
    """No item is lost; the pushes of the failing attempt come twice."""
    got: list[Any] = []
    failing_at = [2, 5, 5]

    async def fails(ins, outs, state):
        while True:
            try:
                item = await ins.x.peek()
            except InputClosed:
                return
            await outs.y.push(item)
            if item in failing_at:
                failing_at.remove(item)
                raise OSError
            await ins.x.pop()

    workflow = Workflow(threshold=threshold)
    step = supervise(workflow, fails, "x", "y")
    add(workflow, counter(8), outs="x") | step | add(workflow, collector(got), "x")
    assert restarts(go(workflow))["fails"] == 3
    assert got == [0, 1, 2, 2, 3, 4, 5, 5, 5, 6, 7]


@pytest.mark.parametrize("how", ["state", "state_factory"])
def test_fn_gets_the_same_state_again(how):
    """A run has one state, even from a factory, since the state keeps the progress."""
    seen: list[int] = []
    made: list[Any] = []

    def make():
        made.append({})
        return made[-1]

    async def fails(ins, outs, state):
        state["starts"] = state.get("starts", 0) + 1
        seen.append(state["starts"])
        if state["starts"] % 3:
            raise OSError

    workflow = Workflow()
    keywords: dict[str, Any] = {"state": {}} if how == "state" else {"state_factory": make}
    supervise(workflow, fails, **keywords)
    go(workflow)
    go(workflow)
    assert len(made) == (0 if how == "state" else 2)
    assert seen == ([1, 2, 3, 4, 5, 6] if how == "state" else [1, 2, 3, 1, 2, 3])


def test_a_stream_with_a_run_method_begins_it_anew():
    """It starts with new local variables."""

    class Fails(Stream):
        OUT = ("x",)
        starts = 0

        async def run(self, ins, outs):
            self.starts += 1
            await outs.x.push(self.starts)
            if self.starts < 3:
                raise OSError

    got: list[Any] = []
    workflow = Workflow()
    workflow.add_stream(Fails(), restart=STEADY) | add(workflow, collector(got), "x")
    go(workflow)
    assert got == [1, 2, 3]


def test_a_task_group_that_fails_of_nothing_else_is_started_again():
    """In the same way a group of nothing but `DownstreamClosed` ends a stream quietly."""
    starts: list[float] = []

    async def fails(ins, outs, state):
        async with asyncio.TaskGroup() as group:
            group.create_task(failer(1 if not starts else 0, starts)(ins, outs, state))

    workflow = Workflow()
    supervise(workflow, fails)
    go(workflow)
    assert starts == [0.0, 1.0]


async def pops_too_far(ins, outs, state):
    await ins.x.pop()


async def cancels(ins, outs, state):
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def exits(ins, outs, state):
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("fn", "kind"), [(pops_too_far, InputClosed), (cancels, StreamCancelled), (exits, SystemExit)]
)
def test_an_end_a_cancel_and_an_exit_are_no_reasons_for_a_restart(fn, kind):
    """This holds whatever `on` says."""
    workflow = Workflow()
    supervise(workflow, fn, "x", restart=Restart(on=(Exception,)))
    error = failing(workflow, kind)
    assert error.__notes__ == [f"mimo_rx: raised in step {fn.__name__!r}"]


def test_a_stream_that_nobody_reads_any_more_ends_quietly():
    """`DownstreamClosed` is no failure, and a source with restarts may be endless."""
    workflow = Workflow(threshold=2)
    source = supervise(workflow, counter(), outs="x", restart=Restart(on=(Exception,)))
    source | add(workflow, taker(5), "x")
    statistics = go(workflow)
    assert endings(statistics) == {"source": "downstream", "take": "returned"}
    assert restarts(statistics) == {"source": 0, "take": 0}


def test_each_restart_is_logged(caplog):
    """The warning names the step, the exception, its place, the delay and the budget."""
    workflow = Workflow()
    fn = failer(2)
    supervise(workflow, fn)
    go(workflow)
    line = f"{fn.__code__.co_filename}:{fn.__code__.co_firstlineno + 6} in fails"
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("mimo_rx", "WARNING")
    ] * 2
    assert caplog.messages == [
        f"step 'fails' raised OSError: 1 ({line}); it is started again in 1 s, restart 1 of 3",
        f"step 'fails' raised OSError: 2 ({line}); it is started again in 2 s, restart 2 of 3",
    ]


def test_what_a_stream_raised_long_ago_is_not_kept_for_ever():
    """P5: memory does not depend on how often it was restarted."""
    kept: list[weakref.ref[Any]] = []

    class BrokenError(OSError):
        pass

    async def fails(ins, outs, state):
        if len(kept) == 500:
            gc.collect()
            state["alive"] = sum(each() is not None for each in kept)
            return
        error = BrokenError()
        kept.append(weakref.ref(error))
        raise error

    workflow = Workflow()
    step = supervise(workflow, fails, restart=Restart(max_restarts=10**9, backoff=0))
    go(workflow)
    assert step.stream.state["alive"] <= 100


def test_a_stream_that_fails_without_a_pause_lets_the_others_run():
    """P12: a delay of 0 still goes through the loop."""
    workflow = Workflow()
    supervise(workflow, failer(10**9), restart=Restart(max_restarts=10**9, backoff=0))
    add(workflow, forever)

    async def main():
        task = asyncio.create_task(workflow.run())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
