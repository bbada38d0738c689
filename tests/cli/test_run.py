"""``mimo-rx run``: what is printed, what the options do, and what a run leaves as exit code."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from processes import Done, environment, mimo_rx, posix, write

APP = """
    import asyncio, dataclasses, enum, math
    from mimo_rx import Stream, Workflow, flow
    import reactivex.operators as ops

    @dataclasses.dataclass
    class Point:
        x: int
        inner: "Point | None" = None

    numbers = flow([1, 2, 3]) | ops.map(lambda x: x * x)
    breaks = ["with\\n", "two\\nlines", "\\r\\x0c\\u2028", "\\n"]
    texts = flow(["a", "", *breaks, "t\\tab \\x1b[31m", None])
    odd = flow(["\\xe9", "\\U0001f600", "\\udc80"])
    values = flow([1, "\\xe9\\n", None, [1.5, {"a": True}], Point(1, Point(2))])
    many = flow(range(50_000))

    def unserialisable(which: str):
        ring = []
        ring.append(ring)
        bad = {"nan": math.nan, "set": {1}, "long": {"x" * 9999}, "key": {(1, 2): 3}}
        return flow([1, 2, {**bad, "class": Point, "ring": ring}[which], 4])

    class Stubborn:
        def __str__(self):
            raise LookupError("no text of me")

    stubborn = flow(["first", Stubborn()])

    async def produce(ins, outs, state):
        for number in range(20):
            await outs.x.push(number)

    async def consume(ins, outs, state):
        async for item in ins.x:
            await asyncio.sleep(0)

    async def double(ins, outs, state):
        async for item in ins.x:
            print("double", item)
            await outs.y.push(2 * item)

    chain = Workflow(name="chain")
    source = chain.add_stream(Stream(outs=["x"], fn=produce))
    source | Stream(["x"], fn=consume)

    with_ports = Workflow(ins=["a"], outs=["b"], name="ported")
    with_ports.ins.a | Stream(["x"], ["y"], fn=double) | with_ports.outs.b

    outer = Workflow(name="outer")
    nested = flow([1, 2]) | outer.add_stream(with_ports)

    fork = Workflow(name="fork")
    several = fork.add_stream(Stream(outs=["x", "y"], fn=produce))
    single = fork.add_stream(Stream(["x"], ["y"], fn=double))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    write(path, "app.py", APP)
    return path


@pytest.fixture
def run(folder):
    def call(name: str, *arguments: object, **options: object) -> Done:
        return mimo_rx("run", f"app:{name}", *arguments, cwd=folder, **options)

    return call


def succeeded(done: Done) -> list[str]:
    """Return the lines that it printed."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


# What is printed


def test_the_items_of_a_flow_that_leads_nowhere_are_printed_one_a_line(run):
    assert succeeded(run("numbers")) == ["1", "4", "9"]


def test_an_item_with_line_breaks_is_one_line_and_nothing_else_of_it_is_changed(run):
    done = run("texts")
    lines = ["a", "", "with", r"two\nlines", r"\r\x0c\u2028", "", "t\tab \x1b[31m", "None", ""]
    assert done.stdout.split("\n") == lines


def test_a_flow_that_leads_somewhere_is_not_printed(run):
    assert succeeded(run("chain")) == succeeded(run("source")) == []


def test_a_step_is_printed_if_it_has_one_output(run):
    assert succeeded(run("nested")) == ["double 1", "double 2", "2", "4"]


def test_w5_the_inputs_of_a_workflow_are_closed_and_its_outputs_discard(run):
    """W5: so a step that nothing feeds ends at once."""
    done = run("with_ports")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "workflow 'ported' is run by itself: its inputs 'a' are closed, its outputs 'b' discard\n"
    )
    assert succeeded(run("single")) == []


def test_json_prints_each_item_as_a_line_of_json(run):
    items = [json.loads(line) for line in succeeded(run("values", "--json"))]
    point = {"x": 1, "inner": {"x": 2, "inner": None}}
    assert items == [1, "\xe9\n", None, [1.5, {"a": True}], point]


@pytest.mark.parametrize(
    ("which", "why"),
    [
        ("nan", "item nan cannot be written as JSON: Out of range float values are not JSON"),
        (
            "set",
            "item {1} cannot be written as JSON: there is no JSON type for set; leave out --json, ",
        ),
        (
            "long",
            "x... (10,003 characters) cannot be written as JSON: there is no JSON type for set",
        ),
        ("key", "item {(1, 2): 3} cannot be written as JSON: keys must be str, int, float, bool"),
        (
            "class",
            "item <class 'app.Point'> cannot be written as JSON: there is no JSON type for type",
        ),
        ("ring", "item [[...]] cannot be written as JSON: Circular reference detected"),
    ],
)
def test_e1_an_item_that_json_lacks_fails_the_run_after_those_before_it(run, which, why):
    """E1: no line is written that no reader of JSON takes."""
    done = run("unserialisable", "--set", f"which={which}", "--json")
    assert (done.returncode, done.stdout) == (1, "1\n2\n")
    assert why in done.stderr
    assert done.stderr.startswith("TypeError: ")
    assert done.stderr.endswith("mimo_rx: raised in step 'print'\n")


def test_e1_an_item_whose_str_fails_is_the_users_failure(run):
    done = run("stubborn")
    assert (done.returncode, done.stdout) == (1, "first\n")
    assert "in __str__" in done.stderr
    assert "LookupError: no text of me\nmimo_rx: raised in step 'print'\n" in done.stderr


@pytest.mark.parametrize("command", ["run", "graph"])
def test_characters_that_stdout_lacks_are_escaped(folder, command):
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = mimo_rx(command, "app:odd", cwd=folder, env=ascii_only)
    assert (done.returncode, done.stderr) == (0, "")
    if command == "run":
        assert done.stdout.splitlines() == [r"\xe9", r"\U0001f600", r"\udc80"]


def test_a_surrogate_is_escaped_whatever_the_encoding(folder):
    done = mimo_rx("run", "app:odd", cwd=folder, env={"PYTHONIOENCODING": "utf-8"})
    assert succeeded(done) == ["\xe9", "\U0001f600", r"\udc80"]


def test_all_items_of_a_long_flow_are_printed(run):
    assert succeeded(run("many")) == list(map(str, range(50_000)))


# Options


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--threshold", "0"], "Invalid value for '--threshold'"),
        (["--threshold", "x"], "Invalid value for '--threshold'"),
        (["--timeout", "0"], "Invalid value for '--timeout'"),
        (["--timeout", "soon"], "Invalid value for '--timeout'"),
        (["--timeou", "1"], "No such option"),
        (["--set"], "requires an argument"),
        (["another"], "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_told_on_stderr_with_exit_code_2(run, options, complaint):
    done = run("numbers", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


@pytest.mark.parametrize("arguments", [[], ["runn"], ["run"]])
def test_a_command_line_without_a_command_or_a_target_is_wrong_usage(arguments):
    done = mimo_rx(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: mimo-rx" in done.stderr


@pytest.mark.parametrize("command", ["run", "graph", "check"])
def test_help_says_that_the_target_is_imported_so_that_its_code_runs(command):
    text = " ".join(succeeded(mimo_rx(command, "--help")))
    assert "It is imported, so its code runs" in " ".join(text.split())


def test_help_says_what_a_target_is_and_which_exit_codes_there_are():
    text = " ".join(" ".join(succeeded(mimo_rx("--help"))).split())
    assert "A TARGET is package.module:name or path/file.py:name." in text
    assert "TARGET is imported, so its code runs." in text
    for code in ("Exit codes: 0;", "1 if a run", "2 for wrong usage", "130 after", "143 after"):
        assert code in text


def test_the_console_script_is_the_module(folder):
    script = Path(sys.executable).parent / f"mimo-rx{sysconfig.get_config_var('EXE') or ''}"
    if not script.exists():
        pytest.skip("the distribution is not installed in this environment")
    for arguments in (["run", "app:numbers"], ["run", "app:number"], ["--version"]):
        options = {"cwd": folder, "capture_output": True, "encoding": "utf-8", "timeout": 20}
        done = subprocess.run([script, *arguments], env=environment(), check=False, **options)
        again = mimo_rx(*arguments, cwd=folder)
        assert (done.returncode, done.stdout, done.stderr) == (
            again.returncode,
            again.stdout,
            again.stderr,
        )


# Statistics


@pytest.mark.realtime
def test_p11_stats_are_a_table_on_stderr_that_marks_the_bottleneck(tmp_path):
    """P11: after the items, which are on stdout."""
    code = """
        import time
        from mimo_rx import Stream, flow
        import reactivex.operators as ops

        async def slow(ins, outs, state):
            async for item in ins.x:
                time.sleep(0.002)
                await outs.y.push(item)

        items = flow(range(60)) | Stream(["x"], ["y"], fn=slow, name="slow\\x1b[31m")
    """
    write(tmp_path, "slow.py", code)
    done = mimo_rx("run", "slow.py:items", "--stats", "--threshold", 1, cwd=tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 60)
    head, *rows = done.stderr.splitlines()
    assert head.split()[:4] == ["step", "items", "in", "items"]
    (slow,) = [row for row in rows if row.startswith(r"slow\x1b[31m ")]
    assert slow.endswith("<- bottleneck")
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("where", ["FILE", "-"])
def test_p11_stats_json_writes_the_record(folder, run, tmp_path, where):
    """P11: all of it, the threshold that was asked for, and which step is the bottleneck."""
    file = tmp_path / "statistics.json"
    done = run("chain", "--threshold", 3, "--stats-json", file if where == "FILE" else "-")
    assert (done.returncode, done.stderr) == (0, "")
    record = json.loads(done.stdout if where == "-" else file.read_text())
    assert set(record) == {"steps", "edges", "bottleneck"}
    step = record["steps"]["consume"]
    assert (step["items_in"], step["ended"]) == (20, "returned")
    depths = {"depth": 0, "threshold": 3, "peak": 3, "growth": 0, "over": 0}
    assert step["inputs"] == {"x": depths}
    edge = {"source": "produce.x", "target": "consume.x", "items": 20, "drops": 0}
    assert record["edges"] == [edge]


@pytest.mark.parametrize("place", ["no/such/file.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_the_run(run, place):
    done = run("numbers", "--stats-json", place)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--stats-json" in done.stderr


def test_a_target_that_there_is_not_leaves_the_file_of_statistics_as_it_was(run, tmp_path):
    file = tmp_path / "statistics.json"
    file.write_text("kept")
    assert run("nowhere", "--stats-json", file).returncode == 2
    assert file.read_text() == "kept"


@posix
def test_statistics_are_written_into_what_is_no_regular_file(run, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert run("chain", "--stats-json", pipe).returncode == 0
        assert "consume" in json.loads(os.read(reader, 65536))["steps"]
    finally:
        os.close(reader)
    assert pipe.is_fifo()
