"""The same jobs in bulk: lists instead of single items."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Against, Case, Contender, at_least
from benchmarks.ways import contenders, do
from benchmarks.ways.common import doubled

__all__ = ["BULK", "TEN"]


def ours(stages: int, threshold: int, *against: Against) -> Contender:
    """Make the contender of mimo_rx with the given threshold."""
    return Contender(
        f"mimo-{threshold}",
        f"mimo_rx in bulk, threshold {threshold:,}",
        partial(do, "mimo", "line_in_bulk", stages, threshold),
        partial(doubled, stages),
        hops=stages - 1,
        share=5,
        against=against,
        is_ours=True,
    )


def others(stages: int) -> tuple[Contender, ...]:
    """Make the contenders that mimo_rx is compared with."""
    make = partial(contenders, expected=partial(doubled, stages), hops=stages - 1, share=5)
    return (
        *make("line", stages, ways="generators"),
        *make(
            "line_of_lists",
            stages,
            ways="queues",
            queues={"title": "tasks, asyncio.Queue of lists of 100"},
        ),
        *make(
            "line_in_bulk",
            stages,
            ways="bytewax",
            bytewax={"title": "bytewax, batches of 100"},
        ),
    )


BULK = Case(
    "bulk",
    "Three stages, in bulk",
    "The same job with `push_many` and `chunks`. The generators still go item by item, and show "
    "the cost of an item.",
    (
        *others(3),
        ours(3, 100, at_least(0.4, "generators")),
        ours(3, 1000, at_least(1, "generators")),
    ),
    baseline="queues",
    is_drawn=True,
)
TEN = Case(
    "ten-bulk",
    "Ten stages, in bulk",
    "The same with eight stages that double.",
    (*others(10), ours(10, 100), ours(10, 1000)),
    baseline="queues",
)
