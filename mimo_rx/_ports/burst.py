"""Bursts: the items of a buffer moved from an input to an output in one go.

A loop of ``async for`` and ``push`` pays for a call, a wake-up and a count with each item. A
*burst* moves all the items that lie in the buffer of the input, as far as the output has room. It
has no ``await`` in between, and pays for the wake-up and the count once.

From outside, a burst cannot be told from such a loop. An item is taken only when there is room for
what is made of it, so the stream holds no item while it waits. And a burst is as long as the loop
would run without a wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, repeat, starmap
from operator import length_hint
from sys import maxsize
from typing import TYPE_CHECKING, Any

from .gate import UNKNOWN

if TYPE_CHECKING:
    from .buffer import Buffer
    from .input import Input
    from .output import Output

__all__ = ["Soon", "Taker", "burst", "burst_each", "take"]


async def burst(
    source: Input[Any],
    target: Output[Any],
    transform: Callable[[Iterator[Any]], Iterator[Any]],
) -> bool:
    """Push what `transform` makes of the items that are there, as many as there is room for.

    Args:
        source: The input to take from. If it is empty, the burst waits for an item.
        target: The output to push to. If it has no room, the burst waits before it takes an item.
        transform: Gets an iterator over the items that are there, and returns an iterator over the
            results. This takes at most one item for each result. It may end early: the items that
            it did not take are there for the next burst.

    Returns:
        False once the end of `source` was signalled and nothing is left.

    Raises:
        DownstreamClosed: Nobody reads the stream's main outputs any more.
        OutputClosed: `target` was closed before.
        Exception: Whatever the iterator raised. The results before that were pushed.
    """
    buffer = source.buffer
    items = buffer.items
    if not items and not await buffer.ready():
        return False
    if target.lacks_room():
        await target.wait_for_room()
    count = len(items)
    left = repeat((), count)  # it counts itself, as the ticks of a buffer do
    buffer.burst_left, buffer.burst_size = left, count
    try:
        spent = target.fill(transform(starmap(items.popleft, left)))
    except IndexError:
        if not buffer.closed:
            raise
        buffer.untick()  # a function of `transform` closed the input, which dropped the other items
        return True
    finally:
        buffer.untick(length_hint(left) - count)
        buffer.burst_size = length_hint(left)
        if buffer.has_waiters:
            buffer.wake_next()
    if spent is not None:
        await spent.go_round()
    return True


async def take(
    source: Input[Any], most: int, *, shares: int = 1, timeout: float | None = None
) -> list[Any]:
    """Take items that are there, as :meth:`Input.chunks` does, with a bound for each call.

    Args:
        source: The input to take from. If it is empty, this waits for an item.
        most: The most items to take, at least 1.
        shares: Take one of this many equal shares of the items, but at least one item.
        timeout: How long to wait at most, in seconds; None waits as long as it takes.

    Returns:
        At least one item; an empty list once the end of `source` was signalled and nothing is left.

    Raises:
        DownstreamClosed: Nobody reads the stream's main outputs any more.
        TimeoutError: No item came in time; nothing was taken.
    """
    buffer = source.buffer
    items = buffer.items
    while True:
        if not items and not await buffer.ready(timeout):
            return []
        for _ in buffer.ticks:
            count = max(1, min(most, len(items) // shares))
            if count == len(items):
                taken = list(items)
                items.clear()
            else:
                taken = [items.popleft() for _ in range(count)]
            buffer.untick(1 - count)
            if buffer.has_waiters:
                buffer.wake_next()
            return taken
        if buffer.must_yield():
            await asyncio.sleep(0)


async def burst_each(
    sources: Sequence[Input[Any]],
    target: Output[Any],
    combine: Callable[[list[Iterator[Any]]], Iterator[Any]],
) -> bool:
    """Push what `combine` makes of one item of each source, as often as there is room for.

    Args:
        sources: The inputs to take from. The burst waits for an item in each, one input after the
            other.
        target: The output to push to. If it has no room, the burst waits before it takes an item.
        combine: Gets an iterator over the items of each source, all equally long, and returns an
            iterator over the results. For each result this takes one item of each source, from the
            first source to the last.

    Returns:
        False once the end of one of `sources` was signalled and nothing is left in it. Then nothing
        was taken.

    Raises:
        DownstreamClosed: Nobody reads the stream's main outputs any more.
        OutputClosed: `target` was closed before.
    """
    for source in sources:
        if not source.buffer.items and not await source.buffer.ready():
            return False
    if target.lacks_room():
        await target.wait_for_room()
    takers = [Taker(source) for source in sources]
    count = min(len(taker.items) for taker in takers)
    try:
        spent = target.fill(combine([islice(taker.taken, count) for taker in takers]))
    finally:
        for taker in takers:
            taker.settle()
    if spent is not None:
        await spent.go_round()
    return True


class Taker:
    """Takes items that are there from an input, at the cost of one call in C for each.

    Args:
        source: The input.
        soon: Wakes the producers later where that can wait; with None they are woken at once.
    """

    __slots__ = ("_left", "_soon", "_told", "buffer", "items", "take", "taken")

    def __init__(self, source: Input[Any], soon: Soon | None = None) -> None:
        self._soon = soon
        self.buffer = source.buffer
        if soon is not None:
            self.buffer.consumer = UNKNOWN  # it may run soon but take little: let no push reserve
        self.items = source.buffer.items
        """The items that are there."""
        self._left = repeat((), maxsize)  # it counts itself
        self._told = maxsize
        self.buffer.burst_left, self.buffer.burst_size = self._left, maxsize
        self.taken = starmap(self.items.popleft, self._left)
        """Iterator that takes one item at each step; do not ask it while no item is there."""
        self.take: Callable[[], Any] = self.taken.__next__
        """The same as a function."""

    def settle(self) -> None:
        """Tell the buffer what was taken; call this before the next ``await``."""
        left = length_hint(self._left)
        if left == self._told:
            return
        buffer = self.buffer
        buffer.untick(left - self._told)
        self._told = buffer.burst_size = left
        if buffer.has_waiters:
            if self._soon is None or 2 * len(self.items) <= buffer.threshold:
                buffer.wake_next()
            else:
                self._soon.wake_next(buffer)

    def wake_next(self) -> None:
        """Wake the next task that waits for an item, if there is one."""
        if self.buffer.getters:
            self.buffer.wake_getter()
            self.buffer.settle()


class Soon:
    """Wakes producers a few rounds of the loop later, so that one wake-up brings more items.

    A stream may take a few items at a time from each of many inputs. Without this, each buffer
    would be filled up again after every few items. Only rounds are counted, and no fill level is
    waited for. So the producers are woken whatever the stream does.

    Args:
        loop: The loop.
    """

    __slots__ = ("_buffers", "_left", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffers: dict[Buffer, None] = {}
        self._left = 0

    def wake_next(self, buffer: Buffer) -> None:
        """Wake a producer of `buffer` a few rounds from now."""
        self._buffers[buffer] = None
        if not self._left:
            self._left = _ROUNDS
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._left -= 1
        if self._left:
            self._loop.call_soon(self._go_on)
            return
        buffers = tuple(self._buffers)
        self._buffers.clear()
        for buffer in buffers:
            if buffer.has_waiters:
                buffer.wake_next()


_ROUNDS = 4
"""Producers are woken at most this many rounds of the loop later."""
