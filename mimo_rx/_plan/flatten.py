"""Flatten a blueprint into the plan that an engine runs, without nested workflows.

A port of a nested workflow is only a name for inner ports. Such names are followed through any
depth to the outputs that feed them. If several outputs feed a name that leads into several inputs,
each pair gets its own edge. Operators are laid out once for each flow and each place of its
workflow, so that all readers of a flow share them.

Nothing here recurses, since a chain may have ten thousand links.

Rules: W7, L4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .._blueprint.flow import Derived, Flow, Merged, ObservableFlow
from .._blueprint.sources import SourceFlow, SourceStream
from .._blueprint.step import Port, WorkflowInput
from .._errors import WiringError
from .._rx.operators import describe
from .places import Frame, Layout
from .plan import ENVIRONMENT, Edge, Node, Plan, PortRef

if TYPE_CHECKING:
    from .._blueprint.nesting import Workflow

__all__ = ["READ", "flatten", "flatten_flow"]

READ = "item"
"""The input of the environment that a flow leads into when it is read outside a run."""


def flatten(workflow: Workflow) -> Plan:
    """Flatten `workflow`.

    Args:
        workflow: The blueprint. It is not changed, and later changes to it do not affect the plan.

    Raises:
        WiringError: Operators form a ring without a stream in it.
    """
    flattener = _Flattener(_layout(workflow))
    flattener.add_links()
    for link in flattener.layout.root.links:
        if link.step is None:
            flattener.add(link.source, PortRef(ENVIRONMENT, link.port))
    return flattener.plan(tuple(flattener.layout.root.workflow.outs))


def flatten_flow(flow: Flow, workflow: Workflow) -> Plan:
    """Flatten `workflow`, with `flow` led into the environment's input ``item``.

    Args:
        flow: The flow to read.
        workflow: The workflow of `flow`; an empty one if it has none.

    Raises:
        WiringError: Nothing can be read from `flow`, or operators form a ring without a stream.
    """
    flow = flow.readable()
    flattener = _Flattener(_layout(workflow), flow)
    flattener.add_links()
    flattener.add(flow, PortRef(ENVIRONMENT, READ))
    return flattener.plan((READ,))


def _layout(workflow: Workflow) -> Layout:
    workflow = workflow.graph.workflow
    workflow.graph.used = True
    return Layout(workflow)


class _Place(NamedTuple):
    """A flow in a frame; as an atom, one with operators or an Observable of its own."""

    frame: Frame
    flow: Flow

    @property
    def key(self) -> tuple[int, int]:
        return id(self.frame), id(self.flow)


class _Seeds(NamedTuple):
    """Items that were pushed into an input of a nested workflow before the run."""

    name: str
    items: tuple[Any, ...]


_Atom: TypeAlias = PortRef | _Place | _Seeds


class _Read(NamedTuple):
    """Something that is read, and over which kind of edge."""

    atom: _Atom
    fed_back: bool
    """Whether it is read over an edge that closes a ring on purpose (D6)."""


class _Needs(NamedTuple):
    """The parts of a node: its operators, what it reads, and what it claims."""

    place: _Place
    operators: tuple[Any, ...]
    reads: list[_Read]
    claims: list[tuple[Flow, list[_Read]]]


class _Flattener:
    def __init__(self, layout: Layout, read: Flow | None = None) -> None:
        self.layout = layout
        self._edges: list[Edge] = []
        self._direct: set[tuple[PortRef, PortRef]] = set()
        self._nodes: dict[tuple[int, int], Node] = {}
        self._uses: dict[int, Counter[int]] = {}
        if read is not None:
            root = layout.root
            sources = [*(link.source for link in root.links), read]
            self._uses[id(root.workflow)] = _count_uses(sources)

    def plan(self, outs: tuple[str, ...]) -> Plan:
        workflow = self.layout.root.workflow
        return Plan(
            name=workflow.name,
            steps=self.layout.steps,
            edges=tuple(self._edges),
            ins=tuple(workflow.ins),
            outs=outs,
            threshold=workflow.threshold,
        )

    def add_links(self) -> None:
        """Add the edges into the steps that run."""
        for frame in self.layout.frames:
            for link in frame.links:
                if link.step in frame.numbers:
                    target = PortRef(frame.numbers[link.step], link.port)
                    self.add(link.source, target, frame, feedback=link.feedback)

    def add(
        self, flow: Flow, target: PortRef, frame: Frame | None = None, *, feedback: bool = False
    ) -> None:
        """Add the edges from `flow` into `target`."""
        for atom, fed_back in self._reads(_Place(frame or self.layout.root, flow), feedback):
            if isinstance(atom, _Seeds) and target.step != ENVIRONMENT:
                self.layout.seed(target.step, target.port, atom.items)
                continue
            source = self._built(atom)
            if isinstance(source, PortRef):
                # A second edge between the same two ports needs an identity of its own.
                if (source, target) in self._direct:
                    source = Node((source,))
                else:
                    self._direct.add((source, target))
            self._edges.append(Edge(source, target, fed_back))

    def _reads(self, place: _Place, feedback: bool = False) -> list[_Read]:
        """Follow all names, and return what feeds `place`."""
        found: list[_Read] = []
        path: set[object] = set()
        stack: list[_Read | _Leave] = [_Read(place, feedback)]
        while stack:
            entry = stack.pop()
            if isinstance(entry, _Leave):
                path.discard(entry.name)
            elif (
                not isinstance(entry.atom, _Place) or (followed := self._follow(entry.atom)) is None
            ):
                found.append(entry)
            elif followed.name not in path:  # else a ring of names, which feeds nothing new
                path.add(followed.name)
                stack.append(_Leave(followed.name))
                # Everything behind a feedback edge is read over that edge.
                stack.extend(
                    _Read(atom, fed_back or (entry.fed_back and not isinstance(atom, _Seeds)))
                    for atom, fed_back in reversed(followed.behind)
                )
        return found

    def _follow(self, place: _Place) -> _Followed | None:
        """Return what feeds a name directly; None if `place` is not a name."""
        frame, flow = place.frame, place.flow.readable()
        if isinstance(flow, Derived | ObservableFlow):
            return None
        if isinstance(flow, Merged):
            return _named(place.key, (_Place(frame, each) for each in flow.parents))
        if isinstance(flow, SourceFlow):
            return _named(flow, [PortRef(self.layout.source(frame, flow.stream), READ)])
        if isinstance(flow, WorkflowInput):
            return self._follow_input(frame, flow.name)
        assert isinstance(flow, Port), flow
        step, port = flow.step, flow.name
        inner = frame.children.get(step)
        if inner is None:
            return _named(flow, [PortRef(frame.numbers[step], port)])
        links = inner.feeds.get((None, port), ())
        return _named((id(inner), "output", port), (_Place(inner, link.source) for link in links))

    def _follow_input(self, frame: Frame, name: str) -> _Followed:
        key = (id(frame), "input", name)
        if frame.parent is None or frame.step is None:
            return _named(key, [PortRef(ENVIRONMENT, name)])
        behind = [
            _Read(_Place(frame.parent, link.source), link.feedback)
            for link in frame.parent.feeds.get((frame.step, name), ())
        ]
        seeds = frame.step.seeds.get(name)
        if seeds:
            behind.insert(0, _Read(_Seeds(f"{frame.step.name}.{name}", seeds), False))
        return _Followed(key, behind)

    def _built(self, atom: _Atom) -> PortRef | Node:
        """Return the port or node of `atom` in the plan; make the node on first use."""
        if isinstance(atom, PortRef):
            return atom
        if isinstance(atom, _Seeds):
            stream = SourceStream(atom.items, "iterable", f"seeds-{atom.name}")
            return PortRef(self.layout.source(self.layout.root, stream), READ)
        pending: dict[tuple[int, int], _Needs] = {}
        stack = [atom]
        while stack:
            place = stack[-1]
            if place.key in self._nodes:
                stack.pop()
                continue
            needs = pending.setdefault(place.key, self._needs(place))
            missing = [inner for inner in _places_in(needs) if inner.key not in self._nodes]
            for inner in missing:
                if inner.key in pending:
                    raise WiringError(
                        f"{inner.flow!r} in workflow {inner.frame.workflow.name!r} feeds itself "
                        "without a stream in between"
                    )
            if missing:
                stack.extend(missing)
            else:
                self._nodes[place.key] = self._node(needs)
        return self._nodes[atom.key]

    def _needs(self, place: _Place) -> _Needs:
        """Gather a chain of operators, back to the first flow that has other readers too."""
        frame, flow = place
        if isinstance(flow, ObservableFlow):
            claims = [(each, self._reads(_Place(frame, each))) for each in flow.claims]
            return _Needs(place, (), [], claims)
        uses = self._uses_in(frame.workflow)
        chain: list[Derived] = []
        while isinstance(flow, Derived) and (not chain or uses[id(flow)] == 1):
            chain.append(flow)
            flow = flow.parent
        # Before the claims: sources begin in the order in which they are written.
        reads = self._reads(_Place(frame, flow))
        claims = [
            (claim, self._reads(_Place(frame, claim)))
            for derived in reversed(chain)
            for claim in derived.claims
        ]
        operators = tuple(derived.operator for derived in reversed(chain))
        return _Needs(place, operators, reads, claims)

    def _node(self, needs: _Needs) -> Node:
        flow = needs.place.flow
        observable = flow.observable if isinstance(flow, ObservableFlow) else None
        fed_back = _fed_back(needs.reads)
        claims: list[tuple[Flow, PortRef | Node]] = []
        for place, (claim, reads) in enumerate(needs.claims, len(needs.reads)):
            built = self._all_built(reads)
            if len(built) == 1:
                fed_back |= _fed_back(reads, place)
            else:
                merged = Node(built, name=claim.label(), fed_back=frozenset(_fed_back(reads)))
                built = (merged,)
            claims.append((claim, built[0]))
        return Node(
            sources=self._all_built(needs.reads),
            operators=needs.operators,
            observable=observable,
            claims=tuple(claims),
            fed_back=frozenset(fed_back),
            name=" | ".join(map(describe, needs.operators)) or flow.label(),
        )

    def _all_built(self, reads: list[_Read]) -> tuple[PortRef | Node, ...]:
        return tuple(self._built(each.atom) for each in reads)

    def _uses_in(self, workflow: Workflow) -> Counter[int]:
        uses = self._uses.get(id(workflow))
        if uses is None:
            uses = _count_uses(link.source for link in workflow.graph.links.values())
            self._uses[id(workflow)] = uses
        return uses


class _Followed(NamedTuple):
    name: object
    behind: list[_Read]


def _named(name: object, behind: Iterable[_Atom]) -> _Followed:
    return _Followed(name, [_Read(atom, False) for atom in behind])


class _Leave(NamedTuple):
    """A mark on the stack: everything behind `name` has been visited."""

    name: object


def _places_in(needs: _Needs) -> list[_Place]:
    reads = [*needs.reads, *(each for _, claimed in needs.claims for each in claimed)]
    return [each.atom for each in reads if isinstance(each.atom, _Place)]


def _fed_back(reads: list[_Read], first: int = 0) -> set[int]:
    """Return the places, counted from `first`, of what is read over an edge that closes a ring."""
    return {place for place, each in enumerate(reads, first) if each.fed_back}


def _count_uses(flows: Iterable[Flow]) -> Counter[int]:
    """Count the edges, flows and Observables that refer to each flow."""
    uses: Counter[int] = Counter()
    stack = list(flows)
    while stack:
        flow = stack.pop()
        uses[id(flow)] += 1
        if uses[id(flow)] == 1:
            stack.extend(flow.parents)
    return uses
