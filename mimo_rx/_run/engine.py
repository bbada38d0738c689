"""The default engine: runs blueprints on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from types import TracebackType
from typing import Any

import reactivex
from reactivex import Observable, abc
from reactivex.disposable import Disposable
from reactivex.internal.exceptions import SequenceContainsNoElementsError
from reactivex.scheduler import CurrentThreadScheduler

from .._blueprint.flow import Derived, Flow, Merged, ObservableFlow
from .._bridge.bridge import subscribing_node
from .._bridge.node import NodeRun
from .._errors import LateSubscription
from .._plan.flatten import READ, flatten, flatten_flow
from .._ports.input import Input
from .._rx.scheduler import RunScheduler, Unwound
from .._statistics import Statistics
from .._workflow.workflow import Workflow
from .blocking import refuse_rx_run, run_blocking
from .delivery import Delivery
from .open import OpenFlow, OpenRun
from .processes import PROCESS
from .run import Run
from .standstill import Standstill
from .subscription import Subscription

__all__ = ["ENGINE", "AsyncioEngine"]

SHUTDOWN_TIMEOUT = 5.0
_NOTHING: Any = object()


class AsyncioEngine:
    """Runs blueprints on asyncio, in the running loop or in one of its own."""

    def start(
        self, workflow: Workflow, *, threshold: int | None, shutdown_timeout: float
    ) -> Statistics:
        """Run `workflow` to its end and block meanwhile."""
        return run_blocking(
            lambda: self.run(workflow, threshold=threshold, shutdown_timeout=shutdown_timeout),
            f"start() of workflow {workflow.name!r}",
            "write `await workflow.run()`",
        )

    async def run(
        self, workflow: Workflow, *, threshold: int | None, shutdown_timeout: float
    ) -> Statistics:
        """Run `workflow` to its end in the running loop."""
        run = _run_of(workflow, threshold, shutdown_timeout)
        run.start()
        await run.join()
        return run.statistics()

    def open(
        self, workflow: Workflow, *, threshold: int | None, shutdown_timeout: float
    ) -> AbstractAsyncContextManager[Any]:
        """Return the context manager whose value is a run to work with."""
        return _Lazy(lambda: OpenRun(_run_of(workflow, threshold, shutdown_timeout, attended=True)))

    def open_flow(self, flow: Flow) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Return the context manager whose value iterates over the items of `flow`."""
        return _Lazy(lambda: OpenFlow(_run_of_flow(flow)))

    async def iterate(self, flow: Flow) -> AsyncIterator[Any]:
        """Iterate over the items of `flow`; ``aclose()`` ends its run."""
        async with _Reading(flow) as items:
            async for item in items:
                yield item

    async def last(self, flow: Flow, *, blocks: bool = False) -> Any:
        """Run `flow` in the running loop and return its last item."""
        last = _NOTHING
        async with _Reading(flow, blocks=blocks) as items:
            async for chunk in items.chunks():
                last = chunk[-1]
        if last is _NOTHING:
            raise SequenceContainsNoElementsError
        return last

    def run_flow(self, flow: Flow) -> Any:
        """Run `flow`, block meanwhile, and return its last item."""
        main = partial(self.last, flow, blocks=True)
        return run_blocking(main, "run() of a flow", "write `await flow`")

    def subscribe(
        self,
        flow: Flow,
        observer: abc.ObserverBase[Any],
        scheduler: abc.SchedulerBase | None,
    ) -> abc.DisposableBase:
        """Subscribe `observer`: inside a run to what is claimed there, outside in a new run."""
        node = scheduler.node if isinstance(scheduler, RunScheduler) else subscribing_node()
        if node is not None and (_is_of(flow, node.bridge.host.workflows) or _claims(node, flow)):
            try:
                inside = _inside(node, flow)
            except Unwound as error:
                if node.bridge.trampoline.here():
                    raise
                node.fail(error)  # raised on another thread, it would be lost
                return Disposable()
            return inside.subscribe(observer, scheduler=node.scheduler)
        process = PROCESS.get()
        if process is not None and not process.run.over and _is_of(flow, process.run.workflows):
            # Without a running loop, this is the thread of a source, inside its operators.
            raise _late(flow) if asyncio._get_running_loop() else Unwound(_late(flow))
        return self._subscribe_outside(flow, observer, scheduler)

    def _subscribe_outside(
        self, flow: Flow, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None
    ) -> abc.DisposableBase:
        shared = _shared(flow)
        if shared is not None:
            return shared.subscribe(observer, scheduler=scheduler)

        def read(delivery: Delivery, blocks: bool) -> _Reading:
            return _Reading(flow, delivery, blocks=blocks)

        subscription = Subscription(read, repr(flow), observer)
        loop = asyncio._get_running_loop()
        if loop is not None:
            subscription.begin(loop)
            return subscription
        try:
            refuse_rx_run(scheduler)
        except RuntimeError as error:
            # Raised here, on a thread of the scheduler, it would not reach the caller of run().
            observer.on_error(error)
            return subscription
        here = CurrentThreadScheduler.singleton()
        if here.schedule_required():
            subscription.block()
        else:
            # Let the caller get the disposable first, as RxPY's own sources do.
            here.schedule(lambda *_: subscription.block())
        return subscription


class _Reading:
    """The run of a flow that is read to its end, or given up.

    Unlike ``open()`` it never cancels its block: a failure is raised where the next item is read.

    Args:
        flow: What to read.
        blocks: Whether a thread is blocked until the end, so that a standstill is worth a warning.
    """

    def __init__(
        self, flow: Flow, delivery: Delivery | None = None, *, blocks: bool = False
    ) -> None:
        self._run = _run_of_flow(flow, delivery)
        self._blocks = blocks
        self._standstill: Standstill | None = None

    async def __aenter__(self) -> Input[Any]:
        self._run.start()
        if self._blocks:
            self._standstill = Standstill(self._run)
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
        try:
            await run.join()
        finally:
            if self._standstill is not None:
                self._standstill.cancel()


class _Lazy(AbstractAsyncContextManager[Any]):
    """A context manager that makes its run when it is entered, since a loop is running then."""

    def __init__(self, make: Any) -> None:
        self._make = make
        self._made: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._made is not None:
            return getattr(self._made, name)  # also while it opens
        raise AttributeError(
            f"open() has no {name!r} before it is entered; write `async with ....open() as run`"
        )

    async def __aenter__(self) -> Any:
        """Make and enter it."""
        if self._made is not None:
            raise RuntimeError("open() makes one run; call it again for another")
        self._made = self._make()
        return await self._made.__aenter__()

    async def __aexit__(self, *error: Any) -> Any:
        """Leave it."""
        return await self._made.__aexit__(*error)


def _run_of(
    workflow: Workflow, threshold: int | None, shutdown_timeout: float, *, attended: bool = False
) -> Run:
    plan = flatten(workflow)
    return Run(
        plan if threshold is None else plan.bounded(threshold),
        shutdown_timeout=shutdown_timeout,
        attended=attended,
        workflows=_workflows(workflow),
    )


def _run_of_flow(flow: Flow, delivery: Delivery | None = None) -> Run:
    workflow = flow.workflow
    return Run(
        flatten_flow(flow, workflow or Workflow(name="flow")),
        shutdown_timeout=SHUTDOWN_TIMEOUT,
        attended=True,
        workflows=frozenset() if workflow is None else _workflows(workflow),
        reads_flow=True,
        delivery=delivery,
    )


def _workflows(workflow: Workflow) -> frozenset[int]:
    """Return the ids of `workflow` and all that are nested in it."""
    found: set[int] = set()
    pending = [workflow]
    while pending:
        each = pending.pop().graph.workflow
        if id(each) not in found:
            found.add(id(each))
            pending += [s.stream for s in each.steps.values() if isinstance(s.stream, Workflow)]
    return frozenset(found)


def _shared(flow: Flow) -> Observable[Any] | None:
    """Return what the subscribers of `flow` share, with the operators after it; None if nothing."""
    operators: list[Callable[[Any], Any]] = []
    while isinstance(flow, Derived):
        observable = flow.shared
        if observable is not None:
            for operator in reversed(operators):
                observable = operator(observable)
            return observable
        operators.append(flow.operator)
        flow = flow.parent
    return None


def _is_of(flow: Flow, workflows: frozenset[int]) -> bool:
    """Tell whether `flow` belongs to one of the workflows with these ids."""
    return flow.workflow is not None and id(flow.workflow) in workflows


def _claims(node: NodeRun, flow: Flow) -> bool:
    """Tell whether `node` claims `flow` or a flow that it is made from.

    A flow of an outside source belongs to no workflow, so its workflow does not tell.
    """
    pending, seen = [flow], {id(flow)}
    while pending:
        each = pending.pop()
        if node.claim(each) is not None:
            return True
        new = [parent for parent in each.parents if id(parent) not in seen]
        seen.update(map(id, new))
        pending += new
    return False


def _inside(node: NodeRun, flow: Flow) -> Observable[Any]:
    """Return the Observable of `flow` in the run of `node`, also of a flow that was made there.

    Raises:
        Unwound: It leads to a port that `node` does not claim.
    """
    operators: list[Callable[[Any], Any]] = []
    observable: Observable[Any] | None = node.claim(flow)
    while observable is None:
        if isinstance(flow, Derived):
            operators.append(flow.operator)
            flow = flow.parent
            observable = node.claim(flow)
        elif isinstance(flow, ObservableFlow):
            observable = flow.observable
        elif isinstance(flow, Merged):
            observable = reactivex.merge(*flow.parents)
        else:
            raise Unwound(_late(flow))
    for operator in reversed(operators):
        observable = operator(observable)
    return observable


def _late(flow: Flow) -> LateSubscription:
    return LateSubscription(
        f"{flow!r} was subscribed to in a run of its workflow that did not know of it, so items "
        "may have been missed; name it at the entry, flow(observable, ports=[...])"
    )


ENGINE = AsyncioEngine()
