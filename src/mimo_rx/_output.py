"""The sending end of a port in a run."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence, Sized
from itertools import islice
from operator import length_hint
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._errors import OutputClosed
from ._gate import NEXT_ROUND, Gate, Timer, Waiter
from ._process import Budget
from ._push import (
    SHUT,
    SPENT,
    Nowhere,
    Shut,
    Through,
    ThroughOne,
    ToAll,
    ToOne,
    ToOneOfSeveral,
    Tracked,
    exhausted,
)

if TYPE_CHECKING:
    from ._buffer import Buffer
    from ._link import Link
    from ._process import Process

__all__ = ["Output"]

T = TypeVar("T")

_NOTHING: Any = object()
"""No item at all."""


class Output(Generic[T]):
    """The sending end of a port in a run.

    Args:
        process: The stream whose output this is.
        name: The port.
        side: Whether it is a side output, for which nobody needs to stay (C4).
    """

    __slots__ = (
        "_before",
        "_count",
        "_hand_over",
        "_push_batch",
        "_sole",
        "_usual",
        "appends",
        "breath",
        "budget",
        "closed",
        "counted",
        "deliver_now",
        "door",
        "doors",
        "gates",
        "links",
        "name",
        "near",
        "nowhere",
        "over",
        "pairs",
        "process",
        "pushed",
        "side",
        "stopped",
        "ticks",
        "waiters",
        "way",
    )

    def __init__(self, process: Process, name: str, *, side: bool = False) -> None:
        self.process = process
        self.name = name
        self.side = side
        self.links: list[Link] = []
        self.gates: list[Gate] = []
        self.waiters: list[Waiter] = []
        self.closed = False
        self.over = False
        self.stopped = False
        self.counted = False
        """Whether pushes are counted against P12 although a buffer bounds them."""
        self.breath = max(1, process.breath // 4)
        """Calls that need no wait before the loop goes round: a quarter of what is allowed, as it
        is for inputs (see :class:`Buffer`)."""
        self.pushed: Any = process.pushed
        """What a push returns that had room; to its receiver it is a coroutine."""
        self.budget: Budget | None = None
        """Counts the pushes; None where their number follows from the buffer."""
        self.way: type[Any] = Output
        """The short way for the edges that there are now."""
        self._before = 0
        self._count: Callable[[], int] = int
        """Returns the items pushed since the way was chosen."""
        self._usual = True
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
        # The short way for the edges that there are takes the place of this, see rebind().
        return self.push_slowly(item, timeout)

    async def push_many(self, items: Iterable[T]) -> None:
        """Hand over all of `items`, as many at a time as there is room for.

        An item is taken from the iterable only when there is room for it; so is the end of an
        iterator that does not tell how much is left, as a generator. Cancelled or failed midway,
        what went before stays, and an iterator handed in stands at the next item.

        Args:
            items: Any iterable; it may be endless.

        Raises:
            OutputClosed: :meth:`close` was called before.
            DownstreamClosed: Nobody reads this stream's main outputs any more.
            TypeError: `items` cannot be iterated over.
            Exception: Whatever the iterable raises.
        """
        iterator = self._iterator(items)
        ended = False
        while not ended:
            sole = self._sole  # a single buffer is looked at here: a call costs as much as an item
            full = self.lacking() if sole is None else len(sole.items) >= sole.gate
            if full or not self._usual:
                if self._usual and exhausted(iterator):
                    return
                await self.wait_for_room()
            # Whether it has ended shows when it gives less than there is room for.
            ended = self._push_batch(iterator)
            budget = self.budget
            if budget is not None and budget.due:
                await budget.breathe()

    def close(self) -> None:
        """Signal the end to every edge; a push after that raises ``OutputClosed``."""
        if self.closed:
            return
        self.closed = True
        links, self.links = self.links, []
        self.rebind()
        for link in links:
            link.finish()

    def is_connected(self) -> bool:
        """Tell whether any edge leads from here now."""
        return bool(self.links)

    # For the run

    @property
    def count(self) -> int:
        """Items pushed so far, read or not."""
        return self._before + self._count()

    def link(self, links: Iterable[Link]) -> None:
        """Lead `links` from here."""
        for link in links:
            link.attach(self)
            self.links.append(link)
        self.rebind()

    def unlink(self, link: Link) -> None:
        """Skip `link` from now on: its far side is gone (C4)."""
        if link not in self.links:
            return  # the output closes, and the end of another edge was the end of this one
        self.links.remove(link)
        self.rebind()
        self.process.edge_cancelled(self)

    def end_over(self) -> None:
        """Raise ``DownstreamClosed`` from now on (C4)."""
        self.over = True
        self.rebind()

    def stop(self) -> None:
        """Let no push pass without a trip through the loop: a cancel is on its way."""
        self.stopped = True
        self.rebind()

    def rebind(self) -> None:
        """Choose the short way anew, after the edges or their gates have changed."""
        self._before = self.count
        self.gates = list(dict.fromkeys(gate for link in self.links for gate in link.gates))
        self._usual = not (self.closed or self.over or self.stopped)
        self._sole = self.gates[0] if len(self.gates) == 1 else None
        self._shut()
        self.way = self._choose_way()
        self._push_batch = self._choose_batch()
        # Where nothing needs to be counted, the buffer itself takes it.
        straight = len(self.links) == 1 and self.budget is None
        self._hand_over = self.links[0].deliver if straight else self._deliver_counted
        way = self.way if self._usual else Output
        tracks = self._usual and self.process.debug
        self.__class__ = _CLASSES[Tracked if tracks else way]
        for waiter in self.waiters:
            waiter.leave_others(self.gates)
            waiter.wake()

    def _shut(self) -> None:
        """Let no way find room, whichever it is."""
        self.near: Buffer | Shut = SHUT
        self.pairs: Sequence[tuple[Sized, Any]] = (((), SHUT),)
        self.appends: Sequence[Callable[[T], None]] = ()
        self.doors: Sequence[Gate | Shut] = (SHUT,)
        self.door: Gate | Shut = SHUT
        self.nowhere = SPENT

    def _choose_way(self) -> type[Any]:
        """Choose the short way for the edges that there are, and open what it looks at."""
        links = self.links
        buffers = [link.buffer for link in links if link.buffer is not None]
        usual = self._usual
        if not links:
            self._spend(Budget(self.breath))
            if usual:
                self.nowhere = self.budget or SPENT
            return Nowhere
        if self.counted or len(buffers) < len(links):
            return self._choose_door()
        if len(links) > 1:
            self._spend(Budget())
            if usual:
                self.pairs = [(buffer.items, buffer) for buffer in buffers]
                self.appends = [buffer.items.append for buffer in buffers]
            return ToAll
        buffer = buffers[0]
        if usual:
            self.near = buffer
        if buffer.fan_in > 1:
            self._spend(Budget())
            return ToOneOfSeveral
        start = buffer.entered
        self.budget = None
        self._count = lambda: buffer.entered - start
        return ToOne

    def _choose_door(self) -> type[Any]:
        self._spend(Budget(self.breath))
        self.deliver_now = self.links[0].deliver if len(self.links) == 1 else self.deliver
        if len(self.gates) == 1:
            self.door = self.gates[0] if self._usual else SHUT
            return ThroughOne
        self.doors = tuple(self.gates) if self._usual else (SHUT,)
        return Through

    def _spend(self, budget: Budget) -> None:
        """Count pushes by `budget` from now on."""
        self.budget = budget
        self.ticks = budget.ticks
        self._count = lambda: budget.count

    # For ready-made streams, which take whole bursts (see _burst.py)

    def lacks_room(self) -> bool:
        """Tell whether a push would have to wait now, or be refused."""
        sole = self._sole
        full = self.lacking() if sole is None else len(sole.items) >= sole.gate
        return full or not self._usual

    def fill(self, iterator: Iterator[T]) -> Budget | None:
        """Push from `iterator` until there is no room or it ends; there is room for one item.

        Returns:
            The budget that is used up, if one is: let it breathe.
        """
        self._push_batch(iterator)
        budget = self.budget
        return budget if budget is not None and budget.due else None

    # The long way

    def push_slowly(self, item: T, timeout: float | None = None) -> Coroutine[Any, Any, None]:
        """Push where something is not ordinary: no room, a waiting consumer, a closed end."""
        if self._usual:
            for gate in self.gates:
                if len(gate.items) >= gate.gate:
                    break
            else:
                budget = self._deliver_counted(item)
                pushed: Any = self.process.pushed
                return pushed if budget is None else budget.breathe()
        return self.wait_for_room(timeout, item)

    def lacking(self) -> bool:
        """Tell whether a newcomer has to wait."""
        for gate in self.gates:  # noqa: SIM110 - any() takes twice as long
            if len(gate.items) >= gate.gate:
                return True
        return False

    async def wait_for_room(self, timeout: float | None = None, item: Any = _NOTHING) -> None:
        """Wait until every gate has room; what follows without an ``await`` may use it.

        Args:
            timeout: How long to wait at most, in seconds.
            item: What to push then: a coroutine of its own for that would cost as much again.
        """
        if not self._usual:
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
            booked = timeout is None and sole is not None and sole.book()
            if booked:
                process.soon += 1
                try:
                    await NEXT_ROUND
                finally:
                    process.soon -= 1
                    sole.unbook()  # type: ignore[union-attr] # it was booked
                if not self._usual:
                    await self._refuse()
            if not booked or self.lacking():
                await self._stand_in_line(timeout, first=booked)
        finally:
            clock.depth -= 1
            if not clock.depth:
                clock.total += clock.now() - clock.since
        if item is not _NOTHING:
            self._hand_over(item)

    async def _stand_in_line(self, timeout: float | None, *, first: bool) -> None:
        """Wait at every gate that lacks room, at the head of its line if `first`."""
        process = self.process
        if process.watch is not None:
            process.watch.arm()
        waiter = Waiter(self)
        timer = None
        if timeout is not None:
            timer = Timer(process.loop, timeout, self._what(), process.timers)
        self.waiters.append(waiter)
        try:
            # Newcomers look at the gates, which are shut while a turn is given (rule 2).
            full = [gate for gate in self.gates if len(gate.items) >= gate.gate]
            while full:
                for gate in full:
                    gate.enlist(waiter, first=first)
                future = waiter.future = Future(loop=process.loop)
                if timer is not None:
                    timer.watch(future)
                await future
                if not self._usual:
                    await self._refuse()
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
            raise OutputClosed(f"{self._what()} after close() of that output")

    # Delivery

    def deliver(self, item: T) -> None:
        """Hand `item` to every edge; there is room."""
        for link in tuple(self.links):
            link.deliver(item)

    def _deliver_counted(self, item: T) -> Budget | None:
        """Hand `item` over; return the budget that is used up, if one is."""
        budget = self.budget
        if budget is not None:
            budget.draw()
        self.deliver(item)
        return budget if budget is not None and budget.due else None

    def _choose_batch(self) -> Callable[[Iterator[T]], bool]:
        """Choose how to push what there is room for; it tells whether the iterator has ended."""
        if self.counted or any(link.buffer is None for link in self.links):
            return self._push_singly
        return self._extend if len(self.links) == 1 else self._extend_all

    def _extend(self, iterator: Iterator[T]) -> bool:
        """Push a batch to the one buffer, straight from the iterator."""
        buffer: Any = self.links[0].buffer
        items = buffer.items
        before = len(items)
        # Where the turn is another's, this one may take a place, but no more than one (rule 3).
        free: int = buffer.gate - before
        if free < 1:
            free = 1
        try:
            items.extend(islice(iterator, free))
        finally:
            added = len(items) - before
            if added:
                buffer.filled()
                if self.budget is not None:
                    self.budget.draw(added)
        return added < free

    def _extend_all(self, iterator: Iterator[T]) -> bool:
        """Push a batch to several buffers, or to none at all."""
        room = min((gate.gate - len(gate.items) for gate in self.gates), default=self.breath)
        free = max(1, room)
        batch: list[T] = []
        try:
            batch.extend(islice(iterator, free))
        finally:
            if self.budget is not None:
                self.budget.draw(len(batch))
            for link in self.links:
                if link.buffer is not None and batch:
                    link.buffer.items.extend(batch)
                    link.buffer.filled()
        return len(batch) < free

    def _push_singly(self, iterator: Iterator[T]) -> bool:
        """Push an item at a time, since nobody knows what operators make of each."""
        budget = self.budget
        assert budget is not None
        ticks = budget.ticks
        gate = self.gates[0] if len(self.gates) == 1 else None
        deliver = self.links[0].deliver if len(self.links) == 1 else self.deliver
        for item in islice(iterator, length_hint(ticks)):
            next(ticks, None)
            deliver(item)
            full = self.lacking() if gate is None else len(gate.items) >= gate.gate
            if full or self.budget is not budget:
                return False
        ended = length_hint(ticks) > 0
        budget.due = not ended
        return ended

    def _iterator(self, items: Iterable[T]) -> Iterator[T]:
        try:
            return iter(items)
        except TypeError:
            hint = ""
            if hasattr(items, "__aiter__"):
                hint = (
                    "; push the items of an async iterable one by one: "
                    f"`async for item in ...: await outs.{self.name}.push(item)`"
                )
            raise TypeError(
                f"push_many to output {self.name!r} of step {self.process.path!r} takes an "
                f"iterable, got {type(items).__name__}{hint}"
            ) from None

    def _what(self) -> str:
        return f"push to output {self.name!r} of step {self.process.path!r}"


_CLASSES: dict[type[Any], type[Output[Any]]] = {
    Output: Output,
    **{
        way: type("Output", (way, Output), {"__slots__": (), "__module__": __name__})
        for way in (ToOne, ToOneOfSeveral, ToAll, ThroughOne, Through, Nowhere, Tracked)
    },
}
"""An output of each way."""
