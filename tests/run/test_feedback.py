"""The mark of an edge that closes a ring on purpose: rule D6."""

import pickle

import pytest
import reactivex as rx

from blueprints import edges, plan, refused, stream
from flows import ops
from helpers import run
from mimo_rx import Stream, Workflow
from mimo_rx._plan.plan import Node


def marked(workflow: Workflow) -> list[str]:
    """Return the edges of the plan that are marked, by their targets."""
    made = plan(workflow)
    return [
        f"{made.steps[edge.target.step].path}.{edge.target.port}"
        for edge in made.edges
        if edge.feedback
    ]


def test_d6_a_marked_edge_is_marked_in_the_plan():
    """D6: no other edge is."""
    workflow = Workflow()
    a, b = workflow.add_stream(stream("a", ["x", "z"])), workflow.add_stream(stream("b"))
    assert a.pipe(b) is b
    assert b.pipe(a, input="z", feedback=True) is a
    assert b.pipe(a, input="x", feedback=False) is a
    assert edges(workflow) == ["a.y > b.x", "b.y > a.z", "b.y > a.x"]
    assert marked(workflow) == ["a.z"]


def test_d6_a_drawing_shows_the_mark():
    """D6, W8: the edge is drawn as a dashed line."""
    workflow = Workflow()
    a = workflow.add_stream(stream("a"))
    a.pipe(a, feedback=True)
    assert '    "a" -> "a" [taillabel="y" headlabel="x" style=dashed]' in str(workflow).splitlines()


def test_d6_the_mark_goes_through_names():
    """D6, W1: whatever names of nested workflows the edge leads through."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | stream("p") | inner.outs.b
    outer = Workflow()
    nested, q = outer.add_stream(inner), outer.add_stream(stream("q"))
    nested | q
    q.pipe(nested, feedback=True)
    assert edges(outer) == ["inner/p.y > q.x", "q.y > inner/p.x"]
    assert marked(outer) == ["inner/p.x"]


def test_d6_operators_behind_a_name_read_over_a_marked_edge():
    """D6: the other edges that they read are not marked."""
    inner = Workflow(["a"], name="inner")
    rx.merge(inner.ins.a, rx.never()) | inner.add_stream(stream("p", ["x", "z"]))["x"]
    inner.ins.a | ops.map(str) | inner.steps["p"]["z"]
    outer = Workflow()
    nested, q = outer.add_stream(inner), outer.add_stream(stream("q"))
    q.pipe(nested, feedback=True)
    made = plan(outer)
    assert marked(outer) == []
    merged, mapped = (edge.source for edge in made.edges)
    assert isinstance(merged, Node)
    assert isinstance(mapped, Node)
    assert len(merged.claims) == len(mapped.sources) == 1
    assert merged.fed_back == mapped.fed_back == frozenset({0})


def test_d6_a_mark_crosses_process_borders():
    """D6, W7."""
    workflow = Workflow()
    a = workflow.add_stream(stream("a"))
    a.pipe(a, feedback=True)
    assert marked(pickle.loads(pickle.dumps(workflow))) == ["a.x"]


def test_d6_a_marked_edge_that_operators_read_carries_items():
    """D6: a run treats such an edge like any other."""
    got: list[int] = []

    async def count(ins, outs, state):
        await outs.y.push(0)
        async for item in ins.x:
            got.append(item)
            if item == 3:
                return
            await outs.y.push(item)

    inner = Workflow(["a"], ["b"], name="inner")
    relay = Stream(["x"], ["y"], fn=count)
    inner.ins.a | ops.map(lambda item: item + 1) | relay | inner.outs.b
    outer = Workflow()
    nested = outer.add_stream(inner)
    nested.pipe(nested, feedback=True)
    run(outer.run())
    assert got == [1, 2, 3]


@pytest.mark.parametrize("mark", [1, None, "yes"])
def test_d6_a_mark_is_true_or_false(mark):
    """D6."""
    workflow = Workflow()
    a = workflow.add_stream(stream("a"))
    with refused(workflow, f"feedback of pipe must be True or False, got {mark!r}"):
        a.pipe(a, feedback=mark)


def test_d6_only_an_edge_into_a_step_is_marked():
    """D6: an edge into an operator or an output of the workflow closes no ring."""
    workflow = Workflow(outs=["b"])
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "with output, input or feedback leads into a step"):
        a.pipe(ops.map(str), feedback=True)
    with refused(workflow, "feedback=True of pipe is for an edge into a step"):
        a.pipe(workflow.outs.b, feedback=True)
