"""Asynchronous versions of ``zip`` and ``range``."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

__all__ = ["arange", "azip"]


class azip:
    """Zip asynchronous iterables, as ``zip`` zips iterables.

    It asks the iterables in order, one after the other. It ends with the shortest one. Items that
    it took in that round from earlier iterables are lost, as with ``zip``. After one iterable has
    ended or failed, it asks none of them again.

    Args:
        *iterables: The asynchronous iterables, for example inputs of a stream. Without any, the
            result is empty.

    Yields:
        A tuple with one item of each iterable.

    Raises:
        TypeError: One of `iterables` is not an asynchronous iterable.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     return [pair async for pair in azip(arange(3), arange(10, 20))]
        >>> asyncio.run(main())
        [(0, 10), (1, 11), (2, 12)]
    """

    __slots__ = ("_iterators",)

    def __init__(self, *iterables: AsyncIterable[Any]) -> None:
        for place, iterable in enumerate(iterables, start=1):
            if not isinstance(iterable, AsyncIterable):
                raise TypeError(
                    f"azip argument {place} must be an asynchronous iterable, "
                    f"got {type(iterable).__name__}{_hint(iterable)}"
                )
        self._iterators: tuple[AsyncIterator[Any], ...] | None = tuple(map(aiter, iterables))

    def __aiter__(self) -> azip:
        return self

    async def __anext__(self) -> tuple[Any, ...]:
        iterators = self._iterators
        if not iterators:
            raise StopAsyncIteration
        items = []
        try:
            for iterator in iterators:
                items.append(await anext(iterator))  # noqa: PERF401 - a failure must not hide
        except (StopAsyncIteration, Exception):
            self._iterators = None
            raise
        return tuple(items)


class arange:
    """Count asynchronously, as ``range`` does: ``arange(stop)``, ``arange(start, stop, step)``.

    Each ``async for`` over it starts from the beginning. It never waits, so let the loop run other
    tasks elsewhere.

    Args:
        start: The first number, or the end if it is the only argument.
        stop: The end, which is not one of the numbers.
        step: The distance between two numbers; it may be negative.

    Raises:
        TypeError: An argument is not an integer.
        ValueError: `step` is 0.

    Example:
        >>> import asyncio
        >>> async def main():
        ...     return [number async for number in arange(10, 0, -4)]
        >>> asyncio.run(main())
        [10, 6, 2]
    """

    __slots__ = ("_range",)

    def __init__(self, start: int, stop: int | None = None, step: int = 1) -> None:
        begin, end = (0, start) if stop is None else (start, stop)
        if step == 0:
            raise ValueError("arange step must not be zero")
        self._range = range(begin, end, step)

    async def __aiter__(self) -> AsyncIterator[int]:
        for number in self._range:
            yield number

    def __repr__(self) -> str:
        return f"a{self._range!r}"


def _hint(iterable: object) -> str:
    if hasattr(iterable, "__iter__"):
        return "; use `zip` for an ordinary iterable"
    return ""
