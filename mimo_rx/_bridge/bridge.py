"""The bridge to Rx: the operators of a run, from the outputs they read to the buffers they fill."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import chain
from types import CodeType, FrameType
from typing import Any, Protocol

from reactivex import Observable, abc

from .._blueprint.flow import Flow
from .._blueprint.step import Port, WorkflowInput
from .._plan.plan import ENVIRONMENT, Node, Plan, PortRef
from .._plan.quiet import is_quiet
from .._ports.buffer import Buffer
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._rx.arrivals import Arrivals, Guarded
from .._rx.operators import parts, stays_on_thread
from .._rx.scheduler import RunScheduler, Scheduled, Trampoline, Unwound
from .head import Head, Reader, Station, Terminal, edges_into

__all__ = ["Bridge", "NodeRun", "subscribing_node"]


class Host(Protocol):
    """What the bridge needs of the run."""

    plan: Plan
    workflows: frozenset[int]
    """The ids of the blueprints that run here."""
    over: bool
    """Whether all is at its end."""

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
        self.started = False
        """Whether its operators have been applied and have subscribed."""
        self._failed = False
        """Whether something was raised on another thread; more may follow before it is heard of."""
        self._arrivals: Arrivals | None = None
        """Where other threads may deliver to."""
        self._subscription: abc.DisposableBase | None = None

    @cached_property
    def is_quiet(self) -> bool:
        """Whether nothing comes out unless something goes in (D4)."""
        return is_quiet(self.node)

    def heads(self) -> list[Head]:
        """Return all places where items enter."""
        return [self.head, *(head for _, head in self.claims)]

    def gates(self) -> tuple[Gate, ...]:
        """Return what must have room before an item is let in."""
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
        if not self.started and not self.ended and all(reader.ready() for reader in self.readers):
            self.started = True
            self.start()

    def start(self) -> None:
        """Apply the operators and subscribe; what is due at once runs when that is done."""
        try:
            self.bridge.trampoline.run(self._subscribe)
        except (Exception, Unwound) as error:
            self.fail(error)

    def _subscribe(self) -> None:
        observable: Any = self.head if self.node.observable is None else self.node.observable
        trampoline = self.bridge.trampoline
        afar = self.node.observable is not None
        try:
            for operator in chain.from_iterable(map(parts, self.node.operators)):
                stays = stays_on_thread(operator)
                if type(observable) is Observable:  # other types have more to them
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
        """Return what takes the items, an error, and the end."""
        deliver: Callable[[Any], None]
        if len(self.readers) > 1:
            deliver = self._to_all
        else:
            (reader,) = self.readers
            deliver = reader.deliver
        node = self.node
        if node.observable is None and all(map(stays_on_thread, node.operators)):
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
        """Pass an error on to the operators that read this, which may answer it; else fail (E3)."""
        if self.ended:
            return
        heads = [reader for reader in self.readers if isinstance(reader, Head)]
        self.bridge.origins.setdefault(id(error), (error, self))
        if len(heads) < len(self.readers):
            self.fail(error)  # at a far end there is nobody who could
            return
        self.dispose()
        for head in heads:
            head.on_error(error)

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

    def fail_afar(self, error: BaseException) -> bool:
        """Fail the run with what was raised on another thread, also in a clean-up after the end.

        Returns:
            Whether anybody will hear of it; if not, it is best raised where it is.
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
        """Deliver nothing any more, and cancel what leads here."""
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
        self.edges: dict[PortRef, list[Edge]] = {}
        """The edges into operators by the output that they lead from, still to be attached."""
        self.origins: dict[int, tuple[Exception, NodeRun]] = {}
        """The errors that were passed on to other operators, and where each came from."""
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
        return self.origins.get(id(error), (error, node))[1]

    def read(self, node: Node, buffer: Buffer | None) -> NodeRun:
        """Lead `node` into `buffer`; without one, let it run for its effects alone."""
        run = self._made(node)
        run.readers.append(Terminal(run, buffer))
        return run

    def _made(self, node: Node) -> NodeRun:
        """Return the run of `node`, made with all that leads into it on first use.

        An item of a port reaches the operators that read it in the order in which they stand
        there, as the subscribers of one Subject are called in theirs.
        """
        if node not in self.nodes:
            pending = self._entered(node)
            while pending:
                source, head = pending.pop()
                if isinstance(source, PortRef):
                    self.edges.setdefault(source, []).append(head.feed_from(source))
                else:
                    pending += [] if source in self.nodes else self._entered(source)
                    head.feed_from_node(self.nodes[source])
        return self.nodes[node]

    def _entered(self, node: Node) -> list[tuple[PortRef | Node, Head]]:
        """Make the run of `node`; return what leads into it and where, the last one first."""
        run = self.nodes[node] = NodeRun(self, node)
        leading: list[tuple[PortRef | Node, Head]] = [(each, run.head) for each in node.sources]
        for flow, source in node.claims:
            head = Head(self.loop, run)
            run.claims.append((flow, head))
            leading.append((source, head))
        return leading[::-1]

    def seal(self) -> None:
        """Complete the heads that nothing leads into, once all nodes are made."""
        for run in self.nodes.values():
            for head in run.heads():
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
    Scheduled.subscribe.__code__: lambda source: source.scheduler.node,
    RunScheduler.work.__code__: lambda scheduler: scheduler.node,
}
