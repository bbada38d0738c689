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
    # Each contender bounds its buffers in its own way; having no buffers is no disadvantage here.
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
    "A source of integers, a stage that doubles them, and a sink that adds them up. The buffers, "
    f"if any, hold {THRESHOLD} items.",
    (*line(3)[:1], SUMMED, *line(3)[1:]),
    baseline="queues",
    is_drawn=True,
)
TEN = Case(
    "ten",
    "Ten stages, item by item",
    "The same job with eight stages that double.",
    line(10),
    baseline="queues",
    is_drawn=True,
)
