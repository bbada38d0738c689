"""A function that returns several items for each item: ``FlatMap``."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterator
from typing import Any, ClassVar

from .._callable import function_name, is_coroutine_function
from .._ports.burst import burst
from .._ports.ways import exhausted
from ._map import refuse_coroutine
from ._ready_made import UserFunction, named_after

__all__ = ["FlatMap"]


class FlatMap(UserFunction):
    """Call a function that returns an iterable for each item, and emit the items of that iterable.

    ``ops.flat_map(fn)`` goes through the whole iterable within one push, however long it is. This
    stream takes each item from it when there is room, so the iterable may be endless.

    Inputs: ``item``. Outputs: ``item``, and ``errors`` for the items on which the function or its
    iterable raised. Items that the iterable gave before it raised have been emitted.

    Emits when: the iterable gives an item.
    Backpressures when: ``item`` has no room. Then the iterable is not advanced, and a plain
        function is not called. The stream holds only the current iterable.
    Completes when: the input has ended, and so has the last iterable.
    Fails when: the function or its iterable raises, or the function returns no iterable, and
        ``errors`` is not connected.
    Cancels when: nobody reads ``item`` any more. It closes generators, plain and asynchronous.

    It is determinate if the function is.

    Args:
        fn: A plain function or a coroutine function that returns an iterable or an asynchronous
            iterable, or a generator function of either kind. Plain functions and iterables run on
            the loop's thread, which does nothing else meanwhile. A text (``str``, ``bytes``) is
            refused, as at the left end of ``|``; return ``iter(text)`` for its characters.
        name: Name of the stream; by default that of `fn`.

    Raises:
        WiringError: `fn` cannot be called.

    Example:
        >>> (["to be", "or not"] | FlatMap(str.split)).to_list().run()
        ['to', 'be', 'or', 'not']
        >>> async def pages(site):
        ...     for number in (1, 2):
        ...         yield f"{site}/{number}"
        >>> (["a", "b"] | FlatMap(pages)).to_list().run()
        ['a/1', 'a/2', 'b/1', 'b/2']
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, fn: Callable[[Any], Any], *, name: str | None = None) -> None:
        self.check_function("fn", fn)
        super().__init__(name=name or named_after(fn, "FlatMap"))
        self._function = fn
        self._is_async = is_coroutine_function(fn)

    async def run(self, ins: Any, outs: Any) -> None:
        """Call the function for each item, and emit the items of its result."""
        hand = _Hand(self._function)
        try:
            if self._is_async:
                async for item in ins.item:
                    await hand.call(item)
                    del item  # release it while waiting for the next one
                    await self._give(outs, hand)
            else:
                # The burst that takes an item also begins to emit its result.
                while await burst(ins.item, outs.item, hand.results):
                    await self._give(outs, hand)
        finally:
            hand.close()

    async def _give(self, outs: Any, hand: _Hand) -> None:
        """Emit the rest of a result, then its failure if there is one."""
        if hand.left is not None and not exhausted(hand.left):
            await outs.item.push_many(hand.rest())
        elif hand.later is not None:
            await hand.push_later(outs.item)
        item, error = hand.item, hand.error
        hand.clear()
        if error is not None:
            await self.fail(outs, item, error)


class _Hand:
    """The current item of a stream, and the rest of the result that the function gave for it.

    Args:
        function: The user's function.
    """

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function
        self.clear()

    def clear(self) -> None:
        """Forget the current item and its result."""
        self.item: Any = None
        self.left: Iterator[Any] | None = None
        self.later: AsyncIterable[Any] | None = None
        self.error: Exception | None = None

    def close(self) -> None:
        """Close the current result, if it is a generator."""
        if isinstance(self.left, Generator):
            self.left.close()

    def results(self, items: Iterator[Any]) -> Iterator[Any]:
        """Yield the results for `items`, up to a failure or an asynchronous iterable."""
        function = self._function
        for item in items:
            self.item = item
            try:
                self._open(function(item))
                if self.left is None:
                    return
                for each in self.left:  # noqa: UP028 # `yield from` would close it with this one
                    yield each
            except Exception as error:
                self._failed(error)
                return
            self.left = None

    async def call(self, item: Any) -> None:
        """Await the function."""
        self.item = item
        try:
            self._open(await self._function(item))
        except Exception as error:
            self._failed(error)

    def rest(self) -> Iterator[Any]:
        """Return an iterator over the rest of the result, which raises no error of the user's."""
        left = self.left
        assert left is not None
        # Built-in iterators that cannot fail go to the push as they are: it sees their end early.
        return left if type(left) in _HARMLESS else self._caught(left)

    def _caught(self, left: Iterator[Any]) -> Iterator[Any]:
        try:
            for each in left:  # noqa: UP028 # `yield from` would close it with this one
                yield each
        except Exception as error:
            self._failed(error)

    async def push_later(self, output: Any) -> None:
        """Push the items of the asynchronous iterable, up to its end or failure."""
        iterator: AsyncIterator[Any] | None = None
        assert self.later is not None
        try:
            iterator = aiter(self.later)
        except Exception as error:
            self._failed(error)
            return
        ended = False
        try:
            while True:
                # The push is outside of this `try`: its exceptions are not the user's.
                try:
                    item = await anext(iterator)
                except StopAsyncIteration:
                    ended = True
                    return
                except Exception as error:
                    ended = True
                    self._failed(error)
                    return
                await output.push(item)
                del item  # release it while waiting for the next one
        finally:
            if not ended and hasattr(iterator, "aclose"):
                await iterator.aclose()

    def _failed(self, error: Exception) -> None:
        self.error = error
        self.left = self.later = None

    def _open(self, result: Any) -> None:
        if type(result) is list:  # the most frequent case first
            self.left = iter(result)
            return
        refuse_coroutine(self._function, result)
        if isinstance(result, str | bytes | bytearray):
            self._refuse(result, "return `[text]` for the text, or `iter(text)` for its characters")
        if isinstance(result, AsyncIterable):
            self.later = result
            return
        try:
            self.left = iter(result)
        except TypeError:
            if hasattr(type(result), "__iter__") and type(result).__iter__ is not None:
                raise  # its own __iter__ raised this
            self._refuse(result, "for a single item, return a list that holds it")

    def _refuse(self, result: object, hint: str) -> None:
        raise TypeError(
            f"{function_name(self._function)} must return an iterable or an asynchronous iterable "
            f"of items, got {result!r}; {hint}"
        ) from None


_HARMLESS = frozenset({type(iter([])), type(iter(())), type(iter(range(0)))})
