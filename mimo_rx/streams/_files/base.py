"""What the streams that read and write files check of their arguments."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Mapping
from typing import Any

from .._base import ReadyMade

__all__ = ["OfFiles"]


class OfFiles(ReadyMade):
    """A stream that reads or writes files."""

    def as_path(self, given: object) -> str:
        """Return a path as a string.

        Raises:
            WiringError: It is none.
        """
        path = os.fspath(given) if isinstance(given, str | os.PathLike) else None
        if not isinstance(path, str) or not path or "\0" in path:
            hint = f"write {type(self).__name__}(*paths)" if isinstance(given, list | tuple) else ""
            self.refuse("a path must be a string or os.PathLike that names a file", given, hint)
        return path

    def check_encoding(self, encoding: object, errors: object) -> None:
        """Refuse what ``open()`` would refuse.

        Raises:
            WiringError: It would.
        """
        try:
            "".encode(encoding)  # type: ignore[arg-type] # that is what is to be seen
        except (LookupError, TypeError, ValueError) as error:
            self.refuse("encoding must be that of a text", encoding, str(error))
        try:
            codecs.lookup_error(errors)  # type: ignore[arg-type] # as above
        except (LookupError, TypeError, ValueError) as error:
            self.refuse('errors must be a way to handle them, as "strict"', errors, str(error))

    def check_csv(self, dialect: object, format: Mapping[str, Any]) -> None:
        """Refuse what the module ``csv`` does not take.

        Raises:
            WiringError: It does not.
        """
        import csv

        try:
            csv.reader((), dialect, **format)  # type: ignore[arg-type] # as above
        except (csv.Error, TypeError, ValueError) as error:
            given = ", ".join([repr(dialect), *(f"{key}={format[key]!r}" for key in format)])
            rule = "dialect and format must be such as the module csv takes"
            self.refuse(rule, self.shown(given), str(error))

    def as_fields(self, given: object) -> tuple[str, ...] | None:
        """Return names of columns as a tuple.

        Raises:
            WiringError: One is no string or there twice, or there is none.
        """
        if given is None:
            return None
        fields = () if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
        named = [field for field in fields if isinstance(field, str)]
        if not fields or len(set(named)) < len(fields):
            self.refuse("fields must be names of columns, strings that differ", fields or given)
        return fields
