"""The base of the streams that read and write files: checks of their arguments."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Mapping
from typing import Any

from .._ready_made import ReadyMade

__all__ = ["OfFiles"]


class OfFiles(ReadyMade):
    """A stream that reads or writes files."""

    def as_path(self, given: object) -> str:
        """Return `given`, a path, as a string.

        Raises:
            WiringError: It is not a path.
        """
        path = os.fspath(given) if isinstance(given, str | os.PathLike) else None
        if not isinstance(path, str) or not path or "\0" in path:
            hint = f"write {type(self).__name__}(*paths)" if isinstance(given, list | tuple) else ""
            self.refuse("a path must be a string or os.PathLike that names a file", given, hint)
        return path

    def check_encoding(self, encoding: object, errors: object) -> None:
        """Check that ``open()`` would take `encoding` and `errors`.

        Raises:
            WiringError: It would not.
        """
        try:
            "".encode(encoding)  # type: ignore[arg-type] # it is being checked
        except (LookupError, TypeError, ValueError) as error:
            self.refuse("encoding must be the name of a text encoding", encoding, str(error))
        try:
            codecs.lookup_error(errors)  # type: ignore[arg-type] # as above
        except (LookupError, TypeError, ValueError) as error:
            self.refuse('errors must name an error handler, such as "strict"', errors, str(error))

    def check_csv(self, dialect: object, format: Mapping[str, Any]) -> None:
        """Check that the module ``csv`` takes `dialect` and `format`.

        Raises:
            WiringError: It does not.
        """
        import csv

        try:
            csv.reader((), dialect, **format)  # type: ignore[arg-type] # as above
        except (csv.Error, TypeError, ValueError) as error:
            given = ", ".join([repr(dialect), *(f"{key}={format[key]!r}" for key in format)])
            rule = "dialect and format must be valid for the module csv"
            self.refuse(rule, self.shown(given), str(error))

    def as_fields(self, given: object) -> tuple[str, ...] | None:
        """Return `given`, names of columns, as a tuple.

        Raises:
            WiringError: There is no name, one is not a string, or two are equal.
        """
        if given is None:
            return None
        fields = () if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
        named = [field for field in fields if isinstance(field, str)]
        if not fields or len(set(named)) < len(fields):
            self.refuse("fields must be one or more different column names", fields or given)
        return fields
