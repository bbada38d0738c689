"""Inputs that are sorted, and their merge, item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush, heapreplace
from typing import Any, ClassVar, TypeAlias

from .._ports.burst import Soon, Taker
from .._ports.input import Input
from ._ready_made import UserFunction

__all__ = ["NOTHING", "Key", "MergeSorted", "SortedInput"]

Key: TypeAlias = Callable[[Any], Any]

NOTHING: Any = object()


class SortedInput(Taker):
    """The first item of a sorted input: it stays in the buffer until it is emitted.

    Args:
        source: The input.
        key: Returns the key by which it is sorted; None sorts by the items themselves.
        fail: ``await fail(item, error)`` handles an item that has no key or is out of order.
        soon: Wakes its producers, where that can wait.
    """

    __slots__ = ("_fail", "_key_of", "_port", "error", "key", "known")

    def __init__(
        self, source: Input[Any], key: Key | None, fail: Any, soon: Soon | None = None
    ) -> None:
        super().__init__(source, soon)
        self._port = source
        self._key_of = key
        self._fail = fail
        self.known = False
        """Whether the key of the first item is known."""
        self.key: Any = NOTHING
        """The key of the first item; until it is known, that of the item before."""
        self.error: Exception | None = None
        """What is wrong with the first item."""

    async def look(self) -> bool:
        """Find the key of the first item, and wait for an item if there is none.

        Items that have no key, or are out of order, are handled as failures.

        Returns:
            False at the end of the input.

        Raises:
            Exception: What is wrong with an item, if nobody reads failures.
        """
        while not self.known:
            if self.error is None:
                if not self.items and not await self.buffer.ready():
                    return False
                self._find()
            if self.error is not None:
                error, self.error = self.error, None
                await self._fail(await self._port.pop(), error)
        return True

    def leave(self, before: Any, error: Exception | None = None) -> None:
        """Mark the first item as one that `look` has to examine.

        Args:
            before: The key of the item before.
            error: What is wrong with the first item, if that is already known.
        """
        self.known = False
        self.key = before
        self.error = error

    def _find(self) -> None:
        item = self.items[0]
        before = self.key
        try:
            key = item if self._key_of is None else self._key_of(item)
            # The very first item is compared with itself, to find out whether it can be compared.
            if key < (key if before is NOTHING else before):
                self.error = self.out_of_order(item, key, before)
                return
        except Exception as error:
            self.error = error
            return
        self.key = key
        self.known = True

    async def pop(self) -> None:
        """Take the first item, whose key is known."""
        self.known = False
        await self._port.pop()

    def out_of_order(self, item: Any, key: Any, before: Any) -> ValueError:
        """Return the error for an item whose key is less than that of the one before."""
        port = self._port
        return ValueError(
            f"input {port.name!r} of step {port.buffer.process.path!r} must be sorted; got "
            f"{item!r}, whose key {key!r} is less than {before!r}, the key of the item before"
        )


class MergeSorted(UserFunction):
    """Merge sorted inputs into one sorted output, as ``heapq.merge`` does for iterables.

    Inputs: the `names`. Outputs: ``item``, and ``errors`` for the items on which `key` raised,
    that cannot be compared with the one before, or that are out of order: less than the one before
    at the same input. The stream goes on without them, so ``item`` is always sorted.

    Emits when: each input has an item or has ended. The smallest item goes first; among equal ones,
        that of the input named first.
    Backpressures when: ``item`` has no room. It holds no item meanwhile: items stay in the buffers
        of their inputs until it is their turn.
    Completes when: all inputs have ended.
    Fails when: an item fails as above and ``errors`` is not connected; items of two inputs cannot
        be compared.
    Cancels when: nobody reads ``item`` any more.

    It is determinate if `key` is.

    Where its inputs come from one source, the other buffers may have to hold many items while it
    waits for one input. They then grow (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one.
        key: A plain function that returns the key by which the inputs are sorted, ascending. Keys
            are compared with ``<``. It is called once for each item. None compares the items.
        name: Name of the stream; by default ``MergeSorted``.

    Raises:
        WiringError: There is no name, or one is not a valid port name; `key` is no plain function.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(MergeSorted("a", "b"), {"a": [1, 4, 9], "b": [2, 3, 5]})["item"]
        [1, 2, 3, 4, 5, 9]
    """

    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, *names: str, key: Key | None = None, name: str | None = None) -> None:
        self.check_names("inputs", names)
        if key is not None:
            self.check_plain("key", key)
        super().__init__(names, name=name)
        self._key = key

    async def run(self, ins: Any, outs: Any) -> None:
        """Emit the smallest of the first items, again and again."""
        soon = Soon(outs.item.process.loop)
        heads = [SortedInput(port, self._key, partial(self.fail, outs), soon) for port in ins]
        heap: list[list[Any]] = []
        for place, head in enumerate(heads):
            if await head.look():
                heappush(heap, [head.key, place, head, head.items, head.take])
        while heap:
            await self._give(heap, outs.item, heads)
            entry = heap[0]
            head = entry[2]
            if await head.look():
                entry[0] = head.key
                heapreplace(heap, entry)
            else:
                heappop(heap)

    async def _give(self, heap: list[list[Any]], target: Any, heads: list[SortedInput]) -> None:
        """Emit items until one input has to be waited for, or an item fails."""
        merged = _merge(heap, self._key)
        while heap[0][2].known:
            if target.lacks_room():
                await target.wait_for_room()
            try:
                spent = target.fill(merged)
            finally:
                for head in heads:
                    head.settle()
            if spent is not None:
                await spent.go_round()


def _merge(heap: list[list[Any]], key_of: Key | None) -> Iterator[Any]:
    """Take the smallest items, until an input has to be waited for, or an item is wrong.

    The first entry of `heap` is then that of this input, and its head has to `look` again.

    Args:
        heap: For each input: the key of its first item, its place among the inputs, its head, its
            waiting items, and the function that takes one of them.
        key_of: Returns the key by which the inputs are sorted.
    """
    while True:
        entry = heap[0]
        before, _, head, items, take = entry
        yield take()
        if not items:
            head.leave(before)
            return
        first = items[0]
        try:  # the same as SortedInput._find(), without a call for each item
            key = first if key_of is None else key_of(first)
            late = key < before
        except Exception as error:
            head.leave(before, error)
            return
        if late:
            head.leave(before, head.out_of_order(first, key, before))
            return
        entry[0] = key
        heapreplace(heap, entry)
