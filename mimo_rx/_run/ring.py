"""How a ring is drawn: who waits for which port of whom, and what would help."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .._bridge.head import Head
from .._errors import DeadlockError
from .._ports.buffer import Buffer
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._ports.output import Output
from .processes import StreamProcess
from .waits import Wait, Waits

__all__ = ["Waiting", "deadlock", "draw", "owner"]

Edges = Iterable[tuple[str, str, Edge]]


@dataclass(slots=True)
class Waiting:
    """A stream and the ports that its tasks wait in."""

    process: StreamProcess
    pops: list[Buffer]
    pushes: list[Output[Any]]

    def futures(self) -> set[asyncio.Future[Any]]:
        """Return what its tasks wait on there, but for what has a timeout."""
        timed = {timer.future for timer in self.process.timers}
        found: set[asyncio.Future[Any]] = {each for pop in self.pops for each in pop.getters}
        found.update(each.future for push in self.pushes for each in push.waiters if each.future)
        return {future for future in found if future not in timed and not future.done()}


def draw(those: Iterable[Waiting], edges: Edges, holds: Mapping[Gate, Head]) -> Waits:
    """Return the waits of the streams of a ring, each for others of the ring.

    Args:
        those: The streams.
        edges: The ``step.port`` at the ends of each edge of the run, and its near end.
        holds: What is not subscribed to yet, by the gate that holds it back.
    """
    those = list(those)
    members = {each.process for each in those}
    feeding: dict[str, list[str]] = {}
    for source, target, edge in edges:
        if edge.is_connected and owner(edge) in members:
            feeding.setdefault(target, []).append(source)
    return Waits(wait for each in those for wait in _drawn(each, feeding, holds))


def _drawn(
    each: Waiting, feeding: Mapping[str, list[str]], holds: Mapping[Gate, Head]
) -> Iterator[Wait]:
    path = each.process.path
    for buffer in each.pops:
        sources = tuple(dict.fromkeys(feeding.get(f"{path}.{buffer.port}", ())))
        yield Wait(path, buffer.port, "pop", sources, 0)
    for output in each.pushes:
        full = [gate for gate in output.gates if gate.full()]
        buffers = [gate for gate in full if isinstance(gate, Buffer)]
        if buffers:
            names = tuple(f"{each.process.path}.{each.port}" for each in buffers)
            yield Wait(path, output.name, "push", names, max(len(b.items) for b in buffers))
        else:
            held = tuple(_reader(holds[gate]) for gate in full if gate in holds)
            yield Wait(path, output.name, "push", held, 0)


def owner(edge: Edge) -> StreamProcess | None:
    """Return the stream from which `edge` leads; None for whoever runs it."""
    process = None if edge.output is None else edge.output.process
    return process if isinstance(process, StreamProcess) else None


def _reader(held: Head) -> str:
    """Return by whom a held output will be read, and after what (D5)."""
    node = held.node
    first = [
        f"{process.path}.{edge.output.name}"
        for head in node.heads()
        for edge in head.edges
        if edge.is_connected and edge.output is not None and (process := owner(edge)) is not None
        if not head.held
    ]
    after = f" after {', '.join(dict.fromkeys(first))}" if first else ""
    return f"{', '.join(node.targets) or node.node.name}{after}"


def deadlock(drawing: Waits, name: str, *, has_grown: bool) -> DeadlockError:
    """Return the error of a ring of workflow `name` that can never go on (D3)."""
    if has_grown:
        hint = "; its buffers have grown as far as growth_limit lets them"
    elif any(wait.kind == "push" for wait in drawing):
        hint = "; an output that is to be read after another one is pushed to before that has ended"
    else:
        hint = "; a ring that is meant to come to rest is closed by pipe(..., feedback=True)"
    text = str(drawing).replace("\n", "\n  ")
    return DeadlockError(
        f"streams of workflow {name!r} wait for each other in a ring and can never go on{hint}:"
        f"\n  {text}"
    )
