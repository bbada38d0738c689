"""Flows: outputs and the operators after them, as immutable nodes that are Observables.

A flow describes where items come from. It holds no items and runs nothing. A flow that is made from
other flows refers to them. So operators that two readers share are one object, and run once (see
:mod:`mimo_rx._plan.flatten`).

Rules: R1, L9.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from reactivex import Observable, abc

from .._errors import WiringError
from .._rx.callbacks import Callbacks
from .._rx.operators import (
    apply_to_probe,
    check_result,
    counts_readers,
    describe,
    is_connectable,
    name_of,
    of_rx,
    parts,
    resubscribes,
)
from .engine_protocol import engine
from .factory import refuse_uncalled
from .find_flows import find_claims, find_flows
from .operand import Operand
from .provisional import meet, on_trial, undo_by

if TYPE_CHECKING:
    from .nesting import Workflow

__all__ = ["Derived", "Fan", "Flow", "Merged", "ObservableFlow", "behind", "homes_of_sources"]

_SHARING = ("share", "ref_count")
"""Operators whose subscribers share one subscription to the source."""


class Flow(Operand, Observable[Any]):
    """An output, or outputs with operators after them: an Observable that knows its workflow.

    A flow that is led into a step becomes an edge. Outside a run, a program may subscribe to it,
    await it or iterate over it: each time this runs its workflow once.

    Example:
        >>> from reactivex import operators as ops
        >>> from mimo_rx import flow
        >>> squares = flow(range(4)) | ops.map(lambda x: x * x)
        >>> squares
        <flow of range | map(<lambda>)>
    """

    parents: tuple[Flow, ...] = ()
    """The flows that this one is made from."""
    claims: tuple[Flow, ...] = ()
    """The flows that its own operator or Observable subscribes to by itself."""
    is_step: ClassVar[bool] = False
    """Whether it is a whole step rather than one port of it."""

    # `Observable.__init__` is not called: it makes a lock, and a blueprint holds none.
    def __init__(self, workflow: Workflow | None = None) -> None:
        self._workflow = workflow

    @property
    def workflow(self) -> Workflow | None:
        """The workflow that it belongs to; None if it is made of outside sources alone."""
        return None if self._workflow is None else self._workflow.graph.workflow

    @property
    def homes(self) -> list[Workflow]:
        """The workflows that it was led into, if it is an outside source."""
        return []

    def _note(self) -> None:
        """Register it with its workflow, so that a check can tell if it leads nowhere."""
        workflow = self._workflow
        if workflow is not None:
            workflow.graph.note(self)
            undo_by(lambda: workflow.graph.forget(self))

    @property
    def lock(self) -> threading.RLock:  # type: ignore[override] # RxPY sets it in `__init__`
        """The lock that RxPY's combinators hold while they deliver from this Observable.

        Two threads that ask at once get the same lock, which a `cached_property` does not promise.
        """
        lock: threading.RLock = self.__dict__.setdefault("_lock", threading.RLock())
        return lock

    def __getstate__(self) -> dict[str, Any]:
        live = ("_lock", "_homes", "shared")
        return {name: value for name, value in self.__dict__.items() if name not in live}

    def subscribe(
        self,
        on_next: abc.ObserverBase[Any] | abc.OnNext[Any] | None = None,
        on_error: abc.OnError | None = None,
        on_completed: abc.OnCompleted | None = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe to the items; outside a run this runs the workflow.

        The subscriber is called inside the push, without a buffer. It gets all items that were
        delivered before a failure, then the failure.

        Where an event loop is running in this thread, the run is a task of it, and this returns at
        once. Elsewhere this blocks until the run has ended, as RxPY's ``from_iterable`` does. A
        flow of a ``Subject`` that this very thread was to feed then never ends. Subscribe to it in
        a running loop, or put ``ops.subscribe_on(NewThreadScheduler())`` behind it. A run that
        blocks while it waits for such sources alone logs a warning after a second.

        Args:
            on_next: Called with each item; or an observer, in place of all three callbacks.
            on_error: Called with the exception that ended the run. Without it, the exception comes
                out of the run itself.
            on_completed: Called at the end.
            scheduler: The default scheduler of this subscription.

        Returns:
            The subscription. Its ``dispose()`` returns at once and cancels the run.
        """
        given: Any = on_next
        if isinstance(given, abc.ObserverBase):
            observer = given
        elif callable(getattr(given, "on_next", None)):
            observer = Callbacks(given.on_next, given.on_error, given.on_completed)
        else:
            observer = Callbacks(given, on_error, on_completed)
        return engine().subscribe(self, observer, scheduler)

    def run(self, scheduler: abc.SchedulerBase | None = None) -> Any:
        """Run the workflow, block meanwhile, and return the last item.

        Args:
            scheduler: Leave it out. RxPY has this argument, but a flow runs on the scheduler of its
                own run.

        Raises:
            TypeError: `scheduler` is given.
            RuntimeError: A loop is running in this thread; await the flow there.
            Exception: Whatever failed the run.
        """
        if scheduler is not None:
            raise TypeError(f"a flow runs on the scheduler of its own run, got {scheduler!r}")
        return engine().run_flow(self)

    def is_connected(self) -> bool:
        """Tell whether it, or a flow that it is a part of, leads into a step.

        This is always False for a flow of outside sources alone.
        """
        workflow = self.workflow
        return workflow is not None and workflow.graph.is_connected(self)

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
        """Return the context manager of a run whose value iterates over the items.

        When the block is left, the run is over. A failure comes after the items that were
        delivered before it; it cancels the block only if no items wait.
        """
        return engine().open_flow(self)

    def __await__(self) -> Generator[Any, None, Any]:
        """Run the workflow in the running loop and return the last item."""
        return engine().last(self).__await__()

    def __aiter__(self) -> AsyncIterator[Any]:
        """Run the workflow and iterate over the items, with back-pressure to the reader."""
        return engine().iterate(self)

    def pipe(self, *operators: Any) -> Any:
        """Apply operators one after the other, as ``|`` does.

        Args:
            *operators: Functions from an Observable to an Observable. A function that returns
                anything else, or subscribes to its source again, is applied as RxPY applies it:
                ``flow.pipe(ops.to_future())`` is a future, ``flow.pipe(ops.repeat(2))`` runs twice.

        Returns:
            A flow; or whatever the last operator returned.

        Raises:
            WiringError: One of `operators` is no operator.
        """
        value: Any = self
        for operator in operators:
            if isinstance(operator, Operand) and not isinstance(operator, type):
                raise WiringError(
                    f"pipe of a flow takes operators, got {operator!r}; lead the flow into it with "
                    "`flow | step`"
                )
            value = value.native(operator) if isinstance(value, Flow) else operator(value)
        return value

    def native(self, operator: Callable[[Any], Any]) -> Any:
        """Apply one operator; return a flow where that is possible, else what RxPY would return."""
        refuse_uncalled(operator)
        with on_trial():
            result = apply_to_probe(operator)
        if resubscribes(operator) and isinstance(result, Observable):
            return operator(_plain(self))
        if is_connectable(result) or not isinstance(result, Observable):
            return operator(self)
        return Derived(self, operator, result)

    def derive(self, operator: Callable[[Any], Any]) -> Flow:
        """Apply one operator on an edge.

        Raises:
            WiringError: `operator` is no operator, or it cannot stand on an edge.
        """
        refuse_uncalled(operator)
        if not counts_readers(operator):
            self.readable()
        with on_trial():
            result = check_result(operator, apply_to_probe(operator, self.probe))
        return Derived(self, operator, result)

    @property
    def probe(self) -> Observable[Any] | None:
        """The Observable to try the next operator on, where a plain one would not do; or None."""
        return None

    def readable(self) -> Flow:
        """Return the flow to read items from; for a step this is its one main output.

        Raises:
            WiringError: Nothing can be read from it.
        """
        return self

    def __getitem__(self, key: Any) -> Any:
        """Slice the items as RxPY does: ``flow[1:3]``.

        Raises:
            WiringError: `key` is a name; only steps have ports.
        """
        if isinstance(key, str):
            raise WiringError(f"{self!r} has no ports, got [{key!r}]; take the port of its step")
        return super().__getitem__(key)

    def label(self) -> str:
        """Return its name in drawings and errors."""
        return "flow"

    def __repr__(self) -> str:
        return f"<flow of {self.label()}>"


class Derived(Flow):
    """A flow and one operator after it.

    Args:
        parent: The flow.
        operator: The operator.
        applied: What the operator returned for some Observable.
    """

    def __init__(
        self, parent: Flow, operator: Callable[[Any], Any], applied: Observable[Any]
    ) -> None:
        # `publish()` alone cannot be read; with `ref_count()` after it, it can.
        parent = parent if isinstance(parent, Derived) else parent.readable()
        self.parent = parent
        self.operator = operator
        self._connectable = applied if is_connectable(applied) else None
        self.claims = find_claims(operator, applied)
        self.parents = (parent, *(claim.readable() for claim in self.claims))
        super().__init__(_meet(self.parents))
        self._note()

    @property
    def probe(self) -> Observable[Any] | None:
        return self._connectable

    @functools.cached_property
    def shared(self) -> Observable[Any] | None:
        """The Observable, and with it the run, that subscribers outside a run share.

        There is one after ``ops.share()``. It is None if the operator shares nothing; then each
        subscriber has a run of its own.
        """
        if not any(of_rx(part) and name_of(part) in _SHARING for part in parts(self.operator)):
            return None
        source: Observable[Any] = self.parent
        operators = [self.operator]
        while isinstance(source, Derived) and source._connectable is not None:
            operators.append(source.operator)
            source = source.parent
        for operator in reversed(operators):
            source = operator(source)
        return source

    def readable(self) -> Flow:
        if self._connectable is not None:
            raise WiringError(
                f"{self!r} delivers nothing before its connect() is called, which is not possible "
                "on an edge; leave the operator out, since all readers share a flow, or add "
                "`ops.ref_count()`"
            )
        return self

    def label(self) -> str:
        names: list[str] = []
        flow: Flow = self
        while isinstance(flow, Derived):
            names.append(describe(flow.operator))
            flow = flow.parent
        return " | ".join([flow.label(), *reversed(names)])


class Merged(Flow):
    """All items of several flows, in the order in which they arrive."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        flows = [each.readable() for each in flows]
        self.parents = tuple(
            member
            for flow in flows
            for member in (flow.parents if isinstance(flow, Merged) else (flow,))
        )
        super().__init__(_meet(self.parents))
        self._note()
        for flow in flows:
            if isinstance(flow, Merged) and flow.workflow is not None:
                flow.workflow.graph.forget(flow)

    def label(self) -> str:
        return f"[{', '.join(flow.label() for flow in self.parents)}]"


class ObservableFlow(Flow):
    """An Observable that subscribes to flows, such as ``rx.merge(a["x"], b["y"])``."""

    def __init__(self, observable: Observable[Any], ports: Iterable[Flow] = ()) -> None:
        found = find_flows(observable)
        self.observable = observable
        self.outside = found.outside
        self.claims = (*found.flows, *(port for port in ports if port not in found.flows))
        self.parents = tuple(claim.readable() for claim in self.claims)
        super().__init__(_meet(self.parents))
        self._note()

    def label(self) -> str:
        return type(self.observable).__name__


class Fan(list[Any], Operand):
    """The targets of a fan-out: a list that supports ``|``.

    A ``|`` after it applies to the merge of its members.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<fan {super().__repr__()}>"


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


def homes_of_sources(flows: Iterable[Flow]) -> list[Workflow]:
    """Return the workflows that the outside sources behind `flows` were led into before."""
    free = [flow for flow in flows if flow.workflow is None]
    return [home for each in behind(free) for home in each.homes]


def _meet(parents: tuple[Flow, ...]) -> Workflow | None:
    """Return the one workflow of `parents`; what their sources were led into joins it."""
    workflows = [parent.workflow for parent in parents if parent.workflow is not None]
    return meet(workflows, homes_of_sources(parents)) if workflows else None


def _plain(flow: Flow) -> Observable[Any]:
    """Return an Observable that is no flow, so that operators applied to it make no flow."""

    def subscribe(
        observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return flow.subscribe(observer, scheduler=scheduler)

    return Observable(subscribe)
