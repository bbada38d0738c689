"""A run with another threshold than its blueprint says (W1, W5, W6, P3)."""

import sys
from typing import Any

import pytest

from flows import ops
from helpers import run
from mimo_rx import Workflow
from mimo_rx.streams import ToList
from runs import add, collector, counter, double, go


def nested() -> tuple[Workflow, list[int]]:
    got: list[int] = []
    inner = Workflow(["x"], ["y"], name="inner", threshold=50)
    inner.ins.x | add(inner, double, "x", "y", name="double") | inner.outs.y
    workflow = Workflow(threshold=70)
    source = add(workflow, counter(40), outs="x", name="source")
    sink = workflow.add_stream(add(Workflow(), collector(got), "x").stream, threshold=60)
    source | workflow.add_stream(inner) | sink
    return workflow, got


@pytest.mark.parametrize("threshold", [1, 3, 1000])
def test_w5_a_run_with_a_threshold_bounds_every_buffer_by_it(threshold):
    """W5, P3: also those of nested workflows and of steps with a threshold of their own."""
    workflow, got = nested()
    statistics = go(workflow, threshold=threshold)
    assert got == [2 * number for number in range(40)]
    inputs = [each for step in statistics.steps.values() for each in step.inputs.values()]
    assert {each.threshold for each in inputs} == {threshold}
    assert max(each.peak for each in inputs) == min(threshold, 40)


def test_w7_the_threshold_of_a_run_leaves_the_blueprint_as_it_was():
    """W7: the next run uses the thresholds of the blueprint again."""
    workflow, _ = nested()
    go(workflow, threshold=2)
    inputs = [each for step in go(workflow).steps.values() for each in step.inputs.values()]
    assert {each.threshold for each in inputs} == {50, 60}


def test_w6_an_open_run_has_the_threshold_for_its_own_ports_too():
    """W6, P3: `outs` are buffers like others."""

    async def main():
        workflow = Workflow(["x"], ["y"])
        workflow.ins.x | add(workflow, double, "x", "y") | workflow.outs.y
        async with workflow.open(threshold=2) as opened:
            for number in range(4):  # two wait in each of the two buffers, one is under way
                await opened.ins.x.push(number)
            with pytest.raises(TimeoutError):
                for number in range(4, 6):
                    await opened.ins.x.push(number, timeout=1)
            return [await opened.outs.y.pop() for _ in range(5)]

    assert run(main()) == [0, 2, 4, 6, 8]


def test_w1_the_largest_threshold_runs():
    """W1: from end to end, through operators and fan-outs too."""
    got: list[Any] = []
    workflow = Workflow(threshold=sys.maxsize)
    source = add(workflow, counter(5), outs="x")
    source | ops.map(lambda item: item) | add(workflow, collector(got), "x")
    source | add(workflow, collector(got), "x")
    go(workflow)
    go(workflow, threshold=sys.maxsize)
    assert sorted(got) == sorted([*range(5)] * 4)


@pytest.mark.parametrize("threshold", [sys.maxsize + 1, 10**30])
def test_w1_a_threshold_that_no_list_can_reach_is_refused(threshold):
    """W1: where it is given, not inside the run."""
    words = f"threshold must be an integer of at least 1 and at most {sys.maxsize}, got {threshold}"
    workflow = Workflow()
    for give in (
        lambda: Workflow(threshold=threshold),
        lambda: workflow.add_stream(ToList(), threshold=threshold),
        lambda: workflow.start(threshold=threshold),
        lambda: workflow.open(threshold=threshold),
    ):
        with pytest.raises(ValueError, match=words):
            give()


@pytest.mark.parametrize("threshold", [0, -1, 2.5, True, "7"])
def test_w1_a_threshold_of_a_run_out_of_its_range_is_refused(threshold):
    """W1: an int of at least 1, for `start`, `run` and `open` alike."""
    workflow = Workflow()
    with pytest.raises(ValueError, match="threshold must be an integer of at least 1, got"):
        workflow.start(threshold=threshold)
    with pytest.raises(ValueError, match="threshold must be an integer of at least 1, got"):
        workflow.open(threshold=threshold)
    with pytest.raises(ValueError, match="threshold must be an integer of at least 1, got"):
        run(workflow.run(threshold=threshold))
