"""streamz: each `emit` calls through all stages; without an asynchronous loop, nothing waits."""

from __future__ import annotations

from typing import Any

from streamz import Stream

from benchmarks.ways.common import SIZE, add_one, same, twice

__all__ = ["fan_in", "fan_out", "large", "line", "operators", "zipped"]


class Adder:
    """A sink that adds up."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, item: int) -> None:
        self.total += item

    def add_length(self, item: bytes) -> None:
        self.total += len(item)


def line(stages: int, items: int) -> int:
    return mapped([twice] * (stages - 2), items)


def operators(count: int, items: int) -> int:
    return mapped([add_one] * count, items)


def mapped(functions: list[Any], items: int) -> int:
    """Send numbers through functions in a row, and return their sum."""
    adder = Adder()
    numbers = last = Stream()
    for function in functions:
        last = last.map(function)
    last.sink(adder.add)
    for item in range(items):
        numbers.emit(item)
    return adder.total


def fan_out(readers: int, items: int) -> int:
    adders = [Adder() for _ in range(readers)]
    numbers = Stream()
    for adder in adders:
        numbers.sink(adder.add)
    for item in range(items):
        numbers.emit(item)
    return sum(adder.total for adder in adders)


def fan_in(sources: int, items: int) -> int:
    adder = Adder()
    numbers = [Stream() for _ in range(sources)]
    numbers[0].union(*numbers[1:]).sink(adder.add)
    for item in range(items):
        for each in numbers:
            each.emit(item)
    return adder.total


def zipped(items: int) -> int:
    adder = Adder()
    one, other = Stream(), Stream()
    one.zip(other).map(lambda pair: pair[0] * pair[1]).sink(adder.add)
    for item in range(items):
        one.emit(item)
        other.emit(item)
    return adder.total


def large(items: int) -> int:
    adder = Adder()
    made = Stream()
    made.map(same).sink(adder.add_length)
    for _ in range(items):
        made.emit(bytes(SIZE))
    return adder.total
