"""The time of a hop, which must not depend on the length of a chain or the number of edges.

The chains include the time to make streams and tasks, as all other cases do. That is no cost of an
item, so there are more hops than elsewhere, to keep its part small. In the graph of up to 10,000
edges it would be most of the time. There, the clock runs from the first item to the end of the last
sink. Each chain gets the same number of items, however many chains there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from time import perf_counter
from typing import Any

from benchmarks.measure import Case, Contender, Timed, at_most
from benchmarks.ways import contenders
from benchmarks.ways.common import THRESHOLD, summed
from benchmarks.ways.mimo import relay
from mimo_rx import Step, Workflow, stream

__all__ = ["CHAINS", "EDGES"]

CONSTANT = 1.4
LENGTH = 100
"""Number of edges of a chain in the graph."""


def chains() -> Iterator[Contender]:
    for stages in (10, 100, 1000):
        made = contenders(
            "chain",
            stages,
            ways="queues mimo",
            expected=partial(summed, 1),
            hops=stages - 1,
            share=15,
            queues={"key": f"queues-{stages}", "title": f"{stages:,} tasks, asyncio.Queue"},
            mimo={
                "key": f"mimo-{stages}",
                "title": f"mimo_rx, chain of {stages:,} streams",
                "against": () if stages == 10 else (at_most(CONSTANT, "mimo-10"),),
            },
        )
        yield from made


CHAINS = Case(
    "chains",
    "Chains of 10, 100 and 1,000 stages",
    "Streams that pass their items on, between a source and a sink.",
    tuple(chains()),
    baseline="queues-10",
)


@stream(outs=["item"])
async def timed_source(ins: Any, outs: Any, state: Any) -> None:
    state.setdefault("begun", perf_counter())
    for item in range(state["items"]):
        await outs.item.push(item)


@stream(ins=["item"])
async def timed_sink(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for item in ins.item:
        total += item
    state["total"] += total
    state["ended"] = perf_counter()


def side_by_side(lines: int, items: int) -> Timed:
    """Send `items` integers through each of several chains side by side.

    Args:
        lines: Number of chains of `LENGTH` edges.
        items: Number of integers that go through each chain.
    """
    state = {"items": items, "total": 0}
    workflow = Workflow(threshold=THRESHOLD)
    for _ in range(lines):
        step: Step = workflow.add_stream(timed_source(state=state))
        for _ in range(LENGTH - 1):
            step = step | relay()
        step | timed_sink(state=state)
    workflow.start()
    return Timed(state["total"], state["ended"] - state["begun"])


def graphs() -> Iterator[Contender]:
    for lines in (1, 10, 100):
        yield Contender(
            f"edges-{lines * LENGTH}",
            f"mimo_rx, graph of {lines * LENGTH:,} edges",
            partial(side_by_side, lines),
            partial(summed, lines),
            hops=LENGTH * lines,
            share=lines / 20,
            against=() if lines == 1 else (at_most(CONSTANT, f"edges-{LENGTH}"),),
            is_ours=True,
        )


EDGES = Case(
    "edges",
    "Items through a graph of 10,000 edges",
    f"Chains of {LENGTH} edges side by side; each chain gets the same number of items, however "
    "many chains there are. The clock runs from the first item to the end of the last sink. "
    "Python's collector visits all containers of a program when their number has grown by about "
    "a fourth. With graphs of some other sizes (7,000 or 10,500 edges) one such visit falls into "
    "this time, and an item costs 1.5 times as much.",
    tuple(graphs()),
    is_quick=False,
)
