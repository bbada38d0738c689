"""How the benchmarks measure: contenders take turns, and the best turn of each counts.

Disturbances (other programs, the processor's clock, the garbage collector) only ever add time, so
the best turn is the one closest to what the code itself costs; the median tells how far an ordinary
one is from it. Taking turns lets a slow minute of the machine fall on all alike. A first turn, with
fewer items, warms up and does not count. Before each turn garbage is collected, so that nobody pays
for what another one left behind; while a turn runs, the collector stays on, as it does in a
program.
"""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

__all__ = [
    "Against",
    "Case",
    "Contender",
    "Derived",
    "Timed",
    "Turns",
    "at_least",
    "at_most",
    "beside",
    "machine",
    "take_turns",
    "warm_up",
]

WARM = 10
"""The turn that warms up has so many times fewer items."""


@dataclass(frozen=True)
class Against:
    """What something is compared with, and what is asked of the ratio.

    Args:
        key: The contender that it is compared with; None: the figure itself is what is asked.
        bound: What is asked: a factor, or with no `key` a figure in the unit of the contender;
            None: nothing.
        is_speed: Whether to be at least `bound` times as fast; otherwise to take at most `bound`
            times as long.
    """

    key: str | None
    bound: float | None = None
    is_speed: bool = False

    def ratio(self, mine: float, other: float) -> float:
        """Return how many times as fast as the other it is, or how many times as long it takes."""
        return other / mine if self.is_speed else mine / other

    def met(self, figure: float) -> bool | None:
        """Tell whether `figure` is good enough; None where nothing is asked."""
        if self.bound is None:
            return None
        return figure >= self.bound if self.is_speed else figure <= self.bound

    def is_near(self, figure: float) -> bool:
        """Tell whether `figure` is within a hundredth of what is asked."""
        return self.bound is not None and abs(figure - self.bound) <= self.bound / 100

    def __str__(self) -> str:
        return "" if self.bound is None else f"{'≥' if self.is_speed else '≤'} {self.bound:g}"


def at_least(factor: float, key: str) -> Against:
    """Ask to be at least `factor` times as fast as the contender `key`."""
    return Against(key, factor, is_speed=True)


def at_most(factor: float, key: str) -> Against:
    """Ask to take at most `factor` times as long as the contender `key`."""
    return Against(key, factor)


def beside(key: str) -> Against:
    """Show the ratio of the times to that of the contender `key`, and ask nothing."""
    return Against(key)


class Timed(NamedTuple):
    """A result, and the seconds of the part of its job that is the subject."""

    result: int
    seconds: float


@dataclass(frozen=True)
class Contender:
    """One way to do a job.

    Args:
        key: What it is called within its case.
        title: What the table calls it.
        job: Does the job with so many items, from nothing to its result, which is returned. Where
            what is around the job is not the subject, it returns a `Timed`.
        expected: The right result for so many items.
        hops: Edges that each item crosses; the time of an item is divided by it.
        share: Items that it is given in a turn, times `hops`, as a multiple of those of others.
        against: What it is compared with.
        is_ours: Whether it is mimo_rx.
        is_whole: Whether a turn does the job once, however many items others are given, and the
            time is that of all of it.
        peer: The package that it needs; without it, it is left out.
        is_elsewhere: Whether it has a runtime of its own, and so a process of its own.
    """

    key: str
    title: str
    job: Callable[[int], int | Timed]
    expected: Callable[[int], int]
    hops: int = 1
    share: float = 1
    against: tuple[Against, ...] = ()
    is_ours: bool = False
    is_whole: bool = False
    peer: str | None = None
    is_elsewhere: bool = False

    @property
    def unit(self) -> str:
        """The unit of its figure: of an item and hop, or of the whole."""
        return "ms" if self.is_whole else "ns"

    def turn(self, items: int, clock: Callable[[], float] = perf_counter) -> float:
        """Take one turn.

        Args:
            items: Items of an ordinary contender.
            clock: Tells the time, in seconds.

        Returns:
            The time of an item and hop in ns, or of the whole in ms.

        Raises:
            RuntimeError: The result is wrong.
        """
        entering = 1 if self.is_whole else max(1, round(items * self.share) // self.hops)
        gc.collect()
        before = clock()
        result = self.job(entering)
        seconds = clock() - before
        if isinstance(result, Timed):
            result, seconds = result
        if result != self.expected(entering):
            raise RuntimeError(
                f"{self.key} came to {result}, not {self.expected(entering)}, of {entering} items"
            )
        return seconds * 1e3 if self.is_whole else seconds * 1e9 / (entering * self.hops)


@dataclass(frozen=True)
class Derived:
    """A figure that is worked out from those of contenders, such as a slope.

    Args:
        key: What it is called within its case.
        title: What the table calls it.
        formula: Works it out from the figures by key; those derived before it are there as well.
        against: What it is compared with.
        is_ours: Whether it is one of mimo_rx.
    """

    key: str
    title: str
    formula: Callable[[Mapping[str, float]], float]
    against: tuple[Against, ...] = ()
    is_ours: bool = False


@dataclass(frozen=True)
class Case:
    """Contenders that are measured together.

    Args:
        name: What it is called on the command line.
        title: What the docs call it.
        about: What is done, in a sentence or two.
        contenders: Who takes turns.
        derived: What is worked out from their figures.
        baseline: The key of what one would write by hand, which the guard compares ours with; None:
            the guard leaves the case alone.
        is_quick: Whether the quick run has it.
        is_drawn: Whether the chart has it.
        turns: The most turns that make sense, where that is not left to the command line.
    """

    name: str
    title: str
    about: str
    contenders: tuple[Contender, ...]
    derived: tuple[Derived, ...] = ()
    baseline: str | None = None
    is_quick: bool = True
    is_drawn: bool = False
    turns: int | None = None


@dataclass
class Turns:
    """The turns that a contender has taken.

    Args:
        contender: Whose they are.
        figures: Its figure in each turn.
    """

    contender: Contender
    figures: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The figure of the best turn."""
        return min(self.figures)

    @property
    def median(self) -> float:
        """The median of the figures of all turns."""
        return median(self.figures)


Take = Callable[[Contender, int], float]
"""Lets a contender take a turn with so many items, and returns its figure."""


def warm_up(turns: Sequence[Turns], items: int, take: Take = Contender.turn) -> None:
    """Let each take a turn that does not count."""
    for each in turns:
        take(each.contender, max(1, items // WARM))


def take_turns(turns: Sequence[Turns], items: int, take: Take = Contender.turn) -> None:
    """Let each take one turn more, one after the other.

    Args:
        turns: Who takes part.
        items: The items of a turn.
        take: Lets one of them take its turn.
    """
    for each in turns:
        each.figures.append(take(each.contender, items))


def machine() -> str:
    """Describe the machine in a line: processor, cores, Python, system."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"{_processor()}, {os.cpu_count()} cores; {python}; {system}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown processor"
