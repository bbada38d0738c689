"""csp: a graph of nodes, run by an engine in C++ in simulated time, one item in each tick."""

# No `from __future__ import annotations` here: csp reads the annotations of a node.

from datetime import datetime, timedelta
from typing import Any

import csp

from benchmarks.ways.common import SIZE, add_one

__all__ = ["fan_in", "fan_out", "large", "line", "operators", "zipped"]

START = datetime(2020, 1, 1)
TICK = timedelta(microseconds=1)
Basket: Any = list[csp.ts[int]]

# A graph of csp has one node for all equal calls. `which` makes the calls differ.


@csp.node
def numbers(items: int, which: int = 0) -> csp.ts[int]:
    with csp.alarms():
        upcoming: csp.ts[int] = csp.alarm(int)
    with csp.start():
        csp.schedule_alarm(upcoming, timedelta(), 0)
    if csp.ticked(upcoming):
        if upcoming + 1 < items:
            csp.schedule_alarm(upcoming, TICK, upcoming + 1)
        return upcoming


@csp.node
def double(item: csp.ts[int]) -> csp.ts[int]:
    if csp.ticked(item):
        return item * 2


@csp.node
def add_up(item: csp.ts[int], totals: Any, which: int = 0) -> None:
    with csp.state():
        s_total = 0
    with csp.stop():
        totals.append(s_total)
    if csp.ticked(item):
        s_total += item


@csp.node
def add_all_up(item: Basket, totals: Any) -> None:
    with csp.state():
        s_total = 0
    with csp.stop():
        totals.append(s_total)
    if csp.ticked(item):
        for each in item.tickedvalues():
            s_total += each


@csp.node
def add_products(one: csp.ts[int], other: csp.ts[int], totals: Any) -> None:
    with csp.state():
        s_total = 0
    with csp.stop():
        totals.append(s_total)
    if csp.ticked(one, other):
        s_total += one * other


@csp.node
def make_large(number: csp.ts[int]) -> csp.ts[bytes]:
    if csp.ticked(number):
        return bytes(SIZE)


@csp.node
def pass_on(item: csp.ts[bytes]) -> csp.ts[bytes]:
    if csp.ticked(item):
        return item


@csp.node
def add_lengths(item: csp.ts[bytes], totals: Any) -> None:
    with csp.state():
        s_total = 0
    with csp.stop():
        totals.append(s_total)
    if csp.ticked(item):
        s_total += len(item)


def run(graph: Any, items: int) -> int:
    """Run a graph that appends its sums to a list, and return their sum."""
    totals: list[int] = []
    csp.run(graph, totals, starttime=START, endtime=items * TICK)
    return sum(totals)


def line(stages: int, items: int) -> int:
    @csp.graph
    def graph(totals: Any) -> None:
        item = numbers(items)
        for _ in range(stages - 2):
            item = double(item)
        add_up(item, totals)

    return run(graph, items)


def operators(count: int, items: int) -> int:
    @csp.graph
    def graph(totals: Any) -> None:
        item = numbers(items)
        for _ in range(count):
            item = csp.apply(item, add_one, int)
        add_up(item, totals)

    return run(graph, items)


def fan_out(readers: int, items: int) -> int:
    @csp.graph
    def graph(totals: Any) -> None:
        item = numbers(items)
        for which in range(readers):
            add_up(item, totals, which)

    return run(graph, items)


def fan_in(sources: int, items: int) -> int:
    @csp.graph
    def graph(totals: Any) -> None:
        add_all_up([numbers(items, which) for which in range(sources)], totals)

    return run(graph, items)


def zipped(items: int) -> int:
    @csp.graph
    def graph(totals: Any) -> None:
        add_products(numbers(items, 0), numbers(items, 1), totals)

    return run(graph, items)


def large(items: int) -> int:
    @csp.graph
    def graph(totals: Any) -> None:
        add_lengths(pass_on(make_large(numbers(items))), totals)

    return run(graph, items)
