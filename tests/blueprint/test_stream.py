"""Streams as a blueprint knows them: rules S1 to S5, as far as they need no run."""

import asyncio
import functools
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from mimo_rx import Stream, UnknownPort, WiringError, Workflow, stream


async def parse(ins, outs, state):
    state["ran"] = True
    return ins, outs


@stream(ins=["text"], outs=["word"], side=["error"])
async def split(ins, outs, state):
    """Split a text into words."""


class Double(Stream):
    IN = ("number",)
    OUT = ("twice",)

    async def run(self, ins, outs):
        return self, ins, outs


def test_s1_class_attributes_are_the_default_ports():
    """S1: `IN` and `OUT` are the defaults."""
    assert (Double().ins, Double().outs) == (("number",), ("twice",))
    assert (Double(["a"]).ins, Double(["a"]).outs) == (("a",), ("twice",))


def test_s1_an_empty_list_of_ports_is_not_the_default():
    """S1: an empty list of ports differs from none given."""
    assert Double([], []).ins == Double([], []).outs == ()


def test_s1_name_is_that_of_the_function_then_that_of_the_class():
    """S1: `name` defaults to `fn.__name__`, then to the class name."""
    assert Stream(fn=parse).name == "parse"
    assert Stream(fn=functools.partial(parse)).name == "parse"
    assert Double().name == "Double"
    assert Double(name="twice").name == "twice"


def test_s1_side_outputs_are_no_main_ones():
    """S1: `SIDE` names outputs that are not main ones."""

    class Sided(Double):
        SIDE = ("error",)

    assert Sided().outs == ("twice", "error")
    assert Sided().main_outs == ("twice",)
    assert Sided(outs=["error", "a"]).outs == ("error", "a")
    assert Sided(outs=["error", "a"]).main_outs == ("a",)


def test_s1_run_is_what_runs_where_it_is_overridden():
    """S1: `async def run(self, ins, outs)` is overridden."""
    made = Double()
    assert asyncio.run(made.main(1, 2, made.new_state())) == (made, 1, 2)


def test_s1_fn_is_what_runs_where_it_is_given():
    """S1: `async def fn(ins, outs, state)` is given in place of `run`."""
    made = Stream(fn=parse)
    assert asyncio.run(made.main(1, 2, made.new_state())) == (1, 2)
    assert made.state == {"ran": True}


def test_s1_run_and_fn_together_are_refused():
    """S1: only one of them can run."""
    with pytest.raises(WiringError, match="'parse' overrides run and was given fn"):
        Double(fn=parse)


def test_s1_a_subclass_may_do_without_the_initialiser_of_its_base():
    """S1: the class attributes are enough."""

    class Forgetful(Double):
        def __init__(self):
            self.factor = 3

    made = Forgetful()
    assert (made.name, made.ins, made.outs, made.side) == ("Forgetful", ("number",), ("twice",), ())
    assert made.state == {}
    assert Workflow().add_stream(made).ins == ("number",)


@pytest.mark.parametrize("name", ["", 3])
def test_s1_a_name_that_is_no_text_is_refused(name):
    """S1: a name is a non-empty string."""
    with pytest.raises(WiringError, match="must be a non-empty string, got"):
        Stream(fn=parse, name=name)


def test_s2_an_unknown_port_of_a_step_names_those_there_are_and_the_nearest():
    """S2: an unknown name lists the ports there are and the nearest name."""
    step = Workflow().add_stream(Double())
    with pytest.raises(UnknownPort, match="'number', 'twice'; did you mean 'number'") as caught:
        step["nubmer"]
    assert isinstance(caught.value, AttributeError)
    assert isinstance(caught.value, KeyError)


@pytest.mark.parametrize("state", [{}, [], 0, object()])
def test_s3_state_is_the_object_that_was_given(state):
    """S3: `fn` gets the very object that was passed in, a falsy one too."""
    made = Stream(fn=parse, state=state)
    assert made.state is state
    assert made.new_state() is state


def test_s3_without_a_state_it_is_a_dict_of_its_own():
    """S3: without one it is a dict of the stream's own."""
    one, other = Stream(fn=parse), Stream(fn=parse)
    assert one.state == {}
    assert one.state is one.new_state()
    assert one.state is not other.state


def test_s3_a_factory_makes_a_state_for_each_run():
    """S3: `state_factory=` makes a new one for each run."""
    made = Stream(fn=parse, state_factory=list)
    assert made.new_state() == []
    assert made.new_state() is not made.new_state()
    with pytest.raises(AttributeError, match="its state_factory makes one for each run"):
        made.state


def test_s3_state_and_factory_together_are_refused():
    """S3: it would not be clear which of them counts."""
    with pytest.raises(WiringError, match="both state and state_factory"):
        Stream(fn=parse, state={}, state_factory=dict)


def test_s3_a_factory_beside_an_overridden_run_is_refused():
    """S3: `run` gets no state, so a new one could not reach it."""
    with pytest.raises(WiringError, match=r"state_factory without fn; .* local variable"):
        Double(state_factory=dict)


def test_s3_a_factory_that_cannot_be_called_is_refused():
    """S3: the factory is called once a run."""
    with pytest.raises(WiringError, match=r"must be callable, got \{\}"):
        Stream(fn=parse, state_factory={})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a b", "1a", "a-b", 3, None])
def test_s4_a_port_name_that_is_no_identifier_is_refused(name):
    """S4: a port name that is no identifier is refused when the stream is made."""
    with pytest.raises(WiringError, match=r"outs of stream 'parse': .* identifier, got"):
        Stream(outs=[name], fn=parse)


@pytest.mark.parametrize("side", ["ins", "outs"])
def test_s4_a_name_twice_on_one_side_is_refused(side):
    """S4: a name may be given only once on a side."""
    with pytest.raises(WiringError, match=f"{side} of stream 'parse': .* 'a' is given twice"):
        Stream(fn=parse, **dict[str, Any]({side: ["a", "b", "a"]}))


def test_s4_the_same_name_on_both_sides_is_fine():
    """S4: the same name on both sides is fine."""
    made = Stream(["a"], ["a"], fn=parse)
    assert made.ins == made.outs == ("a",)


@pytest.mark.parametrize("side", ["ins", "outs"])
def test_s4_a_string_of_names_is_refused(side):
    """S4: a string would be read letter by letter."""
    with pytest.raises(WiringError, match=r"got 'ab'; write `\[\"ab\"\]`"):
        Stream(fn=parse, **dict[str, Any]({side: "ab"}))


def test_s4_special_names_are_refused():
    """S4: Python itself looks up its special names."""
    with pytest.raises(WiringError, match="special names, got '__len__'"):
        Stream(["__len__"], fn=parse)


@given(st.lists(st.text(max_size=3), max_size=4))
def test_s4_accepts_just_identifiers_that_differ(names):
    """S4: this holds for any names."""
    good = len(set(names)) == len(names) and all(name.isidentifier() for name in names)
    if good and not any(name.startswith("__") and name.endswith("__") for name in names):
        assert Stream(names, names, fn=parse).ins == tuple(names)
    else:
        with pytest.raises(WiringError):
            Stream(names, fn=parse)


async def takes_two(ins, outs):
    pass


async def takes_none():
    pass


def test_s5_a_stream_with_nothing_to_run_is_refused_when_added():
    """S5: a stream with neither `run` nor `fn` is refused when it is added."""
    workflow = Workflow()
    with pytest.raises(WiringError, match="'Stream' has nothing to run; override"):
        workflow.add_stream(Stream())
    assert not workflow.steps


def test_s5_a_function_that_is_no_coroutine_function_is_refused_when_added():
    """S5: a `run` that is no coroutine function is refused when it is added."""

    def plain(ins, outs, state):
        pass

    class Plain(Stream):
        def run(self, ins, outs):
            pass

    with pytest.raises(WiringError, match=r"fn of stream 'plain' .*; write `async def`"):
        Workflow().add_stream(Stream(fn=plain))
    with pytest.raises(WiringError, match=r"run of stream 'Plain' .*; write `async def`"):
        Workflow().add_stream(Plain())


def test_s5_an_asynchronous_generator_gets_a_hint_of_its_own():
    """S5: `yield` does not push an item here."""

    async def numbers(ins, outs, state):
        yield 1

    with pytest.raises(WiringError, match="asynchronous generator function 'numbers'; push to an"):
        Workflow().add_stream(Stream(fn=numbers))


@pytest.mark.parametrize("fn", [takes_two, takes_none], ids=lambda fn: fn.__name__)
def test_s5_a_function_that_does_not_take_ports_and_state_is_refused_when_added(fn):
    """S5: it is refused when it is added, not in the middle of a run."""
    with pytest.raises(WiringError, match=rf"must take \(ins, outs, state\), .*{fn.__name__}"):
        Workflow().add_stream(Stream(fn=fn))


def test_s5_a_run_that_does_not_take_the_ports_is_refused_when_added():
    """S5: the same for an overridden `run`."""

    class Odd(Stream):
        async def run(self, ins):  # type: ignore[override] # the mistake in question
            pass

    with pytest.raises(WiringError, match=r"run of stream 'Odd' must take \(ins, outs\)"):
        Workflow().add_stream(Odd())


def test_s5_a_bare_stream_before_an_operator_is_checked_too():
    """S5: it is refused where it is written, however it enters a workflow."""
    with pytest.raises(WiringError, match="has nothing to run"):
        Stream(outs=["y"]) | ops.map(str)


def test_s5_partials_and_callable_objects_are_accepted():
    """S5: it is enough that a call returns a coroutine."""

    class Parser:
        async def __call__(self, ins, outs, state):
            pass

    workflow = Workflow()
    assert workflow.add_stream(Stream(fn=Parser())).name == "Parser"
    assert workflow.add_stream(Stream(fn=functools.partial(parse))).name == "parse"


def test_decorator_makes_a_factory_of_streams():
    """Each call of the factory makes a stream; name and state are keywords."""
    one, other = split(), split(name="cut", state=[1])
    assert one is not other
    assert (one.name, one.ins, one.outs, one.side) == (
        "split",
        ("text",),
        ("word", "error"),
        ("error",),
    )
    assert (other.name, other.state) == ("cut", [1])
    assert split(state_factory=list).new_state() == []
    assert (split.__name__, split.__doc__) == ("split", "Split a text into words.")


def test_decorator_refuses_a_wrong_declaration_where_it_is_written():
    """The names of ports and the function are checked at once."""
    with pytest.raises(WiringError, match="twice"):
        stream(ins=["a", "a"])(parse)
    with pytest.raises(WiringError, match=r"write `\[\"ab\"\]`"):
        stream(ins="ab")(parse)
    with pytest.raises(WiringError, match="write `async def`"):
        stream()(lambda ins, outs, state: None)  # type: ignore[arg-type,return-value]


def test_decorator_without_parentheses_is_refused():
    """`@stream` alone would take the function for a list of names."""
    with pytest.raises(WiringError, match=r"function 'parse'; did you mean `@stream\(ins="):
        stream(parse)  # type: ignore[arg-type]


def test_streams_cross_process_borders():
    """A blueprint holds no loops and locks, so it can be pickled if its functions can."""
    for made in (Stream(["a"], ["b"], fn=parse, name="p"), split(name="cut"), Double()):
        copy = pickle.loads(pickle.dumps(made))
        assert (copy.name, copy.ins, copy.outs) == (made.name, made.ins, made.outs)
        copy.check_runnable()
