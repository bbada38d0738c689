"""The bridge to Rx: the operators of a run, from the outputs they read to the buffers they fill."""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import cached_property
from types import CodeType, FrameType
from typing import Any

from .._plan.plan import ENVIRONMENT, Node, PortRef
from .._ports.buffer import Buffer
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._rx.scheduler import RunScheduler, Scheduled, Trampoline
from .head import Head, Host, Station, Taker
from .node import NodeRun
from .terminal import Terminal

__all__ = ["Bridge", "leaves_operators", "subscribing_node"]


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
        """The edges into operators, by the output that they are to be attached to."""
        self.origins: dict[int, tuple[Exception, Station]] = {}
        """By its id, each error passed on to other operators, and the node that it came from."""
        self._starting: deque[NodeRun] = deque()
        self._busy = False

    @cached_property
    def holds(self) -> dict[Gate, Head]:
        """The heads, by the gate that holds each one back until it is subscribed to."""
        return {head.hold: head for node in self.nodes.values() for head in node.heads()}

    def names(self, ports: Iterable[PortRef]) -> str:
        """Return the names of `ports` for an error."""
        steps = self.host.plan.steps
        labels = [
            port.port if port.step == ENVIRONMENT else f"{steps[port.step].path}.{port.port}"
            for port in ports
        ]
        return ", ".join(dict.fromkeys(labels)) or "a source"

    def origin(self, node: Station, error: BaseException) -> Station:
        """Return the node that `error` came from; `node` is the one that it has reached."""
        return self.origins.get(id(error), (error, node))[1]

    def read(self, node: Node, buffer: Buffer | Taker | None) -> NodeRun:
        """Lead `node` into `buffer`; without one, run it only for its side effects."""
        made = self._made(node)
        made.readers.append(Terminal(made, buffer))
        return made

    def _made(self, node: Node) -> NodeRun:
        """Return the run of `node`; on first use, make it and everything that leads into it.

        An item of a port reaches the operators that read it in the order in which the plan has
        them, as a Subject calls its subscribers in the order of their subscriptions.
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
        """Make the run of `node`; return its sources and the head of each, the last one first."""
        made = self.nodes[node] = NodeRun(self, node)
        leading: list[tuple[PortRef | Node, Head]] = [(each, made.head) for each in node.sources]
        for flow, source in node.claims:
            head = Head(self.loop, made)
            made.claims.append((flow, head))
            leading.append((source, head))
        return leading[::-1]

    def seal(self) -> None:
        """Complete the heads that nothing leads into, once all nodes are made."""
        for node in self.nodes.values():
            for head in node.heads():
                head.seal()

    def start(self, nodes: Iterable[NodeRun] | None = None) -> None:
        """Let those of `nodes` (or of all) subscribe whose readers are ready."""
        self._starting.extend(self.nodes.values() if nodes is None else nodes)
        if self._busy:
            return  # the outer call starts them: a long chain would exceed the stack
        self._busy = True
        try:
            while self._starting:
                self._starting.popleft().start_when_ready()
        finally:
            self._busy = False

    def close(self) -> None:
        """Dispose of every subscription and timer."""
        for node in tuple(self.nodes.values()):
            node.dispose()
        self.trampoline.close()


def subscribing_node() -> NodeRun | None:
    """Return the node whose operators are at work on this stack; None if none are.

    It answers for a subscription that does not pass on the scheduler that it was given. The stack
    is read only where something subscribes, so an item pays nothing for it. A context variable
    would not do: tasks, timers and threads that an operator makes would inherit it.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code not in _OUTSIDE:
        of = _AT_WORK.get(frame.f_code)
        if of is not None:
            node: NodeRun | None = of(frame.f_locals["self"])
            return node
        frame = frame.f_back
    return None


_OUTSIDE = {asyncio.Handle._run.__code__}
"""Code that no operator calls, or that an operator calls to leave the run: the operators that
stand on the stack behind it are not at work in what it calls."""


def leaves_operators(function: Callable[..., object]) -> None:
    """Note that what `function` calls is not part of the operators that call it."""
    _OUTSIDE.add(function.__code__)


_AT_WORK: dict[CodeType, Callable[[Any], NodeRun | None]] = {
    Head.deliver.__code__: lambda head: head.node,
    Head.on_completed.__code__: lambda head: head.node,
    Head.on_error.__code__: lambda head: head.node,
    NodeRun._subscribe.__code__: lambda node: node,
    Scheduled.subscribe.__code__: lambda source: source.scheduler.node,
    RunScheduler.work.__code__: lambda scheduler: scheduler.node,
}
"""How to find the node in a frame of each function that runs operators."""
