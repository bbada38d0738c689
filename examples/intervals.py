"""Find all overlaps of two sorted files of intervals, in one pass.

The files are BED: each line has ``chrom``, ``start``, ``end`` and a name, separated by tabs. The
end is not part of the interval. The lines are sorted by the first two columns, as by ``LC_ALL=C
sort -k1,1 -k2,2n``. A line out of order is an error, which names the line.

``peek`` looks at the next interval of a file and leaves it there. So a stream can take the interval
that begins first, and knows whether it can still overlap any interval of the other file. It holds
only such intervals. So memory is that of the buffers and of the intervals over one position,
however long the files are.

Pairs are printed one on each line, in the order in which their overlaps begin: the interval of the
first file, then that of the second one, as ``bedtools intersect -wa -wb`` writes them. A file may
be compressed (``.gz``), and ``-`` is stdin. Without files, the program makes up two, the same each
time.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeAlias

import click

from example_command import (
    GRAPH,
    SETTINGS,
    STATS,
    carry_out,
    count_option,
    help_of,
    threshold_option,
)
from mimo_rx import Input, InputClosed, Inputs, Outputs, Stream, Workflow, flow, stream
from mimo_rx.streams import ReadLines


class Interval(NamedTuple):
    """The positions of one chromosome from `start` up to, but not including, `end`."""

    chrom: str
    start: int
    end: int
    name: str

    def __str__(self) -> str:
        return "\t".join(map(str, self))


Pair: TypeAlias = tuple[Interval, Interval]


class BadLine(ValueError):
    """A line is not an interval, or is out of order."""


def intervals(
    a: Path | None = None,
    b: Path | None = None,
    count: int = 100,
    threshold: int = 100,
    *,
    found: list[Pair] | None = None,
) -> Workflow:
    """Return the workflow that finds and prints the overlaps.

    Args:
        a: The first file, compressed or not; None to make one up.
        b: The second file.
        count: Number of intervals of a made-up file, at least 0.
        threshold: Items that a buffer may hold, at least 1.
        found: A list to which the pairs are added as well.
    """
    workflow = Workflow(name="intervals", threshold=threshold)
    overlapping = workflow.add_stream(overlap())
    for port, path in ("a", a), ("b", b):
        lines = workflow.add_stream(source(path, port, count))
        lines | parsing(path, port) | overlapping[port]
    overlapping | show()
    if found is not None:
        overlapping | keep(state=found)
    return workflow


def source(path: Path | None, port: str, count: int) -> Stream:
    """Return the stream that reads a file, or makes one up first."""
    if path is None:
        return made_up(name=f"make up {port}", state=(port, count))
    return ReadLines(path, name=f"read {port}")


def parsing(path: Path | None, port: str) -> Stream:
    return parse(name=f"parse {port}", state=path or f"made-up {port}")


# The streams.


@stream(outs=["item"])
async def made_up(ins: Inputs, outs: Outputs, what: tuple[str, int]) -> None:
    """Make up a file, and read it like any other."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "made-up.bed")
        with path.open("w") as file:  # blocking is fine: no stream has work before the file exists
            file.writelines(f"{interval}\n" for interval in at_random(*what))
        await ReadLines(path).run(ins, outs)


@stream(ins=["line"], outs=["interval"])
async def parse(ins: Inputs, outs: Outputs, file: object) -> None:
    """Parse lines into intervals, skip comments, and check the order."""
    number, before = 0, ("", 0)
    async for line in ins.line:
        number += 1
        if not line.strip() or line.startswith(("#", "track", "browser")):
            continue
        try:
            interval = interval_of(line)
        except ValueError as error:
            raise BadLine(f"line {number} of {str(file)!r}: {error}") from None
        if interval[:2] < before:
            raise BadLine(
                f"line {number} of {str(file)!r} is out of order: {place(interval[:2])} comes "
                f"after {place(before)}; sort the file with `LC_ALL=C sort -k1,1 -k2,2n`"
            )
        before = interval[:2]
        await outs.interval.push(interval)


@stream(ins=["a", "b"], outs=["pair"])
async def overlap(ins: Inputs, outs: Outputs, state: object) -> None:
    """Push each pair of intervals that have a position in common.

    It holds the taken intervals that end after the current position of the other input. All of them
    began before the next interval that it takes. So each one that still goes on where the next one
    begins overlaps it.
    """
    held_a: list[Interval] = []
    held_b: list[Interval] = []
    while True:
        a, b = await head(ins.a), await head(ins.b)
        if a is not None and (b is None or a[:2] <= b[:2]):
            held_b = [each for each in held_b if reaches(each, a)]
            await outs.pair.push_many((a, each) for each in held_b)
            if b is not None and reaches(a, b):
                held_a.append(a)
            await ins.a.pop()
        elif b is not None:
            held_a = [each for each in held_a if reaches(each, b)]
            await outs.pair.push_many((each, b) for each in held_a)
            if a is not None and reaches(b, a):
                held_b.append(b)
            await ins.b.pop()
        else:
            return  # not earlier: the rest of one file may still be out of order


@stream(ins=["pair"])
async def show(ins: Inputs, outs: Outputs, state: object) -> None:
    async for a, b in ins.pair:
        click.echo(f"{a}\t{b}")


@stream(ins=["pair"])
async def keep(ins: Inputs, outs: Outputs, found: list[Pair]) -> None:
    async for pairs in ins.pair.chunks():
        found.extend(pairs)


# The functions that the streams call.


async def head(port: Input[Interval]) -> Interval | None:
    """Look at the next interval and leave it there; None at the end."""
    try:
        return await port.peek()
    except InputClosed:
        return None


def reaches(interval: Interval, later: Interval) -> bool:
    """Tell whether an interval still goes on where a later one begins."""
    return interval.chrom == later.chrom and interval.end > later.start


def interval_of(line: str) -> Interval:
    """Parse a line; the name may be missing, and the columns after it are ignored.

    Raises:
        ValueError: The line is not an interval.
    """
    chrom, *columns = line.split("\t")
    try:
        start, end = map(int, columns[:2])
    except ValueError:
        raise ValueError(
            f"an interval is chrom, start, end and name, with tabs between them, got {line!r}"
        ) from None
    if not 0 <= start < end:
        raise ValueError(f"a start is at least 0 and less than its end, got {start} and {end}")
    return Interval(chrom, start, end, columns[2] if len(columns) > 2 else ".")


def place(position: tuple[str, int]) -> str:
    chrom, start = position
    return f"{chrom}:{start}"


def at_random(port: str, count: int) -> Iterator[Interval]:
    """Make up sorted intervals on two chromosomes, the same ones each time."""
    random = Random(port)
    for chrom, numbers in ("chr1", range(count // 2)), ("chr2", range(count // 2, count)):
        start = 0
        for number in numbers:
            start += random.randrange(200)
            yield Interval(chrom, start, start + random.randrange(1, 200), f"{port}{number}")


# The command.


def by_brute_force(a: Iterable[Interval], b: Iterable[Interval]) -> list[Pair]:
    """Find the overlaps by testing every pair."""
    return [
        (one, other)
        for one, other in itertools.product(a, b)
        if one.chrom == other.chrom and one.start < other.end and other.start < one.end
    ]


def check(found: list[Pair], a: Path | None, b: Path | None, count: int) -> None:
    """Compare the pairs that were found with those of brute force, and print the result.

    Raises:
        ClickException: The two differ.
    """
    read_again: list[list[Interval]] = [
        flow(source(path, port, count) | parsing(path, port)).to_list().run()
        for port, path in (("a", a), ("b", b))
    ]
    expected = by_brute_force(*read_again)
    if Counter(found) != Counter(expected):
        missing = len(list((Counter(expected) - Counter(found)).elements()))
        wrong = len(list((Counter(found) - Counter(expected)).elements()))
        raise click.ClickException(
            f"of {len(expected)} pairs by brute force {missing} are missing; {wrong} are wrong"
        )
    tried = " × ".join(f"{len(each):,}" for each in read_again)
    click.echo(f"{len(found):,} pairs, the same as by brute force ({tried})", err=True)


FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)


@click.command("intervals", help=help_of(intervals), context_settings=SETTINGS)
@click.argument("files", metavar="[A B]", type=FILE, nargs=-1)
@count_option("Number of intervals in each made-up file.")
@threshold_option(100)
@click.option(
    "--check", "checks", is_flag=True, help="Compare with brute force, which needs all in memory."
)
@GRAPH
@STATS
def main(
    files: tuple[Path, ...], count: int, threshold: int, checks: bool, graph: bool, stats: bool
) -> None:
    if len(files) not in (0, 2):
        raise click.UsageError(f"give two files, or none, got {len(files)}")
    if files.count(Path("-")) > (0 if checks else 1):
        raise click.UsageError("stdin can be read once only; give files")
    a, b = files or (None, None)
    found: list[Pair] | None = [] if checks else None
    workflow = intervals(a, b, count, threshold, found=found)
    try:
        carry_out(workflow, workflow.start, graph=graph, stats=stats)
        if found is not None and not graph:
            check(found, a, b, count)
    except (BadLine, UnicodeDecodeError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
