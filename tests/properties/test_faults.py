"""Faults as a property: a graph in which one thing goes wrong ends, and leaves nothing behind."""

import weakref

from hypothesis import given
from hypothesis import strategies as st

from graph_faults import check, execute, faulty_graphs, nothing_left
from graphs import Fault, Graph
from trials import Trial, soaked


def attempt(graph: Graph, fault: Fault, seed: int | None) -> list[weakref.ref[object]]:
    """Run `graph` with its fault and check what is seen of it; return what should go now."""
    trial = Trial(graph, seed, fault)
    workflow = trial.workflow()
    check(trial, fault, execute(workflow, fault))
    streams = [step.stream for step in workflow.steps.values()]
    return [weakref.ref(each) for each in (trial, workflow, *streams)]


@soaked
@given(faulty_graphs(), st.none() | st.integers(0, 1 << 30))
def test_a_graph_in_which_anything_goes_wrong_ends_and_leaves_nothing(drawn, seed):
    """C4 to C6, D4, E1 to E4, E7, P3: the right exception with its note, every `finally` once.

    Items go as soon as the run is over, but for an operator that failed: RxPY keeps its exception
    and its frame in each other. A blueprint, whose steps and workflow refer to each other, takes
    the cycle collector.
    """
    graph, fault = drawn
    with nothing_left(at_once=fault.kind != "operator"):
        refs = attempt(graph, fault, seed)
    assert [ref() for ref in refs if ref() is not None] == []
