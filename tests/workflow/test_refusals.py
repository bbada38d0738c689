"""Rule L11: mistakes that are refused, the words, and that nothing is half done."""

import asyncio

import pytest
import reactivex as rx
from reactivex import operators as ops

import mimo_rx
from blueprints import refused, source, stream
from mimo_rx import Stream, Workflow, flow


@pytest.fixture
def workflow():
    return Workflow()


def test_l11_two_workflows_in_one_chain_are_refused(workflow):
    """L11: two workflows in one chain or one `pipe`."""
    other = Workflow(name="other")
    a, b = workflow.add_stream(stream("a")), other.add_stream(stream("b"))
    for attempt in (
        lambda: a | b,
        lambda: a | ops.map(str) | b,
        lambda: a.pipe(b),
        lambda: [a, b] | stream("c"),
        lambda: flow(a, b),
        lambda: stream("c") | [a, b],
        lambda: flow(rx.merge(a["y"], b["y"])),
        lambda: a | ops.merge(b["y"]),
    ):
        drawn = str(other)
        with refused(workflow, "got steps of '.*' and '.*'; nest one workflow"):
            attempt()
        assert str(other) == drawn


def test_l11_the_same_direct_edge_twice_is_refused(workflow):
    """L11: the same direct edge cannot be made twice."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    a | b
    for attempt in (
        lambda: a | b,
        lambda: a["y"] | b["x"],
        lambda: a.pipe(b),
        lambda: a.stream | b,
        lambda: a | [stream("c"), b],
    ):
        with refused(
            workflow, r"a\S* already leads into b.x in workflow 'Workflow'; the same edge"
        ):
            attempt()
    c = workflow.add_stream(stream("c"))
    with refused(workflow, "a.y already leads into c.x"):
        [a, a] | c


def test_l11_the_same_flow_twice_into_one_input_is_refused(workflow):
    """L11: this is the same edge too."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    text = a | ops.map(str)
    text | b
    with refused(workflow, r"a.y \| map\(str\) already leads into b.x"):
        text | b


def test_l11_a_workflow_inside_itself_is_refused(workflow):
    """L11: this holds at any depth."""
    outer = Workflow(["a"], ["b"], name="outer")
    inner = Workflow(["a"], ["b"], name="inner")
    outer.add_stream(inner)
    step = inner.add_stream(stream("a"))
    with refused(inner, "'inner' cannot be a step inside itself; 'outer' contains it"):
        step | outer
    with refused(outer, "'outer' cannot be a step inside itself$"):
        outer.ins.a | outer


def test_l11_pipe_after_a_step_without_outputs_is_refused(workflow):
    """L11: nothing can be read from such a step."""
    sink = workflow.add_stream(stream("sink", outs=()))
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "step 'sink' has no main output to read from"):
        sink | a
    with refused(workflow, "step 'sink' has no main output"):
        sink | ops.map(str)
    with refused(workflow, "leads out of the workflow"):
        Workflow(outs=["b"]).outs.b | a


class Made(Stream):
    IN = OUT = ("x",)

    async def run(self, ins, outs):
        pass


@mimo_rx.stream(ins=["x"], outs=["x"])
async def factory(ins, outs, state):
    pass


async def parse(text):
    return text


@pytest.mark.parametrize(
    ("operand", "match"),
    [
        (Made, r"Made is a class of streams, not a stream; did you mean `Made\(\)`"),
        (factory, r"factory makes streams, but is not one; did you mean `factory\(\)`"),
        (parse, r"coroutine function 'parse' is no.*; make a stream of it"),
        (3, "got 3|read from 3"),
        (None, "got None|read from None"),
    ],
    ids=["class", "factory", "coroutine function", "number", "nothing"],
)
def test_l11_what_cannot_be_piped_is_refused_on_either_side(workflow, operand, match):
    """L11: `MyStream` without `()`, a factory that is not called, a coroutine function, …"""
    a = workflow.add_stream(stream("a"))
    for attempt in (lambda: a | operand, lambda: operand | a, lambda: a | [stream("b"), operand]):
        with refused(workflow, f"{match}|led into|a list right of"):
            attempt()
    with refused(workflow, "did you mean|takes a stream"):
        workflow.add_stream(operand)


@pytest.mark.parametrize(
    ("operator", "match"),
    [
        (str.upper, r"'upper' failed .*; did you mean `ops.map\(upper\)`"),
        (repr, r"'repr' must return an Observable, got str; did you mean `ops.map\(repr\)`"),
        (int, r"class 'int' is not an operator; did you mean `ops.map\(int\)`"),
        (lambda x: 3, r"got int; did you mean `ops.map\(lambda ...: ...\)`"),
        (ops.map, r"got function; did you mean `ops.map\(...\)`"),
        (ops.partition(bool), r"returned 2 Observables; use `flow.pipe"),
        ("text", "must be a step, a port, an operator"),
        (rx.of(1), "write a source to the left of"),
    ],
    ids=["fails", "text", "class", "lambda", "uncalled", "partition", "str", "observable"],
)
def test_l11_an_operator_that_returns_no_observable_is_refused(workflow, operator, match):
    """L11: the error asks "did you mean `ops.map(parse)`"."""
    a = workflow.add_stream(stream("a"))
    with refused(workflow, match):
        a | operator


def test_l11_a_parenthesised_chain_is_refused(workflow):
    """L11: nothing can be led into a flow."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    with refused(workflow, "leave out the parentheses"):
        a | (b | ops.map(str))


def test_l11_a_future_is_no_source(workflow):
    """L11: a future has `__iter__` only for `await`."""

    a = workflow.add_stream(stream("a"))

    async def main():
        future = asyncio.get_running_loop().create_future()
        with refused(workflow, "nothing can be read from <Future"):
            future | a

    asyncio.run(main())


def test_pipe_refuses_what_it_cannot_mean(workflow):
    """W2, L11: the error names the stream and its ports."""
    a = workflow.add_stream(stream("a", outs=["left", "right"]))
    b = workflow.add_stream(stream("b"))
    attempts = [
        (lambda: a.pipe(b), "'left', 'right'; name one of them"),
        (lambda: a.pipe(b, "lef"), "no output 'lef'; .* did you mean 'left'"),
        (lambda: a.pipe(b, "left", "z"), "step 'b' has no input 'z'; its inputs are 'x'"),
        (lambda: a.pipe(b["x"], "left", "x"), "name it once"),
        (lambda: a.pipe(b, "left", "x", "y"), "takes one step and two names"),
        (lambda: a.pipe(b, ops.map(str)), "takes one step and two names"),
        (
            lambda: a.pipe(ops.map(str), output="left"),
            "with output, input or feedback leads into a step",
        ),
        (lambda: b.pipe(ops.map(str), a), "lead the flow into it with `flow | step`"),
        (lambda: b.pipe(Made), r"did you mean `Made\(\)`"),
        (lambda: b.pipe(factory), r"did you mean `factory\(\)`"),
        (lambda: b.pipe(3), "must be callable, got 3"),
        (lambda: a.pipe(stream("c", ins=["p", "q"]), "left"), "step 'c' has several inputs"),
    ]
    for attempt, match in attempts:
        with refused(workflow, match):
            attempt()


def test_l11_a_refused_chain_gives_its_names_back(workflow):
    """L11: the workflow is as it was, also for later steps."""
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "step 'source' has no input"):
        a | [stream("b"), stream("b"), source()]
    assert (a | stream("b")).name == "b"


def test_l11_an_operator_without_anything_to_its_left_is_refused():
    """L11: such an operand cannot be piped; the error says what to write."""
    with pytest.raises(mimo_rx.WiringError, match=r"'map\(str\)' needs something to its left"):
        ops.map(str) | stream("a")
