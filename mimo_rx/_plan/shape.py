"""The shape of a plan: its rings, and the forks whose branches meet again.

Steps, nodes and the workflow's own inputs are numbered vertices. An arc leads from the vertex that
delivers to the one that receives. A way is a list of arcs that follow each other. Nothing here
recurses, and everything takes time in proportion to the number of arcs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._rx.operators import known_as, parts
from .plan import ENVIRONMENT, Node, Plan, PortRef

__all__ = ["Arc", "Fork", "Shape", "has_circle", "knots", "steps_in_circles"]

_PATIENCE = 100
"""How many arcs the search for forks looks at, for each arc of the plan."""

_INPUTS = 2
"""How many inputs of a join are followed through one vertex."""

_WAYS = 2
"""How many ways from one vertex to one input are compared with those to another input."""


class Arc(NamedTuple):
    """A connection from one vertex to the next."""

    source: int
    target: int
    output: str
    """Port that it leaves by; empty for a node."""
    input: str
    """Port that it enters by; empty for a node."""
    feedback: bool


class Fork(NamedTuple):
    """Two ways from one vertex to different inputs of a step."""

    join: int
    """The number of that step."""
    one: list[Arc]
    other: list[Arc]


class Shape:
    """The vertices and arcs of `plan`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.vertices: list[int | Node | PortRef] = [*range(len(plan.steps))]
        self._numbers: dict[Node | PortRef, int] = {}
        self._first: dict[int, Arc] = {}
        self.arcs: list[Arc] = []
        for edge in plan.edges:
            if edge.target.step != ENVIRONMENT:
                self._lead(edge.source, edge.target, edge.feedback)
        # The list grows meanwhile, as nodes behind nodes are found.
        for number, vertex in enumerate(self.vertices):
            if isinstance(vertex, Node):
                reads = (*vertex.sources, *(stands for _, stands in vertex.claims))
                for place, source in enumerate(reads):
                    self._lead(source, PortRef(number, ""), place in vertex.fed_back)

    def path_text(self, way: Sequence[Arc]) -> str:
        """Return a way as text: the output that it leaves, then the inputs that it enters."""
        text = self._output(way[0])
        for arc in way:
            vertex = self.vertices[arc.target]
            if isinstance(vertex, Node):
                text += f" | {vertex.name}" if vertex.name else ""
            else:
                text += f" -> {self.name(arc.target)}.{arc.input}"
        return text

    def name(self, number: int) -> str:
        """Return the path of a step, ``ins.PORT`` of an input of the workflow, or a node's name."""
        vertex = self.vertices[number]
        if isinstance(vertex, int):
            return self.plan.steps[vertex].path
        return f"ins.{vertex.port}" if isinstance(vertex, PortRef) else vertex.name

    def rings(self) -> Iterator[list[Arc]]:
        """Yield a shortest ring of each knot of arcs without feedback, from its first step on."""
        onward = _by((arc for arc in self.arcs if not arc.feedback), lambda arc: arc.source)
        targets = {source: [arc.target for arc in arcs] for source, arcs in onward.items()}
        for knot in knots(len(self.vertices), targets):
            ring = _ring(min(knot), knot, onward)
            if ring is not None:
                yield ring

    def uneven_joins(self) -> Iterator[Fork]:
        """Yield for each join the nearest fork whose branches may not stay level.

        They stay level if each item reaches both inputs of the join within one push.
        """
        arcs = [arc for arc in self.arcs if not arc.feedback]
        back = _by(_in_circles(len(self.vertices), arcs), lambda arc: arc.target)
        patience = _PATIENCE * len(arcs)
        for join in range(len(self.plan.steps)):
            if len({arc.input for arc in back.get(join, ())}) > 1:
                fork, looks = self._fork(join, back, patience)
                patience -= looks
                if fork is not None:
                    yield fork

    def _lead(self, source: PortRef | Node, target: PortRef, feedback: bool) -> None:
        output = source.port if isinstance(source, PortRef) else ""
        arc = Arc(self._number(source), target.step, output, target.port, feedback)
        self.arcs.append(arc)
        if not arc.input:
            self._first.setdefault(arc.target, arc)

    def _number(self, source: PortRef | Node) -> int:
        if isinstance(source, PortRef) and source.step != ENVIRONMENT:
            return source.step
        if source not in self._numbers:
            self._numbers[source] = len(self.vertices)
            self.vertices.append(source)
        return self._numbers[source]

    def _output(self, arc: Arc) -> str:
        name = self.name(arc.source)
        return f"{name}.{arc.output}" if isinstance(self.vertices[arc.source], int) else name

    def _fork(
        self, join: int, back: dict[int, list[Arc]], patience: int
    ) -> tuple[Fork | None, int]:
        """Search backwards from all inputs of `join` at once; also return how many arcs that took.

        Two inputs are followed through a vertex, not one: where two branches meet and are level,
        each of them may still meet a third one further up. Two are enough, since a third input
        differs from at least one of them.
        """
        reached: dict[int, dict[str, list[Arc]]] = {}
        pending = deque((arc.input, arc) for arc in back[join])
        looks = 0
        while pending and looks < patience:
            looks += 1
            input, arc = pending.popleft()
            if arc.source == join:
                continue
            here = reached.setdefault(arc.source, {})
            for known, other in [(name, each) for name in here for each in here[name]]:
                if known == input or other is arc:
                    continue
                ways = _onward(other, known, reached), _onward(arc, input, reached)
                looks += len(ways[0]) + len(ways[1])
                if _apart(*ways) and not self._level(*ways):
                    head = self._head(arc.source)
                    return Fork(join, head + ways[0], head + ways[1]), looks
            if input not in here and len(here) < _INPUTS:
                here[input] = []
                pending.extend((input, before) for before in back.get(arc.source, ()))
            if input in here and len(here[input]) < _WAYS:
                here[input].append(arc)
        return None, looks

    def _head(self, number: int) -> list[Arc]:
        """Return the way to a node from the first output that it reads; empty for a step."""
        way: list[Arc] = []
        while number in self._first:
            way.append(self._first[number])
            number = way[-1].source
        return way[::-1]

    def _level(self, one: list[Arc], other: list[Arc]) -> bool:
        """Tell whether each item of one output reaches both inputs within its push."""
        between = [self.vertices[arc.target] for way in (one, other) for arc in way[:-1]]
        return one[0].output == other[0].output and all(map(_one_to_one, between))


def _one_to_one(vertex: int | Node | PortRef) -> bool:
    if not isinstance(vertex, Node) or vertex.observable is not None or vertex.claims:
        return False
    entries = [known_as(part) for operator in vertex.operators for part in parts(operator)]
    known = all(entry is not None and entry.one_to_one for entry in entries)
    return known and len(vertex.sources) == 1


def steps_in_circles(plan: Plan) -> set[int]:
    """Return the numbers of the steps whose waits may be part of a ring.

    Those are the steps with an edge on a circle, and the steps that feed a node on a circle,
    directly or through other nodes. A node has no buffer, so the steps that feed it wait for all of
    its readers.
    """
    shape = Shape(plan)
    circling = _in_circles(len(shape.vertices), shape.arcs)
    found = {number for arc in circling for number in (arc.source, arc.target)}
    into = _by(shape.arcs, lambda arc: arc.target)
    pending = list(found)
    while pending:
        number = pending.pop()
        if not isinstance(shape.vertices[number], Node):
            continue
        above = {arc.source for arc in into.get(number, ())} - found
        found |= above
        pending += above
    return {number for number in found if number < len(plan.steps)}


def has_circle(plan: Plan) -> bool:
    """Tell whether edges of `plan` form a circle if directions are ignored; those of a ring do.

    It takes time in proportion to the edges (union-find, Tarjan 1975).
    """
    above: dict[Any, Any] = {}

    def top(vertex: Any) -> Any:
        while (next_up := above.get(vertex, vertex)) is not vertex:
            above[vertex] = above.get(next_up, next_up)
            vertex = next_up
        return vertex

    numbers: dict[int, object] = {number: object() for number in range(len(plan.steps))}
    seen: set[Node] = set()
    pending: list[tuple[PortRef | Node, Any]] = [
        (edge.source, numbers[edge.target.step])
        for edge in plan.edges
        if edge.target.step != ENVIRONMENT
    ]
    while pending:
        source, target = pending.pop()
        if isinstance(source, Node):
            vertex: Any = source
            if source not in seen:
                seen.add(source)
                pending += [(each, source) for each in source.sources]
                pending += [(each, source) for _, each in source.claims]
        elif source.step == ENVIRONMENT:
            continue  # the caller of the run is never stuck
        else:
            vertex = numbers[source.step]
        one, other = top(vertex), top(target)
        if one is other:
            return True
        above[one] = other
    return False


def _onward(arc: Arc, input: str, reached: dict[int, dict[str, list[Arc]]]) -> list[Arc]:
    """Return the way from the start of `arc` to `input` of the join."""
    way = [arc]
    while way[-1].target in reached:
        way.append(reached[way[-1].target][input][0])
    return way


def _apart(one: list[Arc], other: list[Arc]) -> bool:
    """Tell whether two ways from one vertex share nothing but their ends."""
    between = [arc.target for way in (one, other) for arc in way[:-1]]
    return len({one[0].source, *between}) == 1 + len(between)


def _by(arcs: Iterable[Arc], end: Callable[[Arc], int]) -> dict[int, list[Arc]]:
    ordered: dict[int, list[Arc]] = {}
    for arc in arcs:
        ordered.setdefault(end(arc), []).append(arc)
    return ordered


def _ring(start: int, knot: set[int], onward: dict[int, list[Arc]]) -> list[Arc] | None:
    """Return a shortest way from `start` to itself within `knot`; None if there is none."""
    came: dict[int, Arc] = {}
    pending = deque([start])
    while pending and start not in came:
        for arc in onward.get(pending.popleft(), ()):
            if arc.target in knot and arc.target not in came:
                came[arc.target] = arc
                pending.append(arc.target)
    if start not in came:
        return None
    way = [came[start]]
    while way[-1].source != start:
        way.append(came[way[-1].source])
    return way[::-1]


def knots(count: int, onward: Mapping[int, Iterable[int]]) -> Iterator[set[int]]:
    """Yield the strongly connected components (Tarjan 1972), without recursion.

    Args:
        count: How many vertices there are; they are numbered from 0.
        onward: The vertices that each one leads to.
    """
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    knotted: list[int] = []
    open_: set[int] = set()
    for root in range(count):
        stack = [] if root in order else [(root, iter(onward.get(root, ())))]
        while stack:
            number, targets = stack[-1]
            if number not in order:
                order[number] = low[number] = len(order)
                knotted.append(number)
                open_.add(number)
            for target in targets:
                if target not in order:
                    stack.append((target, iter(onward.get(target, ()))))
                    break
                if target in open_:
                    low[number] = min(low[number], order[target])
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[number])
                if low[number] == order[number]:
                    knot = {number}
                    while (other := knotted.pop()) != number:
                        knot.add(other)
                    open_ -= knot
                    yield knot


def _in_circles(count: int, arcs: list[Arc]) -> list[Arc]:
    """Return the arcs that lie on a circle if directions are ignored: all but the bridges.

    Two branches of a fork that meet again form such a circle, so the other arcs need no search.
    """
    around: list[list[tuple[int, int]]] = [[] for _ in range(count)]
    for place, arc in enumerate(arcs):
        around[arc.source].append((place, arc.target))
        around[arc.target].append((place, arc.source))
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    bridges: set[int] = set()
    for root in range(count):
        stack = [] if root in order else [(root, -1, iter(around[root]))]
        while stack:
            number, came, ways = stack[-1]
            if number not in order:
                order[number] = low[number] = len(order)
            for place, far in ways:
                if far not in order:
                    stack.append((far, place, iter(around[far])))
                    break
                if place != came:
                    low[number] = min(low[number], order[far])
            else:
                stack.pop()
                if stack:
                    above = stack[-1][0]
                    low[above] = min(low[above], low[number])
                    if low[number] > order[above]:
                        bridges.add(came)
    return [arc for place, arc in enumerate(arcs) if place not in bridges]
