"""The operators of one node in one run, from the heads where items enter to the readers.

Rules: R5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import chain
from typing import Any

from reactivex import Observable, abc

from .._blueprint.flow import Flow
from .._blueprint.step import Port, WorkflowInput
from .._plan.immediate import is_quiet
from .._plan.plan import Node, PortRef
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._rx.arrivals import Arrivals, Guarded
from .._rx.operators import parts, stays_on_thread
from .._rx.scheduler import RunScheduler, Scheduled, Unwound
from .head import Head, Hub, Reader, Station, edges_into

__all__ = ["NodeRun"]


class NodeRun:
    """The operators of one node in one run.

    Args:
        bridge: The bridge of the run.
        node: The plan's node.
    """

    def __init__(self, bridge: Hub, node: Node) -> None:
        self.bridge = bridge
        self.node = node
        self.readers: list[Reader] = []
        self.claims: list[tuple[Flow, Head]] = []
        self.head = Head(bridge.loop, self)
        self.scheduler = RunScheduler(bridge.trampoline, self.fail, self)
        self.targets: list[str] = []
        """The inputs at its far ends, for notes."""
        self.ended = False
        self.started = False
        """Whether its operators have been applied and have subscribed."""
        self._failed = False
        """Whether a failure on another thread was reported; others may follow before the end."""
        self._arrivals: Arrivals | None = None
        """Takes the items that other threads deliver."""
        self._subscription: abc.DisposableBase | None = None

    @cached_property
    def is_quiet(self) -> bool:
        """Whether nothing comes out unless something goes in (D4)."""
        return is_quiet(self.node)

    @cached_property
    def stays_on_thread(self) -> bool:
        """Whether it delivers only on the thread that delivers to it."""
        return self.node.observable is None and all(map(stays_on_thread, self.node.operators))

    def heads(self) -> list[Head]:
        """Return all places where items enter."""
        return [self.head, *(head for _, head in self.claims)]

    def gates(self) -> tuple[Gate, ...]:
        """Return the gates that must have room before an item is let in."""
        found: dict[Gate, None] = {}
        pending: list[Station] = [self]
        seen: set[Station] = {self}
        while pending:
            for reader in pending.pop().readers:
                behind = reader.behind()
                if isinstance(behind, Gate):
                    found[behind] = None
                elif behind is not None and behind not in seen:
                    seen.add(behind)
                    pending.append(behind)
        return tuple(found)

    def edges(self) -> list[tuple[PortRef, Edge]]:
        """Return the edges that lead from outputs into here, through other nodes too."""
        return edges_into(self.heads())

    def claim(self, flow: Flow) -> Head | None:
        """Return the head that `flow` stands for inside these operators.

        A new object for the same port, as ``rx.defer(lambda: step["x"])`` makes, is known as well.
        """
        for claimed, head in self.claims:
            if claimed is flow:
                return head
        key = _port_key(flow)
        same = [head for claimed, head in self.claims if key and _port_key(claimed) == key]
        return next((head for head in same if head.held), same[0] if same else None)

    def start_when_ready(self) -> None:
        """Subscribe, if all its readers are ready."""
        if not self.started and not self.ended and all(reader.ready() for reader in self.readers):
            self.started = True
            self.start()

    def start(self) -> None:
        """Apply the operators and subscribe; work that is due at once runs after that."""
        try:
            self.bridge.trampoline.do(self._subscribe)
        except (Exception, Unwound) as error:
            self.fail(error)

    def _subscribe(self) -> None:
        observable: Any = self.head if self.node.observable is None else self.node.observable
        trampoline = self.bridge.trampoline
        afar = self.node.observable is not None
        try:
            for operator in chain.from_iterable(map(parts, self.node.operators)):
                stays = stays_on_thread(operator)
                if type(observable) is Observable:  # a subclass has methods that would be lost
                    if not stays:
                        observable = Scheduled(observable, self.scheduler)
                    if afar:
                        observable = Guarded(observable, self.fail_afar, trampoline.here)
                observable = operator(observable)
                afar = not stays
            subscription = observable.subscribe(*self._choose(), scheduler=self.scheduler)
        except (Exception, Unwound) as error:
            self.fail(error)
            return
        if self.ended:
            self._dispose(subscription)
        else:
            self._subscription = subscription

    def _choose(self) -> tuple[Callable[..., None], Callable[..., None], Callable[..., None]]:
        """Return the callbacks for an item, an error, and the end."""
        deliver: Callable[[Any], None]
        if len(self.readers) > 1:
            deliver = self._to_all
        else:
            (reader,) = self.readers
            deliver = reader.deliver
        if self.stays_on_thread:
            return deliver, self._signal, self._complete
        line = Arrivals(self.bridge.trampoline, deliver, self._complete, self._signal)
        self._arrivals = line
        return line.on_next, line.on_error, line.on_completed

    def _to_all(self, item: Any) -> None:
        for reader in tuple(self.readers):
            reader.deliver(item)

    def _complete(self) -> None:
        readers = tuple(self.readers)
        self.dispose()
        for reader in readers:
            reader.on_completed()

    def _signal(self, error: Exception) -> None:
        """Pass an error on if only operators read this, which may answer it; else fail (E3)."""
        if self.ended:
            return
        heads = [reader for reader in self.readers if isinstance(reader, Head)]
        self.bridge.origins.setdefault(id(error), (error, self))
        if len(heads) < len(self.readers):
            self.fail(error)  # a reader that is no head cannot answer it
            return
        self.dispose()
        for head in heads:
            head.on_error(error)

    def drop(self, reader: Reader) -> None:
        """Stop delivering to `reader`; after the last reader, end (C4)."""
        if self.ended or reader not in self.readers:
            return
        self.readers.remove(reader)
        if not self.readers:
            self.dispose()
            return
        for head in self.heads():
            head.refresh()
        self.bridge.start([self])

    def fail(self, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""
        if not self.bridge.trampoline.here():
            self.bridge.trampoline.hop(self.fail, error)
        elif not self.ended:
            self.bridge.host.node_failed(self, error.error if isinstance(error, Unwound) else error)

    def fail_afar(self, error: BaseException) -> bool:
        """Fail the run with an error of another thread, also one of a clean-up after the end.

        Returns:
            Whether the loop took the error; if not, it is best raised where it is.
        """
        return self.bridge.trampoline.hop(self._failed_afar, error)

    def _failed_afar(self, error: BaseException) -> None:
        error = error.error if isinstance(error, Unwound) else error
        if self.bridge.host.over:
            message = f"a thread failed in {self.node.name!r} after the end of its run"
            self.bridge.loop.call_exception_handler({"message": message, "exception": error})
        elif not self._failed:
            self._failed = True
            self.bridge.host.node_failed(self, error)

    def dispose(self) -> None:
        """Stop delivering, and cancel the edges that lead here."""
        if self.ended:
            return
        self.ended = True
        self.readers.clear()
        if self._arrivals is not None:
            self._arrivals.close()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            self._dispose(subscription)
        for head in self.heads():
            head.cancel()
        self.bridge.host.node_ended(self)

    def _dispose(self, subscription: abc.DisposableBase) -> None:
        try:
            subscription.dispose()
        except Exception as error:  # of a `finally_action`, for instance
            self.bridge.host.node_failed(self, error)


def _port_key(flow: Flow) -> tuple[object, str] | None:
    port = flow.readable() if flow.is_step else flow
    if isinstance(port, Port):
        return port.step, port.name
    return (port.workflow, port.name) if isinstance(port, WorkflowInput) else None
