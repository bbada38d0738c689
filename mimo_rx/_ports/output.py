"""The sending end of a port in a run.

Rules: P2, P10, P13, C1.
"""

from __future__ import annotations

from asyncio import Future
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from .._errors import OutputClosed
from .buffer import Buffer
from .edge import Edge
from .gate import NEXT_ROUND, NOBODY, Gate, Timer, Waiter
from .pace import Budget, Owner
from .ways import (
    Nowhere,
    Through,
    ThroughOne,
    ToAll,
    ToOne,
    ToOneOfSeveral,
    Tracked,
    Way,
    choose_way,
    exhausted,
    iterator_of,
)

__all__ = ["Output"]

T = TypeVar("T")

_NOTHING: Any = object()
"""Stands for "no item", since None is an item."""


class Output(Way, Generic[T]):
    """The sending end of a port in a run.

    Args:
        process: The stream whose output this is.
        name: The port.
        side: Whether it is a side output, which does not keep the stream alive (C4).
    """

    __slots__ = ("_before", "_hand_over", "_sole", "closed", "over", "side", "stopped", "waiters")

    def __init__(self, process: Owner, name: str, *, side: bool = False) -> None:
        self.process = process
        self.name = name
        self.side = side
        self.edges: list[Edge] = []
        self.gates: Sequence[Gate] = ()
        self.waiters: list[Waiter] = NOBODY
        self.closed = False
        self.over = False
        self.stopped = False
        self.counted = False
        """Whether pushes are counted for P12 although a buffer bounds them."""
        self.allowance = max(1, process.allowance // 4)
        """Pushes that need no wait before the loop goes round: a quarter of what P12 allows, as for
        inputs (see :class:`Buffer`)."""
        self.pushed: Any = process.pushed
        """The value that a push returns when there was room; its type poses as a coroutine."""
        self.budget: Budget | None = None
        """Counts the pushes; None where `metered` tells their number."""
        self.way: type[Way] = Nowhere
        """The short way for the current edges."""
        self.metered: Buffer | None = None
        """The buffer whose count of items is the number of pushes, where no budget counts them."""
        self.entered_before = 0
        """Items that had entered `metered` when it began to count for this output."""
        self._before = 0
        self.usual = True
        """Whether pushes may take a short way."""
        self._sole: Gate | None = None
        self.rebind()

    def __repr__(self) -> str:
        """Show whose output it is."""
        return f"<Output {self.process.path}.{self.name}>"

    def push(self, item: T, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        """Hand `item` to every edge that leads from here; await it at once.

        Where there is room the call itself hands the item over, and ``await`` returns without a
        trip through the event loop. Where there is none, ``await`` waits until every edge has room.

        Args:
            item: What to push; ``None`` and other falsy things are items like any other.
            timeout: How long to wait for room at most, in seconds; None waits as long as it takes.

        Returns:
            An awaitable that ``create_task``, ``gather`` and ``wait_for`` accept too.

        Raises:
            OutputClosed: :meth:`close` was called before.
            DownstreamClosed: Nobody reads this stream's main outputs any more.
            TimeoutError: No room came in time; the item was handed to no edge.
        """
        # rebind() changes the class to one whose push is the short way for the current edges.
        return self.push_slowly(item, timeout)

    async def push_many(self, items: Iterable[T]) -> None:
        """Hand over all of `items`, as many at a time as there is room for.

        An item is taken from the iterable only when there is room for it. So is the end of an
        iterator that cannot tell how much is left, such as a generator. After a cancel or a failure
        midway, the items before it stay pushed, and an iterator handed in stands at the next item.

        Args:
            items: Any iterable; it may be endless.

        Raises:
            OutputClosed: :meth:`close` was called before.
            DownstreamClosed: Nobody reads this stream's main outputs any more.
            TypeError: `items` cannot be iterated over.
            Exception: Whatever the iterable raises.
        """
        iterator = iterator_of(self, items)
        ended = False
        while not ended:
            sole = self._sole  # a sole gate is looked at in place: a call costs as much as an item
            full = self.lacking() if sole is None else len(sole.items) >= sole.gate
            if full or not self.usual:
                if self.usual and exhausted(iterator):
                    return
                await self.wait_for_room()
            # An iterator that gives fewer items than there is room for has ended.
            ended = self.way.push_batch(self, iterator)
            budget = self.budget
            if budget is not None and budget.due:
                await budget.go_round()

    def close(self) -> None:
        """Signal the end to every edge; a push after that raises ``OutputClosed``."""
        if self.closed:
            return
        self.closed = True
        edges, self.edges = self.edges, []
        self.rebind()
        for edge in edges:
            edge.finish()

    def is_connected(self) -> bool:
        """Tell whether any edge leads from here now."""
        return bool(self.edges)

    # For the run

    @property
    def count(self) -> int:
        """Items pushed so far, read or not."""
        if self.metered is not None:
            return self._before + self.metered.entered - self.entered_before
        return self._before if self.budget is None else self._before + self.budget.count

    def connect(self, edges: Iterable[Edge]) -> None:
        """Lead `edges` from here."""
        for edge in edges:
            edge.attach(self)
            self.edges.append(edge)
        self.rebind()

    def disconnect(self, edge: Edge) -> None:
        """Skip `edge` from now on: its far side is gone (C4)."""
        if edge not in self.edges:
            return  # the output is closing, and the end of another edge has already ended this one
        self.edges.remove(edge)
        self.rebind()
        self.process.edge_cancelled(self)

    def end_over(self) -> None:
        """Raise ``DownstreamClosed`` from now on (C4)."""
        self.over = True
        self.rebind()

    def stop(self) -> None:
        """Make every push go through the loop from now on: a cancel is on its way."""
        self.stopped = True
        self.rebind()

    def rebind(self) -> None:
        """Choose the short way again, after the edges or their gates have changed."""
        self._before = self.count
        edges = self.edges
        if len(edges) == 1:
            self.gates = edges[0].gates
        else:
            self.gates = tuple(dict.fromkeys(gate for edge in edges for gate in edge.gates))
        self.usual = not (self.closed or self.over or self.stopped)
        self._sole = self.gates[0] if len(self.gates) == 1 else None
        self.way = choose_way(self)
        # Where no budget counts the pushes, an item goes straight to the one edge.
        self._hand_over = self._deliver_counted if self.metered is None else edges[0].deliver
        way = self.way if self.usual else Output
        tracks = self.usual and self.process.debug
        self.__class__ = _CLASSES[Tracked if tracks else way]
        for waiter in self.waiters:
            waiter.leave_others(self.gates)
            waiter.wake()

    # For ready-made streams, which take whole bursts (see burst.py)

    def lacks_room(self) -> bool:
        """Tell whether a push would have to wait now, or be refused."""
        return not self.usual or self.lacking()

    def fill(self, iterator: Iterator[T]) -> Budget | None:
        """Push from `iterator` until there is no more room or it ends.

        The caller has made sure that there is room for one item.

        Returns:
            The budget if it is used up, for the caller to await its ``go_round()``; else None.
        """
        self.way.push_batch(self, iterator)
        budget = self.budget
        return budget if budget is not None and budget.due else None

    # The long way

    def push_slowly(self, item: T, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        """Push where something is not ordinary: no room, a waiting consumer, a closed end."""
        if self.usual:
            for gate in self.gates:
                if len(gate.items) >= gate.gate:
                    break
            else:
                budget = self._deliver_counted(item)
                pushed: Any = self.process.pushed
                return pushed if budget is None else budget.go_round()
        return self.wait_for_room(timeout, item)

    def lacking(self) -> bool:
        """Tell whether a newcomer has to wait."""
        for gate in self.gates:  # noqa: SIM110 - any() takes twice as long
            if len(gate.items) >= gate.gate:
                return True
        return False

    async def wait_for_room(self, timeout: float | None = None, item: Any = _NOTHING) -> None:
        """Wait until every gate has room; the caller may use it until its next ``await``.

        Args:
            timeout: How long to wait at most, in seconds.
            item: The item to push then. A second coroutine for that would double the cost.
        """
        if not self.usual:
            await self._refuse()
        process = self.process
        clock = process.backpressured
        if clock.depth:
            clock.depth += 1
        else:
            clock.depth = 1
            clock.since = clock.now()
        try:
            sole = self._sole
            reserved = None
            if sole is not None and sole.consumer.runs_next and timeout is None and sole.reserve():
                reserved = sole
                process.runs_next += 1
                try:
                    await NEXT_ROUND
                finally:
                    process.runs_next -= 1
                    reserved.cancel_reservation()
                if not self.usual:
                    await self._refuse()
            if reserved is None or self.lacking():
                await self._stand_in_line(timeout, reserved)
        finally:
            clock.depth -= 1
            if not clock.depth:
                clock.total += clock.now() - clock.since
        if item is not _NOTHING:
            self._hand_over(item)

    async def _stand_in_line(self, timeout: float | None, reserved: Gate | None) -> None:
        """Wait at every gate that lacks room, and at the head of the line if it was `reserved`."""
        process = self.process
        if process.watch is not None:
            process.watch.arm()
        waiter = Waiter(self)
        timer = None
        if timeout is not None:
            timer = Timer(process, timeout, self._what())
        if self.waiters is NOBODY:
            self.waiters = []
        self.waiters.append(waiter)
        try:
            # A newcomer compares with `gate`, which is 0 while a turn is given (rule 2). Once woken
            # it compares with `threshold` (rule 3).
            sole = self._sole
            if sole is not None:  # the usual case, without the call of a comprehension
                full: Sequence[Gate] = () if len(sole.items) < sole.gate else (sole,)
            else:
                full = [gate for gate in self.gates if len(gate.items) >= gate.gate]
            while full:
                for gate in full:
                    gate.enlist(waiter, first=gate is reserved)
                future = waiter.future = Future(loop=process.loop)
                if timer is not None:
                    timer.watch(future)
                await future
                if not self.usual:
                    await self._refuse()
                sole = self._sole
                if sole is not None:
                    full = () if len(sole.items) < sole.threshold else (sole,)
                else:
                    full = [gate for gate in self.gates if len(gate.items) >= gate.threshold]
                if full:
                    waiter.give_back()
            waiter.served = True
        finally:
            self.waiters.remove(waiter)
            waiter.leave()
            if timer is not None:
                timer.cancel()

    async def _refuse(self) -> None:
        if self.stopped:
            await self.process.give_way()
        if self.over:
            raise self.process.downstream_closed(self.name)
        if self.closed:
            raise OutputClosed(f"{self._what()} after it was closed")

    # Delivery

    def deliver(self, item: T) -> None:
        """Hand `item` to every edge; there is room."""
        for edge in tuple(self.edges):
            edge.deliver(item)

    def _deliver_counted(self, item: T) -> Budget | None:
        """Count and hand over `item`; return the budget if it is used up, else None."""
        budget = self.budget
        if budget is not None:
            budget.spend()
        self.deliver(item)
        return budget if budget is not None and budget.due else None

    def _what(self) -> str:
        return f"push to {self.process.where('output', self.name)}"


# Python's warning about a forgotten `await` names this coroutine: let it say "push".
Output.wait_for_room.__qualname__ = Output.push.__qualname__

_CLASSES: dict[type[Any], type[Output[Any]]] = {
    Output: Output,
    **{
        way: type("Output", (way, Output), {"__slots__": (), "__module__": __name__})
        for way in (ToOne, ToOneOfSeveral, ToAll, ThroughOne, Through, Nowhere, Tracked)
    },
}
"""For each way, the class of an output that pushes by it."""
