"""Items one by one through three stages, and through ten."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Case, Contender, at_least, beside
from benchmarks.ways import contenders, do
from benchmarks.ways.common import THRESHOLD, doubled

__all__ = ["TEN", "THREE"]

ALL = "generators queues mimo rxpy aiostream streamz anyio trio csp bytewax"
SUMMED = Contender(
    "generators-sum",
    "generators, sum() as the sink",
    partial(do, "generators", "line_summed", 3),
    partial(doubled, 3),
    hops=2,
    share=2,
    against=(beside("generators"),),
)


def line(stages: int) -> tuple[Contender, ...]:
    """Make the contenders of a line of stages."""
    # Each has its way with the bound of its buffers: what has none is no worse for it.
    return contenders(
        "line",
        stages,
        ways=ALL,
        expected=partial(doubled, stages),
        hops=stages - 1,
        share=2,
        mimo={
            "against": (
                at_least(2.6, "queues"),
                at_least(6, "aiostream"),
                at_least(9, "streamz"),
                at_least(35, "anyio"),
                beside("rxpy"),
            )
        }
        if stages == 3
        else {"against": (beside("queues"),)},
    )


THREE = Case(
    "three",
    "Three stages, item by item",
    "A source of integers, a stage that doubles them, a sink that adds them up; buffers of "
    f"{THRESHOLD} items where there are any.",
    (*line(3)[:1], SUMMED, *line(3)[1:]),
    baseline="queues",
    is_drawn=True,
)
TEN = Case(
    "ten",
    "Ten stages, item by item",
    "The same with eight stages that double.",
    line(10),
    baseline="queues",
    is_drawn=True,
)
