"""Streams that wait for each other: what grows, what ends, and what is an error (D1-D6)."""

import asyncio
import logging
from typing import Any

import pytest
import reactivex as rx

from flows import endless, numbers, ops, sink
from helpers import run
from mimo_rx import DeadlockError, Statistics, Stream, Workflow, azip, flow
from rings import alternating, deadlock, drawing, relay, stream
from runs import go


async def zipped(ins, outs, state):
    async for pair in azip(*ins):
        await outs.x.push(pair)


def dropping(count: int) -> Stream:
    async def fn(ins, outs, state):
        for _ in range(count):
            await ins.x.pop()
        async for item in ins.x:
            await outs.x.push(item)

    return stream("drop", fn, "x", "x")


async def one_after_the_other(ins, outs, state):
    state["a"] = [item async for item in ins.a]
    state["b"] = [item async for item in ins.b]


def growth(statistics: Statistics, step: str, port: str) -> int:
    return statistics.steps[step].inputs[port].growth


# Artificial deadlocks


@pytest.mark.parametrize("threshold", range(1, 9))
@pytest.mark.parametrize("how", ["stream", "operator", "operator that delivers at the end"])
def test_d2_a_broadcast_to_a_direct_and_a_dropping_edge_goes_on(threshold, how):
    """D2: a bounded graph without a cycle that would hang below a threshold of 6."""
    got: list[Any] = []
    workflow = Workflow(threshold=threshold)
    source = workflow.add_stream(numbers(50, "source"))
    join = workflow.add_stream(stream("join", zipped, "a b", "x"))
    source | join["a"]
    if how == "stream":
        source | dropping(5) | join["b"]
    elif how == "operator":
        source | ops.skip(5) | join["b"]
    else:
        source | ops.skip(5) | ops.take_last(45) | join["b"]
    join | sink(got)
    statistics = go(workflow)
    assert got == [(number, number + 5) for number in range(45)]
    assert statistics.steps["join"].inputs["a"].threshold == threshold
    grown = growth(statistics, "join", "a")
    assert (grown > 0) == (threshold < 5 or how == "operator that delivers at the end")
    assert statistics.steps["join"].inputs["a"].peak <= threshold + grown


@pytest.mark.parametrize("threshold", [1, 7, 100])
def test_d2_a_join_that_reads_one_side_first_gets_all_of_both(threshold):
    """D2: from one source that alternates."""
    workflow = Workflow(threshold=threshold)
    source = workflow.add_stream(alternating(1000))
    join = workflow.add_stream(stream("join", one_after_the_other, "a b"))
    source["a"] | join["a"]
    source["b"] | join["b"]
    statistics = go(workflow)
    assert join.stream.state == {"a": [*range(1000)], "b": [*range(1000)]}
    assert growth(statistics, "join", "a") == 0
    assert growth(statistics, "join", "b") >= 1000 - threshold


@pytest.mark.parametrize(
    ("settings", "most"),
    [
        ({}, 10_000),
        ({"threshold": 200}, 12_800),
        ({"threshold": 5, "growth_limit": 40}, 40),
        ({"threshold": 5, "growth_limit": 0}, 5),
        ({"threshold": 50, "growth_limit": 10}, 50),
    ],
)
def test_d2_beyond_the_growth_limit_it_is_an_error_in_bounded_memory(settings, most):
    """D2: 64 times the threshold, at least 10,000, if nothing else is said."""

    async def late(ins, outs, state):
        for number in range(100_000):
            await outs.b.push(number)
        await outs.a.push("late")

    workflow = Workflow(**settings)
    source = workflow.add_stream(stream("source", late, "", "a b"))
    join = workflow.add_stream(stream("join", one_after_the_other, "a b"))
    source["a"] | join["a"]
    source["b"] | join["b"]
    error = deadlock(workflow)
    assert "its buffers have grown as far as growth_limit allows" in str(error)
    assert drawing(error) == [
        f"source.b --> waits for room at join.b (at most {most} items wait there)",
        "join.a <-- waits for an item of source.a",
    ]


def test_d2_it_is_logged_once_an_edge_and_run(caplog):
    """D2: by `logging`, never by `warnings`."""
    workflow = Workflow(threshold=2, name="mine")
    source = workflow.add_stream(alternating(100))
    join = workflow.add_stream(stream("join", one_after_the_other, "a b"))
    source["a"] | join["a"]
    source["b"] | join["b"]
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING, "mimo_rx"):
            go(workflow)
        (record,) = caplog.records
        assert record.getMessage() == (
            "streams of workflow 'mine' wait for each other in a ring, so the buffer of join.b "
            "grows above its threshold of 2 items (to at most 10000); give its step a larger "
            "threshold:\n"
            "  source.b --> waits for room at join.b (at most 2 items wait there)\n"
            "  join.a <-- waits for an item of source.a"
        )


def test_d2_the_smallest_full_buffer_of_the_ring_grows():
    """D2: not a larger one, and not that of a stream that waits for the ring from outside."""
    workflow = Workflow(threshold=3)
    source = workflow.add_stream(alternating(60))
    join = workflow.add_stream(stream("join", one_after_the_other, "a b", "x"), threshold=50)
    source["a"] | join["a"]
    source["b"] | workflow.add_stream(stream("middle", relay, "x", "x")) | join["b"]
    join | workflow.add_stream(stream("victim", relay, "x", "x")) | workflow.add_stream(sink())
    grown = {
        f"{path}.{name}": each.growth
        for path, step in go(workflow).steps.items()
        for name, each in step.inputs.items()
        if each.growth
    }
    assert list(grown) == ["middle.x"]


# Real deadlocks


@pytest.mark.parametrize("seeds", [0, 3])
def test_d3_a_ring_of_reads_is_an_error_that_draws_it(seeds):
    """D3, D6: an unmarked ring that comes to rest; the text names the mark that would close it."""

    async def lessening(ins, outs, state):
        async for item in ins.x:
            if item:
                await outs.x.push(item - 1)

    workflow = Workflow(name="mine")
    one = workflow.add_stream(stream("one", lessening, "x", "x"))
    other = workflow.add_stream(stream("other", relay, "x", "x"))
    one.pipe(other).pipe(one)
    for number in range(seeds):
        one.push(number)
    error = deadlock(workflow)
    assert str(error) == (
        "streams of workflow 'mine' wait for each other in a ring and can never go on; if the ring "
        "is meant to come to rest, close it with pipe(..., feedback=True):\n"
        "  one.x <-- waits for an item of other.x\n"
        "  other.x <-- waits for an item of one.x"
    )


def test_d3_a_stream_that_waits_for_itself_is_a_ring():
    """D3: a ring of one stream."""
    workflow = Workflow()
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    one.pipe(one)
    assert drawing(deadlock(workflow)) == ["one.x <-- waits for an item of one.x"]


def test_d3_a_ring_in_a_nested_workflow_is_drawn_with_whole_paths():
    """D3, E5: also a ring that leads through several nested workflows."""
    inner = Workflow(["x"], ["x"], name="inner")
    inner.ins.x | stream("one", relay, "x", "x") | inner.outs.x
    workflow = Workflow(name="outer")
    first, second = workflow.add_stream(inner), workflow.add_stream(inner)
    first.pipe(second).pipe(first)
    assert drawing(deadlock(workflow)) == [
        "inner/one.x <-- waits for an item of inner-2/one.x",
        "inner-2/one.x <-- waits for an item of inner/one.x",
    ]


def test_d3_a_ring_through_an_immediate_operator_is_seen():
    """D4: such an edge is quiet when its output is."""
    workflow = Workflow()
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    other = workflow.add_stream(stream("other", relay, "x", "x"))
    one | ops.map(str) | ops.filter(bool) | other
    other | one
    assert drawing(deadlock(workflow)) == [
        "one.x <-- waits for an item of other.x",
        "other.x <-- waits for an item of one.x",
    ]


def test_d5_a_part_that_is_stuck_is_seen_although_the_rest_runs():
    """D5: two independent graphs in one workflow."""
    workflow = Workflow(threshold=2)
    workflow.add_stream(endless()) | workflow.add_stream(stream("busy", paced, "x"))
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    one.pipe(workflow.add_stream(stream("other", relay, "x", "x"))).pipe(one)
    assert len(drawing(deadlock(workflow))) == 2


async def paced(ins, outs, state):
    async for _ in ins.x:
        await asyncio.sleep(0.001)


def test_d1_a_ring_is_seen_within_a_tenth_of_a_second():
    """D1: of the loop's clock, after its last wait began or the last producer outside ended."""
    for ends_at in (0.0, 1.0):
        workflow = Workflow()

        async def outside(ins, outs, state, seconds=ends_at):
            await asyncio.sleep(seconds)

        one = workflow.add_stream(stream("one", relay, "x", "x"))
        one.pipe(workflow.add_stream(stream("other", relay, "x", "x"))).pipe(one)
        workflow.add_stream(stream("outside", outside, "", "x")) | one

        async def main(workflow=workflow):
            with pytest.raises(DeadlockError):
                await workflow.run()
            return asyncio.get_running_loop().time()

        assert ends_at <= run(main()) <= ends_at + 0.1


def test_d5_a_second_source_of_concat_that_the_same_stream_pushes_to_is_a_ring():
    """D5: the error text says so."""
    workflow = Workflow(name="mine")
    source = workflow.add_stream(alternating(5, first="a"))
    flow(rx.concat(source["a"], source["b"])) | workflow.add_stream(sink())
    assert str(deadlock(workflow)) == (
        "streams of workflow 'mine' wait for each other in a ring and can never go on; an output "
        "is read only after another one has ended, but is pushed to before that:\n"
        "  source.b --> waits to be read at sink.x after source.a"
    )


@pytest.mark.parametrize("combine", [rx.merge, rx.zip, rx.amb, rx.combine_latest, rx.concat])
def test_d5_a_ring_through_a_combinator_of_claimed_ports_is_seen(combine):
    """D5: every stream that could still deliver is part of the ring."""
    workflow = Workflow()
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    other = workflow.add_stream(stream("other", relay, "x", "x"))
    flow(combine(one["x"], other["x"])) | [one, other]
    assert sorted(line.split()[0] for line in drawing(deadlock(workflow))) == ["one.x", "other.x"]


@pytest.mark.parametrize("combine", [rx.merge, rx.zip, rx.combine_latest])
def test_d5_claimed_ports_of_one_stream_that_alternates_are_no_ring(combine):
    """D4: all are subscribed to at once."""
    got: list[Any] = []
    workflow = Workflow(threshold=1)
    source = workflow.add_stream(alternating(20, first="a"))
    flow(combine(source["a"], source["b"])) | workflow.add_stream(sink(got))
    go(workflow)
    assert len(got) >= 20


# Rings on purpose


@pytest.mark.parametrize("threshold", [1, 3, 100])
def test_d6_a_crawler_over_a_finite_site_ends(threshold):
    """D6: the marked edge closes when nothing is under way and nobody else can push."""
    site = {number: [2 * number, 2 * number + 1] for number in range(1, 200)}
    seen: list[int] = []

    async def fetch(ins, outs, state):
        async for page in ins.page:
            for link in site.get(page, ()):
                await outs.link.push(link)

    async def frontier(ins, outs, state):
        known: set[int] = set()
        async for link in ins.link:
            if link not in known:
                known.add(link)
                seen.append(link)
                await outs.page.push(link)

    workflow = Workflow(threshold=threshold)
    queue = workflow.add_stream(stream("frontier", frontier, "link", "page"))
    fetcher = workflow.add_stream(stream("fetch", fetch, "page", "link"))
    flow([1]) | queue
    queue | fetcher
    fetcher.pipe(queue, feedback=True)
    statistics = go(workflow)
    assert sorted(seen) == list(range(1, 400))
    assert {step.ended for step in statistics.steps.values()} == {"returned"}


def test_d6_a_marked_ring_without_a_seed_ends_at_once():
    """D6: no item is under way."""
    workflow = Workflow()
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    other = workflow.add_stream(stream("other", relay, "x", "x"))
    one.pipe(other)
    other.pipe(one, feedback=True)
    statistics = go(workflow)
    assert {step.ended for step in statistics.steps.values()} == {"returned"}


def test_d6_a_marked_ring_stays_open_as_long_as_somebody_else_may_push():
    """D6: it closes only when all other producers have closed."""
    got: list[Any] = []

    async def late(ins, outs, state):
        await asyncio.sleep(10)
        await outs.x.push("late")

    async def tee(ins, outs, state):
        async for item in ins.x:
            await outs.seen.push(item)
            if len(item) < 7:
                await outs.x.push(item + "!")

    workflow = Workflow()
    ring = workflow.add_stream(stream("ring", tee, "x", "x seen"))
    workflow.add_stream(stream("late", late, "", "x")) | ring
    ring["seen"] | workflow.add_stream(sink(got))
    ring.pipe(ring, output="x", feedback=True)
    go(workflow)
    assert got == ["late", "late!", "late!!", "late!!!"]


def test_d6_what_is_pushed_on_after_the_ring_has_closed_is_discarded():
    """D6: the ring ends as a chain does; items pushed at its end are discarded."""

    async def wordy(ins, outs, state):
        async for _ in ins.x:
            pass
        await outs.x.push("last words")
        state["done"] = True

    workflow = Workflow()
    one = workflow.add_stream(stream("one", wordy, "x", "x"))
    one.pipe(one, feedback=True)
    statistics = go(workflow)
    assert one.stream.state == {"done": True}
    assert statistics.steps["one"].ended == "returned"


# What it costs


def test_d1_without_a_circle_nothing_is_watched():
    """D1: chains and trees cannot form a ring; they have no watch, and no timer."""

    async def watches(workflow: Workflow) -> bool:
        async with workflow.open() as opened:
            watched = opened._run.watch is not None
            opened.cancel()
        return watched

    workflow = Workflow(["in"], ["out"])
    one = workflow.add_stream(stream("one", relay, "x", "x"))
    workflow.ins["in"] | one | ops.map(str) | workflow.outs.out
    one | [workflow.add_stream(stream(name, relay, "x", "x")) for name in "ab"]
    assert not run(watches(workflow))
    flow(workflow.steps["a"], workflow.steps["b"]) | workflow.add_stream(stream("c", relay, "x"))
    assert run(watches(workflow))


@pytest.mark.parametrize("count", [3, 10_000])
def test_d1_a_ring_of_any_length_is_found_without_recursion(count):
    """D1: the time is proportional to the length."""
    workflow = Workflow()
    steps = [workflow.add_stream(stream(f"s{number}", relay, "x", "x")) for number in range(count)]
    for one, other in zip(steps, [*steps[1:], steps[0]], strict=True):
        one.pipe(other)
    assert len(drawing(deadlock(workflow))) == count
