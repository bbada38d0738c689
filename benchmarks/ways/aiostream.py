"""aiostream: asynchronous generators with operators, each item awaited through all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from aiostream import pipe
from aiostream import stream as streams

from benchmarks.ways.common import SIZE, add_one, same, twice

__all__ = ["fan_in", "large", "line", "operators", "zipped"]


async def added_up(numbers: Any) -> int:
    """Iterate over a stream, and return the sum of its items."""
    total = 0
    async with numbers.stream() as streamer:
        async for item in streamer:
            total += item
    return total


def line(stages: int, items: int) -> int:
    numbers = streams.iterate(range(items))
    for _ in range(stages - 2):
        numbers = numbers | pipe.map(twice)
    return asyncio.run(added_up(numbers))


def operators(count: int, items: int) -> int:
    numbers = streams.iterate(range(items))
    for _ in range(count):
        numbers = numbers | pipe.map(add_one)
    return asyncio.run(added_up(numbers))


def fan_in(sources: int, items: int) -> int:
    return asyncio.run(
        added_up(streams.merge(*(streams.iterate(range(items)) for _ in range(sources))))
    )


def zipped(items: int) -> int:
    pairs = streams.zip(streams.iterate(range(items)), streams.iterate(range(items)))
    return asyncio.run(added_up(pairs | pipe.map(lambda pair: pair[0] * pair[1])))


async def large_items(items: int) -> AsyncIterator[bytes]:
    for _ in range(items):
        yield bytes(SIZE)


async def lengths_added_up(items: int) -> int:
    total = 0
    passed = streams.iterate(large_items(items)) | pipe.map(same)
    async with passed.stream() as streamer:
        async for item in streamer:
            total += len(item)
    return total


def large(items: int) -> int:
    return asyncio.run(lengths_added_up(items))
