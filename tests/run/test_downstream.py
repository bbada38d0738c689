"""Rule C4 for the producer: a stream that nobody reads any more is over."""

import asyncio
import contextlib
from typing import Any

import pytest

from mimo_rx import DownstreamClosed, Stream, Workflow
from runs import add, clock, collector, counter, double, endings, failing, go, taker


class Sided(Stream):
    """A stream with a main output `x` and a side output `side`."""

    OUT = ("x",)
    SIDE = ("side",)

    def __init__(self, fn: Any, ins: Any = ()) -> None:
        super().__init__(ins)
        self.fn = fn

    async def run(self, ins, outs):
        await self.fn(ins, outs)


def upstream(*taken: int) -> tuple[dict[str, str | None], Any]:
    """Run an endless source in front of takers; return how all ended, and its state."""
    workflow = Workflow(threshold=5)
    source = add(workflow, counter(), outs="x")
    for count in taken:
        source | add(workflow, taker(count), "x")
    return endings(go(workflow)), source.stream.state


def test_c4_an_endless_source_ends_when_its_last_consumer_returns():
    """C4: for example an endless source with `take(10)` after it."""
    ended, state = upstream(10)
    assert ended == {"source": "downstream", "take": "returned"}
    assert 10 <= state["pushed"] <= 16


def test_c4_an_endless_source_goes_on_while_anybody_reads():
    """C4: "when no edge is left on any connected main output"."""
    ended, state = upstream(3, 200, 0)
    assert ended["source"] == "downstream"
    assert state["pushed"] >= 200


@pytest.mark.parametrize("threshold", [1, 100])
def test_c4_an_operator_that_completes_early_ends_an_endless_source(threshold):
    """C4, R6: `take(10)`."""
    got: list[Any] = []
    workflow = Workflow(threshold=threshold)
    source = add(workflow, counter(), outs="x")
    source.take(10) | add(workflow, collector(got), "x")
    statistics = go(workflow)
    assert got == list(range(10))
    assert endings(statistics) == {"source": "downstream", "sink": "returned"}


@pytest.mark.parametrize("mapped", [False, True])
def test_c4_it_travels_upstream_through_a_chain(mapped):
    """C4: `DownstreamClosed` in a push ends the stream, and with it the streams that feed it."""
    workflow = Workflow(threshold=3)
    source, middle = add(workflow, counter(), outs="x"), add(workflow, double, "x", "y")
    (source.map(str) if mapped else source) | middle | add(workflow, taker(4), "x")
    assert endings(go(workflow)) == {
        "source": "downstream",
        "double": "downstream",
        "take": "returned",
    }


@pytest.mark.parametrize("call", ["push", "pop", "peek", "push that waits", "pop that waits"])
def test_c4_downstream_closed_is_raised_in_the_push_or_pop_it_is_in_or_comes_to_next(call):
    """C4: the error text says what to do."""
    raised: list[BaseException] = []

    async def middle(ins, outs, state):
        try:
            if call == "pop that waits":
                await ins.x.pop()
            elif call == "push that waits":
                while True:
                    await outs.y.push(1)
            await asyncio.sleep(9)
            await {"push": lambda: outs.y.push(1), "pop": ins.x.pop, "peek": ins.x.peek}[call]()
        except DownstreamClosed as error:
            raised.append(error)
            assert await clock() == (1.0 if call.endswith("waits") else 9.0)
            raise

    async def source(ins, outs, state):
        await asyncio.sleep(2)
        await outs.x.push(1)

    async def leaver(ins, outs, state):
        await asyncio.sleep(1)

    workflow = Workflow(threshold=3)
    step = add(workflow, middle, "x", "y")
    add(workflow, source, outs="x") | step | add(workflow, leaver, "x")
    assert endings(go(workflow))["middle"] == "downstream"
    (error,) = raised
    assert str(error) == (
        "nobody reads the outputs of step 'middle' any more; let this exception pass to end quietly"
    )


def test_c4_a_source_that_waits_for_something_silent_is_cancelled_there():
    """C4: also in a wait for a silent socket; its `finally` blocks run once and completely."""
    log: list[Any] = []

    async def source(ins, outs, state):
        try:
            await outs.x.push(1)
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            log.append("cancelled")
            raise
        finally:
            await asyncio.sleep(4)
            log.append(await clock())

    workflow = Workflow()
    add(workflow, source, outs="x") | add(workflow, taker(1), "x")
    assert endings(go(workflow)) == {"source": "downstream", "take": "returned"}
    assert log == ["cancelled", 4.0]


def test_c4_a_source_that_is_cancelled_before_its_first_step_counts_as_returned():
    """C4, C6: its side output closes like any other of its outputs."""
    got: list[Any] = []

    async def never(ins, outs):
        pytest.fail("nobody would read it")

    workflow = Workflow()
    source = workflow.add_stream(Sided(never))
    for port in source["x"].take(0), source["side"]:
        port | add(workflow, collector(got), "x")
    assert endings(go(workflow)) == {
        "Sided": "downstream",
        "sink": "returned",
        "sink-2": "returned",
    }


@pytest.mark.parametrize("fed", [False, True])
def test_c4_one_with_inputs_that_waits_elsewhere_is_told_in_its_next_pop(fed):
    """C4: only a stream without inputs, or whose inputs nothing feeds, is cancelled."""
    log: list[Any] = []

    async def middle(ins, outs, state):
        try:
            await outs.y.push(1)
            await asyncio.sleep(50)
            log.append(await clock())
            await ins.x.pop()
        finally:
            log.append(await clock())

    workflow = Workflow()
    step = add(workflow, middle, "x", "y")
    step | add(workflow, taker(1), "x")
    if fed:
        add(workflow, counter(), outs="x") | step
    assert endings(go(workflow))["middle"] == "downstream"
    assert log == ([50.0, 50.0] if fed else [0.0])


def test_c4_the_cancel_never_strikes_a_clean_up_that_is_under_way():
    """C4: here a clean-up that `DownstreamClosed` has started."""
    log: list[Any] = []

    async def source(ins, outs, state):
        try:
            while True:
                await outs.x.push(1)
        finally:
            for _ in range(5):
                await asyncio.sleep(1)
            log.append("clean")

    workflow = Workflow(threshold=2)
    add(workflow, source, outs="x") | add(workflow, taker(3), "x")
    go(workflow)
    assert log == ["clean"]


def test_c4_a_failure_elsewhere_does_not_strike_the_clean_up_of_one_that_was_cancelled():
    """C4, E1: the stream was already cancelled, and is about to end."""
    log: list[Any] = []

    async def source(ins, outs, state):
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(3)
            log.append("clean")

    async def broken(ins, outs, state):
        await asyncio.sleep(1)
        raise ValueError("broken")

    workflow = Workflow()
    add(workflow, source, outs="x") | add(workflow, taker(0), "x")
    add(workflow, broken)
    failing(workflow)
    assert log == ["clean"]


def test_c4_its_siblings_go_on():
    """C4: one of two outputs is still read, so the stream goes on."""
    got: list[Any] = []

    async def source(ins, outs, state):
        for number in range(30):
            await outs.x.push(number)
            await outs.y.push(number)

    workflow = Workflow(threshold=2)
    step = add(workflow, source, outs="x y")
    step["x"] | add(workflow, taker(3), "x")
    step["y"] | add(workflow, collector(got), "x")
    other = add(workflow, counter(10), outs="x", name="sibling")
    other | add(workflow, collector([]), "x")
    statistics = go(workflow)
    assert got == list(range(30))
    assert set(endings(statistics).values()) == {"returned"}


def test_c4_an_output_that_the_stream_has_closed_itself_keeps_nobody():
    """C4: then no main output has an edge left."""

    async def source(ins, outs, state):
        outs.y.close()
        while True:
            await outs.x.push(1)

    workflow = Workflow()
    step = add(workflow, source, outs="x y")
    step["x"] | add(workflow, taker(2), "x")
    step["y"] | add(workflow, collector([]), "x")
    assert endings(go(workflow))["source"] == "downstream"


@pytest.mark.parametrize("port", ["side", "x", "loose"])
def test_c4_pushes_to_side_and_unconnected_outputs_raise_too(port):
    """C4: once the stream is over, "its pushes to side or unconnected outputs raise"."""
    got: list[Any] = []
    raised = []

    async def source(ins, outs):
        try:
            while True:
                await outs.x.push(1)
        except DownstreamClosed:
            for _ in range(2):
                try:
                    await outs[port].push(2)
                except DownstreamClosed as error:
                    raised.append(error)

    workflow = Workflow()
    stream = Sided(source)
    stream._outs = ("x", "side", "loose")
    step = workflow.add_stream(stream)
    step["x"] | add(workflow, taker(2), "x")
    step["side"] | add(workflow, collector(got), "x")
    assert endings(go(workflow))["Sided"] == "downstream"
    assert (len(raised), got) == (2, [])


def test_c4_a_side_output_keeps_nobody_and_its_loss_ends_nobody():
    """C4, W2: `SIDE` names outputs that are not main ones."""
    got: list[Any] = []

    async def source(ins, outs):
        for number in range(9):
            await outs.side.push(number)
            await outs.x.push(number)

    workflow = Workflow()
    step = workflow.add_stream(Sided(source))
    step["x"] | add(workflow, collector(got), "x")
    step["side"] | add(workflow, taker(1), "x")
    assert set(endings(go(workflow)).values()) == {"returned"}
    assert got == list(range(9))


def test_c4_unconnected_main_outputs_alone_end_nobody():
    """C4: only connected main outputs count."""

    async def source(ins, outs, state):
        for _ in range(2000):
            await outs.x.push(1)
        state["done"] = True

    workflow = Workflow()
    step = add(workflow, source, outs="x")
    assert endings(go(workflow)) == {"source": "returned"}
    assert step.stream.state == {"done": True}


def test_c4_caught_it_counts_as_returned():
    """C4: "it counts as returned (C6)", and the statistics say that nobody read it."""
    got: list[Any] = []

    async def source(ins, outs):
        await outs.side.push("kept")
        with contextlib.suppress(DownstreamClosed):
            while True:
                await outs.x.push(1)

    workflow = Workflow()
    step = workflow.add_stream(Sided(source))
    step["x"] | add(workflow, taker(2), "x")
    step["side"] | add(workflow, collector(got), "x")
    assert set(endings(go(workflow)).values()) == {"downstream", "returned"}
    assert got == ["kept"]
