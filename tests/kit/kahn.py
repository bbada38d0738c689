"""What the streams and operators of random graphs do, in a run and in plain Python.

A stream is written once, as a generator that asks for items and gives others: a process of Kahn
(1974). Such a process waits for one input at a time and cannot test whether an item is there.
"""

import weakref
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, pairwise
from typing import Any

from reactivex import operators

ops: Any = operators


class Item:
    """An item: a number that weak references can refer to."""

    __slots__ = ("__weakref__", "value")
    alive: "weakref.WeakSet[Item] | None" = None
    """The set that records the items alive, if a test needs it."""

    def __init__(self, value: int) -> None:
        self.value = value
        if Item.alive is not None:
            Item.alive.add(self)


def mixed(value: int, number: int) -> int:
    """Return a value that depends on `value` and `number`; it is often falsy."""
    return (value * 7 + number) % 101


# What streams do

END = None
"""A process gets this in place of an item after the last one."""

Command = tuple[str, int, int]
"""("pop", an input, 0) or ("push", an output, a number)."""
Kernel = Generator[Command, int | None, None]


def pop(place: int) -> Command:
    return ("pop", place, 0)


def push(place: int, value: int) -> Command:
    return ("push", place, value)


def source(number: int, width: int) -> Kernel:
    for value in range(number * 8):
        yield push(value % 3 // 2, mixed(value, number))


def endless(number: int, width: int) -> Kernel:
    for value in count():
        yield push(value % 2, mixed(value, number))


def relay(number: int, width: int) -> Kernel:
    while (value := (yield pop(0))) is not END:
        yield push(0, mixed(value, number))


def keep(number: int, width: int) -> Kernel:
    while (value := (yield pop(0))) is not END:
        if value % (number + 2):
            yield push(0, value)


def split(number: int, width: int) -> Kernel:
    while (value := (yield pop(0))) is not END:
        yield push(value % 2, value)


def tee(number: int, width: int) -> Kernel:
    while (value := (yield pop(0))) is not END:
        yield push(number % 2, value)
        yield push(1 - number % 2, mixed(value, number))


def again(number: int, width: int) -> Kernel:
    while (value := (yield pop(0))) is not END:
        for copy in range(number % 3 + 1):
            yield push(0, mixed(value, copy))


def batch(number: int, width: int) -> Kernel:
    held: list[int] = []
    while (value := (yield pop(0))) is not END:
        held.append(value)
        if len(held) > number:
            yield push(0, sum(held))
            held.clear()
    yield push(1, sum(held))


def hold(number: int, width: int) -> Kernel:
    held: list[int] = []
    while (value := (yield pop(0))) is not END:
        held.append(value)
    for value in held:
        yield push(0, value)


def take(number: int, width: int) -> Kernel:
    for _ in range(number * 2):
        if (value := (yield pop(0))) is END:
            return
        yield push(0, value)


def zipped(number: int, width: int) -> Kernel:
    while True:
        total = number
        for place in range(width):
            if (value := (yield pop(place))) is END:
                return
            total = mixed(total, value)
        yield push(0, total)


def in_turn(number: int, width: int) -> Kernel:
    left = list(range(width))
    while left:
        for place in tuple(left):
            if (value := (yield pop(place))) is END:
                left.remove(place)
            else:
                yield push(place % 2, value)


def one_by_one(number: int, width: int) -> Kernel:
    for place in range(width):
        while (value := (yield pop(place))) is not END:
            yield push(0, value)


def chosen(number: int, width: int) -> Kernel:
    while (value := (yield pop(0))) is not END:
        if (other := (yield pop(value % width))) is END:
            return
        yield push(0, mixed(other, number))


ONE_INPUT: dict[str, Callable[[int, int], Kernel]] = {
    each.__name__: each for each in (relay, keep, split, tee, again, batch, hold, take)
}
SEVERAL: dict[str, Callable[[int, int], Kernel]] = {
    each.__name__: each for each in (zipped, in_turn, one_by_one, chosen)
}
SOURCES: dict[str, Callable[[int, int], Kernel]] = {"source": source, "endless": endless}
KERNELS = {**SOURCES, **ONE_INPUT, **SEVERAL}


# What operators do: in RxPY, and to a list


def _add_all(values: Sequence[int]) -> list[int]:
    return list(accumulate(values, lambda total, value: (total + value) % 101))


def _until(values: Sequence[int], number: int) -> list[int]:
    stop = (place for place, value in enumerate(values) if value % (number + 3) == number)
    return list(values[: next(stop, len(values))])


@dataclass(frozen=True)
class Operator:
    """An operator on an edge; `n` is its number."""

    rx: Callable[[int], Any]
    plain: Callable[[int, list[int]], list[int]]


OPERATORS = {
    "map": Operator(
        lambda n: ops.map(lambda item: Item(mixed(item.value, n))),
        lambda n, values: [mixed(value, n) for value in values],
    ),
    "filter": Operator(
        lambda n: ops.filter(lambda item: item.value % (n + 2)),
        lambda n, values: [value for value in values if value % (n + 2)],
    ),
    "take": Operator(lambda n: ops.take(n * 2), lambda n, values: values[: n * 2]),
    "skip": Operator(lambda n: ops.skip(n), lambda n, values: values[n:]),
    "take_while": Operator(
        lambda n: ops.take_while(lambda item: item.value % (n + 3) != n),
        lambda n, values: _until(values, n),
    ),
    "scan": Operator(
        # No seed, since the blueprint would keep that item.
        lambda n: ops.scan(lambda all, item: Item((all.value + item.value) % 101)),
        lambda n, values: _add_all(values),
    ),
    "pairwise": Operator(
        lambda n: ops.compose(
            ops.pairwise(), ops.map(lambda pair: Item(mixed(pair[0].value, pair[1].value)))
        ),
        lambda n, values: [mixed(*pair) for pair in pairwise(values)],
    ),
    "count": Operator(
        lambda n: ops.compose(
            ops.buffer_with_count(n + 1),
            ops.map(lambda items: Item(sum(item.value for item in items) % 101)),
        ),
        lambda n, values: [
            sum(values[place : place + n + 1]) % 101 for place in range(0, len(values), n + 1)
        ],
    ),
    "distinct": Operator(
        lambda n: ops.distinct_until_changed(lambda item: item.value % (n + 2)),
        lambda n, values: [
            value
            for place, value in enumerate(values)
            if not place or value % (n + 2) != values[place - 1] % (n + 2)
        ],
    ),
    "last": Operator(lambda n: ops.take_last(n), lambda n, values: values[-n:] if n else []),
}
