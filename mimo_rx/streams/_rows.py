"""The named tuples that joins and zips emit."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator
from functools import cache, partial
from keyword import iskeyword
from typing import Any, NamedTuple

__all__ = ["Pair", "row_class", "row_rule", "rows"]


class Pair(NamedTuple):
    """Two items that belong together, one of each input, as the joins emit them.

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
    """Return the class of named tuples ``Row`` with `fields`: the same class for the same names.

    Its rows can be pickled, although the class is not an attribute of any module.

    Example:
        >>> row_class(("a", "b"))(1, 2)
        Row(a=1, b=2)
    """
    make: Any = namedtuple  # mypy accepts only literals as its arguments
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
    """Return the rule that `name` breaks as the name of a field; None if it is a good one."""
    if iskeyword(name):
        return "other than a keyword of Python"
    if name.startswith("_"):
        return "without an underscore at its beginning"
    if hasattr(tuple, name):
        return "other than a method of tuples"
    return None


def rows(fields: tuple[str, ...], columns: Iterable[Iterator[Any]]) -> Iterator[Any]:
    """Return rows with one item of each of `columns`, until one of them has ended."""
    # This is what namedtuple's `_make` does, without a Python call for each row.
    return map(partial(tuple.__new__, row_class(fields)), zip(*columns, strict=False))
