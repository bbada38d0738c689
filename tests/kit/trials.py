"""Runs of random graphs: streams that do what a node says, in one of several styles."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import async_solipsism
import pytest
from hypothesis import settings

from graphs import Edge, Fault, Graph
from kahn import END, OPERATORS, Item, ops
from mimo_rx import InputClosed, Stream, Workflow


def soaked(test: Callable[..., None]) -> Callable[..., None]:
    """Try a property with 200 examples, or with the number of ``make soak``."""
    # The profile of --hypothesis-profile is in force before a test module is imported.
    if settings.get_current_profile_name() != "soak":
        test = settings(max_examples=200)(pytest.mark.timeout(600)(test))  # to shrink what fails
    marked: Callable[..., None] = pytest.mark.soak(test)
    return marked


INPUTS, OUTPUTS = ("a", "b", "c"), ("x", "y")


class Injected(Exception):
    """The failure of a stream or of an operator."""


@dataclass
class Trial:
    """One run of a graph: its settings, and a record of what happens.

    Args:
        graph: The graph that runs.
        seed: The seed of the pauses that the streams make; None for no pauses.
        fault: The fault, if there is one.
    """

    graph: Graph
    seed: int | None = None
    fault: Fault | None = None
    taken: list[list[int | None]] = field(default_factory=list)
    begun: Counter[int] = field(default_factory=Counter)
    finals: Counter[int] = field(default_factory=Counter)
    cleaned: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    async def pause(self) -> None:
        """Now and then, let other tasks go first, or let time pass."""
        if self.seed is None:
            return
        for _ in range(self.random.choice((0, 0, 0, 1, 2, 5))):
            await asyncio.sleep(0)
        if self.random.random() < 0.02:
            await asyncio.sleep(self.random.random())

    def workflow(self, threshold: int | None = None) -> Workflow:
        """Build the graph, with one threshold for all or with those of the nodes."""
        workflow = Workflow()
        steps: list[Any] = []
        flows: dict[Edge, Any] = {}
        fault = self.fault if self.fault and self.fault.kind == "operator" else None
        for number, node in enumerate(self.graph.nodes):
            self.taken.append([])
            steps.append(
                workflow.add_stream(
                    Stream(INPUTS, OUTPUTS, fn=Player(self, number).main, name=f"n{number}"),
                    threshold=threshold or node.threshold,
                )
            )
            for place, edge in enumerate(node.reads):
                flow = flows.get(edge) if self.graph.shares else None
                if flow is None:
                    flow = steps[edge.node][OUTPUTS[edge.port]]
                    for name, n in edge.operators:
                        flow = flow | OPERATORS[name].rx(n)
                    flows[edge] = flow
                if fault is not None and (fault.node, fault.place) == (number, place):
                    flow = flow | ops.map(failing(fault.at))
                flow | steps[-1][INPUTS[place]]
        return workflow


def failing(left: int) -> Callable[[Item], Item]:
    """Return a function that raises at item number `left`, counted from 1."""

    def fail_at_last(item: Item) -> Item:
        nonlocal left
        left -= 1
        if not left:
            raise Injected
        return item

    return fail_at_last


class Player:
    """Carries out the commands of one node on the ports of a run."""

    def __init__(self, trial: Trial, number: int) -> None:
        self.trial = trial
        self.number = number
        self.node = trial.graph.nodes[number]
        fault = trial.fault
        self.fault = fault if fault is not None and fault.node == number else None
        self.closed: set[int] = set()
        self.iterators: dict[int, Any] = {}
        self.ahead: dict[int, list[Item]] = {}

    async def main(self, ins: Any, outs: Any, state: Any) -> None:
        trial, number = self.trial, self.number
        trial.begun[number] += 1
        try:
            await self.play(list(ins), list(outs))
        finally:
            trial.finals[number] += 1
            self.iterators.clear()
            self.ahead.clear()
            await trial.pause()
            trial.cleaned[number] += 1

    async def play(self, ins: list[Any], outs: list[Any]) -> None:
        kernel = self.node.kernel()
        pending: list[tuple[int, Item]] = []
        commands = 0
        answer: Any = None
        while True:
            try:
                what, place, value = kernel.send(answer)
            except StopIteration:
                break
            await self.trial.pause()
            commands += 1
            if self.fault is not None and self.fault.at == commands:
                await self.flush(outs, pending)
                if await self.strike(self.fault, ins):
                    return
            answer = None
            if what == "pop":
                await self.flush(outs, pending)
                answer = await self.take(ins[place], place)
                self.trial.taken[self.number].append(answer)
            elif self.node.pushing == "push":
                await outs[place].push(Item(value))
            else:
                pending.append((place, Item(value)))
                if len(pending) > 9:
                    await self.flush(outs, pending)
        await self.flush(outs, pending)

    async def strike(self, fault: Fault, ins: list[Any]) -> bool:
        """Let the fault happen; tell whether the stream returns."""
        if fault.kind == "raises":
            raise Injected
        if fault.kind == "gives up":
            raise asyncio.CancelledError
        place = fault.place % max(1, len(self.node.reads))
        if fault.kind == "expires" and self.node.reads:
            with suppress(InputClosed):
                await ins[place].peek(timeout=0.0)
        if fault.kind == "closes" and self.node.reads:
            ins[place].close()
            self.closed.add(place)
        return fault.kind == "returns"

    async def flush(self, outs: list[Any], pending: list[tuple[int, Item]]) -> None:
        """Push the items that were held back for a push in bulk."""
        for place in (0, 1) if pending else ():
            await outs[place].push_many(item for to, item in pending if to == place)
        pending.clear()

    async def take(self, port: Any, place: int) -> int | None:
        """Take an item from `port` in the style of this node."""
        if place in self.closed:
            return END
        try:
            item: Item | None = await getattr(self, f"take_by_{self.node.reading}")(port, place)
        except InputClosed:
            return END
        return END if item is None else item.value

    async def take_by_pop(self, port: Any, place: int) -> Any:
        return await port.pop()

    async def take_by_peek(self, port: Any, place: int) -> Any:
        first = await port.peek()
        item = await port.pop()
        assert item is first
        return item

    async def take_by_iterate(self, port: Any, place: int) -> Any:
        return await anext(self.iterators.setdefault(place, aiter(port)), None)

    async def take_by_chunks(self, port: Any, place: int) -> Any:
        ahead = self.ahead.setdefault(place, [])
        if not ahead:
            if place not in self.iterators:
                self.iterators[place] = port.chunks(self.node.number or None)
            # The anext() of Python 3.11 fails with an empty tuple as its default.
            chunk: list[Item] | None = await anext(self.iterators[place], None)
            ahead += chunk or ()
        return ahead.pop(0) if ahead else None


class ShuffledLoop(async_solipsism.EventLoop):  # type: ignore[misc]  # it ships no types
    """A loop with virtual time that runs ready callbacks in any order."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)

    def _run_once(self) -> None:
        self._random.shuffle(self._ready)
        super()._run_once()


@contextmanager
def growth_warnings() -> Iterator[list[str]]:
    """Collect the warnings of the watch for rings instead of showing them."""
    log = logging.getLogger("mimo_rx")
    warnings: list[str] = []

    class Collects(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warnings.append(record.getMessage())

    handler = Collects()
    log.addHandler(handler)
    log.propagate = False
    try:
        yield warnings
    finally:
        log.propagate = True
        log.removeHandler(handler)
