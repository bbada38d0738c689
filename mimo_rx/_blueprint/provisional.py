"""Provisional workflows: those that ``|`` makes by itself, until they meet another one.

A program may wire streams before it has a workflow for them. ``|`` then makes one. Where it meets
another workflow, it becomes part of that one (:meth:`Graph.join`). Its steps and flows stay the
same objects: each asks its workflow for the graph, and the graph knows the workflow of all.

Rules: L8a.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import local
from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from .._errors import WiringError

if TYPE_CHECKING:
    from .nesting import Workflow

__all__ = ["Homes", "all_or_nothing", "meet", "on_trial", "trying", "two_workflows", "undo_by"]


class _Change(local):
    """What the ``|`` of this thread has changed so far."""

    undo: list[Callable[[], object]] | None = None
    trials = 0


_CHANGE = _Change()


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Take back what the block changed in any workflow, if it fails."""
    outer = _CHANGE.undo
    undo = _CHANGE.undo = [] if outer is None else outer
    mark = len(undo)
    try:
        yield
    except BaseException:
        while len(undo) > mark:
            undo.pop()()
        raise
    finally:
        _CHANGE.undo = outer


def undo_by(undo: Callable[[], object]) -> None:
    """Say how to take back a change of a workflow; see :func:`all_or_nothing`."""
    if _CHANGE.undo is not None:
        _CHANGE.undo.append(undo)


@contextmanager
def on_trial() -> Iterator[None]:
    """Mark a block that calls a user's operator only to see what it returns."""
    _CHANGE.trials += 1
    try:
        yield
    finally:
        _CHANGE.trials -= 1


def trying() -> bool:
    """Tell whether what is made now is made by an operator on trial, and is dropped."""
    return _CHANGE.trials > 0


class Homes:
    """The steps or workflows of a stream or source, as long as the program holds them.

    A copy has none. It is small, since the program has one for each stream.
    """

    __slots__ = ("_homes", "held")

    def __init__(self) -> None:
        self._homes: tuple[ReferenceType[Any], ...] = ()
        self.held: Workflow | None = None
        """The provisional one, which whoever holds the stream or source holds too."""

    def add(self, home: object) -> None:
        """Note one more."""
        if not any(known is home for known in self.values()):
            self._homes = (*(known for known in self._homes if known() is not None), ref(home))

    def values(self) -> list[Any]:
        """Return those that the program still holds."""
        return [home for known in self._homes if (home := known()) is not None]

    def hold(self, workflow: Workflow) -> None:
        """Keep `workflow` alive while it is provisional: a later ``|`` may still join it."""
        self.held = workflow if workflow.graph.provisional else None

    def __reduce__(self) -> tuple[Any, ...]:
        return (Homes, ())


def meet(workflows: Iterable[Workflow], homes: Iterable[Workflow] = ()) -> Workflow | None:
    """Make one workflow of those that meet, and return it; None if there is none.

    Args:
        workflows: The workflows of the steps and flows that meet.
        homes: Workflows that streams or sources without a workflow of their own already stand in.
            Provisional ones join. One that the program made is chosen where it is the only one.

    Raises:
        WiringError: Two of `workflows` were made by the program, or one is inside another.
    """
    found = _unique(workflows)
    own = [each for each in found if not each.graph.provisional]
    if len(own) > 1:
        raise two_workflows(*own[:2])
    further = _unique(homes)
    if not own:
        own = [each for each in further if not each.graph.provisional]
        own = own if len(own) == 1 else []
    found = _unique([*own, *found, *(each for each in further if each.graph.provisional)])
    if not found:
        return None
    kept = own[0] if own else _larger(found)
    with all_or_nothing():
        for each in found:
            if each is not kept:
                kept.graph.join(each.graph)
    return kept


def _larger(found: list[Workflow]) -> Workflow:
    """Return the one that takes the others in: the first, so that steps stand as written.

    Many joins must stay cheap, so a large one that meets a small one is not moved.
    """
    largest = max(found, key=lambda each: each.graph.size)
    return largest if largest.graph.size > 8 * (found[0].graph.size + 8) else found[0]


def two_workflows(one: Workflow, other: Workflow) -> WiringError:
    """Return the error of a chain that lies in two workflows."""
    return WiringError(
        f"a chain must lie in one workflow, got steps of {one.name!r} and {other.name!r}; nest one "
        "workflow in the other to connect them"
    )


def _unique(workflows: Iterable[Workflow]) -> list[Workflow]:
    found = (each.graph.workflow for each in workflows)
    return list({id(each): each for each in found}.values())
