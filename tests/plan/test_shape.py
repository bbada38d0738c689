"""What `check()` finds in the shape of a workflow, its rings and joins: rules W9, D2 and D6."""

from typing import Any

import pytest
import reactivex as rx

from blueprints import source, stream
from checks import found, found_at
from flows import ops
from mimo_rx import Stream, Workflow, flow
from mimo_rx._workflow.findings import Finding


def join(ins: Any = ("a", "b"), name: str = "join") -> Stream:
    """Make a stream that joins."""
    return stream(name, ins, ())


# Rings


def test_d6_a_ring_that_is_not_marked_is_an_error():
    """D6: the text draws the ring and says how to mark it."""
    workflow = Workflow()
    a, b = workflow.add_stream(stream("a", ["x", "z"])), workflow.add_stream(stream("b"))
    [1] | a["x"] | b
    b | ops.map(str) | a["z"]
    assert found(workflow, "unmarked-ring") == [
        Finding(
            "unmarked-ring",
            "error",
            "a",
            "y",
            "a ring without an edge marked as feedback: a.y -> b.x | map(str) -> a.z; if it is "
            "intended, make its last edge by `step.pipe(other, feedback=True)`",
        )
    ]


def test_d6_a_marked_ring_is_no_finding():
    """D6: an unmarked edge beside the marked one makes a finding again."""
    workflow = Workflow()
    a, b = workflow.add_stream(stream("a", ["x", "z"])), workflow.add_stream(stream("b"))
    [1] | a["x"] | b
    b.pipe(a, input="z", feedback=True)
    assert workflow.check() == ()
    b.pipe(a, input="x")
    assert found_at(workflow, "unmarked-ring") == [("a", "y")]


def test_d6_a_stream_that_feeds_itself_is_a_ring():
    """D6: it is the shortest ring."""
    workflow = Workflow()
    a = workflow.add_stream(stream("a"))
    a | a
    (finding,) = workflow.check()
    assert "as feedback: a.y -> a.x;" in finding.message


def test_d6_the_shortest_ring_of_each_knot_is_told():
    """D6: one ring at a time; a chain between two rings is none."""
    workflow = Workflow()
    a, b, c, d = (workflow.add_stream(stream(name)) for name in "abcd")
    a | b | c | a
    b | a
    c | d | d
    texts = [finding.message for finding in found(workflow, "unmarked-ring")]
    assert [text.split(": ")[1].split(";")[0] for text in sorted(texts)] == [
        "a.y -> b.x -> a.x",
        "d.y -> d.x",
    ]


def test_d6_rings_are_seen_through_nested_workflows():
    """D6, W1: marks are seen through them too."""
    inner = Workflow(["a"], ["b"], name="inner")
    rx.merge(inner.ins.a, rx.never()) | stream("p") | inner.outs.b
    for marked, expected in ((False, [("inner/p", "y")]), (True, [])):
        outer = Workflow()
        nested = outer.add_stream(inner)
        nested.pipe(nested, feedback=marked)
        assert found_at(outer, "unmarked-ring") == expected


@pytest.mark.parametrize("operator", [ops.map(lambda item: item), ops.merge(rx.never())])
def test_d6_a_port_that_is_read_with_a_mark_and_without_one_closes_an_unmarked_ring(operator):
    """D6: by operators that read both names."""
    inner = Workflow(["again", "more"], ["out"], name="inner")
    both = flow([inner.ins["again"], inner.ins["more"]])
    both | operator | stream("p") | inner.outs["out"]
    outer = Workflow()
    nested, s = outer.add_stream(inner), outer.add_stream(stream("s"))
    nested | s
    s.pipe(nested, input="again", feedback=True)
    assert found_at(outer, "unmarked-ring") == []
    s | nested["more"]
    assert len(found_at(outer, "unmarked-ring")) == 1


def test_d6_a_long_ring_is_found():
    """D6: the search does not recurse."""
    workflow = Workflow()
    first = last = workflow.add_stream(stream("s"))
    for _ in range(5_000):
        last = last | workflow.add_stream(stream("s"))
    last | first
    (finding,) = workflow.check()
    assert finding.message.count("->") == 5_001


# Joins of forks


def test_w9_branches_that_meet_again_are_told():
    """W9, D2: the finding names both branches and the threshold."""
    workflow = Workflow(threshold=7)
    read, meet = workflow.add_stream(source("read")), workflow.add_stream(join())
    read | meet["a"]
    read | workflow.add_stream(stream("slow")) | meet["b"]
    assert workflow.check() == (
        Finding(
            "uneven-join",
            "info",
            "join",
            "b",
            "step 'join' joins two branches from 'read', read.y -> join.a and "
            "read.y -> slow.x -> join.b; where one needs more than 7 items before it delivers, the "
            "other fills up: give 'join' a larger threshold",
        ),
    )


@pytest.mark.parametrize(
    "operators",
    [[], [ops.map(str)], [ops.scan(max), rx.compose(ops.map(str), ops.do_action(str))]],
    ids=["none", "map", "scan"],
)
def test_w9_branches_that_stay_level_are_not_told(operators):
    """W9: direct edges of one output, and operators that make one item of each item."""
    workflow = Workflow()
    read, meet = workflow.add_stream(source("read")), workflow.add_stream(join())
    read | meet["a"]
    branch = read["y"]
    for operator in operators:
        branch = branch | operator
    branch | meet["b"]
    assert workflow.check() == ()


def test_w9_both_readers_of_one_flow_stay_level():
    """W9, L4: the flow filters once for both readers."""
    workflow = Workflow()
    meet = workflow.add_stream(join())
    workflow.add_stream(source("read")) | ops.filter(bool) | [meet["a"], meet["b"]]
    assert workflow.check() == ()


@pytest.mark.parametrize(
    "operator",
    [
        ops.pairwise(),
        ops.filter(bool),
        ops.flat_map(rx.of),
        ops.start_with(1),
        lambda before: before,
    ],
    ids=["pairwise", "filter", "flat_map", "start_with", "own"],
)
def test_w9_a_branch_whose_operator_changes_the_number_is_told(operator):
    """W9: so is one with an unknown operator."""
    workflow = Workflow()
    read, meet = workflow.add_stream(source("read")), workflow.add_stream(join())
    read | meet["a"]
    read | operator | meet["b"]
    assert found_at(workflow, "uneven-join") == [("join", "b")]


def test_w9_two_outputs_of_one_step_may_be_uneven():
    """W9: the step may push to one output more often than to the other."""
    workflow = Workflow()
    split = workflow.add_stream(stream("split", (), ("p", "q")))
    meet = workflow.add_stream(join())
    split["p"] | meet["a"]
    split["q"] | meet["b"]
    assert found_at(workflow, "uneven-join") == [("join", "b")]


def test_w9_a_join_is_told_of_once_with_its_nearest_fork():
    """W9: forks further up are not reported."""
    workflow = Workflow()
    far, near = workflow.add_stream(source("far")), workflow.add_stream(stream("near"))
    meet = workflow.add_stream(join(("a", "b", "c")))
    far | near | meet["a"]
    near | workflow.add_stream(stream("slow")) | meet["b"]
    far | meet["c"]
    (finding,) = workflow.check()
    assert (
        "two branches from 'far', far.y -> join.c and far.y -> near.x -> join.a;"
        in (finding.message)
        or "two branches from 'near'" in finding.message
    )


def test_w9_a_level_fork_does_not_hide_an_uneven_one():
    """W9: the uneven fork is further up."""
    workflow = Workflow()
    far, near = workflow.add_stream(source("far")), workflow.add_stream(stream("near"))
    meet = workflow.add_stream(join(("a", "b", "c")))
    far | near | [meet["a"], meet["b"]]
    far | meet["c"]
    assert [finding.message.split("'")[3] for finding in workflow.check()] == ["far"]


def test_w9_no_join_is_told_where_nothing_meets():
    """W9: separate sources, fan-in, and chains."""
    workflow = Workflow()
    a, b = workflow.add_stream(source("a")), workflow.add_stream(source("b"))
    meet = workflow.add_stream(join())
    a | stream("slow") | meet["a"]
    b | [meet["b"], stream("other", outs=())]
    fan = workflow.add_stream(stream("fan", outs=()))
    a | fan
    a | stream("way") | fan
    assert workflow.check() == ()


def test_w9_joins_are_seen_through_names_and_own_inputs():
    """W9, W1: steps have their whole paths; one input of the workflow counts as one output."""
    inner = Workflow(["p", "q"], name="inner")
    meet = inner.add_stream(join())
    inner.ins.p | meet["a"]
    inner.ins.q | meet["b"]
    outer = Workflow(["c"])
    nested = outer.add_stream(inner)
    outer.ins.c | nested["p"]
    outer.ins.c | ops.filter(bool) | nested["q"]
    (finding,) = outer.check()
    assert (finding.code, finding.step) == ("uneven-join", "inner/join")
    assert "ins.c -> inner/join.a and ins.c | filter(bool) -> inner/join.b" in finding.message


def test_w9_a_fork_behind_shared_operators_is_drawn_from_its_step():
    """W9."""
    workflow = Workflow()
    meet = workflow.add_stream(join())
    shared = workflow.add_stream(source("read")) | ops.filter(bool)
    shared | meet["a"]
    shared | stream("slow") | meet["b"]
    (finding,) = workflow.check()
    assert "read.y | filter(bool) -> join.a and read.y | filter(bool) -> slow.x -> join.b" in (
        finding.message
    )


def test_w9_a_marked_ring_makes_no_join():
    """W9, D6: a marked edge that leads back is no branch."""
    workflow = Workflow()
    a, b = workflow.add_stream(stream("a", ["x", "z"])), workflow.add_stream(stream("b"))
    [1] | a["x"] | b
    b.pipe(a, input="z", feedback=True)
    assert workflow.check() == ()


def test_w9_a_thousand_diamonds_are_looked_through():
    """W9: they form a chain, and each join is reported."""
    workflow = Workflow()
    last = workflow.add_stream(source("s"))
    for _ in range(1_000):
        meet = workflow.add_stream(stream("join", ("a", "b")))
        last | workflow.add_stream(stream("p")) | meet["a"]
        last | workflow.add_stream(stream("q")) | meet["b"]
        last = meet
    assert len(found(workflow, "uneven-join")) == 1_000


def test_w9_a_long_chain_of_joins_with_sources_of_their_own_is_looked_through():
    """W9: all their arcs are bridges, so there is nothing to search."""
    workflow = Workflow()
    last = workflow.add_stream(source("s"))
    for _ in range(5_000):
        meet = workflow.add_stream(stream("join", ("a", "b")))
        last | meet["a"]
        workflow.add_stream(source("t")) | meet["b"]
        last = meet
    last | workflow.add_stream(stream("sink", outs=()))
    assert workflow.check() == ()


def test_w9_the_search_for_forks_gives_up_in_time():
    """W9: separate sources meet in many ways and circles, but no fork is uneven."""
    workflow = Workflow()
    last = workflow.add_stream(source("s"))
    for _ in range(500):
        other = workflow.add_stream(source("t"))
        meet, aside = (workflow.add_stream(stream("m", ("a", "b"))) for _ in range(2))
        last | [meet["a"], aside["a"]]
        other | [meet["b"], aside["b"]]
        last = workflow.add_stream(stream("n"))
        [meet, aside] | last
    assert found(workflow, "uneven-join") == []
