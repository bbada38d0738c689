"""The statistics of a run as a table for the terminal, and the step that holds up the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._statistics import EdgeStatistics, InputStatistics, Statistics, StepStatistics

__all__ = ["draw", "find_bottleneck", "printable"]


class _Column(NamedTuple):
    """One column: its head, its cells, and how they are laid out."""

    head: str
    cells: list[str]
    numeric: bool = True
    optional: bool = False
    """Whether it is left out where it says nothing."""


def draw(statistics: Statistics) -> str:
    """Return two tables, one of the steps and one of the edges and the inputs that they lead to."""
    tables = [_steps(statistics), _inputs(statistics)]
    return "\n\n".join("\n".join(_lines(table)) for table in tables if table[0].cells)


def printable(text: str) -> str:
    r"""Return `text` with its control characters escaped as Python does: ``\x1b``, ``\n``."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def find_bottleneck(statistics: Statistics) -> str | None:
    """Return the path of the step that holds up the others, None if none does.

    It is busy for at least half of the run, and meanwhile the steps that feed it wait for room
    rather than for items, and those that it feeds the other way round; one of them does so for a
    tenth of its life and more. Of several such steps it is the busiest one.
    """
    steps = statistics.steps
    before: dict[str, set[str]] = {path: set() for path in steps}
    after: dict[str, set[str]] = {path: set() for path in steps}
    for edge in statistics.edges:
        source, target = (end.rpartition(".")[0] for end in (edge.source, edge.target))
        if source in steps and target in steps and source != target:
            before[target].add(source)
            after[source].add(target)
    busy = {path: step.busy * step.seconds for path, step in steps.items()}
    half = max((step.seconds for step in steps.values()), default=0.0) / 2
    holding = []
    for path in steps:
        behind, ahead = (
            [steps[each] for each in before[path]],
            [steps[each] for each in after[path]],
        )
        part = busy[path] / 2
        waits = [step.backpressured for step in behind] + [step.starved for step in ahead]
        if (
            busy[path] >= half
            and max(waits, default=0.0) >= 0.1
            and all((step.starved - step.backpressured) * step.seconds < part for step in behind)
            and all((step.backpressured - step.starved) * step.seconds < part for step in ahead)
        ):
            holding.append(path)
    return max(holding, key=busy.__getitem__, default=None)


def _steps(statistics: Statistics) -> list[_Column]:
    steps: list[StepStatistics] = list(statistics.steps.values())
    marked = statistics.bottleneck
    return [
        _Column("step", [printable(path) for path in statistics.steps], numeric=False),
        _Column("items in", [f"{step.items_in:,}" for step in steps]),
        _Column("items out", [f"{step.items_out:,}" for step in steps]),
        _Column("busy", [f"{step.busy:.0%}" for step in steps]),
        _Column("starved", [f"{step.starved:.0%}" for step in steps]),
        _Column("back-pressured", [f"{step.backpressured:.0%}" for step in steps]),
        _Column("seconds", [f"{step.seconds:,.3f}" for step in steps]),
        _Column("restarts", [_count(step.restarts) for step in steps], optional=True),
        _Column("ended", [step.ended or "running" for step in steps], numeric=False),
        _Column(
            "",
            ["<- bottleneck" if path == marked else "" for path in statistics.steps],
            numeric=False,
            optional=True,
        ),
    ]


def _inputs(statistics: Statistics) -> list[_Column]:
    inputs = {
        f"{path}.{name}": each
        for path, step in statistics.steps.items()
        for name, each in step.inputs.items()
    }
    rows: list[tuple[EdgeStatistics, InputStatistics | None]] = []
    told: set[str] = set()
    for edge in statistics.edges:
        rows.append((edge, None if edge.target in told else inputs.get(edge.target)))
        told.add(edge.target)
    edges = [edge for edge, _ in rows]
    of = [each for _, each in rows]
    return [
        _Column("edge", [printable(f"{e.source} -> {e.target}") for e in edges], numeric=False),
        _Column("items", [f"{edge.items:,}" for edge in edges]),
        _Column("drops", [_count(edge.drops) for edge in edges], optional=True),
        _Column(
            "waiting", ["" if each is None else _count(each.depth) for each in of], optional=True
        ),
        _Column("peak", ["" if each is None else f"{each.peak:,}" for each in of]),
        _Column("threshold", ["" if each is None else f"{each.threshold:,}" for each in of]),
        _Column("over", ["" if each is None else _count(each.over) for each in of], optional=True),
        _Column(
            "growth", ["" if each is None else _count(each.growth) for each in of], optional=True
        ),
    ]


def _count(number: int) -> str:
    return f"{number:,}" if number else ""


def _lines(columns: Sequence[_Column]) -> Iterable[str]:
    shown = [each for each in columns if not each.optional or any(each.cells)]
    widths = [max(map(len, (each.head, *each.cells))) for each in shown]
    rows = [[each.head for each in shown], *zip(*(each.cells for each in shown), strict=True)]
    for row in rows:
        cells = (
            text.rjust(width) if each.numeric else text.ljust(width)
            for text, width, each in zip(row, widths, shown, strict=True)
        )
        yield "  ".join(cells).rstrip()
