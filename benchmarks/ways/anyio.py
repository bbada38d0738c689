"""anyio: tasks and memory object streams, on asyncio."""

from __future__ import annotations

from typing import Any

import anyio

from benchmarks.ways import channels

__all__ = ["fan_in", "fan_out", "large", "line", "zipped"]


def run(main: Any, *arguments: Any) -> int:
    return anyio.run(main, KIT, *arguments)


KIT = channels.Kit(anyio.create_task_group, anyio.create_memory_object_stream[Any])


def line(stages: int, items: int) -> int:
    return run(channels.line, stages, items)


def fan_out(readers: int, items: int) -> int:
    return run(channels.fan_out, readers, items)


def fan_in(sources: int, items: int) -> int:
    return run(channels.fan_in, sources, items)


def zipped(items: int) -> int:
    return run(channels.zipped, items)


def large(items: int) -> int:
    return run(channels.large, items)
