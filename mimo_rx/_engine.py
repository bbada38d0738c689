"""What a blueprint asks of the engine that runs it.

``start``, ``run``, ``open`` and ``subscribe`` of the blueprint know no event loop: they ask the
engine that registered itself here. The default one (:mod:`mimo_rx._asyncio`) runs on asyncio; it is
called in by its name when the first blueprint is run, if no other one has registered by then.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from reactivex import abc

from ._statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ._flow import Flow
    from ._workflow import Workflow

__all__ = ["Engine", "engine", "register_engine"]


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

    def open_flow(self, flow: Flow) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Return the context manager whose value iterates over the items of `flow`."""

    def iterate(self, flow: Flow) -> AsyncIterator[Any]:
        """Iterate over the items of `flow`; ``aclose()`` ends its run."""

    async def last(self, flow: Flow) -> Any:
        """Run `flow` in the running loop and return its last item."""

    def run_flow(self, flow: Flow) -> Any:
        """Run `flow`, block meanwhile, and return its last item."""

    def subscribe(
        self,
        flow: Flow,
        observer: abc.ObserverBase[Any],
        scheduler: abc.SchedulerBase | None,
    ) -> abc.DisposableBase:
        """Subscribe `observer`: inside a run to what it claimed, outside in a run of its own."""


_engine: Engine | None = None


def register_engine(engine: Engine) -> None:
    """Make `engine` the one that blueprints ask."""
    global _engine
    _engine = engine


def engine() -> Engine:
    """Return the registered engine, the default one if there is no other."""
    if _engine is None:
        import_module("._asyncio", __package__)
        assert _engine is not None, "the default engine registers itself"
    return _engine
