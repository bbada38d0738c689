"""The command line on a terminal: the line of progress, Ctrl-C, and what is escaped there."""

import pytest

from processes import Child, Terminal, terminal, write

pytestmark = [terminal, pytest.mark.realtime]

ERASE = "\r\x1b[K"

APP = """
    import asyncio, sys
    from mimo_rx import Stream, Workflow, flow

    GO = asyncio.Event()

    async def keep(ins, outs, state):
        await outs.item.push("first")
        try:
            await GO.wait()
        finally:
            print("cleaned up")

    async def told(ins, outs, state):
        # stdin is read on the loop, so that nothing is left of it at the end.
        got = asyncio.Event()
        asyncio.get_running_loop().add_reader(0, got.set)
        await got.wait()
        asyncio.get_running_loop().remove_reader(0)
        sys.stdin.readline()
        print("printed")
        print("complained", file=sys.stderr)
        await outs.item.push("second")

    async def ignore(ins, outs, state):
        while True:
            try:
                await GO.wait()
            except asyncio.CancelledError:
                print("ignored")

    async def fail(ins, outs, state):
        await told(ins, outs, state)
        raise LookupError("mine")

    def only(fn, **more):
        return Workflow(name="only").add_stream(Stream(outs=["item"], fn=fn, **more))

    kept = only(keep)
    talking = only(told)
    ignoring = only(ignore)
    failing = only(fail)
    nasty = flow(["\\x1b[2J", "\\x9b2J", "\\u202etxt", "\\ttab"])
    named = only(keep, name="bad\\x1b[2Jname")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("terminal")
    write(path, "app.py", APP)
    return path


def lines_of(text):
    """Return what a terminal shows in the end: a line that is erased is gone."""
    return [line.rpartition(ERASE)[2] for line in text.replace("\r\n", "\n").split("\n")]


def test_a_line_of_progress_is_drawn_while_it_runs(folder):
    with Terminal("run", "app:kept", cwd=folder) as session:
        assert session.expect(" s: 1 items moved, 2 of 2 steps run").endswith("0")
        session.expect(" s: 1 items moved, 2 of 2 steps run")  # again and again


def test_a_line_of_progress_is_gone_at_the_end_and_all_else_is_above_it(folder):
    with Terminal("run", "app:talking", "--stats", cwd=folder) as session:
        session.expect("items moved")
        session.type("\n")
        session.expect("\r\n")  # its echo
        shown = lines_of(session.rest())
        assert shown[:3] == ["printed", "complained", "second"]
        assert shown[3].startswith("step ")
        assert not any("items moved" in line for line in shown)
        assert session.process.returncode == 0


def test_a_failure_is_told_below_nothing_that_is_left_of_the_progress(folder):
    with Terminal("run", "app:failing", cwd=folder) as session:
        session.expect("items moved")
        session.type("\n")
        shown = lines_of(session.rest())
        assert shown[-3:] == ["LookupError: mine", "mimo_rx: raised in step 'fail'", ""]
        assert not any("items moved" in line for line in shown)
        assert session.process.returncode == 1


@pytest.mark.parametrize("columns", [20, 40])
def test_a_line_of_progress_is_cut_at_the_width_of_the_terminal(folder, columns):
    with Terminal("run", "app:kept", cwd=folder, columns=columns) as session:
        session.expect(f"{ERASE}0 s: ")
        line = session.expect(ERASE)
        assert len("0 s: ") + len(line) <= columns - 1


def test_progress_is_drawn_where_stdout_leads_elsewhere(folder, tmp_path):
    with open(tmp_path / "items", "w") as file:
        session = Terminal("run", "app:talking", cwd=folder, stdout=file)
    with session:
        session.expect("items moved")
        session.type("\n")
        assert "complained" in session.rest()
        assert session.process.returncode == 0
    assert (tmp_path / "items").read_text() == "printed\nsecond\n"


def test_nothing_is_drawn_where_stderr_is_no_terminal(folder):
    with Child("run", "app:kept", "--timeout", "0.5", cwd=folder) as child:
        told = child.rest()
        assert "items moved" not in told
        assert ERASE not in told


def test_e4_ctrl_c_on_a_terminal_ends_all_streams_with_their_clean_up(folder):
    """E4: which is asked for on the terminal, and answered there."""
    with Terminal("run", "app:kept", cwd=folder) as session:
        session.expect("items moved")
        session.type("\x03")
        shown = lines_of(session.rest())
        assert shown[:2] == ["cleaned up", "ended by SIGINT"]
        assert session.process.returncode == 130


def test_e6_a_second_ctrl_c_on_a_terminal_does_not_wait(folder):
    """E6: for a stream that does not let itself be cancelled."""
    with Terminal("run", "app:ignoring", cwd=folder) as session:
        session.expect("items moved")
        session.type("\x03")
        session.expect("ignored")
        session.type("\x03")
        assert "ended by SIGINT" in session.rest()
        assert session.process.returncode == 130


def test_control_characters_of_items_and_names_do_not_reach_the_terminal(folder):
    with Terminal("run", "app:nasty", cwd=folder) as session:
        shown = lines_of(session.rest())
        assert shown[:3] == [r"\x1b[2J", r"\x9b2J", r"\u202etxt"]
        assert shown[3] == "\ttab"
    with Terminal("run", "app:named", "--stats", "--timeout", "0.5", cwd=folder) as session:
        told = session.rest()
        assert r"bad\x1b[2Jname" in told
        assert "\x1b[2J" not in told
