"""The statistics of a run: frozen records, and the table that shows them.

Shares are between 0 and 1, of the step's own life so far. All counts are items.

Rules: P11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

__all__ = [
    "EdgeStatistics",
    "Ended",
    "InputStatistics",
    "Statistics",
    "StepStatistics",
    "printable",
]

Ended = Literal["returned", "downstream", "cancelled", "failed"]
"""How a stream ended: by itself, without readers left, by a cancel, or by raising."""


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """One input of a step: how full its buffer is and was."""

    depth: int
    """Items that wait in the buffer now."""
    peak: int
    """The largest number of items that ever waited in it."""
    threshold: int
    """The bound that pushes respect, in items."""
    growth: int = 0
    """Items by which the bound was raised to resolve an artificial deadlock."""
    over: int = 0
    """Items that came in above the bound: seeds, and items that operators release by themselves."""


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """One step: its items, and how it spent its time."""

    items_in: int
    """Items taken from all its inputs."""
    items_out: int
    """Items pushed to all its outputs, whether they have readers or not."""
    busy: float
    """Share of its life in which it waited neither for items nor for room."""
    starved: float
    """Share of its life in which it waited for items."""
    backpressured: float
    """Share of its life in which it waited for room downstream."""
    seconds: float
    """Length of its life so far, in seconds of the loop's clock."""
    restarts: int = 0
    """How often a supervisor has restarted it."""
    ended: Ended | None = None
    """How it ended; None while it runs."""
    inputs: Mapping[str, InputStatistics] = field(default_factory=dict)
    """Its inputs by name."""


@dataclass(frozen=True, slots=True)
class EdgeStatistics:
    """One edge, from an output to an input."""

    source: str
    """The port that it leads from, as ``step.port``."""
    target: str
    """The port that it leads to, as ``step.port``."""
    items: int
    """Items pushed into the edge while it was connected."""
    drops: int = 0
    """Items that an overflow strategy dropped at its entry."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """A whole run: its steps by path (``outer/inner/parse``), and its edges.

    ``str()`` of it is a table for the terminal.

    Example:
        >>> from mimo_rx import Stream, flow
        >>> async def show(ins, outs, state):
        ...     async for number in ins.number:
        ...         pass
        >>> step = flow(range(250)) | Stream(["number"], fn=show)
        >>> statistics = step.workflow.start()
        >>> statistics.steps["show"].items_in
        250
        >>> statistics.edges[0]
        EdgeStatistics(source='range.item', target='show.number', items=250, drops=0)
    """

    steps: Mapping[str, StepStatistics]
    """The steps by path."""
    edges: tuple[EdgeStatistics, ...] = ()
    """The edges in the order in which they were made."""

    @property
    def bottleneck(self) -> str | None:
        """Path of the step that holds up the others; None if none does.

        Such a step is busy for at least half of the run. The steps that feed it wait for room
        rather than for items. The steps that it feeds wait for items rather than for room. At
        least one of these neighbours waits so for a tenth of its life or more. Of several such
        steps, the busiest one counts. All streams share one thread, so a step also counts as busy
        while it could go on but another step is running.
        """
        return _bottleneck(self)

    def __str__(self) -> str:
        """Return a table of the steps, with the bottleneck marked, and one of the edges."""
        return _table(self)


class _Column(NamedTuple):
    """One column: its head, its cells, and how they are laid out."""

    head: str
    cells: list[str]
    numeric: bool = True
    optional: bool = False
    """Whether it is left out when all its cells are empty."""


def _table(statistics: Statistics) -> str:
    """Return two tables: one of the steps, one of the edges and the inputs that they lead to."""
    tables = [_steps(statistics), _inputs(statistics)]
    return "\n\n".join("\n".join(_lines(table)) for table in tables if table[0].cells)


def printable(text: str) -> str:
    r"""Return `text` with its control characters escaped as Python does: ``\x1b``, ``\n``."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _bottleneck(statistics: Statistics) -> str | None:
    """Return the path of the step that holds up the others, None if none does.

    `Statistics.bottleneck` says by which rule.
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
