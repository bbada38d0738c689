"""Operators on an edge, compared with RxPY; and one whole job, with aiostream and streamz.

Chains of 1, 4 and 10 operators are placed between a stream that pushes one item at a time and a
sink. The same chains are placed between a `Subject` of RxPY that is fed in a loop and an observer.
The cost of one operator is the slope of that line: a ninth of the difference between 1 and 10. The
cost of the edge itself (push, bridge, buffer, pop) is the start of the line, without any operator.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from typing import Any

import reactivex as rx
from reactivex import operators as ops
from reactivex.subject import Subject

from benchmarks.measure import Case, Contender, Derived, at_least, at_most
from benchmarks.ways.common import THRESHOLD, doubled, summed, twice
from benchmarks.ways.mimo import sink, source
from mimo_rx import Flow, Workflow, flow

__all__ = ["EDGE", "JOB", "SLOPES"]

LENGTHS = (1, 4, 10)


def same(item: int) -> int:
    return item


def always(item: int) -> bool:
    return True


def newest(before: int, item: int) -> int:
    return item


# Each lets every item through unchanged, so the sum at the end shows whether all arrived.
KINDS: dict[str, Callable[[], Any]] = {
    "map": lambda: ops.map(same),
    "filter": lambda: ops.filter(always),
    "scan": lambda: ops.scan(newest, 0),
}


class Adder:
    """An observer that adds up."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, item: int) -> None:
        self.total += item


def into_sink(edge: Flow) -> int:
    """Run the workflow of `edge`, and return the sum of the items that come out of it."""
    last = sink(state={})
    step = edge | last
    step.workflow.start()
    total: int = last.state["total"]
    return total


def from_source(items: int) -> Flow:
    """Begin a workflow with a stream that pushes the integers below `items` one by one."""
    return flow(Workflow(threshold=THRESHOLD).add_stream(source(state={"items": items})))


def on_edge(kind: str, length: int, items: int) -> int:
    """Send `items` integers through `length` operators on an edge."""
    edge = from_source(items)
    for _ in range(length):
        edge = edge | KINDS[kind]()
    return into_sink(edge)


def behind_subject(kind: str, length: int, items: int) -> int:
    """Send `items` integers through the same operators behind a subject."""
    adder = Adder()
    subject: Subject[int] = Subject()
    subject.pipe(*(KINDS[kind]() for _ in range(length))).subscribe(adder.add)
    for item in range(items):
        subject.on_next(item)
    subject.on_completed()
    return adder.total


MAKE = partial(Contender, expected=partial(summed, 1))


def slopes() -> Iterator[Contender]:
    yield MAKE("direct", "direct edge", partial(on_edge, "map", 0), is_ours=True)
    for kind in KINDS:
        for length in LENGTHS:
            ours = partial(on_edge, kind, length)
            yield MAKE(f"{kind}-{length}", f"{length} × {kind} on an edge", ours, is_ours=True)
            yield MAKE(
                f"rxpy-{kind}-{length}",
                f"{length} × {kind} behind a subject",
                partial(behind_subject, kind, length),
            )


def slope(prefix: str, figures: Mapping[str, float]) -> float:
    """Return the time that one operator adds."""
    shortest, *_, longest = LENGTHS
    return (figures[f"{prefix}-{longest}"] - figures[f"{prefix}-{shortest}"]) / (longest - shortest)


def intercept(figures: Mapping[str, float]) -> float:
    """Return the time of an edge with operators, without that of its operators."""
    shortest = LENGTHS[0]
    return figures[f"map-{shortest}"] - shortest * figures["map"]


def derived() -> Iterator[Derived]:
    for kind in KINDS:
        yield Derived(
            f"rxpy-{kind}", f"one {kind}, RxPY behind a subject", partial(slope, f"rxpy-{kind}")
        )
        asked = (at_most(1.2, f"rxpy-{kind}"),)
        yield Derived(kind, f"one {kind} on an edge", partial(slope, kind), asked, is_ours=True)
    yield Derived(
        "edge",
        "an edge with operators, without them",
        intercept,
        (at_most(1.6, "direct"),),
        is_ours=True,
    )


SLOPES = Case(
    "operators",
    "What an operator costs, and an edge that has some",
    "The cost of one operator is the slope from 1 to 10 operators. The cost of the edge is the "
    "start of that line.",
    tuple(slopes()),
    tuple(derived()),
    is_quick=False,
)


# One operator between source and sink, compared with RxPY alone, in two ways: behind a stream that
# pushes one item at a time, and behind an iterable at the left end of `|`. The second corresponds
# to RxPY's `from_iterable`.


def with_rxpy(items: int) -> int:
    adder = Adder()
    rx.from_iterable(range(items)).pipe(ops.map(twice)).subscribe(adder.add)
    return adder.total


def behind_stream(items: int) -> int:
    return into_sink(from_source(items) | ops.map(twice))


def behind_iterable(items: int) -> int:
    last = sink(state={})
    workflow = Workflow(threshold=THRESHOLD)
    flow(range(items)) | ops.map(twice) | workflow.add_stream(last)
    workflow.start()
    total: int = last.state["total"]
    return total


ONE = partial(Contender, expected=partial(doubled, 3), share=2)
ASKED = (at_most(2.7, "rxpy"),)

EDGE = Case(
    "operator",
    "One operator between source and sink",
    "An operator that doubles integers, compared with RxPY alone.",
    (
        ONE("rxpy", "RxPY, from_iterable.pipe(map)", with_rxpy),
        ONE("mimo", "mimo_rx, source | map | sink", behind_stream, against=ASKED, is_ours=True),
        ONE(
            "mimo-iterable",
            "mimo_rx, iterable | map | sink",
            behind_iterable,
            against=ASKED,
            is_ours=True,
        ),
    ),
    baseline="rxpy",
)


# One job for all: map, filter and scan over a range, and the sum of the results.


def job_of_ours(items: int) -> int:
    return into_sink(flow(range(items)) | ops.map(same) | ops.filter(always) | ops.scan(newest, 0))


def job_of_aiostream(items: int) -> int:
    peer = import_module("aiostream")

    async def main() -> int:
        numbers = peer.stream.iterate(range(items)) | peer.pipe.map(same)
        numbers = numbers | peer.pipe.filter(always) | peer.pipe.accumulate(newest, initializer=0)
        total = 0
        async with numbers.stream() as streamer:
            async for item in streamer:
                total += item
        return total

    return asyncio.run(main())


def job_of_streamz(items: int) -> int:
    adder = Adder()
    numbers = import_module("streamz").Stream()
    numbers.map(same).filter(always).accumulate(newest, start=0).sink(adder.add)
    for item in range(items):
        numbers.emit(item)
    return adder.total


JOB = Case(
    "job",
    "range | map | filter | scan",
    "One whole job; the time is that of an item.",
    (
        MAKE(
            "mimo",
            "mimo_rx",
            job_of_ours,
            against=(at_least(4, "aiostream"), at_least(4, "streamz")),
            is_ours=True,
        ),
        MAKE("aiostream", "aiostream", job_of_aiostream, share=0.1, peer="aiostream"),
        MAKE("streamz", "streamz", job_of_streamz, share=0.1, peer="streamz"),
    ),
    is_quick=False,
)
