"""Take a census of a tree of Python source, by default of the standard library.

One stream finds the files. One reads them and splits them into lines, comments, strings and
imports. Others count and rank these, each at its own pace, and the last one joins the results.
However large the tree is, a stream holds one file or its counters, and a buffer holds at most
`--threshold` items.

The census counts every file ``*.py``, including test data. It skips directories that are hidden or
called ``site-packages`` or ``dist-packages``. It follows links to files, but not to directories. A
file that cannot be tokenised to its end is not counted; it is listed with the reason.
``census_source.py`` defines code, comment, docs and blank lines.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
import sysconfig
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import partial
from heapq import nsmallest
from pathlib import Path
from typing import Any

import click
from reactivex import operators as ops

from census_page import Ranking, Report, page, summary
from census_source import UNREADABLE, Lines, Piece, Unreadable, dissect, load, reason
from example_command import GRAPH, SETTINGS, STATS, threshold_option
from mimo_rx import Workflow, azip, flow, stream

LIBRARY = Path(sysconfig.get_path("stdlib"))
LEFT_OUT = {"site-packages", "dist-packages"}
WORD = re.compile(r"[^\W\d_]{4,}")
COMMON = re.compile(
    "about|also|because|been|before|case|could|does|each|first|from|have|here|into|just|like|make|"
    "must|need|only|other|same|should|since|some|such|sure|than|that|their|them|then|there|these|"
    "they|this|those|used|uses|using|want|were|what|when|where|which|while|will|with|would"
)


def census(
    root: Path = LIBRARY,
    top: int = 8,
    threshold: int = 100,
    *,
    results: dict[str, Report] | None = None,
) -> Workflow:
    """Return the workflow that takes a census.

    Args:
        root: The directory to count.
        top: Length of each list, at least 1.
        threshold: Items that a buffer may hold, at least 1.
        results: A dict that gets the report, as ``results["report"]``; None prints the report.
    """
    workflow = Workflow(name="census", threshold=threshold)
    found = workflow.add_stream(find(state=root))
    parts = workflow.add_stream(read(state=root))
    report = workflow.add_stream(join())
    ranked = ops.map(partial(highest, top))

    found["file"] | parts
    parts["lines"] | add_up() | report["packages"]
    parts["lines"] | ops.reduce(partial(longer, top), NOTHING) | report["longest"]
    parts["strings"] | ops.map(package) | tally(name="count packages") | report["strings"]
    parts["strings"] | ops.map(prefix) | tally(name="count prefixes") | ranked | report["prefixes"]

    modules = parts["imports"] | ops.map(text) | ops.filter(is_absolute)
    modules | tally(name="count modules") | ranked | report["modules"]
    words = parts["comments"] | split() | ops.filter(is_uncommon)
    words | tally(name="count words") | ranked | report["words"]

    unreadable = flow(found["unreadable"], parts["unreadable"])
    unreadable | ops.reduce(partial(name_first, top), NOBODY) | report["unreadable"]
    parts["lines"] | ops.scan(advance, (0, 0)) | ops.throttle_first(0.1) | show()
    if results is None:
        report | ops.map(partial(page, root, top=top)) | print_page()
    else:
        report | keep(state=results)
    return workflow


# The streams.


@stream(outs=["file", "unreadable"])
async def find(ins: Any, outs: Any, root: Path) -> None:
    """Walk through the tree, and name each file by its path relative to `root`."""
    directories = [""]
    while directories:
        directory = directories.pop()
        try:
            entries = sorted(os.scandir(root / directory), key=lambda entry: entry.name)
        except OSError as error:
            await outs.unreadable.push(Unreadable(os.path.join(directory, ""), reason(error)))
            continue
        for entry in entries:
            name = os.path.join(directory, entry.name)
            if not entry.is_dir(follow_symlinks=False):
                if name.endswith(".py"):
                    await outs.file.push(name)
            elif not entry.name.startswith(".") and entry.name not in LEFT_OUT:
                directories.append(name)


@stream(ins=["file"], outs=["lines", "comments", "strings", "imports", "unreadable"])
async def read(ins: Any, outs: Any, root: Path) -> None:
    """Read one file after another, and push its parts."""
    async for file in ins.file:
        await asyncio.sleep(0)  # between files, let other streams and Ctrl-C have a turn
        try:
            parts = dissect(file, load(root / file))
        except UNREADABLE as error:
            await outs.unreadable.push(Unreadable(file, reason(error)))
            continue
        await outs.lines.push(parts.lines)
        await outs.comments.push_many(parts.comments)
        await outs.strings.push_many(parts.strings)
        await outs.imports.push_many(parts.imports)


@stream(ins=["lines"], outs=["packages"])
async def add_up(ins: Any, outs: Any, state: Any) -> None:
    """Add up files and lines by package."""
    packages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    async for lines in ins.lines:
        packages[package(lines)].update(lines.by_kind(), files=1, lines=lines.total)
    await outs.packages.push(packages)


@stream(ins=["comment"], outs=["word"])
async def split(ins: Any, outs: Any, state: Any) -> None:
    """Split comments into words of four or more letters."""
    async for comment in ins.comment:
        await outs.word.push_many(WORD.findall(comment.text.lower()))


@stream(ins=["item"], outs=["counts"])
async def tally(ins: Any, outs: Any, state: Any) -> None:
    """Count equal items, and push one ``Counter`` at the end."""
    counts: Counter[str] = Counter()
    async for items in ins.item.chunks():
        counts.update(items)
    await outs.counts.push(counts)


@stream(ins=Report._fields, outs=["report"])
async def join(ins: Any, outs: Any, state: Any) -> None:
    """Take one result from each input, and join the counts by package into one table."""
    async for results in azip(*ins):
        report = Report(*results)
        for name, count in report.strings.items():
            report.packages[name]["strings"] = count
        await outs.report.push(report)


@stream(ins=["report"])
async def keep(ins: Any, outs: Any, results: dict[str, Report]) -> None:
    """Store the report, so that it can be read after the run."""
    results["report"] = await ins.report.pop()


@stream(ins=["page"])
async def print_page(ins: Any, outs: Any, state: Any) -> None:
    """Print the report."""
    click.echo(await ins.page.pop())


@stream(ins=["progress"])
async def show(ins: Any, outs: Any, state: Any) -> None:
    """Keep one line of the terminal up to date, and erase it at the end."""
    if not sys.stderr.isatty():
        return  # this cancels its edge; the other streams go on
    width = shutil.get_terminal_size().columns - 1
    try:
        async for files, lines in ins.progress:
            line = f" {files:,} files, {lines:,} lines"[:width]
            click.echo(f"\r{line:<{width}}", err=True, nl=False)
    finally:
        click.echo(f"\r{'':<{width}}\r", err=True, nl=False)


# The functions that the operators call.

Named = tuple[int, list[Unreadable]]
NOTHING: Ranking = ()
NOBODY: Named = (0, [])


def package(item: Lines | Piece) -> str:
    """Return the top-level directory of an item's file."""
    first, slash, _ = item.file.partition(os.sep)
    return first if slash else "(top level)"


def text(piece: Piece) -> str:
    return piece.text


def prefix(string: Piece) -> str:
    """Return the letters before the quotes of a literal, in lower case and in order."""
    letters, *_ = re.split("['\"]", string.text, maxsplit=1)
    return "".join(sorted(letters.lower())) or "(none)"


def is_absolute(module: str) -> bool:
    return not module.startswith(".")


def is_uncommon(word: str) -> bool:
    return not COMMON.fullmatch(word)


def highest(top: int, counts: Mapping[str, int]) -> Ranking:
    """Return the `top` names with the highest counts."""
    return nsmallest(top, counts.items(), key=lambda entry: (-entry[1], entry[0]))


def longer(top: int, longest: Ranking, lines: Lines) -> Ranking:
    """Keep the `top` longest files."""
    return highest(top, {**dict(longest), lines.file: lines.total})


def name_first(top: int, seen: Named, unreadable: Unreadable) -> Named:
    """Count the unreadable files, and keep the first `top` by name."""
    count, named = seen
    return count + 1, sorted([*named, unreadable])[:top]


def advance(seen: tuple[int, int], lines: Lines) -> tuple[int, int]:
    """Count files and lines."""
    files, total = seen
    return files + 1, total + lines.total


# The command.


class Refusal(click.ClickException):
    """The arguments are wrong; one line says why."""

    exit_code = 2


@click.command(context_settings=SETTINGS)
@click.option(
    "--root",
    metavar="DIR",
    type=Path,
    default=LIBRARY,
    show_default="the standard library",
    help="Directory to count.",
)
@click.option("--top", metavar="N", type=click.IntRange(1), default=8, help="Length of the lists.")
@threshold_option(100)
@GRAPH
@STATS
def main(root: Path, top: int, threshold: int, graph: bool, stats: bool) -> None:
    """Take a census of a tree of Python source, by default of the standard library.

    It counts lines, imports, strings and comments, and lists the files that cannot be read.
    """
    results: dict[str, Report] = {}
    workflow = census(root, top, threshold, results=results)
    if graph:
        click.echo(workflow)
        return
    try:
        os.scandir(root).close()
    except OSError as error:
        raise Refusal(f"--root {root}: {reason(error)}") from None
    start = time.perf_counter()
    statistics = workflow.start()
    report = results["report"]
    if not report.packages and not report.unreadable[0]:
        raise Refusal(f"--root {root}: there is no Python file in it")
    click.echo(page(root, report, top))
    if stats:
        click.echo(str(statistics), err=True)
    elif sys.stderr.isatty():
        click.secho(summary(statistics, time.perf_counter() - start), dim=True, err=True)


if __name__ == "__main__":
    main()
