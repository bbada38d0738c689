"""Ten functions in a row: as ``Map`` streams, and as operators on one edge."""

from __future__ import annotations

from functools import partial

from benchmarks.measure import Case, beside
from benchmarks.ways import contenders
from benchmarks.ways.common import incremented

__all__ = ["MAPS", "OPERATORS"]

COUNT = 10

MAPS = Case(
    "maps",
    "Ten Map streams",
    "A source, ten ready-made streams that each call a function, and a sink. In aiostream, streamz "
    "and RxPY, a stage is an operator.",
    contenders(
        "maps",
        COUNT,
        ways="queues mimo",
        expected=partial(incremented, COUNT),
        hops=COUNT + 1,
        share=2,
        queues={"title": "tasks that call it, asyncio.Queue"},
        mimo={"title": "mimo_rx, Map", "against": (beside("queues"),)},
    )
    + contenders(
        "operators",
        COUNT,
        ways="rxpy aiostream streamz",
        expected=partial(incremented, COUNT),
        hops=COUNT + 1,
        share=2,
    ),
    baseline="queues",
    is_drawn=True,
)
OPERATORS = Case(
    "ten-operators",
    "Ten operators on one edge",
    "A source, ten functions that add one to an integer, and a sink. The time is that of an item "
    "and all ten functions. The queues have one stage, which calls the functions in a loop.",
    contenders(
        "operators",
        COUNT,
        ways="generators queues mimo rxpy aiostream streamz csp bytewax",
        expected=partial(incremented, COUNT),
        share=0.5,
        mimo={"against": (beside("rxpy"),)},
    ),
    baseline="queues",
    is_drawn=True,
)
