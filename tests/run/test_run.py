"""Running a workflow: rules S3, S5, W3, W5, W7 and W9, as far as they need a run."""

import asyncio
import sys
from typing import Any

import pytest

from helpers import run
from mimo_rx import Statistics, Stream, WiringError, Workflow
from runs import add, clock, collector, counter, double, endings, failing, go, taker


def test_s3_fn_gets_the_very_object_that_was_passed_as_state():
    """S3: the object passed in is the one that `fn` gets and the one readable after the run."""
    state: list[Any] = []
    seen = []

    async def fn(ins, outs, state):
        seen.append(state)
        state.append(1)

    workflow = Workflow()
    step = add(workflow, fn, state=state)
    go(workflow)
    go(workflow)
    assert seen[0] is seen[1] is step.stream.state is state
    assert state == [1, 1]


def test_s3_without_a_state_it_is_a_dict_of_the_streams_own():
    """S3: readable after the run as `stream.state`, the same one in the next run."""
    workflow = Workflow()
    first, second = add(workflow, counter(3), outs="x"), add(workflow, counter(4), outs="x")
    go(workflow)
    assert (first.stream.state, second.stream.state) == ({"pushed": 3}, {"pushed": 4})


def test_s3_a_state_factory_makes_a_new_state_for_each_run():
    """S3: `state_factory=` makes a new one for each run, one for each step that runs it."""
    made: list[Any] = []

    def factory():
        made.append([])
        return made[-1]

    async def fn(ins, outs, state):
        state.append("ran")

    stream = Stream(fn=fn, state_factory=factory)
    workflow = Workflow()
    workflow.add_stream(stream)
    workflow.add_stream(stream)
    go(workflow)
    go(workflow)
    assert made == [["ran"]] * 4


def test_s3_a_state_factory_that_raises_is_a_failure_of_its_step():
    """S3, E1: it names the step, and the others are cancelled."""

    def factory():
        raise ValueError("no state")

    async def fn(ins, outs, state):
        pytest.fail("it has no state")

    workflow = Workflow()
    add(workflow, counter(), outs="x")
    add(workflow, fn, name="broken", state_factory=factory)
    error = failing(workflow)
    assert error.__notes__ == ["mimo_rx: raised in step 'broken'"]


@pytest.mark.parametrize("kind", ["run", "fn", "neither"])
def test_s5_what_cannot_run_is_refused_before_any_run(kind):
    """S5: a `run` that is no coroutine function, or neither `run` nor `fn`, when it is added."""

    class Plain(Stream):
        def run(self, ins: Any, outs: Any) -> Any:
            pytest.fail("it is never run")

    plain: Any = print
    stream: Any = {"run": Plain, "neither": Stream, "fn": lambda: Stream(fn=plain)}[kind]()
    workflow = Workflow()
    with pytest.raises(WiringError, match=r"coroutine function|nothing to run"):
        workflow.add_stream(stream)
    assert go(workflow).steps == {}


def test_w3_seeds_come_first_and_in_order():
    """W3: `Step.push(item, input=None)` seeds an input before a run."""
    got: list[Any] = []
    workflow = Workflow()
    sink = add(workflow, collector(got), "x")
    add(workflow, counter(2), outs="x").pipe(sink)
    sink.push("a")
    sink.push(None, "x")
    go(workflow)
    assert got == ["a", None, 0, 1]


def test_w3_seeds_of_an_input_that_nothing_feeds_are_delivered():
    """W3, W9: the input closes after them."""
    got: list[Any] = []
    workflow = Workflow()
    sink = add(workflow, collector(got), "x")
    for item in range(3):
        sink.push(item)
    go(workflow)
    assert got == [0, 1, 2]


def test_w3_more_seeds_than_the_threshold_count_as_over():
    """W3: more seeds than the threshold are allowed and count as `over` (P3)."""
    got: list[Any] = []
    workflow = Workflow(threshold=2)
    sink = add(workflow, collector(got), "x")
    add(workflow, counter(2), outs="x").pipe(sink)
    for item in "abcde":
        sink.push(item)
    buffer = go(workflow).steps["sink"].inputs["x"]
    assert got == [*"abcde", 0, 1]
    assert (buffer.peak, buffer.over, buffer.threshold) == (5, 3, 2)


def test_w3_every_run_has_the_seeds_anew():
    """W3, W7."""
    got: list[Any] = []
    workflow = Workflow()
    add(workflow, collector(got), "x").push(1)
    go(workflow)
    go(workflow)
    assert got == [1, 1]


def test_w5_run_returns_the_statistics():
    """W5: `await run()` does so in a running loop."""
    workflow = Workflow()
    add(workflow, counter(3), outs="x").pipe(add(workflow, taker(3), "x"))
    statistics = go(workflow)
    assert isinstance(statistics, Statistics)
    assert statistics.steps["source"].items_out == statistics.steps["take"].items_in == 3


def test_w5_start_returns_the_statistics():
    """W5: `start()` runs to the end and blocks."""
    workflow = Workflow()
    add(workflow, counter(3), outs="x").pipe(add(workflow, taker(3), "x"))
    assert workflow.start().steps["take"].items_in == 3


def test_w5_start_in_a_running_loop_is_refused():
    """W5: a `RuntimeError` that says to await `run()`."""
    workflow = Workflow(name="w")

    async def main():
        with pytest.raises(RuntimeError, match=r"start\(\) of workflow 'w'.*await workflow.run"):
            workflow.start()

    run(main())


def test_w5_the_inputs_of_the_workflow_itself_are_closed():
    """W5: inputs of the workflow itself are then closed."""
    got: list[Any] = []
    workflow = Workflow(["a", "b"])
    workflow.connect_workflow_input(add(workflow, collector(got), "x"), workflow_input="a")
    statistics = go(workflow)
    assert (got, endings(statistics)) == ([], {"sink": "returned"})


@pytest.mark.parametrize("mapped", [False, True])
def test_w5_the_outputs_of_the_workflow_itself_discard(mapped):
    """W5: its outputs discard, however much comes."""
    workflow = Workflow(outs=["b"], threshold=2)
    step: Any = add(workflow, counter(50), outs="x")
    (step.map(str) if mapped else step) | workflow.outs["b"]
    statistics = go(workflow)
    assert statistics.steps["source"].items_out == 50
    assert endings(statistics) == {"source": "returned"}


@pytest.mark.parametrize("mapped", [False, True])
def test_w5_a_workflow_of_nothing_but_its_own_ports_ends_at_once(mapped):
    """W5, C5: it has no step at all."""
    workflow = Workflow(["a"], ["b"])
    port: Any = workflow.ins["a"]
    (port.map(str) if mapped else port) | workflow.outs["b"]
    assert go(workflow).steps == {}
    assert go(Workflow()).steps == {}


def test_w7_a_workflow_runs_again():
    """W7: a blueprint is not changed by running: it runs again."""
    got: list[Any] = []
    workflow = Workflow()
    source, middle = add(workflow, counter(3), outs="x"), add(workflow, double, "x", "y")
    source | middle | add(workflow, collector(got), "x")
    drawing = str(workflow)
    first, second = go(workflow), go(workflow)
    assert got == [0, 2, 4] * 2
    assert first == second
    assert str(workflow) == drawing


def test_w7_a_workflow_runs_twice_at_once():
    """W7: and twice at once, each run with its own buffers, ends and operators."""
    runs: list[Any] = []

    async def sink(ins, outs, state):
        async for item in ins.x:
            state.append(item)
            await asyncio.sleep(1)

    def factory():
        runs.append([])
        return runs[-1]

    workflow = Workflow(threshold=2)
    scanned = add(workflow, counter(5), outs="x").scan(lambda total, item: total + item)
    scanned | add(workflow, sink, "x", state_factory=factory)

    async def main():
        first = asyncio.create_task(workflow.run())
        await asyncio.sleep(1.5)
        await asyncio.gather(first, workflow.run())
        return await clock()

    assert run(main()) == 6.5
    assert runs == [[0, 1, 3, 6, 10]] * 2


def test_w7_a_failure_of_one_run_is_none_of_the_other():
    """W7, E1."""
    seen = []

    async def fn(ins, outs, state):
        seen.append(state)
        await asyncio.sleep(1)
        if len(seen) == state["fails"]:
            raise ValueError("second")
        await asyncio.sleep(1)

    workflow = Workflow()
    add(workflow, fn, state={"fails": 3})

    async def main():
        return await asyncio.gather(workflow.run(), workflow.run(), return_exceptions=True)

    one, other = run(main())
    assert isinstance(one, Statistics)
    assert isinstance(other, Statistics)


def test_w7_a_run_sees_the_blueprint_as_it_was_at_its_start():
    """W7: steps, edges and seeds that are added meanwhile belong to the next run."""
    got: list[Any] = []
    late: list[Any] = []

    async def source(ins, outs, state):
        await outs.x.push(0)
        await asyncio.sleep(1)
        await outs.x.push(1)

    workflow = Workflow()
    step, sink = add(workflow, source, outs="x"), add(workflow, collector(got), "x")
    step.pipe(sink)

    async def main():
        first = asyncio.create_task(workflow.run())
        await asyncio.sleep(0.5)
        step.pipe(add(workflow, collector(late), "x"))
        sink.push("seed")
        assert len((await first).steps) == 2
        assert (got, late) == ([0, 1], [])
        assert len((await workflow.run()).steps) == 3

    run(main())
    assert (got, late) == ([0, 1, "seed", 0, 1], [0, 1])


def test_w9_an_output_that_leads_nowhere_discards():
    """W9."""
    workflow = Workflow(threshold=1)
    add(workflow, counter(50), outs="x")
    assert go(workflow).steps["source"].items_out == 50


def test_w9_an_input_that_nothing_feeds_is_closed_from_the_start():
    """W9."""
    seen = []

    async def fn(ins, outs, state):
        seen.append((ins.x.is_closed(), ins.x.is_open()))

    workflow = Workflow()
    add(workflow, fn, "x")
    go(workflow)
    assert seen == [(True, False)]


def test_w9_check_runs_nothing():
    """W9: without running anything."""

    async def fn(ins, outs, state):
        pytest.fail("nothing runs")

    workflow = Workflow()
    add(workflow, fn, "x", "y")
    assert workflow.check()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="there are no eager tasks before 3.12")
def test_w5_a_run_works_with_eager_tasks():
    """W5, C4, E1: here streams make their first steps before the others exist."""
    got: list[Any] = []

    async def broken(ins, outs, state):
        raise ValueError("early")

    async def main():
        factory: Any = asyncio.eager_task_factory  # type: ignore[attr-defined, unused-ignore]
        asyncio.get_running_loop().set_task_factory(factory)
        workflow = Workflow(threshold=2)
        source = add(workflow, counter(), outs="x")
        source | add(workflow, double, "x", "y") | add(workflow, taker(5, got), "x")
        ended = endings(await workflow.run())
        add(workflow, broken)
        with pytest.raises(ValueError, match="early"):
            await workflow.run()
        return ended

    assert run(main()) == {"source": "downstream", "double": "downstream", "take": "returned"}
    assert got[:5] == [0, 2, 4, 6, 8]
