"""Flows as Observables: rules R1 to R3, as far as they need no run."""

from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from blueprints import edges, plan, refused, source, stream
from mimo_rx import Flow, WiringError, Workflow, flow


@pytest.fixture
def workflow():
    return Workflow()


@pytest.mark.parametrize(
    "operator", [ops.repeat(2), ops.retry(), ops.do_while(bool), ops.while_do(bool)]
)
def test_r2_operators_that_subscribe_again_are_refused_on_an_edge(workflow, operator):
    """R2: they are refused by name, with the hint to use them on a cold flow."""
    a = workflow.add_stream(stream("a"))
    with refused(workflow, r"operator '(repeat|retry|do_while|while_do)' subscribes .* cold flow"):
        a | operator
    assert isinstance(a.pipe(operator), rx.Observable)


def test_r2_a_users_own_operator_may_be_called_as_one_of_rx(workflow):
    """R2: only the operators of RxPY are refused."""

    def retry(source):
        return source.pipe(ops.map(str))

    a = workflow.add_stream(stream("a"))
    a | retry | workflow.add_stream(stream("b"))
    assert edges(workflow) == ["a.y | retry > b.x"]


def test_r2_a_connectable_needs_a_count_of_its_readers(workflow):
    """R2: `connect()` cannot be called on an edge."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    with refused(workflow, r"which is not possible on an edge; .* or add `ops.ref_count\(\)`"):
        a | ops.publish() | b
    a | ops.publish() | ops.ref_count() | b
    assert edges(workflow) == ["a.y | publish | ref_count > b.x"]


def test_r1_every_flow_is_an_observable(workflow):
    """R1: it can be subscribed to, piped and handed to any function of RxPY."""
    a = workflow.add_stream(stream("a"))
    for each in (a, a["y"], a | ops.map(str), workflow.add_stream(stream("b"))["y"]):
        assert isinstance(each, rx.Observable)
        assert isinstance(rx.merge(each, each), rx.Observable)


def test_r1_the_fluent_methods_are_the_operators(workflow):
    """R1: `flow.map(f)` is `flow | ops.map(f)`, `flow.pipe(op, op)` too."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    for each in (a, a["y"]):
        for made in (
            each.map(str).filter(bool),
            each.pipe(ops.map(str), ops.filter(bool)),
            each | ops.map(str) | ops.filter(bool),
        ):
            assert isinstance(made, Flow)
            made | b
    assert set(edges(workflow)) == {"a.y | map(str) | filter(bool) > b.x"}


def test_r1_slices_are_those_of_rx(workflow):
    """R1: `flow[1:3]` slices; a name is a port, and only steps have ports."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    a[1:3] | b
    a["y"][1:3] | b
    assert edges(workflow) == ["a.y | skip | take > b.x"] * 2 or len(edges(workflow)) == 2
    with pytest.raises(WiringError, match="has no ports"):
        (a | ops.map(str))["y"]


def test_r1_a_pipe_of_nothing_is_the_flow_itself(workflow):
    """R1: RxPY does the same."""
    a = workflow.add_stream(stream("a"))
    assert a.pipe() is a
    assert a["y"].pipe().name == "y"


def test_r1_pipe_returns_what_the_operator_returns(workflow):
    """R1: this holds if the result is no Observable, or must be connected."""
    a = workflow.add_stream(stream("a"))
    one, other = a.pipe(ops.partition(bool))
    assert isinstance(one, rx.Observable)
    assert isinstance(other, rx.Observable)
    assert isinstance(a.pipe(ops.publish()), rx.ConnectableObservable)
    assert isinstance(a.publish(), rx.ConnectableObservable)
    assert isinstance(a["y"] + a["y"], rx.Observable)


def test_r3_flow_takes_any_mixture_of_sources(workflow):
    """R3: `flow(*sources)` takes what the left end of `|` takes."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    flow(a, [1], range(2), rx.of(1), source(), a | ops.map(str)) | ops.take(1) | b
    assert edges(workflow) == [
        "[a.y, list.item, range.item, Observable.item, source.y, a.y | map(str)] | take > b.x"
    ]


def test_r3_settings_reach_the_source():
    """R3: `flow` passes them on."""
    cases: list[tuple[dict[str, Any], Any]] = [
        ({"overflow": "unbounded"}, rx.of(1)),
        ({"overflow": "block", "capacity": 3}, rx.of(1)),
        ({"overflow": "drop_oldest", "capacity": 1}, rx.of(1)),
        ({"overflow": "drop_newest"}, rx.of(1)),
        ({"overflow": "error", "capacity": 3}, rx.of(1)),
        ({"threaded": True}, [1]),
    ]
    for settings, outside in cases:
        (step,) = plan(flow(outside, **settings)).steps
        for name, value in settings.items():
            assert getattr(step.stream, name) == value
        assert step.stream.needs_pump


@pytest.mark.parametrize(
    ("sources", "settings", "match"),
    [
        ((), {}, "at least one source"),
        ((3,), {}, "nothing can be read from 3"),
        (([1],), {"overflow": "unbounded"}, "for Observables from outside, got list"),
        ((rx.of(1),), {"overflow": "unbound"}, "or 'unbounded', got 'unbound'; did you mean"),
        (
            (rx.of(1),),
            {"overflow": "drop"},
            "must be 'block', 'error', 'drop_n",
        ),
        ((rx.of(1),), {"overflow": None}, "or 'unbounded', got None"),
        (([1],), {"overflow": "drop_oldest"}, "for Observables from outside, got list"),
        ((rx.of(1),), {"capacity": 0}, "at least 1, got 0"),
        ((rx.of(1),), {"capacity": True}, "at least 1, got True"),
        (([1],), {"capacity": 2}, "capacity of flow is for"),
        ((rx.of(1),), {"capacity": 2, "overflow": "unbounded"}, "has no bound"),
        ((rx.of(1),), {"threaded": True}, "for iterables that block"),
        (([1],), {"threaded": 1}, "must be True or False"),
        (([1],), {"ports": 3}, "must be a list of ports"),
        (([1],), {"ports": [3]}, "must be a list of ports, got 3 in it"),
    ],
)
def test_r3_settings_that_cannot_be_meant_are_refused(sources, settings, match):
    """R3, L11: a setting must apply to one of the sources."""
    with pytest.raises(WiringError, match=match):
        flow(*sources, **settings)
