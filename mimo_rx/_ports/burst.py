"""Bursts from an input to an output, where nobody can tell them from single items.

A loop of ``async for`` and ``push`` pays for a call, a wake-up and a count at each item. Here what
lies in the buffer is moved in one go, yet item by item as far as anybody can see: an item is taken
only when there is room for what becomes of it, so that nothing is in hand while the stream waits,
and a burst is as long as such a loop would go on without a wait.
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
        source: What to take from; it is waited for if it is empty.
        target: Where to push; room is waited for while there is none, before an item is taken.
        transform: Is given an iterator over the items that are there, and returns one over what
            becomes of them, which takes at most one item for each of its own. It may end early:
            what it has not taken is there for the next burst.

    Returns:
        False once the end of `source` was signalled and nothing is left.

    Raises:
        DownstreamClosed: Nobody reads the stream's main outputs any more.
        OutputClosed: `target` was closed before.
        Exception: What the iterator raised; what it had given before was pushed.
    """
    buffer = source.buffer
    items = buffer.items
    if not items and not await buffer.ready():
        return False
    if target.lacks_room():
        await target.wait_for_room()
    count = len(items)
    left = repeat((), count)  # which counts itself, as the ticks of a buffer do
    buffer.burst_left, buffer.burst_size = left, count
    try:
        spent = target.fill(transform(starmap(items.popleft, left)))
    except IndexError:
        if not buffer.closed:
            raise
        buffer.untick()  # what `transform` called has closed the input, which dropped the rest
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
    """Take what is there, as :meth:`Input.chunks` does, with a bound of its own for each call.

    Args:
        source: What to take from; it is waited for if it is empty.
        most: The most items to take, at least 1.
        shares: How many divide what is there; one item is taken even so.
        timeout: How long to wait at most, in seconds; None waits as long as it takes.

    Returns:
        At least one item; none once the end of `source` was signalled and nothing is left.

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
        sources: What to take from; they are waited for one after the other.
        target: Where to push; room is waited for while there is none, before an item is taken.
        combine: Is given an iterator over the items of each source, all equally long, and returns
            one that takes one of each for each of its own, from the first to the last.

    Returns:
        False once the end of one of `sources` was signalled and nothing is left of it; nothing was
        taken then.

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
    """Takes items that are there from an input, each for no more than a call in C.

    Args:
        source: The input.
        soon: What wakes its producers where that can wait; None: they are woken at once.
    """

    __slots__ = ("_left", "_soon", "_told", "buffer", "items", "take", "taken")

    def __init__(self, source: Input[Any], soon: Soon | None = None) -> None:
        self._soon = soon
        self.buffer = source.buffer
        if soon is not None:
            self.buffer.consumer = UNKNOWN  # it runs soon, but may take little: nobody books
        self.items = source.buffer.items
        """What is there."""
        self._left = repeat((), maxsize)  # which counts itself
        self._told = maxsize
        self.buffer.burst_left, self.buffer.burst_size = self._left, maxsize
        self.taken = starmap(self.items.popleft, self._left)
        """Takes an item a step; it must not be asked where nothing is there."""
        self.take: Callable[[], Any] = self.taken.__next__
        """The same as a function."""

    def settle(self) -> None:
        """Tell the buffer what was taken: to be called before the next ``await``."""
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
    """Wakes producers a few rounds of the loop later, so that one wake-up is worth more items.

    Of many inputs that a stream takes a little of at a time, each would else be filled up for every
    few items. Nobody waits for a fill level: the rounds are counted, whatever the stream does.

    Args:
        loop: The loop.
    """

    __slots__ = ("_buffers", "_left", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffers: dict[Buffer, None] = {}
        self._left = 0

    def wake_next(self, buffer: Buffer) -> None:
        """Wake a producer of `buffer` soon."""
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
"""Rounds of the loop that producers are woken later, at most."""
