"""Who waits for whom: `run.waits()` of rule W6, as a record and as a drawing."""

import asyncio
import signal
from typing import Any

import pytest

from helpers import run
from mimo_rx import Stream, Workflow
from mimo_rx._run.waits import Wait, Waits
from runs import add, counter, double, forever


def waits(workflow: Workflow, block: Any = None, after: float = 1.0) -> Waits:
    """Return the waits of a run after a second; `block` is what its block does meanwhile."""

    async def main():
        async with workflow.open() as opened:
            if block is not None:
                helper = asyncio.create_task(block(opened))
            await asyncio.sleep(after)
            found = opened.waits()
            if block is not None:
                helper.cancel()
            opened.cancel()
        return found

    found: Waits = run(main())
    return found


async def hog(ins, outs, state):
    """Take nothing."""
    await asyncio.sleep(100)


def test_w6_a_pop_waits_for_those_that_may_feed_it():
    """W6: for all feeders, direct or through operators, except those that have closed."""
    workflow = Workflow()
    target = add(workflow, double, "x", "y")
    add(workflow, forever, outs="x", name="a") | target
    add(workflow, forever, outs="x", name="b").map(str) | target
    add(workflow, counter(0), outs="x", name="closed") | target
    found = waits(workflow)
    assert found == (Wait("double", "x", "pop", ("a.x", "b.x"), 0),)
    assert str(found) == "double.x <-- waits for an item of a.x, b.x"


def test_w6_a_push_waits_for_those_that_are_full():
    """W6: and for no other input that it leads to."""
    workflow = Workflow(threshold=3)
    source = add(workflow, counter(), outs="x")
    source | add(workflow, hog, "x", name="full")
    source.map(str) | add(workflow, hog, "x", name="mapped")
    source | workflow.add_stream(Stream(["x"], fn=hog, name="roomy"), threshold=50)
    found = waits(workflow)
    assert found == (Wait("source", "x", "push", ("full.x", "mapped.x"), 3),)
    assert str(found) == (
        "source.x --> waits for room at full.x, mapped.x (at most 3 items wait there)"
    )


def test_w6_the_caller_waits_under_ins_and_outs():
    """W6: as in `run.ins.a` and `run.outs.b`."""
    workflow = Workflow(["a"], ["b"], threshold=2)
    workflow.ins["a"] | add(workflow, hog, "x", "y") | workflow.outs["b"]

    async def block(opened):
        async def push():
            while True:
                await opened.ins.a.push(1)

        await asyncio.gather(push(), opened.outs.b.pop())

    assert str(waits(workflow, block)).splitlines() == [
        "outs.b <-- waits for an item of hog.y",
        "ins.a --> waits for room at hog.x (at most 2 items wait there)",
    ]


def test_w6_where_nobody_waits_it_says_so():
    """W6."""
    workflow = Workflow()
    add(workflow, forever)
    assert str(waits(workflow)) == "nobody waits"


def test_w6_a_ring_can_be_read_off_the_drawing():
    """W6, D3: two streams that wait for each other, each with its whole path."""
    inner, workflow = Workflow(name="inner"), Workflow()
    one, other = add(inner, double, "x", "y", name="a"), add(inner, double, "x", "y", name="b")
    one.pipe(other).pipe(one)
    workflow.add_stream(inner)
    assert str(waits(workflow, after=0.001)).splitlines() == [
        "inner/a.x <-- waits for an item of inner/b.y",
        "inner/b.x <-- waits for an item of inner/a.y",
    ]


def test_w6_who_was_woken_and_has_not_had_its_turn_yet_waits_for_nobody():
    """W6: a push that has room by now is not drawn as a wait for room."""
    workflow = Workflow(threshold=1)

    async def look(ins, outs, state):
        await asyncio.sleep(1)
        await ins.x.pop()  # which wakes the producer, and it has not had its turn
        state["waits"] = state["run"].waits()

    sink = Stream(["x"], fn=look, name="sink")
    add(workflow, counter(5), outs="x", name="source") | workflow.add_stream(sink)

    async def main():
        async with workflow.open() as opened:
            sink.state["run"] = opened

    run(main())
    assert sink.state["waits"] == ()


def test_d4_a_timeout_carries_who_waited_for_whom():
    """D4: for a caller that awaits a run, and for one with an open run."""
    workflow = Workflow(threshold=3, name="stuck")
    add(workflow, counter(), outs="x", name="source") | add(workflow, forever, "x", name="sink")

    async def awaited():
        async with asyncio.timeout(2):
            await workflow.run()

    async def opened():
        async with asyncio.timeout(2), workflow.open():
            await asyncio.sleep(1000)

    for program in (awaited, opened):
        with pytest.raises(TimeoutError) as caught:
            run(program())
        cause: Any = caught.value.__cause__
        assert cause.__notes__ == [
            "mimo_rx: workflow 'stuck' was cancelled while these waited:\n"
            "  source.x --> waits for room at sink.x (at most 3 items wait there)"
        ]


def test_d4_a_cancel_while_nobody_waits_has_no_note():
    """D4: a cancel of a run that is already ending has none either."""
    workflow = Workflow()
    add(workflow, forever)

    async def program():
        async with asyncio.timeout(2):
            await workflow.run()

    with pytest.raises(TimeoutError) as caught:
        run(program())
    assert not hasattr(caught.value.__cause__, "__notes__")


def test_d4_ctrl_c_in_start_carries_who_waited_for_whom(monkeypatch):
    """D4: the `KeyboardInterrupt` has the drawing as a note."""
    workflow = Workflow(name="stuck")

    async def interrupted(ins, outs, state):
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await ins.x.pop()

    step = add(workflow, interrupted, "x", name="sink")
    add(workflow, forever, outs="x", name="source") | step
    with pytest.raises(KeyboardInterrupt) as caught:
        workflow.start()
    (note,) = caught.value.__notes__
    assert "sink.x <-- waits for an item of source.x" in note
