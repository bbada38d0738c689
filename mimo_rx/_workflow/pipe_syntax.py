"""The language of ``|``: which operands it takes, and what it does with them.

Both operands are checked before anything is changed. If an edge is refused midway, everything that
was added is taken back (:func:`all_or_nothing`). So each ``|`` is all or nothing.

Rules: L1, L2, L3, L5, L6, L7, L8, L11.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from reactivex import Observable

from .._blueprint.factory import refuse_uncalled
from .._blueprint.flow import Fan, Flow, Merged, behind, homes_of_sources
from .._blueprint.graph import homes_of
from .._blueprint.operand import Operand
from .._blueprint.port_names import main_output
from .._blueprint.provisional import all_or_nothing, meet, trying, undo_by
from .._blueprint.sources import SourceFlow, as_outside, kind_of
from .._blueprint.step import Port, Step, WorkflowOutput
from .._blueprint.stream import Stream
from .._callable import is_coroutine_function
from .._errors import WiringError
from .._rx.operators import describe, name_of
from .workflow import Workflow

__all__ = ["as_flow", "connect", "lead", "met", "wire"]


class Target(NamedTuple):
    """The target of a flow: a step, a stream to be added, or an output of the workflow."""

    operand: Step | Stream | WorkflowOutput
    port: str | None

    @property
    def workflow(self) -> Workflow | None:
        """The workflow that it belongs to; None for a stream to be added."""
        return None if isinstance(self.operand, Stream) else self.operand.workflow


def wire(left: Any, right: Any) -> Any:
    """Evaluate ``left | right``.

    Args:
        left: A step, port, flow or stream, a list of such, or a source from outside.
        right: An operator, a step, a port, a stream, an output of a workflow, or a list of such.

    Returns:
        A flow if `right` is an operator, else the step or output that was led into.

    Raises:
        WiringError: An operand cannot stand on its side; see the table of the language.
    """
    for side in (left, right):
        refuse_uncalled(side)
    _refuse_operand(right)
    with all_or_nothing(), _told(left):
        if isinstance(right, list):
            return Fan(lead(left, [_as_target(member) for member in _members(right)]))
        if isinstance(right, Operand):
            return lead(left, [_as_target(right)])[0]
        # A flow checks the operator itself: after `publish()` it cannot be read, but `ref_count()`
        # may follow.
        return (left if isinstance(left, Flow) else as_flow(left)).derive(right)


def as_flow(
    source: Any,
    *,
    ports: tuple[Flow, ...] = (),
    within: Workflow | None = None,
    **settings: Any,
) -> Flow:
    """Return the flow to read from the left side of ``|``.

    Args:
        source: The left operand.
        ports: Flows that it subscribes to in a way that cannot be seen.
        within: The workflow that a stream is to be a step of; None for the one that it stands in
            already, or a new one.
        **settings: The settings of a source from outside.

    Raises:
        WiringError: Nothing can be read from `source`.
    """
    refuse_uncalled(source)
    if isinstance(source, Flow):
        return source.readable()
    if isinstance(source, Stream):
        source.check_runnable()
        port = main_output(source, f"stream {source.name!r}")
        within = (met([source]) if within is None else within) or _provisional()
        return Port(within.graph.step_of(source), port)
    if isinstance(source, WorkflowOutput):
        raise WiringError(f"nothing can be read from {source!r}; it leads out of the workflow")
    if isinstance(source, list | tuple) and any(map(_is_operand, source)):
        within = within or met(source)
        return Merged([as_flow(each, within=within) for each in _fan_in(source)])
    if isinstance(source, str | bytes | bytearray):
        kind = type(source).__name__
        raise WiringError(
            f"a {kind} cannot be the source of '|', got {source!r}; write `[text]` for one item, "
            "`flow(text)` for its characters"
        )
    outside = as_outside(source, ports, **settings)
    if outside is None:
        raise WiringError(_unreadable(source))
    return outside


def lead(source: Any, targets: Sequence[Target], *, feedback: bool = False) -> list[Any]:
    """Lead `source` into each of `targets`, or into none.

    Args:
        source: What is read, as left of ``|``. The members of a merge are led one by one.
        targets: The targets to lead it into.
        feedback: Whether these edges close an intended ring.

    Returns:
        The value of ``|`` for each target: the target itself, or the step of a stream.

    Raises:
        WiringError: One of the edges cannot be made.
    """
    with all_or_nothing():
        if not isinstance(source, Stream | list | tuple):
            source = as_flow(source)
        operands = [target.operand for target in targets]
        workflow = met([source, *operands]) or _provisional()
        for operand in operands:
            if isinstance(operand, Stream):
                workflow.graph.step_of(operand)
        flow = as_flow(source, within=workflow)
        values = [_link(workflow, flow, target, feedback) for target in targets]
    if isinstance(flow, Merged):
        workflow.graph.forget(flow)
    for each in behind([flow]) if flow.workflow is None else ():
        if isinstance(each, SourceFlow):
            each.led_into(workflow)
    return values


def _link(workflow: Workflow, flow: Flow, target: Target, feedback: bool) -> Any:
    """Lead `flow` into `target`, and return the value of ``|`` for it."""
    step, value = None, target.operand
    if not isinstance(target.operand, WorkflowOutput):
        step = value = workflow.graph.step_of(target.operand)
    port = str(target.port) if step is None else step.input_name(target.port)
    for source in flow.parents if isinstance(flow, Merged) else (flow,):
        workflow.graph.link(source, step, port, feedback=feedback)
    return value


def met(operands: Iterable[Any]) -> Workflow | None:
    """Make one workflow of all that `operands` stand in, and return it; None if there is none.

    Raises:
        WiringError: They stand in two workflows that the program made.
    """
    workflows: list[Workflow] = []
    homes: list[Workflow] = []
    stack = [*operands][::-1]
    while stack:
        operand = stack.pop()
        if isinstance(operand, list | tuple):
            stack += [each for each in reversed(operand) if _is_operand(each)]
        elif isinstance(operand, Flow) and operand.workflow is None:
            homes += homes_of_sources([operand])
        elif isinstance(operand, Flow | WorkflowOutput) and operand.workflow is not None:
            workflows.append(operand.workflow)
        elif isinstance(operand, Stream):
            homes += homes_of(operand)
    return meet(workflows, homes)


@contextmanager
def _told(left: Any) -> Iterator[None]:
    """Spare the program a second word about the chain `left`, if its next ``|`` is refused."""
    try:
        yield
    except Exception:
        if isinstance(left, Flow) and left.workflow is not None:
            left.workflow.graph.used = True
        raise


def _provisional() -> Workflow:
    """Make the workflow of a chain that has none yet."""
    workflow = Workflow()
    graph = workflow.graph
    graph.provisional, graph.used = True, trying()
    undo_by(lambda: setattr(graph, "used", True))
    return workflow


def connect(source: Flow, target: Any, input: str | None, *, feedback: bool = False) -> Any:
    """Lead `source` into the input called `input` of `target`, for methods such as ``Step.pipe``.

    Args:
        source: The flow that is read.
        target: A step, a port, a stream to be added, or an output of the workflow.
        input: Name of the input; None for the only one, or where `target` names it.
        feedback: Whether the edge closes an intended ring.

    Returns:
        The step or output that was led into.

    Raises:
        WiringError: The edge cannot be made.
    """
    where = _as_target(target)
    if feedback and isinstance(where.operand, WorkflowOutput):
        raise WiringError(
            f"feedback=True of pipe is for an edge into a step, got {target!r}, which leads out of "
            "the workflow"
        )
    if input is not None:
        if where.port is not None:
            raise WiringError(f"pipe was given the input {input!r} beside {target!r}; name it once")
        where = where._replace(port=input)
    return lead(source, [where], feedback=feedback)[0]


def _as_target(operand: Any) -> Target:
    """Return the target that `operand` is."""
    refuse_uncalled(operand)
    if isinstance(operand, Port):
        return Target(operand.step, operand.step.input_name(operand.name))
    if isinstance(operand, Step | Stream):
        return Target(operand, None)
    if isinstance(operand, WorkflowOutput):
        return Target(operand, operand.name)
    if isinstance(operand, Flow):
        raise WiringError(
            f"nothing can be led into {operand!r}; leave out the parentheses: "
            "`a | operator | b` is read from the left"
        )
    if callable(operand):
        raise WiringError(
            f"a list right of '|' must hold steps, ports and streams, got {describe(operand)!r}; "
            "write an operator outside of it, `flow | operator | [step, step]`"
        )
    raise WiringError(f"nothing can be led into {operand!r}; it is no step, port or stream")


def _members(right: list[Any]) -> list[Any]:
    if not right:
        raise WiringError("the list right of '|' is empty; it must hold at least one step")
    return right


def _fan_in(sources: Sequence[Any]) -> Sequence[Any]:
    if isinstance(sources, tuple):
        raise WiringError(
            f"several steps left of '|' must be a list, got a tuple; write "
            f"`[{', '.join(_short(source) for source in sources)}]`"
        )
    for source in sources:
        refuse_uncalled(source)
        if not _is_operand(source):
            raise WiringError(
                "a list left of '|' must hold either steps, ports and flows, or the items of a "
                f"source, got a mixture with {source!r}; write `flow(...)` to merge steps and "
                "sources"
            )
    return sources


def _is_operand(value: Any) -> bool:
    return isinstance(value, Operand) or (isinstance(value, type) and issubclass(value, Stream))


def _short(source: Any) -> str:
    return str(getattr(source, "name", "..."))


def _refuse_operand(right: Any) -> None:
    """Refuse an object that can never be the right operand, with a hint at what was meant."""
    if isinstance(right, Operand | list) or callable(right):
        return
    if isinstance(right, tuple):
        raise WiringError("several steps right of '|' must be a list, got a tuple; write `[a, b]`")
    hint = ""
    if isinstance(right, Observable) or kind_of(right) is not None:
        hint = "; write a source to the left of '|'"
    raise WiringError(
        "the right side of '|' must be a step, a port, an operator or a list of steps, "
        f"got {right!r}{hint}"
    )


def _unreadable(source: Any) -> str:
    if is_coroutine_function(source):
        name = getattr(source, "__name__", "fn")
        return (
            f"the coroutine function {name!r} is no source; make a stream of it, "
            f"`Stream(outs=[...], fn={name})`"
        )
    if str(getattr(source, "__module__", "")).startswith("reactivex"):
        return (
            f"operator {describe(source)!r} needs something to its left, "
            f"`flow(items) | ops.{name_of(source)}(...)`"
        )
    text = f"nothing can be read from {source!r}; it is no step, flow, iterable or Observable"
    if callable(source) and not isinstance(source, functools.partial):
        name = getattr(source, "__name__", None)
        return f"{text}; did you mean `{name}()`" if name else text
    return text
