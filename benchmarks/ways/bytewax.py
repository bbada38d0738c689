"""bytewax: a dataflow of batches, run by an engine in Rust in one worker thread."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import TestingSource, run_main

from benchmarks.ways.common import SIZE, THRESHOLD, add_one, same, twice

__all__ = ["fan_in", "fan_out", "large", "line", "line_in_bulk", "operators"]


class Adder(DynamicSink, StatelessSinkPartition):
    """A sink that adds up."""

    def __init__(self) -> None:
        self.total = 0

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Adder:
        return self

    def write_batch(self, items: list[int]) -> None:
        for item in items:
            self.total += item


class LengthAdder(Adder):
    """A sink that adds up lengths."""

    def write_batch(self, items: list[Any]) -> None:
        for item in items:
            self.total += len(item)


def mapped(
    functions: list[Any], items: Iterable[Any], batch: int = 1, adder: Adder | None = None
) -> int:
    """Send items through functions in a row, and return the sum of the results."""
    adder = adder or Adder()
    graph = Dataflow("line")
    item = op.input("source", graph, TestingSource(items, batch))
    for number, function in enumerate(functions):
        item = op.map(f"stage-{number}", item, function)
    op.output("sink", item, adder)
    run_main(graph)
    return adder.total


def line(stages: int, items: int) -> int:
    return mapped([twice] * (stages - 2), range(items))


def line_in_bulk(stages: int, items: int) -> int:
    return mapped([twice] * (stages - 2), range(items), THRESHOLD)


def operators(count: int, items: int) -> int:
    return mapped([add_one] * count, range(items))


def fan_out(readers: int, items: int) -> int:
    adders = [Adder() for _ in range(readers)]
    graph = Dataflow("fan-out")
    item = op.input("source", graph, TestingSource(range(items)))
    for number, adder in enumerate(adders):
        op.output(f"sink-{number}", item, adder)
    run_main(graph)
    return sum(adder.total for adder in adders)


def fan_in(sources: int, items: int) -> int:
    adder = Adder()
    graph = Dataflow("fan-in")
    inputs = [
        op.input(f"source-{number}", graph, TestingSource(range(items)))
        for number in range(sources)
    ]
    op.output("sink", op.merge("merge", *inputs), adder)
    run_main(graph)
    return adder.total


def large(items: int) -> int:
    return mapped([same], (bytes(SIZE) for _ in range(items)), 1, LengthAdder())
