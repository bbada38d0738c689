"""What the command line does about a stdout or stderr that is closed, full, slow or left."""

import os
import subprocess
from pathlib import Path

import pytest

from processes import COMMAND, Child, Done, environment, mimo_rx, posix, write

pytestmark = posix

APP = """
    import asyncio, itertools, os, sys
    from mimo_rx import Stream, Workflow, flow
    import reactivex.operators as ops

    async def for_ever(ins, outs, state):
        try:
            for number in itertools.count():
                await outs.number.push(number)
        finally:
            if "told" in sys.argv[-1]:
                print("cleaned up", file=sys.stderr, flush=True)

    async def show(ins, outs, state):
        async for number in ins.number:
            print(number, flush=True)

    async def show_in_group(ins, outs, state):
        async with asyncio.TaskGroup() as group:
            group.create_task(show(ins, outs, state))

    async def own_pipe(ins, outs, state):
        near, far = os.pipe()
        os.close(near)
        print("before", flush=True)
        os.write(far, b"x")

    few = flow([1, 2, 3])
    many = flow(range(50_000))
    endless = Workflow().add_stream(Stream(outs=["number"], fn=for_ever))
    endless_told = Workflow().add_stream(Stream(outs=["number"], fn=for_ever))
    long_lines = endless | ops.map(lambda number: f"{number}" * 30_000)
    shown = (Workflow().add_stream(Stream(outs=["number"], fn=for_ever))
             | Stream(["number"], fn=show))
    grouped = (Workflow().add_stream(Stream(outs=["number"], fn=for_ever))
               | Stream(["number"], fn=show_in_group))
    own = Workflow().add_stream(Stream(fn=own_pipe))
    failing = flow([1, 0]) | ops.map(lambda number: 1 // number)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pipes")
    write(path, "app.py", APP)
    return path


def in_shell(script: str, *arguments: str, cwd: Path) -> Done:
    """Run the command line as ``"$@"`` of a shell's script."""
    return subprocess.run(
        ["sh", "-c", script, "sh", *COMMAND, *arguments],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=20,
        check=False,
    )


# A reader that goes


@pytest.mark.parametrize(("name", "code"), [("endless", 0), ("shown", 1), ("grouped", 1)])
def test_c4_a_broken_pipe_on_stdout_ends_quietly(folder, name, code):
    """C4: for the items that are printed it is as a `take`; else a stream of the user's fails."""
    with Child("run", f"app:{name}", cwd=folder, together=False) as child:
        child.expect("1\n")
        child.close()
        assert child.complaint() == ""
        assert child.process.returncode == code


def test_c4_a_stream_cleans_up_when_the_reader_of_stdout_goes(folder):
    """C4: its `finally` blocks run."""
    with Child("run", "app:endless_told", cwd=folder, together=False) as child:
        child.expect("1\n")
        child.close()
        assert child.complaint() == "cleaned up\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "app:many"],
        ["run", "app:few", "--stats-json", "-"],
        ["graph", "app:shown"],
        ["check", "app:few"],
        ["demo"],
        ["demo", "linear"],
        ["--help"],
    ],
)
def test_nothing_is_said_to_a_reader_who_was_never_there(folder, arguments):
    with Child(*arguments, cwd=folder, together=False) as child:
        child.close()
        assert child.complaint() in {"", "nothing looks wrong\n"}
        assert child.process.returncode in {0, 1}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "app:many", "--stats"], 0),
        (["run", "app:failing"], 1),
        (["run", "app:nowhere"], 2),
        (["run", "app:few", "--threshold", "0"], 2),
    ],
)
def test_the_exit_code_is_the_same_if_nobody_reads_stderr_either(folder, arguments, code):
    with Child(*arguments, cwd=folder) as child:
        child.close()
        assert child.process.wait(20) == code


def test_a_broken_pipe_of_the_users_own_is_a_failure(folder):
    done = mimo_rx("run", "app:own", cwd=folder)
    assert (done.returncode, done.stdout) == (1, "before\n")
    assert 'os.write(far, b"x")' in done.stderr
    assert "BrokenPipeError: [Errno 32] Broken pipe" in done.stderr
    assert done.stderr.endswith("mimo_rx: raised in step 'own_pipe'\n")


# None at all


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-"])
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["run", "app:few", "--stats"], 0),
        (["run", "app:failing"], 1),
        (["run", "app:nowhere"], 2),
        (["demo", "linear", "--count", "3"], 0),
    ],
)
def test_closed_streams_change_nothing_but_that_nothing_is_written_there(
    folder, closed, arguments, code
):
    done = in_shell(f'exec "$@" {closed}', *arguments, cwd=folder)
    assert done.returncode == code
    assert done.stderr.count("Traceback") == (
        "2>&-" not in closed and arguments[1] == "app:failing"
    )
    if closed.startswith(">&-"):
        assert done.stdout == ""
    if "2>&-" in closed:
        assert done.stderr == ""
    else:
        assert done.stderr or arguments[0] == "demo"


def test_what_is_opened_in_place_of_a_closed_stdout_gets_no_items(folder):
    script = 'exec "$@" >&-'
    arguments = ("run", "app:few", "--stats-json", "record.json")
    assert in_shell(script, *arguments, cwd=folder).returncode == 0
    assert (folder / "record.json").read_text().startswith("{")


# One that takes no more

full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")


@full
def test_a_full_disk_fails_the_run(folder):
    with open("/dev/full", "w") as disk:
        done = mimo_rx("run", "app:few", cwd=folder, stdout=disk, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Exception ignored" not in done.stderr


@full
@pytest.mark.parametrize("arguments", [("graph", "app:few"), ("demo", "linear")])
def test_a_full_disk_fails_the_other_commands_as_well(folder, arguments):
    with open("/dev/full", "w") as disk:
        done = mimo_rx(*arguments, cwd=folder, stdout=disk, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Exception ignored" not in done.stderr


@full
@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("run", "--help"), ("demo",)])
def test_a_full_disk_fails_the_help_with_one_line(folder, arguments):
    with open("/dev/full", "w") as disk:
        done = mimo_rx(*arguments, cwd=folder, stdout=disk, stderr=subprocess.PIPE)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "No space left on device" in line


@pytest.mark.realtime
@pytest.mark.parametrize("name", ["endless", "long_lines"])
def test_e4_a_timeout_is_heard_while_nobody_reads_stdout(folder, name):
    """E4: the printing step waits for its reader, and nobody else does."""
    with Child("run", f"app:{name}", "--timeout", "0.3", cwd=folder, together=False) as child:
        assert child.complaint().startswith("timed out after 0.3 s\n")
        assert child.process.returncode == 1


def test_p5_a_slow_reader_gets_everything(folder):
    """P5, C3: though it begins when all buffers up to it are full."""
    with Child("run", "app:many", cwd=folder) as child:
        child.expect("0\n")
        assert child.rest().split() == list(map(str, range(1, 50_000)))
        assert child.process.returncode == 0


def test_items_are_printed_when_they_come(tmp_path):
    code = """
        import asyncio
        from mimo_rx import Stream, Workflow

        async def wait(ins, outs, state):
            await outs.x.push("one")
            await asyncio.Event().wait()

        waiting = Workflow().add_stream(Stream(outs=["x"], fn=wait))
    """
    write(tmp_path, "waiting.py", code)
    with Child("run", "waiting:waiting", cwd=tmp_path) as child:
        child.expect("one\n")


def test_stdout_is_flushed_before_it_ends_whatever_it_ends_with(tmp_path):
    code = "import sys; print('said'); sys.exit(7)"
    write(tmp_path, "leaving.py", code)
    done = mimo_rx("run", "leaving:x", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (7, "said\n", "")
