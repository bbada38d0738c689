"""Streams that go by the clock: ``Delay``, ``Throttle``, ``Window``."""

from __future__ import annotations

import asyncio
from collections import deque
from math import isclose
from typing import Any, ClassVar

from .._ports.burst import take
from .._ports.pace import Owner, Turn
from ._base import ReadyMade
from ._tasks import Crew

__all__ = ["Delay", "Throttle", "Window"]


class Delay(ReadyMade):
    """Give each item away so long after it came in, in the same order.

    Inputs: ``item``. Outputs: ``item``.

    Emits when: `seconds` have passed since the item was taken; the spaces between items are kept.
    Backpressures when: ``item`` has no room for what is due: it is late then, and the items after
        it go out at their own time again. Once `max_items` are held, it takes no more.
    Completes when: the input has ended and the last item is given away, at its time.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more. What is held is dropped.

    It is determinate in what it gives, not in when.

    Args:
        seconds: How long each item is held, at least 0, by the clock of the loop.
        max_items: Items that it holds at most, at least 1. More than that in `seconds` cannot pass.
        name: Name of the stream.

    Raises:
        WiringError: An argument is out of its range.

    Example:
        >>> (range(3) | Delay(0.01)).to_list().run()
        [0, 1, 2]
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, seconds: float, max_items: int = 1000, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.check_seconds("seconds", seconds, zero=True)
        self.check_count("max_items", max_items)
        self._seconds = seconds
        self._most = max_items

    async def run(self, ins: Any, outs: Any) -> None:
        """Take items in one task, and give them away in another."""
        held = _Held(outs.item.process)
        crew = Crew(outs.item.process)
        crew.start(self._take(ins.item, held))
        crew.start(self._give(outs.item, held))
        await crew.join()

    async def _take(self, source: Any, held: _Held) -> None:
        clock = source.buffer.loop.time
        while True:
            while (room := self._most - len(held.items)) < 1:
                await held.change()
            chunk = await take(source, room)
            if not chunk:
                break
            due = clock() + self._seconds
            held.items.extend((due, item) for item in chunk)
            del chunk  # while it waits for the next one
            held.changed()
        held.ended = True
        held.changed()

    async def _give(self, output: Any, held: _Held) -> None:
        loop = output.process.loop
        items = held.items
        while items or not held.ended:
            if not items:
                await held.change()
                continue
            due, item = items[0]
            if due > loop.time():
                await _wait_until(loop, due)
            await output.push(item)
            del item
            items.popleft()  # only now, as it was held until now
            held.changed()


class _Held:
    """What one task of a stream has taken and another is to give away.

    Args:
        process: The stream in its run.
    """

    def __init__(self, process: Owner) -> None:
        self.items: deque[tuple[float, Any]] = deque()
        self.ended = False
        """Whether no more will come."""
        self._loop = process.loop
        self._turn: Turn | None = None

    async def change(self) -> None:
        """Wait until the other task has changed something; only one of them ever has to."""
        self._turn = Turn(loop=self._loop)
        await self._turn

    def changed(self) -> None:
        """Wake the other task, if it waits."""
        turn, self._turn = self._turn, None
        if turn is not None and not turn.done():
            turn.set_result(None)


class Throttle(ReadyMade):
    """Let through so many items in a time; the others wait, and none is dropped.

    It is a token bucket: it holds at most `burst` tokens, gets `rate` of them every `per` seconds,
    evenly, and an item costs one. It is kept as the generic cell rate algorithm (ITU-T I.371,
    "virtual scheduling"), which remembers one moment instead of counting tokens.

    Inputs: ``item``. Outputs: ``item``.

    Emits when: there is a token: `burst` items at once after a pause, then one every `per` / `rate`
        seconds.
    Backpressures when: there is no token, or ``item`` has no room. Nothing is held meanwhile: an
        item is taken when it may go. Tokens do not pile up beyond `burst` behind a slow reader: the
        moment that counts is that at which an item is handed over.
    Completes when: the input has ended and the last item is given away.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate in what it gives, not in when.

    Args:
        rate: Items that pass every `per` seconds on average, a number above 0. Where an item is to
            come more often than the loop's timers do (some 10,000 times a second), give a `burst`.
        per: Seconds above 0.
        burst: Items that may pass at once, at least 1. With 1, no two are closer together than
            `per` / `rate` seconds, so that what a late timer costs is never made up for; with 2 it
            is.
        name: Name of the stream.

    Raises:
        WiringError: An argument is out of its range.

    Example:
        >>> (range(3) | Throttle(100)).to_list().run()
        [0, 1, 2]
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self, rate: float, per: float = 1.0, burst: int = 1, *, name: str | None = None
    ) -> None:
        super().__init__(name=name)
        self.check_number("rate", rate, "items")
        self.check_seconds("per", per)
        self.check_count("burst", burst)
        self._rate = rate
        self._per = per
        self._burst = burst

    async def run(self, ins: Any, outs: Any) -> None:
        """Let items through."""
        source, output = ins.item, outs.item
        loop = source.buffer.loop
        # Tokens are counted from a moment at which the bucket was full: to add up intervals would
        # add up their errors.
        since, spent = loop.time(), 0
        while await source.buffer.ready(leaves=True):
            due = since + (spent + 1 - self._burst) * self._per / self._rate
            if due > loop.time():
                await _wait_until(loop, due)
            if output.lacks_room():
                await output.wait_for_room()
            await output.push(await source.pop())
            now = loop.time()
            if now > since + spent * self._per / self._rate:  # it had been full for a while
                since, spent = now, 0
            spent += 1


class Window(ReadyMade):
    """Make a list of the items of each span of time.

    Windows are counted from the moment of the first item, and are open at their end: number k, from
    0, has the items taken from k × `every` on, but before k × `every` + `seconds`. An item counts
    for the moment at which it was taken.

    Inputs: ``item``. Outputs: ``item``, the lists, of which none is empty: a window without items
    gives none.

    Emits when: a window is over and has items. At the end of the input, all that have items go out.
    Backpressures when: ``item`` has no room; nothing is taken then. Once `max_items` are held it
        takes no more until the oldest window is over: items are late then, and never dropped.
    Completes when: the input has ended and the last list is given away.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is not determinate: it goes by the clock.

    Args:
        seconds: How long a window is, above 0, by the clock of the loop.
        every: Seconds above 0, at most `seconds`, after which the next window begins: an item is in
            several windows then. None begins it where the one before ends.
        max_items: Items that it holds at most, at least 1, beside the list that it gives
            away.
        name: Name of the stream.

    Raises:
        WiringError: An argument is out of its range.

    Example:
        >>> (range(3) | Window(60.0)).to_list().run()
        [[0, 1, 2]]
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self,
        seconds: float,
        every: float | None = None,
        max_items: int = 10_000,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        self.check_seconds("seconds", seconds)
        if every is None:
            every = seconds
        self.check_seconds("every", every)
        if every > seconds:
            self.refuse(
                f"every must be at most seconds, {seconds!r}",
                every,
                "what comes between two windows would be dropped",
            )
        self.check_count("max_items", max_items)
        self._seconds = seconds
        self._every = every
        self._most = max_items

    async def run(self, ins: Any, outs: Any) -> None:
        """Make lists."""
        clock = ins.item.buffer.loop.time
        frames = _Frames(self._seconds, self._every)
        while chunk := await take(ins.item, self._most):
            frames.add(clock(), chunk)
            del chunk  # it is held by the frames alone
            while frames.items:
                await self._gather(ins.item, frames)
                await outs.item.push(frames.close())

    async def _gather(self, source: Any, frames: _Frames) -> None:
        """Take items until the first window is over, or the input has ended."""
        loop = source.buffer.loop
        end = frames.closes(frames.number)
        while (left := end - loop.time()) > 0:
            room = self._most - len(frames.items)
            try:
                if room < 1:
                    if await source.buffer.ready(left, leaves=True):
                        await _wait_until(loop, end)
                    return
                chunk = await take(source, room, timeout=left)
            except TimeoutError:
                return
            if not chunk:
                return
            frames.add(loop.time(), chunk)
            del chunk  # while it waits for the next one


class _Frames:
    """Where windows begin and end, and the items of those that are not over.

    Args:
        seconds: How long each is.
        every: How long after another the next one begins.
    """

    def __init__(self, seconds: float, every: float) -> None:
        self.items: deque[tuple[float, Any]] = deque()
        self.number = 0
        """The first window that has one of the items."""
        self._start: float | None = None
        self._seconds = seconds
        self._every = every
        # Where an end is also a beginning, both must be the same float.
        whole = round(seconds / every)
        self._whole = whole if isclose(whole * every, seconds) else 0

    def opens(self, number: int) -> float:
        """Return when a window begins, once there has been an item."""
        assert self._start is not None
        return self._start + number * self._every

    def closes(self, number: int) -> float:
        """Return when a window ends."""
        if self._whole:
            return self.opens(number + self._whole)
        return self.opens(number) + self._seconds

    def add(self, now: float, items: list[Any]) -> None:
        """Add items that came `now`; the very first ones begin the first window."""
        if self._start is None:
            self._start = now
        self.items.extend((now, item) for item in items)
        self._settle()

    def close(self) -> list[Any]:
        """Return the items of the first window, and go on to the next one that has any.

        What comes later is in the windows after it, also if a timer closed it a little early.
        """
        end = self.closes(self.number)
        items = [item for moment, item in self.items if moment < end]
        self.number += 1
        begin = self.opens(self.number)
        while self.items and self.items[0][0] < begin:
            self.items.popleft()
        self._settle()
        return items

    def _settle(self) -> None:
        if not self.items:
            return
        moment = self.items[0][0]
        # Not one after the other: nothing may have come for days.
        near = int((moment - self.opens(0) - self._seconds) / self._every) - 1
        self.number = max(self.number, near)
        while self.closes(self.number) <= moment:
            self.number += 1


async def _wait_until(loop: asyncio.AbstractEventLoop, moment: float) -> None:
    """Wait until the clock of `loop` says `moment`."""
    future: asyncio.Future[None] = loop.create_future()
    handle = loop.call_at(moment, _end, future)
    try:
        await future
    finally:
        handle.cancel()


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():  # else it was cancelled in this very turn of the loop
        future.set_result(None)
