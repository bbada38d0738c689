"""The page of the docs: text, chart and tables, made from the measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import chart
from benchmarks.program import Measured
from benchmarks.table import figures, targets, to_markdown

__all__ = ["DOCS", "page", "write"]

DOCS = Path(__file__).resolve().parents[1] / "docs"

HEAD = """# Benchmarks

This page compares the cost of an item in `mimo_rx` with the alternatives. \
`python -m benchmarks --docs` makes this page, its figures and its chart. `make bench` prints the \
tables, and `python -m benchmarks three --quick` prints the table of one case within a second. \
`make bench-check` fails if a ratio to the baseline is more than 20 % worse than the one that the \
repository stores.

![Time of an item and hop, for mimo_rx and its alternatives](benchmarks.svg)

{conditions}

## How to read it

A time is that of one item and one **hop**: from one stage to the next, along one edge. *To ours* \
is the time as a multiple of the first row of mimo_rx. *To the baseline* is the time as a multiple \
of the hand-written way, usually tasks with an `asyncio.Queue` between each two. If that column is \
empty, the case has no baseline, and the targets below say what is compared.

All contenders of a case take turns. Peers with a runtime of their own (csp, bytewax, trio) run in \
a process of their own, whose start does not count. Each turn begins with nothing (no loop, no \
tasks, no workflow) and ends with the result. The result is checked, so no contender can win by \
dropping items. A first turn warms up. Garbage is collected before each turn, and the collector \
stays on during it. The best turn counts. If the median is far from the best, the machine was \
busy. Ratios differ by some 5 to 10 % from run to run.

The contenders do not all do the same. RxPY and streamz call from stage to stage: nothing waits, \
and nothing slows down a source that is too fast. aiostream has no buffers, so one stage works at \
a time. csp runs in simulated time, in C++. bytewax runs in Rust, here with batches of one item \
unless the row says otherwise. Generators have no concurrency, and show the least that stages cost \
in Python. Contenders that are much slower get fewer items in a turn.

## Targets

These are the targets that the project has set itself, met or missed.

"""


def page(many: Sequence[Measured], conditions: str) -> str:
    """Return the text of the page."""
    lines = [HEAD.format(conditions=conditions) + "\n".join(to_markdown(targets(many)))]
    for each in many:
        lines.append(f"\n## {each.case.title}\n\n{each.case.about}\n")
        lines += to_markdown(figures(each))
        if each.left_out:
            lines.append(f"\nLeft out: {left_out(each)}.")
    return "\n".join(lines) + "\n"


def left_out(measured: Measured) -> str:
    """List the contenders that were left out, each with the reason."""
    return ", ".join(f"{title} ({reason})" for title, reason in measured.left_out.items())


def write(
    many: Sequence[Measured], conditions: str, about: Sequence[str], folder: Path = DOCS
) -> None:
    """Write the page and its chart into `folder`."""
    (folder / "benchmarks.md").write_text(page(many, conditions), encoding="utf-8")
    (folder / "benchmarks.svg").write_text(chart(many, about), encoding="utf-8")
