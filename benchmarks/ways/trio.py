"""trio: tasks and memory channels."""

from __future__ import annotations

from typing import Any

import trio

from benchmarks.ways import channels

__all__ = ["fan_in", "fan_out", "large", "line", "zipped"]


def run(main: Any, *arguments: Any) -> int:
    total: int = trio.run(main, KIT, *arguments)
    return total


KIT = channels.Kit(trio.open_nursery, trio.open_memory_channel)


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
