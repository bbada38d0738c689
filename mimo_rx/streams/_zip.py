"""Items side by side, taken apart, and one input after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, ClassVar

from .._ports.burst import burst, burst_each
from ._base import ReadyMade
from ._rows import row_rule, rows

__all__ = ["Concat", "Unzip", "Zip", "ZipLongest"]


class _Rows(ReadyMade):
    """A stream that makes rows of its inputs.

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
                self.refuse(f"the name of an input is that of a field, which must be {rule}", field)


class Zip(_Rows):
    """Give one item of each input away, side by side in a named tuple.

    ``ops.zip`` holds without a bound what its faster side gives; here that side waits.

    Inputs: the `names`. Output: ``item``, named tuples with a field for each input.

    Emits when: each input has an item.
    Backpressures when: ``item`` has no room. Nothing is in hand meanwhile: what has no counterpart
        yet waits in the buffer of its input, and then so does who pushes there.
    Completes when: it comes to the end of an input. What is left at the others is dropped.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate: it waits for one input after the other, in the order of their names. So an
    input that has ended is noticed once each one before it has an item.

    Where all of its inputs come from one source, one may need a longer lead than its buffer holds;
    that buffer grows then (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one; also of the fields, so that none may be a
            keyword, begin with an underscore, or be a tuple's ``count`` or ``index``.
        name: Name of the stream, by default ``Zip``.

    Raises:
        WiringError: There is no name, or one that is no field's.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(Zip("letter", "number"), {"letter": "abc", "number": range(2)})["item"]
        [Row(letter='a', number=0), Row(letter='b', number=1)]
    """

    async def run(self, ins: Any, outs: Any) -> None:
        """Give rows away until an input ends."""
        fields = self.ins
        sources = list(ins)
        while await burst_each(sources, outs.item, lambda columns: rows(fields, columns)):
            pass


class ZipLongest(_Rows):
    """Give one item of each input away, side by side, until all inputs have ended.

    Inputs: the `names`. Output: ``item``, named tuples with a field for each input.

    Emits when: each input has an item or has ended, and one of them has an item.
    Backpressures when: ``item`` has no room. Nothing is in hand meanwhile: what has no counterpart
        yet waits in the buffer of its input, and then so does who pushes there.
    Completes when: all inputs have ended.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate: it waits for one input after the other, in the order of their names.

    Where all of its inputs come from one source, one may need a longer lead than its buffer holds;
    that buffer grows then (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one; also of the fields, so that none may be a
            keyword, begin with an underscore, or be a tuple's ``count`` or ``index``.
        fill: Stands for an item of an input that has ended.
        name: Name of the stream, by default ``ZipLongest``.

    Raises:
        WiringError: There is no name, or one that is no field's.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(ZipLongest("a", "b", fill="-"), {"a": [1, 2], "b": [3]})
        {'item': [Row(a=1, b=3), Row(a=2, b='-')]}
    """

    def __init__(self, *names: str, fill: Any = None, name: str | None = None) -> None:
        super().__init__(*names, name=name)
        self._fill = fill

    async def run(self, ins: Any, outs: Any) -> None:
        """Give rows away until all inputs have ended."""
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
    """Take each item apart and give its parts away, each to an output of its own.

    A tuple, a list or another sequence is taken apart by position; it must be as long as there are
    outputs. A mapping is taken apart by key; it must have just these. Text and bytes are not taken
    apart.

    Input: ``item``. Outputs: the `names`.

    Emits when: an item comes.
    Backpressures when: an output has no room: it gives to one after the other, in the order of
        their names, and holds the one item that it is at.
    Completes when: the input has ended.
    Fails when: an item cannot be taken apart, or has more or fewer parts than there are outputs.
    Cancels when: nobody reads any of the outputs any more. As long as one is read it goes on, and
        what the others would get is dropped.

    It is determinate.

    Args:
        *names: Names of the outputs, at least one.
        name: Name of the stream, by default ``Unzip``.

    Raises:
        WiringError: There is no name, or one that is no port's.

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
        """Take items apart until the input ends."""
        names = self.outs
        outputs = tuple(outs)
        path = outputs[0].process.path
        async for item in ins.item:
            for output, part in zip(outputs, _parts(item, names, path), strict=True):
                await output.push(part)


def _parts(item: Any, names: tuple[str, ...], path: str) -> Iterable[Any]:
    """Return the parts of `item`, in the order of `names`.

    Raises:
        TypeError: It has no parts.
        ValueError: It has others.
    """
    if isinstance(item, tuple | list):
        if len(item) == len(names):
            return item
    elif isinstance(item, Mapping):
        if len(item) == len(names) and all(name in item for name in names):
            return [item[name] for name in names]
        raise ValueError(
            f"step {path!r} takes apart mappings with the keys {', '.join(map(repr, names))}, "
            f"got {item!r}"
        )
    elif not isinstance(item, Sequence) or isinstance(item, str | bytes | bytearray):
        raise TypeError(
            f"step {path!r} takes apart sequences and mappings, got {type(item).__name__} {item!r}"
        )
    elif len(item) == len(names):
        return item
    raise ValueError(
        f"step {path!r} takes apart sequences of {len(names)} parts, "
        f"got one of {len(item)}: {item!r}"
    )


class Concat(ReadyMade):
    """Give the items of one input after the other away.

    Inputs: the `names`. Output: ``item``.

    Emits when: an item comes at the input that it is at.
    Backpressures when: ``item`` has no room. All later inputs are held back until their turn comes:
        who pushes there waits as soon as their buffer is full.
    Completes when: the last input has ended.
    Fails when: never by itself.
    Cancels when: nobody reads ``item`` any more.

    It is determinate, unlike two edges into one input, which take items as they come.

    Where its inputs come from one source, a later one may have to hold all that comes
    meanwhile; its buffer grows then (an artificial deadlock, see ``docs/deadlocks.md``).

    Args:
        *names: Names of the inputs, at least one, in the order in which they are read.
        name: Name of the stream, by default ``Concat``.

    Raises:
        WiringError: There is no name, or one that is no port's.

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
        """Give the items of one input after the other away."""
        for port in ins:
            while await burst(port, outs.item, _as_they_are):
                pass


def _as_they_are(items: Iterator[Any]) -> Iterator[Any]:
    return items
