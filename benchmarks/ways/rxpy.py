"""RxPY alone.

`subscribe` runs the whole job before it returns: no tasks, no buffers, no back-pressure, one call
for each item and stage. With several readers or writers, the source is a `Subject` fed in a loop.
"""

from __future__ import annotations

from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops
from reactivex.subject import Subject

from benchmarks.ways.common import SIZE, add_one, same, twice

__all__ = ["fan_in", "fan_out", "large", "line", "operators", "zipped"]


class Adder:
    """An observer that adds up."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, item: int) -> None:
        self.total += item

    def add_length(self, item: bytes) -> None:
        self.total += len(item)


def added_up(numbers: Observable[int]) -> int:
    """Subscribe to `numbers`, and return the sum of the items delivered."""
    adder = Adder()
    numbers.subscribe(adder.add)
    return adder.total


def line(stages: int, items: int) -> int:
    numbers = rx.from_iterable(range(items))
    return added_up(numbers.pipe(*(ops.map(twice) for _ in range(stages - 2))))


def operators(count: int, items: int) -> int:
    adder = Adder()
    numbers: Subject[int] = Subject()
    numbers.pipe(*(ops.map(add_one) for _ in range(count))).subscribe(adder.add)
    for item in range(items):
        numbers.on_next(item)
    numbers.on_completed()
    return adder.total


def fan_out(readers: int, items: int) -> int:
    adders = [Adder() for _ in range(readers)]
    numbers: Subject[int] = Subject()
    for adder in adders:
        numbers.subscribe(adder.add)
    for item in range(items):
        numbers.on_next(item)
    numbers.on_completed()
    return sum(adder.total for adder in adders)


def fan_in(sources: int, items: int) -> int:
    return added_up(rx.merge(*(rx.from_iterable(range(items)) for _ in range(sources))))


def product(pair: Any) -> int:
    one, other = pair
    result: int = one * other
    return result


def zipped(items: int) -> int:
    pairs = rx.zip(rx.from_iterable(range(items)), rx.from_iterable(range(items)))
    return added_up(pairs.pipe(ops.map(product)))


def large(items: int) -> int:
    adder = Adder()
    made: Subject[bytes] = Subject()
    made.pipe(ops.map(same)).subscribe(adder.add_length)
    for _ in range(items):
        made.on_next(bytes(SIZE))
    made.on_completed()
    return adder.total
