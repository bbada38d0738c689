"""Helpers of tests of ports: ports without a run around them."""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Any

from mimo_rx._ports.buffer import Buffer
from mimo_rx._ports.edge import Edge
from mimo_rx._ports.input import Input
from mimo_rx._ports.output import Output
from mimo_rx._ports.process import Process
from mimo_rx._ports.pushed import Pushed

MANY = 10**6
"""An allowance so large that tests of other rules never use it up (P12)."""


class Watched(deque[Any]):
    """The items of a buffer, never more than `bound` at any time (P3)."""

    bound = 0

    def append(self, item: Any) -> None:
        """Add an item and check the bound."""
        super().append(item)
        assert len(self) <= self.bound

    def extend(self, items: Iterable[Any]) -> None:
        """Add some items and check the bound."""
        super().extend(items)
        assert len(self) <= self.bound


def process(path: str = "step") -> Process:
    """Make the process that the ports of one stream share."""
    loop = asyncio.get_running_loop()
    return Process(path, loop, Pushed(loop))


def buffer(threshold: int = 2, *, allowance: int = MANY, owner: Process | None = None) -> Buffer:
    """Make a buffer that fails as soon as it holds too much."""
    made = Buffer(owner or process("reader"), "a", threshold, allowance)
    made.items = items = Watched()
    items.bound = threshold
    return made


def reader(far: Buffer) -> Input[Any]:
    """Make the input that reads `far`."""
    return Input("a", far)


def output(*buffers: Buffer, owner: Process | None = None) -> Output[Any]:
    """Make an output that feeds `buffers`."""
    owner = owner or process("writer")
    made: Output[Any] = Output(owner, f"b{len(owner.outs)}")
    owner.outs[made.name] = made
    made.connect([Edge.to(each) for each in buffers])
    return made


def through(*buffers: Buffer) -> Output[Any]:
    """Make an output whose edges run code in the push, as operators do."""
    out = output()
    edges = []
    for far in buffers:
        far.producers += 1
        far.fan_in += 1
        edges.append(Edge((far,), far.put, far.producer_closed))
    out.connect(edges)
    return out


def counted(far: Buffer, *, allowance: int = MANY) -> Output[Any]:
    """Make an output whose pushes are counted, as when it leads into its own stream (P12)."""
    owner = process("writer")
    owner.allowance = allowance
    made = output(far, owner=owner)
    made.counted = True
    made.rebind()
    return made


def outputs(*groups: Iterable[Buffer]) -> list[Output[Any]]:
    """Make outputs of several streams, and connect them when all edges are known, as a run does."""
    made: list[Output[Any]] = []
    leading = [[Edge.to(each) for each in group] for group in groups]
    for number, edges in enumerate(leading):
        owner = process(f"writer{number}")
        made.append(Output(owner, "b"))
        owner.outs["b"] = made[-1]
        made[-1].connect(edges)
    return made


def pipe(threshold: int = 2, *, allowance: int = MANY) -> tuple[Output[Any], Input[Any]]:
    """Make an output and the input that it feeds."""
    far = buffer(threshold, allowance=allowance)
    return output(far), reader(far)


async def turns(count: int = 5) -> None:
    """Let the loop go round."""
    for _ in range(count):
        await asyncio.sleep(0)


def start(awaitable: Any) -> asyncio.Task[Any]:
    """Await it in a task."""

    async def main() -> Any:
        return await awaitable

    return asyncio.get_running_loop().create_task(main())


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def assert_nobody_waits(ports: Iterable[Output[Any] | Input[Any]]) -> None:
    """Assert that no waiter, turn or clock is left (P7)."""
    for port in ports:
        if isinstance(port, Output):
            assert not port.waiters
            assert not port.process.backpressured.depth
            gates = port.gates
        else:
            assert not port.buffer.getters
            assert not port.buffer.process.starved.depth
            gates = [port.buffer]
        for gate in gates:
            assert not gate.putters
            assert gate.turn is None
