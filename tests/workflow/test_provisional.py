"""Workflows that `|` makes by itself: rules L8a, L9b, L10 and L11 over them."""

import asyncio
import copy
import gc
import pickle
import warnings
import weakref
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators as ops

from blueprints import edges, source, stream
from mimo_rx import Statistics, Stream, WiringError, Workflow, arange, flow
from mimo_rx.streams import ForEach, Map, ToList


class Numbers(Stream):
    OUT = ("number",)

    async def run(self, ins, outs):
        await outs.number.push_many([1, 2])


def dropped(build):
    """Call `build`, drop what it returns, and return the texts of the ResourceWarnings."""
    gc.collect()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        build()
        gc.collect()
    return [str(each.message) for each in caught if each.category is ResourceWarning]


def square(item: int) -> int:
    return item * item


def plus_two(item: int) -> int:
    return item + 2


def squares():
    return flow([1, 2]) | ops.map(square)


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (lambda: flow([1, 2]), [1, 2]),
        (Numbers, [1, 2]),
        (squares, [1, 4]),
        (lambda: Numbers() | ops.map(str), ["1", "2"]),
        (lambda: flow([1], flow([2])), [1, 2]),
        (lambda: flow([1], Numbers()) | ops.filter(lambda x: bool(x == 1)), [1, 1]),
        (lambda: flow(rx.merge(flow([1]), flow([2]))), [1, 2]),
    ],
)
def test_l8a_what_is_led_on_twice_is_one_workflow(make, values):
    """L8a: `src | a`, later `src | b`."""
    src = make()
    seen: list[Any] = []
    also: list[Any] = []
    a = src | ForEach(seen.append)
    b = src | ForEach(also.append)
    assert a.workflow is b.workflow
    a.workflow.start()
    assert seen == also == values
    assert a.workflow.check() == ()


def test_l8a_operators_after_one_source_are_one_workflow():
    """L8a: also where each edge has operators of its own, on a source or a stream."""
    for src in (flow([1, 2]), Numbers()):
        seen: list[object] = []
        a = src | ops.map(str) | ForEach(seen.append)
        b = src | ops.map(float) | ForEach(seen.append)
        assert a.workflow is b.workflow
        a.workflow.start()
        assert sorted(map(repr, seen)) == ["'1'", "'2'", "1.0", "2.0"]


def test_l8a_a_merge_joins_what_its_sources_were_led_into():
    """L8a: sources that were led on apart meet in a merge."""
    one, two = flow([1]), flow([2])
    seen: list[Any] = []
    a, b = one | ToList(), two | ToList()
    c = flow(one, two) | ForEach(seen.append)
    assert a.workflow is b.workflow is c.workflow
    c.start()
    assert (seen, a.stream.items, b.stream.items) == ([1, 2], [1], [2])


def test_l8a_a_chain_joins_the_workflow_that_it_is_led_into():
    """L8a: `xs | Map(f) | wf.add_stream(s)`; the threshold is then that of the workflow."""
    workflow = Workflow(threshold=7)
    seen: list[Any] = []
    mapped = flow([1, 2]) | Map(str)
    made = mapped.workflow
    last = mapped | workflow.add_stream(ForEach(seen.append))
    assert mapped.workflow is last.workflow is workflow
    assert mapped.threshold == 7
    workflow.start()
    assert made.steps == workflow.steps
    assert workflow.steps.keys() <= made.start().steps.keys()
    seen[2:] = []
    assert str(made) == str(workflow)
    assert seen == ["1", "2"]


def test_l8a_a_workflow_that_a_stream_stands_in_is_joined():
    """L8a: through the same stream, in either order."""
    workflow, numbers = Workflow(), Numbers()
    seen: list[Any] = []
    numbers | workflow.add_stream(ForEach(seen.append))
    b = numbers | ops.map(str) | ForEach(seen.append)
    assert b.workflow is workflow
    other, numbers = Workflow(), Numbers()
    b = numbers | ForEach(seen.append)
    numbers | other.add_stream(ForEach(seen.append))
    assert b.workflow is other
    assert list(other.steps) == ["append", "append-2", "Numbers"]


def test_l8a_a_workflow_that_a_source_was_led_into_is_joined():
    """L8a: through the same flow; two workflows of the program may share a source (L7)."""
    workflow, src = Workflow(), flow([1, 2])
    seen: list[Any] = []
    src | workflow.add_stream(ForEach(seen.append))
    assert (src | ForEach(seen.append)).workflow is workflow
    other = Workflow()
    src | other.add_stream(ForEach(seen.append))
    assert (len(workflow.steps), len(other.steps)) == (2, 1)


@pytest.mark.parametrize(
    "connect",
    [
        lambda a, b: a.pipe(b),
        lambda a, b: a["y"] | b["x"],
        lambda a, b: a | ops.map(str) | b,
        lambda a, b: [a, source()] | b,
        lambda a, b: a | [stream("t"), b],
        lambda a, b: flow(a, b),
        lambda a, b: flow(rx.merge(a["y"], b["y"])),
        lambda a, b: a | ops.merge(b["y"]),
        lambda a, b: a.pipe(ops.merge(b["y"])),
    ],
)
def test_l8a_two_provisional_workflows_that_meet_become_one(connect):
    """L8a: by `|`, by `pipe`, in a list, a merge, an Observable and an operator."""
    a, b = source("p") | stream("a"), source("p") | stream("b")
    held = connect(a, b)
    assert a.workflow is b.workflow
    assert [name for name in a.workflow.steps if name in "p a p-2 b"] == ["a", "p", "b", "p-2"]
    assert b.workflow.steps["b"] is b
    assert {"p.y > a.x", "p-2.y > b.x"} <= set(edges(a.workflow))
    del held


def test_l8a_workflow_ports_and_methods_take_provisional_steps():
    """L8a: by `connect_workflow_input`, `connect_workflow_output` and `workflow.outs`."""
    workflow = Workflow(["i"], ["o", "q"])
    a, b, c = (source(name) | stream("s") for name in "abc")
    workflow.connect_workflow_output(a, workflow_output="o")
    workflow.connect_workflow_input(b)
    c | workflow.outs.q
    assert a.workflow is b.workflow is c.workflow is workflow
    assert list(workflow.steps) == ["s", "a", "s-2", "b", "s-3", "c"]


def test_l8a_seeds_names_and_flows_move_along():
    """L8a: check() and drawings never see the seam."""

    def build(workflow):
        if workflow is None:
            a = source() | stream("a")
            workflow = Workflow()
            sink = workflow.add_stream(stream("a", outs=()))
        else:
            sink = workflow.add_stream(stream("a", outs=()))
            a = workflow.add_stream(stream("a"))
            source() | a
        a.push(1)
        dead = a | ops.map(str)
        a | sink
        return workflow, dead

    apart, dead = build(None)
    together, also = build(Workflow())
    assert apart.check() == together.check()
    assert [each.code for each in apart.check()] == ["dead-end-flow"]
    assert str(apart) == str(together)
    assert apart.steps["a-2"].seeds == {"x": (1,)}
    assert dead.workflow is apart
    assert also.workflow is together


def test_l8a_only_workflows_of_the_program_are_refused():
    """L8a, L11: a refusal leaves both workflows, and the provisional one, as they were."""
    one, two = Workflow(name="one"), Workflow(name="two")
    a, b = one.add_stream(stream("a")), two.add_stream(stream("b"))
    p = source("p") | stream("c")
    made, before = p.workflow, [str(each) for each in (one, two, p.workflow)]
    for attempt in (
        lambda: [p, a] | b,
        lambda: p | [a, b],
        lambda: flow(p, a, b),
        lambda: a | ops.merge(p["y"], b["y"]),
        lambda: [p, a, source()] | stream("d", ins=()),
        lambda: p | [a, stream("d", ins=())],
        lambda: source("q") | ops.map(str) | [a, b],
    ):
        with pytest.raises(WiringError):
            attempt()
        assert [str(each) for each in (one, two, p.workflow)] == before
        assert p.workflow is made
        assert (list(made.steps), p.name) == (["c", "p"], "c")
    p | a
    assert p.workflow is one


def test_l8a_a_workflow_does_not_join_what_is_inside_it():
    """L8a, L11: a workflow inside itself is refused, and nothing has changed."""
    inner = Workflow(outs=["o"], name="inner")
    a = inner.add_stream(stream("a"))
    outer = inner | stream("b")
    with pytest.raises(WiringError, match="'inner' cannot be a step inside itself"):
        outer | a
    assert outer.workflow is not inner
    assert list(outer.workflow.steps) == ["b", "inner"]
    outer.workflow.check()


def test_l8a_a_nested_provisional_workflow_is_the_programs_own():
    """L8a: it was given a place, so it does not join another one."""
    a = Numbers() | ForEach(print)
    outer = Workflow()
    outer.add_stream(a.workflow)
    with pytest.raises(WiringError, match="one workflow"):
        a.workflow.steps["Numbers"] | outer.add_stream(ForEach(print))


@pytest.mark.parametrize("crossed", [copy.deepcopy, lambda step: pickle.loads(pickle.dumps(step))])
def test_l8a_a_copy_joins_by_itself(crossed):
    """L8a: pickling and copying work, before and after the join."""
    a = Numbers() | ToList()
    twin = crossed(a)
    workflow = Workflow(name="own")
    twin.workflow.steps["Numbers"] | workflow.add_stream(ToList())
    assert twin.workflow is workflow
    assert a.workflow is not workflow
    third = crossed(twin)
    assert third.workflow.name == "own"
    numbers = third.workflow.steps["Numbers"].stream
    fourth = numbers | ToList()
    assert fourth.workflow is third.workflow
    fourth.start()
    assert fourth.stream.items == third.stream.items == [1, 2]
    a.start()
    assert (a.stream.items, twin.stream.items) == ([1, 2], [])


def test_l8a_a_workflow_that_is_dropped_without_a_run_is_told():
    """L8a: a ResourceWarning names its steps."""
    text = r"steps that were connected by '|' were dropped without a run: 'len', 'Numbers'; write "
    assert dropped(lambda: Numbers() | ForEach(len))[0].startswith(text)
    assert len(dropped(lambda: ["x"] | ForEach(len))) == 1
    assert len(dropped(lambda: Numbers() | ops.map(str))) == 1
    assert len(dropped(lambda: [Numbers() | Map(str), Numbers()] | ForEach(len))) == 1


def refused_chain():
    with pytest.raises(WiringError):
        Numbers() | [ForEach(len), Numbers()]
    with pytest.raises(WiringError):
        Numbers() | str.upper


@pytest.mark.parametrize(
    "build",
    [
        lambda: (Numbers() | ForEach(len)).workflow.check(),
        lambda: str((Numbers() | ForEach(len)).workflow),
        lambda: (Numbers() | ForEach(str)).start(),
        lambda: (Numbers() | ops.map(str)).run(),
        lambda: flow(Numbers(), Numbers()).pipe(ops.to_list()).subscribe(len),
        lambda: flow([1]) | ops.map(str),
        lambda: Numbers() | Map(str) | Workflow().add_stream(ForEach(len)),
        lambda: Workflow().add_stream((Numbers() | ForEach(len)).workflow),
        lambda: copy.deepcopy(Numbers() | ForEach(len)),
        lambda: flow([1]) | (lambda src: src.pipe(ops.merge(Numbers() | ops.map(str)))),
        refused_chain,
    ],
)
def test_l8a_a_workflow_that_was_used_is_not_told(build):
    """L8a: it was run, drawn, checked, joined, read, nested or copied; or its `|` was refused."""
    assert dropped(build) == []


def test_l8a_what_the_program_holds_keeps_the_workflow():
    """L8a: a stream or source that was led on and is still held, whenever memory is freed."""
    for src in (Numbers(), flow([1, 2])):
        seen: list[int] = []
        assert dropped(lambda src=src, seen=seen: src | ForEach(seen.append)) == []
        (src | ForEach(seen.append)).start()
        assert seen == [1, 1, 2, 2] or seen == [1, 2, 1, 2]
    workflow = Workflow()
    numbers = Numbers()
    numbers | ops.map(str) | workflow.add_stream(ForEach(len))
    gone = weakref.ref(workflow)
    del workflow
    gc.collect()
    assert gone() is None


def test_l8a_the_warning_names_ten_steps_at_most():
    """L8a: it stays readable."""

    def build():
        last = stream("last")
        for number in range(12):
            source(f"s{number}") | last

    (text,) = dropped(build)
    assert "'s8' and 3 more; write" in text


def test_l8a_a_step_that_was_added_is_not_meant_by_its_stream():
    """L8a, L10: `add_stream` makes a step of its own, for other uses too."""
    workflow, numbers = Workflow(), Numbers()
    workflow.add_stream(numbers)
    assert (numbers | ops.map(str) | ops.to_list()).run() == ["1", "2"]
    assert (numbers | ToList()).workflow is not workflow
    numbers._homes.held.graph.used = True


def test_l8a_many_joins_stay_cheap():
    """L8a: a large workflow takes the small ones in, whichever side it is on."""
    last = stream("last")
    for number in range(2_000):
        source(f"s{number}") | ops.map(str) | last
    assert len((source() | ops.map(str) | last).workflow.steps) == 2_002
    last_step = (source("t") | last).workflow.steps["last"]
    assert last_step.stream is last
    last_step.workflow.graph.used = True


def test_l10_a_stream_in_two_places_is_one_step_after_the_join():
    """L10, L8a: streams that were led apart and meet are each one step."""
    numbers = Numbers()
    a, workflow = numbers | ToList(), Workflow()
    b = numbers | workflow.add_stream(ToList())
    assert list(workflow.steps) == ["ToList", "ToList-2", "Numbers"]
    workflow.start()
    assert a.stream.items == b.stream.items == [1, 2]


def test_a_flow_that_merges_is_fed_as_written():
    """L8a, R2: `a.pipe(ops.merge(b))` begins with `a`, whatever `a` and `b` are."""
    for first, second in (
        (flow([1, 2]), flow([3, 4])),
        (Numbers() | ops.map(lambda x: x), flow([3, 4])),
        (Numbers() | ops.map(lambda x: x), Numbers() | ops.map(plus_two)),
    ):
        assert first.pipe(ops.merge(second), ops.to_list()).run() == [1, 2, 3, 4]
        assert (first | ops.merge(second) | ops.to_list()).run() == [1, 2, 3, 4]
        assert first.pipe(ops.amb(second), ops.to_list()).run() == [1, 2]
        latest = first.pipe(ops.combine_latest(second), ops.to_list()).run()
        assert latest == [(2, 3), (2, 4)]


def test_l9b_a_chain_without_outputs_is_started():
    """L9b: `(a | b | c).start()` runs its workflow and blocks."""
    seen: list[str] = []
    statistics = (Numbers() | Map(str) | ForEach(seen.append)).start(threshold=1)
    assert isinstance(statistics, Statistics)
    assert seen == ["1", "2"]
    assert statistics.steps["append"].items_in == 2
    assert statistics.steps["append"].inputs["item"].threshold == 1


def test_l9b_a_chain_without_outputs_is_awaited():
    """L9b: `await (a | b | c)` runs it in the loop; a flow is still read."""
    seen: list[int] = []

    async def main():
        chain = arange(3) | ForEach(seen.append)
        with pytest.raises(RuntimeError, match="await"):
            chain.start()
        statistics = await chain
        assert isinstance(statistics, Statistics)
        assert seen == [0, 1, 2]
        assert await (Numbers() | Map(str)) == "2"

    asyncio.run(main())


def test_l9b_a_chain_with_outputs_is_not_started():
    """L9b: the text says what to write; `.run()` of a flow stays RxPY's."""
    step = Numbers() | Map(str)
    with pytest.raises(WiringError, match=r"'str' .* it has 'item'; .*`step.workflow.start\(\)`"):
        step.start()
    assert step.run() == "2"


def test_l9b_a_failure_comes_out_of_the_chain():
    """L9b: as from `start()` of the workflow."""
    with pytest.raises(ZeroDivisionError):
        (flow([0]) | ForEach(lambda x: 1 / x)).start()
