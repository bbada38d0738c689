"""One output to many readers, many sources to one input, and two inputs in step."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.measure import Case, beside
from benchmarks.ways import contenders
from benchmarks.ways.common import squares, summed

__all__ = ["FAN_IN", "FAN_OUT", "ZIP"]

WIDTH = 10
AGAINST = {"against": (beside("queues"),)}
OUT = partial(contenders, "fan_out", share=5)
(WIDER,) = OUT(1000, ways="mimo", expected=partial(summed, 1000), hops=1000)

FAN_OUT = Case(
    "fan-out",
    "One output to ten readers",
    "Each integer goes to all ten sinks; the time is that of one delivery. aiostream has no "
    "fan-out.",
    (
        *OUT(
            WIDTH,
            ways="queues mimo rxpy streamz anyio trio csp bytewax",
            expected=partial(summed, WIDTH),
            hops=WIDTH,
            mimo=AGAINST,
        ),
        replace(
            WIDER, key="mimo-1000", title="mimo_rx, to 1,000 readers", against=(beside("mimo"),)
        ),
    ),
    baseline="queues",
    is_drawn=True,
)
FAN_IN = Case(
    "fan-in",
    "Ten sources to one reader",
    "Ten sources of integers, and one sink that adds up all of them.",
    contenders(
        "fan_in",
        WIDTH,
        ways="queues mimo rxpy aiostream streamz anyio trio csp bytewax",
        expected=partial(summed, WIDTH),
        hops=WIDTH,
        share=2,
        mimo=AGAINST,
    ),
    baseline="queues",
    is_drawn=True,
)
ZIP = Case(
    "zip",
    "A zip of two",
    "Two sources of integers, a stage that makes pairs of them, and a sink that adds up the "
    "products. Each pair takes three hops. bytewax has no zip.",
    contenders(
        "zipped",
        ways="generators queues mimo rxpy aiostream streamz anyio trio csp",
        expected=squares,
        hops=3,
        share=2,
        mimo=AGAINST,
    ),
    baseline="queues",
    is_drawn=True,
)
