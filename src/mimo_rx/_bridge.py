"""The bridge to Rx: the operators of a run, from the outputs they read to the buffers they fill."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from types import CodeType, FrameType
from typing import Any, Protocol

from reactivex import Observable, abc

from ._buffer import Buffer
from ._flow import Flow
from ._gate import Gate
from ._head import Head, Reader, Terminal, links_into
from ._link import Link
from ._operators import of_rx, parts, stays_on_thread
from ._plan import ENVIRONMENT, Node, Plan, PortRef
from ._scheduler import RunScheduler, Scheduled, Trampoline, Unwound
from ._step import Port, WorkflowInput

__all__ = ["Bridge", "NodeRun", "subscribing_node"]


class Host(Protocol):
    """What the bridge needs of the run."""

    plan: Plan
    workflows: frozenset[int]
    """The ids of the blueprints that run here."""

    def node_failed(self, node: NodeRun, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""

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
        self.claims: list[tuple[Flow, Head]] = []
        self.head = Head(bridge.loop, self)
        self.scheduler = RunScheduler(bridge.trampoline, self.fail, self)
        self.targets: list[str] = []
        """The inputs at its far ends, for notes."""
        self.ended = False
        self._started = False
        self._from_afar = False
        """Whether another thread has ever delivered."""
        self._subscription: abc.DisposableBase | None = None

    def heads(self) -> list[Head]:
        """Return all places where items enter."""
        return [self.head, *(head for _, head in self.claims)]

    def gates(self) -> tuple[Gate, ...]:
        """Return what must have room before an item is let in."""
        found: dict[Gate, None] = {}
        pending = [self]
        seen = {self}
        while pending:
            for reader in pending.pop().readers:
                behind = reader.behind()
                if isinstance(behind, Gate):
                    found[behind] = None
                elif behind is not None and behind not in seen:
                    seen.add(behind)
                    pending.append(behind)
        return tuple(found)

    def links(self) -> list[tuple[PortRef, Link]]:
        """Return the edges that lead from outputs into here, through other nodes too."""
        return links_into(self.heads())

    def claim(self, flow: Flow) -> Head | None:
        """Return the head that `flow` stands for inside these operators.

        A port that was named anew, as ``rx.defer(lambda: step["x"])`` does, is known as well.
        """
        for claimed, head in self.claims:
            if claimed is flow:
                return head
        key = _port_key(flow)
        same = [head for claimed, head in self.claims if key and _port_key(claimed) == key]
        return next((head for head in same if head.held), same[0] if same else None)

    def start_when_ready(self) -> None:
        """Subscribe, once everybody who reads this would find what it delivers."""
        if not self._started and not self.ended and all(reader.ready() for reader in self.readers):
            self._started = True
            self.start()

    def start(self) -> None:
        """Apply the operators and subscribe; what is due at once runs when that is done."""
        try:
            self.bridge.trampoline.run(self._subscribe)
        except (Exception, Unwound) as error:
            self.fail(error)

    def _subscribe(self) -> None:
        observable: Any = self.head if self.node.observable is None else self.node.observable
        try:
            for operator in chain.from_iterable(map(parts, self.node.operators)):
                # Those of RxPY pass the scheduler on; other types have more to them.
                if not of_rx(operator) and type(observable) is Observable:
                    observable = Scheduled(observable, self.scheduler)
                observable = operator(observable)
            subscription = observable.subscribe(
                self._choose(), self._on_error, self._on_completed, scheduler=self.scheduler
            )
        except (Exception, Unwound) as error:
            self.fail(error)
            return
        if self.ended:
            self._dispose(subscription)
        else:
            self._subscription = subscription

    def _choose(self) -> Callable[[Any], None]:
        if len(self.readers) > 1:
            deliver = self._to_all
        else:
            (reader,) = self.readers
            deliver = reader.deliver
        node = self.node
        if node.observable is None and all(map(stays_on_thread, node.operators)):
            return deliver
        here, hop = self.bridge.trampoline.here, self.bridge.trampoline.hop

        def deliver_here(item: Any) -> None:
            if here():
                deliver(item)
            else:
                self._from_afar = True
                hop(deliver, item)

        return deliver_here

    def _to_all(self, item: Any) -> None:
        for reader in tuple(self.readers):
            reader.deliver(item)

    def _on_error(self, error: Exception) -> None:
        if self._from_afar or not self.bridge.trampoline.here():
            self.bridge.trampoline.hop(self._signal, error)
        else:
            self._signal(error)

    def _signal(self, error: Exception) -> None:
        """Pass an error signal on to the operators that read this, which may answer it (R2)."""
        heads = [reader for reader in self.readers if isinstance(reader, Head)]
        self.bridge.signalled.setdefault(id(error), (error, self))
        if len(heads) < len(self.readers):
            self.fail(error)  # at a far end there is nobody who could
            return
        self.dispose()
        for head in heads:
            head.on_error(error)

    def _on_completed(self) -> None:
        # Behind the items of other threads that are on their way, also where it comes from here.
        if self._from_afar or not self.bridge.trampoline.here():
            self.bridge.trampoline.hop(self._complete)
        else:
            self._complete()

    def _complete(self) -> None:
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
        self.bridge.start([self])

    def fail(self, error: BaseException) -> None:
        """Fail the run: an operator raised, or signalled an error (E3)."""
        if not self.bridge.trampoline.here():
            self.bridge.trampoline.hop(self.fail, error)
        elif not self.ended:
            self.bridge.host.node_failed(self, error.error if isinstance(error, Unwound) else error)

    def dispose(self) -> None:
        """Deliver nothing any more, and cancel what leads here."""
        if self.ended:
            return
        self.ended = True
        self.readers.clear()
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


class Bridge:
    """All operators of one run.

    Args:
        loop: The loop that the run is on.
        host: The run.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, host: Host) -> None:
        self.loop = loop
        self.host = host
        self.trampoline = Trampoline(loop)
        self.nodes: dict[Node, NodeRun] = {}
        self.links: dict[PortRef, list[Link]] = {}
        """The edges into operators by the output that they lead from, still to be attached."""
        self.signalled: dict[int, tuple[BaseException, NodeRun]] = {}
        """The errors that were signalled, by their ids, and the nodes that did so first."""
        self._starting: deque[NodeRun] = deque()
        self._busy = False

    def names(self, ports: Iterable[PortRef]) -> str:
        """Return `ports` as errors call them."""
        steps = self.host.plan.steps
        labels = [
            port.port if port.step == ENVIRONMENT else f"{steps[port.step].path}.{port.port}"
            for port in ports
        ]
        return ", ".join(dict.fromkeys(labels)) or "a source"

    def origin(self, node: NodeRun, error: BaseException) -> NodeRun:
        """Return the node that `error` comes from, which reached `node`."""
        return self.signalled.get(id(error), (error, node))[1]

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
                head = Head(self.loop, run)
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

    def start(self, nodes: Iterable[NodeRun] | None = None) -> None:
        """Let `nodes` (or all) subscribe, as far as they would find their readers ready."""
        self._starting.extend(self.nodes.values() if nodes is None else nodes)
        if self._busy:
            return  # one after the other: a chain of them may be longer than the stack
        self._busy = True
        try:
            while self._starting:
                self._starting.popleft().start_when_ready()
        finally:
            self._busy = False

    def close(self) -> None:
        """Dispose of every subscription and timer."""
        for run in tuple(self.nodes.values()):
            run.dispose()
        self.trampoline.close()


def subscribing_node() -> NodeRun | None:
    """Return the node whose operators are at work on this stack, None if none are.

    It is for those that subscribe without the scheduler that they were given; as it is looked up
    only where something subscribes, an item pays nothing for it.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not _CALLBACK:
        of = _AT_WORK.get(frame.f_code)
        if of is not None:
            node: NodeRun | None = of(frame.f_locals["self"])
            return node
        frame = frame.f_back
    return None


def _port_key(flow: Flow) -> tuple[object, str] | None:
    port = flow.readable() if flow.is_step else flow
    if isinstance(port, Port):
        return port.step, port.name
    return (port.workflow, port.name) if isinstance(port, WorkflowInput) else None


_CALLBACK = asyncio.Handle._run.__code__
"""Whatever stands above this on a stack has nothing to do with what stands below."""

_AT_WORK: dict[CodeType, Callable[[Any], NodeRun | None]] = {
    Head.deliver.__code__: lambda head: head.node,
    Head.on_completed.__code__: lambda head: head.node,
    NodeRun._subscribe.__code__: lambda run: run,
    RunScheduler.work.__code__: lambda scheduler: scheduler.node,
}
