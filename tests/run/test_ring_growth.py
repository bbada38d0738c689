"""Rings in which more than one buffer has to grow: rule D2."""

import logging
from typing import Any

import pytest
from reactivex import operators as ops

from mimo_rx import Workflow
from runs import add, drain, go


def test_d2_a_push_that_lacks_room_in_two_buffers_of_a_ring_lets_both_grow(caplog):
    """D2: no new wait begins when the first one grows, so the watch arms itself again."""
    got: list[Any] = []

    async def backwards(ins, outs, state):
        await outs.x.push_many([1, 2])
        await outs.y.push(3)

    async def forwards(ins, outs, state):
        for port in (ins.c, ins.a, ins.b):
            await drain(port, got)

    workflow = Workflow(threshold=1)
    source = add(workflow, backwards, outs="x y")
    sink = add(workflow, forwards, "a b c")
    source["x"] | [sink["a"], sink["b"]]
    source["y"] | sink["c"]
    with caplog.at_level(logging.WARNING, "mimo_rx"):
        statistics = go(workflow)
    assert got == [3, 1, 2, 1, 2]
    assert len(caplog.records) == 2
    inputs = statistics.steps["forwards"].inputs
    assert [inputs[name].growth for name in "abc"] == [1, 1, 0]


@pytest.mark.parametrize("operators", [[ops.map(abs)], [ops.map(abs), ops.take(16)]])
@pytest.mark.parametrize("in_parts", [False, True])
def test_d2_a_ring_behind_a_flow_that_several_read_is_seen(operators, in_parts):
    """D2: the source waits for all readers, though its own edge is on no circle."""
    got: list[Any] = []

    async def alternate(ins, outs, state):
        await drain(ins.a, got)
        await outs.x.push("over")

    async def zipped(ins, outs, state):
        assert await ins.a.pop() == 0
        got.append(await ins.b.pop())
        await drain(ins.a, got)

    workflow = Workflow(threshold=1)
    source = add(workflow, numbers(16), outs="x")
    reader = add(workflow, alternate, "a", "x")
    last = add(workflow, zipped, "a b")
    shared = source["x"]
    for operator in operators:
        shared = shared | operator
        if in_parts:
            shared | add(workflow, ignore, "a")
    shared | reader["a"]
    shared | last["a"]
    reader["x"] | last["b"]
    go(workflow)
    assert sorted(map(str, got)) == sorted(map(str, [*range(16), "over", *range(1, 16)]))


def numbers(count):
    """Make a function that pushes so many numbers."""

    async def push(ins, outs, state):
        for number in range(count):
            await outs.x.push(number)

    return push


async def ignore(ins, outs, state):
    """Take all items."""
    await drain(ins.a, [])
