"""Rules L3 to L7 in real runs, and nested workflows with operators."""

from typing import Any

import reactivex as rx

from flows import numbers, ops, sink
from helpers import run
from mimo_rx import Stream, Workflow, flow


def start(workflow: Workflow) -> Any:
    return run(workflow.run())


def test_l3_a_flow_with_two_operators_is_led_into_a_step():
    """L3."""
    workflow = Workflow()
    got: list[Any] = []
    made = workflow.add_stream(numbers(6))
    made | ops.filter(lambda n: n % 2) | ops.map(str) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == ["1", "3", "5"]


def test_l4_operators_of_a_flow_run_once_an_item_whoever_reads():
    """L4: as `share` does."""
    workflow = Workflow()
    seen: list[int] = []
    got: list[list[Any]] = [[], [], []]
    made = workflow.add_stream(numbers(4))
    shared = made | ops.do_action(seen.append) | ops.map(lambda n: n * n)
    shared | workflow.add_stream(sink(got[0]))
    shared | ops.map(str) | workflow.add_stream(sink(got[1]))
    rx.merge(shared) | workflow.add_stream(sink(got[2]))
    start(workflow)
    assert seen == [0, 1, 2, 3]
    assert got == [[0, 1, 4, 9], ["0", "1", "4", "9"], [0, 1, 4, 9]]


def test_l4_the_same_flow_twice_into_one_fan_in_delivers_twice():
    """L4, L6: operators still run once an item."""
    workflow = Workflow()
    seen: list[int] = []
    got: list[Any] = []
    shared = workflow.add_stream(numbers(3)) | ops.do_action(seen.append)
    [shared | ops.map(str), shared] | workflow.add_stream(sink(got))
    start(workflow)
    assert seen == [0, 1, 2]
    assert sorted(map(str, got)) == ["0", "0", "1", "1", "2", "2"]


def double(name: str) -> Stream:
    async def fn(ins, outs, state):
        async for item in ins.x:
            await outs.x.push((name, item))

    return Stream(["x"], ["x"], fn=fn, name=name)


def test_l5_what_follows_a_fan_applies_to_the_merge_of_its_members():
    """L5: an operator makes one flow of all; a step takes the items of all."""
    workflow = Workflow()
    seen: list[Any] = []
    got: list[Any] = []
    a, b = workflow.add_stream(double("a")), workflow.add_stream(double("b"))
    fan = workflow.add_stream(numbers(3)) | [a, b["x"]]
    counted = fan | ops.scan(lambda count, _: count + 1, 0)
    counted | workflow.add_stream(sink(got))
    fan | workflow.add_stream(sink(seen))
    start(workflow)
    assert got == [1, 2, 3, 4, 5, 6]
    assert sorted(seen) == [(name, n) for name in "ab" for n in range(3)]


def test_l6_a_list_of_steps_ports_and_flows_is_fan_in():
    """L6: with an operator after it, the list is one flow."""
    workflow = Workflow()
    a, b = workflow.add_stream(numbers(2, "a")), workflow.add_stream(numbers(3, "b"))
    got: list[Any] = []
    total: list[Any] = []
    [a, b["x"] | ops.map(str)] | workflow.add_stream(sink(got))
    flow(a, b["x"]) | ops.count() | workflow.add_stream(sink(total))
    start(workflow)
    assert sorted(map(repr, got)) == ["'0'", "'1'", "'2'", "0", "1"]
    assert total == [5]


def test_l7_outside_sources_of_all_kinds():
    """L7: `async_iterable | step` and `iterable | step`; R8 tests Observables."""

    async def ticks():
        yield "tick"

    workflow = Workflow()
    got: list[Any] = []
    taking = workflow.add_stream(sink(got))
    ticks() | taking
    [1, 2] | taking
    start(workflow)
    assert sorted(map(str, got)) == ["1", "2", "tick"]


def nested() -> Workflow:
    """Make a workflow with operators on both of its ports, and one that it only passes through."""
    inner = Workflow(["a", "through"], ["b", "through"], name="inner")
    step = inner.add_stream(double("double"))
    inner.ins["a"] | ops.map(lambda n: n + 1) | step
    step | ops.map(lambda pair: pair[1] * 10) | inner.outs["b"]
    inner.ins["through"] | ops.filter(lambda n: n != 1) | inner.outs["through"]
    return inner


def test_w1_operators_on_the_ports_of_nested_workflows():
    """W1, L3: on both sides of the port, in two places at once."""
    workflow = Workflow()
    inner = nested()
    one, other = workflow.add_stream(inner), workflow.add_stream(inner)
    made = workflow.add_stream(numbers(3))
    got: dict[str, list[Any]] = {"one": [], "other": [], "through": []}
    made | ops.map(lambda n: n * 2) | one["a"]
    made | ops.map(lambda n: n * 3) | other["a"]
    made | one["through"]
    one["b"] | ops.map(str) | workflow.add_stream(sink(got["one"]))
    other["b"] | workflow.add_stream(sink(got["other"]))
    one["through"] | ops.map(str) | workflow.add_stream(sink(got["through"]))
    start(workflow)
    assert got == {"one": ["10", "30", "50"], "other": [10, 40, 70], "through": ["0", "2"]}


def test_w1_an_early_end_passes_through_the_border():
    """W1, R6, C4."""
    workflow = Workflow()
    inner = workflow.add_stream(nested())
    made = workflow.add_stream(numbers(10_000))
    got: list[Any] = []
    made | inner["a"]
    inner["b"] | ops.take(2) | workflow.add_stream(sink(got))
    statistics = start(workflow)
    assert got == [10, 20]
    assert statistics.steps["numbers"].ended == "downstream"
    assert statistics.steps["inner/double"].ended == "downstream"


def test_w7_a_blueprint_with_operators_runs_again():
    """W7: operators are applied anew in each run."""
    workflow = Workflow()
    got: list[Any] = []
    made = workflow.add_stream(numbers(4))
    made | ops.scan(lambda a, b: a + b) | ops.take(3) | workflow.add_stream(sink(got))
    start(workflow)
    start(workflow)
    assert got == [0, 1, 3] * 2
