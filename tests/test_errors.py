"""The tree of errors, and what their texts say."""

import pickle
import traceback

import pytest

import mimo_rx
from mimo_rx import (
    DownstreamClosed,
    InputClosed,
    LateSubscription,
    MimoError,
    OutputClosed,
    Stream,
    StreamCancelled,
    UnknownPort,
    WiringError,
    Workflow,
    failures,
)


async def nothing(ins, outs, state):
    pass


@pytest.mark.parametrize(
    "error",
    [DownstreamClosed, InputClosed, LateSubscription, OutputClosed, StreamCancelled, WiringError],
)
def test_every_error_is_a_mimo_error(error):
    """One `except MimoError` catches whatever mimo_rx raises on its own account."""
    assert issubclass(error, MimoError)


def test_w2_a_wiring_error_is_a_value_error():
    """W2: each a `WiringError` (a `ValueError`)."""
    assert issubclass(WiringError, ValueError)


def test_s2_an_unknown_port_is_an_attribute_error_and_a_key_error():
    """S2: an unknown name raises `AttributeError`/`KeyError`."""
    assert issubclass(UnknownPort, AttributeError)
    assert issubclass(UnknownPort, KeyError)


def test_s2_an_unknown_port_lists_the_ports_and_the_nearest_name():
    """S2: it lists the ports there are and the nearest name, unquoted by `KeyError`."""
    error = UnknownPort("step 'parse'", "output", "lines", ["line", "word"])
    assert str(error) == (
        "step 'parse' has no output 'lines'; its outputs are 'line', 'word'; did you mean 'line'"
    )
    assert error.name == "lines"


@pytest.mark.parametrize("name", ["zebra", 3, None])
def test_s2_a_name_like_no_port_gets_no_guess(name):
    """S2: a far-fetched guess would mislead."""
    text = str(UnknownPort("step 'parse'", "input", name, ["line"]))
    assert "did you mean" not in text
    assert repr(name) in text


def test_s2_without_any_port_the_text_says_so():
    """S2: the ports there are may be none."""
    assert "its inputs are none" in str(UnknownPort("step 'a'", "input", "x", []))


def test_an_unknown_port_crosses_process_borders():
    """A workflow may be tested in worker processes, and its errors come back pickled."""
    with pytest.raises(UnknownPort) as caught:
        Workflow().add_stream(Stream(["line"], fn=nothing))["lime"]
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.name == "lime"


def test_failures_of_an_error_that_met_no_other_are_empty():
    """E2: `failures(exc)` are the further ones."""
    assert failures(ValueError("alone")) == ()


def test_an_error_is_called_by_the_name_that_it_is_imported_by():
    """Where it is made is nobody's business, and may change."""
    for name in mimo_rx.__all__:
        value = getattr(mimo_rx, name)
        if isinstance(value, type) and issubclass(value, BaseException):
            assert f"{value.__module__}.{value.__qualname__}" == f"mimo_rx.{name}"
    error = pickle.loads(pickle.dumps(mimo_rx.InputClosed("it is")))
    assert traceback.format_exception_only(error) == ["mimo_rx.InputClosed: it is\n"]
