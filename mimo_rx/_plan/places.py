"""Frames: the places of workflows in a plan, and the steps laid out in each.

A workflow that is nested twice has two frames. Its flows mean something different in each.

Rules: E5.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .._blueprint.graph import Link
from .._blueprint.nesting import nests
from .._blueprint.sources import SourceStream
from .._blueprint.step import Step
from .plan import PlannedStep

if TYPE_CHECKING:
    from .._blueprint.nesting import Workflow

__all__ = ["Frame", "Layout"]


@dataclass(slots=True, eq=False)
class Frame:
    """One place of a workflow in a plan."""

    workflow: Workflow
    links: tuple[Link, ...]
    path: str
    """Prefix of the names of its steps, such as ``outer/inner/``."""
    parent: Frame | None = None
    step: Step | None = None
    """The step of `parent` that this frame lays out."""
    children: dict[Step, Frame] = field(default_factory=dict)
    numbers: dict[Step, int] = field(default_factory=dict)
    """The number in the plan of each step that runs."""
    feeds: dict[tuple[Step | None, str], list[Link]] = field(default_factory=dict)
    """The links into each input of its steps and, under None, into its own outputs."""
    names: set[str] = field(default_factory=set)
    numbered: dict[str, int] = field(default_factory=dict)
    """The last number that was added to each name to make it unique."""
    sources: dict[int, int] = field(default_factory=dict)
    """The number in the plan of each outside source, by the id of its stream."""

    def unique(self, wanted: str) -> str:
        """Return `wanted`, with a number if a step here already has that name."""
        base = wanted.replace("/", "-")
        number = self.numbered.get(base, 1)
        name = base if number == 1 else f"{base}-{number}"
        while name in self.names:
            number += 1
            name = f"{base}-{number}"
        self.numbered[base] = number
        self.names.add(name)
        return name


class Layout:
    """The frames of a plan and the streams that run in them, numbered.

    Args:
        workflow: The workflow to lay out.
    """

    def __init__(self, workflow: Workflow) -> None:
        self.frames: list[Frame] = []
        self._steps: list[PlannedStep] = []
        self._seeds: list[dict[str, tuple[Any, ...]]] = []
        root = self._frame(workflow)
        pending = [(root, iter([*workflow.steps.values()]))]
        while pending:
            frame, steps = pending[-1]
            step = next(steps, None)
            if step is None:
                pending.pop()
            elif nests(step.stream):
                inner = self._frame(step.stream, frame, step)
                pending.append((inner, iter([*step.stream.steps.values()])))
            else:
                path = frame.path + step.name
                limit = step.workflow.growth_limit
                planned = PlannedStep(
                    path, step.stream, step.threshold, growth_limit=limit, restart=step.restart
                )
                frame.numbers[step] = self._add(planned, step.seeds)

    @property
    def root(self) -> Frame:
        """The frame of the workflow that is run."""
        return self.frames[0]

    @property
    def steps(self) -> tuple[PlannedStep, ...]:
        """The steps that run, in the order of their numbers."""
        return tuple(
            replace(step, seeds=seeds) for step, seeds in zip(self._steps, self._seeds, strict=True)
        )

    def source(self, frame: Frame, stream: SourceStream) -> int:
        """Return the number of an outside source, which runs once in each frame."""
        number = frame.sources.get(id(stream))
        if number is None:
            path = frame.path + frame.unique(stream.name)
            planned = PlannedStep(path, stream, frame.workflow.threshold, feeds_only=True)
            number = frame.sources[id(stream)] = self._add(planned, {})
        return number

    def seed(self, number: int, port: str, items: tuple[Any, ...]) -> None:
        """Let `items` wait in an input from the start, after the seeds that it already has."""
        seeds = self._seeds[number]
        seeds[port] = (*seeds.get(port, ()), *items)

    def _add(self, planned: PlannedStep, seeds: dict[str, tuple[Any, ...]]) -> int:
        self._steps.append(planned)
        self._seeds.append(seeds)
        return len(self._steps) - 1

    def _frame(
        self, workflow: Workflow, parent: Frame | None = None, step: Step | None = None
    ) -> Frame:
        links = tuple(workflow.graph.links.values())
        path = "" if parent is None or step is None else f"{parent.path}{step.name}/"
        frame = Frame(workflow, links, path, parent, step, names=set(workflow.steps))
        for link in links:
            frame.feeds.setdefault((link.step, link.port), []).append(link)
        if parent is not None and step is not None:
            parent.children[step] = frame
        self.frames.append(frame)
        return frame
