"""Checks that find what looks wrong in a blueprint, without running anything.

Rules: W9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from .._blueprint.flow import Flow, ObservableFlow, behind
from .._blueprint.nesting import nests
from .._blueprint.step import Step, WorkflowInput
from .._errors import WiringError
from .._plan.flatten import flatten
from .._plan.plan import ENVIRONMENT, Edge, Node, Plan, PortRef
from .._plan.shape import Shape
from .._rx.catalogue import Entry
from .._rx.operators import describe, holding, holding_observable, parts

if TYPE_CHECKING:
    from .._blueprint.nesting import Workflow

__all__ = ["Finding", "Severity", "check"]

Severity: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a blueprint that may be a mistake."""

    code: str
    """The kind of finding, such as ``"unfed-input"``."""
    severity: Severity
    """How likely it is a mistake."""
    step: str
    """Path of the step, ``outer/inner/parse``; empty for the workflow itself."""
    port: str
    """Name of the port; empty if the finding is not about a port."""
    message: str
    """The finding in words."""


def check(workflow: Workflow) -> tuple[Finding, ...]:
    """Look for mistakes that a run of `workflow` would silently accept.

    Args:
        workflow: The blueprint; nested workflows are looked into.

    Returns:
        The findings, by their codes:

        ``unfed-input`` (warning): nothing feeds an input;
        ``unread-output`` (warning): nobody reads a main output;
        ``unread-workflow-input``, ``unfed-workflow-output`` (warnings): a port of a workflow leads
        nowhere inside;
        ``dead-end-flow`` (warning): a flow that the program holds leads nowhere;
        ``outside-observable`` (info): an Observable from outside delivers into a combinator
        without an entry of its own;
        ``feeds-itself`` (error): operators stand in a ring without a stream in it;
        ``unmarked-ring`` (error): streams stand in a ring, and no edge of it is marked as feedback;
        ``holding-operator`` (info): an operator holds items outside the bound;
        ``uneven-join`` (info): the branches of a fork meet again and may not stay level.

    Example:
        >>> from mimo_rx import Stream, Workflow
        >>> async def parse(ins, outs, state):
        ...     pass
        >>> workflow = Workflow()
        >>> step = workflow.add_stream(Stream(["text"], fn=parse))
        >>> [finding.message for finding in workflow.check()]
        ["nothing feeds input 'text' of step 'parse': it is closed from the start"]
    """
    workflow = workflow.graph.workflow
    findings: list[Finding] = []
    pending = [("", workflow)]
    while pending:
        path, inner = pending.pop(0)
        findings += _of_steps(path, inner)
        findings += _of_ports(path, inner)
        findings += _of_flows(path, inner)
        findings += _of_dead_ends(path, inner)
        pending += [
            (f"{path}{step.name}/", step.stream)
            for step in inner.steps.values()
            if nests(step.stream)
        ]
    try:
        plan = flatten(workflow)
    except WiringError as error:
        return (*findings, Finding("feeds-itself", "error", "", "", str(error)))
    shape = Shape(plan)
    return (*findings, *_of_rings(shape), *_of_nodes(plan), *_of_joins(shape))


def _of_steps(path: str, workflow: Workflow) -> Iterator[Finding]:
    fed = {(link.step, link.port) for link in workflow.graph.links.values()}
    read = _outputs_read(workflow)
    for step in workflow.steps.values():
        for port in tuple(step.ins):
            if (step, port) not in fed and port not in step.seeds:
                yield Finding(
                    "unfed-input",
                    "warning",
                    path + step.name,
                    port,
                    f"nothing feeds input {port!r} of step {path + step.name!r}: it is closed "
                    "from the start",
                )
        for port in step.stream.main_outs:
            if (step, port) not in read:
                yield Finding(
                    "unread-output",
                    "warning",
                    path + step.name,
                    port,
                    f"nobody reads output {port!r} of step {path + step.name!r}: its items are "
                    "discarded",
                )


def _of_ports(path: str, workflow: Workflow) -> Iterator[Finding]:
    where = f"workflow {workflow.name!r}" if not path else f"step {path[:-1]!r}"
    flows = (*workflow.graph.leading(), *behind(_dead_ends(workflow)))
    read = {flow.name for flow in flows if isinstance(flow, WorkflowInput)}
    fed = {link.port for link in workflow.graph.links.values() if link.step is None}
    for port in tuple(workflow.ins):
        if port not in read:
            yield Finding(
                "unread-workflow-input",
                "warning",
                path[:-1],
                port,
                f"input {port!r} of {where} leads to no step inside",
            )
    for port in tuple(workflow.outs):
        if port not in fed:
            yield Finding(
                "unfed-workflow-output",
                "warning",
                path[:-1],
                port,
                f"nothing inside feeds output {port!r} of {where}",
            )


def _of_flows(path: str, workflow: Workflow) -> Iterator[Finding]:
    told: set[int] = set()
    for flow in workflow.graph.leading():
        for observable in flow.outside if isinstance(flow, ObservableFlow) else ():
            if id(observable) in told:
                continue
            told.add(id(observable))
            yield Finding(
                "outside-observable",
                "info",
                path[:-1],
                "",
                f"{flow.label()} of {', '.join(claim.label() for claim in flow.claims)} also "
                f"subscribes to {type(observable).__name__}, which has no back-pressure; let it "
                "enter by `flow(observable)`",
            )


def _of_dead_ends(path: str, workflow: Workflow) -> Iterator[Finding]:
    for flow in _dead_ends(workflow):
        ends = {end for each in behind([flow]) if (end := workflow.graph.end_of(each))}
        step, port = next(iter(ends)) if len(ends) == 1 else (None, "")
        yield Finding(
            "dead-end-flow",
            "warning",
            path + step.name if step else path[:-1],
            port,
            f"flow {flow.label()!r} leads nowhere: its items are discarded; lead it into a step, "
            "unless it is only read outside the workflow",
        )


def _of_rings(shape: Shape) -> Iterator[Finding]:
    for ring in shape.rings():
        yield Finding(
            "unmarked-ring",
            "error",
            shape.name(ring[0].source),
            ring[0].output,
            f"a ring without an edge marked as feedback: {shape.path_text(ring)}; if it is "
            "intended, make its last edge by `step.pipe(other, feedback=True)`",
        )


def _of_joins(shape: Shape) -> Iterator[Finding]:
    for join, one, other in shape.uneven_joins():
        name, fork = shape.name(join), shape.name(one[0].source)
        yield Finding(
            "uneven-join",
            "info",
            name,
            other[-1].input,
            f"step {name!r} joins two branches from {fork!r}, {shape.path_text(one)} and "
            f"{shape.path_text(other)}; where one needs more than "
            f"{shape.plan.steps[join].threshold} items before it delivers, the other fills up: "
            f"give {name!r} a larger threshold",
        )


def _of_nodes(plan: Plan) -> Iterator[Finding]:
    """Find operators that hold items outside the bound, each on the first edge that reads it."""
    seen: set[Node] = set()
    for edge in plan.edges:
        stack = [edge.source]
        while stack:
            node = stack.pop()
            if isinstance(node, Node) and node not in seen:
                seen.add(node)
                yield from (_held(plan, edge, node, *found) for found in _holding(node))
                stack.extend(reversed((*node.sources, *(stands for _, stands in node.claims))))


def _holding(node: Node) -> Iterator[tuple[str, Entry]]:
    """Yield what holds items in `node`: its name with its position, and its catalogue entry."""
    if node.observable is not None and (entry := holding_observable(node.observable)):
        yield entry.name, entry
    operators = [part for operator in node.operators for part in parts(operator)]
    for number, operator in enumerate(operators, 1):
        if entry := holding(operator):
            yield f"operator {number} of {len(operators)}, {describe(operator)},", entry


def _held(plan: Plan, edge: Edge, node: Node, what: str, entry: Entry) -> Finding:
    source: PortRef | Node | None = node
    while isinstance(source, Node):
        behind = (*source.sources, *(stands for _, stands in source.claims))
        source = behind[0] if behind else None
    origin = "nothing" if source is None else _named(plan, source, "ins")
    inside = edge.target.step != ENVIRONMENT
    return Finding(
        "holding-operator",
        "info",
        plan.steps[edge.target.step].path if inside else "",
        edge.target.port,
        f"on the edge {origin} -> {_named(plan, edge.target, 'outs')}, {what} holds "
        f"{entry.holds} outside the bound; use {entry.instead}",
    )


def _named(plan: Plan, port: PortRef, environment: str) -> str:
    path = environment if port.step == ENVIRONMENT else plan.steps[port.step].path
    return f"{path}.{port.port}"


def _outputs_read(workflow: Workflow) -> set[tuple[Step, str] | None]:
    flows = (*workflow.graph.leading(), *behind(_dead_ends(workflow)))
    return {workflow.graph.end_of(flow) for flow in flows}


def _dead_ends(workflow: Workflow) -> list[Flow]:
    """Return the outermost flows that lead nowhere, in the order in which they were made."""
    leading = {id(flow) for flow in workflow.graph.leading()}
    flows = [flow for flow in workflow.graph.flows if id(flow) not in leading]
    inner = {id(parent) for flow in flows for parent in flow.parents}
    return [flow for flow in flows if id(flow) not in inner]
