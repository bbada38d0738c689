"""The bridge to Rx: the operators of a run, from the outputs they read to the buffers they fill."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Protocol

from reactivex import abc

from ._buffer import Buffer
from ._gate import Gate
from ._head import Head, Reader, Terminal, Unwound
from ._output import Link
from ._plan import Node, PortRef
from ._scheduler import RunScheduler, Trampoline

__all__ = ["SUBSCRIBING", "Bridge", "NodeRun"]


class Host(Protocol):
    """What the bridge needs of the run."""

    def node_failed(self, node: NodeRun, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""

    def failed(self, error: BaseException) -> None:
        """Fail the run: delayed work raised."""

    def node_ended(self, node: NodeRun) -> None:
        """Take note that `node` will deliver nothing any more."""


class NodeRun:
    """The operators of one node in one run.

    Args:
        bridge: The bridge of the run.
        node: The plan's node.
    """

    def __init__(self, bridge: Bridge, node: Node) -> None:
        self.bridge = bridge
        self.node = node
        self.readers: list[Reader] = []
        self.claims: list[tuple[Any, Head]] = []
        self.head = Head(bridge.loop, f"the source of {node.name}", self)
        self.scheduler = RunScheduler(bridge.trampoline, self)
        self.targets: list[str] = []
        """The inputs at its far ends, for notes."""
        self.ended = False
        self._started = False
        self._subscription: abc.DisposableBase | None = None

    def heads(self) -> list[Head]:
        """Return all places where items enter."""
        return [self.head, *(head for _, head in self.claims)]

    def gates(self) -> Iterable[Gate]:
        """Return what must have room before an item is let in."""
        return dict.fromkeys(gate for reader in self.readers for gate in reader.gates())

    def claim(self, flow: Any) -> Head | None:
        """Return the head that `flow` stands for inside these operators."""
        for claimed, head in self.claims:
            if claimed is flow:
                return head
        return None

    def start_when_ready(self) -> None:
        """Subscribe, once everybody who reads this would find what it delivers."""
        if not self._started and all(reader.ready() for reader in self.readers):
            self._started = True
            self._start()

    def _start(self) -> None:
        observable: Any = self.head if self.node.observable is None else self.node.observable
        token = self.bridge.subscribing.set(self)
        try:
            for operator in self.node.operators:
                observable = operator(observable)
            subscription = observable.subscribe(
                self._choose(), self.fail, self._on_completed, scheduler=self.scheduler
            )
        except Exception as error:
            self.fail(error)
            return
        except Unwound as unwound:
            self.fail(unwound.error)
            return
        finally:
            self.bridge.subscribing.reset(token)
        if self.ended:
            subscription.dispose()
        else:
            self._subscription = subscription

    def _choose(self) -> Callable[[Any], None]:
        if len(self.readers) == 1:
            return self.readers[0].on_next if isinstance(self.readers[0], Terminal) else self._first
        return self._to_all

    def _first(self, item: Any) -> None:
        for reader in self.readers:
            reader.on_next(item)

    def _to_all(self, item: Any) -> None:
        for reader in tuple(self.readers):
            reader.on_next(item)

    def _on_completed(self) -> None:
        readers = tuple(self.readers)
        self.dispose()
        for reader in readers:
            reader.on_completed()

    def drop(self, reader: Reader) -> None:
        """Deliver to `reader` no more; without any reader, end (C4)."""
        if self.ended or reader not in self.readers:
            return
        self.readers.remove(reader)
        if not self.readers:
            self.dispose()
            return
        for head in self.heads():
            head.refresh()
        self.start_when_ready()

    def fail(self, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""
        if not self.ended:
            self.bridge.host.node_failed(self, error)

    def dispose(self) -> None:
        """Deliver nothing any more, and cancel what leads here."""
        if self.ended:
            return
        self.ended = True
        self.readers.clear()
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            subscription.dispose()
        for head in self.heads():
            head.cancel()
        self.bridge.host.node_ended(self)

    def links(self) -> list[tuple[PortRef, Link]]:
        """Return the edges that lead from outputs into here, through other nodes too."""
        found: dict[Link, PortRef] = {}
        seen: set[NodeRun] = set()
        nodes = [self]
        while nodes:
            run = nodes.pop()
            if run in seen:
                continue
            seen.add(run)
            for head in run.heads():
                found.update(zip(head.links, head.ports, strict=True))
                nodes += head.parents
        return [(port, link) for link, port in found.items()]


SUBSCRIBING: ContextVar[NodeRun | None] = ContextVar("mimo_rx_subscribing", default=None)
"""The node whose operators subscribe now, for those that pass on no scheduler."""


class Bridge:
    """All operators of one run.

    Args:
        loop: The loop that the run is on.
        host: The run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, host: Host) -> None:
        self.loop = loop
        self.host = host
        self.trampoline = Trampoline(loop, host.failed)
        self.subscribing = SUBSCRIBING
        self.nodes: dict[Node, NodeRun] = {}
        self.links: dict[PortRef, list[Link]] = {}
        """The edges into operators by the output that they lead from, still to be attached."""

    def read(self, node: Node, buffer: Buffer | None) -> NodeRun:
        """Lead `node` into `buffer`; without one, let it run for its effects alone."""
        run = self._made(node)
        run.readers.append(Terminal(run, buffer))
        return run

    def _made(self, node: Node) -> NodeRun:
        """Return the run of `node`, made with all that leads into it on first use."""
        pending = [node]
        while pending:
            each = pending.pop()
            if each in self.nodes:
                continue
            run = self.nodes[each] = NodeRun(self, each)
            for source in each.sources:
                self._lead(source, run.head, pending)
            for flow, source in each.claims:
                head = Head(self.loop, repr(flow), run)
                run.claims.append((flow, head))
                self._lead(source, head, pending)
        return self.nodes[node]

    def _lead(self, source: PortRef | Node, head: Head, pending: list[Node]) -> None:
        if isinstance(source, PortRef):
            self.links.setdefault(source, []).append(head.feed_from(source))
        else:
            head.wanted.append(source)
            pending.append(source)

    def connect(self) -> None:
        """Lead the nodes into each other, once all of them are made."""
        for run in self.nodes.values():
            for head in run.heads():
                for node in head.wanted:
                    head.feed_from_node(self.nodes[node])
                head.seal()

    def start(self) -> None:
        """Let all operators subscribe, as far as they would find their readers ready."""
        for run in tuple(self.nodes.values()):
            run.start_when_ready()

    def close(self) -> None:
        """Dispose of every subscription and timer."""
        for run in tuple(self.nodes.values()):
            run.dispose()
        self.trampoline.close()
