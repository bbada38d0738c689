"""Ctrl-C, SIGTERM, timeouts and exits: how a run of the command line is ended from outside."""

import json
import os
import signal

import pytest

from processes import COMMAND, Child, Terminal, mimo_rx, posix, terminal, write

pytestmark = [posix, pytest.mark.realtime]

INT, TERM = signal.SIGINT, signal.SIGTERM
HUP = getattr(signal, "SIGHUP", signal.SIGTERM)

APP = """
    import asyncio, sys, threading, time
    import click
    from mimo_rx import Stream, Workflow
    from reactivex import operators as ops

    async def sleepy(ins, outs, state):
        try:
            print("ready", flush=True)
            await asyncio.Event().wait()
        finally:
            print("cleaning", flush=True)
            await asyncio.sleep(0.01)
            print("clean", flush=True)

    async def stubborn(ins, outs, state):
        print("ready", flush=True)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                print("ignored", flush=True)

    async def busy(ins, outs, state):
        print("ready", flush=True)
        while not any(task.cancelling() for task in asyncio.all_tasks()):
            time.sleep(0.01)
        print("ignored", flush=True)
        while True:
            time.sleep(0.01)

    async def pushing(ins, outs, state):
        print("ready", flush=True)
        try:
            while True:
                await outs.number.push(1)
        finally:
            print("clean", flush=True)

    async def waiting(ins, outs, state):
        await ins.number.pop(timeout=1000)

    async def threaded(ins, outs, state):
        def block():
            print("ready", flush=True)
            threading.Event().wait()

        await asyncio.to_thread(block)

    async def failing(ins, outs, state):
        try:
            await sleepy(ins, outs, state)
        finally:
            raise LookupError("while cleaning")

    def leaving(kind):
        async def leave(ins, outs, state):
            await asyncio.sleep(0)
            raise kind

        return leave

    def only(*functions):
        workflow = Workflow(name="only")
        for function in functions:
            outs = ["number"] if function is pushing else []
            workflow.add_stream(Stream(outs=outs, fn=function))
        return workflow

    def sleep(): return only(sleepy)
    def note(path: str):
        async def noting(ins, outs, state):
            try:
                print("ready", flush=True)
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                with open(path, "w") as file:
                    file.write("clean")

        return only(noting)

    def ignore(): return only(stubborn)
    def work(): return only(busy)
    def push(): return only(pushing)
    def block(): return only(threaded)
    def fail(): return only(failing)
    def exit_3(): return only(leaving(SystemExit(3)), sleepy)
    def exit_text(): return only(leaving(SystemExit("said why")), sleepy)
    def exit_none(): return only(leaving(SystemExit()), sleepy)
    def interrupt(): return only(leaving(KeyboardInterrupt()), sleepy)
    def click_exit(): return only(leaving(click.exceptions.Exit(4)), sleepy)
    def click_abort(): return only(leaving(click.Abort()), sleepy)

    def hang():
        print("ready", flush=True)
        time.sleep(60)

    def ring():
        workflow = Workflow(name="ring")
        one = workflow.add_stream(Stream(["number"], ["number"], fn=waiting, name="one"))
        two = workflow.add_stream(Stream(["number"], ["number"], fn=waiting, name="two"))
        one | two | ops.delay(1000.0) | one  # which hides it from the watch for rings
        workflow.add_stream(Stream(fn=sleepy))
        return workflow
"""

HANGING = """
    import time
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("clean", flush=True)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("signals")
    write(path, "app.py", APP)
    write(path, "hanging.py", HANGING)
    return path


@pytest.fixture
def running(folder):
    """Return what starts a target, and waits until it is ready."""
    children: list[Child] = []

    def start(target: str, *options: object, command: tuple[str, ...] = COMMAND) -> Child:
        place = target if ":" in target else f"app:{target}"
        child = Child("run", place, *options, cwd=folder, command=command)
        children.append(child)
        child.expect("ready\n")
        return child

    yield start
    for child in children:
        child.__exit__(None, None, None)


each_signal = pytest.mark.parametrize(
    ("number", "code", "name"),
    [(INT, 130, "SIGINT"), (TERM, 143, "SIGTERM"), (HUP, 129, "SIGHUP")],
)


@each_signal
def test_e4_a_signal_ends_all_streams_and_waits_for_their_clean_up(running, number, code, name):
    """E4, W11: and the exit code is that of the signal."""
    child = running("sleep")
    child.send(number)
    assert child.rest() == f"cleaning\nclean\nended by {name}\n"
    assert child.process.returncode == code


@pytest.mark.parametrize("target", ["ignore", "work"])
@pytest.mark.parametrize(
    ("first", "second", "name"),
    [
        (INT, INT, "SIGINT"),
        (INT, TERM, "SIGTERM"),
        (TERM, INT, "SIGTERM"),
        (TERM, TERM, "SIGTERM"),
        (HUP, HUP, "SIGHUP"),
        (HUP, TERM, "SIGHUP"),
        (INT, HUP, "SIGHUP"),
    ],
)
def test_e6_a_second_signal_does_not_wait(running, target, first, second, name):
    """E6: for a stream that does not let itself be cancelled, or that never waits."""
    child = running(target)
    child.send(first)
    child.expect("ignored\n")
    child.send(second)
    assert child.rest() == f"ended by {name}\n"
    assert child.process.returncode == 128 + signal.Signals[name]


@each_signal
def test_p12_a_signal_is_heard_while_a_stream_pushes_for_ever(running, number, code, name):
    """P12: into an output that discards."""
    child = running("push")
    child.send(number)
    assert child.rest() == f"clean\nended by {name}\n"
    assert child.process.returncode == code


def test_p12_a_timeout_fires_while_a_stream_pushes_for_ever(running):
    """P12: into an output that discards."""
    child = running("push", "--timeout", "0.2")
    assert child.rest().startswith("clean\ntimed out after 0.2 s\n")
    assert child.process.returncode == 1


@each_signal
@pytest.mark.parametrize("target", ["hanging:x", "app:hang"])
def test_a_signal_is_heard_while_the_target_is_made(running, target, number, code, name):
    child = running(target)
    child.send(number)
    cleaned = "clean\n" if target == "hanging:x" else ""
    assert child.rest() == f"{cleaned}ended by {name}\n"
    assert child.process.returncode == code


@each_signal
def test_a_second_signal_does_not_wait_for_threads_of_the_users(running, number, code, name):
    """Python itself waits for them at the end of a process."""
    child = running("block")
    child.send(number)
    child.expect(f"ended by {name}\n")
    child.send(number)
    assert child.rest() == ""
    assert child.process.returncode == code


def test_e2_a_failure_of_the_clean_up_after_a_signal_is_told(running):
    """E2: a cancel never hides a real error; the exit code is that of the signal."""
    child = running("fail")
    child.send(INT)
    told = child.rest()
    assert "LookupError: while cleaning\nmimo_rx: raised in step 'failing'\n" in told
    assert "ended by SIGINT\n" in told
    assert child.process.returncode == 130


# Where a signal is ignored


def ignoring(name: str) -> tuple[str, ...]:
    """Return the command that starts as a shell starts what is not to hear a signal."""
    return ("sh", "-c", f'trap "" {name}; exec "$@"', "sh", *COMMAND)


def test_e4_a_background_job_hears_sigterm_and_not_ctrl_c(running):
    """E4: a shell starts one with SIGINT ignored."""
    child = running("sleep", command=ignoring("INT"))
    child.send(INT)
    child.send(TERM)
    assert child.rest() == "cleaning\nclean\nended by SIGTERM\n"
    assert child.process.returncode == 143


@pytest.mark.parametrize("target", ["ignore", "work"])
def test_e6_a_background_job_does_not_wait_after_a_second_sigterm(running, target):
    """E6: as one in the foreground."""
    child = running(target, command=ignoring("INT"))
    child.send(TERM)
    child.expect("ignored\n")
    child.send(TERM)
    assert child.rest() == "ended by SIGTERM\n"
    assert child.process.returncode == 143


@pytest.mark.parametrize(("number", "name"), [(TERM, "TERM"), (HUP, "HUP")])
def test_w11_a_signal_that_is_ignored_stays_ignored(running, number, name):
    """W11: `nohup` starts a program with SIGHUP ignored."""
    child = running("sleep", command=ignoring(name))
    child.send(number)
    child.send(INT)
    assert child.rest() == "cleaning\nclean\nended by SIGINT\n"
    assert child.process.returncode == 130


@pytest.mark.parametrize("target", ["ignore", "work"])
def test_w11_a_background_job_hears_sighup(running, target):
    """W11: although SIGINT is ignored there."""
    child = running(target, command=ignoring("INT"))
    child.send(HUP)
    child.expect("ignored\n")
    child.send(HUP)
    assert child.rest() == "ended by SIGHUP\n"
    assert child.process.returncode == 129


@terminal
def test_w11_the_streams_clean_up_when_the_terminal_is_closed(folder, tmp_path):
    """W11: nothing can be told there any more, and nothing goes wrong because of that."""
    file = tmp_path / "clean"
    child = Terminal("run", "app:note", "--set", f"path={file}", "--stats", cwd=folder)
    child.expect("ready\r\n")
    os.close(child._file)
    assert child.process.wait(20) == 129
    assert file.read_text() == "clean"


# What is told


@each_signal
def test_p11_the_statistics_are_told_after_a_signal_too(running, tmp_path, number, code, name):
    """P11: as far as the run came."""
    file = tmp_path / "statistics.json"
    child = running("sleep", "--stats", "--stats-json", file)
    child.send(number)
    told = child.rest()
    assert child.process.returncode == code
    assert "\nsleepy " in told
    assert " cancelled" in told
    assert told.endswith(f"ended by {name}\n")
    assert json.loads(file.read_text())["steps"]["sleepy"]["ended"] == "cancelled"


def test_p11_the_statistics_are_told_after_a_timeout_too(running, tmp_path):
    """P11: as far as the run came."""
    file = tmp_path / "statistics.json"
    child = running("sleep", "--timeout", "0.1", "--stats", "--stats-json", file)
    told = child.rest()
    assert child.process.returncode == 1
    assert " cancelled" in told
    assert "\ntimed out after 0.1 s\n" in told
    assert json.loads(file.read_text())["steps"]["sleepy"]["ended"] == "cancelled"


@pytest.mark.parametrize("how", ["Ctrl-C", "a timeout"])
def test_d4_who_waited_for_whom_is_told(running, how):
    """D4: of a ring that is hidden by what waits for something else, it is all there is to see."""
    child = running("ring", *(["--timeout", "0.1"] if how == "a timeout" else []))
    if how == "Ctrl-C":
        child.send(INT)
    told = child.rest()
    assert "mimo_rx: workflow 'ring' was cancelled while these waited:\n" in told
    assert "one" in told
    assert "two" in told


# Leaving


@pytest.mark.parametrize(
    ("target", "code", "told"),
    [
        ("exit_3", 3, ""),
        ("exit_none", 0, ""),
        ("exit_text", 1, "said why\n"),
        ("interrupt", 130, "ended by SIGINT\n"),
        ("click_exit", 4, ""),
        ("click_abort", 1, "aborted\n"),
    ],
)
def test_e7_an_exit_out_of_a_stream_keeps_its_code_after_the_others_unwound(
    folder, target, code, told
):
    """E7: `SystemExit` and `KeyboardInterrupt` are not failures."""
    done = mimo_rx("run", f"app:{target}", cwd=folder)
    assert done.stdout.splitlines() == ["ready", "cleaning", "clean"]
    assert done.returncode == code
    assert done.stderr.replace("mimo_rx: raised in step 'leave'\n", "") == told
