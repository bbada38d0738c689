"""Plain generators: no concurrency and no buffers, the least that stages cost in Python.

Jobs in bulk are compared with it. The sink is a loop, as in the other ways. Python's `sum` does the
same, so the table shows that as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from benchmarks.ways.common import SIZE, THRESHOLD, add_one

__all__ = ["large", "line", "line_summed", "operators", "zipped"]


def numbers(items: int) -> Iterator[int]:
    yield from range(items)


def doubles(items: Iterable[int]) -> Iterator[int]:
    for item in items:
        yield item * 2


def stages_of(stages: int, items: int) -> Iterator[int]:
    """Connect all stages before the sink in a row."""
    row = numbers(items)
    for _ in range(stages - 2):
        row = doubles(row)
    return row


def line(stages: int, items: int, threshold: int = THRESHOLD) -> int:
    total = 0
    for item in stages_of(stages, items):
        total += item
    return total


def line_summed(stages: int, items: int) -> int:
    return sum(stages_of(stages, items))


def zipped(items: int) -> int:
    total = 0
    for one, other in zip(numbers(items), numbers(items), strict=True):
        total += one * other
    return total


def incremented(items: Iterable[int]) -> Iterator[int]:
    for item in items:
        yield add_one(item)


def operators(count: int, items: int) -> int:
    row = numbers(items)
    for _ in range(count):
        row = incremented(row)
    total = 0
    for item in row:
        total += item
    return total


def large_items(items: int) -> Iterator[bytes]:
    for _ in range(items):
        yield bytes(SIZE)


def passed(items: Iterable[bytes]) -> Iterator[bytes]:
    yield from items


def large(items: int) -> int:
    total = 0
    for item in passed(large_items(items)):
        total += len(item)
    return total
