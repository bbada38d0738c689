"""Tasks with a bounded queue between each two, as one would write without a library.

A special object marks the end. This is the usual way and the cheapest: `join` and `task_done` would
cost more, and `Queue.shutdown` needs Python 3.13.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.ways.common import SIZE, THRESHOLD, add_one

__all__ = ["chain", "fan_in", "fan_out", "large", "line", "line_of_lists", "maps", "operators"]
__all__ += ["zipped"]

Queue = asyncio.Queue[Any]
Stage = Callable[[Queue, Queue], Coroutine[Any, Any, None]]
END = object()


async def put_numbers(items: int, target: Queue) -> None:
    for item in range(items):
        await target.put(item)
    await target.put(END)


async def put_doubles(source: Queue, target: Queue) -> None:
    while (item := await source.get()) is not END:
        await target.put(item * 2)
    await target.put(END)


async def pass_on(source: Queue, target: Queue) -> None:
    while (item := await source.get()) is not END:
        await target.put(item)
    await target.put(END)


async def increment(source: Queue, target: Queue) -> None:
    while (item := await source.get()) is not END:
        await target.put(add_one(item))
    await target.put(END)


async def sum_queue(source: Queue) -> int:
    total = 0
    while (item := await source.get()) is not END:
        total += item
    return total


async def run_line(
    put: Callable[[int, Queue], Coroutine[Any, Any, None]],
    stages: list[Stage],
    add_up: Callable[[Queue], Coroutine[Any, Any, int]],
    items: int,
    threshold: int = THRESHOLD,
) -> int:
    """Run a source, stages and a sink, a queue between each two."""
    queue: Queue = asyncio.Queue(threshold)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(put(items, queue))
        for stage in stages:
            source, queue = queue, asyncio.Queue(threshold)
            tasks.create_task(stage(source, queue))
        total = tasks.create_task(add_up(queue))
    return total.result()


def line(stages: int, items: int, threshold: int = THRESHOLD) -> int:
    return asyncio.run(
        run_line(put_numbers, [put_doubles] * (stages - 2), sum_queue, items, threshold)
    )


def line_at(stages: int, threshold: int, items: int) -> int:
    return line(stages, items, threshold)


def chain(stages: int, items: int) -> int:
    return asyncio.run(run_line(put_numbers, [pass_on] * (stages - 2), sum_queue, items))


def maps(count: int, items: int) -> int:
    return asyncio.run(run_line(put_numbers, [increment] * count, sum_queue, items))


# The same in bulk: lists go through the queues.


async def put_lists(items: int, target: Queue) -> None:
    for start in range(0, items, THRESHOLD):
        await target.put(list(range(start, min(items, start + THRESHOLD))))
    await target.put(END)


async def double_lists(source: Queue, target: Queue) -> None:
    while (chunk := await source.get()) is not END:
        await target.put([item * 2 for item in chunk])
    await target.put(END)


async def sum_lists(source: Queue) -> int:
    total = 0
    while (chunk := await source.get()) is not END:
        total += sum(chunk)
    return total


def line_of_lists(stages: int, items: int) -> int:
    # One list in a queue has as many items as a buffer of the other ways may hold.
    return asyncio.run(run_line(put_lists, [double_lists] * (stages - 2), sum_lists, items, 1))


# Fans and pairs


async def put_to_all(items: int, targets: list[Queue]) -> None:
    for item in range(items):
        for target in targets:
            await target.put(item)
    for target in targets:
        await target.put(END)


async def run_fan_out(readers: int, items: int) -> int:
    queues: list[Queue] = [asyncio.Queue(THRESHOLD) for _ in range(readers)]
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(put_to_all(items, queues))
        totals = [tasks.create_task(sum_queue(queue)) for queue in queues]
    return sum(total.result() for total in totals)


def fan_out(readers: int, items: int) -> int:
    return asyncio.run(run_fan_out(readers, items))


async def sum_sources(source: Queue, sources: int) -> int:
    total = 0
    while sources:
        item = await source.get()
        if item is END:
            sources -= 1
        else:
            total += item
    return total


async def run_fan_in(sources: int, items: int) -> int:
    queue: Queue = asyncio.Queue(THRESHOLD)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(sources):
            tasks.create_task(put_numbers(items, queue))
        total = tasks.create_task(sum_sources(queue, sources))
    return total.result()


def fan_in(sources: int, items: int) -> int:
    return asyncio.run(run_fan_in(sources, items))


async def put_pairs(first: Queue, second: Queue, target: Queue) -> None:
    while True:
        one, other = await first.get(), await second.get()
        if one is END or other is END:
            break
        await target.put((one, other))
    await target.put(END)


async def sum_products(source: Queue) -> int:
    total = 0
    while (pair := await source.get()) is not END:
        one, other = pair
        total += one * other
    return total


async def run_zipped(items: int) -> int:
    first, second, pairs = (asyncio.Queue[Any](THRESHOLD) for _ in range(3))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(put_numbers(items, first))
        tasks.create_task(put_numbers(items, second))
        tasks.create_task(put_pairs(first, second, pairs))
        total = tasks.create_task(sum_products(pairs))
    return total.result()


def zipped(items: int) -> int:
    return asyncio.run(run_zipped(items))


# Functions in a row within one stage, and large items


def operators(count: int, items: int) -> int:
    functions = [add_one] * count

    async def apply(source: Queue) -> int:
        total = 0
        while (item := await source.get()) is not END:
            for function in functions:
                item = function(item)
            total += item
        return total

    return asyncio.run(run_line(put_numbers, [], apply, items))


async def put_large(items: int, target: Queue) -> None:
    for _ in range(items):
        await target.put(bytes(SIZE))
    await target.put(END)


async def sum_lengths(source: Queue) -> int:
    total = 0
    while (item := await source.get()) is not END:
        total += len(item)
    return total


def large(items: int) -> int:
    return asyncio.run(run_line(put_large, [pass_on], sum_lengths, items))
