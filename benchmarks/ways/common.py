"""The shared parts of several ways: the functions that they call, the bound, the right results."""

from __future__ import annotations

from typing import Any

__all__ = [
    "SIZE",
    "THRESHOLD",
    "add_one",
    "doubled",
    "incremented",
    "large_total",
    "same",
    "squares",
    "summed",
    "twice",
]

THRESHOLD = 100
"""The bound of each buffer and queue, in items."""
SIZE = 100_000
"""The length of a large item, in bytes."""


def same(item: Any) -> Any:
    """Return an item as it is."""
    return item


def twice(number: int) -> int:
    """Double a number."""
    return number * 2


def add_one(number: int) -> int:
    """Add one to a number."""
    return number + 1


def summed(times: int, items: int) -> int:
    """Return `times` times 0 + 1 + … + (items - 1)."""
    return times * (items * (items - 1) // 2)


def doubled(stages: int, items: int) -> int:
    """Return the result of a line of `stages` stages."""
    return summed(2 ** (stages - 2), items)


def incremented(count: int, items: int) -> int:
    """Return the sum of the numbers after one was added `count` times to each."""
    return summed(1, items) + count * items


def squares(items: int) -> int:
    """Return 0 · 0 + 1 · 1 + … + (items - 1) · (items - 1)."""
    return (items - 1) * items * (2 * items - 1) // 6


def large_total(items: int) -> int:
    """Return the length of all large items together."""
    return items * SIZE
