"""Joins of two inputs by a key: both are sorted, or one of them fits into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, ClassVar, Literal

from .._ports.burst import burst
from ._ready_made import UserFunction
from ._rows import Pair
from ._sorted import Key, SortedInput

__all__ = ["HashJoin", "JoinSorted"]


class JoinSorted(UserFunction):
    """Join two sorted inputs on equal keys, with one group of equal keys in memory at a time.

    Each item of ``left`` is paired with each item of ``right`` that has an equal key, in the order
    of the left and, for each of its items, of the right. Keys are compared with ``<`` alone.

    Inputs: ``left`` and ``right``. Outputs: ``item``, named tuples :class:`Pair` of ``left`` and
    ``right`` with None for a missing partner, sorted as the inputs are; and ``errors`` for the
    items of either input on which its key function raised, that cannot be compared with the one
    before, or that are out of order. The stream goes on without them.

    Emits when: all partners of an item are known: the other input (``right``, where keys are equal)
        has delivered an item with a greater key, or has ended.
    Backpressures when: ``item`` has no room. It holds the items of ``right`` whose key equals that
        of the first item of ``left``, however many they are. All others wait in the buffers.
    Completes when: both inputs have ended; or earlier, when the rest of one input can add nothing:
        at the end of ``left`` unless `how` is ``"outer"``, at the end of ``right`` if `how` is
        ``"inner"``.
    Fails when: an item fails as above and ``errors`` is not connected; keys of the two inputs
        cannot be compared.
    Cancels when: nobody reads ``item`` any more.

    It is determinate if its key functions are.

    Where both inputs come from one source, one buffer may have to hold many items while the stream
    waits for the other input. It then grows (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        left_key: A plain function that returns the key by which ``left`` is sorted, ascending.
        right_key: The same for ``right``. None uses `left_key`.
        how: Which items without a partner are emitted: none (``"inner"``), those of the left
            (``"left"``), all (``"outer"``).
        name: Name of the stream; by default ``JoinSorted``.

    Raises:
        WiringError: An argument is of the wrong kind.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> join = JoinSorted(str.lower, how="left")
        >>> for pair in run_stream(join, {"left": ["a", "b"], "right": ["A", "A"]})["item"]:
        ...     print(pair)
        Pair(left='a', right='A')
        Pair(left='a', right='A')
        Pair(left='b', right=None)
    """

    IN: ClassVar[tuple[str, ...]] = ("left", "right")
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self,
        left_key: Key,
        right_key: Key | None = None,
        how: Literal["inner", "left", "outer"] = "inner",
        *,
        name: str | None = None,
    ) -> None:
        self.check_plain("left_key", left_key)
        if right_key is not None:
            self.check_plain("right_key", right_key)
        self.check_choice("how", how, ("inner", "left", "outer"))
        super().__init__(name=name)
        self._left_key = left_key
        self._right_key = right_key or left_key
        self._keeps_left = how != "inner"
        self._keeps_right = how == "outer"

    async def run(self, ins: Any, outs: Any) -> None:
        """Compare the first items of both inputs, and emit the smaller one or the pairs."""
        fail = partial(self.fail, outs)
        left = SortedInput(ins.left, self._left_key, fail)
        right = SortedInput(ins.right, self._right_key, fail)
        while await left.look():
            if not await right.look():
                break
            if left.key < right.key:
                if self._keeps_left:
                    await outs.item.push(Pair(left.items[0], None))
                await left.pop()
            elif right.key < left.key:
                if self._keeps_right:
                    await outs.item.push(Pair(None, right.items[0]))
                await right.pop()
            else:
                await self._join(left, right, outs.item)
        while self._keeps_left and await left.look():
            await outs.item.push(Pair(left.items[0], None))
            await left.pop()
        while self._keeps_right and await right.look():
            await outs.item.push(Pair(None, right.items[0]))
            await right.pop()

    async def _join(self, left: SortedInput, right: SortedInput, target: Any) -> None:
        """Emit the pairs of one group of equal keys."""
        key = left.key
        run = []
        while await right.look() and not key < right.key:
            run.append(right.items[0])
            await right.pop()
        while await left.look() and not key < left.key:
            for item in run:
                await target.push(Pair(left.items[0], item))
            await left.pop()


class HashJoin(UserFunction):
    """Join two inputs on equal keys: read all of ``right`` into memory, then match ``left``.

    If both inputs are sorted by their keys, :class:`JoinSorted` does this with only one group of
    equal keys in memory.

    Inputs: ``left`` and ``right``. Outputs: ``item``, named tuples :class:`Pair` of ``left`` and
    ``right``, in the order of the left and, for each of its items, of the right; and ``errors``
    for the items of either input on which its key function raised, or whose key has no hash. The
    stream goes on without them.

    Emits when: ``right`` has ended and ``left`` delivers an item with a partner in it. With
        ``how="left"``, an item without one is emitted too, with None in its place.
    Backpressures when: ``item`` has no room; and at ``left`` until ``right`` has ended: a producer
        of ``left`` waits as soon as its buffer is full.
    Completes when: both inputs have ended.
    Fails when: an item fails as above and ``errors`` is not connected.
    Cancels when: nobody reads ``item`` any more.

    It is determinate if its key functions are.

    Where both inputs come from one source, the buffer of ``left`` must hold all of its items until
    the source has ended. The buffer grows (an artificial deadlock, see ``docs/deadlocks.md``) up to
    the `growth_limit` of the workflow. Past that, the run ends with a ``DeadlockError``.

    Args:
        left_key: A plain function that returns the key of an item of ``left``; keys must have a
            hash.
        right_key: The same for ``right``. None uses `left_key`.
        how: Which items without a partner are emitted: none (``"inner"``), or those of the left
            (``"left"``).
        name: Name of the stream; by default ``HashJoin``.

    Raises:
        WiringError: An argument is of the wrong kind.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> join = HashJoin(len, how="left")
        >>> run_stream(join, {"left": ["ab", "c"], "right": ["xy"]})["item"]
        [Pair(left='ab', right='xy'), Pair(left='c', right=None)]
    """

    IN: ClassVar[tuple[str, ...]] = ("left", "right")
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self,
        left_key: Callable[[Any], Any],
        right_key: Callable[[Any], Any] | None = None,
        how: Literal["inner", "left"] = "inner",
        *,
        name: str | None = None,
    ) -> None:
        self.check_plain("left_key", left_key)
        if right_key is not None:
            self.check_plain("right_key", right_key)
        self.check_choice("how", how, ("inner", "left"))
        super().__init__(name=name)
        self._left_key = left_key
        self._right_key = right_key or left_key
        self._unmatched: tuple[None, ...] = (None,) if how == "left" else ()

    async def run(self, ins: Any, outs: Any) -> None:
        """Read the right, then match the left with it."""
        table = await self._table(ins, outs)
        key = self._left_key
        unmatched = self._unmatched
        failed: list[tuple[Any, Exception]] = []
        several: list[tuple[Any, list[Any]]] = []

        def pairs(items: Iterator[Any]) -> Iterator[Pair]:
            for item in items:
                try:
                    matches = table.get(key(item), unmatched)
                except Exception as error:
                    failed.append((item, error))
                    return
                if len(matches) == 1:
                    yield Pair(item, matches[0])
                elif matches:
                    several.append((item, matches))
                    return

        while await burst(ins.left, outs.item, pairs):
            for item, matches in several:
                for match in matches:
                    await outs.item.push(Pair(item, match))
            several.clear()
            if failed:
                await self.fail(outs, *failed.pop())

    async def _table(self, ins: Any, outs: Any) -> dict[Any, Any]:
        """Return the items of the right by their keys."""
        table: dict[Any, list[Any]] = {}
        key = self._right_key
        async for item in ins.right:
            try:
                table.setdefault(key(item), []).append(item)
            except Exception as error:
                await self.fail(outs, item, error)
        return table
