"""A plan: a flattened blueprint, ready for an engine to run.

A workflow nests, its flows share operators, and its ports may be mere names for inner ports. An
engine should know none of this, so a workflow is flattened for each run. The records below say
which streams run under which path, which output feeds which input, and which operators are in
between. They hold no loop, no task and no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

from reactivex import Observable

from .._blueprint.restart import Restart
from .._blueprint.stream import Stream

__all__ = ["ENVIRONMENT", "Edge", "Node", "Operator", "Plan", "PlannedStep", "PortRef"]

Operator: TypeAlias = Callable[[Observable[Any]], Any]

ENVIRONMENT = -1
"""The step number of the caller of the run. Its outputs are the workflow's own inputs. Its inputs
are the workflow's own outputs, or the flow that is read."""


class PortRef(NamedTuple):
    """One port of the plan: the number of its step (or ``ENVIRONMENT``) and its name."""

    step: int
    port: str


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One stream to run."""

    path: str
    """``outer/inner/parse``: unique in the plan."""
    stream: Stream
    threshold: int
    """Bound of each of its input buffers, in items."""
    seeds: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Items that wait in its inputs from the start, by port."""
    growth_limit: int | None = None
    """Items up to which each of its buffers may grow; None for the engine's limit (D2)."""
    feeds_only: bool = False
    """A source that the language added for an iterable or Observable, not a user's stream."""
    restart: Restart | None = None
    """When it is started again after a failure; None for never."""


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """Operators over one source or the merge of several; in a run, all readers share them.

    There are two kinds of nodes. If `observable` is None, the items are those of `sources`, merged.
    Otherwise the node is that Observable, which subscribes to `claims` by itself, at any time.
    """

    sources: tuple[PortRef | Node, ...]
    operators: tuple[Operator, ...] = ()
    observable: Observable[Any] | None = None
    claims: tuple[tuple[Any, PortRef | Node], ...] = ()
    """Pairs: a flow inside `observable` or an operator, and what it stands for in this plan."""
    fed_back: frozenset[int] = frozenset()
    """The places, among `sources` and then `claims`, of what it reads over an edge that closes a
    ring on purpose (D6)."""
    name: str = ""
    """Its name in errors and notes."""


class Edge(NamedTuple):
    """An edge into an input: from an output directly, or from a node."""

    source: PortRef | Node
    target: PortRef
    feedback: bool = False
    """Whether it closes a ring on purpose (D6)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A flattened blueprint."""

    name: str
    steps: tuple[PlannedStep, ...]
    edges: tuple[Edge, ...]
    ins: tuple[str, ...] = ()
    """Output ports of the environment: the workflow's own inputs."""
    outs: tuple[str, ...] = ()
    """Input ports of the environment: the workflow's own outputs."""
    threshold: int = 100
    """Bound of the buffers in front of `outs`, in items."""

    def bounded(self, threshold: int) -> Plan:
        """Return the same plan with `threshold` as the bound of every buffer, in items."""
        steps = tuple(replace(step, threshold=threshold) for step in self.steps)
        return replace(self, steps=steps, threshold=threshold)
