"""Helpers of tests of blueprints: streams that do nothing, and plans as text."""

from collections.abc import Iterable
from contextlib import contextmanager
from typing import Any

import pytest

from mimo_rx import Stream, WiringError, Workflow
from mimo_rx._plan.flatten import flatten, flatten_flow
from mimo_rx._plan.plan import ENVIRONMENT, Node, Plan, PortRef


async def nothing(ins, outs, state):
    """Do nothing."""


def stream(name: str, ins: Iterable[str] = ("x",), outs: Iterable[str] = ("y",)) -> Stream:
    """Make a stream that does nothing."""
    return Stream(ins, outs, fn=nothing, name=name)


def source(name: str = "source") -> Stream:
    """Make a stream with one output and no input."""
    return stream(name, ())


def edges(blueprint: Any) -> list[str]:
    """Flatten a workflow or flow and return its edges as text: ``a.y | map(str) > b.x``."""
    made = plan(blueprint)
    return [f"{_text(made, edge.source)} > {_port(made, edge.target)}" for edge in made.edges]


def plan(blueprint: Any) -> Any:
    """Flatten a workflow or flow."""
    if isinstance(blueprint, Workflow):
        return flatten(blueprint)
    return flatten_flow(blueprint, blueprint.workflow or Workflow(name="flow"))


@contextmanager
def refused(workflow, match, kind=WiringError):
    """Expect a refusal that leaves `workflow` exactly as it was."""
    before = str(workflow), dict(workflow.steps), dict(workflow.graph.links), plan(workflow).steps
    with pytest.raises(kind, match=match) as caught:
        yield
    assert isinstance(caught.value, ValueError)
    after = str(workflow), dict(workflow.steps), dict(workflow.graph.links), plan(workflow).steps
    assert after == before


def _text(made: Plan, source: PortRef | Node) -> str:
    if isinstance(source, PortRef):
        return _port(made, source)
    claims = ", ".join(_text(made, stands_for) for _, stands_for in source.claims)
    if source.observable is not None:
        return f"{{{claims}}}"
    members = [_text(made, each) for each in source.sources]
    merged = members[0] if len(members) == 1 else f"[{', '.join(members)}]"
    text = f"{merged} | {source.name}"
    return f"{text}{{{claims}}}" if claims else text


def _port(made: Plan, port: PortRef) -> str:
    path = "env" if port.step == ENVIRONMENT else made.steps[port.step].path
    return f"{path}.{port.port}"
