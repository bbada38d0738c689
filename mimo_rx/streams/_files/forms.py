"""The formats in which items are written: lines, JSON Lines, CSV."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from typing import Any, Protocol

__all__ = ["CsvForm", "Form", "JsonForm", "LineForm"]


class Form(Protocol):
    """The format in which the items of one run are written."""

    def start(self, is_new: bool) -> bytes:
        """Return the bytes before the first item; `is_new` tells whether the file is empty."""

    def one(self, item: Any) -> bytes:
        """Return the bytes for `item`; an exception is a failure of this item."""

    def many(self, items: list[Any]) -> bytes | None:
        """Return the bytes for all `items`; None if that is not quicker or an item is bad."""


class _Encoder:
    """Encodes texts piece by piece, without a byte-order mark before each of them."""

    def __init__(self, encoding: str, errors: str) -> None:
        self._encoding = encoding
        self._errors = errors
        self.mark = "".encode(encoding)

    def __call__(self, text: str) -> bytes:
        return text.encode(self._encoding, self._errors)[len(self.mark) :]


class LineForm:
    """A line for each item."""

    def __init__(self, encoding: str, errors: str) -> None:
        self._encode = _Encoder(encoding, errors)

    def start(self, is_new: bool) -> bytes:
        """Return the byte-order mark, if the encoding has one."""
        return self._encode.mark if is_new else b""

    def one(self, item: Any) -> bytes:
        """Return a line.

        Raises:
            TypeError: `item` is not a string.
            ValueError: `item` contains an end of line, or cannot be encoded.
        """
        if not isinstance(item, str):
            raise TypeError(
                f"a line must be a string, got {type(item).__name__}; convert it before, for "
                "example with ops.map(str)"
            )
        if "\n" in item or "\r" in item:
            raise ValueError("a line must not contain an end of line, which would make it two")
        return self._encode(item + "\n")

    def many(self, items: list[Any]) -> bytes | None:
        """Return the lines; None if an item is bad."""
        try:
            text = "\n".join(items)
            if text.count("\n") != len(items) - 1 or "\r" in text:
                return None
            return self._encode(text + "\n")
        except (TypeError, ValueError):
            return None


class JsonForm:
    """A value on each line."""

    def __init__(self, default: Callable[[Any], Any] | None) -> None:
        self._default = default
        # NaN is not valid JSON, and other tools would refuse such a file.
        encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=self._unknown)
        self._encode = encoder.encode

    def start(self, is_new: bool) -> bytes:
        """Return nothing."""
        return b""

    def one(self, item: Any) -> bytes:
        """Return a line.

        Raises:
            Exception: JSON has no form for `item`, or ``default`` raised.
        """
        named = _named(item)
        text = self._encode(item if named is None else named)
        # UTF-8 cannot encode half of a surrogate pair, as in some file names. The backslash escape
        # is exactly the one that JSON uses.
        return f"{text}\n".encode("utf-8", "backslashreplace")

    def many(self, items: list[Any]) -> bytes | None:
        """Return None, so that `default` is called only once for each item."""
        return None

    def _unknown(self, value: Any) -> Any:
        if is_dataclass(value) and not isinstance(value, type):
            return _named(value)
        if self._default is not None:
            return self._default(value)
        raise TypeError(
            f"JSON has no form for an object of type {type(value).__name__}; give a default="
        )


class CsvForm:
    """A row for each item, after a header that names the columns."""

    def __init__(
        self,
        fields: tuple[str, ...] | None,
        dialect: Any,
        format: Mapping[str, Any],
        encoding: str,
        errors: str,
    ) -> None:
        import csv

        self._fields = fields
        self._encode = _Encoder(encoding, errors)
        self._text = io.StringIO(newline="")
        self._write = csv.writer(self._text, dialect, **format).writerow
        self._header_due = False

    def start(self, is_new: bool) -> bytes:
        """Return the header, if the file is new and the columns are known."""
        if not is_new:
            return b""
        if self._fields is None:
            self._header_due = True
            return self._encode.mark
        return self._encode.mark + self._row(self._fields)

    def one(self, item: Any) -> bytes:
        """Return a row, after the header if it is the first.

        Raises:
            TypeError: `item` is of a wrong type, or its values have no names and `fields` is None.
            ValueError: It does not fit the columns, or the module ``csv`` or the encoding refuses
                it.
        """
        named = item if isinstance(item, Mapping) else _named(item)
        if named is None:
            return self._row(self._checked(item))
        if self._fields is None:
            fields = tuple(named)
            if not all(isinstance(field, str) for field in fields) or not fields:
                raise TypeError(f"names of columns must be strings, got {fields!r}")
        else:
            fields = self._fields
        row = [named.get(field, "") for field in fields]
        if not named.keys() <= set(fields):
            others = ", ".join(repr(key) for key in named if key not in fields)
            raise ValueError(f"there is no column for {others}; the columns are {fields!r}")
        data = self._row(row)
        if self._header_due:
            data = self._row(fields) + data
            self._header_due = False
        self._fields = fields  # only now: an item that cannot be written names no columns
        return data

    def many(self, items: list[Any]) -> bytes | None:
        """Return None: there is no quicker way."""
        return None

    def _checked(self, item: Any) -> Sequence[Any]:
        if not isinstance(item, list | tuple):
            raise TypeError(
                "a row must be a dict, a named tuple, a dataclass, a list or a tuple, got "
                f"{type(item).__name__}"
            )
        if self._fields is None:
            raise TypeError(f"the columns of a {type(item).__name__} have no names; give fields=")
        if len(item) != len(self._fields):
            raise ValueError(f"a row must have {len(self._fields)} values, got {len(item)}")
        return item

    def _row(self, values: Sequence[Any]) -> bytes:
        try:
            self._write(values)
            return self._encode(self._text.getvalue())
        finally:
            self._text.seek(0)
            self._text.truncate()


def _named(item: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass or named tuple by name; None for other items.

    The values are not copied, as ``dataclasses.asdict`` would do: some values cannot be copied.
    """
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return dict(zip(item._fields, item, strict=True))
    if is_dataclass(item) and not isinstance(item, type):
        return {field.name: getattr(item, field.name) for field in fields_of(item)}
    return None
