"""Memory, which must not depend on the number of items."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from benchmarks.measure import Against, Case, Contender
from benchmarks.ways.common import summed
from mimo_rx import Workflow, stream

__all__ = ["BOUND", "MEMORY", "measure_memory"]

BOUND = 5.0
"""The most memory that a run may add to that at its start, in MB (of 10⁶ bytes)."""
PAUSE = 100
"""Number of items between two pauses of the slow reader."""


@stream(ins=["item"])
async def slow_sink(ins: Any, outs: Any, state: Any) -> None:
    total = 0
    async for item in ins.item:
        total += item
        if item % PAUSE == 0:
            await asyncio.sleep(0)
    state["total"] = total


def measure_memory(items: int, threshold: int = 100) -> float:
    """Run a source of `items` integers in front of a slow reader.

    ``tracemalloc`` sees every allocation of Python's, so its peak is exact and does not depend on
    sampling. It makes the run several times as slow, but does not change the allocations. The
    reader regularly lets the loop run. A source without a bound would then run far ahead: the ten
    million integers that it could keep here would fill 300 MB.

    Args:
        items: Number of integers.
        threshold: The bound of the buffer between the two, in items.

    Returns:
        The most memory at any time of the run, beyond the memory before it, in MB.

    Raises:
        RuntimeError: The sum of the items is wrong, or the reader never made the source wait.
    """
    warm = Workflow()
    range(1) | warm.add_stream(slow_sink(state={}))
    warm.start()  # the first run imports what runs need
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
    return (peak - before) / 1e6


@dataclass(frozen=True)
class Memory(Contender):
    """A contender whose figure is the memory that it takes, in MB."""

    @property
    def unit(self) -> str:
        """The unit of its figure."""
        return "MB"

    def turn(self, items: int, clock: Callable[[], float] = perf_counter) -> float:
        """Take one turn, and return its memory in MB; it checks its result itself."""
        return measure_memory(max(1, round(items * self.share)))


MEMORY = Case(
    "memory",
    "Memory",
    "A source in front of a slower reader, with 50 times the items of the other cases.",
    (
        Memory(
            "mimo",
            "mimo_rx, memory of a run",
            lambda items: 0,
            lambda items: 0,
            share=50,
            against=(Against(None, BOUND),),
            is_ours=True,
        ),
    ),
    is_quick=False,
    turns=1,
)
