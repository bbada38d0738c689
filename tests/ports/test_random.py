"""Random graphs of ports under random pushes, pops, cancels and timeouts, against a plain model.

The model of an edge is a list of the items that the output says it has handed over, in order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import run
from mimo_rx import DownstreamClosed, InputClosed
from mimo_rx._ports.input import Input
from mimo_rx._ports.output import Output
from mimo_rx._ports.pushed import Pushed
from ports import assert_nobody_waits, buffer, outputs, turns

# A script is a list of (what, how many, patience); patience is None (wait as long as it takes), a
# negative number (cancel after so many turns of the loop), or a number of seconds (a timeout).
Line = tuple[str, int, int | None]
Script = list[Line]


@dataclass
class Graph:
    """The ports to build, and the calls of each task."""

    thresholds: list[int]
    edges: list[list[int]]
    """The buffers that each output feeds, in that order."""
    writers: list[list[Script]]
    """For each output a list of scripts, each for a task of its own."""
    readers: list[list[Script]]
    cuts: list[tuple[int, int, int]] = field(default_factory=list)
    """(output, edge, turns of the loop until it is cut)."""


class Interrupted(Exception):
    """The exception that an iterator raises in the middle."""


class Trial:
    """One run of a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.buffers = [buffer(threshold) for threshold in graph.thresholds]
        self.outputs = outputs(*[[self.buffers[i] for i in edges] for edges in graph.edges])
        self.edges = [list(output.edges) for output in self.outputs]
        self.inputs: list[Input[Any]] = [Input("a", each) for each in self.buffers]
        self.sent: list[list[Any]] = [[] for _ in self.outputs]
        self.got: list[list[Any]] = [[] for _ in self.inputs]
        self.quit: set[int] = set()
        self.cut: set[tuple[int, int]] = set()
        self.serial = 0

    async def main(self) -> None:
        """Run all scripts to their end, and compare with the model."""
        async with asyncio.TaskGroup() as group:
            for number, scripts in enumerate(self.graph.writers):
                group.create_task(self.writing(number, scripts))
            for number, scripts in enumerate(self.graph.readers):
                for script in scripts:
                    group.create_task(self.reading(number, script))
            for cut in self.graph.cuts:
                group.create_task(self.cutting(*cut))
        assert_nobody_waits([*self.outputs, *self.inputs])
        for far in self.buffers:
            assert not far.putters
            assert far.turn is None
            assert far.over == 0
        for number, edges in enumerate(self.graph.edges):
            for place, target in enumerate(edges):
                self.compare(number, target, cut=(number, place) in self.cut)
        for number, got in enumerate(self.got):
            assert self.buffers[number].taken == len(got)

    def compare(self, number: int, target: int, *, cut: bool) -> None:
        """Assert that the items that came over one edge are those that were sent, in that order."""
        sent = self.sent[number]
        got = [item for item in self.got[target] if item[0] == number]
        if cut or target in self.quit:
            assert got == sent[: len(got)]
        else:
            assert got == sent
            assert self.outputs[number].count >= len(sent)

    async def interrupted(self, call: Callable[[], Awaitable[None]], patience: int | None) -> None:
        """Await `call()` in a task, and cancel it after some turns of the loop."""

        async def main() -> None:
            await call()

        task = asyncio.create_task(main())
        try:
            if patience is not None and patience < 0:
                await turns(-patience)
                task.cancel()
            await asyncio.wait([task])
        finally:
            task.cancel()
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Interrupted | TimeoutError | InputClosed):
            raise error

    # Writers

    async def writing(self, number: int, scripts: list[Script]) -> None:
        output = self.outputs[number]
        try:
            async with asyncio.TaskGroup() as group:
                for script in scripts:
                    group.create_task(self.write(number, output, script))
        except* DownstreamClosed:
            assert output.over
        output.close()

    async def write(self, number: int, output: Output[Any], script: Script) -> None:
        for what, count, patience in script:
            if what == "rest":
                await self.rest(count)
            elif what == "push":
                for _ in range(count):
                    await self.push(number, output, patience)
            else:
                items = self.items(number, count, fails=what == "fail")
                await self.interrupted(partial(output.push_many, items), patience)

    async def push(self, number: int, output: Output[Any], patience: int | None) -> None:
        self.serial += 1
        item = (number, self.serial)
        sent = self.sent[number]
        timeout = patience if patience is not None and patience >= 0 else None
        call = output.push(item, timeout=timeout)
        if isinstance(call, Pushed):  # under debug mode each push has one of its own
            call.close()
            sent.append(item)
            return

        async def wait() -> None:
            await call
            sent.append(item)

        await self.interrupted(wait, patience)

    def items(self, number: int, count: int, *, fails: bool) -> Iterator[Any]:
        for _ in range(count):
            self.serial += 1
            item = (number, self.serial)
            self.sent[number].append(item)
            yield item
        if fails:
            raise Interrupted

    async def cutting(self, number: int, place: int, after: int) -> None:
        await turns(after)
        edge = self.edges[number][place]
        if edge in self.outputs[number].edges:
            self.cut.add((number, place))
            far = edge.buffer
            assert far is not None
            edge.cancel()
            far.producer_closed()

    # Readers

    async def reading(self, number: int, script: Script) -> None:
        port = self.inputs[number]
        got = self.got[number]
        for what, count, patience in script:
            if port.is_closed():
                break
            if what == "rest":
                await self.rest(count)
            elif what == "quit":
                self.quit.add(number)
                port.close()
            else:
                await self.interrupted(self.read(port, got, what, count, patience), patience)
        async for item in port:
            got.append(item)

    def read(
        self, port: Input[Any], got: list[Any], what: str, count: int, patience: int | None
    ) -> Callable[[], Awaitable[None]]:
        timeout = patience if patience is not None and patience >= 0 else None

        async def pop() -> None:
            for _ in range(count):
                got.extend([await port.pop(timeout=timeout)])

        async def peek() -> None:
            await port.peek(timeout=timeout)

        async def chunk() -> None:
            async for items in port.chunks(count):
                assert 0 < len(items) <= count
                got.extend(items)
                break

        async def iterate() -> None:
            left = count
            async for item in port:
                got.append(item)
                left -= 1
                if not left:
                    break

        calls = {"pop": pop, "peek": peek, "chunk": chunk, "iterate": iterate}
        return calls[what]

    async def rest(self, count: int) -> None:
        """Rest for some turns of the loop, or for some seconds."""
        if count % 2:
            await turns(count)
        else:
            await asyncio.sleep(count)


# Graphs

patience = st.one_of(st.none(), st.integers(-6, -1), st.integers(0, 3))


def scripts(*what: str) -> st.SearchStrategy[Script]:
    """Return scripts for one task."""
    line = st.tuples(st.sampled_from(what), st.integers(1, 6), patience)
    return st.lists(line, max_size=8)


writer = st.lists(
    scripts("push", "push", "push_many", "push_many", "fail", "rest"), min_size=1, max_size=2
)


def reader(*more: str) -> st.SearchStrategy[list[Script]]:
    """Return scripts for the tasks that read one input."""
    return st.lists(
        scripts("pop", "pop", "peek", "chunk", "iterate", "rest", *more), min_size=1, max_size=2
    )


@st.composite
def graphs(draw: st.DrawFn, *, losses: bool) -> Graph:
    """Return graphs of at most 4 outputs and 4 inputs."""
    thresholds = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    targets = st.lists(st.sampled_from(range(len(thresholds))), unique=True)
    edges = draw(st.lists(targets, min_size=1, max_size=4))
    cut = st.tuples(st.sampled_from(range(len(edges))), st.integers(0, 3), st.integers(0, 20))
    cuts = draw(st.lists(cut, max_size=3 if losses else 0))
    return Graph(
        thresholds,
        edges,
        [draw(writer) for _ in edges],
        [draw(reader("quit") if losses else reader()) for _ in thresholds],
        [(number, place, after) for number, place, after in cuts if place < len(edges[number])],
    )


def try_out(graph: Graph) -> None:
    """Run `graph`; the loop raises an error when all tasks wait for ever."""

    async def main() -> None:
        await Trial(graph).main()

    run(main())


@settings(max_examples=400)
@given(graphs(losses=False))
def test_p7_random_graphs_lose_nothing_and_double_nothing(graph):
    """P1, P2, P3, P6, P7, P8, P10: fan-in, fan-out and diamonds, pushes, pops and peeks given up
    at random points: FIFO per edge, never above the threshold, no hang, no waiter left behind."""
    try_out(graph)


@settings(max_examples=400)
@given(graphs(losses=True))
def test_c4_random_graphs_whose_edges_are_cut_keep_what_was_delivered_before(graph):
    """C4, P7: edges that are cut and inputs that are closed while others wait for them."""
    try_out(graph)


@settings(max_examples=200)
@given(st.data())
def test_p6_fan_outs_that_share_buffers_in_opposite_orders_never_block_each_other(data):
    """P6: a fan-out holds nothing while it waits, so two of them cannot hand turns back and forth
    for ever. A push that takes a place kept for another leaves the other one in line."""
    count = data.draw(st.integers(2, 4))
    order = list(range(data.draw(st.integers(2, 3))))
    edges = [order if number % 2 else order[::-1] for number in range(count)]
    singles = data.draw(st.lists(st.sampled_from(order), max_size=2))
    call = st.tuples(st.sampled_from(["push", "push_many"]), st.integers(1, 5), patience)
    busy = st.lists(st.lists(call, min_size=3, max_size=10), min_size=1, max_size=2)
    try_out(
        Graph(
            [data.draw(st.integers(1, 2)) for _ in order],
            edges + [[single] for single in singles],
            [data.draw(busy) for _ in range(count + len(singles))],
            [data.draw(reader()) for _ in order],
        )
    )
