"""The example ``access_log``: its report is that of a plain loop over the same lines."""

import gzip
import json
import subprocess
import sys
import tempfile
from collections import Counter
from typing import Any

import pytest
from click.testing import CliRunner

from access_log import (
    CLASSES,
    Report,
    Request,
    Total,
    access_log,
    page,
    parse,
    read_sample,
)
from access_log_sample import LINES, sample
from mimo_rx.cli._demo import command_of, description_of
from mimo_rx.testing import run_stream

GOOD = [
    '192.0.2.1 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1" 200 10',
    '192.0.2.2 - - [01/Mar/2024:06:00:01 +0000] "GET /a?b=c HTTP/1.1" 404 -',
    '192.0.2.2 - ada [01/Mar/2024:06:00:02 +0000] "HEAD /a HTTP/2.0" 404 5 "-" "an \\"agent\\""',
    '::1 - ada lovelace [01/Mar/2024:06:00:03 +0000] "POST /b HTTP/1.1" 500 7 "-" "-" 0.03',
    '192.0.2.3 - - [01/Mar/2024:06:00:04 +0000] "\\x16\\x03\\"" 400 1',
    '192.0.2.3 - - [01/Mar/2024:06:00:05 +0000] "-" 408 -',
    '192.0.2.3 - - [01/Mar/2024:06:00:06 +0000] "GET /c HTTP/1.1" 101 -',
    '192.0.2.3 - - [01/Mar/2024:06:00:07 +0000] "GET /c HTTP/1.1" 302 2',
    '192.0.2.3 - - [01/Mar/2024:06:00:08 +0000] "GET /c HTTP/1.1" 999 3',
]
BAD = [
    "",
    "nonsense",
    '192.0.2.1 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1" 200',
    '192.0.2.1 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1 200 10',
    '192.0.2.1 - - 01/Mar/2024:06:00:00 "GET / HTTP/1.1" 200 10',
    '192.0.2.1 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1" two 10',
    '192.0.2.1 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1" 200 10x',
    '192.0.2.1 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1" 2000 10',
]


@pytest.fixture
def log(tmp_path):
    """A log with good and bad lines, among each other."""
    lines = [*GOOD[:4], *BAD[:5], *GOOD[4:], *BAD[5:]]
    path = tmp_path / "access.log"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def take(*files, **settings) -> Report:
    reports: list[Report] = []
    access_log(*files, done=reports.append, **settings).start()
    (report,) = reports
    return report


def plain_loop(lines, top) -> Report:
    """Make the same report without any stream, and with another way to take a line apart."""
    groups: dict[str, Any] = {"host": {}, "class": {}, "failing": {}}
    names = {f"{digit}": name for digit, name in CLASSES.items()}
    bad = 0
    for line in lines:
        try:
            host, rest = line.split(" ", 1)
            request, status, size = cut(rest.split('] "', 1)[1])
        except (ValueError, IndexError):
            bad += 1
            continue
        kind = names.get(status[0], "other")
        keys = {"host": host, "class": kind}
        if status[0] in "45":
            words = request.split(" ")
            path = words[1].split("?")[0] if len(words) == 3 else request
            keys["failing"] = f"{status} {path}"
        for group, key in keys.items():
            count, total = groups[group].get(key, (0, 0))
            groups[group][key] = (count + 1, total + size)
    ranked = {
        group: tuple(
            (name, Total(*total))
            for name, total in sorted(totals.items(), key=lambda each: (-each[1][0], each[0]))
        )[:top]
        for group, totals in groups.items()
    }
    classes = {
        name: Total(*groups["class"].get(name, (0, 0))) for name in [*names.values(), "other"]
    }
    return Report(talkers=ranked["host"], failing=ranked["failing"], bad=bad, **classes)


def cut(rest):
    """Return request, status and size of what follows the opening quote."""
    end = 0
    while rest[end] != '"':
        end += 2 if rest[end] == "\\" else 1
    empty, status, size, *_ = rest[end + 1 :].split(" ")
    if empty or len(status) != 3 or not status.isdigit():
        raise ValueError
    return rest[:end], status, 0 if size == "-" else int(size)


def invoke(*arguments, stdin=None):
    return CliRunner().invoke(
        command_of("access_log"), [str(argument) for argument in arguments], input=stdin
    )


# What it finds.


@pytest.mark.parametrize("threshold", [1, 2, 100])
@pytest.mark.parametrize("top", [1, 3, 50])
def test_the_report_is_that_of_a_plain_loop(log, threshold, top):
    report = take(log, threshold=threshold, top=top)
    assert report == plain_loop(log.read_text().split("\n")[:-1], top)
    assert report.bad == len(BAD)
    assert report.client_error == Total(4, 6)
    assert report.talkers[0] == ("192.0.2.3", Total(5, 6))
    assert report.failing[0] == ("404 /a", Total(2, 5))


@pytest.mark.parametrize("threshold", [1, 100])
def test_the_report_of_the_sample_is_that_of_a_plain_loop(threshold):
    report = take(threshold=threshold)
    assert report == plain_loop(sample(), 5)
    assert report.bad == LINES // 250


def test_several_logs_are_reported_on_as_one(log, tmp_path):
    packed = tmp_path / "older.log.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    lines = log.read_text().split("\n")[:-1]
    assert take(log, packed) == take(tmp_path / "*") == plain_loop(lines * 2, 5)


def test_a_log_may_be_empty(tmp_path):
    empty = tmp_path / "empty.log"
    empty.touch()
    assert take(empty) == plain_loop([], 5)
    assert invoke(empty).stdout.splitlines()[-1] == "0 bad lines"


def test_bytes_that_are_no_utf_8_stop_nothing(tmp_path):
    log = tmp_path / "access.log"
    log.write_bytes(GOOD[1].replace("/a", "/\xff").encode("latin-1"))
    assert take(log).failing == ((r"404 /\xff", Total(1, 0)),)


def test_nothing_of_the_request_but_its_path_is_kept():
    assert [parse(line) for line in GOOD[1:5]] == [
        Request("192.0.2.2", "/a", "404", 0),
        Request("192.0.2.2", "/a", "404", 5),
        Request("::1", "/b", "500", 7),
        Request("192.0.2.3", r"\x16\x03\"", "400", 1),
    ]


@pytest.mark.parametrize("line", BAD)
def test_what_is_no_line_of_a_log_is_refused(line):
    with pytest.raises(ValueError, match=r"^not in the common log format$"):
        parse(line)


def test_no_line_takes_long_to_be_refused():
    for line in ("a b " + "[" * 200_000, "a b c [d] " + '"\\' * 200_000, " " * 200_000):
        with pytest.raises(ValueError, match="not in the common log format"):
            parse(line)


# Bad lines.


@pytest.mark.parametrize("threshold", [1, 100])
def test_bad_lines_go_to_the_dead_letter_file_in_their_order(log, tmp_path, threshold):
    path = tmp_path / "dead.jsonl"
    take(log, dead_letters=path, threshold=threshold)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"item": line, "exception": "not in the common log format", "step": "parse"} for line in BAD
    ]


def test_bad_lines_of_the_sample_are_those_that_end_midway(tmp_path):
    path = tmp_path / "dead.jsonl"
    assert invoke("--dead-letters", path).exit_code == 0
    letters = [json.loads(line)["item"] for line in path.read_text().splitlines()]
    assert letters == list(sample())[249::250]


def test_without_a_file_for_them_bad_lines_are_counted_alone(log):
    assert invoke(log).stdout.splitlines()[-1] == "8 bad lines"
    assert list(log.parent.iterdir()) == [log]


# What it leaves.


def test_the_sample_is_the_same_each_time_and_its_file_is_gone(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first, second = (run_stream(read_sample(), {})["item"] for _ in range(2))
    assert first == second == list(sample())
    assert Counter(map(len, [first, second])) == {LINES: 2}
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_the_sample_is_gone_after_a_failure(tmp_path, monkeypatch):
    def fail(report):
        raise RuntimeError("seen enough")

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(RuntimeError, match="seen enough"):
        access_log(done=fail).start()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_leaves_no_dead_letters(log, tmp_path):
    folder = tmp_path / "dead"
    folder.mkdir()
    result = invoke(log, tmp_path / "nowhere.log", "--dead-letters", folder / "dead.jsonl")
    assert (result.exit_code, result.stdout) == (2, "")
    assert list(folder.iterdir()) == []


def test_a_workflow_of_logs_runs_again(log):
    reports: list[Report] = []
    workflow = access_log(log, done=reports.append)
    workflow.start()
    workflow.start()
    assert reports[0] == reports[1] == take(log)


def test_no_buffer_holds_more_than_the_threshold(log):
    statistics = access_log(log, threshold=2, done=str).start()
    inputs = [port for step in statistics.steps.values() for port in step.inputs.values()]
    assert max(port.peak for port in inputs) == 2
    assert sum(port.over + port.growth for port in inputs) == 0


def test_its_workflow_has_no_findings_but_its_join():
    findings = access_log().check()
    assert [(finding.code, finding.severity) for finding in findings] == [("uneven-join", "info")]


# Its command.

PAGE = """\
answer                          requests           bytes
informational                          1               0
success                                1              10
redirection                            1               2
client error                           4               6
server error                           1               7
other                                  1               3
all                                    9              28

top talker                      requests           bytes
192.0.2.3                              5               6
192.0.2.2                              2               5

top failure                     requests           bytes
404 /a                                 2               5
400 \\x16\\x03\\"                         1               1

8 bad lines
"""


def test_the_command_prints_the_report(log):
    result = invoke(log, "--top", 2)
    assert (result.exit_code, result.stdout, result.stderr) == (0, PAGE, "")


def test_the_workflow_prints_it_by_itself(log, capsys):
    access_log(log, top=2).start()
    assert capsys.readouterr().out == PAGE


def test_a_long_name_widens_its_table():
    name = "x" * 50
    header, row = page(take()._replace(talkers=((name, Total(1, 2)),))).split("\n\n")[1].split("\n")
    assert row.startswith(name)
    assert len(header) == len(row)


def test_help_says_what_it_does_and_shows_all_options():
    result = invoke("--help")
    assert result.stdout.splitlines()[2].strip() == description_of("access_log")
    for option in ("--dead-letters", "--top", "--threshold", "--graph", "--stats"):
        assert option in result.stdout


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of pydot's parser
def test_graph_prints_dot_and_runs_nothing(tmp_path):
    pydot = pytest.importorskip("pydot", reason="pydot is optional")
    path = tmp_path / "dead.jsonl"
    result = invoke(tmp_path / "nowhere.log", "--dead-letters", path, "--graph")
    assert (result.exit_code, result.stderr) == (0, "")
    (graph,) = pydot.graph_from_dot_data(result.stdout)
    assert {"parse", "status_class"} <= {node.get_name().strip('"') for node in graph.get_nodes()}
    assert not path.exists()


def test_stats_are_on_stderr_alone(log):
    result = invoke(log, "--top", 2, "--stats")
    assert (result.exit_code, result.stdout) == (0, PAGE)
    for step in access_log(log).steps:
        assert step in result.stderr


def test_a_log_that_is_not_there_is_told_in_one_line(tmp_path):
    result = invoke(tmp_path / "nowhere.log")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: [Errno 2] No such file or directory: '{tmp_path / 'nowhere.log'}'\n"
    )


@pytest.mark.parametrize("option", ["--top", "--threshold"])
def test_numbers_out_of_range_are_refused(option):
    result = invoke(option, 0)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "0 is not in the range x>=1" in result.stderr


def test_it_runs_as_a_program_and_reads_stdin(log):
    program = [sys.executable, "-X", "dev", "examples/access_log.py", "-", "--top", "2"]
    with log.open("rb") as source:
        done = subprocess.run(
            program, stdin=source, capture_output=True, encoding="utf-8", timeout=30, check=True
        )
    assert (done.stdout, done.stderr) == (PAGE, "")
