"""What is said of a failure: the user's frames, the step, and nothing that floods a terminal."""

import json
import os

import pytest

from processes import Done, mimo_rx, write

APP = """
    import asyncio, json, sys
    import click
    from mimo_rx import Stream, Workflow, flow
    import reactivex.operators as ops

    def only(fn, name="only", **more):
        workflow = Workflow(name=name)
        workflow.add_stream(Stream(fn=fn, **more))
        return workflow

    async def chain(ins, outs, state):
        try:
            int("x")
        except ValueError as error:
            raise RuntimeError("second") from error

    async def context(ins, outs, state):
        try:
            int("x")
        except ValueError:
            raise RuntimeError("second")

    async def group(ins, outs, state):
        async def fail(number):
            raise LookupError(f"of {number}")

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(fail(1))
            tasks.create_task(fail(2))

    async def cancel(ins, outs, state):
        raise asyncio.CancelledError

    async def late(ins, outs, state):
        raise TimeoutError("mine")

    async def usage(ins, outs, state):
        raise click.UsageError("mine")

    async def base(ins, outs, state):
        raise BaseException("mine")

    async def closed(ins, outs, state):
        await ins.x.pop()

    async def long(ins, outs, state):
        raise ValueError("x" * 5000 + "\\n\\x1b[31m\\udc80")

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    async def mute(ins, outs, state):
        raise Mute

    async def noted(ins, outs, state):
        error = ValueError("mine")
        error.add_note("my note \\x1b[31m")
        raise error

    async def asleep(ins, outs, state):
        try:
            await asyncio.Event().wait()
        finally:
            raise LookupError("while unwinding")

    chained = only(chain)
    in_context = only(context)
    grouped = only(group)
    nested = Workflow(name="outer")
    nested.add_stream(only(chain, name="inner"))
    cancelled = only(cancel)
    timed = only(late)
    used = only(usage)
    based = only(base)
    popped = only(closed, ins=["x"])
    lengthy = only(long)
    muted = only(mute)
    noting = only(noted)
    mapped = flow([0]) | ops.map(lambda number: 1 // number)
    foreign = flow(["{"]) | ops.map(json.loads)
    frameless = flow([1, 2]) | ops.map(len)
    several = only(asleep)
    several.add_stream(Stream(fn=chain))
    odd_name = only(chain, name="odd")
    odd_name.add_stream(Stream(fn=chain, name="a\\x1b[2Jb"))

    def building(depth: int):
        return building(depth - 1) if depth else only(json.loads("{"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("errors")
    write(path, "app.py", APP)
    write(path, "syntax.py", "def f(:\n    pass\n")
    write(path, "imports_syntax.py", "import syntax\n")
    write(path, "imports_nothing.py", "from app import nothing_like_it\n")
    write(path, "raises.py", "def f():\n    raise LookupError('at import')\n\nf()\n")
    return path


@pytest.fixture
def fail(folder):
    """Return what runs a target that fails, and returns what is said of it."""

    def run(target: str, *arguments: object) -> str:
        place = target if ":" in target else f"app:{target}"
        done: Done = mimo_rx("run", place, *arguments, cwd=folder)
        assert (done.returncode, done.stdout) == (1, "")
        return done.stderr

    return run


def frames(text):
    """Return the functions whose frames are shown."""
    lines = [line.strip(" |+") for line in text.splitlines()]
    return [line.rpartition(" in ")[2] for line in lines if line.startswith("File ")]


def last(text, count=1):
    return text.splitlines()[-count:]


# The user's frames


def test_e1_an_exception_is_shown_with_the_users_frames_and_the_note_of_the_step(fail):
    """E1: and with that which it was raised from."""
    told = fail("chained")
    assert frames(told) == ["chain", "chain"]
    assert "ValueError: invalid literal for int() with base 10: 'x'\n" in told
    assert "The above exception was the direct cause of the following exception:" in told
    assert last(told, 2) == ["RuntimeError: second", "mimo_rx: raised in step 'chain'"]
    told = fail("in_context")
    assert frames(told) == ["context", "context"]
    assert "During handling of the above exception, another exception occurred:" in told


def test_traceback_shows_all_frames(fail):
    told = fail("chained", "--traceback")
    assert len(frames(told)) > 5
    assert "blocking.py" in told
    assert last(told, 2) == ["RuntimeError: second", "mimo_rx: raised in step 'chain'"]


def test_e1_a_group_is_shown_with_the_users_frames_of_each(fail):
    """E1: it is the user's own exception, like any other."""
    told = fail("grouped")
    assert frames(told) == ["group", "fail", "fail"]
    for line in ("LookupError: of 1", "LookupError: of 2", "mimo_rx: raised in step 'group'"):
        assert line in told


def test_e5_the_note_names_the_whole_path(fail):
    """E5: of a step in a nested workflow."""
    assert last(fail("nested")) == ["mimo_rx: raised in step 'inner/chain'"]


def test_e2_further_failures_are_told(fail):
    """E2: those of the unwinding."""
    (line,) = last(fail("several"))
    assert line.startswith("mimo_rx: while unwinding, step 'asleep' raised LookupError: while unwi")


def test_e3_an_operator_that_fails_is_named(fail):
    """E3: with the function, and its frames alone."""
    told = fail("frameless")
    assert "Traceback" not in told
    assert told.startswith("TypeError: object of type 'int' has no len()\n")
    assert "in operator 1 of 1, map(len)" in told
    told = fail("foreign")
    assert set(frames(told)) <= {"loads", "decode", "raw_decode"}


def test_e3_what_an_operator_calls_has_frames_of_the_users(fail):
    """E3: and no other."""
    told = fail("mapped")
    assert frames(told) == ["<lambda>"]
    assert "ZeroDivisionError" in told


def test_e7_a_cancel_that_nobody_asked_for_is_told_as_a_failure(fail):
    """E7: there is no header above a stack of which nothing is the user's."""
    told = fail("cancelled")
    assert frames(told) == ["cancel"]
    assert told.count("Traceback") == 1
    assert "StreamCancelled: step 'cancel' ended with a CancelledError that nobody asked" in told


def test_e7_a_pop_after_the_end_is_told_with_its_hint(fail):
    """E7: and the frame that popped."""
    told = fail("popped")
    assert frames(told) == ["closed"]
    assert "`async for item in ins.x` stops there by itself" in told


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("timed", "TimeoutError: mine"),
        ("used", "click.exceptions.UsageError: mine"),
        ("based", "BaseException: mine"),
        ("muted", "app.Mute: <exception str() failed>"),
        ("noting", r"my note \x1b[31m"),
    ],
)
def test_e1_any_exception_of_a_stream_is_told_as_it_is(fail, target, line):
    """E1: none is taken for one of the command line's own."""
    told = fail(target, "--timeout", 60)
    assert told.startswith("Traceback (most recent call last):\n")
    assert line in told.splitlines()
    assert last(told)[0].startswith("mimo_rx: raised in step ")


def test_a_function_that_fails_to_make_a_workflow_is_told_with_its_frames(fail):
    told = fail("building", "--set", "depth=2")
    assert frames(told)[:3] == ["building"] * 3
    assert "JSONDecodeError" in told


# Importing the target


@pytest.mark.parametrize("target", ["syntax:x", "syntax.py:x"])
def test_a_syntax_error_of_the_target_is_told_with_its_line_alone(fail, target):
    told = fail(target)
    assert told.startswith("  File ")
    assert 'syntax.py", line 1\n    def f(:\n' in told
    assert last(told) == ["SyntaxError: invalid syntax"]


@pytest.mark.parametrize("place", ["{}:x", "{}.py:x"])
def test_what_fails_while_the_target_is_imported_is_told_with_the_users_frames(fail, place):
    told = fail(place.format("imports_syntax"))
    assert 'syntax.py", line 1, in <module>' in told
    assert frames(told)[0] == "<module>"
    assert last(told) == ["SyntaxError: invalid syntax"]
    told = fail(place.format("imports_nothing"))
    assert frames(told) == ["<module>"]
    assert "ImportError: cannot import name 'nothing_like_it' from 'app'" in told
    told = fail(place.format("raises"))
    assert frames(told) == ["<module>", "f"]
    assert last(told) == ["LookupError: at import"]


def test_traceback_shows_how_the_target_is_imported(fail):
    assert "import_module" in fail("raises:x", "--traceback")


# For a terminal


def test_a_long_message_is_cut_and_its_control_characters_are_escaped(fail):
    told = fail("lengthy")
    assert max(map(len, told.splitlines())) < 1100
    assert "characters; --traceback shows all)\n\\x1b[31m\\udc80\n" in told
    assert "x" * 5000 in fail("lengthy", "--traceback")
    assert "\x1b" not in fail("lengthy", "--traceback")


def test_control_characters_of_names_are_escaped(folder):
    done = mimo_rx("graph", "app:nowhere\x1b[2J", cwd=folder)
    assert "\x1b" not in done.stderr
    done = mimo_rx("run", "app:few", "--nowhere\x1b[2J", cwd=folder)
    assert (done.returncode, "\x1b" in done.stderr) == (2, False)
    done = mimo_rx("run", "app:odd_name", "--stats", "--traceback", cwd=folder)
    assert "\x1b" not in done.stderr


def test_characters_that_stderr_lacks_are_escaped(folder):
    write(folder, "accent.py", "raise LookupError('\\xe9 \\udc80')")
    done = mimo_rx("run", "accent:x", cwd=folder, env={"PYTHONIOENCODING": "ascii:strict"})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("LookupError: ")


def test_p11_the_statistics_are_told_after_a_failure_too(fail, tmp_path):
    """P11: as far as the run came, before what is said of the failure."""
    file = tmp_path / "statistics.json"
    told = fail("chained", "--stats", "--stats-json", file)
    assert told.index(" failed") < told.index("Traceback")
    assert json.loads(file.read_text())["steps"]["chain"]["ended"] == "failed"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="all is allowed to root"
)
def test_a_file_that_may_not_be_read_is_a_failure(fail, folder):
    path = write(folder, "secret.py", "x = 1")
    path.chmod(0)
    assert "PermissionError" in fail("secret.py:x")
