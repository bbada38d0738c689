"""Flattening a blueprint."""

import pytest
import reactivex as rx
from reactivex import operators as ops

from blueprints import edges, nothing, plan, source, stream
from mimo_rx import Stream, WiringError, Workflow, flow
from mimo_rx._plan.flatten import flatten_flow
from mimo_rx._plan.plan import ENVIRONMENT, PortRef


def passing(name: str = "inner") -> Workflow:
    """Make a workflow that passes its input `a` through a step to its output `b`."""
    made = Workflow(["a"], ["b"], name=name)
    made.ins.a | stream("p") | made.outs.b
    return made


def naming(name: str = "names") -> Workflow:
    """Make a workflow whose input `a` and output `b` are two names for one thing."""
    made = Workflow(["a"], ["b"], name=name)
    made.ins.a | made.outs.b
    return made


def paths(blueprint):
    return [step.path for step in plan(blueprint).steps]


def test_a_workflow_of_nothing_is_an_empty_plan():
    made = plan(Workflow(["a"], ["b"], name="empty", threshold=7))
    assert (made.name, made.steps, made.edges, made.threshold) == ("empty", (), (), 7)
    assert (made.ins, made.outs) == (("a",), ("b",))


def test_w1_ports_of_a_nested_workflow_are_names():
    """W1: they cost no buffer and no task."""
    outer = Workflow()
    outer.add_stream(source()) | outer.add_stream(passing()) | stream("sink", outs=())
    assert paths(outer) == ["source", "inner/p", "sink"]
    assert sorted(edges(outer)) == ["inner/p.y > sink.x", "source.y > inner/p.x"]


def test_w1_names_are_followed_through_any_depth():
    """W1: also a thousand nested workflows that hold nothing but names."""
    workflow = naming()
    for _ in range(1_000):
        outer = Workflow(["a"], ["b"])
        outer.ins.a | outer.add_stream(workflow) | outer.outs.b
        workflow = outer
    top = Workflow()
    top.add_stream(source()) | top.add_stream(workflow) | stream("sink")
    assert edges(top) == ["source.y > sink.x"]


def test_w1_names_are_followed_along_a_long_chain():
    """W1: a thousand workflows of names, one after the other."""
    top = Workflow()
    step = top.add_stream(source())
    for number in range(1_000):
        step = step | naming(f"n{number}")
    step | stream("sink")
    assert edges(top) == ["source.y > sink.x"]


def test_w1_a_stream_nested_twice_is_two_steps():
    """W1, E5: each step has a path of its own."""
    inner, outer = passing(), Workflow()
    outer.add_stream(inner) | outer.add_stream(inner)
    assert paths(outer) == ["inner/p", "inner-2/p"]
    assert edges(outer) == ["inner/p.y > inner-2/p.x"]


def test_w1_junctions_are_multiplied_out():
    """W1: two producers of a name that leads into two inputs make four edges."""
    inner = Workflow(["a"], name="inner")
    inner.ins.a | [stream("p"), stream("q")]
    outer = Workflow()
    [outer.add_stream(source("s")), outer.add_stream(source("t"))] | outer.add_stream(inner)
    assert sorted(edges(outer)) == [
        "s.y > inner/p.x",
        "s.y > inner/q.x",
        "t.y > inner/p.x",
        "t.y > inner/q.x",
    ]


def test_w1_operators_on_both_sides_of_a_name_are_two_nodes():
    """W1, L4: all inner readers share the operators outside."""
    inner = Workflow(["a"], name="inner")
    inner.ins.a | ops.filter(bool) | stream("p")
    inner.ins.a | stream("q")
    outer = Workflow()
    outer.add_stream(source()) | ops.map(str) | outer.add_stream(inner)
    into_p, into_q = plan(outer).edges
    assert edges(outer) == [
        "source.y | map(str) | filter(bool) > inner/p.x",
        "source.y | map(str) > inner/q.x",
    ]
    assert into_p.source.sources == (into_q.source,)


def test_w1_operators_of_a_workflow_nested_twice_are_not_shared():
    """W1: its flows mean something different in each place."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | ops.map(str) | inner.outs.b
    outer = Workflow()
    outer.add_stream(source("s")) | outer.add_stream(inner) | stream("p")
    outer.add_stream(source("t")) | outer.add_stream(inner) | stream("q")
    assert edges(outer) == ["s.y | map(str) > p.x", "t.y | map(str) > q.x"]
    one, other = plan(outer).edges
    assert one.source is not other.source


def test_an_edge_that_multiplying_out_doubles_goes_through_a_node():
    """Each item is then delivered twice, as written; the two edges stay apart."""
    inner = Workflow(["a", "b"], name="inner")
    step = inner.add_stream(stream("p"))
    inner.ins.a | step
    inner.ins.b | step
    outer = Workflow()
    nested = outer.add_stream(inner)
    outer.add_stream(source()) | [nested["a"], nested["b"]]
    one, other = plan(outer).edges
    assert one.source == PortRef(1, "y") or isinstance(one.source, PortRef)
    assert other.source.sources == (one.source,)
    assert other.source.operators == ()


def test_a_ring_of_names_feeds_nothing():
    """Two names that only refer to each other have no items."""
    workflow = Workflow()
    ring = workflow.add_stream(naming())
    ring | workflow.add_stream(naming()) | ring
    ring | stream("sink")
    assert edges(workflow) == []


def test_a_ring_of_names_with_a_producer_feeds_all_of_them():
    """Items that are led into the ring come out wherever it is read."""
    workflow = Workflow()
    one, other = workflow.add_stream(naming()), workflow.add_stream(naming())
    one | other | one
    workflow.add_stream(source()) | one
    one | stream("p")
    other | stream("q")
    assert edges(workflow) == ["source.y > p.x", "source.y > q.x"]


def test_a_ring_of_operators_is_refused():
    """It would call itself for ever within one push."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | ops.map(str) | inner.outs.b
    workflow = Workflow()
    ring = workflow.add_stream(inner)
    ring | ring["a"]
    ring | stream("sink")
    with pytest.raises(WiringError, match="'inner' feeds itself without a stream in between"):
        plan(workflow)


def test_a_ring_of_streams_is_fine():
    """Cycles are allowed."""
    workflow = Workflow()
    a = workflow.add_stream(stream("a"))
    a | stream("b") | a
    a | ops.map(str) | a
    assert edges(workflow) == ["a.y > b.x", "b.y > a.x", "a.y | map(str) > a.x"]


def test_w5_ports_of_the_workflow_itself_are_the_environments():
    """W5, W6: the caller of the run has their other ends."""
    workflow = passing()
    assert edges(workflow) == ["env.a > p.x", "p.y > env.b"]
    assert edges(naming()) == ["env.a > env.b"]
    assert plan(workflow).edges[0].source == PortRef(ENVIRONMENT, "a")


def test_w3_seeds_stand_in_the_plan():
    """W3: they keep the order of their pushes."""
    workflow = Workflow()
    step = workflow.add_stream(stream("a"))
    step.push(None)
    step.push(2, "x")
    assert plan(workflow).steps[0].seeds == {"x": (None, 2)}


def test_w3_seeds_of_a_nested_workflow_reach_what_stands_behind_the_name():
    """W3, W1: they go into an input directly, or become a source before operators."""
    inner = Workflow(["a"], name="inner")
    inner.ins.a | stream("p")
    inner.ins.a | ops.map(str) | stream("q")
    outer = Workflow()
    outer.add_stream(inner).push(1)
    made = plan(outer)
    assert made.steps[0].seeds == {"x": (1,)}
    assert edges(outer) == ["seeds-inner.a.item | map(str) > inner/q.x"]
    assert made.steps[2].stream.source == (1,)


def test_w9_inputs_that_nothing_feeds_have_no_edge():
    """W9: such an input is closed from the start."""
    workflow = Workflow()
    nested = workflow.add_stream(passing())
    nested | stream("sink")
    assert edges(workflow) == ["inner/p.y > sink.x"]


def test_w7_a_plan_does_not_change_with_its_blueprint():
    """W7: a run sees it as it was at its start."""
    inner, outer = passing(), Workflow()
    outer.add_stream(inner)
    before = plan(outer)
    inner.add_stream(stream("q")) | inner.steps["p"]
    outer.add_stream(source())
    assert len(before.steps) == 1
    assert paths(outer) == ["inner/p", "inner/q", "source"]


def test_thresholds_are_those_of_the_steps():
    workflow = Workflow(threshold=5)
    workflow.add_stream(stream("a"))
    workflow.add_stream(stream("b"), threshold=9)
    nested = Workflow(threshold=3, name="inner")
    nested.add_stream(stream("c"))
    workflow.add_stream(nested)
    assert [(step.path, step.threshold) for step in plan(workflow).steps] == [
        ("a", 5),
        ("b", 9),
        ("inner/c", 3),
    ]


def test_paths_of_sources_differ_from_those_of_steps():
    workflow = Workflow()
    step = workflow.add_stream(stream("list"))
    [1] | step
    [2] | step
    assert paths(workflow) == ["list", "list-2", "list-3"]


def test_a_long_chain_of_operators_is_one_node():
    """Flattening does not recurse; operators without other readers are gathered."""
    made = flow([1])
    for _ in range(10_000):
        made = made | ops.map(str)
    (edge,) = plan(made).edges
    assert len(edge.source.operators) == 10_000


def test_a_long_chain_of_shared_flows_is_laid_flat():
    """Each of the flows has another reader here."""
    workflow = Workflow()
    made = workflow.add_stream(source())["y"]
    sink = workflow.add_stream(stream("sink"))
    for _ in range(2_000):
        made = made | ops.map(str)
        made | sink
    assert len(plan(workflow).edges) == 2_000


def test_r12_a_claim_stands_for_an_output():
    """R12: the plan maps each port object inside an Observable to its output."""
    workflow = Workflow()
    a, b = workflow.add_stream(source("a"))["y"], workflow.add_stream(source("b"))
    observable = rx.merge(a, b)
    observable | workflow.add_stream(stream("sink"))
    (edge,) = plan(workflow).edges
    assert edge.source.observable is observable
    assert [(claim, ref) for claim, ref in edge.source.claims] == [
        (a, PortRef(0, "y")),
        (b, PortRef(1, "y")),
    ]
    assert edge.source.claims[0][0] is a


def test_r12_a_claim_with_operators_stands_for_a_node():
    """R12, L4: the other readers of the flow share the node."""
    workflow = Workflow()
    text = workflow.add_stream(source("a")) | ops.map(str)
    rx.merge(text, rx.of(1)) | workflow.add_stream(stream("p"))
    text | workflow.add_stream(stream("q"))
    into_p, into_q = plan(workflow).edges
    assert into_p.source.claims == ((text, into_q.source),)


def test_r12_an_operator_claims_what_it_refers_to():
    """R12: `flow | ops.merge(other)`."""
    workflow = Workflow()
    a, b = workflow.add_stream(source("a")), workflow.add_stream(source("b"))
    a | ops.map(str) | ops.merge(b["y"]) | ops.filter(bool) | stream("sink")
    assert edges(workflow) == ["a.y | map(str) | merge | filter(bool){b.y} > sink.x"]


def test_r12_a_claim_of_a_name_stands_for_the_merge_behind_it():
    """R12, W1."""
    inner = Workflow(outs=["b"], name="inner")
    [inner.add_stream(source("p")), inner.add_stream(source("q"))] | inner.outs.b
    empty = Workflow(outs=["b"], name="empty")
    workflow = Workflow()
    one, none = workflow.add_stream(inner), workflow.add_stream(empty)
    rx.concat(one, none) | workflow.add_stream(stream("sink"))
    assert edges(workflow) == ["{[inner/p.y, inner/q.y] | inner, [] | empty} > sink.x"]


def test_r12_named_ports_are_claims():
    """R12: `flow(observable, ports=[a["x"]])`."""
    workflow = Workflow()
    a = workflow.add_stream(source("a"))
    hidden = rx.defer(lambda _: globals()["never"])
    flow(hidden, ports=[a["y"]]) | workflow.add_stream(stream("sink"))
    assert edges(workflow) == ["{a.y} > sink.x"]


def test_r10_the_plan_of_a_flow_runs_its_whole_workflow():
    """R10: the flow is read as `item`; the outputs of the workflow itself discard."""
    workflow = passing()
    made = flatten_flow(workflow.steps["p"], workflow)
    assert (made.ins, made.outs) == (("a",), ("item",))
    assert edges(workflow.steps["p"]) == ["env.a > p.x", "p.y > env.item"]
    assert edges(workflow.ins.a) == ["env.a > p.x", "env.a > env.item"]


def test_r10_a_flow_without_a_workflow_runs_in_one_of_its_own():
    """R10, L8a: it becomes part of another one through the streams that it was made of."""
    numbers = source()
    nested = Workflow(outs=["b"], name="inner")
    nested.add_stream(source("p")) | nested.outs.b
    made = flow(numbers, nested, [1], numbers) | ops.map(str)
    assert edges(made) == ["[source.y, inner/p.y, list.item, source.y] | map(str) > env.item"]
    workflow = Workflow()
    joined = flow(workflow.add_stream(stream("a")), numbers)
    assert edges(joined) == ["a.y > env.item", "source.y > env.item"]
    assert list(workflow.steps) == ["a", "source", "inner"]
    assert made.workflow is joined.workflow is workflow


def test_a_bare_stream_with_several_outputs_is_refused():
    with pytest.raises(WiringError, match="stream 's' has several main outputs, 'a', 'b'"):
        Stream(outs=["a", "b"], fn=nothing, name="s") | ops.map(str)
