"""Rings in which more than one buffer has to grow: rule D2."""

import logging
from typing import Any

from mimo_rx import Workflow
from runs import add, drain, go


def test_d2_a_push_that_lacks_room_in_two_buffers_of_a_ring_lets_both_grow(caplog):
    """D2: it is not woken when the first one grows, so that no new wait makes the watch look."""
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
