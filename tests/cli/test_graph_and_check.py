"""``mimo-rx graph`` and ``check``: what a workflow looks like, and what looks wrong in it."""

import shutil
import subprocess

import pytest

from mimo_rx import Finding, Workflow
from mimo_rx.cli._check import check_target
from mimo_rx.cli._target import load
from processes import importing_from, mimo_rx, write

APP = """
    from mimo_rx import Stream, Workflow, flow
    import reactivex.operators as ops

    async def idle(ins, outs, state):
        print("it runs")

    numbers = flow([1, 2]) | ops.map(str)
    workflow = Workflow(ins=["in"], outs=["out"], name='odd "name"\\xe9\\n')
    workflow.ins["in"] | Stream(["x"], ["y"], fn=idle, name="a\\x1b[2Jb") | workflow.outs.out
    step = Workflow(name="of step").add_stream(Stream(["x"], ["y"], fn=idle, name="lonely"))
    empty = Workflow(name="empty")

    def made(count: int = 1):
        workflow = Workflow(name=f"made {count}")
        for _ in range(count):
            workflow.add_stream(Stream(["x"], fn=idle, name="idle"))
        return workflow
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("drawn")
    write(path, "app.py", APP)
    return path


def drawn(folder, name, *arguments):
    done = mimo_rx("graph", f"app:{name}", *arguments, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# graph


def test_w8_graph_prints_what_str_of_the_workflow_is(folder):
    """W8: and runs nothing."""
    with importing_from(folder):
        assert drawn(folder, "workflow") == f"{load('app:workflow')}\n"


@pytest.mark.parametrize("name", ["numbers", "step", "made", "empty"])
def test_w8_graph_draws_a_flow_a_step_and_what_a_function_returns(folder, name):
    """W8: with what they are in."""
    text = drawn(folder, name)
    assert text.startswith('digraph "')
    assert "it runs" not in text


def test_graph_fills_the_parameters_of_a_function(folder):
    assert drawn(folder, "made", "--set", "count=3").startswith('digraph "made 3" {')


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is optional")
@pytest.mark.parametrize("name", ["numbers", "workflow", "step", "empty"])
def test_w8_graphviz_accepts_the_graph(folder, name):
    """W8: whatever the names are."""
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input=drawn(folder, name),
        capture_output=True,
        encoding="utf-8",
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["graph", "check"])
def test_the_options_of_a_run_are_none_of_graph_and_check(folder, command):
    done = mimo_rx(command, "app:numbers", "--threshold", 3, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option" in done.stderr


# check


def test_w9_check_prints_a_finding_a_line(folder):
    """W9: and runs nothing."""
    done = mimo_rx("check", "app:step", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "lonely" in done.stdout
    for line in done.stdout.splitlines():
        assert line.split()[0] in {"error", "warning", "info"}
    (unfed,) = [line for line in done.stdout.splitlines() if "unfed-input" in line]
    assert unfed.startswith("warning  unfed-input")


def test_w9_a_ring_that_is_not_marked_is_an_error(tmp_path):
    """W9, D6: with the exit code of one, and the way to mark it."""
    write(
        tmp_path,
        "app.py",
        "from mimo_rx import Workflow, stream\n"
        "@stream(ins=['x'], outs=['y'])\n"
        "async def relay(ins, outs, state):\n"
        "    pass\n"
        "ring = Workflow()\n"
        "one, two = ring.add_stream(relay()), ring.add_stream(relay())\n"
        "one.pipe(two)\n"
        "two.pipe(one)\n",
    )
    done = mimo_rx("check", "app.py:ring", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("error    unmarked-ring  ")
    assert "feedback=True" in done.stdout


def test_w9_check_does_not_mind_a_flow_that_run_would_print(tmp_path):
    """W9: it looks at what is run, so nothing of it is discarded."""
    write(
        tmp_path,
        "app.py",
        "from mimo_rx import flow, stream\n"
        "@stream(ins=['x'], outs=['y'])\n"
        "async def double(ins, outs, state):\n"
        "    pass\n"
        "step = flow([1]) | double()\n",
    )
    done = mimo_rx("check", "app.py:step", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing looks wrong\n")


def test_w9_check_says_so_if_nothing_looks_wrong(folder):
    """W9: on stderr, since it is no finding."""
    done = mimo_rx("check", "app:workflow", cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing looks wrong\n")


def test_check_fills_the_parameters_of_a_function(folder):
    done = mimo_rx("check", "app:made", "--set", "count=3", cwd=folder)
    assert len(done.stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("severities", "code"),
    [([], 0), (["info"], 0), (["warning"], 0), (["warning", "error", "info"], 1), (["error"], 1)],
)
def test_w9_the_exit_code_of_check_is_1_if_a_finding_is_an_error(
    folder, monkeypatch, capsys, severities, code
):
    """W9: the errors come first."""
    found = [
        Finding(f"code-{each}", each, "step", "port", f"of {each}\nmore\x1b[2J")
        for each in severities
    ]
    monkeypatch.setattr(Workflow, "check", lambda _: tuple(found))
    with importing_from(folder):
        assert check_target("app:empty", ()) == code
    printed = capsys.readouterr().out
    words = [line.split()[0] for line in printed.splitlines() if not line.startswith("  ")]
    assert words == sorted(severities, key=["error", "warning", "info"].index)
    assert "\x1b" not in printed
    assert printed.count(r"more\x1b[2J") == len(found)


def test_w9_check_and_the_exit_code_of_the_process(tmp_path):
    """W9: as a script sees it."""
    code = """
        from mimo_rx import Finding, Workflow

        class Wrong(Workflow):
            def check(self):
                return (Finding("made-up", "error", "", "", "all of it"),)

        wrong = Wrong()
    """
    write(tmp_path, "wrong.py", code)
    done = mimo_rx("check", "wrong:wrong", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "error    made-up  all of it\n", "")


@pytest.mark.parametrize("command", ["graph", "check"])
def test_a_target_that_fails_is_told_with_exit_code_1(tmp_path, command):
    write(tmp_path, "failing.py", "def f():\n    raise LookupError('mine')\n")
    done = mimo_rx(command, "failing.py:f", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("LookupError: mine\n")
    assert done.stderr.count("File ") == 1
    assert "mimo_rx" in mimo_rx(command, "failing.py:f", "--traceback", cwd=tmp_path).stderr
