"""The workflow that steps and flows belong to.

A workflow is made of steps and flows, and each of them names its workflow. The class stands two
rows above. While a program runs, no module down here needs it. Type checkers do: they read the name
``Workflow`` in the stub beside this file.
"""

from __future__ import annotations

from .stream import Stream

__all__ = ["nests"]


def nests(stream: Stream) -> bool:
    """Tell whether `stream` is a workflow, whose steps run in its place."""
    return stream._nests
