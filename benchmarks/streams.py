"""Measure the ready-made streams against what one would write without them, and print a table.

    python benchmarks/streams.py [--items N] [--rounds N] [--only NAME] [--markdown]

Each is compared in one run: a chain with the same loops by hand, calls that wait with the ideal and
with aiostream, calls in processes with one core and with a bare pool, lines with a plain loop over
the file, a merge with ``heapq.merge``. How: see measure.py.
"""

from __future__ import annotations

import asyncio
import atexit
import gc
import heapq
import multiprocessing
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import click

# Started as a script, its own package is not on the path yet.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import throughput
from benchmarks.measure import Contender, Target, machine

import mimo_rx.streams
from mimo_rx import Workflow, flow, stream
from mimo_rx.streams import Map

__all__ = ["CONTENDERS"]

streams: Any = mimo_rx.streams


@stream(ins=["item"])
async def count(ins: Any, outs: Any, state: Any) -> None:
    """Count items."""
    total = 0
    async for chunk in ins.item.chunks():
        total += len(chunk)
    state["total"] = total


def counted(chain: Any) -> int:
    """Run `chain` to its end; return how many items it gave."""
    last = count(state={})
    step = chain | last
    step.workflow.start()
    total: int = last.state["total"]
    return total


def as_many(items: int) -> int:
    return items


# Three plain functions and batches of a hundred: as ready-made streams, and as the loops that one
# would write by hand.

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
        mapped: Any = pipe.map  # its own types forbid what its documentation shows
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
    """Return up to where :func:`sum_up_to` takes 1 ms here."""
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
"""MB that reading it may take at any time."""


@cache
def big_file() -> tuple[Path, int]:
    """Make the file, which goes when the program ends; return where it is and how many lines."""
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


def memory_of_lines() -> throughput.Row:
    """Read the file once more, and look at every allocation of Python's."""
    lines_there(0)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        lines_read(0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    megabytes = (peak - before) / 1e6
    return throughput.Row(
        MEMORY,
        f"memory of ReadLines, {MEGABYTES} MB",
        megabytes,
        "MB",
        None,
        None,
        f"≤ {MEMORY_BOUND:g} MB",
        megabytes <= MEMORY_BOUND,
        (megabytes,),
    )


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


# The table

CHAIN = partial(Contender, group="chain", expected=of_batches)
WAITING = partial(Contender, group="waits", expected=lambda _: WAITS, is_whole=True)
BUSY = partial(Contender, group="processes", expected=lambda _: CALLS, is_whole=True)
LINES = partial(Contender, group="lines", expected=lines_there, is_whole=True)
MERGE = partial(Contender, group="merge", expected=as_many)
TITLE = f"{WAITS:,} calls of {SECONDS:g} s, {AT_ONCE} at a time"

CONTENDERS = (
    CHAIN("chain-by-hand", title="three loops and batches by hand", job=by_hand),
    CHAIN(
        "chain",
        title="three Maps and a Batch",
        job=ready_made,
        reference="chain-by-hand",
        target=Target(1.5),
    ),
    WAITING("waits-ideal", title=f"{TITLE}: ideal", job=ideal),
    *(
        WAITING(
            f"waits{suffix}",
            title=f"{TITLE}: Map{words}",
            job=partial(waits_mapped, ordered),
            reference="waits-ideal",
            target=Target(0.9, is_speed=True),
        )
        for ordered, suffix, words in ((True, "", ""), (False, "-unordered", ", ordered=False"))
    ),
    *(
        WAITING(
            f"aiostream{suffix}",
            title=f"{TITLE}: aiostream{words}",
            job=partial(waits_aiostream, ordered),
            reference="waits-ideal",
        )
        for ordered, suffix, words in ((True, "", ""), (False, "-unordered", ", ordered=False"))
    ),
    BUSY("one-core", title=f"{CALLS:,} calls of 1 ms in a plain loop", job=one_core),
    BUSY(
        "process",
        title='… Map(executor="processes", concurrency=1)',
        job=partial(in_processes, 1),
        reference="one-core",
    ),
    BUSY(
        "processes",
        title='… Map(executor="processes", concurrency=2)',
        job=partial(in_processes, 2),
        reference="one-core",
        target=Target(1.7, is_speed=True),
    ),
    *(
        BUSY(
            f"pool-{chunk}",
            title=f"… ProcessPoolExecutor(2).map(chunksize={chunk})",
            job=partial(bare_pool, chunk),
            reference="one-core",
        )
        for chunk in (1, 10)
    ),
    LINES("lines-plain", title=f"for line in open(…), {MEGABYTES} MB", job=lines_plainly),
    LINES(
        "lines",
        title=f"ReadLines, {MEGABYTES} MB",
        job=lines_read,
        reference="lines-plain",
        target=Target(0.5, is_speed=True),
    ),
    MERGE("merge-heapq", title=f"heapq.merge of {INPUTS}", job=merged_plainly),
    MERGE(
        "merge",
        title=f"MergeSorted of {INPUTS}",
        job=merged,
        reference="merge-heapq",
        target=Target(3),
    ),
)
MEMORY = "memory"
NAMES = [*dict.fromkeys(each.group for each in CONTENDERS), MEMORY, *(c.key for c in CONTENDERS)]


@click.command()
@click.option(
    "--items",
    type=click.IntRange(1),
    default=300_000,
    show_default=True,
    help="Items of a turn of the chain and the merge.",
)
@click.option(
    "--rounds",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    help="Turns that each contender takes; the best of them counts.",
)
@click.option(
    "--only",
    type=click.Choice(NAMES),
    multiple=True,
    metavar="NAME",
    help=f"Measure this alone, and what it is compared with: {', '.join(NAMES)}. "
    "May be given several times.",
)
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as Markdown.")
def main(items: int, rounds: int, only: tuple[str, ...], as_markdown: bool) -> None:
    """Measure the ready-made streams against what one would write without them.

    Contenders take turns, and the best turn of each counts. What misses its target is marked.
    """
    rows = measure(only or tuple(NAMES), items, rounds)
    lines = [throughput.HEAD, *map(throughput.cells, rows)]
    layout = throughput.to_markdown if as_markdown else throughput.to_text
    click.echo("\n".join(layout(lines)))
    click.echo(f"\nThe best of {rounds} turns; all take turns. {machine()}")


def measure(names: Sequence[str], items: int, rounds: int) -> list[throughput.Row]:
    """Measure the groups and contenders in `names`, and what they are compared with."""
    chosen = [each for each in CONTENDERS if each.key in names or each.group in names]
    needed = {each.key for each in chosen} | {each.reference for each in chosen}
    rows: list[throughput.Row] = []
    for group in dict.fromkeys(each.group for each in chosen):
        members = [each for each in CONTENDERS if each.group == group and each.key in needed]
        rows += throughput.compared(throughput.with_progress(group, members, items, rounds))
    if MEMORY in names:
        rows.append(memory_of_lines())
    return rows


if __name__ == "__main__":
    main()
