"""Who waits for whom in a run, as records and as a drawing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .._bridge.head import Head
from .._ports.buffer import Buffer
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._ports.output import Output
from .processes import Environment, StreamProcess

__all__ = ["Edges", "Wait", "Waiting", "Waits", "find_waits", "waiting_in"]

Edges: TypeAlias = Iterable[tuple[str, str, Edge]]
"""For each edge of a run, the ``step.port`` at both ends, and its near end."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A port in which a stream waits now."""

    step: str
    """Path of the step. For the caller of the run it is ``ins`` where it pushes to the workflow's
    inputs, and ``outs`` where it pops from the workflow's outputs."""
    port: str
    """The port that it waits in."""
    kind: Literal["pop", "push"]
    """What it waits to do."""
    on: tuple[str, ...]
    """The ports (``step.port``) at the other ends: for a pop those that may feed it, for a push
    those that are full."""
    depth: int
    """For a push the items in the fullest buffer that it waits for, for a pop 0."""


class Waits(tuple[Wait, ...]):
    """All waits of a run; ``str()`` draws them, a line each."""

    __slots__ = ()

    def __str__(self) -> str:
        """Draw who waits for whom."""
        if not self:
            return "nobody waits"
        lines = []
        for wait in self:
            others = ", ".join(wait.on) or "nobody"
            if wait.kind == "pop":
                lines.append(f"{wait.step}.{wait.port} <-- waits for an item of {others}")
            elif not wait.depth:
                lines.append(f"{wait.step}.{wait.port} --> waits to be read at {others}")
            else:
                lines.append(
                    f"{wait.step}.{wait.port} --> waits for room at {others} "
                    f"(at most {wait.depth} items wait there)"
                )
        return "\n".join(lines)


@dataclass(slots=True)
class Waiting:
    """A stream, or the caller of the run, and the ports that its tasks wait in."""

    process: StreamProcess | Environment
    pops: list[Buffer]
    pushes: list[Output[Any]]

    def futures(self) -> set[asyncio.Future[Any]]:
        """Return the futures that its tasks wait on there, except those with a timeout."""
        timed = {timer.future for timer in self.process.timers}
        found: set[asyncio.Future[Any]] = {each for pop in self.pops for each in pop.getters}
        found.update(each.future for push in self.pushes for each in push.waiters if each.future)
        return {future for future in found if future not in timed and not future.done()}

    def full(self) -> Iterator[Gate]:
        """Yield the gates that its pushes wait at."""
        for output in self.pushes:
            yield from (gate for gate in output.gates if gate.full())


def waiting_in(process: StreamProcess | Environment, *, timed: bool = True) -> Waiting | None:
    """Return where the tasks of `process` wait now; None if they wait in none of its ports.

    A wait only for the next round of the loop does not count, since the other side runs anyway.

    Args:
        process: A process of a run.
        timed: Whether a wait with a timeout counts.
    """
    without: Iterable[Any] = ()
    if not timed and process.timers:
        without = {timer.future for timer in process.timers}
    pops = [
        port.buffer
        for port in process.ins.values()
        if port.buffer.getters and not port.buffer.items and port.buffer.producers
        if any(not each.done() and each not in without for each in port.buffer.getters)
    ]
    pushes = [
        output
        for output in process.outs.values()
        if output.waiters and any(gate.full() for gate in output.gates)
        if any(_is_pending(each.future, without) for each in output.waiters)
    ]
    return Waiting(process, pops, pushes) if pops or pushes else None


def find_waits(
    those: Iterable[Waiting],
    edges: Edges,
    holds: Mapping[Gate, Head],
    among: Iterable[StreamProcess] | None = None,
) -> Waits:
    """Return the waits of `those` as records.

    Args:
        those: The processes that wait, and where.
        edges: The edges of the run.
        holds: The heads, by the gate that holds each one back until it is subscribed to.
        among: The streams of a ring. Of the streams that feed a pop, only these are named; None
            names all.
    """
    members = None if among is None else set(among)
    feeding: dict[str, list[str]] = {}
    fed: dict[int, list[tuple[str, Edge]]] = {}
    for source, target, edge in edges:
        if edge.live:
            fed.setdefault(id(edge.output), []).append((target, edge))
            if members is None or _process(edge) in members:
                feeding.setdefault(target, []).append(source)

    def full_ahead(output: Output[Any]) -> Iterator[str]:
        """Yield the ports that a push waits for."""
        for target, edge in fed.get(id(output), ()):
            if any(gate.full() for gate in edge.gates):
                yield target

    def full_in_ring(output: Output[Any]) -> Iterator[str]:
        """Yield them as the drawing of a ring has them, with what a held one is read after."""
        full = [gate for gate in output.gates if gate.full()]
        buffers = [gate for gate in full if isinstance(gate, Buffer)]
        yield from (f"{gate.process.as_target}.{gate.port}" for gate in buffers)
        if not buffers:
            yield from (_reader(holds[gate]) for gate in full if gate in holds)

    names = full_ahead if members is None else full_in_ring
    return Waits(wait for each in those for wait in _records(each, feeding, names))


def _records(
    each: Waiting,
    feeding: Mapping[str, list[str]],
    names: Callable[[Output[Any]], Iterable[str]],
) -> Iterator[Wait]:
    process = each.process
    for buffer in each.pops:
        sources = feeding.get(f"{process.as_target}.{buffer.port}", ())
        yield Wait(process.as_target, buffer.port, "pop", tuple(dict.fromkeys(sources)), 0)
    for output in each.pushes:
        depth = max(len(gate.items) for gate in output.gates if gate.full())
        on = tuple(dict.fromkeys(names(output)))
        yield Wait(process.as_source, output.name, "push", on, depth)


def _reader(held: Head) -> str:
    """Return the inputs that will read a held output, and the outputs that they read first (D5)."""
    node = held.node
    first = [
        f"{process.as_source}.{edge.output.name}"
        for head in node.heads()
        for edge in head.edges
        if edge.live and edge.output is not None and not head.held
        if isinstance(process := edge.output.process, StreamProcess)
    ]
    after = f" after {', '.join(dict.fromkeys(first))}" if first else ""
    return f"{', '.join(node.targets) or node.node.name}{after}"


def _process(edge: Edge) -> object:
    return None if edge.output is None else edge.output.process


def _is_pending(future: asyncio.Future[None] | None, without: Iterable[Any]) -> bool:
    return future is not None and not future.done() and future not in without
