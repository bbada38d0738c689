"""The texts about a ring: what would help, and the drawing of who waits for whom.

Rules: D3.
"""

from __future__ import annotations

from .._errors import DeadlockError
from .._ports.buffer import Buffer
from .waits import Waits

__all__ = ["deadlock", "growth_warning"]


def deadlock(drawing: Waits, name: str, *, has_grown: bool) -> DeadlockError:
    """Return the error of a ring of workflow `name` that can never go on (D3)."""
    if has_grown:
        hint = "; its buffers have grown as far as growth_limit allows"
    elif any(wait.kind == "push" for wait in drawing):
        hint = "; an output is read only after another one has ended, but is pushed to before that"
    else:
        hint = "; if the ring is meant to come to rest, close it with pipe(..., feedback=True)"
    return DeadlockError(
        f"streams of workflow {name!r} wait for each other in a ring and can never go on{hint}:"
        f"\n  {_indented(drawing)}"
    )


def growth_warning(drawing: Waits, name: str, buffer: Buffer, limit: int) -> str:
    """Return the warning that a buffer grows to let a ring of workflow `name` go on (D2).

    Args:
        drawing: The ring.
        name: The workflow.
        buffer: The buffer, which has grown.
        limit: Items to which it may grow.
    """
    return (
        f"streams of workflow {name!r} wait for each other in a ring, so the buffer of "
        f"{buffer.process.path}.{buffer.port} grows above its threshold of "
        f"{buffer.threshold - buffer.growth} items (to at most {limit}); give its step a larger "
        f"threshold:\n  {_indented(drawing)}"
    )


def _indented(drawing: Waits) -> str:
    return str(drawing).replace("\n", "\n  ")
