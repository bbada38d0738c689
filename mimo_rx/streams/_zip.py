"""Streams that combine inputs item by item or in turn: ``Zip``, ``Unzip``, ``Concat``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, ClassVar

from .._ports.burst import burst, burst_each
from ._ready_made import ReadyMade
from ._rows import row_rule, rows

__all__ = ["Concat", "Unzip", "Zip", "ZipLongest"]


class _Rows(ReadyMade):
    """A stream that emits rows with one item of each input.

    Args:
        *names: Names of the inputs, and of the fields.
        name: Name of the stream.
    """

    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, *names: str, name: str | None = None) -> None:
        self.check_names("inputs", names)
        super().__init__(names, name=name)
        for field in names:
            rule = row_rule(field)
            if rule is not None:
                self.refuse(f"the name of an input is also a field, so it must be {rule}", field)


class Zip(_Rows):
    """Combine one item of each input into a named tuple, until one input ends.

    ``ops.zip`` holds the items of its faster side without a bound; here that side waits.

    Inputs: the `names`. Output: ``item``, named tuples with a field for each input.

    Emits when: each input has an item.
    Backpressures when: ``item`` has no room. It holds no item meanwhile: an item without a partner
        waits in the buffer of its input, and when that is full, so does its producer.
    Completes when: it finds that an input has ended. What is left at the others is dropped.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate: it waits for one input after the other, in the order of their names. So it
    notices the end of an input only when each input before it has an item.

    Where all of its inputs come from one source, one may need a longer lead than its buffer holds.
    That buffer then grows (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one. They are also the fields, so none may be a
            keyword, begin with an underscore, or be a tuple's ``count`` or ``index``.
        name: Name of the stream; by default ``Zip``.

    Raises:
        WiringError: There is no name, or one cannot be a field.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(Zip("letter", "number"), {"letter": "abc", "number": range(2)})["item"]
        [Row(letter='a', number=0), Row(letter='b', number=1)]
    """

    async def run(self, ins: Any, outs: Any) -> None:
        """Emit rows until an input ends."""
        fields = self.ins
        sources = list(ins)
        while await burst_each(sources, outs.item, lambda columns: rows(fields, columns)):
            pass


class ZipLongest(_Rows):
    """Combine one item of each input into a named tuple, until all inputs have ended.

    Inputs: the `names`. Output: ``item``, named tuples with a field for each input.

    Emits when: each input has an item or has ended, and at least one has an item.
    Backpressures when: ``item`` has no room. It holds no item meanwhile: an item without a partner
        waits in the buffer of its input, and when that is full, so does its producer.
    Completes when: all inputs have ended.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate: it waits for one input after the other, in the order of their names.

    Where all of its inputs come from one source, one may need a longer lead than its buffer holds.
    That buffer then grows (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one. They are also the fields, so none may be a
            keyword, begin with an underscore, or be a tuple's ``count`` or ``index``.
        fill: The value for an input that has ended.
        name: Name of the stream; by default ``ZipLongest``.

    Raises:
        WiringError: There is no name, or one cannot be a field.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(ZipLongest("a", "b", fill="-"), {"a": [1, 2], "b": [3]})
        {'item': [Row(a=1, b=3), Row(a=2, b='-')]}
    """

    def __init__(self, *names: str, fill: Any = None, name: str | None = None) -> None:
        super().__init__(*names, name=name)
        self._fill = fill

    async def run(self, ins: Any, outs: Any) -> None:
        """Emit rows until all inputs have ended."""
        fields = self.ins
        left = list(ins)

        def combine(columns: list[Iterator[Any]]) -> Iterator[Any]:
            items = dict(zip((port.name for port in left), columns, strict=True))
            missing = repeat(self._fill)
            return rows(fields, [items.get(field, missing) for field in fields])

        while left:
            if not await burst_each(left, outs.item, combine):
                left = [port for port in left if port.is_open()]


class Unzip(ReadyMade):
    """Split each item into its parts, and push each part to an output of its own.

    A tuple, a list or another sequence is split by position and must have one part for each output.
    A mapping is split by key and must have exactly the names of the outputs as its keys. Text and
    bytes are not split.

    Input: ``item``. Outputs: the `names`.

    Emits when: an item comes.
    Backpressures when: an output has no room. It pushes to one output after the other, in the order
        of their names, and holds the current item.
    Completes when: the input has ended.
    Fails when: an item cannot be split, or has more or fewer parts than there are outputs.
    Cancels when: nobody reads any of the outputs any more. As long as one is read, the stream goes
        on and drops the parts for the others.

    It is determinate.

    Args:
        *names: Names of the outputs, at least one.
        name: Name of the stream; by default ``Unzip``.

    Raises:
        WiringError: There is no name, or one is not a valid port name.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(Unzip("x", "y"), {"item": [(1, 2), {"y": 4, "x": 3}]})
        {'x': [1, 3], 'y': [2, 4]}
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, *names: str, name: str | None = None) -> None:
        self.check_names("outputs", names)
        super().__init__(outs=names, name=name)

    async def run(self, ins: Any, outs: Any) -> None:
        """Split items until the input ends."""
        names = self.outs
        outputs = tuple(outs)
        path = outputs[0].process.path
        async for item in ins.item:
            for output, part in zip(outputs, _parts(item, names, path), strict=True):
                await output.push(part)


def _parts(item: Any, names: tuple[str, ...], path: str) -> Iterable[Any]:
    """Return the parts of `item`, in the order of `names`.

    Raises:
        TypeError: `item` is neither a mapping nor a sequence, or is a text.
        ValueError: Its parts are not those of `names`.
    """
    if isinstance(item, tuple | list):
        if len(item) == len(names):
            return item
    elif isinstance(item, Mapping):
        if len(item) == len(names) and all(name in item for name in names):
            return [item[name] for name in names]
        raise ValueError(
            f"step {path!r} splits mappings with the keys {', '.join(map(repr, names))}, "
            f"got {item!r}"
        )
    elif not isinstance(item, Sequence) or isinstance(item, str | bytes | bytearray):
        raise TypeError(
            f"step {path!r} splits sequences and mappings, got {type(item).__name__} {item!r}"
        )
    elif len(item) == len(names):
        return item
    raise ValueError(
        f"step {path!r} splits sequences of {len(names)} parts, got one of {len(item)}: {item!r}"
    )


class Concat(ReadyMade):
    """Emit all items of the first input, then all of the second, and so on.

    Inputs: the `names`. Output: ``item``.

    Emits when: an item comes at the current input.
    Backpressures when: ``item`` has no room. Later inputs wait for their turn: their producers wait
        as soon as their buffers are full.
    Completes when: the last input has ended.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate, unlike two edges into one input, which take items as they come.

    Where its inputs come from one source, the buffer of a later one may have to hold many items
    meanwhile. It then grows (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one, in the order in which they are read.
        name: Name of the stream; by default ``Concat``.

    Raises:
        WiringError: There is no name, or one is not a valid port name.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(Concat("header", "body"), {"body": [1, 2], "header": ["number"]})
        {'item': ['number', 1, 2]}
    """

    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, *names: str, name: str | None = None) -> None:
        self.check_names("inputs", names)
        super().__init__(names, name=name)

    async def run(self, ins: Any, outs: Any) -> None:
        """Emit the items of one input after the other."""
        for port in ins:
            while await burst(port, outs.item, _as_they_are):
                pass


def _as_they_are(items: Iterator[Any]) -> Iterator[Any]:
    return items
