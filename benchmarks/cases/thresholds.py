"""Small buffers and large ones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.measure import Case, at_most, beside
from benchmarks.ways import contenders
from benchmarks.ways.common import doubled

__all__ = ["THRESHOLDS"]


def of(threshold: int) -> Case:
    """Make the case of one threshold."""
    asked = at_most(1.1, "queues") if threshold == 1 else beside("queues")
    return Case(
        f"threshold-{threshold}",
        f"Threshold {threshold:,}",
        f"Three stages, item by item, buffers of {threshold:,}.",
        contenders(
            "line_at",
            3,
            threshold,
            ways="queues mimo",
            expected=partial(doubled, 3),
            hops=2,
            share=0.5 if threshold < 100 else 2,
            queues={"title": f"tasks, asyncio.Queue({threshold})"},
            mimo={"title": f"mimo_rx, threshold {threshold:,}", "against": (asked,)},
        ),
        baseline="queues",
    )


def cases() -> Iterator[Case]:
    for threshold in (1, 10, 100, 1000):
        yield of(threshold)


THRESHOLDS = tuple(cases())
