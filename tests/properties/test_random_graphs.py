"""Random graphs against a simple model: rules C1 to C6, E1, E4, P2 and P3 all at once.

A graph has some layers of nodes. Each node reads one or more outputs of earlier ones (fan-in), and
any number of nodes may read an output (fan-out). The model knows no time and no buffers: it says
which items reach each node at last. Where fan-in leaves the order open, it knows the items only;
where a node takes the first few of these, it knows only what they are among.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators

from helpers import run
from mimo_rx import InputClosed, Stream, Workflow

ops: Any = operators
Known = Literal["order", "items", "superset"]


@dataclass(frozen=True)
class Node:
    """One stream: what it reads, and what it does with it."""

    reads: tuple[tuple[int, int, str], ...]
    """(number of a node before it, its output, the operator on the edge)"""
    count: int
    """Items that a source pushes; those after which another returns, fails or closes."""
    does: str
    pause: float


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which each reads from earlier ones only."""

    nodes: tuple[Node, ...]
    threshold: int
    cancel_at: float | None


class Injected(Exception):
    """The failure of a node."""


OPERATORS: dict[str, Any] = {
    "none": None,
    "map": ops.map(lambda item: item + 1000),
    "filter": ops.filter(lambda item: item % 3),
    "take": ops.take(3),
}

nodes_of = st.tuples(
    st.lists(
        st.tuples(st.integers(0, 99), st.integers(0, 1), st.sampled_from(list(OPERATORS))),
        max_size=3,
    ),
    st.integers(0, 12),
    st.sampled_from(["relay", "relay", "relay", "bulk", "split", "take", "fail", "close"]),
    st.sampled_from([0.0, 0.0, 0.1, 1.0]),
)


@st.composite
def graphs(draw: Any) -> Graph:
    """Draw a graph."""
    made: list[Node] = []
    for reads, count, does, pause in draw(st.lists(nodes_of, min_size=1, max_size=9)):
        # A node may read an output once only without operators between: L11.
        places = {(place % len(made), port): operator for place, port, operator in reads if made}
        before = tuple((*place, operator) for place, operator in places.items())
        made.append(Node(before, count, does if before else "source", pause))
    cancel_at = draw(st.none() | st.floats(0, 3).map(lambda at: round(at, 1)))
    return Graph(tuple(made), draw(st.integers(1, 5)), cancel_at)


# The model


def through(operator: str, items: list[int], known: Known) -> tuple[list[int], Known]:
    """Return what `operator` lets through of `items`."""
    if operator == "map":
        return [item + 1000 for item in items], known
    if operator == "filter":
        return [item for item in items if item % 3], known
    if operator == "take":
        return (items[:3], known) if known == "order" or len(items) <= 3 else (items, "superset")
    return items, known


def expected(graph: Graph) -> list[tuple[list[int], Known]]:
    """Return the items that each node takes (and, in a source, pushes) at last."""
    taken: list[tuple[list[int], Known]] = []
    for number, node in enumerate(graph.nodes):
        if node.does == "source":
            taken.append(([number * 100 + item for item in range(node.count)], "order"))
            continue
        items: list[int] = []
        knowns: list[Known] = []
        for place, port, operator in node.reads:
            pushed, known = taken[place]
            if graph.nodes[place].does == "split":
                pushed = [item for item in pushed if item % 2 == port]
            elif port:
                pushed = []
            pushed, known = through(operator, pushed, known)
            items += pushed
            knowns.append(known)
        known = knowns[0] if len(knowns) == 1 else "items"
        if "superset" in knowns:
            known = "superset"
        if node.does in ("take", "close") and len(items) > node.count:
            items, known = (items[: node.count], known) if known == "order" else (items, "superset")
        taken.append((items, known))
    return taken


def check(got: list[int], items: list[int], known: Known) -> None:
    """Compare what a node took with what the model says."""
    if known == "order":
        assert got == items
    elif known == "items":
        assert sorted(got) == sorted(items)
    else:
        assert not Counter(got) - Counter(items)


# The streams


def function(number: int, node: Node, got: list[int]) -> Any:
    """Return what the node runs; what it takes goes into `got`."""

    async def source(ins, outs, state):
        for item in range(node.count):
            await asyncio.sleep(node.pause)
            got.append(number * 100 + item)
            await outs.o0.push(number * 100 + item)

    async def bulk(ins, outs, state):
        async for chunk in ins.x.chunks():
            got.extend(chunk)
            await outs.o0.push_many(chunk)

    async def each(ins, outs, state):
        while node.does not in ("take", "close") or len(got) < node.count:
            try:
                item = await ins.x.pop()
            except InputClosed:
                return
            if node.does == "fail" and len(got) == node.count:
                raise Injected
            got.append(item)
            await asyncio.sleep(node.pause)
            await outs["o1" if node.does == "split" and item % 2 else "o0"].push(item)
        if node.does == "close":
            ins.x.close()
            await asyncio.sleep(node.pause)

    return {"source": source, "bulk": bulk}.get(node.does, each)


def build(graph: Graph, logs: list[list[int]]) -> Workflow:
    """Make the workflow; each node writes down in its log what it takes."""
    workflow = Workflow(threshold=graph.threshold)
    steps: list[Any] = []
    for number, node in enumerate(graph.nodes):
        logs.append([])
        fn = function(number, node, logs[-1])
        steps.append(workflow.add_stream(Stream(["x"], ["o0", "o1"], fn=fn, name=f"n{number}")))
        for place, port, operator in node.reads:
            output = steps[place][f"o{port}"]
            made = OPERATORS[operator]
            (output if made is None else output | made) | steps[-1]
    return workflow


@given(graphs())
def test_c5_any_graph_ends_and_delivers_what_it_should_or_raises_what_failed(graph):
    """C1 to C6, E1, E4: with streams that return early, close, fail, and cancels at any time."""
    logs: list[list[int]] = []
    workflow = build(graph, logs)

    async def main():
        task = asyncio.create_task(workflow.run())
        loop = asyncio.get_running_loop()
        timer = None if graph.cancel_at is None else loop.call_later(graph.cancel_at, task.cancel)
        try:
            return await task
        finally:
            if timer is not None:
                timer.cancel()

    try:
        statistics = run(main())
    except Injected:
        assert any(node.does == "fail" for node in graph.nodes)
        return
    except asyncio.CancelledError:
        assert graph.cancel_at is not None
        return
    for number, (items, known) in enumerate(expected(graph)):
        step = statistics.steps[f"n{number}"]
        if step.ended == "downstream":
            assert not Counter(logs[number]) - Counter(items)
        else:
            check(logs[number], items, known)
            assert step.ended == "returned"
        assert step.inputs["x"].peak <= graph.threshold
        assert step.inputs["x"].over == 0


@pytest.mark.parametrize("does", ["relay", "bulk", "split", "take", "close"])
def test_the_model_says_what_a_chain_delivers(does):
    """The model itself: it must not be so lenient that nothing could fail."""
    graph = Graph(
        (
            Node((), 9, "source", 0.0),
            Node(((0, 0, "filter"),), 4, does, 0.0),
            Node(((1, 0, "map"),), 0, "relay", 0.0),
        ),
        2,
        None,
    )
    delivered = {
        "split": [1002, 1004, 1008],
        "take": [1001, 1002, 1004, 1005],
        "close": [1001, 1002, 1004, 1005],
    }
    known = expected(graph)[-1]
    assert known == (delivered.get(does, [1001, 1002, 1004, 1005, 1007, 1008]), "order")
    logs: list[list[int]] = []
    run(build(graph, logs).run())
    assert logs[-1] == known[0]
