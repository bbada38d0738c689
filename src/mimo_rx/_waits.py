"""Who waits for whom in a run, as a record and as a drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Wait", "Waits"]


@dataclass(frozen=True, slots=True)
class Wait:
    """One task of a stream that waits in a port now."""

    step: str
    """Path of the step."""
    port: str
    """The port that it waits in."""
    kind: Literal["pop", "push"]
    """What it waits to do."""
    on: tuple[str, ...]
    """The ports (``step.port``) at the other ends: for a pop those that may feed it, for a push
    those that are full."""
    depth: int
    """Items in its buffer for a pop (0), or in the fullest one before it for a push."""


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
            else:
                lines.append(
                    f"{wait.step}.{wait.port} --> waits for room at {others} "
                    f"({wait.depth} items wait there)"
                )
        return "\n".join(lines)
