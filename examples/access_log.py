"""Report on web server logs: status classes, top talkers, failing paths.

FILES are logs in the common or the combined format. They may be compressed (`.gz`, `.bz2`, `.xz`),
be patterns such as `'logs/*.gz'`, or be `-` for stdin. Without FILES, the program makes a sample.

A ``Map`` parses each line. A line that is not in the log format goes to its port ``errors``, and
from there to the file of `--dead-letters`, as a JSON object. Without that option, bad lines are
only counted. A ``Route`` has an output for each status class, and sends each request to one of
them. Memory is that of the buffers and of one counter for each host and each failing path, however
long the log is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from heapq import nsmallest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeAlias

import click
from reactivex import operators as ops

from access_log_sample import sample
from example_command import GRAPH, SETTINGS, STATS, carry_out, help_of, threshold_option
from mimo_rx import Inputs, Outputs, Workflow, azip, stream
from mimo_rx.streams import ForEach, Map, ReadLines, Route, WriteJsonLines

QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
# Host, identity, user, [time], "request", status, size; the combined format adds more.
LINE = re.compile(rf"(\S+) \S+ [^\[]+ \[[^\]]+\] {QUOTED} (\d{{3}}) (\d+|-)(?: .*)?", re.ASCII)

CLASSES = {
    "1": "informational",
    "2": "success",
    "3": "redirection",
    "4": "client_error",
    "5": "server_error",
}


class Request(NamedTuple):
    """One line of the log."""

    host: str
    path: str
    """The path without the query; the whole request, if it is malformed."""
    status: str
    size: int
    """Bytes of the answer."""


class Total(NamedTuple):
    """The totals of several requests."""

    requests: int = 0
    size: int = 0
    """Bytes of all answers."""


Ranking: TypeAlias = tuple[tuple[str, Total], ...]


class Report(NamedTuple):
    """The results for a log; its fields are the input ports of ``join``."""

    informational: Total
    success: Total
    redirection: Total
    client_error: Total
    server_error: Total
    other: Total
    talkers: Ranking
    """The hosts with the most requests."""
    failing: Ranking
    """The most frequent failures, as status and path."""
    bad: int
    """Lines that could not be parsed."""


def access_log(
    *files: str | Path,
    dead_letters: Path | None = None,
    top: int = 5,
    threshold: int = 100,
    done: Callable[[Report], object] | None = None,
) -> Workflow:
    """Return the workflow that reports on logs.

    Args:
        *files: The logs; without any, each run makes one in a temporary folder.
        dead_letters: File for the bad lines; None to write none.
        top: Length of the rankings, at least 1.
        threshold: Items that a buffer may hold, at least 1.
        done: Called with the report; None prints it.
    """
    workflow = Workflow(name="access_log", threshold=threshold)
    # Clients can send bytes that are not UTF-8. They are shown escaped, and stop nothing.
    lines = ReadLines(*files, errors="backslashreplace") if files else read_sample()
    parsed = workflow.add_stream(Map(parse))
    by_class = workflow.add_stream(Route(status_class, CLASSES.values(), default="other"))
    report = workflow.add_stream(join())
    ranked = ops.map(partial(highest, top))

    lines | parsed
    parsed["item"] | by_class
    parsed["item"] | add_up(name="by host", state=host) | ranked | report["talkers"]
    parsed["errors"] | ops.count() | report["bad"]
    if dead_letters is not None:
        letters = WriteJsonLines(dead_letters, default=str, name="dead letters")
        parsed["errors"] | letters

    for name in by_class.outs:
        if name != "errors":
            by_class[name] | ops.reduce(plus, Total()) | report[name]
    failing = workflow.add_stream(add_up(name="by path", state=failure))
    [by_class["client_error"], by_class["server_error"]] | failing
    failing | ranked | report["failing"]

    report | ForEach(done or print_page, name="tell")
    return workflow


# The streams.


@stream(outs=["item"])
async def read_sample(ins: Inputs, outs: Outputs, state: object) -> None:
    """Make a log, and read it like any other."""
    with TemporaryDirectory(prefix="access_log-", ignore_cleanup_errors=True) as folder:
        log = Path(folder, "access.log")
        log.write_text("".join(f"{line}\n" for line in sample()))
        await ReadLines(log).run(ins, outs)


@stream(ins=["request"], outs=["totals"])
async def add_up(ins: Inputs, outs: Outputs, key: Callable[[Request], str]) -> None:
    """Add up the requests with the same key, and push all totals at the end."""
    totals: defaultdict[str, Total] = defaultdict(Total)
    async for requests in ins.request.chunks():
        for request in requests:
            name = key(request)
            totals[name] = plus(totals[name], request)
    await outs.totals.push(totals)


@stream(ins=Report._fields, outs=["report"])
async def join(ins: Inputs, outs: Outputs, state: object) -> None:
    """Take one result from each input."""
    async for results in azip(*ins):
        await outs.report.push(Report(*results))


# The functions that the streams and operators call.


def parse(line: str) -> Request:
    """Parse a line.

    Raises:
        ValueError: The line is not in the common log format.
    """
    match = LINE.fullmatch(line)
    if match is None:
        raise ValueError("not in the common log format")
    host, request, status, size = match.groups()
    match request.split(" "):
        case [_, target, _]:
            path = target.partition("?")[0]
        case _:
            path = request
    return Request(host, path, status, 0 if size == "-" else int(size))


def status_class(request: Request) -> str:
    return CLASSES.get(request.status[0], "other")


def host(request: Request) -> str:
    return request.host


def failure(request: Request) -> str:
    return f"{request.status} {request.path}"


def plus(total: Total, request: Request) -> Total:
    return Total(total.requests + 1, total.size + request.size)


def highest(top: int, totals: Mapping[str, Total]) -> Ranking:
    """Return the `top` names with the most requests, in order of name where they are equal."""
    return tuple(nsmallest(top, totals.items(), key=lambda each: (-each[1].requests, each[0])))


# The page.


def page(report: Report) -> str:
    """Return the report as text."""
    classes = [(name, getattr(report, name)) for name in (*CLASSES.values(), "other")]
    every = [total for _, total in classes]
    total = Total(sum(each.requests for each in every), sum(each.size for each in every))
    answers = [(name.replace("_", " "), each) for name, each in classes if each.requests]
    tables = [
        table("answer", [*answers, ("all", total)]),
        table("top talker", report.talkers),
        table("top failure", report.failing),
        f"{report.bad:,} bad {'line' if report.bad == 1 else 'lines'}",
    ]
    return "\n\n".join(each for each in tables if each)


def table(title: str, rows: Any) -> str:
    """Return a table with a row for each name, or an empty text if there are no names."""
    if not rows:
        return ""
    width = max(30, *(len(name) for name, _ in rows))
    lines = [f"{title:<{width}}  requests           bytes"]
    lines += [f"{name:<{width}}{each.requests:10,}{each.size:16,}" for name, each in rows]
    return "\n".join(lines)


def print_page(report: Report) -> None:
    click.echo(page(report))


# The command.


class Refusal(click.ClickException):
    """A file cannot be read or written; one line names it."""

    exit_code = 2


@click.command("access_log", help=help_of(access_log), context_settings=SETTINGS)
@click.argument("files", nargs=-1)
@click.option(
    "--dead-letters",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write bad lines to FILE, as JSON.",
)
@click.option(
    "--top", metavar="N", type=click.IntRange(1), default=5, help="Length of the rankings."
)
@threshold_option(100)
@GRAPH
@STATS
def main(
    files: tuple[str, ...],
    dead_letters: Path | None,
    top: int,
    threshold: int,
    graph: bool,
    stats: bool,
) -> None:
    reports: list[Report] = []
    workflow = access_log(
        *files, dead_letters=dead_letters, top=top, threshold=threshold, done=reports.append
    )
    try:
        carry_out(workflow, workflow.start, graph=graph, stats=stats)
    except OSError as error:
        raise Refusal(str(error)) from None
    for report in reports:
        print_page(report)


if __name__ == "__main__":
    main()
