"""Workflows of mimo_rx.

`state` carries the arguments into a stream, and its result out.
"""

from __future__ import annotations

from typing import Any

from reactivex import operators as ops

from benchmarks.ways.common import SIZE, THRESHOLD, add_one
from mimo_rx import Step, Stream, Workflow, azip, flow, stream
from mimo_rx.streams import Map

__all__ = ["chain", "fan_in", "fan_out", "large", "line", "line_at", "line_in_bulk", "maps"]
__all__ += ["double", "operators", "relay", "run_line", "sink", "source", "zipped"]


@stream(outs=["item"])
async def source(ins: Any, outs: Any, state: Any) -> None:
    for item in range(state["items"]):
        await outs.item.push(item)


@stream(ins=["item"], outs=["item"])
async def double(ins: Any, outs: Any, state: Any) -> None:
    async for item in ins.item:
        await outs.item.push(item * 2)


@stream(ins=["item"], outs=["item"])
async def relay(ins: Any, outs: Any, state: Any) -> None:
    async for item in ins.item:
        await outs.item.push(item)


@stream(ins=["item"])
async def sink(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for item in ins.item:
        total += item
    state["total"] = total


def run_line(first: Stream, middle: list[Stream], last: Stream, threshold: int = THRESHOLD) -> int:
    """Run a workflow of streams in a row, and return the sum of the last one."""
    workflow = Workflow(threshold=threshold)
    step: Step = workflow.add_stream(first)
    for each in middle:
        step = step | each
    step | last
    workflow.start()
    total: int = last.state["total"]
    return total


def line(stages: int, items: int, threshold: int = THRESHOLD) -> int:
    middle = [double() for _ in range(stages - 2)]
    return run_line(source(state={"items": items}), middle, sink(state={}), threshold)


def line_at(stages: int, threshold: int, items: int) -> int:
    return line(stages, items, threshold)


def chain(stages: int, items: int, threshold: int = THRESHOLD) -> int:
    middle = [relay() for _ in range(stages - 2)]
    return run_line(source(state={"items": items}), middle, sink(state={}), threshold)


def maps(count: int, items: int) -> int:
    middle: list[Stream] = [Map(add_one) for _ in range(count)]
    return run_line(source(state={"items": items}), middle, sink(state={}))


# In bulk: each stage takes a list of the items that are there, at most `threshold`, and handles it
# with Python's own means for lists. (Generators could handle lists too. They are here to show the
# cost of an item, not as a competitor.)


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


def line_in_bulk(stages: int, threshold: int, items: int) -> int:
    first = bulk_source(state={"items": items})
    middle = [bulk_double() for _ in range(stages - 2)]
    return run_line(first, middle, bulk_sink(state={}), threshold)


# Fans and pairs


def fan_out(readers: int, items: int) -> int:
    sinks = [sink(state={}) for _ in range(readers)]
    workflow = Workflow(threshold=THRESHOLD)
    workflow.add_stream(source(state={"items": items})) | sinks
    workflow.start()
    return sum(each.state["total"] for each in sinks)


def fan_in(sources: int, items: int) -> int:
    workflow = Workflow(threshold=THRESHOLD)
    last = sink(state={})
    [workflow.add_stream(source(state={"items": items})) for _ in range(sources)] | (
        workflow.add_stream(last)
    )
    workflow.start()
    total: int = last.state["total"]
    return total


@stream(ins=["one", "other"], outs=["pair"])
async def join(ins: Any, outs: Any, state: Any) -> None:
    async for pair in azip(ins.one, ins.other):
        await outs.pair.push(pair)


@stream(ins=["pair"])
async def sum_products(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for one, other in ins.pair:
        total += one * other
    state["total"] = total


def zipped(items: int) -> int:
    last = sum_products(state={})
    workflow = Workflow(threshold=THRESHOLD)
    both = workflow.add_stream(join())
    workflow.add_stream(source(state={"items": items})) | both["one"]
    workflow.add_stream(source(state={"items": items})) | both["other"]
    both | last
    workflow.start()
    total: int = last.state["total"]
    return total


# Operators on an edge, and large items


def operators(count: int, items: int) -> int:
    last = sink(state={})
    workflow = Workflow(threshold=THRESHOLD)
    edge = flow(workflow.add_stream(source(state={"items": items})))
    for _ in range(count):
        edge = edge | ops.map(add_one)
    edge | last
    workflow.start()
    total: int = last.state["total"]
    return total


@stream(outs=["item"])
async def large_source(ins: Any, outs: Any, state: Any) -> None:
    for _ in range(state["items"]):
        await outs.item.push(bytes(SIZE))


@stream(ins=["item"])
async def sum_lengths(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for item in ins.item:
        total += len(item)
    state["total"] = total


def large(items: int) -> int:
    return run_line(large_source(state={"items": items}), [relay()], sum_lengths(state={}))
