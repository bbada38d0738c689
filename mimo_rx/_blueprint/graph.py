"""The graph of one workflow: its steps and links, which are added together or not at all.

Rules: L10.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from .._errors import WiringError
from .factory import refuse_uncalled
from .flow import Flow, behind
from .nesting import nests
from .provisional import two_workflows, undo_by
from .restart import Restart
from .step import Port, Step, WorkflowInput
from .stream import Stream

if TYPE_CHECKING:
    from .nesting import Workflow

__all__ = ["Graph", "Link", "at_least", "checked_threshold", "homes_of"]


class Link(NamedTuple):
    """An edge of the blueprint: a flow led into an input."""

    source: Flow
    step: Step | None
    """The step that it leads into; None for an output of the workflow itself."""
    port: str
    feedback: bool = False
    """Whether it closes an intended ring (D6)."""


class Graph:
    """The steps and links of `workflow`; both tables only grow, at their ends.

    Args:
        workflow: The workflow.
    """

    provisional = False
    """Whether ``|`` made the workflow by itself; it may become part of another one."""
    used = False
    """Whether a provisional workflow was run, drawn, checked or copied."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self._aliases: list[Workflow] = []
        self.steps: dict[str, Step] = {}
        self.links: dict[Any, Link] = {}
        # Both can be made again from the steps. A refused `|` drops both, pickling the first.
        self._places: dict[int, list[Step]] | None = None
        self._numbers: dict[str, int] = {}
        # Weak references, since long-lived programs drop many flows. Not pickled.
        self._flows: WeakKeyDictionary[Flow, None] = WeakKeyDictionary()

    @property
    def size(self) -> int:
        """How much another graph would have to take over."""
        return len(self.steps) + len(self.links)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows of its outputs that the program still holds, except merges led somewhere."""
        return tuple(self._flows)

    def note(self, flow: Flow) -> None:
        """Remember `flow` for as long as the program holds it."""
        self._flows[flow] = None

    def forget(self, flow: Flow) -> None:
        """Forget a flow, such as a merge each of whose members is led on by itself."""
        self._flows.pop(flow, None)

    def add(
        self,
        stream: object,
        name: object = None,
        threshold: int | None = None,
        restart: Restart | None = None,
    ) -> Step:
        """Add a step; see :meth:`Workflow.add_stream`."""
        refuse_uncalled(stream)
        where = f"workflow {self.workflow.name!r}"
        if not isinstance(stream, Stream):
            raise WiringError(f"add_stream of {where} takes a stream, got {stream!r}")
        if name is not None and (not isinstance(name, str) or not name):
            raise WiringError(f"the name of a step must be a non-empty string, got {name!r}")
        stream.check_runnable()
        _check_restart(stream, restart)
        self._check_nesting(stream, threshold)
        step = Step(self.workflow, stream, name or stream.name, threshold, restart)
        undo_by(self._drop_tables)
        undo_by(lambda: self.steps.pop(step.name))
        self._place(step)
        if nests(stream):
            stream.graph.nested()
        return step

    def nested(self) -> None:
        """Make a provisional workflow the program's own, since the program has given it a place."""
        if self.provisional:
            undo_by(lambda: setattr(self, "provisional", True))
            self.provisional = False

    def join(self, other: Graph) -> None:
        """Take over the steps, links and flows of the provisional `other`.

        Raises:
            WiringError: This workflow is a step inside the other.
        """
        for step in other.steps.values():
            if nests(step.stream):
                self._check_nesting(step.stream, None)
        names = [(step, step.name) for step in other.steps.values()]
        links, steps, used = len(self.links), len(self.steps), self.used
        aliases, flows = [other.workflow, *other._aliases], other.flows

        def take_back() -> None:
            for _ in range(len(self.steps) - steps):
                self.steps.popitem()
            for _ in range(len(self.links) - links):
                self.links.popitem()
            for flow in flows:
                self.forget(flow)
            for step, name in names:
                step.rename(name)
                if step.by_pipe:
                    step.homes_of_stream.hold(other.workflow)
            del self._aliases[len(self._aliases) - len(aliases) :]
            for alias in aliases:
                alias.graph = other
            other.used, self.used = other_used, used
            self._drop_tables()

        other_used = other.used
        undo_by(take_back)
        for step, _ in names:
            self._place(step)
        self.links.update(other.links)
        for flow in flows:
            self.note(flow)
        self._aliases += aliases
        for alias in aliases:
            alias.graph = self
        self.used, other.used = used or other_used, True

    def _place(self, step: Step) -> None:
        step.rename(self._unique(step.wanted))
        if step.by_pipe:
            step.homes_of_stream.hold(self.workflow)
        self.steps[step.name] = step
        if self._places is not None:
            self._places.setdefault(id(step.stream), []).append(step)

    def _drop_tables(self) -> None:
        self._places = None
        self._numbers.clear()

    def step_of(self, place: Step | Stream) -> Step:
        """Return the step that `place` is or becomes: a stream is added at its first use.

        Raises:
            WiringError: `place` is a step of another workflow, or a stream with several steps.
        """
        if isinstance(place, Step):
            if place.workflow is not self.workflow:
                raise two_workflows(self.workflow, place.workflow)
            return place
        stream = place
        if self._places is None:
            self._places = {}
            for step in self.steps.values():
                self._places.setdefault(id(step.stream), []).append(step)
        steps = self._places.get(id(stream), [])
        if len(steps) > 1:
            names = " or ".join(repr(step.name) for step in steps)
            raise WiringError(
                f"stream {stream.name!r} is {len(steps)} steps of workflow {self.workflow.name!r}; "
                f"name one of its steps, {names}"
            )
        if steps:
            return steps[0]
        step = self.add(stream)
        step.by_pipe = True
        step.homes_of_stream.add(step)
        step.homes_of_stream.hold(self.workflow)
        return step

    def link(self, source: Flow, step: Step | None, port: str, *, feedback: bool = False) -> None:
        """Link `source` to an input of `step`, or to an output of the workflow.

        Args:
            source: The flow that is read.
            step: The step that it leads into; None for the workflow itself.
            port: Name of the input, or of the workflow's output.
            feedback: Whether the edge closes an intended ring.

        Raises:
            WiringError: There is already the same edge.
        """
        source = source.readable()
        key = (self._key(source), step, port)
        if key in self.links:
            target = f"{step.name}.{port}" if step else f"workflow output {port!r}"
            raise WiringError(
                f"{source.label()} already leads into {target} in workflow "
                f"{self.workflow.name!r}; the same edge cannot be made twice"
            )
        undo_by(lambda: self.links.pop(key))
        self.links[key] = Link(source, step, port, feedback)

    def end_of(self, flow: Flow) -> tuple[Step, str] | None:
        """Return the step and output that `flow` stands for; None if it is no output of a step."""
        return (flow.step, flow.name) if isinstance(flow, Port) else None

    def leading(self) -> Iterator[Flow]:
        """Yield every flow that leads somewhere, and the flows it is made from, each once."""
        return behind(link.source for link in self.links.values())

    def is_connected(self, flow: Flow) -> bool:
        """Tell whether `flow`, or any output of a step, leads somewhere."""
        if isinstance(flow, Step):
            ends = {(flow, port) for port in flow.outs}
            return any(self.end_of(each) in ends for each in self.leading())
        if isinstance(flow, Port):
            end = self.end_of(flow)
            return any(self.end_of(each) == end for each in self.leading())
        if isinstance(flow, WorkflowInput):  # each use makes a new object
            inputs = (each for each in self.leading() if isinstance(each, WorkflowInput))
            return any(each.name == flow.name for each in inputs)
        return any(each is flow for each in self.leading())

    def _key(self, source: Flow) -> Any:
        """Return the key that tells direct edges apart; any other flow is its own key."""
        end = self.end_of(source)
        if end is not None:
            return end
        return source.name if isinstance(source, WorkflowInput) else source

    def _unique(self, wanted: str) -> str:
        base = wanted.replace("/", "-")
        name, number = base, self._numbers.get(base, 1)
        while name in self.steps or (number > 1 and name == base):
            number += 1
            name = f"{base}-{number}"
        self._numbers[base] = number
        return name

    def _check_nesting(self, nested: Stream, threshold: int | None) -> None:
        if not nests(nested):
            return
        if threshold is not None:
            raise WiringError(
                f"workflow {nested.name!r} has no buffers of its own, got threshold={threshold!r}; "
                "give the threshold when it is made"
            )
        seen: set[int] = set()
        stack = [nested]
        while stack:
            workflow = stack.pop()
            if workflow.graph is self:
                raise WiringError(
                    f"workflow {workflow.name!r} cannot be a step inside itself"
                    + ("" if nested is workflow else f"; {nested.name!r} contains it")
                )
            if id(workflow) not in seen:
                seen.add(id(workflow))
                inner = [step.stream for step in workflow.graph.steps.values()]
                stack += [each for each in inner if nests(each)]

    def __del__(self) -> None:
        if self.provisional and not self.used and self.steps:
            names = ", ".join(map(repr, [*self.steps][:10]))
            names += f" and {len(self.steps) - 10} more" if len(self.steps) > 10 else ""
            warnings.warn(
                f"steps that were connected by '|' were dropped without a run: {names}; write "
                "`step.workflow.start()`, or lead them into a workflow that runs",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )

    def __getstate__(self) -> dict[str, Any]:
        self.used = True
        return {**self.__dict__, "_places": None, "_flows": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._flows = WeakKeyDictionary()


def homes_of(stream: Stream) -> list[Workflow]:
    """Return the workflows that a ``|`` made `stream` a step of and that are still there.

    What ``add_stream`` makes is a step of its own: other uses of the stream do not mean it.
    """
    steps = [] if stream._homes is None else stream._homes.values()
    standing = [step for step in steps if step.by_pipe and step.stream is stream and step.stands()]
    return [step.workflow for step in standing]


def _check_restart(stream: Stream, restart: object) -> None:
    if restart is None:
        return
    if not isinstance(restart, Restart):
        hint = "; write restart=Restart()" if restart is True or restart is Restart else ""
        raise WiringError(
            f"restart of stream {stream.name!r} must be a Restart or None, got {restart!r}{hint}"
        )
    if stream._nests:
        raise WiringError(
            f"workflow {stream.name!r} cannot be started again by itself, since its steps run as "
            f"steps of the workflow around it, got restart={restart!r}; give restart to those "
            "steps that may fail"
        )


def at_least(least: int, what: str, number: object) -> int:
    """Return `number` if it is an integer of at least `least`.

    Raises:
        ValueError: It is not.
    """
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise ValueError(f"{what} must be an integer of at least {least}, got {number!r}")
    return number


def checked_threshold(number: object) -> int:
    """Return `number` if it can be a threshold.

    Raises:
        ValueError: It is no integer, or is out of its range.
    """
    threshold = at_least(1, "threshold", number)
    if threshold > sys.maxsize:  # no list is longer, and no counter counts further
        raise ValueError(
            f"threshold must be an integer of at least 1 and at most {sys.maxsize}, got {number!r}"
        )
    return threshold
