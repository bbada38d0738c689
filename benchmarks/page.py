"""The page of the docs: text, chart and tables, made of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.chart import chart
from benchmarks.program import Measured
from benchmarks.table import figures, targets, to_markdown

__all__ = ["DOCS", "page", "write"]

DOCS = Path(__file__).resolve().parents[1] / "docs"

HEAD = """# Benchmarks

What an item costs in `mimo_rx`, beside what else one would write. `python -m benchmarks --docs` \
makes this page, its figures and its chart; `make bench` prints the tables, and \
`python -m benchmarks three --quick` those of one case within a second. `make bench-check` fails \
where a ratio to the baseline is more than 20 % worse than the one that the repository stores.

![Time of an item and hop, of mimo_rx and of what else one would write](benchmarks.svg)

{conditions}

## How to read it

A time is that of one item and **hop**: from one stage to the next, along one edge. *To ours* is \
the time as a multiple of the first row of mimo_rx, *to the baseline* as a multiple of what one \
would write by hand, which as a rule is tasks with an `asyncio.Queue` between each two; where \
it is empty there is no such way, and the targets below say what is compared. All \
contenders of a case take turns; what has a runtime of its own (csp, bytewax, trio) does so in a \
process of its own, whose start does not count. Each begins with nothing (no loop, no tasks, no \
workflow) and ends with the result, which is checked: nobody wins by dropping items. A first turn \
warms up, garbage is collected before each turn, and the collector stays on meanwhile. The best \
turn counts; where the median is far from it, the machine was busy. From run to run ratios differ \
by some 5 to 10 %.

Not all do the same. RxPY and streamz call from stage to stage: nothing waits, and nothing holds \
up a source that is too fast. aiostream has no buffers, so that one stage works at a time. csp \
runs in simulated time, in C++, and bytewax in Rust, here one item a batch unless it says \
otherwise. Generators are no concurrency at all: the least that stages cost in Python. Contenders \
that are much slower get fewer items a turn.

## Targets

What the project has asked of itself, met or missed.

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
    """Name those that took no part, each with the reason."""
    return ", ".join(f"{title} ({reason})" for title, reason in measured.left_out.items())


def write(
    many: Sequence[Measured], conditions: str, about: Sequence[str], folder: Path = DOCS
) -> None:
    """Write the page and its chart into `folder`."""
    (folder / "benchmarks.md").write_text(page(many, conditions), encoding="utf-8")
    (folder / "benchmarks.svg").write_text(chart(many, about), encoding="utf-8")
