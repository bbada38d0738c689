"""Items of 100 kB: no contender should copy them."""

from __future__ import annotations

from benchmarks.measure import Case, beside
from benchmarks.ways import contenders
from benchmarks.ways.common import large_total

__all__ = ["LARGE"]

LARGE = Case(
    "large",
    "Items of 100 kB",
    "Three stages, as above. The source makes each item, and the sink adds up the lengths. "
    "Full buffers use 20 MB of memory, which contenders without buffers do not need.",
    contenders(
        "large",
        ways="generators queues mimo rxpy aiostream streamz anyio trio csp bytewax",
        expected=large_total,
        hops=2,
        share=0.2,
        mimo={"against": (beside("queues"),)},
        **{
            slow: {"share": 0.1}
            for slow in ("aiostream", "streamz", "anyio", "trio", "csp", "bytewax")
        },
    ),
    baseline="queues",
)
