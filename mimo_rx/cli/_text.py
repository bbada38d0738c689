"""Texts for a terminal: they must neither move its cursor nor flood it."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

__all__ = ["escaped", "hush", "shortened", "tell"]

_KEPT = "\n\t"


def escaped(text: str) -> str:
    r"""Return `text` with control characters escaped as ``\x1b``, except line breaks and tabs."""
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
    """Write a line to stderr; ignore the error if stderr has no reader left."""
    try:
        click.echo(text, err=True)
    except OSError:
        hush(sys.stderr)


def hush(stream: Any) -> None:
    """Send all further output of `stream` nowhere; it is stdout or stderr without a reader."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
