"""What looks wrong in a blueprint, told without running anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ._flow import BareFlow, Flow, ObservableFlow
from ._step import Port, Step, WorkflowInput
from ._workflow import Workflow

__all__ = ["Finding", "Severity", "check", "is_connected"]

Severity: TypeAlias = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a blueprint that may not be what was meant."""

    code: str
    """What kind of finding it is, such as ``"unfed-input"``."""
    severity: Severity
    """How likely it is a mistake."""
    step: str
    """Path of the step, ``outer/inner/parse``; empty for the workflow itself."""
    port: str
    """Name of the port; empty where none is meant."""
    message: str
    """What was found, in words."""


def check(workflow: Workflow) -> tuple[Finding, ...]:
    """Look for what a run of `workflow` would silently accept.

    Args:
        workflow: The blueprint; nested workflows are looked into.

    Returns:
        The findings: inputs that nothing feeds (``unfed-input``), main outputs that nobody reads
        (``unread-output``), ports of a workflow that lead nowhere inside (``unread-workflow-input``
        and ``unfed-workflow-output``), and Observables from outside that deliver into a combinator
        without an entry of their own (``outside-observable``).

    Example:
        >>> from mimo_rx import Stream, Workflow
        >>> async def parse(ins, outs, state):
        ...     pass
        >>> workflow = Workflow()
        >>> step = workflow.add_stream(Stream(["text"], fn=parse))
        >>> [finding.message for finding in workflow.check()]
        ["nothing feeds input 'text' of step 'parse': it is closed from the start"]
    """
    findings: list[Finding] = []
    pending = [("", workflow)]
    while pending:
        path, inner = pending.pop(0)
        findings += _of_steps(path, inner)
        findings += _of_ports(path, inner)
        findings += _of_flows(path, inner)
        pending += [
            (f"{path}{step.name}/", step.stream)
            for step in inner.steps.values()
            if isinstance(step.stream, Workflow)
        ]
    return tuple(findings)


def is_connected(flow: Flow) -> bool:
    """Tell whether `flow`, or any output of a step, leads somewhere in its workflow."""
    workflow = flow.workflow
    if workflow is None:
        return False
    read = _outputs_read(workflow)
    if isinstance(flow, Step):
        return any((flow, port) in read for port in flow.outs)
    if isinstance(flow, Port):
        return (flow.step, flow.name) in read
    return any(each is flow or _same_input(each, flow) for each in _flows(workflow))


def _same_input(one: Flow, other: Flow) -> bool:
    """Tell whether both are the same input of the workflow, which is made anew at each use."""
    return (
        isinstance(one, WorkflowInput)
        and isinstance(other, WorkflowInput)
        and one.name == other.name
    )


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
    read = {flow.name for flow in _flows(workflow) if isinstance(flow, WorkflowInput)}
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
    for flow in _flows(workflow):
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


def _outputs_read(workflow: Workflow) -> set[tuple[Step | None, str]]:
    read: set[tuple[Step | None, str]] = set()
    for flow in _flows(workflow):
        if isinstance(flow, Port):
            read.add((flow.step, flow.name))
        elif isinstance(flow, BareFlow):
            read.add((workflow.graph.bound_step(flow), flow.port))
    return read


def _flows(workflow: Workflow) -> Iterator[Flow]:
    """Yield every flow that leads somewhere, and those that it is made from, each once."""
    seen: set[int] = set()
    stack = [link.source for link in reversed(workflow.graph.links.values())]
    while stack:
        flow = stack.pop().readable()
        if id(flow) not in seen:
            seen.add(id(flow))
            yield flow
            stack.extend(reversed(flow.parents))
