"""How the benchmarks measure: contenders take turns, and the best turn of each counts.

Disturbances (other programs, the processor's clock, the garbage collector) only ever add time, so
the best turn is the one closest to what the code itself costs. Taking turns lets a slow minute of
the machine fall on all alike. Before each turn garbage is collected, so that nobody pays for what
another one left behind; while a turn runs, the collector stays on, as it does in a program.
"""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

__all__ = ["Contender", "Target", "Turns", "machine", "take_turns"]


@dataclass(frozen=True)
class Target:
    """What the ratio of a contender to its reference is asked to be.

    Args:
        bound: The ratio, a factor.
        is_speed: Whether the contender must be at least `bound` times as fast as its reference;
            otherwise it may take at most `bound` times as long.
    """

    bound: float
    is_speed: bool = False

    def met(self, ratio: float) -> bool:
        """Tell whether `ratio` is good enough."""
        return ratio >= self.bound if self.is_speed else ratio <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.is_speed else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Contender:
    """One way to do a job.

    Args:
        key: What it is called on the command line.
        group: What it is measured together with.
        title: What the table calls it.
        job: Does the job with so many items, from nothing to its result, which is returned.
        expected: The right result for so many items.
        hops: Edges that each item crosses; the time of an item is divided by it.
        share: Items that it is given in a turn, times `hops`, as a multiple of those of others.
        reference: The key of the contender that it is compared with.
        target: What is asked of it.
        is_whole: Whether a turn does the job once, however many items others are given, and the
            time is that of all of it.
    """

    key: str
    group: str
    title: str
    job: Callable[[int], int]
    expected: Callable[[int], int]
    hops: int = 1
    share: int = 1
    reference: str | None = None
    target: Target | None = None
    is_whole: bool = False

    def turn(self, items: int) -> float:
        """Take one turn.

        Args:
            items: Items of an ordinary contender.

        Returns:
            The time of an item (and of an edge), or of the whole, in ns.

        Raises:
            RuntimeError: The result is wrong.
        """
        entering = 1 if self.is_whole else max(1, items * self.share // self.hops)
        gc.collect()
        before = perf_counter()
        result = self.job(entering)
        seconds = perf_counter() - before
        if result != self.expected(entering):
            raise RuntimeError(
                f"{self.key} came to {result}, not {self.expected(entering)}, of {entering} items"
            )
        return seconds * 1e9 / (entering * self.hops)


@dataclass
class Turns:
    """The turns that a contender has taken.

    Args:
        contender: Whose they are.
        times: Its time of an item in each turn, in ns.
    """

    contender: Contender
    times: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """The time of an item in the best turn, in ns."""
        return min(self.times)

    def ratio(self, reference: Turns) -> float:
        """Return the ratio to `reference`, in the sense of the target (without one, of time)."""
        target = self.contender.target
        if target is not None and target.is_speed:
            return reference.best / self.best
        return self.best / reference.best


def take_turns(turns: Iterable[Turns], items: int) -> None:
    """Let each take one turn more, one after the other.

    Args:
        turns: Who takes part.
        items: The items of a turn.
    """
    for each in turns:
        each.times.append(each.contender.turn(items))


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
