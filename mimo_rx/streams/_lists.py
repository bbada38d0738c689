"""Items into lists and back: ``Batch``, ``ToLists``, ``FromLists``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sized
from itertools import islice
from typing import Any, ClassVar, NoReturn

from .._errors import InputClosed
from .._ports.burst import burst, take
from ._ready_made import ReadyMade

__all__ = ["Batch", "FromLists", "ToLists"]


class Batch(ReadyMade):
    """Group items into lists of `size` items; the last list may be shorter.

    Inputs: ``item``. Outputs: ``item``, the lists. None of them is empty.

    Emits when: a list has `size` items; with `timeout`, also `timeout` seconds after its first item
        was popped; at the end of the input, if the list has items.
    Backpressures when: ``item`` has no room. It pops nothing then, and holds at most one list.
    Completes when: the input has ended and the last list has been pushed.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate without `timeout`.

    Args:
        size: Items in a list, at least 1.
        timeout: Seconds above 0, counted from its first item, after which a list is emitted as it
            is. None waits until it is full. A full buffer downstream delays it further.
        name: Name of the stream.

    Raises:
        WiringError: An argument is out of its range.

    Example:
        >>> (range(7) | Batch(3)).to_list().run()
        [[0, 1, 2], [3, 4, 5], [6]]
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, size: int, timeout: float | None = None, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.check_count("size", size)
        if timeout is not None:
            self.check_seconds("timeout", timeout)
        self._size = size
        self._timeout = timeout

    async def run(self, ins: Any, outs: Any) -> None:
        """Make lists."""
        size = self._size
        waiting = ins.item.buffer.items

        def full(items: Iterator[Any]) -> Iterator[list[Any]]:
            for _ in range(len(waiting) // size):
                yield list(islice(items, size))

        while True:
            if len(waiting) >= size:  # push all whole lists in one burst
                await burst(ins.item, outs.item, full)
                continue
            batch = await take(ins.item, size)
            if not batch:
                return
            await self._fill(ins.item, batch)
            await outs.item.push(batch)
            del batch  # only its receiver should hold it now

    async def _fill(self, source: Any, batch: list[Any]) -> None:
        """Pop items until `batch` is full, the input has ended or the time is over."""
        size = self._size
        if self._timeout is None:
            while len(batch) < size and (more := await take(source, size - len(batch))):
                batch += more
            return
        clock = source.buffer.loop.time
        deadline = clock() + self._timeout
        while len(batch) < size and (left := deadline - clock()) > 0:
            try:
                more = await take(source, size - len(batch), timeout=left)
            except TimeoutError:
                return
            if not more:
                return
            batch += more


class ToLists(ReadyMade):
    """Group items into lists whose sizes come from another input; the inverse of `FromLists`.

    Inputs: ``item``, and ``size``, the number of items in each list. Outputs: ``items``, the lists.

    Emits when: a list has as many items as its size says. A size of 0 makes an empty list at once.
    Backpressures when: ``items`` has no room. It pops nothing then. It pops a size before its
        items, and holds at most one list, which is as long as its size says.
    Completes when: both inputs have ended.
    Fails when: a size is not an int, or negative; the items end before a list is complete; the
        sizes end while items are left. So no item is lost silently.
    Cancels when: nobody reads ``items`` any more.

    It is determinate.

    Args:
        name: Name of the stream.

    Raises:
        TypeError: In the run, if a size is not an int.
        ValueError: In the run, if a size is negative, or does not fit the items there are.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(ToLists(), {"item": "abc", "size": [2, 0, 1]})
        {'items': [['a', 'b'], [], ['c']]}
    """

    IN: ClassVar[tuple[str, ...]] = ("item", "size")
    OUT: ClassVar[tuple[str, ...]] = ("items",)

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    async def run(self, ins: Any, outs: Any) -> None:
        """Make lists until the sizes end."""
        async for size in ins.size:
            self._check_size(ins.size, size)
            items: list[Any] = []
            while len(items) < size:
                more = await take(ins.item, size - len(items))
                if not more:
                    self._differ(
                        ins.item, f"ended after {len(items)} of the {size} items of a list"
                    )
                items += more
            await outs.items.push(items)
            del items  # only their receiver should hold them now
        try:
            item = await ins.item.peek()
        except InputClosed:
            return
        self._differ(ins.item, f"gave {item!r} after the last list was complete")

    def _differ(self, port: Any, what: str) -> NoReturn:
        raise ValueError(
            f"input {port.name!r} of step {port.buffer.process.path!r} {what}; "
            "the sizes must add up to the number of items"
        )

    def _check_size(self, port: Any, size: object) -> None:
        rule = (
            f"input {port.name!r} of step {port.buffer.process.path!r} takes numbers of items, "
            f"ints of at least 0, got {size!r}"
        )
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(rule)
        if size < 0:
            raise ValueError(rule)


class FromLists(ReadyMade):
    """Emit the items of lists, and the size of each list; the inverse of :class:`ToLists`.

    Inputs: ``items``, lists or other iterables that have a length. Outputs: ``item``, ``size``.

    Emits when: a list comes: first its length, then its items one by one. So :class:`ToLists` can
        follow on both outputs, however small its buffers are.
    Backpressures when: ``size`` or ``item`` has no room. It holds the current list.
    Completes when: the input has ended.
    Fails when: an item is not an iterable with a length, or is a text.
    Cancels when: nobody reads ``item`` or ``size`` any more.

    It is determinate.

    Args:
        name: Name of the stream.

    Raises:
        TypeError: In the run, if an item is not an iterable with a length, or is a text.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(FromLists(), {"items": [["a", "b"], [], ["c"]]})
        {'item': ['a', 'b', 'c'], 'size': [2, 0, 1]}
    """

    IN: ClassVar[tuple[str, ...]] = ("items",)
    OUT: ClassVar[tuple[str, ...]] = ("item", "size")

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)

    async def run(self, ins: Any, outs: Any) -> None:
        """Emit the items of each list."""
        async for items in ins.items:
            is_text = isinstance(items, str | bytes | bytearray)
            if is_text or not (isinstance(items, Sized) and isinstance(items, Iterable)):
                raise TypeError(
                    f"input 'items' of step {ins.items.buffer.process.path!r} takes lists and "
                    f"other iterables with a length, but no text, got {items!r}"
                )
            await outs.size.push(len(items))
            await outs.item.push_many(items)
            del items  # release them while waiting for the next list
