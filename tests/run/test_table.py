"""Statistics as a table, and the step that they mark (P11)."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mimo_rx import EdgeStatistics, InputStatistics, Statistics, StepStatistics, Workflow
from runs import add, collector, counter, go


def step(busy: float, starved: float, pressed: float, seconds: float = 1.0) -> StepStatistics:
    return StepStatistics(0, 0, busy, starved, pressed, seconds)


def edge(source: str, target: str) -> EdgeStatistics:
    return EdgeStatistics(f"{source}.out", f"{target}.in", 0)


def chain(**steps: StepStatistics) -> Statistics:
    """Return the statistics of steps in a line."""
    names = list(steps)
    return Statistics(steps, tuple(map(edge, names, names[1:])))


def worker(seconds: float) -> Any:
    """Make a function that works `seconds` on each item of `x`, and pushes it to `y`."""

    async def work(ins, outs, state):
        async for item in ins.x:
            await asyncio.sleep(seconds)
            await outs.y.push(item)

    return work


@pytest.mark.parametrize("slow", [1, 2, 3])
@pytest.mark.parametrize("threshold", [1, 10, 1000])
def test_p11_the_bottleneck_of_a_chain_is_its_slow_step(slow, threshold):
    """P11: steps before it are back-pressured or have ended, steps after it starve."""
    workflow = Workflow(threshold=threshold)
    last = add(workflow, counter(50), outs="x", name="source")
    for number in (1, 2, 3):
        work = worker(1.0 if number == slow else 0.01)
        last |= add(workflow, work, "x", "y", name=f"work {number}")
    last | add(workflow, collector([]), "x", name="sink")
    assert go(workflow).bottleneck == f"work {slow}"


def test_p11_the_bottleneck_inside_a_nested_workflow_is_told_by_its_path():
    """P11: as with all steps."""
    inner = Workflow(["x"], ["y"], name="inner")
    inner.ins.x | add(inner, worker(1.0), "x", "y", name="slow") | inner.outs.y
    workflow = Workflow()
    source = add(workflow, counter(9), outs="x", name="source")
    source | workflow.add_stream(inner) | add(workflow, collector([]), "x")
    assert go(workflow).bottleneck == "inner/slow"


def test_p11_the_slow_branch_of_a_fork_is_the_bottleneck():
    """P11: the join starves for it, the fork waits for it, and the other branch starves too."""
    steps = {
        "fork": step(0.1, 0.0, 0.9),
        "slow": step(0.9, 0.1, 0.0),
        "fast": step(0.1, 0.9, 0.0),
        "join": step(0.1, 0.9, 0.0),
    }
    ends = [("fork", "slow"), ("fork", "fast"), ("slow", "join"), ("fast", "join")]
    assert Statistics(steps, tuple(edge(*each) for each in ends)).bottleneck == "slow"


def test_p11_a_source_that_ended_at_once_is_no_bottleneck():
    """P11: it was busy for all of its short life."""
    statistics = chain(source=step(1, 0, 0, 0.001), work=step(0.9, 0, 0.1), sink=step(0.2, 0.8, 0))
    assert statistics.bottleneck == "work"


@pytest.mark.parametrize(
    "statistics",
    [
        Statistics({}),
        chain(alone=step(1, 0, 0)),
        chain(one=step(1, 0, 0), two=step(1, 0, 0), three=step(1, 0, 0)),
        chain(one=step(1, 0, 0, 0.0), two=step(1, 0, 0, 0.0)),
        chain(source=step(0.2, 0.0, 0.8), sink=step(0.1, 0.9, 0)),
        chain(source=step(0.95, 0.0, 0.05), sink=step(0.95, 0.05, 0.0)),
    ],
    ids=["nothing", "one step", "none waits", "no time", "none is busy", "none starves"],
)
def test_p11_where_no_step_holds_up_the_others_there_is_no_bottleneck(statistics):
    """P11: no step is marked then."""
    assert statistics.bottleneck is None
    assert "bottleneck" not in str(statistics)


shares = st.tuples(*[st.floats(0, 1)] * 2).map(sorted)


@given(st.lists(st.tuples(shares, st.floats(0, 9)), max_size=6), st.data())
def test_p11_a_bottleneck_is_a_busy_step_whatever_the_statistics_are(parts, data):
    """P11: and the table has a line for each step and each edge."""
    steps = {
        f"s{number}": step(low, high - low, 1 - high, seconds)
        for number, ((low, high), seconds) in enumerate(parts)
    }
    names = st.sampled_from([*steps, "ins", "outs"])
    ends = data.draw(st.lists(st.tuples(names, names), max_size=9))
    statistics = Statistics(steps, tuple(edge(*each) for each in ends))
    marked = statistics.bottleneck
    if marked is not None:
        assert steps[marked].busy > 0
        assert any(marked in each for each in ends)
    lines = [line for line in str(statistics).splitlines() if line]
    heads = bool(steps) + bool(ends)
    assert len(lines) == heads + len(steps) + len(ends)


FULL = Statistics(
    {
        "read": StepStatistics(0, 12345, 0.25, 0.0, 0.75, 1.5, ended="returned"),
        "in/parse": StepStatistics(
            12345,
            7,
            1.0,
            0.0,
            0.0,
            1.25,
            restarts=2,
            ended=None,
            inputs={"line": InputStatistics(3, 9, 10, growth=5, over=4)},
        ),
    },
    (
        EdgeStatistics("read.line", "in/parse.line", 12345, drops=6),
        EdgeStatistics("ins.a", "in/parse.line", 0),
    ),
)


def test_p11_the_table_tells_every_field():
    """P11: numbers are on the right; an input with two edges is listed once."""
    assert [" ".join(line.split()) for line in str(FULL).splitlines()] == [
        "step items in items out busy starved back-pressured seconds restarts ended",
        "read 0 12,345 25% 0% 75% 1.500 returned",
        "in/parse 12,345 7 100% 0% 0% 1.250 2 running <- bottleneck",
        "",
        "edge items drops waiting peak threshold over growth",
        "read.line -> in/parse.line 12,345 6 3 9 10 4 5",
        "ins.a -> in/parse.line 0",
    ]


def test_p11_the_columns_of_the_table_are_aligned():
    """P11: names to the left, numbers to the right; no line ends in blanks."""
    steps, edges = str(FULL).split("\n\n")
    for table, head in ((steps, "items out"), (edges, "items")):
        first, *rows = table.splitlines()
        end = first.index(head) + len(head)
        assert all(row[end - 1] != " " and row[end : end + 1] in ("", " ") for row in rows)
        assert all(row == row.rstrip() for row in (first, *rows))


def test_p11_the_table_leaves_out_what_is_zero_everywhere():
    """P11: restarts, drops, waiting items, growth and what came in above the bound."""
    head, _, _, _, edges, _ = str(chain(one=step(1, 0, 0), two=step(1, 0, 0))).split("\n")
    assert "restarts" not in head
    assert edges.split() == ["edge", "items", "peak", "threshold"]


def test_p11_control_characters_of_names_are_escaped():
    """P11: a name cannot move the cursor, nor break a line."""
    table = str(chain(**{"a\x1b[2J\nb": step(1, 0, 0), "ü 蟒": step(1, 0, 0)}))
    assert "a\\x1b[2J\\nb" in table
    assert "ü 蟒" in table
    assert "\x1b" not in table
