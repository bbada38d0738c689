"""`mimo_rx.run(main())`: a program around a run, which blocks as `start()` does (W5, E4, E6)."""

import asyncio
import gc
import logging
import signal
import socket
import sys
import warnings

import pytest

import mimo_rx
from mimo_rx import Workflow, flow
from runs import add


async def seven() -> int:
    return 7


def test_w5_run_returns_what_the_coroutine_returned():
    """W5: it blocks meanwhile."""
    assert mimo_rx.run(seven()) == 7


def test_w5_run_raises_what_the_coroutine_raised():
    """W5: the exception itself, not a wrapper."""

    async def main():
        await flow(["x"])
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        mimo_rx.run(main())


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (seven, r"run takes a coroutine, got <function seven at .*>; write `run\(seven\(\)\)`"),
        (7, "run takes a coroutine, got 7"),
        (Workflow(), "run takes a coroutine, got <Workflow"),
    ],
)
def test_w5_run_refuses_what_is_no_coroutine(given, text):
    """W5: the error says what was given and what was probably meant."""
    with pytest.raises(TypeError, match=text):
        mimo_rx.run(given)


def test_w5_run_in_a_running_loop_is_refused_and_leaves_no_warning():
    """W5: like `start()`; the coroutine is closed, so Python does not warn of it."""

    async def main():
        mimo_rx.run(seven())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeError, match=r"run\(\) blocks, .* await the coroutine instead"):
            asyncio.run(main())
        gc.collect()


@pytest.mark.realtime
def test_e6_run_ends_although_a_run_left_a_stream_behind(caplog):
    """E6: where `asyncio.run` would wait for ever."""

    async def stubborn(ins, outs, state):
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                pass

    workflow = Workflow()
    add(workflow, stubborn)

    async def main():
        async with workflow.open(shutdown_timeout=0.05) as run:
            await asyncio.sleep(0)  # it has begun
            run.cancel()
        return "over"

    with caplog.at_level(logging.ERROR):
        assert mimo_rx.run(main()) == "over"
    assert "'stubborn' did not let itself be cancelled" in caplog.text


def test_w5_run_leaves_the_clean_up_of_a_coroutine_to_the_loop():
    """W5: awaits in a `finally` block of the coroutine work."""
    log: list[str] = []

    async def main():
        try:
            await Workflow().run()
            raise ValueError("mine")
        finally:
            await asyncio.sleep(0)
            log.append("clean")

    with pytest.raises(ValueError, match="mine"):
        mimo_rx.run(main())
    assert log == ["clean"]


def wakeup_fd() -> int:
    """Return the descriptor that Python's own handler of signals writes to, -1 if there is none."""
    descriptor = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(descriptor)
    return descriptor


@pytest.mark.skipif(sys.platform == "win32", reason="its usual loop sees to it by itself")
def test_e4_a_signal_wakes_the_loop_at_whatever_moment_it_comes():
    """E4: also just before the loop sleeps; afterwards the old state is restored."""

    async def main():
        return wakeup_fd()

    before = wakeup_fd()
    assert mimo_rx.run(main()) not in (-1, before)
    assert wakeup_fd() == before


@pytest.mark.skipif(sys.platform == "win32", reason="its usual loop sees to it by itself")
def test_e4_the_callers_own_wake_up_descriptor_is_put_back():
    """E4: another kind of loop in this thread is woken by signals as before."""
    reader, writer = socket.socketpair()
    with reader, writer:
        writer.setblocking(False)
        before = signal.set_wakeup_fd(writer.fileno())
        try:
            assert mimo_rx.run(seven()) == 7
            assert wakeup_fd() == writer.fileno()
        finally:
            signal.set_wakeup_fd(before)
