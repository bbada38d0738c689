"""Blocking until a run has ended: rule W5, and E4, E6 and E7 with Ctrl-C."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from reactivex.scheduler import CurrentThreadScheduler

from mimo_rx import Stream, Workflow
from mimo_rx._run.blocking import run_blocking
from runs import add, collector, counter

ROOT = Path(__file__).parents[2]


def test_w5_start_raises_what_the_first_stream_to_fail_raised():
    """W5, E1: with its note."""

    async def broken(ins, outs, state):
        raise ValueError("mine")

    workflow = Workflow()
    add(workflow, broken)
    with pytest.raises(ValueError, match="mine") as caught:
        workflow.start()
    assert caught.value.__notes__ == ["mimo_rx: raised in step 'broken'"]


def test_w5_start_leaves_no_loop_behind():
    """W5, C5: its loops are closed, and the thread is as it was before."""
    loops: list[Any] = []

    async def fn(ins, outs, state):
        loops.append(asyncio.get_running_loop())

    handler = signal.getsignal(signal.SIGINT)
    workflow = Workflow()
    add(workflow, fn)
    workflow.start()
    workflow.start()
    assert loops[0] is not loops[1]
    assert all(loop.is_closed() for loop in loops)
    assert signal.getsignal(signal.SIGINT) is handler
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_e4_ctrl_c_just_after_the_run_leaves_no_coroutine_unawaited():
    """E4: the loop is about to close its generators; a warning would be an error here."""

    async def fn(ins, outs, state):
        loop = asyncio.get_running_loop()
        (main,) = asyncio.all_tasks() - {asyncio.current_task()}
        press = partial(loop.call_soon, signal.raise_signal, signal.SIGINT)
        main.add_done_callback(lambda _: press())

    workflow = Workflow()
    add(workflow, fn)
    with pytest.raises(KeyboardInterrupt):
        workflow.start()
    gc.collect()


@pytest.mark.skipif(sys.platform == "win32", reason="its loops are woken by every signal")
def test_e4_a_signal_wakes_the_loop_by_itself():
    """E4: the handler alone would not, if the signal comes just before the loop sleeps."""

    def wakes() -> bool:
        descriptor = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(descriptor)
        return descriptor != -1

    async def fn(ins, outs, state):
        assert wakes()

    workflow = Workflow()
    add(workflow, fn)
    workflow.start()
    assert not wakes()


@pytest.mark.realtime
def test_w5_start_works_in_any_thread():
    """W5: also in a thread that cannot handle signals."""
    got: list[Any] = []
    workflow = Workflow()
    add(workflow, counter(3), outs="x") | add(workflow, collector(got), "x")
    thread = threading.Thread(target=workflow.start)
    thread.start()
    thread.join(20)
    assert got == [0, 1, 2]


def test_w5_start_inside_rxs_current_thread_trampoline_delivers():
    """W5, R10: the run has a trampoline of its own; the caller's is restored after it."""
    got: list[Any] = []
    inner: list[Any] = []
    scheduler = CurrentThreadScheduler.singleton()

    async def fn(ins, outs, state):
        scheduler.schedule(lambda *_: inner.append("inside"))
        assert inner == ["inside"]
        await outs.x.push(1)

    def action(*_):
        workflow = Workflow()
        add(workflow, fn, outs="x") | add(workflow, collector(got), "x")
        scheduler.schedule(lambda *_: inner.append("after"))
        workflow.start()

    scheduler.schedule(action)
    assert (got, inner) == ([1], ["inside", "after"])


def test_w5_start_cancels_what_the_users_own_tasks_have_left():
    """C5: when the run is over, as `asyncio.run` does."""
    log: list[Any] = []

    async def helper():
        try:
            await asyncio.sleep(1000)
        finally:
            log.append("helper cancelled")

    async def fn(ins, outs, state):
        state["helper"] = asyncio.create_task(helper())
        await asyncio.sleep(0)

    workflow = Workflow()
    workflow.add_stream(Stream(fn=fn))
    workflow.start()
    assert log == ["helper cancelled"]


def test_w5_start_closes_generators_that_are_left():
    """C5: this is about asynchronous generators."""
    log: list[Any] = []

    async def ticks():
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            log.append("closed")

    async def fn(ins, outs, state):
        state["ticks"] = ticks()
        await anext(state["ticks"])

    workflow = Workflow()
    workflow.add_stream(Stream(fn=fn))
    workflow.start()
    assert log == ["closed"]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["the stream", "a helper task"])
def test_e7_exits_leave_start_after_the_others_have_unwound(kind, where, caplog):
    """E7: also an exit in a task that a stream has made, which stops the loop at once."""
    log: list[Any] = []

    async def leave():
        await asyncio.sleep(0)
        raise kind(7)

    async def fn(ins, outs, state):
        if where == "the stream":
            await leave()
        async with asyncio.TaskGroup() as group:
            group.create_task(leave())

    async def clean(ins, outs, state):
        try:
            await asyncio.sleep(1000)
        finally:
            await asyncio.sleep(0)
            log.append("clean")

    workflow = Workflow()
    add(workflow, clean)
    add(workflow, fn)
    with pytest.raises(kind) as caught:
        workflow.start()
    assert caught.value.args == (7,)
    assert log == ["clean"]
    assert not caplog.records


def test_run_blocking_returns_what_a_coroutine_returns_that_swallows_its_cancel():
    """E4: as `asyncio.run` does."""

    async def main():
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            return "swallowed"

    assert run_blocking(main, "call", "instead") == "swallowed"


def test_run_blocking_raises_a_cancel_that_is_no_interrupt_as_it_is():
    """E4: only Ctrl-C becomes a `KeyboardInterrupt`."""

    async def main():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run_blocking(main, "call", "instead")


# In a process of its own

PROGRAM = """
import asyncio, os, signal, sys, time
from mimo_rx import Stream, Workflow

async def sleepy(ins, outs, state):
    try:
        print("ready", flush=True)
        await asyncio.sleep(1000)
    finally:
        print("cleaning", flush=True)
        await asyncio.sleep({clean})
        print("clean", flush=True)

async def busy(ins, outs, state):
    print("ready", flush=True)
    while True:
        time.sleep(0.01)

async def broken(ins, outs, state):
    try:
        await sleepy(ins, outs, state)
    finally:
        raise ValueError("broken")

async def forking(ins, outs, state):
    begun, begins = os.pipe()
    child = os.fork()
    if not child:
        os.write(begins, b"x")  # Python forgets a signal that comes during the fork
        for _ in range(2000):
            time.sleep(0.01)
        os._exit(0)
    os.read(begun, 1)
    os.kill(child, signal.{number})
    print("ready", flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

{before}
workflow = Workflow()
workflow.add_stream(Stream(fn={fn}))
try:
    workflow.start(shutdown_timeout=100)
except BaseException as error:
    print(type(error).__name__, flush=True)
    if {leaves}:
        raise
"""


class Child:
    """A process that runs PROGRAM."""

    def __init__(self, **values: Any) -> None:
        usual = {"fn": "sleepy", "clean": 0, "before": "", "leaves": False, "number": "SIGTERM"}
        code = textwrap.dedent(PROGRAM).format(**{**usual, **values})
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
        environment.pop("PYTHONASYNCIODEBUG", None)  # it tells of slow callbacks on stderr
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> "Child":
        self.expect("ready")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def expect(self, line: str) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == f"{line}\n"

    def interrupt(self, number: int = signal.SIGINT) -> None:
        self.process.send_signal(number)

    def rest(self, code: int = 0) -> tuple[list[str], str]:
        """Return the rest of its stdout and its stderr, until it ends with the exit code `code`."""
        out, err = self.process.communicate(timeout=20)
        assert self.process.returncode == code
        return out.split(), err


posix = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")


@posix
@pytest.mark.realtime
def test_e4_ctrl_c_in_start_cancels_all_streams_and_waits_for_their_clean_up():
    """E4: although the loop is asleep; `start()` then raises `KeyboardInterrupt`."""
    with Child(clean=0.2) as child:
        child.interrupt()
        assert child.rest() == (["cleaning", "clean", "KeyboardInterrupt"], "")


@posix
@pytest.mark.realtime
def test_e4_a_failure_of_the_clean_up_after_ctrl_c_comes_out():
    """E2, E4: a cancel never hides a real error."""
    with Child(fn="broken") as child:
        child.interrupt()
        assert child.rest() == (["cleaning", "clean", "ValueError"], "")


@posix
@pytest.mark.realtime
def test_e6_a_second_ctrl_c_does_not_wait():
    """E6: nothing is logged about the streams that are left behind."""
    with Child(clean=1000) as child:
        child.interrupt()
        child.expect("cleaning")
        child.interrupt()
        out, err = child.rest()
        assert out == ["KeyboardInterrupt"]
        assert "never retrieved" not in err
        assert "destroyed" not in err


@posix
@pytest.mark.realtime
def test_e6_a_second_ctrl_c_ends_a_stream_that_never_waits():
    """E6: the interrupt is raised in the middle of the stream's code."""
    with Child(fn="busy") as child:
        child.interrupt()
        time.sleep(0.2)  # two at once would be one
        child.interrupt()
        assert child.rest() == (["KeyboardInterrupt"], "")


# SIGTERM and SIGHUP

HUP = getattr(signal, "SIGHUP", signal.SIGTERM)

each_signal = pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (HUP, 129)])


@posix
@pytest.mark.realtime
@each_signal
def test_w11_a_signal_in_start_cancels_all_streams_and_waits_for_their_clean_up(number, code):
    """W11, E4: `start()` then raises `SystemExit`, with the exit code of that signal."""
    with Child(clean=0.2, leaves=True) as child:
        child.interrupt(number)
        assert child.rest(code) == (["cleaning", "clean", "SystemExit"], "")


@posix
@pytest.mark.realtime
@pytest.mark.parametrize("first", [signal.SIGINT, HUP])
def test_w11_a_second_signal_does_not_wait(first):
    """W11, E6: Ctrl-C before it does not change the exit code."""
    with Child(clean=1000, leaves=True) as child:
        child.interrupt(first)
        child.expect("cleaning")
        child.interrupt(HUP)
        out, err = child.rest(129)
        assert out == ["SystemExit"]
        assert "never retrieved" not in err
        assert "destroyed" not in err


@posix
@pytest.mark.realtime
def test_w11_a_second_signal_ends_a_stream_that_never_waits():
    """W11, E6."""
    with Child(fn="busy", leaves=True) as child:
        child.interrupt(HUP)
        time.sleep(0.2)  # two at once would be one
        child.interrupt(HUP)
        assert child.rest(129) == (["SystemExit"], "")


@posix
@pytest.mark.realtime
@each_signal
def test_w11_a_failure_of_the_clean_up_after_a_signal_comes_out(number, code):
    """W11, E2: a cancel never hides a real error."""
    with Child(fn="broken") as child:
        child.interrupt(number)
        assert child.rest() == (["cleaning", "clean", "ValueError"], "")


@posix
@pytest.mark.realtime
@each_signal
def test_w11_a_handler_of_the_program_stays(number, code):
    """W11: it decides what the signal does, and Ctrl-C is still heard."""
    name = signal.Signals(number).name
    handler = f"signal.signal(signal.{name}, lambda *_: print('mine', flush=True))"
    with Child(before=handler) as child:
        child.interrupt(number)
        child.expect("mine")
        child.interrupt()
        assert child.rest() == (["cleaning", "clean", "KeyboardInterrupt"], "")


@posix
@pytest.mark.realtime
@each_signal
def test_w11_a_signal_that_is_ignored_stays_ignored(number, code):
    """W11: as `nohup` starts a program."""
    name = signal.Signals(number).name
    with Child(before=f"signal.signal(signal.{name}, signal.SIG_IGN)") as child:
        child.interrupt(number)
        time.sleep(0.1)
        child.interrupt()
        assert child.rest() == (["cleaning", "clean", "KeyboardInterrupt"], "")


@posix
@pytest.mark.realtime
@each_signal
def test_w11_a_handler_of_the_program_for_ctrl_c_leaves_the_others_to_us(number, code):
    """W11: each signal is asked about by itself."""
    handler = "signal.signal(signal.SIGINT, lambda *_: print('mine', flush=True))"
    with Child(before=handler, leaves=True) as child:
        child.interrupt()
        child.expect("mine")
        child.interrupt(number)
        assert child.rest(code) == (["cleaning", "clean", "SystemExit"], "")


@posix
@pytest.mark.realtime
@each_signal
def test_w11_a_fork_of_the_process_ends_as_it_would_elsewhere(number, code):
    """W11: `multiprocessing` ends its workers by SIGTERM."""
    with Child(fn="forking", number=signal.Signals(number).name) as child:
        assert child.rest() == ([str(-number)], "")


@posix
def test_w11_start_leaves_the_handlers_as_they_were():
    """W11: also one of the caller's own."""
    numbers = [signal.SIGINT, signal.SIGTERM, HUP]
    mine = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        before = [signal.getsignal(number) for number in numbers]
        seen: list[Any] = []

        async def fn(ins, outs, state):
            seen.extend(signal.getsignal(number) for number in numbers)

        workflow = Workflow()
        add(workflow, fn)
        workflow.start()
        assert [signal.getsignal(number) for number in numbers] == before
        assert seen[0] is seen[2] is not before[0]
        assert seen[1] is before[1]
    finally:
        signal.signal(signal.SIGTERM, mine)


@posix
@pytest.mark.realtime
def test_w11_a_signal_wakes_a_loop_that_is_not_of_asyncio():
    """W11: uvloop has a way of its own to be woken."""
    pytest.importorskip("uvloop")
    policy = "import uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())"
    with Child(before=policy, leaves=True) as child:
        child.interrupt(HUP)
        assert child.rest(129) == (["cleaning", "clean", "SystemExit"], "")
