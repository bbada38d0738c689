"""The workflow that steps and flows are of, as an annotation.

A workflow is made of steps and flows, and each of them says which one it is of. They never need
the class while a program runs, so they do not import it. Type checkers see the public name here,
the one annotation of the package that looks up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeGuard

from ._stream import Stream

if TYPE_CHECKING:
    from mimo_rx import Workflow

__all__ = ["Workflow", "nests"]


def nests(stream: Stream) -> TypeGuard[Workflow]:
    """Tell whether `stream` is a workflow, whose steps run in its place."""
    return stream.nests
