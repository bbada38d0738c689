"""The examples that the package ships; the larger ones have tests of their own."""

import asyncio
import importlib
import inspect
import re
import shutil
import subprocess
import sys
import warnings
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from helpers import run
from join import join, join_by_pipe
from linear import linear, linear_by_pipe
from mimo_rx import Workflow
from mimo_rx.cli._demo import EXAMPLES, command_of, description_of
from mimo_rx.testing import run_stream
from multi_output import multi_output, multi_output_by_pipe
from peek_merge import merge, peek_merge
from service import Desk, halve, serve, service
from split_output import split_output, split_output_by_pipe

TWICE = {
    linear: linear_by_pipe,
    split_output: split_output_by_pipe,
    multi_output: multi_output_by_pipe,
    join: join_by_pipe,
}
NAMES = ["linear", "split_output", "multi_output", "join", "peek_merge", "service"]
SIZES = [(0, 1), (1, 1), (2, 1), (2, 2), (7, 2), (100, 1), (100, 2), (100, 10), (100, 100)]

every_name = pytest.mark.parametrize("name", NAMES)
every_size = pytest.mark.parametrize(("count", "threshold"), SIZES)


def invoke(name, *arguments):
    return CliRunner().invoke(command_of(name), [str(argument) for argument in arguments])


def lines(name, *arguments):
    """Run an example and return what it printed, a line each."""
    result = invoke(name, *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


def sized(name, count, threshold, *arguments):
    return lines(name, "--count", count, "--threshold", threshold, *arguments)


# The registry.


def test_every_example_is_described_by_the_first_line_of_its_docstring():
    for name in EXAMPLES:
        module = importlib.import_module(name)
        assert str(inspect.getdoc(module)).partition("\n")[0] == description_of(name)


def test_every_example_is_listed():
    assert set(EXAMPLES) == {*NAMES, "census", "intervals", "sensors", "crawl", "access_log"}


def test_every_example_offers_a_builder_of_its_own_name_with_defaults():
    for name in NAMES:
        builder = getattr(importlib.import_module(name), name)
        parameters = inspect.signature(builder, eval_str=True).parameters.values()
        assert {parameter.annotation for parameter in parameters} == {int}
        workflow = builder()
        assert isinstance(workflow, Workflow)
        assert (workflow.name, workflow.threshold) == (name, 10)


def test_an_example_that_there_is_not_is_refused_with_the_nearest_name():
    nearest = r"linear, split_output, .*; got 'linea'; did you mean 'linear'"
    with pytest.raises(ValueError, match=nearest):
        command_of("linea")


def test_descriptions_are_read_without_importing_an_example():
    code = (
        "import sys; from mimo_rx.cli._demo import EXAMPLES, description_of;"
        "print(*(name for name in EXAMPLES if not description_of(name) or name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=True)
    assert done.stdout.split() == []


# What all commands share.


@every_name
def test_help_says_what_an_example_shows(name):
    shown = lines(name, "--help")
    assert shown[2].strip() == description_of(name)
    options = {"--count", "--threshold", "--graph", "--stats", "--help"}
    assert options <= set(re.findall(r"--\w+", "\n".join(shown)))
    assert "``" not in "".join(shown)


@every_name
def test_graph_prints_a_drawing_and_runs_nothing(name):
    (first, *_, last) = lines(name, "--graph")
    assert (first, last) == (f'digraph "{name}" {{', "}")


@every_name
def test_the_grammar_of_dot_accepts_the_graph(name):
    pydot = pytest.importorskip("pydot", reason="pydot is optional")
    with warnings.catch_warnings():
        # Its parser uses names of pyparsing that are on their way out.
        warnings.simplefilter("ignore", DeprecationWarning)
        (graph,) = pydot.graph_from_dot_data("\n".join(lines(name, "--graph")))
    assert graph.get_edges()


@every_name
@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is optional")
def test_graphviz_accepts_the_graph(name):
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input="\n".join(lines(name, "--graph")),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")


@every_name
def test_stats_are_on_stderr_alone(name):
    result = invoke(name, "--count", 5, "--stats")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == lines(name, "--count", 5)
    module = importlib.import_module(name)
    for step in getattr(module, name)().steps:
        assert step in result.stderr


@every_name
@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--count", -1, "-1 is not in the range x>=0"),
        ("--threshold", 0, "0 is not in the range x>=1"),
        ("--count", "x", "'x' is not a valid integer range"),
    ],
)
def test_numbers_out_of_range_are_refused(name, option, value, words):
    result = invoke(name, option, value)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


@pytest.mark.parametrize(
    "workflow",
    [*(builder() for pair in TWICE.items() for builder in pair), peek_merge(), service()],
    ids=str,
)
def test_nothing_looks_wrong_in_the_workflow_of_an_example(workflow):
    assert workflow.check() == ()


@every_name
def test_an_example_runs_as_a_program(name):
    program = [sys.executable, f"examples/{name}.py", "--count", "3"]
    done = subprocess.run(program, capture_output=True, encoding="utf-8", timeout=30, check=True)
    assert done.stderr == ""
    assert done.stdout.splitlines() == lines(name, "--count", 3)


@pytest.mark.skipif(sys.platform == "win32", reason="a broken pipe is another error there")
def test_a_reader_that_has_seen_enough_sees_no_traceback():
    program = [sys.executable, "examples/linear.py", "--count", "1000000"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


# The four that are wired twice.


@every_size
def test_both_wirings_are_the_same_graph(count, threshold):
    for bars, pipe in TWICE.items():
        assert str(bars(count, threshold)) == str(pipe(count, threshold))
        assert bars(count, threshold).threshold == pipe(count, threshold).threshold == threshold


@pytest.mark.parametrize("name", NAMES[:4])
@every_size
def test_both_wirings_print_the_same(name, count, threshold):
    printed = sized(name, count, threshold, "--wiring", "pipe")
    assert printed == sized(name, count, threshold, "--wiring", "bars")
    assert printed == sized(name, count, threshold)


@every_size
def test_linear_prints_every_number_doubled(count, threshold):
    assert sized("linear", count, threshold) == [str(2 * number) for number in range(count)]


@every_size
def test_split_output_gives_every_number_to_both(count, threshold):
    printed = sized("split_output", count, threshold)
    twice = [line for line in printed if "*" in line]
    tenth = [line for line in printed if "/" in line]
    assert twice == [f"{number} * 2 = {2 * number}" for number in range(count)]
    assert tenth == [f"{number} / 10 = {number / 10}" for number in range(count)]
    assert len(printed) == 2 * count


@every_size
def test_multi_output_counts_both_ways(count, threshold):
    printed = sized("multi_output", count, threshold)
    assert [line for line in printed if line[0] == "a"] == [f"a: {n}" for n in range(count)]
    assert [line for line in printed if line[0] == "b"] == [f"b: {n}" for n in range(count, 0, -1)]
    assert len(printed) == 2 * count


@every_size
def test_join_adds_up_pairs(count, threshold):
    assert sized("join", count, threshold) == [str(count - 1)] * count


# The merge.


@every_size
def test_peek_merge_prints_one_sorted_stream(count, threshold):
    expected = sorted([*range(0, 2 * count, 2), *range(0, 3 * count, 3)])
    assert sized("peek_merge", count, threshold) == [str(number) for number in expected]


SORTED = st.lists(st.integers(0, 20), max_size=30).map(sorted)


@given(SORTED, SORTED, st.integers(1, 40))
def test_two_sorted_streams_become_one(a, b, threshold):
    merged = run_stream(merge(), {"a": a, "b": b}, threshold=threshold)
    assert merged == {"item": sorted(a + b)}


def test_of_equal_items_that_of_the_first_input_comes_first():
    found = run_stream(merge(), {"a": [1, 2], "b": [1.0, 2.0]})
    assert [type(item) for item in found["item"]] == [int, float, int, float]


# The service.


@every_size
@pytest.mark.parametrize("clients", [1, 3, 20])
def test_every_reply_reaches_its_client(count, threshold, clients):
    printed = sized("service", count, threshold, "--clients", clients)
    shares = [range(start, count, clients) for start in range(clients)]
    sums = [sum(n * 3 + 1 if n % 2 else n // 2 for n in share) for share in shares]
    assert printed == [
        f"client {number}: {len(share)} answers, their sum is {total}"
        for number, (share, total) in enumerate(zip(shares, sums, strict=True), start=1)
    ]


@pytest.mark.parametrize("threshold", [1, 2, 10])
def test_the_service_holds_no_more_than_one_question_a_client(threshold):
    statistics = run(serve(service(threshold), 500, 8))
    assert statistics.steps["sort"].items_in == 500
    inputs = [port for step in statistics.steps.values() for port in step.inputs.values()]
    assert max(port.peak for port in inputs) <= min(threshold, 8)
    assert {step.ended for step in statistics.steps.values()} == {"returned"}


@pytest.mark.parametrize("threshold", [1, 10])
@pytest.mark.parametrize("turns", range(8))
def test_a_client_that_leaves_early_holds_up_nobody(threshold, turns):
    """Whether it leaves before its question went out, while that is under way, or at the reply."""

    async def leave(desk):
        task = asyncio.create_task(desk.ask(3))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    async def main():
        async with service(threshold).open() as opened, asyncio.TaskGroup() as group:
            desk = Desk(opened)
            group.create_task(desk.deliver())
            async with asyncio.TaskGroup() as clients:
                replies = [clients.create_task(desk.ask(2 * number)) for number in range(10)]
                for _ in range(20):
                    clients.create_task(leave(desk))
            opened.ins.question.close()
        assert desk.waiting == {}
        return [reply.result() for reply in replies]

    assert run(main()) == list(range(10))


def test_a_failure_of_the_service_reaches_its_program():
    """As itself, and no client is left waiting."""
    four: Any = "four"

    async def main():
        async with service().open() as opened, asyncio.TaskGroup() as group:
            desk = Desk(opened)
            group.create_task(desk.deliver())
            async with asyncio.TaskGroup() as clients:
                clients.create_task(desk.ask(2))
                clients.create_task(desk.ask(four))

    with pytest.raises(TypeError, match="string formatting") as caught:
        run(main())
    assert any("sort" in note for note in caught.value.__notes__)


def test_a_stream_of_the_service_is_tested_alone():
    assert run_stream(halve(), {"even": [(0, 4), (1, 6)]}) == {"answer": [(0, 2), (1, 3)]}
