"""The graph of one workflow: its steps and links, which are added together or not at all.

Rules: L10.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from .._errors import WiringError
from .factory import refuse_uncalled
from .flow import BareFlow, Flow, two_workflows
from .nesting import nests
from .restart import Restart
from .step import Port, Step, WorkflowInput
from .stream import Stream

if TYPE_CHECKING:
    from .nesting import Workflow

__all__ = ["Graph", "Link", "at_least", "behind", "checked_threshold"]


class Link(NamedTuple):
    """An edge of the blueprint: a flow led into an input."""

    source: Flow
    step: Step | None
    """The step that it leads into; None for an output of the workflow itself."""
    port: str
    feedback: bool = False
    """Whether it closes an intended ring (D6)."""


class Graph:
    """The steps and links of `workflow`; both tables only grow, at their ends."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.steps: dict[str, Step] = {}
        self.links: dict[Any, Link] = {}
        self._bound: dict[BareFlow, Step] = {}
        # Both can be made again from the steps. A refused `|` drops both, pickling the first.
        self._places: dict[int, list[Step]] | None = None
        self._numbers: dict[str, int] = {}
        # Weak references, since long-lived programs drop many flows. Not pickled.
        self._flows: WeakKeyDictionary[Flow, int] = WeakKeyDictionary()
        self._noted = 0

    @property
    def flows(self) -> tuple[Flow, ...]:
        """The flows of its outputs that the program still holds, except merges led somewhere."""
        return tuple(self._flows)

    def note(self, flow: Flow) -> None:
        """Remember `flow` for as long as the program holds it."""
        self._flows[flow] = self._noted = self._noted + 1

    def forget(self, flow: Flow) -> None:
        """Forget a merge: each of its members is led on by itself."""
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
        bound = self.workflow.threshold if threshold is None else threshold
        step = Step(self.workflow, stream, self._unique(name or stream.name), bound, restart)
        self.steps[step.name] = step
        if self._places is not None:
            self._places.setdefault(id(stream), []).append(step)
        return step

    def step_of(self, place: Step | Stream) -> Step:
        """Return the step that `place` is or becomes: a stream is added at its first use.

        Raises:
            WiringError: `place` is a step of another workflow, or a stream with several steps.
        """
        if isinstance(place, Step):
            if place.workflow is not self.workflow:
                raise two_workflows(self.workflow, place.workflow)
            return place
        known = self.known_step(place)
        return self.add(place) if known is None else known

    def known_step(self, stream: Stream) -> Step | None:
        """Return the one step of `stream`; None if there is none.

        Raises:
            WiringError: There are several.
        """
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
        return steps[0] if steps else None

    def bound_step(self, bare: BareFlow) -> Step | None:
        """Return the step that the stream of `bare` has become since; None if it is no step yet."""
        return self._bound.get(bare) or self.known_step(bare.stream)

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
        for bare in source.bare:
            if bare not in self._bound:
                self._bound[bare] = self.step_of(bare.stream)
        key = (self._key(source), step, port)
        if key in self.links:
            target = f"{step.name}.{port}" if step else f"workflow output {port!r}"
            raise WiringError(
                f"{source.label()} already leads into {target} in workflow "
                f"{self.workflow.name!r}; the same edge cannot be made twice"
            )
        self.links[key] = Link(source, step, port, feedback)

    def end_of(self, flow: Flow) -> tuple[Step, str] | None:
        """Return the step and output that `flow` stands for; None if it is no output of a step."""
        if isinstance(flow, Port):
            return flow.step, flow.name
        if isinstance(flow, BareFlow) and (step := self.bound_step(flow)):
            return step, flow.port
        return None

    def leading(self) -> Iterator[Flow]:
        """Yield every flow that leads somewhere, and the flows it is made from, each once."""
        return behind(link.source for link in self.links.values())

    def is_connected(self, flow: Flow) -> bool:
        """Tell whether `flow`, or any output of a step, leads somewhere."""
        if isinstance(flow, Step):
            ends = {(flow, port) for port in flow.outs}
            return any(self.end_of(each) in ends for each in self.leading())
        if isinstance(flow, Port | BareFlow):
            end = self.end_of(flow)
            return end is not None and any(self.end_of(each) == end for each in self.leading())
        if isinstance(flow, WorkflowInput):  # each use makes a new object
            inputs = (each for each in self.leading() if isinstance(each, WorkflowInput))
            return any(each.name == flow.name for each in inputs)
        return any(each is flow for each in self.leading())

    @contextmanager
    def atomically(self) -> Iterator[None]:
        """Take back what the block added, if it fails."""
        tables: tuple[dict[Any, Any], ...] = (self.steps, self.links, self._bound)
        sizes = [len(table) for table in tables]
        noted = self._noted
        try:
            yield
        except BaseException:
            for table, size in zip(tables, sizes, strict=True):
                while len(table) > size:
                    table.popitem()
            self._places = None
            self._numbers.clear()
            for flow, number in [*self._flows.items()] if self._noted > noted else ():
                if number > noted:
                    self._flows.pop(flow, None)
            raise

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
            if workflow is self.workflow:
                raise WiringError(
                    f"workflow {workflow.name!r} cannot be a step inside itself"
                    + ("" if nested is workflow else f"; {nested.name!r} contains it")
                )
            if id(workflow) not in seen:
                seen.add(id(workflow))
                inner = [step.stream for step in workflow.graph.steps.values()]
                stack += [each for each in inner if nests(each)]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_places": None, "_flows": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._flows = WeakKeyDictionary()


def behind(flows: Iterable[Flow]) -> Iterator[Flow]:
    """Yield `flows` and the flows they are made from, each once."""
    seen: set[int] = set()
    stack = [*flows][::-1]
    while stack:
        flow = stack.pop()
        if id(flow) not in seen:
            seen.add(id(flow))
            yield flow
            stack.extend(reversed(flow.parents))


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
