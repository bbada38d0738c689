"""What a run tells of itself: frozen records, a line a field.

Shares are those of the step's own life so far, between 0 and 1; all counts are items.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ._table import draw, find_bottleneck

__all__ = ["EdgeStatistics", "Ended", "InputStatistics", "Statistics", "StepStatistics"]

Ended = Literal["returned", "downstream", "cancelled", "failed"]
"""How a stream ended: by itself, because nobody read it, because it was asked to, by raising."""


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """One input of a step: how full its buffer is and was."""

    depth: int
    """Items that wait in the buffer now."""
    peak: int
    """The most items that ever waited in it."""
    threshold: int
    """The bound that pushes respect, in items."""
    growth: int = 0
    """Items by which the bound was raised to leave an artificial deadlock."""
    over: int = 0
    """Items that came in above the bound: seeds, and what operators release by themselves."""


@dataclass(frozen=True, slots=True)
class StepStatistics:
    """One step: what went through it, and where its time went."""

    items_in: int
    """Items taken from all its inputs."""
    items_out: int
    """Items pushed to all its outputs, read or not."""
    busy: float
    """Share of its life in which it waited for neither side."""
    starved: float
    """Share of its life in which it waited for items."""
    backpressured: float
    """Share of its life in which it waited for room downstream."""
    seconds: float
    """Length of its life so far, in seconds of the loop's clock."""
    restarts: int = 0
    """How often a supervisor has started it again."""
    ended: Ended | None = None
    """How it ended; None while it runs."""
    inputs: Mapping[str, InputStatistics] = field(default_factory=dict)
    """Its inputs by name."""


@dataclass(frozen=True, slots=True)
class EdgeStatistics:
    """One edge, from an output to an input."""

    source: str
    """``step.port`` that it leads from."""
    target: str
    """``step.port`` that it leads to."""
    items: int
    """Items pushed into the edge while it was connected."""
    drops: int = 0
    """Items that an overflow strategy dropped at the entry of it."""


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

        It is busy for at least half of the run, those that feed it wait for room rather than for
        items, and those that it feeds for items rather than for room, one of them for at least a
        tenth of its life; of several such steps, it is the busiest. All streams share one thread:
        a step is busy too while it could go on and another one is at work.
        """
        return find_bottleneck(self)

    def __str__(self) -> str:
        """Return a table of the steps, with the bottleneck marked, and one of the edges."""
        return draw(self)
