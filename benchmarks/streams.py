"""The ready-made streams, each compared with the code that one would write without it.

A chain is compared with the same loops by hand; calls that wait with the ideal and aiostream; calls
in processes with one core and a bare pool; lines with a plain loop over the file; a merge with
``heapq.merge``.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import heapq
import multiprocessing
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from benchmarks.measure import Against, Case, Contender, at_least, at_most, beside
from mimo_rx import Workflow, flow, stream, streams
from mimo_rx.streams import Map

__all__ = ["STREAMS"]


@stream(ins=["item"])
async def count(ins: Any, outs: Any, state: Any) -> None:
    """Count items."""
    total = 0
    async for chunk in ins.item.chunks():
        total += len(chunk)
    state["total"] = total


def counted(chain: Any) -> int:
    """Run `chain` to its end, and return the number of items that it delivered."""
    last = count(state={})
    step = chain | last
    step.workflow.start()
    total: int = last.state["total"]
    return total


def as_many(items: int) -> int:
    return items


# Three plain functions and batches of a hundred: as ready-made streams, and as loops by hand.

BATCH = 100


def twice(number: int) -> int:
    return number * 2


@stream(ins=["item"], outs=["item"])
async def double_each(ins: Any, outs: Any, state: Any) -> None:
    async for item in ins.item:
        await outs.item.push(twice(item))


@stream(ins=["item"], outs=["item"])
async def batches(ins: Any, outs: Any, state: Any) -> None:
    batch = []
    async for item in ins.item:
        batch.append(item)
        if len(batch) == BATCH:
            await outs.item.push(batch)
            batch = []
    if batch:
        await outs.item.push(batch)


def by_hand(items: int) -> int:
    return counted(flow(range(items)) | double_each() | double_each() | double_each() | batches())


def ready_made(items: int) -> int:
    chain = flow(range(items)) | Map(twice) | Map(twice) | Map(twice)
    return counted(chain | streams.Batch(BATCH))


def of_batches(items: int) -> int:
    return -(-items // BATCH)


# A hundred calls at a time, each of which waits for 10 ms.

WAITS = 10_000
AT_ONCE = 100
SECONDS = 0.01


async def wait(number: int, *_: object) -> int:
    await asyncio.sleep(SECONDS)
    return number


def ideal(_: int) -> int:
    time.sleep(WAITS // AT_ONCE * SECONDS)
    return WAITS


def waits_mapped(ordered: bool, _: int) -> int:
    return counted(flow(range(WAITS)) | Map(wait, concurrency=AT_ONCE, ordered=ordered))


def waits_aiostream(ordered: bool, _: int) -> int:
    from aiostream import pipe
    from aiostream import stream as aio

    async def run() -> int:
        total = 0
        mapped: Any = pipe.map  # its types reject a call that its documentation shows
        chain: Any = aio.iterate(range(WAITS)) | mapped(wait, ordered=ordered, task_limit=AT_ONCE)
        async with chain.stream() as results:
            async for _ in results:
                total += 1
        return total

    return asyncio.run(run())


# A function that keeps a core busy for about 1 ms.

CALLS = 4_000


def sum_up_to(count: int) -> int:
    total = 0
    for number in range(count):
        total += number
    return total


@cache
def millisecond() -> int:
    """Return the count for which :func:`sum_up_to` takes 1 ms on this machine."""
    least = min(_seconds(partial(sum_up_to, 100_000)) for _ in range(20))
    return int(100_000 * 0.001 / least)


def _seconds(work: Callable[[], object]) -> float:
    before = perf_counter()
    work()
    return perf_counter() - before


def one_core(_: int) -> int:
    return sum(1 for each in [millisecond()] * CALLS if sum_up_to(each))


def in_processes(concurrency: int, _: int) -> int:
    stage = Map(sum_up_to, executor="processes", concurrency=concurrency)
    return counted(flow([millisecond()] * CALLS) | stage)


def bare_pool(chunk: int, _: int) -> int:
    methods = multiprocessing.get_all_start_methods()
    method = "forkserver" if "forkserver" in methods else "spawn"
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
        results = pool.map(sum_up_to, [millisecond()] * CALLS, chunksize=chunk)
        return sum(1 for _ in results)


# A file of 200 MB, of lines of 50 to 150 characters.

MEGABYTES = 200
MEMORY_BOUND = 30.0
"""The most memory that reading the file may take at any time, in MB."""


@cache
def big_file() -> tuple[Path, int]:
    """Make the file, which is removed at exit; return its path and its number of lines."""
    folder = TemporaryDirectory()
    atexit.register(folder.cleanup)
    path = Path(folder.name) / "lines.txt"
    block = "".join("x" * (50 + number * 37 % 101) + "\n" for number in range(10_000))
    times = MEGABYTES * 1_000_000 // len(block)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(times):
            file.write(block)
    return path, times * 10_000


def lines_plainly(_: int) -> int:
    total = 0
    with big_file()[0].open(encoding="utf-8") as file:
        for _line in file:
            total += 1
    return total


def lines_read(_: int) -> int:
    return counted(streams.ReadLines(str(big_file()[0])))


def lines_there(_: int) -> int:
    return big_file()[1]


@dataclass(frozen=True)
class Memory(Contender):
    """Read the file again, tracing every allocation of Python's; its figure is in MB."""

    @property
    def unit(self) -> str:
        """The unit of its figure."""
        return "MB"

    def turn(self, items: int, clock: Callable[[], float] = perf_counter) -> float:
        """Take one turn, and return its memory in MB."""
        lines = lines_there(0)
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            read = lines_read(0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        if read != lines:
            raise RuntimeError(f"{read} lines were read of {lines}")
        return (peak - before) / 1e6


# Eight sorted inputs.

INPUTS = 8


def sorted_inputs(items: int) -> list[range]:
    return [range(first, items, INPUTS) for first in range(INPUTS)]


def merged_plainly(items: int) -> int:
    return sum(1 for _ in heapq.merge(*sorted_inputs(items)))


def merged(items: int) -> int:
    names = [f"in{number}" for number in range(INPUTS)]
    workflow = Workflow()
    step = workflow.add_stream(streams.MergeSorted(*names))
    for name, numbers in zip(names, sorted_inputs(items), strict=True):
        flow(numbers) | step[name]
    return counted(step)


# The cases

WAITING = partial(Contender, expected=lambda _: WAITS, is_whole=True)
BUSY = partial(Contender, expected=lambda _: CALLS, is_whole=True)
LINES = partial(Contender, expected=lines_there, is_whole=True)
TWO_WAYS = ((True, "", ""), (False, "-unordered", ", ordered=False"))

STREAMS = (
    Case(
        "map-chain",
        "Three Maps and a Batch",
        "Three plain functions and batches of a hundred; the time is that of an item. Ready-made "
        "streams move bursts, the hand-written ones go item by item.",
        (
            Contender(
                "by-hand", "mimo_rx, the same four streams written by hand", by_hand, of_batches
            ),
            Contender(
                "mimo",
                "mimo_rx, Map | Map | Map | Batch",
                ready_made,
                of_batches,
                against=(at_most(1.5, "by-hand"),),
                is_ours=True,
            ),
        ),
        is_quick=False,
    ),
    Case(
        "map-waits",
        "Calls that wait",
        f"{WAITS:,} calls of {SECONDS:g} s each, {AT_ONCE} at a time.",
        (
            WAITING("ideal", "the ideal", ideal),
            *(
                WAITING(
                    f"mimo{suffix}",
                    f"mimo_rx, Map(concurrency={AT_ONCE}{words})",
                    partial(waits_mapped, ordered),
                    against=(at_least(0.9, "ideal"),),
                    is_ours=True,
                )
                for ordered, suffix, words in TWO_WAYS
            ),
            *(
                WAITING(
                    f"aiostream{suffix}",
                    f"aiostream, map(task_limit={AT_ONCE}{words})",
                    partial(waits_aiostream, ordered),
                    against=(beside("ideal"),),
                    peer="aiostream",
                )
                for ordered, suffix, words in TWO_WAYS
            ),
        ),
        is_quick=False,
    ),
    Case(
        "map-processes",
        "Calls that compute",
        f"{CALLS:,} calls that keep a core busy for about 1 ms each.",
        (
            BUSY("loop", "a plain loop", one_core),
            BUSY(
                "mimo-one",
                'mimo_rx, Map(executor="processes", concurrency=1)',
                partial(in_processes, 1),
                against=(beside("loop"),),
                is_ours=True,
            ),
            BUSY(
                "mimo",
                'mimo_rx, Map(executor="processes", concurrency=2)',
                partial(in_processes, 2),
                against=(at_least(1.7, "mimo-one"), Against("loop", None, is_speed=True)),
                is_ours=True,
            ),
            *(
                BUSY(
                    f"pool-{chunk}",
                    f"ProcessPoolExecutor(2).map(chunksize={chunk})",
                    partial(bare_pool, chunk),
                    against=(Against("loop", None, is_speed=True),),
                )
                for chunk in (1, 10)
            ),
        ),
        is_quick=False,
    ),
    Case(
        "read-lines",
        "Lines of a file",
        f"The job counts the lines of a file of {MEGABYTES} MB, of 50 to 150 characters each.",
        (
            LINES("loop", "for line in open(...)", lines_plainly),
            LINES(
                "mimo",
                "mimo_rx, ReadLines",
                lines_read,
                against=(at_least(0.5, "loop"),),
                is_ours=True,
            ),
        ),
        is_quick=False,
    ),
    Case(
        "read-lines-memory",
        "Memory of lines",
        "The most memory that reading that file takes at any time, beyond the memory before, in "
        "MB.",
        (
            Memory(
                "mimo",
                "mimo_rx, ReadLines, memory",
                lambda _: 0,
                lambda _: 0,
                against=(Against(None, MEMORY_BOUND),),
                is_ours=True,
            ),
        ),
        is_quick=False,
        turns=1,
    ),
    Case(
        "merge-sorted",
        "A merge of eight",
        f"{INPUTS} sorted inputs merged into one.",
        (
            Contender("heapq", f"heapq.merge of {INPUTS}", merged_plainly, as_many),
            Contender(
                "mimo",
                "mimo_rx, MergeSorted",
                merged,
                as_many,
                against=(at_most(3, "heapq"),),
                is_ours=True,
            ),
        ),
        is_quick=False,
    ),
)
