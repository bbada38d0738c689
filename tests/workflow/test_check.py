"""The findings of `check()` about flows that lead nowhere, and about operators: rule W9."""

import gc
import pickle
from typing import Any

import pytest
import reactivex as rx
from reactivex.scheduler import ImmediateScheduler

from blueprints import source, stream
from checks import found, found_at
from flows import ops
from mimo_rx import WiringError, Workflow, flow
from mimo_rx._blueprint.provisional import all_or_nothing
from mimo_rx._workflow.findings import Finding

# Flows that lead nowhere


def test_w9_a_flow_that_leads_nowhere_is_told_of_once():
    """W9: there is no second finding for its unread output."""
    workflow = Workflow()
    dead = workflow.add_stream(source("read"))["y"] | ops.map(str)
    (finding,) = workflow.check()
    assert finding == Finding(
        "dead-end-flow",
        "warning",
        "read",
        "y",
        "flow 'read.y | map(str)' leads nowhere: its items are discarded; lead it into a step, "
        "unless it is only read outside the workflow",
    )
    dead | workflow.add_stream(stream("sink", outs=()))
    assert workflow.check() == ()


def test_w9_only_the_outermost_of_the_flows_that_lead_nowhere_is_told():
    """W9: flows that it is made from, and flows that also lead elsewhere, are left out."""
    workflow = Workflow()
    strings = workflow.add_stream(source("read")) | ops.map(str)
    full = strings | ops.filter(bool)
    strings | workflow.add_stream(stream("sink", outs=()))
    short, long = full | ops.take(1), full | ops.skip(1)
    assert [finding.message.split("'")[1] for finding in workflow.check()] == [
        f"{short.label()}",
        f"{long.label()}",
    ]


def test_w9_merges_that_lead_nowhere_are_told():
    """W9: a merge and its members are one finding."""
    workflow = Workflow()
    a, b = workflow.add_stream(source("a")), workflow.add_stream(source("b"))
    dead = flow(a, b)
    assert found_at(workflow, "dead-end-flow") == [("", "")]
    assert len(workflow.check()) == 1
    dead = flow(rx.merge(a["y"], b["y"]))
    assert [finding.code for finding in workflow.check()] == ["dead-end-flow"]
    dead | workflow.add_stream(stream("sink", outs=()))
    assert workflow.check() == ()


def test_w9_a_merge_that_was_led_on_is_not_told():
    """W9: this holds for a merge led on by its members, and as part of a larger merge."""
    workflow = Workflow()
    a, b, c = (workflow.add_stream(source(name)) for name in "abc")
    sink, other = (workflow.add_stream(stream(name, outs=())) for name in ("sink", "other"))
    small = flow(a, b)
    small | sink
    large = flow(small, c)
    large | other
    assert small.workflow is large.workflow
    assert workflow.check() == ()


def test_w9_flows_that_were_dropped_are_forgotten():
    """W9, R10: the memory of a program that makes cold flows for ever does not grow."""
    workflow = Workflow()
    step = workflow.add_stream(source())
    for _ in range(10):
        step | ops.map(str) | ops.filter(bool)
    gc.collect()
    assert workflow.graph.flows == ()
    assert [finding.code for finding in workflow.check()] == ["unread-output"]


def test_w9_a_flow_of_a_workflows_own_input_may_lead_nowhere():
    """W9: the flow has no step, so the finding names the nested workflow."""
    inner = Workflow(["a"], name="inner")
    dead = inner.ins.a | ops.map(str)
    outer = Workflow()
    source() | outer.add_stream(inner)
    assert [(finding.code, finding.step) for finding in outer.check()] == [
        ("dead-end-flow", "inner")
    ]
    assert dead.workflow is inner


def test_w9_flows_made_in_a_refusal_are_taken_back():
    """W9, L11: a refused `|` leaves no finding."""
    workflow = Workflow()
    step = workflow.add_stream(source())
    made: list[Any] = []
    with pytest.raises(ValueError, match="stop"), all_or_nothing():
        made.append(step | ops.map(str))
        raise ValueError("stop")
    assert workflow.graph.flows == ()


def test_w9_a_blueprint_that_crossed_a_border_has_no_flows_of_others():
    """W9, W7: they are not pickled, and new ones are noted again."""
    workflow = Workflow()
    step = workflow.add_stream(source())
    dead = step | ops.map(str)
    copy = pickle.loads(pickle.dumps(workflow))
    assert dead.workflow.graph.flows == (dead,)
    assert copy.graph.flows == ()
    again = copy.steps["source"] | ops.map(str)
    assert copy.graph.flows == (again,)


# Operators that hold items


def test_r5_an_operator_that_holds_items_is_told_with_its_place():
    """R5: the finding also says what it holds, and what to use instead."""
    workflow = Workflow()
    read = workflow.add_stream(source("read"))
    read | ops.map(str) | ops.delay(1.0) | workflow.add_stream(stream("parse", ["line"], ()))
    (finding,) = workflow.check()
    assert finding == Finding(
        "holding-operator",
        "info",
        "parse",
        "line",
        "on the edge read.y -> parse.line, operator 2 of 2, delay, holds every item that is not "
        "yet due outside the bound; use the stream `Delay(seconds)`",
    )


def test_r5_an_operator_that_two_read_is_told_once():
    """R5, L4: the operator runs once."""
    workflow = Workflow()
    shared = workflow.add_stream(source("read")) | ops.to_list()
    shared | [stream("a", outs=()), stream("b", outs=())]
    shared | ops.take_last(2) | stream("c", outs=())
    assert found_at(workflow, "holding-operator") == [("a", "x"), ("c", "x")]


def test_r5_operators_are_seen_through_names_and_combinators():
    """R5, W1, R12: they are found behind ports of workflows, and inside combinators."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | ops.zip(inner.add_stream(source("p"))["y"]) | inner.outs.b
    outer = Workflow(["c"], ["d"])
    outer.ins.c | outer.add_stream(inner) | outer.outs.d
    rx.zip(outer.steps["inner"]["b"], outer.ins.c) | stream("sink", outs=())
    findings = found(outer, "holding-operator")
    assert [(finding.step, finding.port) for finding in findings] == [("sink", "x")] * 2
    assert [finding.message.split(" holds ")[0] for finding in findings] == [
        "on the edge ins.c -> sink.x, zip",
        "on the edge ins.c -> sink.x, operator 1 of 1, zip,",
    ]


def test_r5_an_edge_out_of_the_workflow_is_named_too():
    """R5, W4: its end is a port of the workflow."""
    workflow = Workflow(["c"], ["d"])
    workflow.ins.c | ops.observe_on(ImmediateScheduler()) | workflow.outs.d
    (finding,) = workflow.check()
    assert (finding.step, finding.port) == ("", "d")
    assert finding.message.startswith("on the edge ins.c -> outs.d, operator 1 of 1, observe_on,")


def test_r5_operators_that_hold_nothing_are_not_told():
    """R5: operators of which nothing is known are not told either."""
    workflow = Workflow()
    read = workflow.add_stream(source("read"))
    chain = read | ops.map(str) | ops.merge(rx.never()) | ops.scan(max) | (lambda before: before)
    chain | ops.flat_map(rx.of) | stream("sink", outs=())
    assert found(workflow, "holding-operator") == []


# Operators in a ring


def test_w9_operators_that_feed_themselves_are_an_error():
    """W9: a run would refuse them."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | ops.map(str) | inner.outs.b
    outer = Workflow()
    nested = outer.add_stream(inner)
    nested | nested
    nested | stream("sink", outs=())
    (finding,) = outer.check()
    assert (finding.code, finding.severity) == ("feeds-itself", "error")
    assert "feeds itself without a stream in between" in finding.message
    with pytest.raises(WiringError, match="feeds itself"):
        outer.start()


def test_w9_operators_of_a_ring_with_a_stream_in_it_do_not_feed_themselves():
    """W9: a ring with a stream in it is not an error of this kind."""
    workflow = Workflow()
    a = workflow.add_stream(stream("a"))
    a | ops.map(str) | a
    assert found(workflow, "feeds-itself") == []
