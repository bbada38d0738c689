"""Joins of inputs in any order, one of which fits into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Literal

from .._ports.burst import burst
from ._base import UserFunction
from ._rows import Pair

__all__ = ["HashJoin"]


class HashJoin(UserFunction):
    """Read ``right`` into memory, then give each item of ``left`` with each equal as a ``Pair``.

    Where both are sorted by their keys, :class:`JoinSorted` does it in bounded memory.

    Inputs: ``left`` and ``right``. Outputs: ``item``, named tuples :class:`Pair` of ``left`` and
    ``right``, in the order of the left and, for each of them, that of the right; and ``errors``
    for the items of either input at which its key function raised, or whose key has no hash. The
    stream goes on without them.

    Emits when: ``right`` has ended and an item of ``left`` comes that belongs to one of it; with
        ``how="left"``, any item, with None for what is missing.
    Backpressures when: ``item`` has no room; and at ``left`` until ``right`` has ended: who pushes
        there waits as soon as its buffer is full.
    Completes when: both inputs have ended.
    Fails when: an item fails as above and ``errors`` is not connected.
    Cancels when: nobody reads ``item`` any more.

    It is determinate if its key functions are.

    Where both inputs come from one source, the buffer of ``left`` has to hold all that comes until
    the source has ended. It grows for that (an artificial deadlock, see ``docs/deadlocks.md``) up
    to the `growth_limit` of the workflow; past it, the run ends with a ``DeadlockError``.

    Args:
        left_key: A plain function that returns what ``left`` is joined on; keys must have a hash.
        right_key: The same for ``right``; None: as `left_key`.
        how: What is given away of items of the left that belong to none: nothing (``"inner"``), or
            those with None (``"left"``).
        name: Name of the stream, by default ``HashJoin``.

    Raises:
        WiringError: An argument is not of its kind.

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
        """Read the right, then pair the left with it."""
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
