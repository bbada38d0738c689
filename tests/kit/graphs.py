"""Random acyclic graphs of determinate streams, and what they deliver by plain Python.

A *sink* is a node without a reader. The items that it takes are determinate. How far a node came
whose readers have left (C4) is not determinate.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from kahn import END, KERNELS, ONE_INPUT, OPERATORS, SEVERAL, SOURCES, Kernel

MOST_ITEMS = 300
"""How many items may go through one node: far fewer than any growth limit of a buffer (D2)."""
MOST_NODES = 30
ENOUGH = 60
"""How many commands of an endless source are evaluated: more than its readers ever take."""


@dataclass(frozen=True)
class Edge:
    """The edge that an input reads: a node before it, its output, the operators in between."""

    node: int
    port: int
    operators: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Node:
    """A stream: what it does, in which way, and what its inputs read."""

    does: str
    number: int
    reads: tuple[Edge, ...]
    reading: str
    pushing: str
    threshold: int
    """The threshold of its inputs, in a run that sets none for all nodes."""

    def kernel(self) -> Kernel:
        """Return its behaviour: a new generator of commands."""
        return KERNELS[self.does](self.number, len(self.reads))


@dataclass(frozen=True)
class Fault:
    """A fault at the command number `at` (from 1) of a node, or on one of its edges."""

    kind: str
    node: int
    place: int
    at: int


@dataclass
class Outcome:
    """What a node does in plain Python."""

    taken: list[int | None] = field(default_factory=list)
    """The items that it took, over all inputs; None stands for an end."""
    outs: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    commands: int = 0


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each reads from earlier ones only."""

    nodes: tuple[Node, ...]
    shares: bool
    """Whether edges with the same operators from one output are one flow with several readers."""

    def sinks(self) -> list[int]:
        """Return the nodes without a reader."""
        read = {edge.node for node in self.nodes for edge in node.reads}
        return [number for number in range(len(self.nodes)) if number not in read]

    def has_circle(self) -> bool:
        """Tell whether paths that fork meet again, so a buffer may have to grow (D2)."""
        tree = list(range(len(self.nodes)))

        def root(number: int) -> int:
            while tree[number] != number:
                number = tree[number]
            return number

        for number, node in enumerate(self.nodes):
            for edge in node.reads:
                if root(edge.node) == root(number):
                    return True
                tree[root(edge.node)] = root(number)
        return False


def fed(edge: Edge, before: Sequence[Outcome]) -> list[int]:
    """Return what comes out of `edge`."""
    values = before[edge.node].outs[edge.port]
    for name, number in edge.operators:
        values = OPERATORS[name].plain(number, values)
    return values


def perform(node: Node, before: Sequence[Outcome], fault: Fault | None = None) -> Outcome:
    """Do in plain Python what `node` does; a fault counts if it closes an input or returns."""
    outcome = Outcome()
    inputs: list[Iterator[int]] = [iter(fed(edge, before)) for edge in node.reads]
    kernel = node.kernel()
    answer: Any = None
    while True:
        try:
            what, place, value = kernel.send(answer)
        except StopIteration:
            return outcome
        if node.does == "endless" and outcome.commands == ENOUGH:
            return outcome
        outcome.commands += 1
        if fault is not None and fault.at == outcome.commands:
            if fault.kind == "returns":
                return outcome
            if fault.kind == "closes" and inputs:
                inputs[fault.place % len(inputs)] = iter(())
        if what == "pop":
            answer = next(inputs[place], END)
            outcome.taken.append(answer)
        else:
            outcome.outs[place].append(value)
            answer = None


def evaluate(graph: Graph, fault: Fault | None = None) -> list[Outcome]:
    """Return what each node does if its readers do not leave early."""
    outcomes: list[Outcome] = []
    for number, node in enumerate(graph.nodes):
        own = fault if fault is not None and fault.node == number else None
        outcomes.append(perform(node, outcomes, own))
    return outcomes


numbers = st.integers(0, 9)
edges_of = st.tuples(
    st.integers(0, 99),
    st.integers(0, 3),
    st.lists(st.tuples(st.sampled_from(list(OPERATORS)), numbers), max_size=2),
)
nodes_of = st.tuples(
    st.sampled_from([*SOURCES, *ONE_INPUT, *SEVERAL]),
    numbers,
    st.tuples(edges_of, edges_of, edges_of),
    st.integers(2, 3),
    st.sampled_from(["pop", "peek", "chunks", "iterate"]),
    st.sampled_from(["push", "push_many"]),
    st.integers(1, 100),
)


def _edge(made: Sequence[Node], drawn: tuple[int, int, list[tuple[str, int]]]) -> Edge:
    place, port, applied = drawn
    node = place % len(made)
    # The readers of an endless source leave at some time, and then it must end (C4).
    leaves = [("take", made[node].number)] if made[node].does == "endless" else []
    # Few nodes push many items to the second output.
    return Edge(node, port // 3, (*leaves, *applied))


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a graph whose nodes take a few hundred items at most."""
    made: list[Node] = []
    outcomes: list[Outcome] = []
    least = draw(st.integers(2, MOST_NODES))
    for does, number, edges, width, reading, pushing, threshold in draw(
        st.lists(nodes_of, min_size=least, max_size=MOST_NODES)
    ):
        kind = does if made or does in SOURCES else "source"
        width = 0 if kind in SOURCES else 1 if kind in ONE_INPUT else width
        reads = tuple(_edge(made, each) for each in edges[:width])
        node = Node(kind, number, reads, reading, pushing, threshold)
        outcome = perform(node, outcomes)
        if outcome.commands > MOST_ITEMS:
            node = replace(node, does="take", reads=reads[:1])
            outcome = perform(node, outcomes)
        made.append(node)
        outcomes.append(outcome)
    read = {edge.node for node in made for edge in node.reads}
    for number, node in enumerate(made):
        if node.does == "endless" and number not in read:
            made[number] = replace(node, does="source")  # it would never end
    return Graph(tuple(made), draw(st.booleans()))
