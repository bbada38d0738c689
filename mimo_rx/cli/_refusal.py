"""Refuse a wrong command line, with one line that says what was wanted and what exists."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import click

from ._text import escaped

__all__ = ["Refusal", "nearest_of"]

_LISTED = 12


class Refusal(click.ClickException):
    """The command line is wrong; one line says why, and the exit code is 2."""

    exit_code = 2

    def format_message(self) -> str:
        """Return the line."""
        return escaped(self.message.replace("\n", " "))


def nearest_of(name: str, names: Iterable[str], others: Iterable[str] = ()) -> str:
    """Return ``there are 'a', 'b'``, and the nearest name in `names`, or else in `others`."""
    there = list(names)
    if not there:
        return "there is none"
    listed = ", ".join(map(repr, there[:_LISTED]))
    more = f" and {len(there) - _LISTED} more" if len(there) > _LISTED else ""
    close = _close_to(name, there) or _close_to(name, others)
    hint = f"; did you mean {close[0]!r}" if close else ""
    return f"there {'is' if len(there) == 1 else 'are'} {listed}{more}{hint}"


def _close_to(name: str, names: Iterable[str]) -> list[str]:
    return get_close_matches(name, list(names), n=1, cutoff=0.6)
