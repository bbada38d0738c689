"""Texts for a terminal: nothing in them may move its cursor, nothing may flood it."""

from __future__ import annotations

__all__ = ["escaped", "shortened"]

_KEPT = "\n\t"


def escaped(text: str) -> str:
    r"""Return `text` with its control characters, but for line breaks and tabs, as ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or each in _KEPT else repr(each)[1:-1] for each in text
    )


def shortened(item: object, length: int = 200) -> str:
    """Return the ``repr`` of `item`, cut after `length` characters."""
    text = repr(item)
    return text if len(text) <= length else f"{text[:length]}... ({len(text):,} characters)"
