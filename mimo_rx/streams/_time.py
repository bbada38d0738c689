"""Streams that depend on the clock: ``Delay``, ``Throttle``, ``Window``."""

from __future__ import annotations

import asyncio
from collections import deque
from math import isclose
from typing import Any, ClassVar

from .._ports.burst import take
from .._ports.pace import InnerWait, Owner
from ._ready_made import ReadyMade
from ._tasks import Crew

__all__ = ["Delay", "Throttle", "Window"]


class Delay(ReadyMade):
    """Emit each item a fixed time after it came, in the same order.

    Inputs: ``item``. Outputs: ``item``.

    Emits when: `seconds` have passed since the item was popped. Intervals between items are kept.
    Backpressures when: ``item`` has no room for an item that is due. That item is late, and those
        after it are on time again. While it holds `max_items`, it pops no more.
    Completes when: the input has ended and the last item has been pushed, at its time.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more. The items that it holds are dropped.

    What it emits is determinate, but not when.

    Args:
        seconds: How long each item is held, at least 0, by the clock of the loop.
        max_items: The most items that it holds, at least 1. No more than that pass in `seconds`.
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
        """Pop items in one task, and push them in another."""
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
            del chunk  # release it while waiting for the next one
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
            items.popleft()  # only after the push: until then it counts as held
            held.changed()


class _Held:
    """The items that one task of a stream has popped and another has to push.

    Args:
        process: The stream in its run.
    """

    def __init__(self, process: Owner) -> None:
        self.items: deque[tuple[float, Any]] = deque()
        self.ended = False
        """Whether no more items will come."""
        self._loop = process.loop
        self._turn: InnerWait | None = None

    async def change(self) -> None:
        """Wait until the other task has changed something; the two never wait at once."""
        self._turn = InnerWait(loop=self._loop)
        await self._turn

    def changed(self) -> None:
        """Wake the other task, if it waits."""
        turn, self._turn = self._turn, None
        if turn is not None and not turn.done():
            turn.set_result(None)


class Throttle(ReadyMade):
    """Limit the rate of items; items above the rate wait, and none is dropped.

    It is a token bucket: it holds at most `burst` tokens, gains `rate` tokens every `per` seconds,
    evenly, and an item costs one token. It uses the generic cell rate algorithm (ITU-T I.371,
    "virtual scheduling"), which remembers one moment instead of counting tokens.

    Inputs: ``item``. Outputs: ``item``.

    Emits when: there is a token: `burst` items at once after a pause, then one every `per` / `rate`
        seconds.
    Backpressures when: there is no token, or ``item`` has no room. It holds no item meanwhile: it
        pops one only when it may pass. With a slow reader, no more than `burst` tokens gather: an
        item costs its token at the moment when it is pushed.
    Completes when: the input has ended and the last item has been pushed.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    What it emits is determinate, but not when.

    Args:
        rate: Items that pass every `per` seconds on average, a number above 0. For rates above
            those of the loop's timers (some 10,000 a second), set a larger `burst`.
        per: Seconds above 0.
        burst: Items that may pass at once, at least 1. With 1, no two items are closer together
            than `per` / `rate` seconds, so time lost to a late timer is never made up for. With 2
            it is.
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
        """Pass items on at the rate."""
        source, output = ins.item, outs.item
        loop = source.buffer.loop
        # Tokens are counted from a moment when the bucket was full: adding up intervals would add
        # up their rounding errors.
        since, spent = loop.time(), 0
        while await source.buffer.ready(leaves=True):
            due = since + (spent + 1 - self._burst) * self._per / self._rate
            if due > loop.time():
                await _wait_until(loop, due)
            if output.lacks_room():
                await output.wait_for_room()
            await output.push(await source.pop())
            now = loop.time()
            if now > since + spent * self._per / self._rate:  # the bucket was full before this item
                since, spent = now, 0
            spent += 1


class Window(ReadyMade):
    """Group items into lists by windows of time.

    Windows are counted from the moment of the first item, and are open at their end: window k, from
    0, has the items that came at k × `every` or later, but before k × `every` + `seconds`. The
    moment of an item is that at which it was popped.

    Inputs: ``item``. Outputs: ``item``, the lists. None is empty: a window without items makes no
    list.

    Emits when: a window is over and has items. At the end of the input, all windows that have items
        are emitted.
    Backpressures when: ``item`` has no room; it pops nothing then. While it holds `max_items`, it
        pops no more until the oldest window is over. Items are late then, and never dropped.
    Completes when: the input has ended and the last list has been pushed.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is not determinate: it depends on the clock.

    Args:
        seconds: The length of a window, above 0, by the clock of the loop.
        every: Seconds above 0, at most `seconds`, from the beginning of one window to that of the
            next; windows overlap if it is less than `seconds`. None begins each window where the
            one before ends.
        max_items: The most items that it holds, at least 1, beside the list that it pushes.
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
                "items that come between two windows would be dropped",
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
            del chunk  # only the frames should hold it now
            while frames.items:
                await self._gather(ins.item, frames)
                await outs.item.push(frames.close())

    async def _gather(self, source: Any, frames: _Frames) -> None:
        """Pop items until the first window is over or the input has ended."""
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
            del chunk  # release it while waiting for the next one


class _Frames:
    """The bounds of the windows, and the items of the windows that are not over.

    Args:
        seconds: The length of a window.
        every: The time from the beginning of one window to that of the next.
    """

    def __init__(self, seconds: float, every: float) -> None:
        self.items: deque[tuple[float, Any]] = deque()
        self.number = 0
        """The number of the first window that has one of the items."""
        self._start: float | None = None
        self._seconds = seconds
        self._every = every
        # Where one window ends and another begins, both moments must be the same float.
        whole = round(seconds / every)
        self._whole = whole if isclose(whole * every, seconds) else 0

    def opens(self, number: int) -> float:
        """Return when a window begins; there must have been an item."""
        assert self._start is not None
        return self._start + number * self._every

    def closes(self, number: int) -> float:
        """Return when a window ends."""
        if self._whole:
            return self.opens(number + self._whole)
        return self.opens(number) + self._seconds

    def add(self, now: float, items: list[Any]) -> None:
        """Add items that came `now`; the very first item begins window 0."""
        if self._start is None:
            self._start = now
        self.items.extend((now, item) for item in items)
        self._settle()

    def close(self) -> list[Any]:
        """Return the items of the first window, and go on to the next one that has items.

        Items that come later belong to later windows, even if a timer closed this one a little
        early.
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
        # Skip all empty windows at once: there may have been no item for days.
        near = int((moment - self.opens(0) - self._seconds) / self._every) - 1
        self.number = max(self.number, near)
        while self.closes(self.number) <= moment:
            self.number += 1


async def _wait_until(loop: asyncio.AbstractEventLoop, moment: float) -> None:
    """Wait until the clock of `loop` reaches `moment`."""
    future: asyncio.Future[None] = loop.create_future()
    handle = loop.call_at(moment, _end, future)
    try:
        await future
    finally:
        handle.cancel()


def _end(future: asyncio.Future[None]) -> None:
    if not future.done():  # it is done if it was cancelled in this round of the loop
        future.set_result(None)
