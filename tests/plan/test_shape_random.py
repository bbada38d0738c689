"""Rings and joins of random graphs, compared with a search of all ways."""

import random
from collections.abc import Iterator
from itertools import combinations

import pytest

from blueprints import plan, stream
from mimo_rx import WiringError, Workflow
from mimo_rx._plan.shape import Arc, Shape

INPUTS = ("a", "b", "c")


def random_shape(seed: int, backwards: float) -> Shape:
    """Make the shape of a small random workflow."""
    dice = random.Random(seed)
    workflow = Workflow()
    steps = [
        workflow.add_stream(stream("s", INPUTS, ("y", "z"))) for _ in range(dice.randint(2, 6))
    ]
    for _ in range(dice.randint(1, 9)):
        near, far = sorted(dice.sample(range(len(steps)), 2))
        if dice.random() < backwards:
            near, far = far, dice.choice((near, far))
        try:
            steps[near][dice.choice("yyz")] | steps[far][dice.choice(INPUTS)]
        except WiringError:  # the same edge twice
            continue
    return Shape(plan(workflow))


def ways_to(shape: Shape, join: int, input: str) -> Iterator[list[Arc]]:
    """Yield every way into an input that visits no step twice."""
    pending = [[arc] for arc in shape.arcs if (arc.target, arc.input) == (join, input)]
    while pending:
        way = pending.pop()
        start = way[0].source
        if start not in {arc.target for arc in way}:
            yield way
            pending += [[arc, *way] for arc in shape.arcs if arc.target == start]


def are_uneven(one: list[Arc], other: list[Arc]) -> bool:
    """Tell whether two ways are branches of a fork that may not stay level."""
    between = [{arc.target for arc in way[:-1]} for way in (one, other)]
    level = not any(between) and one[0].output == other[0].output
    return one[0].source == other[0].source and between[0].isdisjoint(between[1]) and not level


@pytest.mark.parametrize("backwards", [0.0, 0.2], ids=["without rings", "with rings"])
def test_w9_joins_are_those_that_trying_all_ways_finds(backwards):
    """W9: no join is missed, and none is reported without need."""
    for seed in range(200):
        shape = random_shape(seed, backwards)
        expected = set()
        for join in range(len(shape.plan.steps)):
            ways = {input: list(ways_to(shape, join, input)) for input in INPUTS}
            if any(
                are_uneven(one, other)
                for left, right in combinations(INPUTS, 2)
                for one in ways[left]
                for other in ways[right]
            ):
                expected.add(join)
        forks = list(shape.uneven_joins())
        assert {fork.join for fork in forks} == expected, seed
        assert all(are_uneven(fork.one, fork.other) for fork in forks)


def test_d6_a_ring_is_told_for_each_knot():
    """D6: what is reported is a ring."""
    for seed in range(200):
        shape = random_shape(seed, 0.3)
        count = len(shape.plan.steps)
        after = {
            step: {arc.target for arc in shape.arcs if arc.source == step} for step in range(count)
        }
        for _ in range(count):
            for reached in after.values():
                reached.update(*[after[step] for step in reached])
        knots = {frozenset(b for b in after[a] if a in after[b]) for a in after if a in after[a]}
        rings = list(shape.rings())
        assert len(rings) == len(knots), seed
        for ring in rings:
            starts, ends = [arc.source for arc in ring], [arc.target for arc in ring]
            assert starts[1:] + starts[:1] == ends
            assert len(set(ends)) == len(ends)
