"""The protocol of the engine that runs a blueprint.

``start``, ``run``, ``open`` and ``subscribe`` of the blueprint know no event loop. They ask for an
engine by its name (see :mod:`mimo_rx._late`). The default engine runs on asyncio.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

from .._late import ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reactivex import abc

    from .._statistics import Statistics
    from .nesting import Workflow

__all__ = ["Engine", "engine"]


class Engine(Protocol):
    """Runs blueprints."""

    def start(
        self, workflow: Workflow, *, threshold: int | None, shutdown_timeout: float
    ) -> Statistics:
        """Run `workflow` to its end and block meanwhile."""

    async def run(
        self, workflow: Workflow, *, threshold: int | None, shutdown_timeout: float
    ) -> Statistics:
        """Run `workflow` to its end in the running loop."""

    def open(
        self, workflow: Workflow, *, threshold: int | None, shutdown_timeout: float
    ) -> AbstractAsyncContextManager[Any]:
        """Return the context manager whose value is a run to work with."""

    def open_flow(self, flow: Any) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Return the context manager whose value iterates over the items of `flow`."""

    def iterate(self, flow: Any) -> AsyncIterator[Any]:
        """Iterate over the items of `flow`; ``aclose()`` ends its run."""

    async def last(self, flow: Any) -> Any:
        """Run `flow` in the running loop and return its last item."""

    def run_flow(self, flow: Any) -> Any:
        """Run `flow`, block meanwhile, and return its last item."""

    def subscribe(
        self,
        flow: Any,
        observer: abc.ObserverBase[Any],
        scheduler: abc.SchedulerBase | None,
    ) -> abc.DisposableBase:
        """Subscribe `observer` to `flow`: in a run to what the run claimed, else in a new run."""


def engine() -> Engine:
    """Return the engine that runs blueprints."""
    found: Engine = ask("engine")
    return found
