"""The page that shows a census on the terminal: tables and lists, 79 columns wide."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple, TypeAlias

import click

from census_source import KINDS, Unreadable
from mimo_rx import Statistics

Table: TypeAlias = Mapping[str, Counter[str]]
Ranking: TypeAlias = Sequence[tuple[str, int]]

PLAIN = str.maketrans("━─…", "=-~")


class Report(NamedTuple):
    """The results of a census: counts by package, rankings, and the files that were not counted."""

    packages: Table
    strings: Counter[str]
    longest: Ranking
    modules: Ranking
    words: Ranking
    prefixes: Ranking
    unreadable: tuple[int, Sequence[Unreadable]]


def page(root: Path, report: Report, top: int) -> str:
    """Lay out the whole report.

    Args:
        root: The directory that was counted.
        report: The results.
        top: Rows of the table of packages, at least 1.
    """
    lines = ["", click.style(f"Census of {fit(str(root), 68).rstrip()}", bold=True), ""]
    lines += [*table(report.packages, top), ""]
    longest = ranking("longest files (lines)", report.longest)
    modules = ranking("most imported modules", report.modules)
    words = ranking("most used words in comments", report.words)
    prefixes = ranking("prefixes of strings", report.prefixes)
    for halves in (longest, modules), (words, prefixes):
        lines += [*map("  ".join, zip_longest(*halves, fillvalue=" " * 38)), ""]
    lines += missing(*report.unreadable)
    return encodable("\n".join(f" {line}".rstrip() for line in lines))


def table(packages: Table, top: int) -> Iterator[str]:
    """Lay out the largest packages and the sum of all."""
    columns = ("files", *KINDS, "lines", "strings")
    order = sorted(packages, key=lambda name: (-packages[name]["lines"], name))
    total = sum(packages.values(), Counter[str]())
    widths = [max(len(column), len(f"{total[column]:,}")) + 2 for column in columns]
    first = max(78 - sum(widths), 12)

    def row(name: str, counts: Counter[str]) -> str:
        cells = [f"{counts[column]:,}" for column in columns]
        return fit(name, first) + "".join(map(str.rjust, cells, widths))

    header = fit("package", first) + "".join(map(str.rjust, columns, widths))
    yield click.style(header, bold=True)
    for name in order[:top]:
        yield row(name, packages[name])
    if others := order[top:]:
        yield row(f"{len(others):,} more", sum(map(packages.__getitem__, others), Counter[str]()))
    yield click.style("─" * len(header), dim=True)
    yield click.style(row("all", total), bold=True)


def ranking(title: str, entries: Ranking) -> Iterator[str]:
    """Lay out a list with bars, half a page wide."""
    largest = max((count for _, count in entries), default=0)
    digits = len(f"{largest:,}")
    room = 14 - digits
    yield click.style(title, bold=True) + " " * (38 - len(title))
    for name, count in entries:
        bar = "━" * round(count / max(largest, 1) * room)
        space = " " * (room - len(bar))
        yield f"{fit(name, 22)} {count:{digits},} {click.style(bar, fg='cyan')}{space}"


def missing(count: int, named: Sequence[Unreadable]) -> Iterator[str]:
    """Lay out the files that were not counted."""
    if count:
        yield click.style(f"{count:,} unreadable, not counted", fg="yellow", bold=True)
        yield from (f"{fit(file, 36)}  {fit(reason, 40)}" for file, reason in named)
        if count > len(named):
            yield f"and {count - len(named):,} more"
        yield ""


def summary(statistics: Statistics, seconds: float) -> str:
    """Return one line about the run: its time, its items, and its fullest buffer."""
    items = sum(edge.items for edge in statistics.edges)
    peak = max(port.peak for step in statistics.steps.values() for port in step.inputs.values())
    return (
        f" {seconds:.1f} s; {items:,} items went over {len(statistics.edges)} edges, "
        f"and no buffer held more than {peak:,}"
    )


def fit(text: str, width: int) -> str:
    """Make a name `width` columns wide; a name that is too long keeps its end."""
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    return (text if len(text) <= width else "…" + text[1 - width :]).ljust(width)


def encodable(text: str) -> str:
    """Replace the characters that the encoding of stdout lacks."""
    encoding = sys.stdout.encoding
    if not encoding.lower().startswith("utf"):
        text = text.translate(PLAIN)
    return text.encode(encoding, "replace").decode(encoding)
