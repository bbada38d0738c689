"""The cost of the watch for rings: a chain and a ladder of 300 streams, with it and without it.

A chain has no circle, so nothing of it is watched. In a ladder, with two ports in each stage, every
edge may be part of a ring. At threshold 1 nearly all of its streams wait nearly all of the time.
For the contender without the watch, the run takes the graph for one without a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import mimo_rx._run.run
from benchmarks.measure import Case, Contender, at_most
from benchmarks.ways import mimo
from benchmarks.ways.common import summed
from benchmarks.ways.mimo import sink, source
from mimo_rx import Workflow, azip, stream

__all__ = ["RINGS"]

STREAMS = 300
ROOM: Any = mimo_rx._run.run
"""The module whose `has_circle` tells a run whether there is anything to watch."""


@stream(ins=["item"], outs=["one", "other"])
async def split(ins: Any, outs: Any, state: Any) -> None:
    async for item in ins.item:
        await outs.one.push(item)
        await outs.other.push(item)


@stream(ins=["one", "other"], outs=["one", "other"])
async def rung(ins: Any, outs: Any, state: Any) -> None:
    async for one, other in azip(ins.one, ins.other):
        await outs.one.push(one)
        await outs.other.push(other)


@stream(ins=["one", "other"], outs=["item"])
async def close(ins: Any, outs: Any, state: Any) -> None:
    async for one, _ in azip(ins.one, ins.other):
        await outs.item.push(one)


def chain(threshold: int, items: int) -> int:
    """Send `items` integers through a chain."""
    return mimo.chain(STREAMS, items, threshold)


def ladder(threshold: int, items: int) -> int:
    """Send `items` integers up both sides of a ladder."""
    last = sink(state={})
    workflow = Workflow(threshold=threshold)
    step = workflow.add_stream(source(state={"items": items})) | split()
    for kind in [rung] * (STREAMS - 4) + [close]:
        above = workflow.add_stream(kind())
        step["one"] | above["one"]
        step["other"] | above["other"]
        step = above
    step | last
    workflow.start()
    total: int = last.state["total"]
    return total


@contextmanager
def no_watch() -> Iterator[None]:
    """Start runs without the watch during the block."""
    usual = ROOM.has_circle
    ROOM.has_circle = lambda plan: False
    try:
        yield
    finally:
        ROOM.has_circle = usual


def unwatched(job: Any, items: int) -> int:
    with no_watch():
        total: int = job(items)
    return total


def contenders() -> Iterator[Contender]:
    for name, job, hops in (("chain", chain, STREAMS - 1), ("ladder", ladder, 2 * STREAMS)):
        for threshold, share in ((1, 1), (100, 5)):
            key = f"{name}-{threshold}"
            make = partial(Contender, expected=partial(summed, 1), hops=hops, is_ours=True)
            title = f"{name} of {STREAMS} streams, threshold {threshold}"
            one = partial(job, threshold)
            yield make(
                f"unwatched-{key}", f"{title}, no watch", partial(unwatched, one), share=share
            )
            yield make(
                f"watched-{key}",
                f"{title}, watch for rings",
                one,
                share=share,
                against=(at_most(1.1, f"unwatched-{key}"),),
            )


RINGS = Case(
    "rings",
    "What the watch for rings costs",
    f"A chain and a ladder of {STREAMS} streams, with the watch and without it.",
    tuple(contenders()),
    is_quick=False,
)
