"""Workflows as blueprints: rules W1 to W4, W7 to W9, as far as they need no run."""

import functools
import pickle
from typing import Any

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops
from reactivex.scheduler import ImmediateScheduler
from reactivex.subject import Subject

from blueprints import edges, nothing, plan, source, stream
from mimo_rx import Finding, Stream, UnknownPort, WiringError, Workflow, _late, flow


def codes(workflow):
    return [(finding.code, finding.step, finding.port) for finding in workflow.check()]


def test_w1_a_workflow_is_a_stream():
    """W1: it is itself a `Stream` and nests."""
    inner = Workflow(["a"], ["b"], name="inner")
    assert isinstance(inner, Stream)
    assert (inner.ins, inner.outs) == (("a",), ("b",))
    step = Workflow().add_stream(inner)
    assert (step.name, step.ins, step.outs) == ("inner", ("a",), ("b",))


@pytest.mark.parametrize("threshold", [0, -1, True, 1.5, "9", None])
def test_w1_a_threshold_is_an_integer_of_at_least_1(threshold):
    """W1: a threshold is an int ≥ 1, else `ValueError`."""
    with pytest.raises(ValueError, match=f"threshold must be .* at least 1, got {threshold!r}"):
        Workflow(threshold=threshold)
    if threshold is not None:
        with pytest.raises(ValueError, match=r"threshold must be .* at least 1"):
            Workflow().add_stream(source(), threshold=threshold)


def test_w1_a_threshold_in_the_place_of_the_inputs_is_refused_with_a_hint():
    """W1: `Workflow(10)`: "did you mean threshold=10"."""
    with pytest.raises(ValueError, match="did you mean threshold=10"):
        Workflow(10)  # type: ignore[arg-type]


def test_w1_a_growth_limit_is_an_integer_or_none():
    """W1, D2: 0 is never, None is the default."""
    assert Workflow().growth_limit is None
    assert Workflow(growth_limit=0).growth_limit == 0
    with pytest.raises(ValueError, match=r"growth_limit must be .* at least 0, got -1"):
        Workflow(growth_limit=-1)


def test_w1_a_nested_workflow_has_no_threshold_as_a_step():
    """W1: the ports of a nested workflow cost no buffer."""
    outer = Workflow()
    with pytest.raises(WiringError, match="'inner' has no buffers of its own, got threshold=3"):
        outer.add_stream(Workflow(name="inner"), threshold=3)
    assert not outer.steps


def test_w1_a_workflow_that_overrides_run_is_refused():
    """W1: `run` runs the whole workflow."""
    with pytest.raises(TypeError, match="Mine overrides run, which runs the whole workflow"):

        class Mine(Workflow):
            async def run(self, ins, outs):  # type: ignore[override]
                pass


def test_w2_names_of_steps_are_unique_and_without_slashes():
    """W2: the names are `parse`, `parse-2`, without `/`."""
    workflow, parse = Workflow(), stream("parse")
    added = [workflow.add_stream(parse).name for _ in range(3)]
    assert added == ["parse", "parse-2", "parse-3"]
    assert workflow.add_stream(parse, name="parse-4").name == "parse-4"
    assert workflow.add_stream(parse).name == "parse-5"
    assert workflow.add_stream(parse, name="a/b").name == "a-b"
    assert list(workflow.steps) == [step.name for step in workflow.steps.values()]


@given(st.lists(st.text("ab/-2", min_size=1, max_size=4), max_size=9))
def test_w2_names_of_steps_are_unique_whatever_was_asked_for(names):
    """W2."""
    workflow = Workflow()
    made = [workflow.add_stream(source(), name=name).name for name in names]
    assert len(set(made)) == len(made)
    assert not any("/" in name for name in made)


def test_w2_steps_cannot_be_changed_from_outside():
    """W2: the mapping of steps is read-only."""
    workflow = Workflow()
    with pytest.raises(TypeError):
        workflow.steps["a"] = None  # type: ignore[index]


@pytest.mark.parametrize("name", ["", 3])
def test_w2_a_name_that_is_no_text_is_refused(name):
    """W2."""
    with pytest.raises(WiringError, match="name of a step must be"):
        Workflow().add_stream(source(), name=name)


@pytest.mark.parametrize("operand", [None, 3, nothing, "a"])
def test_w2_what_is_no_stream_is_not_added(operand):
    """W2: the error names the workflow and what it got."""
    with pytest.raises(WiringError, match="add_stream of workflow 'demo' takes a stream, got"):
        Workflow(name="demo").add_stream(operand)


def test_w3_seeds_may_be_more_than_the_threshold():
    """W3: more seeds than the threshold are allowed."""
    step = Workflow(threshold=1).add_stream(stream("a"))
    for item in range(3):
        step.push(item)
    assert step.seeds == {"x": (0, 1, 2)}


def test_w3_seeds_need_an_input():
    """W3, W2."""
    workflow = Workflow()
    with pytest.raises(WiringError, match="has several inputs, 'a', 'b'"):
        workflow.add_stream(stream("s", ["a", "b"])).push(1)
    with pytest.raises(UnknownPort, match="has no input 'c'"):
        workflow.add_stream(stream("s", ["a", "b"])).push(1, "c")
    with pytest.raises(WiringError, match="has no input"):
        workflow.add_stream(source()).push(1)


def test_w4_methods_and_language_say_the_same():
    """W4: both make the same edges."""
    spelled, piped = (Workflow(["a", "c"], ["b"], name="w") for _ in range(2))
    step = spelled.add_stream(stream("p"))
    assert spelled.connect_workflow_input(step, workflow_input="a", step_input="x") is step
    assert spelled.connect_workflow_output(step) is step
    piped.ins["a"] | piped.add_stream(stream("p")) | piped.outs["b"]
    assert str(spelled) == str(piped)
    assert edges(spelled) == edges(piped) == ["env.a > p.x", "p.y > env.b"]


def test_w4_a_bare_stream_is_added():
    """W4, L8."""
    workflow, bare = Workflow(["a"], ["b"]), stream("p")
    assert workflow.connect_workflow_input(bare).name == "p"
    assert workflow.connect_workflow_output(bare).name == "p"
    assert list(workflow.steps) == ["p"]


def test_w4_mistakes_are_refused_and_change_nothing():
    """W4, L11."""
    workflow, other = Workflow(["a", "b"], ["c"], name="w"), Workflow(name="other")
    step = workflow.add_stream(stream("p", outs=["l", "r"]))
    foreign = other.add_stream(stream("q"))
    drawn = str(workflow)
    attempts = [
        (lambda: workflow.connect_workflow_input(step), "several inputs, 'a', 'b'; name one"),
        (lambda: workflow.connect_workflow_input(step, workflow_input="aa"), "no input 'aa'"),
        (
            lambda: workflow.connect_workflow_input(step, workflow_input="a", step_input="y"),
            "step 'p' has no input 'y'",
        ),
        (lambda: workflow.connect_workflow_input(foreign, workflow_input="a"), "'w' and 'other'"),
        (lambda: workflow.connect_workflow_output(step), "several main outputs, 'l', 'r'"),
        (lambda: workflow.connect_workflow_output(stream("new", outs=["l", "r"])), "several main"),
        (lambda: workflow.connect_workflow_output(foreign), "'w' and 'other'"),
        (lambda: other.connect_workflow_output(foreign), "'other' has no output"),
    ]
    for attempt, match in attempts:
        with pytest.raises(WiringError, match=match):
            attempt()
        assert str(workflow) == drawn


def test_w4_ports_are_reached_by_attribute_and_by_key():
    """W4, S2: this holds for ports with the name of a tuple's method too."""
    workflow = Workflow(["a", "count", "index", "_x"], ["b"], name="w")
    assert [workflow.ins.a.name, workflow.ins.count.name, workflow.ins["index"].name] == [  # type: ignore[attr-defined]
        "a",
        "count",
        "index",
    ]
    assert workflow.ins._x.name == "_x"
    assert workflow.ins[0] == "a"
    assert (len(workflow.ins), list(workflow.outs)) == (4, ["b"])
    with pytest.raises(AttributeError, match="workflow 'w' has no input 'b'; its inputs are 'a'"):
        workflow.ins.b
    with pytest.raises(KeyError, match=r"has no output 'bb'; .* did you mean 'b'"):
        workflow.outs["bb"]
    assert not hasattr(workflow.ins, "__wrapped__")


def test_w5_a_blueprint_asks_the_engine(monkeypatch):
    """W5, W6: a blueprint runs nothing itself."""
    asked: list[tuple[Any, ...]] = []

    class Engine:
        def start(self, workflow, *, threshold, shutdown_timeout):
            asked.append(("start", workflow, threshold, shutdown_timeout))

        def open(self, workflow, *, threshold, shutdown_timeout):
            asked.append(("open", workflow, threshold, shutdown_timeout))

        def run_flow(self, flow):
            asked.append(("run_flow", flow))

        def subscribe(self, flow, observer, scheduler):
            asked.append(("subscribe", flow))

    monkeypatch.setitem(_late._found, "engine", Engine())
    workflow = Workflow()
    numbers = flow([1])
    workflow.start(threshold=7, shutdown_timeout=1.0)
    workflow.open()
    numbers.run()
    numbers.subscribe(print)
    numbers.subscribe(print, print)
    numbers.subscribe(Subject())
    assert asked == [
        ("start", workflow, 7, 1.0),
        ("open", workflow, None, 5.0),
        ("run_flow", numbers),
        ("subscribe", numbers),
        ("subscribe", numbers),
        ("subscribe", numbers),
    ]
    with pytest.raises(TypeError, match="runs on the scheduler of its own run"):
        numbers.run(ImmediateScheduler())


def test_w7_a_blueprint_crosses_process_borders():
    """W7: it is free of event loops, tasks and locks."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | stream("p") | inner.outs.b
    workflow = Workflow(name="outer", threshold=7)
    numbers = source()
    text = numbers | functools.partial(str_of)
    [1, 2] | workflow.add_stream(inner) | [stream("q"), stream("r")] | stream("sink")
    text | workflow.steps["q"]
    assert text.lock is text.lock
    copy = pickle.loads(pickle.dumps(workflow))
    assert str(copy) == str(workflow)
    assert edges(copy) == edges(workflow)
    assert copy.add_stream(stream("q")).name == "q-2"
    with pytest.raises(WiringError, match="same edge"):
        copy.steps["q"] | copy.steps["sink"]


def str_of(observable):
    return observable.pipe(ops.map(str))


def test_w9_check_tells_inputs_that_nothing_feeds():
    """W9: an input that nothing feeds is closed from the start."""
    workflow = Workflow()
    workflow.add_stream(stream("a", outs=()))
    workflow.add_stream(stream("seeded", outs=())).push(1)
    assert workflow.check() == (
        Finding(
            "unfed-input",
            "warning",
            "a",
            "x",
            "nothing feeds input 'x' of step 'a': it is closed from the start",
        ),
    )


def test_w9_check_tells_outputs_that_nobody_reads():
    """W9: an output that leads nowhere discards; side outputs are meant to."""
    workflow = Workflow()

    class Sided(Stream):
        OUT, SIDE = ("y",), ("error",)

        async def run(self, ins, outs):
            pass

    workflow.add_stream(Sided())
    assert codes(workflow) == [("unread-output", "Sided", "y")]


def test_w9_check_looks_into_nested_workflows():
    """W9, E5: findings name the whole path."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.add_stream(stream("p"))
    outer = Workflow(["c"], ["d"])
    outer.add_stream(inner)
    assert codes(outer) == [
        ("unfed-input", "inner", "a"),
        ("unread-output", "inner", "b"),
        ("unread-workflow-input", "", "c"),
        ("unfed-workflow-output", "", "d"),
        ("unfed-input", "inner/p", "x"),
        ("unread-output", "inner/p", "y"),
        ("unread-workflow-input", "inner", "a"),
        ("unfed-workflow-output", "inner", "b"),
    ]


def test_w9_a_port_that_was_found_in_an_observable_is_read():
    """W9, R12: a claim is an edge."""
    workflow = Workflow()
    a, b = workflow.add_stream(source("a")), workflow.add_stream(source("b"))
    rx.merge(a, b["y"] | ops.map(str)) | workflow.add_stream(stream("sink", outs=()))
    assert workflow.check() == ()


def test_r8_check_tells_observables_without_an_entry():
    """R8: an Observable without an entry of its own, inside a combinator, is a finding."""
    workflow = Workflow()
    rx.merge(workflow.add_stream(source()), rx.timer(1)) | workflow.add_stream(
        stream("sink", outs=())
    )
    (finding,) = workflow.check()
    assert finding.code == "outside-observable"
    assert "enter by `flow(observable)`" in finding.message


def test_w9_a_whole_workflow_has_no_findings():
    """W9: there is no finding without need."""
    workflow = Workflow(["a"], ["b"])
    source() | workflow.add_stream(stream("p", ["x", "z"]))["x"]
    workflow.ins.a | workflow.steps["p"]["z"]
    workflow.steps["p"] | ops.map(str) | workflow.outs.b
    assert workflow.check() == ()
    assert plan(workflow).outs == ("b",)


def test_s1_a_stream_may_call_its_attributes_as_it_likes():
    """S1: also as the library might call its own."""

    class Birds(Stream):
        nests = 3
        graph = steps = threshold = workflow = None

        async def run(self, ins, outs):
            seen.append(self.nests)

    seen: list[int] = []
    workflow = Workflow()
    workflow.add_stream(Birds())
    workflow.start()
    assert seen == [3]
