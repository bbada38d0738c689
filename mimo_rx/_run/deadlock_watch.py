"""The watch for rings: streams that wait for each other and can never go on (D1-D6).

Who waits for whom is read off the ports when it is asked for, so that a push or pop that needs no
wait pays nothing. A fan-in waits for *any* of its producers, a fan-out for *all* consumers that
lack room. The stuck are the largest set of waiting streams each of which waits for others of the
set alone; a worklist takes the live ones out of those that wait (Chandy, Misra and Haas 1983 call
the two kinds of waits the OR and the AND model).

A ring with a full buffer in it is an artificial deadlock of bounded buffers (Parks 1995): the
smallest one grows (Geilen and Basten 2003). A ring of reads alone is a real one.

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
from .._plan.rings import knots, steps_in_circles
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
"""Seconds between a wait and the look at it: after a buffer has grown, usually, and at most, which
leaves something of the tenth of a second that D1 allows."""
_SHARE = 20
"""A look is followed by a pause of so many times its length, if that is not more than at most."""
GROWTH_FACTOR, LEAST_LIMIT = 64, 10_000
"""What a buffer may grow to, if ``growth_limit`` does not say: a multiple of the threshold, at
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
        """Take a failure."""


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
        """Whether the last look made a buffer grow: if that was not enough, the next is near."""
        self._warned: set[Buffer] = set()
        self._watched = [run.processes[number] for number in sorted(steps_in_circles(run.plan))]
        for process in self._watched:
            process.watch = self

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
        least = SHORTEST if self._has_grown else USUAL
        self._has_grown = False
        self._pause = min(max(least, _SHARE * (perf_counter() - began)), LONGEST)

    def _look_at(self, waiting: dict[StreamProcess, Waiting]) -> None:
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

    def _waiting(self) -> dict[StreamProcess, Waiting]:
        """Return the streams that wait in a port, whatever else they do."""
        found: dict[StreamProcess, Waiting] = {}
        for process in self._watched:
            if process.starved.depth or process.backpressured.depth:
                waiting = waiting_in(process, timed=False)
                if waiting is not None:
                    found[process] = waiting
        return found

    def _awake(self, those: Iterable[Waiting]) -> list[StreamProcess]:
        """Return those of which a task waits for anything else, or for nothing."""
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
        """Return the largest set of those that wait for others of the set alone."""
        # For each wait what it still lacks, for each stream the waits and alternatives it is in:
        # as a stream turns out live, each of them is looked at once.
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
        found = (source for feed in buffer.edges if feed.live for source in feed.sources())
        return _seen(found) or [None]

    def _emptiers(self, gate: Gate) -> list[StreamProcess | None]:
        """Return those any of whom can make room at a gate that is full."""
        if isinstance(gate, Buffer):
            return [gate.process if isinstance(gate.process, StreamProcess) else None]
        head = self._run.bridge.holds.get(gate)
        return [None] if head is None else self._admitters(head)

    def _admitters(self, held: Head) -> list[StreamProcess | None]:
        """Return those whose items or end would let what holds `held` subscribe to it (D5)."""
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
            else:  # it waits for its readers, and they for what they wait for
                new = [each for each in node.readers if isinstance(each, Head) and each.held]
                pending += [each for each in new if each not in seen]
                seen.update(new)
        return list(found) or [None]

    # What is done about it

    def _rings(
        self, stuck: set[StreamProcess], waiting: dict[StreamProcess, Waiting]
    ) -> Iterator[list[StreamProcess]]:
        """Yield the knots of the stuck that wait for nobody outside of themselves."""
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
        # Twice as much each time: a ring that needs a long lead should not be looked at as often.
        self._has_grown = True
        items = max(buffer.threshold, len(buffer.items))
        buffer.grow(min(2 * items, self._limit(buffer)) - buffer.threshold)
        # A push that lacks room elsewhere too waits on without a new wait, which would arm this.
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
    """Return the streams among `sources`, each once; None for all that is never stuck."""
    streams = (each if isinstance(each, StreamProcess) else None for each in sources)
    return list(dict.fromkeys(streams))
