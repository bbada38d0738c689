"""The receiving end of a port in a run.

Rules: P1, P9.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from itertools import starmap
from typing import Any, Generic, TypeVar

from .._errors import InputClosed
from .buffer import A_ROUND, IN_LINE, NEVER, Buffer
from .gate import NEXT_ROUND

__all__ = ["Input"]

T = TypeVar("T")


class Input(Generic[T]):
    """The receiving end of a port in a run.

    Read one with ``async for item in ins.a``: the loop ends when the input does.

    Example:
        >>> async def total(ins, outs, state):
        ...     async for number in ins.a:
        ...         state["sum"] = state.get("sum", 0) + number
    """

    def __init__(self, name: str, buffer: Buffer) -> None:
        self.name = name
        self.buffer = buffer

    def __repr__(self) -> str:
        """Show whose input it is."""
        return f"<Input {self.buffer.process.path}.{self.name}>"

    async def pop(self, *, timeout: float | None = None) -> T:
        """Take the oldest item, waiting for one if there is none.

        Args:
            timeout: How long to wait at most, in seconds; None waits as long as it takes.

        Raises:
            InputClosed: The end was signalled and nothing is left.
            DownstreamClosed: Nobody reads this stream's main outputs any more.
            TimeoutError: No item came in time; nothing was taken.
        """
        buffer = self.buffer
        while True:
            if not buffer.items and not await buffer.ready(timeout):
                raise self._ended("pop")
            for _ in buffer.ticks:
                item: T = buffer.items.popleft()
                if buffer.has_waiters:
                    buffer.wake_next()
                return item
            if buffer.must_yield():
                await asyncio.sleep(0)

    async def peek(self, *, timeout: float | None = None) -> T:
        """Look at the oldest item and leave it, waiting for one if there is none.

        Args:
            timeout: How long to wait at most, in seconds; None waits as long as it takes.

        Raises:
            InputClosed: The end was signalled and nothing is left.
            DownstreamClosed: Nobody reads this stream's main outputs any more.
            TimeoutError: No item came in time.
        """
        buffer = self.buffer
        while True:
            if not buffer.items and not await buffer.ready(timeout, leaves=True):
                raise self._ended("peek")
            for _ in buffer.ticks:
                buffer.untick()
                item: T = buffer.items[0]
                return item
            if buffer.must_yield():
                await asyncio.sleep(0)

    def __aiter__(self) -> AsyncIterator[T]:
        """Take items until the end.

        This returns an async generator. A cancel while it waits loses no item, but ends this one
        iterator. To wait for a single item for a limited time, write
        ``await ins.a.pop(timeout=...)``.
        """
        return _without_hooks(self._take())

    def __iter__(self) -> Iterator[T]:
        """Refuse a plain ``for``, which would have to block the loop.

        Raises:
            TypeError: Always.
        """
        raise TypeError(
            f"{self.buffer.process.where('input', self.name)} gives its items as they come; write "
            f"`{self.buffer.process.iteration(self.name)}`"
        )

    def chunks(self, max_size: int | None = None) -> AsyncIterator[list[T]]:
        """Take the items that are there, a list at a time, until the end.

        A chunk never waits to fill up: it holds at least one item and at most what the buffer held.

        Args:
            max_size: The most items of a chunk, at least 1; None takes all that are there.

        Raises:
            ValueError: `max_size` is below 1.
            TypeError: `max_size` is no int.
        """
        if max_size is not None:
            if isinstance(max_size, bool) or not isinstance(max_size, int):
                raise TypeError(f"max_size is a number of items, an int; got {max_size!r}")
            if max_size < 1:
                raise ValueError(f"max_size is a number of items, at least 1; got {max_size}")
        return _without_hooks(self._take_chunks(sys.maxsize if max_size is None else max_size))

    def is_closed(self) -> bool:
        """Tell whether the end was signalled and nothing is left."""
        buffer = self.buffer
        return not buffer.items and (buffer.closed or not buffer.producers)

    def is_open(self) -> bool:
        """Tell whether items wait, or may still come: the opposite of :meth:`is_closed`."""
        return not self.is_closed()

    def close(self) -> None:
        """Take no more: drop the items that wait, and let the producers skip this edge."""
        self.buffer.cancel_edges()

    def end_over(self) -> None:
        """Take no more, since nobody reads the stream's outputs (C4)."""
        self.buffer.stream_over = True
        self.buffer.cancel_edges()

    async def _take(self) -> AsyncIterator[T]:
        buffer = self.buffer
        items = buffer.items
        popleft = items.popleft
        yield None  # type: ignore[misc]  # taken by _without_hooks, never seen by users
        while True:
            try:
                # One call in C takes an item and counts it; an empty buffer raises IndexError.
                for item in starmap(popleft, buffer.ticks):
                    if buffer.has_waiters:
                        buffer.wake_next()
                    yield item
            except IndexError:
                buffer.untick()
            else:
                if buffer.must_yield():
                    await asyncio.sleep(0)
            # The same as Buffer.ready(), without making its coroutine for each wait.
            before = NEVER
            while not items:
                if not buffer.may_come():
                    return
                waiting = buffer.wait(before)
                try:
                    await waiting
                except BaseException:
                    buffer.give_up(waiting)
                    raise
                finally:
                    buffer.waited(waiting)
                before = A_ROUND if waiting is NEXT_ROUND else IN_LINE
            if before != NEVER and buffer.getters and len(items) > 1:
                buffer.wake_getter()
                buffer.settle()

    async def _take_chunks(self, max_size: int) -> AsyncIterator[list[T]]:
        buffer = self.buffer
        items = buffer.items
        yield []  # taken by _without_hooks, never seen by users
        while True:
            if not items and not await buffer.ready():
                return
            for _ in buffer.ticks:
                if len(items) <= max_size:
                    chunk = list(items)
                    items.clear()
                else:
                    chunk = [items.popleft() for _ in range(max_size)]
                buffer.untick(1 - len(chunk))
                if buffer.has_waiters:
                    buffer.wake_next()
                yield chunk
                if not items:
                    break
            else:
                if buffer.must_yield():
                    await asyncio.sleep(0)

    def _ended(self, call: str) -> InputClosed:
        process = self.buffer.process
        return InputClosed(
            f"{call} from {process.where('input', self.name)} after its end; "
            f"`{process.iteration(self.name)}` stops there by itself"
        )


def _without_hooks(items: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Start the async generator `items` without the loop's hooks, up to its first ``yield``.

    A loop that is left with ``break`` drops its generator. The hooks of asyncio would make a task
    to close it. Without them it is closed at once, as a plain generator is.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        items.__anext__().send(None)  # type: ignore[attr-defined]  # an asend object
    except StopIteration:
        pass
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return items
