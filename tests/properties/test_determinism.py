"""Determinism as a property: what a graph of determinate streams delivers depends on nothing else.

Not on thresholds, not on who goes first (Kahn 1974). Fan-in into one input is not determinate; it
is in ``test_random_graphs.py`` beside it, which compares what came without its order.
"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from graphs import Graph, evaluate, graphs
from helpers import run
from mimo_rx import Statistics
from trials import ShuffledLoop, Trial, growth_warnings, soaked


def deliver(graph: Graph, threshold: int | None, seed: int | None, loop: Any = None) -> None:
    """Run `graph` and compare what its sinks took with plain Python."""
    trial = Trial(graph, seed)
    workflow = trial.workflow(threshold)
    with growth_warnings() as warnings:
        statistics = run(workflow.run(), loop)
    for number, outcome in enumerate(evaluate(graph)):
        taken = trial.taken[number]
        if number in graph.sinks():
            assert taken == outcome.taken
        else:
            assert taken == outcome.taken[: len(taken)]
    check_growth(graph, statistics, warnings)


def check_growth(graph: Graph, statistics: Statistics, warnings: list[str]) -> None:
    """P3, D2: no buffer held more than its bound, and only rings raise it, with a warning each."""
    grown = 0
    for step in statistics.steps.values():
        for port in step.inputs.values():
            assert port.peak <= port.threshold + port.growth + port.over
            grown += port.growth > 0
    assert len(warnings) == len(set(warnings)) == grown
    assert graph.has_circle() or not grown


@soaked
@given(graphs(), st.integers(1, 100), st.integers(0, 1 << 30))
def test_any_graph_delivers_the_same_for_every_threshold_and_every_schedule(graph, threshold, seed):
    """P1, P3, C1 to C4, D2, D4, R5, L4."""
    deliver(graph, 1, None)
    deliver(graph, threshold, None, ShuffledLoop(seed))
    deliver(graph, None, seed)
