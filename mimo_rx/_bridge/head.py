"""Where items enter and leave the operators of a run.

A *head* is where they enter: the Observable that operators subscribe to. A *reader* is where they
leave: a terminal in front of a buffer, or the head of another node. Until its operators
have subscribed, a head is *held*: pushes wait (R12). When the operators dispose of their
subscription, the edges into the head are cancelled (C4, R6).

Rules: R6, R11.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from .._errors import LateSubscription
from .._plan.plan import Node, Plan, PortRef
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._ports.pace import Owner
from .._rx.callbacks import Callbacks, ignore
from .._rx.scheduler import Trampoline, Unwound

__all__ = ["Head", "Host", "Hub", "Reader", "Station", "Taker", "edges_into"]


class Host(Protocol):
    """The run, as its operators see it."""

    plan: Plan
    workflows: frozenset[int]
    """The ids of the blueprints that run here."""

    @property
    def over(self) -> bool:
        """Whether the run is over."""

    def node_failed(self, node: Station, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""

    def node_ended(self, node: Station) -> None:
        """Note that `node` delivers nothing any more."""


class Hub(Protocol):
    """The operators of a run, as one node sees them; see :class:`Bridge`."""

    loop: asyncio.AbstractEventLoop
    host: Host
    trampoline: Trampoline
    origins: dict[int, tuple[Exception, Station]]

    def names(self, ports: Iterable[PortRef]) -> str:
        """Return the names of `ports` for an error."""

    def start(self, nodes: Sequence[Any]) -> None:
        """Let those of `nodes` subscribe whose readers are ready."""


class Station(Protocol):
    """The operators between heads and readers, as these see them; see :class:`NodeRun`."""

    node: Node
    readers: list[Reader]
    targets: list[str]
    ended: bool
    started: bool

    @property
    def bridge(self) -> Hub:
        """The operators of the run."""

    @property
    def is_quiet(self) -> bool:
        """Whether nothing comes out unless something goes in (D4)."""

    def heads(self) -> list[Head]:
        """Return all places where items enter."""

    def gates(self) -> tuple[Gate, ...]:
        """Return the gates that must have room before an item is let in."""

    def edges(self) -> list[tuple[PortRef, Edge]]:
        """Return the edges that lead from outputs into here, through other nodes too."""

    def drop(self, reader: Reader) -> None:
        """Stop delivering to `reader`; after the last reader, end (C4)."""

    def fail(self, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""


class Reader(Protocol):
    """Where the items of a node go."""

    def ready(self) -> bool:
        """Tell whether it can take items."""

    def behind(self) -> Gate | Station | None:
        """Return the gate that must have room, or the node whose readers have such gates."""

    def deliver(self, item: Any) -> None:
        """Take an item; never raise."""

    def on_completed(self) -> None:
        """Take the end; never raise."""


class Taker(Protocol):
    """A subscriber outside the run, which is called inside the push and has no buffer (R2a)."""

    def add(self) -> None:
        """Note that one more edge leads there."""

    def put(self, item: Any) -> None:
        """Take an item; never raise."""

    def producer_closed(self) -> None:
        """Note that one edge has ended."""


class Head(Observable[Any]):
    """Where items enter the operators of a node: the Observable that they subscribe to.

    Args:
        loop: The loop that the run is on.
        node: The node that it belongs to.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, node: Station) -> None:
        super().__init__()
        self.node = node
        self.hold = Gate(loop)
        self.held = True
        self.edges: list[Edge] = []
        self.ports: list[PortRef] = []
        self.parents: list[Station] = []
        self._on_next: Callable[[Any], None] = ignore
        self._observers: list[abc.ObserverBase[Any]] = []
        self._producers = 0
        self._completed = False
        self._cancelled = False
        self._error: Exception | None = None
        """The error that it ended with before anybody had subscribed."""

    # What leads into it

    def feed_from(self, port: PortRef) -> Edge:
        """Make an edge into these operators; the run attaches it to the output of `port`."""
        self.ports.append(port)
        edge = Edge((self.hold,), self.deliver, self.on_completed, signal=self.on_error)
        self._producers += 1
        self.edges.append(edge)
        return edge

    def feed_from_node(self, parent: Station) -> None:
        """Make an edge from the end of `parent` into these operators."""
        self._producers += 1
        self.parents.append(parent)
        parent.readers.append(self)

    def deliver(self, item: Any) -> None:
        """Let an item in."""
        try:
            self._on_next(item)
        except (Exception, Unwound) as error:
            self.node.fail(error)

    def on_completed(self) -> None:
        """Note that one producer has completed; after the last, complete (C2)."""
        self._producers -= 1
        if self._producers == 0:
            self._completed = True
            try:
                for observer in tuple(self._observers):
                    observer.on_completed()
            except (Exception, Unwound) as error:
                self.node.fail(error)

    def on_error(self, error: Exception) -> None:
        """End with an error of what leads here; the operators that read this may answer it.

        As an item does, it waits until they have subscribed.
        """
        if self._completed or self._cancelled:
            return
        observers = tuple(self._observers)
        if self.held:
            self._error = error
        self.cancel()
        try:
            for observer in observers:
                observer.on_error(error)
        except (Exception, Unwound) as raised:
            self.node.fail(raised)

    def ready(self) -> bool:
        """Tell whether the operators have subscribed, or never will."""
        return not self.held or self._cancelled

    def behind(self) -> Station:
        """Return its node; while this head is held, the heads that lead here are held as well."""
        return self.node

    def seal(self) -> None:
        """Complete if nothing leads here."""
        self._completed = self._producers == 0

    # Who reads it

    def subscribe(
        self,
        on_next: Any = None,
        on_error: Any = None,
        on_completed: Any = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe an observer and let items in; fail if it may have missed some (R12)."""
        if isinstance(on_next, abc.ObserverBase) or hasattr(on_next, "on_next"):
            observer = on_next
        else:
            observer = Callbacks(on_next, on_error, on_completed)
        trampoline = self.node.bridge.trampoline
        if trampoline.here():
            self._admit(observer)
            return Disposable(lambda: self._dispose(observer))
        trampoline.hop(self._admit_from_afar, observer)
        return trampoline.hopping(self._dismiss, observer)

    def _admit(self, observer: abc.ObserverBase[Any]) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            observer.on_error(error)
            return
        if self._cancelled or (self._completed and not self.held):
            raise Unwound(self._late())
        self._observers.append(observer)
        self._choose()
        if self._completed:  # no item ever passed, so none was missed
            observer.on_completed()
        elif self.held:
            self.held = False
            self.refresh()
            self.hold.release()
            self.node.bridge.start(self.parents)

    def _admit_from_afar(self, observer: abc.ObserverBase[Any]) -> None:
        try:
            self._admit(observer)
        except (Exception, Unwound) as error:
            self.node.fail(error)

    def _dispose(self, observer: abc.ObserverBase[Any]) -> None:
        trampoline = self.node.bridge.trampoline
        if trampoline.here():
            self._dismiss(observer)
        else:
            trampoline.hop(self._dismiss, observer)

    def _dismiss(self, observer: abc.ObserverBase[Any]) -> None:
        if observer not in self._observers:
            return
        self._observers.remove(observer)
        self._choose()
        if not self._observers:
            self.cancel()

    def cancel(self) -> None:
        """Let no more items in: nobody reads this head, and nobody will."""
        if self._cancelled or self._completed:
            return
        self._cancelled = True
        self._on_next = ignore
        for edge in self.edges:
            edge.cancel()
        for parent in self.parents:
            parent.drop(self)

    def _choose(self) -> None:
        one = len(self._observers) == 1
        self._on_next = self._observers[0].on_next if one else self._to_all

    def _to_all(self, item: Any) -> None:
        for observer in tuple(self._observers):
            # One observer may make another one dispose of its subscription.
            if observer in self._observers:
                observer.on_next(item)

    def refresh(self) -> None:
        """Update the gates of the edges that lead here, directly or through other nodes."""
        heads = {self: None}
        pending = [self]
        while pending:
            head = pending.pop()
            for above in (each for parent in head.parents for each in parent.heads()):
                if above not in heads:
                    heads[above] = None
                    pending.append(above)
        for head in heads:
            if head.edges:
                gates = (head.hold,) if head.held else head.node.gates()
                for edge in head.edges:
                    edge.regate(gates)

    def sources(self) -> list[Owner | None]:
        """Return the streams of which any can let an item in; None is an unknown source (D4)."""
        found: dict[Owner | None, None] = {}
        pending = [self]
        seen = {self}
        while pending:
            each = pending.pop()
            for edge in each.edges:
                found.update(dict.fromkeys(edge.sources() if edge.live else ()))
            for parent in each.parents:
                if parent.ended:
                    continue
                if not parent.is_quiet:
                    found[None] = None
                for above in parent.heads():
                    if above not in seen:
                        seen.add(above)
                        pending.append(above)
        return list(found)

    def _late(self) -> LateSubscription:
        ports = self.node.bridge.names(port for port, _ in edges_into([self]))
        return LateSubscription(
            f"{ports} was subscribed to again by {self.node.node.name!r} after its subscription "
            "had ended, so items may have been missed; keep one subscription, or share() it before "
            "it is used twice; if another port is meant, name it at the entry, "
            "flow(observable, ports=[...])"
        )


def edges_into(heads: Iterable[Head]) -> list[tuple[PortRef, Edge]]:
    """Return the edges that lead from outputs into `heads`, through other nodes too."""
    found: dict[Edge, PortRef] = {}
    pending = list(heads)
    seen = set(pending)
    while pending:
        head = pending.pop()
        found.update(zip(head.edges, head.ports, strict=True))
        for above in (each for parent in head.parents for each in parent.heads()):
            if above not in seen:
                seen.add(above)
                pending.append(above)
    return [(port, edge) for edge, port in found.items()]
