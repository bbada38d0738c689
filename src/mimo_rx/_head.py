"""Where items enter and leave the operators of a run.

A *head* is where they enter: the Observable that operators subscribe to. A *reader* is where they
leave: a :class:`Terminal` in front of a buffer, or the head of another node. Until its operators
have subscribed, a head is *held*: pushes wait (R12). When they dispose of their subscription, the
edges that lead into it are cancelled (C4, R6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from reactivex import Observable, abc
from reactivex.disposable import Disposable

from ._buffer import Buffer
from ._errors import LateSubscription
from ._gate import Gate
from ._output import Link
from ._plan import Node, PortRef

if TYPE_CHECKING:
    from ._bridge import NodeRun

__all__ = ["Head", "Reader", "Terminal", "Unwound"]


class Reader(Protocol):
    """Where the items of a node go."""

    def ready(self) -> bool:
        """Tell whether items would find somebody."""

    def gates(self) -> Iterable[Gate]:
        """Yield what must have room before an item is let in."""

    def on_next(self, item: Any) -> None:
        """Take an item."""

    def on_completed(self) -> None:
        """Take the end."""


class Terminal:
    """The end of an edge with operators: it fills a buffer, or (without one) counts only.

    Args:
        node: What it reads.
        buffer: What it fills.
    """

    def __init__(self, node: NodeRun, buffer: Buffer | None) -> None:
        self._node = node
        self._buffer = buffer
        self._live = True
        self.on_next: Callable[[Any], None] = _ignore if buffer is None else buffer.put
        if buffer is not None:
            buffer.producers += 1
            buffer.fan_in += 1
            buffer.edges.append(self)

    def ready(self) -> bool:
        """A buffer is always there."""
        return True

    def gates(self) -> Iterable[Gate]:
        """Yield the buffer."""
        return () if self._buffer is None else (self._buffer,)

    def on_completed(self) -> None:
        """Count one producer less (C2)."""
        if self._live:
            self._live = False
            if self._buffer is not None:
                self._buffer.producer_closed()

    def cancel(self) -> None:
        """The consumer is gone."""
        if self._live:
            self._live = False
            self._node.drop(self)


class Head(Observable[Any]):
    """Where items enter the operators of a node: the Observable that they subscribe to.

    Args:
        loop: The loop that the run is on.
        name: How errors call it.
        node: Whose head it is.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str, node: NodeRun) -> None:
        super().__init__()
        self.name = name
        self.node = node
        self.hold = Gate(loop)
        self.held = True
        self.links: list[Link] = []
        self.ports: list[PortRef] = []
        self.wanted: list[Node] = []
        self.parents: list[NodeRun] = []
        self.on_next: Callable[[Any], None] = _ignore
        self._observers: list[abc.ObserverBase[Any]] = []
        self._producers = 0
        self._completed = False
        self._cancelled = False

    # What leads into it

    def feed_from(self, port: PortRef) -> Link:
        """Make an edge into these operators; whoever has the output of `port` attaches it."""
        self.ports.append(port)
        link = Link((self.hold,), self._take, self.producer_closed)
        self._producers += 1
        self.links.append(link)
        return link

    def feed_from_node(self, parent: NodeRun) -> None:
        """Make an edge from the end of `parent` into these operators."""
        self._producers += 1
        self.parents.append(parent)
        parent.readers.append(self)

    def _take(self, item: Any) -> None:
        try:
            self.on_next(item)
        except Exception as error:
            self.node.fail(error)
        except Unwound as unwound:
            self.node.fail(unwound.error)

    def on_completed(self) -> None:
        """Take the end of a parent, as a reader."""
        self.producer_closed()

    def producer_closed(self) -> None:
        """Count one producer less; after the last, complete (C2)."""
        self._producers -= 1
        if self._producers == 0:
            self._completed = True
            try:
                for observer in tuple(self._observers):
                    observer.on_completed()
            except Exception as error:
                self.node.fail(error)
            except Unwound as unwound:
                self.node.fail(unwound.error)

    def ready(self) -> bool:
        """Tell whether the operators have subscribed, or will never."""
        return not self.held or self._cancelled

    def gates(self) -> Iterable[Gate]:
        """Yield the hold, or what lies behind the operators."""
        return (self.hold,) if self.held else self.node.gates()

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
        """Let items in; an item that could have been missed is an error (R12)."""
        if isinstance(on_next, abc.ObserverBase) or hasattr(on_next, "on_next"):
            observer = on_next
        else:
            observer = _Observer(on_next, on_completed)
        if self._cancelled or (self._completed and not self.held):
            raise Unwound(self._late())
        self._observers.append(observer)
        self._choose()
        if self.held:
            self.held = False
            self.refresh()
            self.hold.release()
            for parent in self.parents:
                parent.start_when_ready()
        if self._completed:
            observer.on_completed()
        return Disposable(lambda: self._unsubscribe(observer))

    def _unsubscribe(self, observer: abc.ObserverBase[Any]) -> None:
        if observer not in self._observers:
            return
        self._observers.remove(observer)
        self._choose()
        if not self._observers:
            self.cancel()

    def cancel(self) -> None:
        """Let nothing in any more: nobody reads it, and nobody will."""
        if self._cancelled or self._completed:
            return
        self._cancelled = True
        self.on_next = _ignore
        for link in self.links:
            link.cancel()
        for parent in self.parents:
            parent.drop(self)

    def _choose(self) -> None:
        if len(self._observers) == 1:
            self.on_next = self._observers[0].on_next
        else:
            self.on_next = self._to_all

    def _to_all(self, item: Any) -> None:
        for observer in tuple(self._observers):
            observer.on_next(item)

    def refresh(self) -> None:
        """Show the pushes that lead here which gates they have to look at now."""
        heads = [self]
        while heads:
            head = heads.pop()
            gates = tuple(head.gates())
            for link in head.links:
                link.regate(gates)
            heads += [above for parent in head.parents for above in parent.heads()]

    def _late(self) -> LateSubscription:
        return LateSubscription(
            f"{self.name} was subscribed to again after its subscription had ended, so that items "
            "may have passed; keep one subscription, or share() it before it is used twice"
        )


class Unwound(BaseException):
    """Carries a :class:`LateSubscription` out of the operators.

    As an ordinary exception it would be taken for an error of the source, which ``retry`` answers
    by subscribing again, for ever.
    """

    def __init__(self, error: LateSubscription) -> None:
        super().__init__(str(error))
        self.error = error


class _Observer(abc.ObserverBase[Any]):
    """Two callbacks as an observer, without a layer around them."""

    def __init__(self, on_next: Any, on_completed: Any) -> None:
        self.__dict__.update(on_next=on_next or _ignore, on_completed=on_completed or _nothing)

    def on_next(self, value: Any) -> None:
        """Be replaced by the callback."""

    def on_error(self, error: Exception) -> None:
        """Never be called: an output has no errors, the run has."""

    def on_completed(self) -> None:
        """Be replaced by the callback."""


def _ignore(item: Any) -> None:
    """Take an item that nobody wants."""


def _nothing() -> None:
    """Take an end that nobody waits for."""
