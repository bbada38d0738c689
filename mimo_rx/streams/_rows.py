"""The named tuples that joining streams give away."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator
from functools import cache, partial
from keyword import iskeyword
from typing import Any, NamedTuple

__all__ = ["Pair", "row_class", "row_rule", "rows"]


class Pair(NamedTuple):
    """What belongs together of two inputs, as the joins give it away.

    Example:
        >>> Pair("apple", None)
        Pair(left='apple', right=None)
    """

    left: Any
    """The item of ``left``, or None if there is none."""
    right: Any
    """The item of ``right``, or None if there is none."""


@cache
def row_class(fields: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """Return the named tuple ``Row`` that has `fields`: the same class for the same names.

    Its rows can be pickled, although no module holds the class.

    Example:
        >>> row_class(("a", "b"))(1, 2)
        Row(a=1, b=2)
    """
    make: Any = namedtuple  # which mypy takes with literals only
    row: Any = make("Row", fields, module=__name__)
    row.__reduce__ = _reduce
    made: type[tuple[Any, ...]] = row
    return made


def _reduce(row: tuple[Any, ...]) -> tuple[Any, ...]:
    fields: tuple[str, ...] = row._fields  # type: ignore[attr-defined]  # a named tuple
    return _row, (fields, tuple(row))


def _row(fields: tuple[str, ...], values: tuple[Any, ...]) -> tuple[Any, ...]:
    return row_class(fields)(*values)


def row_rule(name: str) -> str | None:
    """Return why `name` cannot be a field of a row; None if it can."""
    if iskeyword(name):
        return "no keyword of Python"
    if name.startswith("_"):
        return "without an underscore at its beginning"
    if hasattr(tuple, name):
        return "none of a tuple's methods"
    return None


def rows(fields: tuple[str, ...], columns: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """Return rows of one item of each of `columns`, until one of them has ended."""
    # As namedtuple's own `_make` does, but for a call of Python code at each row.
    return map(partial(tuple.__new__, row_class(fields)), zip(*columns, strict=False))
