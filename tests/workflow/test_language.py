"""The `|` language: rules L1 to L10 and L12, as plans."""

import pytest
import reactivex as rx
from reactivex import operators as ops

from blueprints import edges, nothing, plan, refused, source, stream
from mimo_rx import Step, Stream, UnknownPort, Workflow, arange, flow


@pytest.fixture
def workflow():
    return Workflow()


def test_l1_a_step_leads_into_a_step(workflow):
    """L1: the one main output into the one input; the value is step2."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    assert (a | b) is b
    assert edges(workflow) == ["a.y > b.x"]


def test_l1_a_chain_is_read_from_the_left(workflow):
    """L1: the value of each `|` is led on."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    assert (a | b | c) is c
    assert edges(workflow) == ["a.y > b.x", "b.y > c.x"]


def test_l1_side_outputs_are_not_meant(workflow):
    """L1: only main outputs count."""

    class Sided(Stream):
        OUT, SIDE = ("y",), ("error",)

        async def run(self, ins, outs):
            pass

    Sided() | workflow.add_stream(stream("b"))
    assert edges(workflow) == ["Sided.y > b.x"]


def test_l1_an_ambiguous_output_is_refused_by_its_names(workflow):
    """L1, W2: with several it must be given."""
    a = workflow.add_stream(stream("a", outs=["p", "q"]))
    b = workflow.add_stream(stream("b"))
    with refused(workflow, r"'a' has several main outputs, 'p', 'q'; name .* `step\['p'\]`"):
        a | b


def test_l1_an_ambiguous_input_is_refused_by_its_names(workflow):
    """L1, W2: with several it must be given."""
    a = workflow.add_stream(stream("a"))
    b = workflow.add_stream(stream("b", ins=["p", "q"]))
    with refused(workflow, r"'b' has several inputs, 'p', 'q'; name one of them, `step\['p'\]`"):
        a | b


def test_l1_a_step_without_inputs_is_not_led_into(workflow):
    """L1, W2: a step without inputs is an error."""
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "step 'source' has no input to lead into"):
        a | source()


def test_l2_ports_are_named(workflow):
    """L2: `|` connects the named ports; the value is step2."""
    a = workflow.add_stream(stream("a", outs=["p", "q"]))
    b = workflow.add_stream(stream("b", ins=["r", "s"]))
    assert (a["q"] | b["s"]) is b
    assert edges(workflow) == ["a.q > b.s"]


def test_l2_a_name_on_both_sides_is_what_it_is_used_as(workflow):
    """L2: it is the input where something is led into it, and the output where it is read."""
    a, b, c = (workflow.add_stream(stream(name, ["x"], ["x"])) for name in "abc")
    a["x"] | b["x"] | c["x"]
    assert edges(workflow) == ["a.x > b.x", "b.x > c.x"]


def test_l2_a_name_that_the_side_lacks_is_refused(workflow):
    """L2: a name that the needed side lacks is refused."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    with refused(workflow, "step 'a' has no output 'x'; its outputs are 'y'", UnknownPort):
        a["x"] | b
    with refused(workflow, "step 'b' has no input 'y'; its inputs are 'x'", UnknownPort):
        a | b["y"]


def test_l3_operators_stand_between_steps(workflow):
    """L3: a flow with two operators, led into step2."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    assert (a | ops.map(str) | ops.filter(bool) | b) is b
    assert edges(workflow) == ["a.y | map(str) | filter(bool) > b.x"]
    assert len(plan(workflow).edges[0].source.operators) == 2


def test_l4_operators_of_a_flow_are_shared_by_its_readers(workflow):
    """L4: the operators of a flow belong to it, and run once for all its readers."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    shared = a | ops.map(str)
    shared | b
    shared | c
    into_b, into_c = plan(workflow).edges
    assert into_b.source is into_c.source


def test_l4_what_two_flows_have_in_common_is_shared(workflow):
    """L4: this holds where more operators follow."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    shared = a | ops.map(str) | ops.filter(bool)
    shared | ops.map(len) | b
    shared | ops.map(repr) | ops.take(3) | c
    into_b, into_c = plan(workflow).edges
    assert (into_b.source.name, into_c.source.name) == ("map(len)", "map(repr) | take")
    (common,) = into_b.source.sources
    assert common.name == "map(str) | filter(bool)"
    assert into_c.source.sources == (common,)


def test_l4_a_flow_that_is_written_twice_is_two(workflow):
    """L4: each object is a flow of its own; two flows may connect the same ports."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    a | ops.map(str) | b
    a | ops.map(str) | b
    one, other = plan(workflow).edges
    assert one.source is not other.source


def test_l5_a_list_is_fan_out(workflow):
    """L5: it leads to each member; the value is a list of them."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    fan = a | [b, c["x"]]
    assert isinstance(fan, list)
    assert fan == [b, c]
    assert edges(workflow) == ["a.y > b.x", "a.y > c.x"]


def test_l5_a_fan_leads_all_into_one(workflow):
    """L5: `| step4` leads all into step4."""
    a, b, c, d = (workflow.add_stream(stream(name)) for name in "abcd")
    assert (a | [b, c] | d) is d
    assert edges(workflow)[2:] == ["b.y > d.x", "c.y > d.x"]


def test_l5_an_operator_after_a_fan_is_one_flow_of_all(workflow):
    """L5: `| op` is one flow of all."""
    a, b, c, d = (workflow.add_stream(stream(name)) for name in "abcd")
    a | [b, c] | ops.map(str) | d
    assert edges(workflow)[2:] == ["[b.y, c.y] | map(str) > d.x"]


def test_l5_a_fan_into_a_fan_leads_each_into_each(workflow):
    """L5: the merge of the members leads to each."""
    a, b, c, d, e = (workflow.add_stream(stream(name)) for name in "abcde")
    a | [b, c] | [d, e]
    assert edges(workflow)[2:] == ["b.y > d.x", "c.y > d.x", "b.y > e.x", "c.y > e.x"]


def test_l5_an_operator_before_a_fan_runs_once_for_all(workflow):
    """L5, L4: the readers share the operator."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    a | ops.map(str) | [b, c]
    into_b, into_c = plan(workflow).edges
    assert into_b.source is into_c.source


def test_l5_a_list_that_holds_no_steps_is_refused(workflow):
    """L5, L11: the list right of `|` holds steps and ports."""
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "list right of '|' is empty"):
        a | []
    with refused(workflow, r"got 'map\(str\)'; write an operator outside of it"):
        a | [stream("b"), ops.map(str)]
    with refused(workflow, "nothing can be led into 3"):
        a | [stream("b"), 3]


def test_l5_a_fan_is_all_or_nothing(workflow):
    """L5, L11: the last member is wrong, so nothing is led into any of them."""
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "step 'source' has no input"):
        a | [stream("b"), stream("c"), source()]


def test_l6_a_list_of_steps_is_fan_in(workflow):
    """L6: both steps lead into step3."""
    a, c = workflow.add_stream(stream("a")), workflow.add_stream(stream("c"))
    b = workflow.add_stream(stream("b", outs=["y", "z"]))
    assert ([a, b["z"], c | ops.map(str)] | workflow.add_stream(stream("d"))).name == "d"
    assert edges(workflow) == ["a.y > d.x", "b.z > d.x", "c.y | map(str) > d.x"]


def test_l6_before_an_operator_it_is_written_flow(workflow):
    """L6: it is `flow(step1, step2["y"]) | op`."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    flow(a, b["y"]) | ops.map(str) | c
    assert edges(workflow) == ["[a.y, b.y] | map(str) > c.x"]


def test_l6_any_other_list_is_a_source(workflow):
    """L6: any other iterable is a source."""
    [1, 2, 3] | workflow.add_stream(stream("a"))
    [] | workflow.add_stream(stream("b"))
    assert edges(workflow) == ["list.item > a.x", "list-2.item > b.x"]


def test_l6_a_mixture_is_refused(workflow):
    """L6: a mixture is refused."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    with refused(workflow, r"got a mixture with 1; write `flow\(...\)`"):
        [a, 1] | b
    with refused(workflow, "got a mixture with"):
        [a, rx.of(1)] | b


def test_l6_a_tuple_of_steps_is_refused_with_a_hint(workflow):
    """L6: only a list of steps is fan-in."""
    a, b, c = (workflow.add_stream(stream(name)) for name in "abc")
    with refused(workflow, r"got a tuple; write `\[a, b\]`"):
        (a, b) | c
    with refused(workflow, r"got a tuple; write `\[a, b\]`"):
        a | (b, c)


@pytest.mark.parametrize(
    "items",
    [[1], (1,), range(3), {1: 2}, {1}, iter([1]), rx.of(1), arange(3)],
    ids=lambda items: type(items).__name__,
)
def test_l7_a_source_from_outside_stands_at_the_left_end(workflow, items):
    """L7, R3: `observable | step`, `iterable | step`, `async_iterable | step`."""
    b = workflow.add_stream(stream("b"))
    assert (items | b) is b
    made = plan(workflow)
    feeding = [step for step in made.steps if step.feeds_only]
    assert [step.path for step in feeding] == [type(items).__name__]
    assert feeding[0].stream.source is items
    assert edges(workflow) == [f"{type(items).__name__}.item > b.x"]
    assert list(workflow.steps) == ["b"]


def test_l7_a_source_led_to_two_readers_is_read_once(workflow):
    """L7, L4: each flow has one source."""
    numbers = flow(range(3))
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    numbers | [a, b]
    numbers | ops.map(str) | a
    assert edges(workflow) == [
        "range.item > a.x",
        "range.item > b.x",
        "range.item | map(str) > a.x",
    ]


def test_l7_one_source_may_feed_two_workflows(workflow):
    """L7: each workflow reads it once, by a source of its own."""
    numbers, other = flow(range(3)), Workflow()
    for each in (workflow, other):
        numbers | each.add_stream(stream("a"))
        assert edges(each) == ["range.item > a.x"]


def test_l7_a_text_is_refused_with_both_things_it_could_mean(workflow):
    """L7, L11: a text is an iterable, but that is seldom meant."""
    a = workflow.add_stream(stream("a"))
    for text in ("abc", b"abc"):
        with refused(workflow, r"write `\[text\]` for one item, `flow\(text\)` for its char"):
            text | a
    flow("abc") | a
    assert edges(workflow) == ["str.item > a.x"]


def test_l7_a_numpy_array_is_one_source(workflow):
    """L7, L12: numpy does not apply `|` to each element."""
    numpy = pytest.importorskip("numpy", reason="numpy is optional")
    b = workflow.add_stream(stream("b"))
    assert (numpy.arange(3) | b) is b
    assert edges(workflow) == ["ndarray.item > b.x"]


def test_l8_a_bare_stream_joins_the_workflow_of_the_other_side(workflow):
    """L8: a stream not yet added joins the workflow of the other side."""
    a = workflow.add_stream(stream("a"))
    b = a | stream("b")
    assert isinstance(b, Step)
    source() | a
    assert list(workflow.steps) == ["a", "b", "source"]
    assert edges(workflow) == ["a.y > b.x", "source.y > a.x"]


def test_l8_where_neither_side_has_a_workflow_one_is_made():
    """L8: where neither has one, a new one is made."""
    c = source() | stream("b") | stream("c")
    assert edges(c.workflow) == ["source.y > b.x", "b.y > c.x"]
    assert edges((range(3) | stream("a")).workflow) == ["range.item > a.x"]
    assert edges(([source(), stream("p")] | stream("b")).workflow) == [
        "source.y > b.x",
        "p.y > b.x",
    ]


def test_l8_a_flow_over_a_bare_stream_joins_later(workflow):
    """L8, L8a, L4: the operators of the flow stay shared."""
    squares = source() | ops.map(str)
    assert squares.workflow is not workflow
    squares | workflow.add_stream(stream("a"))
    squares | workflow.add_stream(stream("b"))
    assert edges(workflow) == ["source.y | map(str) > a.x", "source.y | map(str) > b.x"]
    into_a, into_b = plan(workflow).edges
    assert into_a.source is into_b.source


def test_l8_a_bound_flow_stays_bound_when_the_stream_is_added_again(workflow):
    """L8, L10: a flow that is already led on does not become ambiguous."""
    numbers = source()
    squares = numbers | ops.map(str)
    squares | workflow.add_stream(stream("a"))
    workflow.add_stream(numbers)
    squares | workflow.add_stream(stream("b"))
    assert edges(workflow) == ["source.y | map(str) > a.x", "source.y | map(str) > b.x"]


def test_l9_a_flow_is_read_outside_a_run_as_a_plan_of_its_workflow(workflow):
    """L9: reading a flow runs its workflow."""
    a, b = workflow.add_stream(stream("a")), workflow.add_stream(stream("b"))
    a | b
    assert edges(a | ops.map(str)) == ["a.y > b.x", "a.y | map(str) > env.item"]
    assert edges(flow([1, 2]) | ops.map(str)) == ["list.item | map(str) > env.item"]
    assert edges(source() | ops.map(str)) == ["source.y | map(str) > env.item"]


def test_l10_a_bare_stream_is_one_step_of_its_workflow(workflow):
    """L10: it is added at its first use."""
    numbers = source()
    numbers | workflow.add_stream(stream("a"))
    numbers | workflow.add_stream(stream("b"))
    assert edges(workflow) == ["source.y > a.x", "source.y > b.x"]


def test_l10_a_bare_stream_of_two_steps_is_ambiguous(workflow):
    """L10: after two `add_stream` the bare stream is refused as ambiguous."""
    numbers = source()
    workflow.add_stream(numbers)
    workflow.add_stream(numbers)
    a = workflow.add_stream(stream("a"))
    with refused(workflow, "is 2 steps of workflow 'Workflow'; .* 'source' or 'source-2'"):
        numbers | a


def test_l12_operands_are_not_iterable(workflow):
    """L12: `for` fails at once."""
    a = workflow.add_stream(stream("a"))
    for operand in (a, a["y"], a | ops.map(str), a.stream, workflow, flow([1])):
        assert operand.__array_ufunc__ is None
        with pytest.raises(TypeError, match="not iterable"):
            iter(operand)


def test_pipe_leads_named_ports(workflow):
    """W2: `Step.pipe(step, output, input)` chains."""
    a = workflow.add_stream(stream("a", outs=["p", "q"]))
    b = workflow.add_stream(stream("b", ins=["r", "s"]))
    assert a.pipe(b, "p", "r").pipe(stream("c")).name == "c"
    a.pipe(b, input="s", output="q")
    a["p"].step.pipe(b["s"], "p")
    assert edges(workflow) == ["a.p > b.r", "b.y > c.x", "a.q > b.s", "a.p > b.s"]


def test_streams_of_a_chain_do_nothing_when_written():
    """A blueprint runs nothing: the function is not called."""
    last = source() | Workflow().add_stream(stream("b", outs=()))
    assert nothing.__name__ == last.stream._fn.__name__
