"""Who waits for whom in a run, as a record and as a drawing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .._ports.edge import Edge
from .processes import Environment, StreamProcess

__all__ = ["Wait", "Waits", "find_waits"]


@dataclass(frozen=True, slots=True)
class Wait:
    """A port in which a stream waits now."""

    step: str
    """Path of the step; for whoever runs the workflow ``ins``, where it pushes to its inputs, and
    ``outs``, where it pops from its outputs."""
    port: str
    """The port that it waits in."""
    kind: Literal["pop", "push"]
    """What it waits to do."""
    on: tuple[str, ...]
    """The ports (``step.port``) at the other ends: for a pop those that may feed it, for a push
    those that are full."""
    depth: int
    """For a push the items in the fullest buffer before it, for a pop 0."""


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


def find_waits(
    processes: Iterable[StreamProcess | Environment], edges: Iterable[tuple[str, str, Edge]]
) -> Waits:
    """Return who waits in the ports of `processes` now.

    Args:
        processes: Those of a run.
        edges: For each edge the ``step.port`` at its ends, and its near end.
    """
    feeding: dict[str, list[str]] = {}
    fed: dict[int, list[tuple[str, Edge]]] = {}
    for source, target, edge in edges:
        if edge.is_connected:
            feeding.setdefault(target, []).append(source)
            fed.setdefault(id(edge.output), []).append((target, edge))
    found: list[Wait] = []
    for process in processes:
        for name, port in process.ins.items():
            if any(not future.done() for future in port.buffer.getters):
                others = tuple(feeding.get(f"{process.as_target}.{name}", ()))
                found.append(Wait(process.as_target, name, "pop", others, 0))
        for name, output in process.outs.items():
            if output.waiters:
                full = tuple(
                    target
                    for target, edge in fed.get(id(output), ())
                    if any(gate.full() for gate in edge.gates)
                )
                # Where none is full by now, it has been woken, and waits for its turn alone.
                if full or any(gate.full() for gate in output.gates):
                    depth = max(len(gate.items) for gate in output.gates)
                    found.append(Wait(process.as_source, name, "push", full, depth))
    return Waits(found)
