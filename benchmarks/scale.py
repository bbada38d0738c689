"""What must not depend on size: memory on the number of items, a hop on the length of the chain."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.jobs import sink, source
from benchmarks.measure import Contender, Target

from mimo_rx import Step, Workflow, stream

__all__ = ["CONTENDERS", "MEMORY_BOUND", "Memory", "measure_memory"]

MEMORY_BOUND = 5.0
"""What a run may add to the memory it started with, in MB (of 10⁶ bytes)."""
PAUSE = 100
"""Items between two pauses of the slow reader."""


# A chain of streams that pass on what they get, and a fan-out: as many hops through the long one as
# through the short one. Making the streams and their tasks is counted in, as it is everywhere else,
# although it is not an item's cost; so that it stays little, there are more hops than elsewhere.


@stream(ins=["item"], outs=["item"])
async def relay(ins: Any, outs: Any, state: Any) -> None:
    async for item in ins.item:
        await outs.item.push(item)


def chain(streams: int, items: int, *, threshold: int = 100) -> int:
    """Send `items` integers through a chain, from a source to a sink, of `streams` in all."""
    last = sink(state={})
    workflow = Workflow(threshold=threshold)
    step: Step = workflow.add_stream(source(state={"items": items}))
    for _ in range(streams - 2):
        step = step | relay()
    step | last
    workflow.start()
    total: int = last.state["total"]
    return total


def fan_out(readers: int, items: int) -> int:
    """Send each of `items` integers from one output to `readers` sinks; return what all got."""
    sinks = [sink(state={}) for _ in range(readers)]
    workflow = Workflow()
    workflow.add_stream(source(state={"items": items})) | sinks
    workflow.start()
    return sum(each.state["total"] for each in sinks)


def summed(times: int, items: int) -> int:
    """Return `times` times 0 + 1 + … + (items - 1)."""
    return times * (items * (items - 1) // 2)


SIZE = partial(Contender, group="size", share=5)

CONTENDERS = (
    SIZE(
        "chain-10",
        title="chain of 10 streams, per hop",
        job=partial(chain, 10),
        expected=partial(summed, 1),
        hops=9,
    ),
    SIZE(
        "chain-1000",
        title="chain of 1,000 streams, per hop",
        job=partial(chain, 1000),
        expected=partial(summed, 1),
        hops=999,
        reference="chain-10",
        target=Target(2.0),
    ),
    SIZE(
        "fan-out-10",
        title="fan-out to 10 streams, per delivery",
        job=partial(fan_out, 10),
        expected=partial(summed, 10),
        hops=10,
    ),
    SIZE(
        "fan-out-1000",
        title="fan-out to 1,000 streams, per delivery",
        job=partial(fan_out, 1000),
        expected=partial(summed, 1000),
        hops=1000,
        reference="fan-out-10",
    ),
)


@dataclass(frozen=True)
class Memory:
    """What a run took.

    Args:
        items: The integers that went through.
        megabytes: The most memory at any time of the run beyond what there was before it, in MB.
    """

    items: int
    megabytes: float

    @property
    def met(self) -> bool:
        """Whether it stayed within the bound."""
        return self.megabytes <= MEMORY_BOUND


@stream(ins=["item"])
async def slow_sink(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for item in ins.item:
        total += item
        if item % PAUSE == 0:
            await asyncio.sleep(0)
    state["total"] = total


def measure_memory(items: int, threshold: int = 100) -> Memory:
    """Run a source of `items` integers in front of a slow reader.

    ``tracemalloc`` sees every allocation of Python's, so its peak is exact and no matter of taking
    samples; it makes the run several times as slow, but changes nothing of what is allocated. The
    reader lets the loop go round now and then, which a source without a bound would use to run far
    ahead: the integers that it could keep here would fill 300 MB.

    Args:
        items: How many integers.
        threshold: The bound of the buffer between them, in items.

    Raises:
        RuntimeError: The sum of what arrived is wrong, or the reader never had the source wait.
    """
    reader = slow_sink(state={})
    workflow = Workflow(threshold=threshold)
    range(items) | workflow.add_stream(reader)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        statistics = workflow.start()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if reader.state["total"] != summed(1, items):
        raise RuntimeError(f"the slow reader added up {reader.state['total']} of {items} items")
    (record,) = statistics.steps[slow_sink.__name__].inputs.values()
    if record.peak != min(items, threshold):
        raise RuntimeError(f"the reader was not slow: at most {record.peak} items waited for it")
    return Memory(items, (peak - before) / 1e6)
