"""Inputs that are sorted, and their merge, item by item."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from heapq import heappop, heappush, heapreplace
from typing import Any, ClassVar, TypeAlias

from .._ports.burst import Soon, Taker
from .._ports.input import Input
from ._base import UserFunction

__all__ = ["NOTHING", "Key", "MergeSorted", "SortedInput"]

Key: TypeAlias = Callable[[Any], Any]

NOTHING: Any = object()


class SortedInput(Taker):
    """The first item of a sorted input: it is looked at, and stays there until it is given away.

    Args:
        source: The input.
        key: What it is sorted by; None: its items themselves.
        fail: ``await fail(item, error)`` gives away an item that has no key or is out of order.
        soon: What wakes its producers where that can wait.
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
        """Whether the first item was looked at."""
        self.key: Any = NOTHING
        """Its key; until it is known, that of the item before."""
        self.error: Exception | None = None
        """What is wrong with it."""

    async def look(self) -> bool:
        """Find the key of the first item, waiting for one if there is none.

        Items that have no key, or are out of order, are given away as failures.

        Returns:
            False at the end of the input.

        Raises:
            Exception: What is wrong with an item, and nobody takes failures.
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
        """Let the first item be looked at.

        Args:
            before: The key of the item before.
            error: What is wrong with the first item, if that is known already.
        """
        self.known = False
        self.key = before
        self.error = error

    def _find(self) -> None:
        item = self.items[0]
        before = self.key
        try:
            key = item if self._key_of is None else self._key_of(item)
            # The first of all is compared with itself: if that fails, it would with all others.
            if key < (key if before is NOTHING else before):
                self.error = self.out_of_order(item, key, before)
                return
        except Exception as error:
            self.error = error
            return
        self.key = key
        self.known = True

    async def pop(self) -> None:
        """Take the first item, which was looked at."""
        self.known = False
        await self._port.pop()

    def out_of_order(self, item: Any, key: Any, before: Any) -> ValueError:
        """Return what is wrong with an item whose key is less than that of the one before."""
        port = self._port
        return ValueError(
            f"input {port.name!r} of step {port.buffer.process.path!r} must be sorted; got "
            f"{item!r}, whose key {key!r} is less than {before!r}, the key of the item before"
        )


class MergeSorted(UserFunction):
    """Merge sorted inputs into one sorted output, as ``heapq.merge`` does iterables.

    Inputs: the `names`. Outputs: ``item``, and ``errors`` for the items at which `key` raised,
    that cannot be compared with the one before, or that are out of order: less than the one before
    at the same input. The stream goes on without them, so that ``item`` is sorted in any case.

    Emits when: each input has an item or has ended; the smallest goes first, and of equal ones that
        of the input named first.
    Backpressures when: ``item`` has no room. Nothing is in hand meanwhile: items are looked at, and
        stay in the buffers of their inputs until it is their turn.
    Completes when: all inputs have ended.
    Fails when: an item fails as above and ``errors`` is not connected; items of two inputs cannot
        be compared.
    Cancels when: nobody reads ``item`` any more.

    It is determinate if `key` is.

    Where its inputs come from one source, the others may have to hold all that comes while it waits
    for one of them; their buffers grow then (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one.
        key: A plain function that returns what an input is sorted by, ascending, and that knows
            ``<``; it is called once for each item. None: the items themselves.
        name: Name of the stream, by default ``MergeSorted``.

    Raises:
        WiringError: There is no name, or one that is no port's; `key` is no plain function.

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
        """Give the smallest first item away, and so on."""
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
        """Give items away until one input must be waited for, or an item fails."""
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
    """Take what comes next, until an item must be waited for, or there is something wrong with one.

    The first entry of `heap` is that of its input then, and its head must be looked at.

    Args:
        heap: Of each input: the key of its first item, its place among the inputs, its head, the
            items that are there, and what takes one of them.
        key_of: What the inputs are sorted by.
    """
    while True:
        entry = heap[0]
        before, _, head, items, take = entry
        yield take()
        if not items:
            head.leave(before)
            return
        first = items[0]
        try:  # as SortedInput.find() does, without a call for each item
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
