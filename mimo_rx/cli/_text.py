"""Texts for a terminal: nothing in them may move its cursor, nothing may flood it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

__all__ = ["escaped", "hush", "shortened", "tell"]

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
    try:
        text = repr(item)
    except Exception as error:
        text = f"<{type(item).__name__} whose repr raises {type(error).__name__}>"
    return text if len(text) <= length else f"{text[:length]}... ({len(text):,} characters)"


def tell(text: str) -> None:
    """Write a line to stderr; where nobody reads that any more, nobody need be told."""
    try:
        click.echo(text, err=True)
    except OSError:
        hush(sys.stderr)


def hush(stream: Any) -> None:
    """Let nothing more be written to stdout or stderr, whose reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
