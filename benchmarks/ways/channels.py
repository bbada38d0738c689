"""Tasks and channels that close: the jobs for trio and anyio, which spell them alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

from benchmarks.ways.common import SIZE, THRESHOLD

__all__ = ["Kit", "fan_in", "fan_out", "large", "line", "zipped"]


class Kit(NamedTuple):
    """The functions that a way takes from its library.

    Args:
        tasks: Makes the asynchronous context manager in which tasks are started.
        channel: Makes the sending and the receiving end of a channel; takes its capacity in items.
    """

    tasks: Callable[[], Any]
    channel: Callable[[int], tuple[Any, Any]]


async def put_numbers(items: int, target: Any) -> None:
    async with target:
        for item in range(items):
            await target.send(item)


async def put_doubles(source: Any, target: Any) -> None:
    async with source, target:
        async for item in source:
            await target.send(item * 2)


async def add_up(source: Any, totals: list[int]) -> None:
    total = 0
    async with source:
        async for item in source:
            total += item
    totals.append(total)


async def line(kit: Kit, stages: int, items: int) -> int:
    totals: list[int] = []
    async with kit.tasks() as tasks:
        target, source = kit.channel(THRESHOLD)
        tasks.start_soon(put_numbers, items, target)
        for _ in range(stages - 2):
            target, following = kit.channel(THRESHOLD)
            tasks.start_soon(put_doubles, source, target)
            source = following
        tasks.start_soon(add_up, source, totals)
    return sum(totals)


async def put_to_all(items: int, targets: list[Any]) -> None:
    async with AsyncExitStack() as stack:
        for target in targets:
            await stack.enter_async_context(target)
        for item in range(items):
            for target in targets:
                await target.send(item)


async def fan_out(kit: Kit, readers: int, items: int) -> int:
    totals: list[int] = []
    channels = [kit.channel(THRESHOLD) for _ in range(readers)]
    async with kit.tasks() as tasks:
        tasks.start_soon(put_to_all, items, [target for target, _ in channels])
        for _, source in channels:
            tasks.start_soon(add_up, source, totals)
    return sum(totals)


async def fan_in(kit: Kit, sources: int, items: int) -> int:
    totals: list[int] = []
    async with kit.tasks() as tasks:
        target, source = kit.channel(THRESHOLD)
        async with target:
            for _ in range(sources):
                tasks.start_soon(put_numbers, items, target.clone())
        tasks.start_soon(add_up, source, totals)
    return sum(totals)


async def put_pairs(first: Any, second: Any, target: Any) -> None:
    async with first, second, target:
        async for one in first:
            await target.send((one, await second.receive()))


async def add_products(source: Any, totals: list[int]) -> None:
    total = 0
    async with source:
        async for one, other in source:
            total += one * other
    totals.append(total)


async def zipped(kit: Kit, items: int) -> int:
    totals: list[int] = []
    (to_first, first), (to_second, second), (to_pairs, pairs) = (
        kit.channel(THRESHOLD) for _ in range(3)
    )
    async with kit.tasks() as tasks:
        tasks.start_soon(put_numbers, items, to_first)
        tasks.start_soon(put_numbers, items, to_second)
        tasks.start_soon(put_pairs, first, second, to_pairs)
        tasks.start_soon(add_products, pairs, totals)
    return sum(totals)


async def put_large(items: int, target: Any) -> None:
    async with target:
        for _ in range(items):
            await target.send(bytes(SIZE))


async def pass_on(source: Any, target: Any) -> None:
    async with source, target:
        async for item in source:
            await target.send(item)


async def add_lengths(source: Any, totals: list[int]) -> None:
    total = 0
    async with source:
        async for item in source:
            total += len(item)
    totals.append(total)


async def large(kit: Kit, items: int) -> int:
    totals: list[int] = []
    async with kit.tasks() as tasks:
        to_stage, stage = kit.channel(THRESHOLD)
        to_sink, source = kit.channel(THRESHOLD)
        tasks.start_soon(put_large, items, to_stage)
        tasks.start_soon(pass_on, stage, to_sink)
        tasks.start_soon(add_lengths, source, totals)
    return sum(totals)
