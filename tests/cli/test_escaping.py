"""Control characters in warnings and in texts of exits do not reach the terminal."""

import pytest

from processes import mimo_rx, write

APP = """
    import logging, sys
    from mimo_rx import Restart, Stream, Workflow

    NASTY = "red \\x1b[31m and \\x9b2J"

    def only(fn, **more):
        workflow = Workflow(name="only")
        workflow.add_stream(Stream(fn=fn, name="bad\\x1b[2Jname"), **more)
        return workflow

    async def fails_once(ins, outs, state):
        if not FAILED:
            FAILED.append(1)
            raise ValueError(NASTY)

    FAILED = []

    async def leaves(ins, outs, state):
        sys.exit(NASTY)

    async def warns(ins, outs, state):
        logging.getLogger("mimo_rx").warning("%s\\n  two lines", NASTY)

    restarted = only(fails_once, restart=Restart(backoff=0.0, on=(ValueError,)))
    leaving = only(leaves)
    warning = only(warns)

    def refusing():
        raise SystemExit(NASTY)
"""

ESCAPED = r"red \x1b[31m and \x9b2J"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("escaping")
    write(path, "app.py", APP)
    return path


@pytest.mark.parametrize(
    ("target", "code"), [("restarted", 0), ("leaving", 1), ("warning", 0), ("refusing", 1)]
)
def test_control_characters_of_warnings_and_exits_are_escaped(folder, target, code):
    done = mimo_rx("run", f"app:{target}", cwd=folder)
    assert done.returncode == code
    assert ESCAPED in done.stderr
    assert done.stderr.replace("\n", "").isprintable()


def test_line_breaks_of_a_warning_are_kept(folder):
    assert f"{ESCAPED}\n  two lines\n" in mimo_rx("run", "app:warning", cwd=folder).stderr
