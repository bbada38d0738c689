"""The watch for rings: streams that wait for each other and can never go on (D1-D6).

The watch reads who waits for whom off the ports when it looks, so a push or pop that needs no wait
costs nothing extra. A fan-in waits for *any* of its producers, a fan-out for *all* consumers that
lack room (the OR and the AND model of Chandy, Misra and Haas 1983). The stuck streams are the
largest set of waiting streams in which each waits only for others of the set. To find it, a
worklist takes the streams that can go on out of those that wait.

A ring with a full buffer in it is an artificial deadlock of bounded buffers (Parks 1995): the
smallest full buffer grows (Geilen and Basten 2003). A ring of pops alone is a real deadlock.

Rules: D1, D2, D4, D5, D6.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from time import perf_counter
from typing import Any, Protocol

from .._bridge.bridge import Bridge
from .._bridge.head import Head
from .._plan.plan import Plan
from .._plan.shape import knots, steps_in_circles
from .._ports.buffer import Buffer, Feed
from .._ports.edge import Edge
from .._ports.gate import Gate
from .._ports.pace import Owner
from .deadlock_text import deadlock, growth_warning
from .processes import StreamProcess
from .task_waits import process_of, rests
from .waits import Waiting, Waits, find_waits, waiting_in

__all__ = ["Watch"]

_log = logging.getLogger("mimo_rx")

SHORTEST, USUAL, LONGEST = 0.005, 0.05, 0.09
"""Seconds from the start of a wait to the look at it: after a buffer has grown, usually, and at
most. The last one stays below the 0.1 s that D1 allows."""
_SHARE = 20
"""The pause after a look is at least so many times as long as the look, up to ``LONGEST``."""
GROWTH_FACTOR, LEAST_LIMIT = 64, 10_000
"""How far a buffer may grow without a ``growth_limit``: this multiple of its threshold, but at
least so many items."""


class Watched(Protocol):
    """The run, as its watch sees it."""

    loop: asyncio.AbstractEventLoop
    plan: Plan
    processes: list[StreamProcess]
    edges: list[tuple[str, str, Edge]]
    bridge: Bridge

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""

    def fail(self, where: str, error: BaseException, note: str | None) -> None:
        """Fail the run."""


class Watch:
    """Looks for rings in one run.

    Args:
        run: The run; its outputs and inputs are wired.
    """

    def __init__(self, run: Watched) -> None:
        self._run = run
        self._timer: asyncio.TimerHandle | None = None
        self._pause = USUAL
        self._has_grown = False
        """Whether the last look made a buffer grow; the next look then comes sooner."""
        self._warned: set[Buffer] = set()
        self._watched = [run.processes[number] for number in sorted(steps_in_circles(run.plan))]
        for process in self._watched:
            process.watch = self

    def arm(self) -> None:
        """Look soon: a wait has begun, or a producer has ended."""
        if self._timer is None and not self._run.stopping:
            self._timer = self._run.loop.call_later(self._pause, self._look)

    def disarm(self) -> None:
        """Cancel the next look."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        began = perf_counter()
        if not self._run.stopping:
            self._look_at(self._waiting())
        least = SHORTEST if self._has_grown else USUAL
        self._has_grown = False
        self._pause = min(max(least, _SHARE * (perf_counter() - began)), LONGEST)

    def _look_at(self, waiting: dict[StreamProcess, Waiting]) -> None:
        stuck = self._stuck(waiting)
        if not stuck:
            return
        # This looks at every task of the loop, so it is done only if some streams seem stuck.
        awake = self._awake(waiting[process] for process in stuck)
        if awake:
            for process in awake:
                del waiting[process]
            self.arm()  # an awake stream may come to rest without starting another wait
            stuck = self._stuck(waiting)
        for ring in self._rings(stuck, waiting):
            self._resolve(ring, waiting)

    # Who waits

    def _waiting(self) -> dict[StreamProcess, Waiting]:
        """Return the streams that wait in a port, even if other tasks of theirs go on."""
        found: dict[StreamProcess, Waiting] = {}
        for process in self._watched:
            if process.starved.depth or process.backpressured.depth:
                waiting = waiting_in(process, timed=False)
                if waiting is not None:
                    found[process] = waiting
        return found

    def _awake(self, those: Iterable[Waiting]) -> list[StreamProcess]:
        """Return the streams with a task that does not rest; see :func:`rests`."""
        known: dict[object, Waiting] = {each.process: each for each in those}
        waits: dict[StreamProcess, set[asyncio.Future[Any]]] = {}
        awake: dict[StreamProcess, None] = {}
        for task in asyncio.all_tasks(self._run.loop):
            process = process_of(task)
            if process is None or process not in known:
                continue
            futures = waits.get(process)
            if futures is None:
                futures = waits[process] = known[process].futures()
            if not rests(task, process, futures):
                awake[process] = None
        return list(awake)

    # Who is stuck

    def _stuck(self, waiting: dict[StreamProcess, Waiting]) -> set[StreamProcess]:
        """Return the largest set of streams in which each waits only for others of the set."""
        # `lacking` counts for each wait the needs that no live stream serves yet; `served_by` lists
        # for each stream the needs that it can serve. Each need of a live stream is looked at once.
        lacking: list[int] = []
        waiter: list[StreamProcess] = []
        served: list[bool] = []
        wait_of: list[int] = []
        served_by: dict[StreamProcess, list[int]] = {}
        live: list[StreamProcess] = []
        for process, each in waiting.items():
            for wait in self._needs(each):
                waiter.append(process)
                lacking.append(0)
                for alternatives in wait:
                    if any(other not in waiting for other in alternatives):
                        continue
                    lacking[-1] += 1
                    for other in alternatives:
                        if other is not None:
                            served_by.setdefault(other, []).append(len(served))
                    served.append(False)
                    wait_of.append(len(lacking) - 1)
                if not lacking[-1]:
                    live.append(process)
        stuck = set(waiting)
        while live:
            process = live.pop()
            if process not in stuck:
                continue
            stuck.discard(process)
            for place in served_by.get(process, ()):
                if not served[place]:
                    served[place] = True
                    lacking[wait_of[place]] -= 1
                    if not lacking[wait_of[place]]:
                        live.append(waiter[wait_of[place]])
        return stuck

    def _needs(self, each: Waiting) -> list[list[list[StreamProcess | None]]]:
        """Return the needs of each wait: it needs all of them, and for each need any one stream.

        None stands for something that is never stuck, such as the caller of the run.
        """
        return [
            *([self._producers(buffer)] for buffer in each.pops),
            *(
                [self._emptiers(gate) for gate in output.gates if gate.full()]
                for output in each.pushes
            ),
        ]

    def _producers(self, buffer: Buffer) -> list[StreamProcess | None]:
        found = (source for feed in buffer.edges if feed.live for source in feed.sources())
        return _seen(found) or [None]

    def _emptiers(self, gate: Gate) -> list[StreamProcess | None]:
        """Return the streams of which any can make room at a full gate."""
        if isinstance(gate, Buffer):
            return [gate.process if isinstance(gate.process, StreamProcess) else None]
        head = self._run.bridge.holds.get(gate)
        return [None] if head is None else self._admitters(head)

    def _admitters(self, held: Head) -> list[StreamProcess | None]:
        """Return the streams of which any may, by an item or its end, free `held` (D5)."""
        found: dict[StreamProcess | None, None] = {}
        pending = [held]
        seen = {held}
        while pending:
            node = pending.pop().node
            if not node.is_quiet:
                return [None]
            if node.started:
                inlets = (other for other in node.heads() if not other.held)
                found.update(dict.fromkeys(_seen(s for other in inlets for s in other.sources())))
            else:  # it waits for its readers to subscribe, so look at what those wait for
                new = [each for each in node.readers if isinstance(each, Head) and each.held]
                pending += [each for each in new if each not in seen]
                seen.update(new)
        return list(found) or [None]

    # What is done about it

    def _rings(
        self, stuck: set[StreamProcess], waiting: dict[StreamProcess, Waiting]
    ) -> Iterator[list[StreamProcess]]:
        """Yield the knots of stuck streams that wait for no stream outside of the knot."""
        order = [process for process in self._watched if process in stuck]
        number = {process: place for place, process in enumerate(order)}
        onward: dict[int, list[int]] = {}
        for process in order:
            others: dict[int, None] = {}
            for wait in self._needs(waiting[process]):
                for other in (other for each in wait for other in each):
                    if other in stuck and other is not None:
                        others[number[other]] = None
            onward[number[process]] = list(others)
        for knot in knots(len(order), onward):
            if all(target in knot for each in knot for target in onward[each]):
                yield [order[each] for each in sorted(knot)]

    def _resolve(self, ring: list[StreamProcess], waiting: dict[StreamProcess, Waiting]) -> None:
        members = set(ring)
        full = {
            gate: None
            for process in ring
            for gate in waiting[process].full()
            if isinstance(gate, Buffer) and gate.process in members
        }
        if not full and self._close_feedback(ring, waiting):
            return
        growing = [buffer for buffer in full if len(buffer.items) < self._limit(buffer)]
        those = [waiting[process] for process in ring]
        drawing = find_waits(those, self._run.edges, self._run.bridge.holds, ring)
        if growing:
            self._grow(min(growing, key=lambda buffer: len(buffer.items)), drawing)
            return
        self._run.fail(
            "the watch for rings",
            deadlock(drawing, self._run.plan.name, has_grown=bool(full)),
            None,
        )

    def _limit(self, buffer: Buffer) -> int:
        process = buffer.process
        limit = process.step.growth_limit if isinstance(process, StreamProcess) else None
        if limit is None:
            limit = max(GROWTH_FACTOR * (buffer.threshold - buffer.growth), LEAST_LIMIT)
        return limit

    def _grow(self, buffer: Buffer, drawing: Waits) -> None:
        # Double it each time, so that a ring that needs a large buffer takes few looks.
        self._has_grown = True
        items = max(buffer.threshold, len(buffer.items))
        buffer.grow(min(2 * items, self._limit(buffer)) - buffer.threshold)
        # A push that still lacks room elsewhere starts no new wait, so nothing else arms the watch.
        self.arm()
        if buffer not in self._warned:
            self._warned.add(buffer)
            limit = self._limit(buffer)
            _log.warning("%s", growth_warning(drawing, self._run.plan.name, buffer, limit))

    def _close_feedback(
        self, ring: list[StreamProcess], waiting: dict[StreamProcess, Waiting]
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
                marked = [edge for edge in buffer.edges if edge.live and edge.feedback]
                if marked and len(marked) == buffer.producers:
                    closed = True
                    for edge in marked:
                        edge.rest()
        return closed


def _comes_from(feed: Feed, members: set[StreamProcess]) -> bool:
    return feed.live and any(source in members for source in feed.sources())


def _seen(sources: Iterable[Owner | None]) -> list[StreamProcess | None]:
    """Return the streams among `sources`, each once; None for the others, which never get stuck."""
    streams = (each if isinstance(each, StreamProcess) else None for each in sources)
    return list(dict.fromkeys(streams))
