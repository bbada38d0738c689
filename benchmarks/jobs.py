"""The three-stage job and the operator edge, done in each of the ways that are compared.

The job: a source of the integers below n, a stage that doubles them, a sink that adds them up. Each
way is written as its own documentation would have it, without tricks: nobody binds methods to local
names, and nobody leaves out what a program could not. All begin with nothing (no loop, no tasks, no
workflow) and end with the sum, so that what it takes to set up and to clean up is counted in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import reactivex as rx
from benchmarks.measure import Contender, Target
from reactivex import operators as ops

from mimo_rx import Stream, Workflow, flow, stream

__all__ = ["CONTENDERS", "THRESHOLD"]

THRESHOLD = 100
"""The bound of each buffer and queue, in items."""


def doubled_sum(items: int) -> int:
    """Return what the job must come to: twice 0 + 1 + … + (items - 1)."""
    return items * (items - 1)


def twice(number: int) -> int:
    """Double a number, as a function that operators take."""
    return number * 2


# Plain generators: no concurrency and no buffers at all, the least that three stages can cost in
# Python. It is what the job in bulk is measured against. The sink is the loop that the other ways
# have too; since Python has a function for just this sink, the table shows that as well.


def numbers(items: int) -> Iterator[int]:
    yield from range(items)


def doubles(items: Iterable[int]) -> Iterator[int]:
    for item in items:
        yield item * 2


def with_generators(items: int) -> int:
    total = 0
    for item in doubles(numbers(items)):
        total += item
    return total


def with_generators_and_sum(items: int) -> int:
    return sum(doubles(numbers(items)))


# Three tasks and a bounded queue between each two: what one would write without a library. An
# object of our own marks the end, which is the usual way and the cheapest: `join` and `task_done`
# would cost more, and `Queue.shutdown` needs Python 3.13.

Numbers = asyncio.Queue[Any]
END = object()


async def put_numbers(items: int, target: Numbers) -> None:
    for item in range(items):
        await target.put(item)
    await target.put(END)


async def put_doubles(source: Numbers, target: Numbers) -> None:
    while (item := await source.get()) is not END:
        await target.put(item * 2)
    await target.put(END)


async def sum_queue(source: Numbers) -> int:
    total = 0
    while (item := await source.get()) is not END:
        total += item
    return total


async def run_queues(items: int) -> int:
    first: Numbers = asyncio.Queue(THRESHOLD)
    second: Numbers = asyncio.Queue(THRESHOLD)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(put_numbers(items, first))
        tasks.create_task(put_doubles(first, second))
        total = tasks.create_task(sum_queue(second))
    return total.result()


def with_queues(items: int) -> int:
    return asyncio.run(run_queues(items))


# The workflow, one item per push. `state` is how a stream is told what to do and how it tells what
# came of it.


@stream(outs=["item"])
async def source(ins: Any, outs: Any, state: Any) -> None:
    for item in range(state["items"]):
        await outs.item.push(item)


@stream(ins=["item"], outs=["item"])
async def double(ins: Any, outs: Any, state: Any) -> None:
    async for item in ins.item:
        await outs.item.push(item * 2)


@stream(ins=["item"])
async def sink(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for item in ins.item:
        total += item
    state["total"] = total


def with_workflow(items: int) -> int:
    return run_stages(source(state={"items": items}), double(), sink(state={}), THRESHOLD)


def run_stages(first: Stream, middle: Stream, last: Stream, threshold: int) -> int:
    """Run a workflow of three streams, and return what the last one added up."""
    workflow = Workflow(threshold=threshold)
    workflow.add_stream(first) | middle | last
    workflow.start()
    total: int = last.state["total"]
    return total


# The workflow in bulk: each stage handles a list of what is there, at most `threshold` items, with
# what Python has for lists. (The generators could be made to handle lists too; they are here as the
# measure of what an item costs, not as a rival.)


@stream(outs=["item"])
async def bulk_source(ins: Any, outs: Any, state: Any) -> None:
    await outs.item.push_many(range(state["items"]))


@stream(ins=["item"], outs=["item"])
async def bulk_double(ins: Any, outs: Any, state: Any) -> None:
    async for chunk in ins.item.chunks():
        await outs.item.push_many([item * 2 for item in chunk])


@stream(ins=["item"])
async def bulk_sink(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for chunk in ins.item.chunks():
        total += sum(chunk)
    state["total"] = total


def in_bulk(threshold: int, items: int) -> int:
    first = bulk_source(state={"items": items})
    return run_stages(first, bulk_double(), bulk_sink(state={}), threshold)


# An operator between source and sink, against RxPY by itself. There `subscribe` runs the whole of
# it before it returns: no tasks, no buffers, no back-pressure, a call for each item and stage.


def with_rxpy(items: int) -> int:
    total = 0

    def add(item: int) -> None:
        nonlocal total
        total += item

    rx.from_iterable(range(items)).pipe(ops.map(twice)).subscribe(add)
    return total


# The same on an edge, twice: behind a stream that pushes one item at a time, and behind an iterable
# that stands at the left end of `|`, which is what RxPY's `from_iterable` corresponds to.


def behind_stream(items: int) -> int:
    last = sink(state={})
    workflow = Workflow(threshold=THRESHOLD)
    workflow.add_stream(source(state={"items": items})) | ops.map(twice) | last
    workflow.start()
    total: int = last.state["total"]
    return total


def behind_iterable(items: int) -> int:
    last = sink(state={})
    workflow = Workflow(threshold=THRESHOLD)
    flow(range(items)) | ops.map(twice) | workflow.add_stream(last)
    workflow.start()
    total: int = last.state["total"]
    return total


JOB = partial(Contender, group="job", expected=doubled_sum)
OPERATORS = partial(Contender, group="operators", expected=doubled_sum)

CONTENDERS = (
    JOB("generators", title="generators", job=with_generators),
    JOB(
        "generators-sum",
        title="generators, sum() as the sink",
        job=with_generators_and_sum,
        reference="generators",
    ),
    JOB("queues", title=f"3 tasks, asyncio.Queue({THRESHOLD})", job=with_queues),
    JOB(
        "workflow",
        title="workflow, one item per push",
        job=with_workflow,
        reference="queues",
        target=Target(2.3, is_speed=True),
    ),
    JOB(
        "bulk-100",
        title="workflow in bulk, threshold 100",
        job=partial(in_bulk, 100),
        reference="generators",
        target=Target(3.0),
    ),
    JOB(
        "bulk-1000",
        title="workflow in bulk, threshold 1,000",
        job=partial(in_bulk, 1000),
        reference="generators",
        target=Target(1.2),
    ),
    OPERATORS("rxpy", title="RxPY, from_iterable.pipe(map)", job=with_rxpy),
    OPERATORS(
        "operator",
        title="workflow, source | map | sink",
        job=behind_stream,
        reference="rxpy",
        target=Target(2.7),
    ),
    OPERATORS(
        "operator-iterable",
        title="workflow, iterable | map | sink",
        job=behind_iterable,
        reference="rxpy",
        target=Target(2.7),
    ),
)
