"""How the benchmarks measure: contenders take turns, and the best turn of each counts.

Disturbances (other programs, the processor's clock, the garbage collector) only add time. So the
best turn is closest to the cost of the code itself, and the median shows how far an ordinary turn
is from it. Because contenders take turns, a slow minute of the machine affects all of them alike. A
first turn, with fewer items, warms up and does not count. Garbage is collected before each turn, so
no contender pays for the garbage of another. The collector stays on during a turn, as it does in a
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
"""The warm-up turn has this many times fewer items."""


@dataclass(frozen=True)
class Against:
    """A comparison with another contender, and the target for it.

    Args:
        key: The contender to compare with; None sets a target for the figure itself.
        bound: The target: a factor, or without `key` a figure in the unit of the contender. None
            sets no target.
        is_speed: Whether the target is to be at least `bound` times as fast; otherwise it is to
            take at most `bound` times as long.
    """

    key: str | None
    bound: float | None = None
    is_speed: bool = False

    def ratio(self, mine: float, other: float) -> float:
        """Return how many times as fast it is as the other, or how many times as long it takes."""
        return other / mine if self.is_speed else mine / other

    def met(self, figure: float) -> bool | None:
        """Tell whether `figure` meets the target; None if there is no target."""
        if self.bound is None:
            return None
        return figure >= self.bound if self.is_speed else figure <= self.bound

    def is_near(self, figure: float) -> bool:
        """Tell whether `figure` is within 1 % of the target."""
        return self.bound is not None and abs(figure - self.bound) <= self.bound / 100

    def __str__(self) -> str:
        return "" if self.bound is None else f"{'≥' if self.is_speed else '≤'} {self.bound:g}"


def at_least(factor: float, key: str) -> Against:
    """Return the target to be at least `factor` times as fast as the contender `key`."""
    return Against(key, factor, is_speed=True)


def at_most(factor: float, key: str) -> Against:
    """Return the target to take at most `factor` times as long as the contender `key`."""
    return Against(key, factor)


def beside(key: str) -> Against:
    """Return a comparison with the contender `key` without a target."""
    return Against(key)


class Timed(NamedTuple):
    """A result, and the time of the part of its job that is measured, in seconds."""

    result: int
    seconds: float


@dataclass(frozen=True)
class Contender:
    """One way to do a job.

    Args:
        key: Its name within its case.
        title: Its name in the table.
        job: Does the job with the given number of items, including setup, and returns its result.
            If only a part of the job is measured, it returns a `Timed`.
        expected: Returns the right result for a number of items.
        hops: Number of edges that each item crosses; the time of an item is divided by it.
        share: Number of items in a turn, times `hops`, relative to an ordinary contender.
        against: Its comparisons.
        is_ours: Whether it is mimo_rx.
        is_whole: Whether a turn does the job once, regardless of the number of items, and the
            figure is the time of the whole job.
        peer: The package that it needs; it is left out if that is missing.
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
        """The unit of its figure: ns of an item and hop, or ms of the whole."""
        return "ms" if self.is_whole else "ns"

    def turn(self, items: int, clock: Callable[[], float] = perf_counter) -> float:
        """Take one turn.

        Args:
            items: Number of items of an ordinary contender.
            clock: Returns the time, in seconds.

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
    """A figure that is computed from those of contenders, such as a slope.

    Args:
        key: Its name within its case.
        title: Its name in the table.
        formula: Computes it from the figures by key, including the figures derived before it.
        against: Its comparisons.
        is_ours: Whether it is a figure of mimo_rx.
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
        name: Its name on the command line.
        title: Its title in the docs.
        about: A description of the job, in a sentence or two.
        contenders: The contenders, which take turns.
        derived: The figures that are computed from theirs.
        baseline: The key of the contender that is written by hand. The guard compares mimo_rx with
            it; None makes the guard skip the case.
        is_quick: Whether the quick run includes it.
        is_drawn: Whether the chart shows it.
        turns: The largest useful number of turns; None leaves it to the command line.
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
        contender: The contender.
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
"""Lets a contender take a turn with a number of items, and returns its figure."""


def warm_up(turns: Sequence[Turns], items: int, take: Take = Contender.turn) -> None:
    """Let each contender take a turn that does not count."""
    for each in turns:
        take(each.contender, max(1, items // WARM))


def take_turns(turns: Sequence[Turns], items: int, take: Take = Contender.turn) -> None:
    """Let each contender take one more turn, one after the other.

    Args:
        turns: The turns of the contenders that take part.
        items: Number of items of an ordinary turn.
        take: Lets one contender take its turn.
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
