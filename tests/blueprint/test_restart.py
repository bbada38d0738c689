"""What a blueprint says of restarts: `Restart` and `add_stream(restart=...)`."""

import asyncio
import dataclasses
import pickle
from math import inf, nan
from random import Random
from typing import Any

import pytest

from mimo_rx import (
    DownstreamClosed,
    InputClosed,
    MimoError,
    Restart,
    Stream,
    StreamCancelled,
    WiringError,
    Workflow,
)
from mimo_rx._plan.flatten import flatten
from runs import add, forever


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"max_restarts": -1}, "max_restarts must be an integer of at least 0, got -1"),
        ({"max_restarts": 1.5}, "max_restarts must be an integer of at least 0, got 1.5"),
        ({"max_restarts": True}, "max_restarts must be an integer of at least 0, got True"),
        ({"max_restarts": None}, "max_restarts must be an integer of at least 0, got None"),
        ({"within": 0}, "within must be a number of seconds above 0, got 0"),
        ({"within": nan}, "within must be a number of seconds above 0, got nan"),
        ({"within": "60"}, "within must be a number of seconds above 0, got '60'"),
        ({"backoff": -0.1}, "backoff must be a number of seconds, at least 0, got -0.1"),
        ({"backoff": inf}, "backoff must be a number of seconds, at least 0, got inf"),
        ({"backoff": True}, "backoff must be a number of seconds, at least 0, got True"),
        (
            {"backoff": 2, "max_backoff": 1},
            "max_backoff must be a number of seconds, at least backoff, which is 2, got 1",
        ),
        (
            {"max_backoff": inf},
            "max_backoff must be a number of seconds, at least backoff, which is 0.1, got inf",
        ),
        ({"jitter": 1.1}, "jitter must be a number from 0 to 1, got 1.1"),
        ({"jitter": -0.1}, "jitter must be a number from 0 to 1, got -0.1"),
        ({"jitter": nan}, "jitter must be a number from 0 to 1, got nan"),
        (
            {"on": OSError},
            "on must be a tuple of exception classes, got <class 'OSError'>; write on=(OSError,)",
        ),
        ({"on": ()}, "on must be a tuple of exception classes, got ()"),
        (
            {"on": [OSError]},
            "on must be a tuple of exception classes, got [<class 'OSError'>]",
        ),
        ({"on": (OSError, 3)}, "on must be a tuple of exception classes, got 3"),
        ({"on": (OSError(),)}, "on must be a tuple of exception classes, got OSError()"),
        ({"on": (int,)}, "on must be a tuple of exception classes, got <class 'int'>"),
    ],
)
def test_each_argument_is_checked(wrong, text):
    """A mistake is refused where it is written, with the rule and what was given."""
    with pytest.raises(WiringError) as caught:
        Restart(**wrong)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    "kind", [BaseException, asyncio.CancelledError, SystemExit, KeyboardInterrupt, GeneratorExit]
)
def test_neither_a_cancel_nor_an_exit_can_be_named(kind):
    """A cancel or an exit is a request, not a failure."""
    with pytest.raises(WiringError, match="a cancel or an exit never leads to a restart"):
        Restart(on=(OSError, kind))


@pytest.mark.parametrize("kind", [MimoError, DownstreamClosed, InputClosed, StreamCancelled])
def test_an_exception_of_the_library_cannot_be_named(kind):
    """The end of an input is still its end after a restart."""
    with pytest.raises(WiringError, match="an exception of mimo_rx itself never leads to"):
        Restart(on=(kind,))


class Odd(OSError, DownstreamClosed):
    """One that is both."""


@pytest.mark.parametrize(
    ("error", "on", "retried"),
    [
        (OSError(), (OSError,), True),
        (ConnectionResetError(), (OSError,), True),
        (TimeoutError(), (OSError,), True),
        (ValueError(), (OSError,), False),
        (ValueError(), (OSError, ValueError), True),
        (ValueError(), (Exception,), True),
        (InputClosed(), (Exception,), False),
        (DownstreamClosed(), (Exception,), False),
        (StreamCancelled(), (Exception,), False),
        (Odd(), (OSError,), False),
        (asyncio.CancelledError(), (Exception,), False),
        (SystemExit(), (Exception,), False),
        (ExceptionGroup("", [OSError(), TimeoutError()]), (OSError,), True),
        (ExceptionGroup("", [OSError(), ExceptionGroup("", [OSError()])]), (OSError,), True),
        (ExceptionGroup("", [OSError(), ValueError()]), (OSError,), False),
        (ExceptionGroup("", [OSError(), ValueError()]), (ExceptionGroup,), True),
        (ExceptionGroup("", [OSError(), DownstreamClosed()]), (Exception,), False),
        (BaseExceptionGroup("", [OSError(), SystemExit()]), (Exception,), False),
    ],
)
def test_it_tells_which_exceptions_lead_to_a_restart(error, on, retried):
    """Those of `on` do, and groups of them alone; the library's own exceptions never do."""
    assert Restart(on=on).retries(error) is retried


def test_the_delay_doubles_up_to_its_bound():
    """It is `min(max_backoff, backoff * 2**n)`, however large `n` is."""
    restart = Restart(backoff=0.5, max_backoff=5, jitter=0)
    delays = [restart.delay(before, Random()) for before in (0, 1, 2, 3, 4, 1000, 10**9)]
    assert delays == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0]
    assert Restart(backoff=0).delay(10**9, Random()) == 0.0


@pytest.mark.parametrize("jitter", [0.2, 1])
def test_jitter_makes_a_delay_shorter_by_up_to_its_share(jitter):
    """A delay is never longer than `max_backoff`, and is spread there too."""
    restart = Restart(backoff=1, max_backoff=8, jitter=jitter)
    delays = [restart.delay(20, Random(seed)) for seed in range(1000)]
    assert 8 * (1 - jitter) < min(delays) < 8 * (1 - 0.95 * jitter)
    assert 8 * (1 - 0.05 * jitter) < max(delays) <= 8


def test_a_seeded_random_gives_the_same_delays():
    """Each delay draws `u` once."""
    restart = Restart(backoff=1, max_backoff=8, jitter=0.5)
    expected = Random(7)
    drawing = Random(7)
    for whole in (1, 2, 4, 8, 8):
        assert restart.delay(whole.bit_length() - 1, drawing) == pytest.approx(
            whole * (1 - 0.5 * expected.random())
        )


def test_it_is_frozen_and_can_be_compared_and_pickled():
    """A blueprint may be sent to other processes."""
    restart = Restart(max_restarts=5, on=(OSError, ValueError))
    assert pickle.loads(pickle.dumps(restart)) == restart != Restart()
    assert {restart: 1}[dataclasses.replace(Restart(), max_restarts=5, on=(OSError, ValueError))]
    with pytest.raises(dataclasses.FrozenInstanceError):
        restart.max_restarts = 6  # type: ignore[misc] # what is tested


def test_it_stands_in_the_step_and_in_the_plan():
    """Other engines can read it there, also in a nested workflow."""
    restart = Restart()
    inner = Workflow(name="inner")
    step = inner.add_stream(Stream(fn=forever), restart=restart)
    outer = Workflow()
    outer.add_stream(inner)
    other = add(outer, forever, name="other")
    assert (step.restart, other.restart) == (restart, None)
    planned = {each.path: each.restart for each in flatten(outer).steps}
    assert planned == {"inner/forever": restart, "other": None}


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (3, "restart of stream 'forever' must be a Restart or None, got 3"),
        (True, "restart of stream 'forever' must be a Restart or None, got True; write restart="),
        (Restart, r"must be a Restart or None, got <class .*>; write restart=Restart\(\)"),
    ],
)
def test_add_stream_takes_nothing_else(wrong: Any, text):
    """A refusal leaves the workflow as it was."""
    workflow = Workflow()
    with pytest.raises(WiringError, match=text):
        workflow.add_stream(Stream(fn=forever), restart=wrong)
    assert not workflow.steps


def test_a_workflow_cannot_be_started_again_by_itself():
    """It has no task of its own: its steps are steps of the run around it."""
    workflow = Workflow()
    with pytest.raises(WiringError, match=r"workflow 'inner' cannot be started again .* got rest"):
        workflow.add_stream(Workflow(name="inner"), restart=Restart())
    assert not workflow.steps
