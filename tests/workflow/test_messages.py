"""Error messages: they say what was given, where, and what to write instead."""

import copy
import pickle
import warnings

import pytest

from helpers import run
from mimo_rx import InputClosed, OutputClosed, Stream, WiringError, Workflow
from mimo_rx.testing import run_stream
from ports import pipe


async def relay(ins, outs, state):
    async for item in ins.a:
        await outs.b.push(item)


def served():
    """Return a workflow with an input and an output of its own."""
    workflow = Workflow(["a"], ["b"], name="svc")
    step = workflow.add_stream(Stream(["a"], ["b"], fn=relay))
    workflow.ins["a"] | step | workflow.outs["b"]
    return workflow


def test_the_ports_of_an_open_run_are_called_as_its_caller_calls_them():
    """The caller pushes to an input and reads from an output."""

    async def main():
        async with served().open() as opened:
            opened.ins.a.close()
            with pytest.raises(OutputClosed, match="push to input 'a' of workflow 'svc' after it"):
                await opened.ins.a.push(1)
            with pytest.raises(InputClosed) as caught:
                await opened.outs.b.pop()
            with pytest.raises(TypeError, match="push_many to input 'a' of workflow 'svc' takes"):
                await opened.ins.a.push_many(3)
        assert "pop from output 'b' of workflow 'svc' after its end" in str(caught.value)
        assert "`async for item in run.outs.b`" in str(caught.value)

    run(main())


def test_a_timeout_names_the_port_of_an_open_run():
    """The name is the one that the caller uses."""

    async def main():
        async with served().open() as opened:
            with pytest.raises(TimeoutError, match=r"pop from output 'b' of workflow 'svc' waited"):
                await opened.outs.b.pop(timeout=1)

    run(main())


def test_run_stream_wants_the_items_by_their_input():
    """The error shows how to write it for this stream."""
    with pytest.raises(TypeError, match=r"such as \{'a': \[1, 2, 3\]\}, got list"):
        run_stream(Stream(["a"], ["b"], fn=relay), [1])  # type: ignore[arg-type]


def test_an_input_is_no_plain_iterable():
    """The error says what to write."""

    async def main():
        _, port = pipe()
        with pytest.raises(
            TypeError, match=r"input 'a' of step 'reader'.*`async for item in ins.a`"
        ):
            for _ in port:
                pass

    run(main())


def test_a_push_that_had_to_wait_and_was_not_awaited_is_called_a_push():
    """Python's own warning says so, where there was no room."""

    async def main():
        out, port = pipe(1)
        await out.push(1)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out.push(2)  # type: ignore[unused-coroutine]
        assert "'Output.push' was never awaited" in str(caught[0].message)
        assert await port.pop() == 1

    run(main())


def test_a_port_is_picked_of_a_step_not_of_a_stream():
    """The stream has to be added first."""
    stream = Stream(["left", "right"], ["pair"], fn=relay, name="join")
    with pytest.raises(WiringError, match=r"'join' is no step yet.*then `step\['left'\]`"):
        stream["left"]
    with pytest.raises(TypeError, match="not iterable"):
        iter(stream)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a", r"write `step\['a'\]`"),
        ("b", r"write `step\['b'\]`"),
        ("check", r"`step.workflow.check\(\)`"),
        ("x", "a step has no attribute 'x'$"),
    ],
)
def test_a_step_says_what_to_write_in_place_of_an_attribute(name, text):
    """Its ports are items, and only its workflow can be run."""
    step = Workflow().add_stream(Stream(["a"], ["b"], fn=relay))
    with pytest.raises(AttributeError, match=text):
        getattr(step, name)
    assert not hasattr(step, "_private")


def test_a_step_is_copied_and_pickled_with_its_workflow():
    """This works although the step has an error text of its own for attributes that it lacks."""
    step = Workflow().add_stream(Stream([], ["x"], fn=relay, name="made"))
    assert copy.copy(step).name == "made"
    assert pickle.loads(pickle.dumps(step)).name == "made"
