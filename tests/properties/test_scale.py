"""Size: memory (rule P5), long chains, wide fans, deep nests, many operators."""

from reactivex import operators as ops

from benchmarks.cases.memory import measure_memory
from helpers import run
from mimo_rx import Stream, Workflow, flow, stream

# Memory


def test_p5_memory_does_not_depend_on_the_number_of_items():
    """P5: 200,000 integers would fill 6 MB; in front of a slow reader they take next to nothing."""
    assert measure_memory(200_000) < 0.5


def test_the_measure_of_memory_sees_a_buffer_without_a_bound():
    """The test of P5 could fail: with room for all items in the buffer, they are seen."""
    assert measure_memory(200_000, threshold=1_000_000) > 5


# Size


@stream(outs=["item"])
async def source(ins, outs, state):
    for item in range(300):
        await outs.item.push(item)


@stream(ins=["item"], outs=["item"])
async def add_one(ins, outs, state):
    async for item in ins.item:
        await outs.item.push(item + 1)


@stream(ins=["item"])
async def collect(ins, outs, state):
    async for item in ins.item:
        state.append(item)


def test_a_chain_of_1000_streams_delivers_all_in_order():
    workflow = Workflow()
    got: list[int] = []
    step = workflow.add_stream(source())
    for _ in range(998):
        step = step | add_one()
    step | collect(state=got)
    statistics = run(workflow.run())
    assert got == list(range(998, 1298))
    assert len(statistics.steps) == 1000
    assert {edge.items for edge in statistics.edges} == {300}


def test_a_fan_out_to_1000_streams_delivers_all_to_each():
    workflow = Workflow()
    got: list[list[int]] = [[] for _ in range(1000)]
    workflow.add_stream(source()) | [collect(state=each) for each in got]
    run(workflow.run())
    assert all(each == list(range(300)) for each in got)


def test_c4_a_fan_out_to_1000_streams_goes_on_while_they_leave_one_by_one():
    """C4: each reader leaves after another item; the last one to leave ends the endless source."""

    @stream(outs=["item"])
    async def endless(ins, outs, state):
        while True:
            await outs.item.push(state["next"])
            state["next"] += 1

    @stream(ins=["item"])
    async def leave(ins, outs, state):
        async for item in ins.item:
            state["got"] += 1
            if item == state["last"]:
                return

    workflow = Workflow(threshold=10)
    states = [{"last": last, "got": 0} for last in range(1000)]
    step = workflow.add_stream(endless(state={"next": 0}))
    step | [leave(state=each) for each in states]
    statistics = run(workflow.run())
    assert [each["got"] for each in states] == list(range(1, 1001))
    assert statistics.steps["endless"].ended == "downstream"


def test_a_fan_in_of_1000_streams_delivers_all_and_each_in_its_order():
    @stream(outs=["item"])
    async def number(ins, outs, state):
        for item in range(10):
            await outs.item.push((state, item))

    workflow = Workflow(threshold=7)
    got: list[tuple[int, int]] = []
    sources = [workflow.add_stream(number(state=each)) for each in range(1000)]
    sources | collect(state=got)
    statistics = run(workflow.run())
    assert sorted(got) == [(each, item) for each in range(1000) for item in range(10)]
    seen: dict[int, list[int]] = {}
    for each, item in got:
        seen.setdefault(each, []).append(item)
    assert all(items == sorted(items) for items in seen.values())
    assert statistics.steps["collect"].inputs["item"].peak == 7


def test_workflows_nested_50_deep_deliver_all_in_order():
    inner: Stream = add_one()
    for depth in range(50):
        outer = Workflow(["item"], ["item"], name=f"level-{depth}")
        outer.ins["item"] | outer.add_stream(inner) | add_one() | outer.outs["item"]
        inner = outer
    got: list[int] = []
    workflow = Workflow()
    workflow.add_stream(source()) | inner | collect(state=got)
    run(workflow.run())
    assert got == list(range(51, 351))


def test_200_operators_on_one_edge_deliver_all_in_order():
    def increment(item: int) -> int:
        return item + 1

    workflow = Workflow()
    got: list[int] = []
    edge = flow(workflow.add_stream(source()))
    for _ in range(200):
        edge = edge | ops.map(increment)
    edge | collect(state=got)
    run(workflow.run())
    assert got == list(range(200, 500))


def test_10000_links_make_a_workflow_of_as_many_edges():
    workflow = Workflow()
    step = workflow.add_stream(add_one())
    for _ in range(10_000):
        step = step | add_one()
    got: list[int] = []
    workflow.steps["add_one"].push(0)
    step | collect(state=got)
    statistics = run(workflow.run())
    assert len(statistics.edges) == 10_001
    assert got == [10_001]
