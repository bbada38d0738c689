"""Measure mimo_rx against plain generators, asyncio.Queue and RxPY, and print a table.

    python benchmarks/throughput.py [--items N] [--rounds N] [--only NAME] [--json | --markdown]

Everything is measured in one run. How: see measure.py; what: see jobs.py, ablation.py,
scale.py, rings.py and startup.py.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

# Started as a script, its own package is not on the path yet.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import ablation, jobs, rings, scale, startup
from benchmarks.measure import Contender, Turns, machine, take_turns

CONTENDERS = {
    each.key: each for room in (jobs, ablation, scale, rings, startup) for each in room.CONTENDERS
}
MEMORY = "memory"
NAMES = [*dict.fromkeys(each.group for each in CONTENDERS.values()), MEMORY, *CONTENDERS]
MEMORY_FACTOR = 10
"""The slow reader is given so many times the items of the others."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Args:
        name: What the command line calls it.
        title: What was measured.
        best: The best turn: ns per item, ms of the whole, or MB.
        unit: Of `best`.
        against: The name of what it is compared with.
        ratio: To that: how many times the time, or how many times as fast where that is asked.
        target: What is asked of the ratio, or of `best` where there is none.
        met: Whether the target was met; None without one.
        turns: All turns, in the order in which they were taken.
    """

    name: str
    title: str
    best: float
    unit: str
    against: str | None
    ratio: float | None
    target: str | None
    met: bool | None
    turns: tuple[float, ...]


@click.command()
@click.option(
    "--items",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Items of a turn; chains, fan-outs and the memory have their own multiple of it.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Turns that each contender takes; the best of them counts.",
)
@click.option(
    "--only",
    type=click.Choice(NAMES),
    multiple=True,
    metavar="NAME",
    help=f"Measure this alone, and what it is compared with: {', '.join(NAMES)}. "
    "May be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every single turn.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as Markdown.")
def main(items: int, rounds: int, only: tuple[str, ...], as_json: bool, as_markdown: bool) -> None:
    """Measure mimo_rx against plain generators, asyncio.Queue and RxPY, and print a table.

    Contenders take turns, and the best turn of each counts. What misses its target is marked.
    """
    if as_json and as_markdown:
        raise click.UsageError("--json and --markdown are two forms of one table; choose one")
    rows = measure(only or tuple(NAMES), items, rounds)
    conditions = (
        f"The best of {rounds} turns of {items:,} items each; all take turns. Garbage is collected "
        "before each turn,\nand the collector stays on meanwhile."
    )
    if as_json:
        record = {"machine": machine(), "items": items, "rounds": rounds}
        click.echo(json.dumps(record | {"rows": [asdict(row) for row in rows]}, indent=2))
        return
    lines = [HEAD, *map(cells, rows)]
    click.echo("\n".join(to_markdown(lines) if as_markdown else to_text(lines)))
    click.echo(f"\n{conditions} {machine()}." if as_markdown else f"\n{conditions}\n{machine()}")


def measure(names: Sequence[str], items: int, rounds: int) -> list[Row]:
    """Measure the groups and contenders in `names`, and what they are compared with."""
    chosen = [each for each in CONTENDERS.values() if each.key in names or each.group in names]
    needed = {each.key for each in chosen} | {each.reference for each in chosen}
    rows: list[Row] = []
    for group in dict.fromkeys(each.group for each in chosen):
        members = [
            each for each in CONTENDERS.values() if each.group == group and each.key in needed
        ]
        rows += compared(with_progress(group, members, items, rounds))
    if MEMORY in names:
        progress(f"memory: {items * MEMORY_FACTOR:,} items, once")
        rows.append(remembered(scale.measure_memory(items * MEMORY_FACTOR)))
        progress("")
    return rows


def with_progress(
    group: str, contenders: Sequence[Contender], items: int, rounds: int
) -> list[Turns]:
    """Let `contenders` take turns, and tell how far they are."""
    turns = [Turns(contender) for contender in contenders]
    for number in range(1, rounds + 1):
        progress(f"{group}: round {number} of {rounds}")
        take_turns(turns, items)
    progress("")
    return turns


def progress(text: str) -> None:
    """Overwrite the line of progress on stderr, if somebody looks at it."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def compared(turns: Iterable[Turns]) -> list[Row]:
    """Compare each contender with its reference."""
    by_key = {each.contender.key: each for each in turns}
    rows = []
    for key, each in by_key.items():
        contender = each.contender
        ratio = None if contender.reference is None else each.ratio(by_key[contender.reference])
        target = contender.target
        rows.append(
            Row(
                key,
                contender.title,
                each.best / 1e6 if contender.is_whole else each.best,
                "ms" if contender.is_whole else "ns",
                contender.reference,
                ratio,
                None if target is None else str(target),
                None if target is None or ratio is None else target.met(ratio),
                tuple(each.times),
            )
        )
    return rows


def remembered(memory: scale.Memory) -> Row:
    """Make the line of the slow reader's memory."""
    return Row(
        MEMORY,
        f"memory of {memory.items:,} items, slow reader",
        memory.megabytes,
        "MB",
        None,
        None,
        f"≤ {scale.MEMORY_BOUND:g} MB",
        memory.met,
        (memory.megabytes,),
    )


# Printing


def cells(row: Row) -> tuple[str, ...]:
    """Write a line of the table."""
    digits = {"MB": 2, "ms": 1, "ns": 0}[row.unit]
    best = f"{row.best:,.{digits}f} {row.unit}"
    is_speed = row.target is not None and row.target.startswith("≥")
    meaning = "× as fast" if is_speed else "× the time"
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}{meaning}"
    verdict = {True: "met", False: "MISSED", None: ""}[row.met]
    return (row.title, best, row.against or "", ratio, row.target or "", verdict)


HEAD = ("", "best", "against", "ratio", "target", "")
RIGHT = (1, 3, 4)
"""The columns of numbers."""


def to_text(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Lay the table out for a terminal."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(texts: Iterable[str]) -> str:
        return "  ".join(
            text.rjust(width) if number in RIGHT else text.ljust(width)
            for number, (text, width) in enumerate(zip(texts, widths, strict=True))
        ).rstrip()

    head, *rest = map(line, lines)
    return [head, "-" * max(map(len, rest)), *rest]


def to_markdown(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Lay the table out in Markdown."""

    def line(texts: Iterable[str]) -> str:
        return f"| {' | '.join(texts)} |"

    marks = ["---:" if number in RIGHT else "---" for number in range(len(lines[0]))]
    escaped = [[text.replace("|", "\\|") for text in texts] for texts in lines]
    return [line(escaped[0]), line(marks), *map(line, escaped[1:])]


if __name__ == "__main__":
    main()
