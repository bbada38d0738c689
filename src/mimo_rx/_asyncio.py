"""The default engine: runs blueprints on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any

from reactivex import abc
from reactivex.internal.exceptions import SequenceContainsNoElementsError
from reactivex.scheduler import CurrentThreadScheduler

from ._blocking import refuse_rx_run, run_blocking
from ._bridge import SUBSCRIBING, NodeRun
from ._engine import register_engine
from ._errors import LateSubscription
from ._flatten import READ, flatten, flatten_flow
from ._flow import Flow
from ._head import Unwound
from ._open import OpenFlow, OpenRun
from ._port import Input
from ._run import Run
from ._runtime import PROCESS
from ._scheduler import RunScheduler
from ._statistics import Statistics
from ._workflow import Workflow

__all__ = ["AsyncioEngine"]

SHUTDOWN_TIMEOUT = 5.0
_NOTHING: Any = object()
_TASKS: set[asyncio.Task[None]] = set()
"""Runs that somebody subscribed to: a loop alone would let go of them."""


class AsyncioEngine:
    """Runs blueprints on asyncio, in the running loop or in one of its own."""

    def start(self, workflow: Workflow, *, shutdown_timeout: float) -> Statistics:
        """Run `workflow` to its end and block meanwhile."""
        return run_blocking(
            lambda: self.run(workflow, shutdown_timeout=shutdown_timeout),
            f"start() of workflow {workflow.name!r}",
            "write `await workflow.run()`",
        )

    async def run(self, workflow: Workflow, *, shutdown_timeout: float) -> Statistics:
        """Run `workflow` to its end in the running loop."""
        run = Run(
            flatten(workflow), shutdown_timeout=shutdown_timeout, workflows=_workflows(workflow)
        )
        run.start()
        await run.join()
        return run.statistics()

    def open(
        self, workflow: Workflow, *, shutdown_timeout: float
    ) -> AbstractAsyncContextManager[Any]:
        """Return the context manager whose value is a run to work with."""
        return _Lazy(
            lambda: OpenRun(
                Run(
                    flatten(workflow),
                    shutdown_timeout=shutdown_timeout,
                    attended=True,
                    workflows=_workflows(workflow),
                )
            )
        )

    def open_flow(self, flow: Flow) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Return the context manager whose value iterates over the items of `flow`."""
        return _Lazy(lambda: OpenFlow(_run_of(flow)))

    async def iterate(self, flow: Flow) -> AsyncIterator[Any]:
        """Iterate over the items of `flow`; ``aclose()`` ends its run."""
        async with _Reading(flow) as items:
            async for item in items:
                yield item

    async def last(self, flow: Flow) -> Any:
        """Run `flow` in the running loop and return its last item."""
        last = _NOTHING
        async with _Reading(flow) as items:
            async for chunk in items.chunks():
                last = chunk[-1]
        if last is _NOTHING:
            raise SequenceContainsNoElementsError
        return last

    def run_flow(self, flow: Flow) -> Any:
        """Run `flow`, block meanwhile, and return its last item."""
        return run_blocking(lambda: self.last(flow), "run() of a flow", "write `await flow`")

    def subscribe(
        self,
        flow: Flow,
        observer: abc.ObserverBase[Any],
        scheduler: abc.SchedulerBase | None,
        *,
        handles_errors: bool,
    ) -> abc.DisposableBase:
        """Subscribe `observer`: inside a run to what it claimed, outside in a run of its own."""
        node = scheduler.node if isinstance(scheduler, RunScheduler) else SUBSCRIBING.get()
        if node is None:
            return self._subscribe_outside(flow, observer, scheduler)
        return _subscribe_inside(node, flow, observer)

    def _subscribe_outside(
        self, flow: Flow, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None
    ) -> abc.DisposableBase:
        process = PROCESS.get()
        if process is not None and id(flow.workflow) in process.run.workflows:
            raise _late(flow)
        subscription = _Subscription(flow, observer)
        loop = asyncio._get_running_loop()
        if loop is not None:
            subscription.begin(loop)
            return subscription
        refuse_rx_run(scheduler)
        here = CurrentThreadScheduler.singleton()
        if here.schedule_required():
            subscription.block()
        else:
            # As RxPY's own sources do: the caller gets hold of what disposes this first.
            here.schedule(lambda *_: subscription.block())
        return subscription


class _Subscription(abc.DisposableBase):
    """A flow that is subscribed to outside a run, and the run that it has (R10)."""

    def __init__(self, flow: Flow, observer: abc.ObserverBase[Any]) -> None:
        self._flow = flow
        self._observer = observer
        self._disposed = False
        self._task: asyncio.Task[None] | None = None

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run as a task of the running loop."""
        task = self._task = loop.create_task(self._deliver(), name="mimo_rx subscription")
        _TASKS.add(task)
        task.add_done_callback(self._report)

    def block(self) -> None:
        """Run to the end, here and now."""
        if self._disposed:
            return

        async def main() -> None:
            self._task = asyncio.current_task()
            await self._deliver()
            # What subscribed to other flows meanwhile, as ``concat`` does, runs on this loop too.
            while followers := [
                each for each in _TASKS if each.get_loop() is asyncio.get_running_loop()
            ]:
                await asyncio.wait(followers)

        try:
            run_blocking(main, "subscribe() of a flow", "await it")
        except asyncio.CancelledError:
            if not self._disposed:
                raise

    def dispose(self) -> None:
        """Cancel the run; its clean-up goes on in its task."""
        if not self._disposed:
            self._disposed = True
            if self._task is not None:
                self._task.cancel()

    async def _deliver(self) -> None:
        try:
            async with _Reading(self._flow) as items:
                async for item in items:
                    if self._disposed:
                        break
                    self._observer.on_next(item)
        except Exception as error:
            if self._disposed:
                raise
            self._disposed = True
            self._observer.on_error(error)
        else:
            if not self._disposed:
                self._disposed = True
                self._observer.on_completed()

    def _report(self, task: asyncio.Task[None]) -> None:
        _TASKS.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            task.get_loop().call_exception_handler(
                {
                    "message": f"subscription to {self._flow!r} failed, and nobody handles it",
                    "exception": error,
                    "task": task,
                }
            )


class _Reading:
    """The run of a flow that is read to its end, or given up.

    Unlike ``open()`` it never cancels its block: a failure shows where the next item is read.
    """

    def __init__(self, flow: Flow) -> None:
        self._run = _run_of(flow)

    async def __aenter__(self) -> Input[Any]:
        self._run.start()
        return self._run.environment.ins[READ]

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        run = self._run
        if error is None:
            run.environment.leave()
        else:
            run.stop()
        await run.join()


class _Lazy(AbstractAsyncContextManager[Any]):
    """A context manager that is made when it is entered, where a loop runs."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self._made: Any = None

    async def __aenter__(self) -> Any:
        """Make and enter it."""
        if self._made is not None:
            raise RuntimeError("open() makes one run; call it again for another")
        self._made = self._make()
        return await self._made.__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        """Leave it."""
        return await self._made.__aexit__(*error)


def _run_of(flow: Flow) -> Run:
    workflow = flow.workflow
    return Run(
        flatten_flow(flow),
        shutdown_timeout=SHUTDOWN_TIMEOUT,
        attended=True,
        workflows=frozenset() if workflow is None else _workflows(workflow),
    )


def _workflows(workflow: Workflow) -> frozenset[int]:
    """Return the ids of `workflow` and all that are nested in it."""
    found: set[int] = set()
    pending = [workflow]
    while pending:
        each = pending.pop()
        if id(each) not in found:
            found.add(id(each))
            pending += [s.stream for s in each.steps.values() if isinstance(s.stream, Workflow)]
    return frozenset(found)


def _subscribe_inside(
    node: NodeRun, flow: Flow, observer: abc.ObserverBase[Any]
) -> abc.DisposableBase:
    head = node.claim(flow)
    if head is None:
        raise Unwound(_late(flow))
    return head.subscribe(observer)


def _late(flow: Flow) -> LateSubscription:
    return LateSubscription(
        f"{flow!r} was subscribed to in a run of its workflow that did not know of it, so that "
        "items may have passed; name it at the entry, flow(observable, ports=[...])"
    )


register_engine(AsyncioEngine())
