"""Laying a blueprint flat: what an engine runs, without nesting and without names for names.

Ports of nested workflows are mere names: what feeds one is followed through any depth to the
outputs that stand behind it, and multiplied out where it meets several inputs. Operators are laid
out once for each flow and place of its workflow, so that all who read a flow share them.

Nothing here recurses: a chain may have ten thousand links.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from .._blueprint.flow import BareFlow, Derived, Flow, Merged, ObservableFlow
from .._blueprint.sources import SourceFlow, SourceStream
from .._blueprint.step import Port, Step, WorkflowInput
from .._errors import WiringError
from .._rx.operators import describe
from .places import Frame, Layout
from .plan import ENVIRONMENT, Edge, Node, Plan, PortRef

if TYPE_CHECKING:
    from .._blueprint.home import Workflow

__all__ = ["READ", "flatten", "flatten_flow"]

READ = "item"
"""The input of the environment that a flow leads into when it is read outside a run."""


def flatten(workflow: Workflow) -> Plan:
    """Lay `workflow` flat.

    Args:
        workflow: The blueprint. It is not changed, and what becomes of it later does not show.

    Raises:
        WiringError: Operators stand in a ring without a stream in it.
    """
    flattener = _Flattener(Layout(workflow))
    flattener.add_links()
    for link in flattener.layout.root.links:
        if link.step is None:
            flattener.add(link.source, PortRef(ENVIRONMENT, link.port))
    return flattener.plan(tuple(workflow.outs))


def flatten_flow(flow: Flow, workflow: Workflow) -> Plan:
    """Lay `workflow` flat, with `flow` led into the environment's input ``item``.

    Args:
        flow: The flow to read.
        workflow: The one that it is of; an empty one for a flow that has none.

    Raises:
        WiringError: Nothing can be read from `flow`, or operators stand in a ring.
    """
    flow = flow.readable()
    strangers = {id(b.stream): b.stream for b in flow.bare if workflow.graph.bound_step(b) is None}
    flattener = _Flattener(Layout(workflow, strangers.values()), flow)
    flattener.add_links()
    flattener.add(flow, PortRef(ENVIRONMENT, READ))
    return flattener.plan((READ,))


class _Place(NamedTuple):
    """A flow in a frame; as an atom, one with operators or an Observable of its own."""

    frame: Frame
    flow: Flow

    @property
    def key(self) -> tuple[int, int]:
        return id(self.frame), id(self.flow)


class _Seeds(NamedTuple):
    """Items that were pushed into an input of a nested workflow."""

    name: str
    items: tuple[Any, ...]


class _Fedback(NamedTuple):
    """An atom that is reached over an edge that closes a meant ring."""

    atom: PortRef | _Place


_Atom: TypeAlias = PortRef | _Place | _Seeds | _Fedback


class _Needs(NamedTuple):
    """What a node is made of: its operators, the atoms it reads, and what it claims."""

    place: _Place
    operators: tuple[Any, ...]
    atoms: list[_Atom]
    claims: list[tuple[Flow, list[_Atom]]]


class _Flattener:
    def __init__(self, layout: Layout, read: Flow | None = None) -> None:
        self.layout = layout
        self._edges: list[Edge] = []
        self._direct: set[Edge] = set()
        self._feedback: set[Edge] = set()
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
            feedback=frozenset(self._feedback),
            threshold=workflow.threshold,
        )

    def add_links(self) -> None:
        """Add what leads into the steps that run."""
        for frame in self.layout.frames:
            for link in frame.links:
                if link.step in frame.numbers:
                    target = PortRef(frame.numbers[link.step], link.port)
                    self.add(link.source, target, frame, feedback=link.feedback)

    def add(
        self, flow: Flow, target: PortRef, frame: Frame | None = None, *, feedback: bool = False
    ) -> None:
        """Add what leads from `flow` into `target`."""
        for atom in self._atoms(_Place(frame or self.layout.root, flow), feedback):
            fedback = isinstance(atom, _Fedback)
            if isinstance(atom, _Fedback):
                atom = atom.atom
            if isinstance(atom, _Seeds) and target.step != ENVIRONMENT:
                self.layout.seed(target.step, target.port, atom.items)
                continue
            edge = Edge(self._built(atom), target)
            if isinstance(edge.source, PortRef):
                # A second edge between the same two ports needs an identity of its own.
                if edge in self._direct:
                    edge = Edge(Node((edge.source,)), target)
                self._direct.add(edge)
            self._edges.append(edge)
            if fedback:
                self._feedback.add(edge)

    def _atoms(self, place: _Place, feedback: bool = False) -> list[_Atom]:
        """Return what stands behind `place` when all names are followed."""
        found: list[_Atom] = []
        path: set[object] = set()
        stack: list[Any] = [_Fedback(place) if feedback else place]
        while stack:
            entry = stack.pop()
            fedback = isinstance(entry, _Fedback)
            if fedback:
                entry = entry.atom
            if isinstance(entry, _Leave):
                path.discard(entry.name)
            elif not isinstance(entry, _Place) or (followed := self._follow(entry)) is None:
                found.append(_Fedback(entry) if fedback else entry)
            elif followed.name not in path:  # else a ring of names, which feeds nothing new
                path.add(followed.name)
                stack.append(_Leave(followed.name))
                behind = reversed(followed.behind)
                stack.extend(map(_fed_back, behind) if fedback else behind)
        return found

    def _follow(self, place: _Place) -> _Followed | None:
        """Return what stands directly behind a name; None if `place` is none."""
        frame, flow = place.frame, place.flow.readable()
        if isinstance(flow, Derived | ObservableFlow):
            return None
        if isinstance(flow, Merged):
            return _Followed(place.key, [_Place(frame, each) for each in flow.parents])
        if isinstance(flow, SourceFlow):
            return _Followed(flow, [PortRef(self.layout.source(frame, flow.stream), READ)])
        if isinstance(flow, WorkflowInput):
            return self._follow_input(frame, flow.name)
        assert isinstance(flow, Port | BareFlow), flow
        step, port = _step_and_port(frame, flow)
        inner = frame.children.get(step)
        if inner is None:
            return _Followed(flow, [PortRef(frame.numbers[step], port)])
        behind = [_Place(inner, link.source) for link in inner.feeds.get((None, port), ())]
        return _Followed((id(inner), "output", port), behind)

    def _follow_input(self, frame: Frame, name: str) -> _Followed:
        key = (id(frame), "input", name)
        if frame.parent is None or frame.step is None:
            return _Followed(key, [PortRef(ENVIRONMENT, name)])
        feeds = frame.parent.feeds.get((frame.step, name), ())
        behind: list[Any] = []
        for link in feeds:
            source = _Place(frame.parent, link.source)
            behind.append(_Fedback(source) if link.feedback else source)
        seeds = frame.step.seeds.get(name)
        if seeds:
            behind.insert(0, _Seeds(f"{frame.step.name}.{name}", seeds))
        return _Followed(key, behind)

    def _built(self, atom: _Atom) -> PortRef | Node:
        """Return what stands for `atom` in the plan; its node is made if need be."""
        if isinstance(atom, _Fedback):
            return Node((self._built(atom.atom),), feedback=True)
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
        """Gather a chain of operators, down to a flow that somebody else reads too."""
        frame, flow = place
        if isinstance(flow, ObservableFlow):
            claims = [(each, self._atoms(_Place(frame, each))) for each in flow.claims]
            return _Needs(place, (), [], claims)
        uses = self._uses_in(frame.workflow)
        chain: list[Derived] = []
        while isinstance(flow, Derived) and (not chain or uses[id(flow)] == 1):
            chain.append(flow)
            flow = flow.parent
        claims = [
            (claim, self._atoms(_Place(frame, claim)))
            for derived in reversed(chain)
            for claim in derived.claims
        ]
        operators = tuple(derived.operator for derived in reversed(chain))
        return _Needs(place, operators, self._atoms(_Place(frame, flow)), claims)

    def _node(self, needs: _Needs) -> Node:
        flow = needs.place.flow
        observable = flow.observable if isinstance(flow, ObservableFlow) else None
        claims = []
        for claim, atoms in needs.claims:
            built = tuple(map(self._built, atoms))
            one = built[0] if len(built) == 1 else Node(built, name=claim.label())
            claims.append((claim, one))
        return Node(
            sources=tuple(map(self._built, needs.atoms)),
            operators=needs.operators,
            observable=observable,
            claims=tuple(claims),
            name=" | ".join(map(describe, needs.operators)) or flow.label(),
        )

    def _uses_in(self, workflow: Workflow) -> Counter[int]:
        uses = self._uses.get(id(workflow))
        if uses is None:
            uses = _count_uses(link.source for link in workflow.graph.links.values())
            self._uses[id(workflow)] = uses
        return uses


class _Followed(NamedTuple):
    name: object
    behind: list[Any]


class _Leave(NamedTuple):
    """A mark on a stack: what was under `name` has been visited."""

    name: object


def _step_and_port(frame: Frame, flow: Port | BareFlow) -> tuple[Step, str]:
    if isinstance(flow, Port):
        return flow.step, flow.name
    return frame.step_of(flow), flow.port


def _fed_back(entry: Any) -> Any:
    return entry if isinstance(entry, _Fedback | _Seeds) else _Fedback(entry)


def _places_in(needs: _Needs) -> list[_Place]:
    atoms = [*needs.atoms, *(atom for _, claimed in needs.claims for atom in claimed)]
    atoms = [atom.atom if isinstance(atom, _Fedback) else atom for atom in atoms]
    return [atom for atom in atoms if isinstance(atom, _Place)]


def _count_uses(flows: Iterable[Flow]) -> Counter[int]:
    """Count who refers to each flow: edges, other flows, Observables."""
    uses: Counter[int] = Counter()
    stack = list(flows)
    while stack:
        flow = stack.pop()
        uses[id(flow)] += 1
        if uses[id(flow)] == 1:
            stack.extend(flow.parents)
    return uses
