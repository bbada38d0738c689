"""The example ``access_log``: its report is what plain Python counts."""

import asyncio
import gzip
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from loops import run_on
from mimo_rx.cli._target import load, workflow_of
from mimo_rx.examples.access_log import Request, access_log, main, parse
from mimo_rx.examples.access_log_sample import sample

GOOD = '192.0.2.7 - ada [01/Mar/2024:06:00:00 +0000] "GET /a?b=c HTTP/1.1" 200 512'
BAD = "192.0.2.7 - ada [01/Mar"


def report_on(*files, **settings):
    reports: list[Any] = []
    run_on(asyncio.new_event_loop, access_log(*files, done=reports.append, **settings).run())
    [report] = reports
    return report


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        (GOOD, Request("192.0.2.7", "/a", "200", 512)),
        (f'{GOOD} "-" "agent \\"x\\""', Request("192.0.2.7", "/a", "200", 512)),
        (GOOD.replace(" 512", " -"), Request("192.0.2.7", "/a", "200", 0)),
        (
            GOOD.replace("GET /a?b=c HTTP/1.1", "rubbish"),
            Request("192.0.2.7", "rubbish", "200", 512),
        ),
    ],
)
def test_a_line_of_the_common_and_the_combined_format_is_taken_apart(line, request_):
    assert parse(line) == request_


@pytest.mark.parametrize("line", ["", BAD, GOOD.replace("200", "2000"), GOOD.replace("512", "x")])
def test_what_is_no_line_of_a_log_is_an_error(line):
    with pytest.raises(ValueError, match="not in the common log format"):
        parse(line)


@pytest.mark.parametrize("threshold", [1, 100])
def test_the_report_is_what_plain_python_counts(tmp_path, threshold):
    lines = list(sample(700))
    log = tmp_path / "access.log.gz"
    log.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    requests, bad = [], []
    for line in lines:
        try:
            requests.append(parse(line))
        except ValueError:
            bad.append(line)
    assert bad

    dead = tmp_path / "dead.jsonl"
    report = report_on(log, dead_letters=dead, top=3, threshold=threshold)

    statuses = Counter(request.status[0] for request in requests)
    assert [each.requests for each in report[:6]] == [*(statuses[c] for c in "12345"), 0]
    assert sum(each.size for each in report[:6]) == sum(request.size for request in requests)
    hosts = Counter(request.host for request in requests)
    ranking = sorted(hosts.items(), key=lambda each: (-each[1], each[0]))[:3]
    assert [(name, total.requests) for name, total in report.talkers] == ranking
    assert report.bad == len(bad)
    assert [json.loads(line)["line"] for line in dead.read_text().splitlines()] == bad


@given(st.lists(st.sampled_from([GOOD, BAD, GOOD.replace("200", "404")]), max_size=30))
def test_no_line_is_lost(lines):
    with TemporaryDirectory() as folder:
        log = Path(folder, "x.log")
        log.write_text("".join(f"{line}\n" for line in lines))
        report = report_on(log, threshold=1)
    assert report.bad == lines.count(BAD)
    assert report.success.requests == lines.count(GOOD)
    assert sum(each.requests for each in report[:6]) == len(lines) - report.bad


def test_the_command_makes_itself_a_log(tmp_path):
    dead = tmp_path / "dead.jsonl"
    done = invoke("--dead-letters", dead, "--top", 1)
    assert done.exit_code == 0
    assert "8 bad lines" in done.stdout
    assert len(dead.read_text().splitlines()) == 8
    assert list(tmp_path.iterdir()) == [dead]


def test_the_command_tells_its_statistics_on_stderr():
    done = invoke("--stats")
    assert done.stderr.startswith("step ")
    assert "top talker" in done.stdout


def test_the_command_draws_itself_and_runs_nothing(tmp_path):
    done = invoke("--graph", "--dead-letters", tmp_path / "dead.jsonl")
    assert done.stdout.startswith('digraph "access_log"')
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_not_there_is_named_in_a_line(tmp_path):
    done = invoke(tmp_path / "nowhere.log", "--dead-letters", tmp_path / "dead.jsonl")
    assert done.exit_code == 2
    assert "nowhere.log" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_builder_is_a_target():
    workflow = workflow_of(load("mimo_rx.examples.access_log:access_log", ["threshold=3"]))
    assert workflow.name == "access_log"
    assert not any(finding.severity == "error" for finding in workflow.check())
