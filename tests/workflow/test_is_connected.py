"""Whether a step, port or flow of a blueprint leads anywhere (`flow.is_connected()`, as P13)."""

from reactivex import operators as ops

from mimo_rx import Stream, Workflow, flow


async def nothing(ins, outs, state):
    pass


def stream(name: str, ins: str = "x", outs: str = "y") -> Stream:
    return Stream(ins.split(), outs.split(), fn=nothing, name=name)


def test_p13_a_step_is_connected_if_any_of_its_outputs_is_read():
    """P13: for a port only the port itself counts."""
    workflow = Workflow()
    one = workflow.add_stream(stream("one", outs="a b"))
    assert not one.is_connected()
    assert not one["a"].is_connected()
    one["b"] | workflow.add_stream(stream("two"))
    assert one.is_connected()
    assert one["b"].is_connected()
    assert not one["a"].is_connected()


def test_p13_a_flow_is_connected_by_itself_or_as_a_part_of_another():
    """P13: a flow is not connected if it is only part of flows that lead nowhere."""
    workflow = Workflow()
    one = workflow.add_stream(stream("one"))
    part = one | ops.map(str)
    whole = part | ops.skip(1)
    assert not part.is_connected()
    assert not one.is_connected()
    whole | workflow.add_stream(stream("two"))
    assert part.is_connected()
    assert whole.is_connected()
    assert one.is_connected()
    assert not (one | ops.map(str)).is_connected()


def test_p13_an_input_of_a_workflow_is_connected_where_it_leads_inside():
    """P13: this holds although each use of the port makes a new object."""
    workflow = Workflow(["a", "b"], ["c"])
    workflow.ins.a | stream("one") | workflow.outs.c
    assert workflow.ins.a.is_connected()
    assert not workflow.ins.b.is_connected()
    assert workflow.steps["one"].is_connected()


def test_p13_what_has_no_workflow_leads_nowhere_yet():
    """P13, L8a: such are a source, and a stream that is read before it leads into a step."""
    bare = stream("one") | ops.map(str)
    numbers = flow([1])
    assert not bare.is_connected()
    assert not numbers.is_connected()
    bare | Workflow().add_stream(stream("two"))
    assert bare.is_connected()
