"""The watch for rings: streams that wait for each other and can never go on (D1-D6).

Who waits for whom is read off the ports when it is asked for, so that a push or pop that needs no
wait pays nothing. A fan-in waits for *any* of its producers, a fan-out for *all* consumers that
lack room. The stuck are the largest set of waiting streams each of which waits for others of the
set alone; a worklist takes the live ones out of those that wait (Chandy, Misra and Haas 1983 call
the two kinds of waits the OR and the AND model).

A ring with a full buffer in it is an artificial deadlock of bounded buffers (Parks 1995): the
smallest one grows (Geilen and Basten 2003). A ring of reads alone is a real one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ._buffer import Buffer
from ._errors import DeadlockError
from ._gate import Gate
from ._head import Head, Terminal
from ._link import Link
from ._operators import stays_on_thread
from ._runtime import StreamProcess
from ._shape import Way, knots, steps_in_circles
from ._tasks import process_of, rests
from ._waits import Wait, Waits

if TYPE_CHECKING:
    from ._bridge import NodeRun
    from ._output import Output
    from ._run import Run

__all__ = ["Watch"]

_log = logging.getLogger("mimo_rx")

SHORTEST, LONGEST = 0.02, 0.09
"""Seconds between a wait and the look at it: long enough to take at most a tenth of the time, and
short enough for D1."""
_SHARE = 9
"""A look is followed by a pause of so many times its length."""
GROWTH_FACTOR, LEAST_LIMIT = 64, 10_000
"""What a buffer may grow to, if ``growth_limit`` does not say: a multiple of the threshold, at
least so many items."""


@dataclass(slots=True)
class _Waiting:
    """A stream and the ports that its tasks wait in."""

    process: StreamProcess
    pops: list[Buffer] = field(default_factory=list)
    pushes: list[Output[Any]] = field(default_factory=list)
    futures: set[asyncio.Future[Any]] = field(default_factory=set)


class Watch:
    """Looks for rings in one run.

    Args:
        run: The run; its outputs and inputs are wired.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._timer: asyncio.TimerHandle | None = None
        self._pause = SHORTEST
        self._warned: set[Buffer] = set()
        for number in steps_in_circles(run.plan):
            run.processes[number].watch = self
        self._limits = {
            process.ins[name].buffer: process.step.growth_limit
            for process in run.processes
            for name in process.ins
        }

    def arm(self) -> None:
        """Look soon: a wait has begun, or a producer has ended."""
        if self._timer is None and not self._run.stopping:
            self._timer = self._run.loop.call_later(self._pause, self._look)

    def disarm(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        began = perf_counter()
        if not self._run.stopping:
            self._look_at(self._waiting())
        self._pause = min(max(SHORTEST, _SHARE * (perf_counter() - began)), LONGEST)

    def _look_at(self, waiting: dict[StreamProcess, _Waiting]) -> None:
        stuck = self._stuck(waiting)
        if not stuck:
            return
        # Only now is it worth looking at every task of the loop.
        awake = self._awake(waiting[process] for process in stuck)
        if awake:
            for process in awake:
                del waiting[process]
            self.arm()  # one that is awake may come to rest without another wait
            stuck = self._stuck(waiting)
        for ring in self._rings(stuck, waiting):
            self._resolve(ring, waiting)

    # Who waits

    def _waiting(self) -> dict[StreamProcess, _Waiting]:
        """Return the streams that wait in a port, whatever else they do."""
        found: dict[StreamProcess, _Waiting] = {}
        for process in self._run.processes:
            if not (process.starved.depth or process.backpressured.depth):
                continue
            each = _Waiting(process)
            timed = {timer.future for timer in process.timers}
            for port in process.ins.values():
                buffer = port.buffer
                futures = {f for f in buffer.getters if not f.done() and f not in timed}
                if futures and not buffer.items and buffer.producers:
                    each.pops.append(buffer)
                    each.futures |= futures
            for output in process.outs.values():
                futures = {
                    waiter.future
                    for waiter in output.waiters
                    if waiter.future and not waiter.future.done() and waiter.future not in timed
                }
                if futures and any(gate.full() for gate in output.gates):
                    each.pushes.append(output)
                    each.futures |= futures
            if each.futures:
                found[process] = each
        return found

    def _awake(self, those: Iterable[_Waiting]) -> list[StreamProcess]:
        """Return those of which a task waits for anything else, or for nothing."""
        known = {each.process: each for each in those}
        awake: dict[StreamProcess, None] = {}
        for task in asyncio.all_tasks(self._run.loop):
            process = process_of(task)
            if process is None or process not in known:
                continue
            if not rests(task, process, known[process].futures):
                awake[process] = None
        return list(awake)

    # Who is stuck

    def _stuck(self, waiting: dict[StreamProcess, _Waiting]) -> set[StreamProcess]:
        """Return the largest set of those that wait for others of the set alone."""
        needs = {process: self._needs(each) for process, each in waiting.items()}
        stuck = set(waiting)
        waited_for: dict[StreamProcess, list[StreamProcess]] = {}
        for process, waits in needs.items():
            for alternatives in (each for wait in waits for each in wait):
                for other in alternatives:
                    if other is not None:
                        waited_for.setdefault(other, []).append(process)
        pending = list(stuck)
        while pending:
            process = pending.pop()
            if process in stuck and any(_can_go(wait, stuck) for wait in needs[process]):
                stuck.discard(process)
                pending += [other for other in waited_for.get(process, ()) if other in stuck]
        return stuck

    def _needs(self, each: _Waiting) -> list[list[list[StreamProcess | None]]]:
        """Return for each wait what it needs: all of a list, of each any of a list.

        None stands for whoever is never stuck.
        """
        return [
            *([self._producers(buffer)] for buffer in each.pops),
            *(
                [self._emptiers(gate) for gate in output.gates if gate.full()]
                for output in each.pushes
            ),
        ]

    def _producers(self, buffer: Buffer) -> list[StreamProcess | None]:
        found: dict[StreamProcess | None, None] = {}
        for edge in buffer.edges:
            if isinstance(edge, Link):
                if edge.is_connected:
                    found[_owner(edge)] = None
            elif isinstance(edge, Terminal) and edge.live:
                found.update(dict.fromkeys(_feeding(edge.node)))
        return list(found) or [None]

    def _emptiers(self, gate: Gate) -> list[StreamProcess | None]:
        """Return those any of whom can make room at a gate that is full."""
        if isinstance(gate, Buffer):
            return [gate.process if isinstance(gate.process, StreamProcess) else None]
        head = self._holds.get(gate)
        return [None] if head is None else self._admitters(head)

    def _admitters(self, head: Head) -> list[StreamProcess | None]:
        """Return those whose end would let what holds `head` subscribe to it (D5)."""
        node = head.node
        if not _is_quiet(node, claims=True):
            return [None]
        others = [each for each in node.heads() if not each.held]
        found: dict[StreamProcess | None, None] = {}
        for other in others:
            found.update(dict.fromkeys(_into(other)))
        return list(found) or [None]

    @property
    def _holds(self) -> dict[Gate, Head]:
        return {
            head.hold: head for node in self._run.bridge.nodes.values() for head in node.heads()
        }

    # What is done about it

    def _rings(
        self, stuck: set[StreamProcess], waiting: dict[StreamProcess, _Waiting]
    ) -> Iterator[list[StreamProcess]]:
        """Yield the knots of the stuck that wait for nobody outside of themselves."""
        order = [process for process in self._run.processes if process in stuck]
        number = {process: place for place, process in enumerate(order)}
        onward: dict[int, list[Way]] = {}
        for process in order:
            others: dict[int, None] = {}
            for wait in self._needs(waiting[process]):
                for other in (other for each in wait for other in each):
                    if other in stuck and other is not None:
                        others[number[other]] = None
            onward[number[process]] = [Way(number[process], other) for other in others]
        for knot in knots(len(order), onward):
            if all(way.target in knot for each in knot for way in onward[each]):
                yield [order[each] for each in sorted(knot)]

    def _resolve(self, ring: list[StreamProcess], waiting: dict[StreamProcess, _Waiting]) -> None:
        members = set(ring)
        full = {
            gate: None
            for process in ring
            for output in waiting[process].pushes
            for gate in output.gates
            if gate.full() and isinstance(gate, Buffer) and gate.process in members
        }
        if not full and self._close_feedback(ring, waiting):
            return
        growing = [buffer for buffer in full if len(buffer.items) < self._limit(buffer)]
        drawing = Waits(wait for process in ring for wait in self._drawn(waiting[process], members))
        if growing:
            self._grow(min(growing, key=lambda buffer: len(buffer.items)), drawing)
            return
        self._run.fail("the watch for rings", _error(drawing, full, self._run.plan.name), None)

    def _limit(self, buffer: Buffer) -> int:
        limit = self._limits.get(buffer)
        if limit is None:
            limit = max(GROWTH_FACTOR * (buffer.threshold - buffer.growth), LEAST_LIMIT)
        return limit

    def _grow(self, buffer: Buffer, drawing: Waits) -> None:
        # Twice as much each time: a ring that needs a long lead should not be looked at as often.
        before = buffer.threshold
        items = max(before, len(buffer.items))
        buffer.grow(min(max(2 * items, items + 1), self._limit(buffer)) - before)
        # A push that lacks room elsewhere too waits on without a new wait, which would arm this.
        self.arm()
        if buffer not in self._warned:
            self._warned.add(buffer)
            _log.warning(
                "streams of workflow %r wait for each other in a ring, so that the buffer of "
                "%s.%s grows above its threshold of %d items (to at most %d); give its step a "
                "larger threshold:\n  %s",
                self._run.plan.name,
                buffer.process.path,
                buffer.port,
                before - (buffer.growth - (buffer.threshold - before)),
                self._limit(buffer),
                str(drawing).replace("\n", "\n  "),
            )

    def _close_feedback(
        self, ring: list[StreamProcess], waiting: dict[StreamProcess, _Waiting]
    ) -> bool:
        """Close the marked edges of a ring at rest; tell whether there was one (D6)."""
        members = set(ring)
        for process in ring:
            for port in process.ins.values():
                own = [edge for edge in port.buffer.edges if _comes_from(edge, members)]
                if own and port.buffer.items:
                    return False
        closed = False
        for process in ring:
            for buffer in waiting[process].pops:
                marked = [edge for edge in buffer.edges if _is_open(edge) and edge.feedback]
                if marked and len(marked) == buffer.producers:
                    closed = True
                    for edge in marked:
                        edge.rest()
        return closed

    def _drawn(self, each: _Waiting, members: set[StreamProcess]) -> Iterator[Wait]:
        path = each.process.path
        for buffer in each.pops:
            feeding = tuple(dict.fromkeys(self._labels(buffer, members)))
            yield Wait(path, buffer.port, "pop", feeding, 0)
        for output in each.pushes:
            gates = [gate for gate in output.gates if gate.full()]
            names = [
                f"{gate.process.path}.{gate.port}"
                if isinstance(gate, Buffer)
                else f"{self._holds[gate].node.node.name}, which reads it after others"
                for gate in gates
            ]
            yield Wait(path, output.name, "push", tuple(names), max(len(g.items) for g in gates))

    def _labels(self, buffer: Buffer, members: set[StreamProcess]) -> Iterator[str]:
        target = f"{buffer.process.path}.{buffer.port}"
        for source, to, link in self._run.edges:
            if to == target and link.is_connected and _owner(link) in members:
                yield source


# Waits


def _can_go(wait: list[list[StreamProcess | None]], stuck: set[StreamProcess]) -> bool:
    return all(any(other not in stuck for other in alternatives) for alternatives in wait)


def _owner(link: Link) -> StreamProcess | None:
    process = None if link.output is None else link.output.process
    return process if isinstance(process, StreamProcess) else None


def _is_open(edge: Any) -> bool:
    return bool(edge.is_connected if isinstance(edge, Link) else edge.live)


def _comes_from(edge: Any, members: set[StreamProcess]) -> bool:
    if isinstance(edge, Link):
        return edge.is_connected and _owner(edge) in members
    return edge.live and any(process in members for process in _feeding(edge.node))


def _feeding(node: NodeRun) -> list[StreamProcess | None]:
    """Return those any of whom can make `node` deliver; None for whatever is not seen (D4)."""
    if not _is_quiet(node):
        return [None]
    found: dict[StreamProcess | None, None] = {}
    for head in node.heads():
        found.update(dict.fromkeys(_into(head)))
    return list(found)


def _into(head: Head) -> list[StreamProcess | None]:
    found: dict[StreamProcess | None, None] = {}
    pending = [head]
    seen = {head}
    while pending:
        each = pending.pop()
        found.update(dict.fromkeys(_owner(link) for link in each.links if link.is_connected))
        for parent in each.parents:
            if parent.ended:
                continue
            if not _is_quiet(parent):
                found[None] = None
            for above in parent.heads():
                if above not in seen:
                    seen.add(above)
                    pending.append(above)
    return list(found)


def _is_quiet(node: NodeRun, *, claims: bool = False) -> bool:
    """Tell whether nothing comes out of `node` unless something goes in."""
    return all(map(stays_on_thread, node.node.operators)) and node.node.observable is None


def _error(drawing: Waits, full: object, name: str) -> DeadlockError:
    rests = not full
    hint = (
        "; a ring that is meant to rest is closed by an edge made with pipe(..., feedback=True)"
        if rests
        else "; the buffers of the ring have grown as far as growth_limit lets them"
    )
    text = str(drawing).replace("\n", "\n  ")
    return DeadlockError(
        f"streams of workflow {name!r} wait for each other in a ring and can never go on{hint}:"
        f"\n  {text}"
    )
