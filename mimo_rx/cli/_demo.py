"""The examples: where they are, what they show, and their commands.

They are programs next to the package, not a part of it. A checkout has them in ``examples``, a
wheel in ``mimo_rx/examples``.
"""

from __future__ import annotations

import ast
import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import click

from ._refusal import Refusal

__all__ = ["EXAMPLES", "command_of", "description_of", "folder"]

EXAMPLES = (
    "linear",
    "split_output",
    "multi_output",
    "join",
    "peek_merge",
    "intervals",
    "sensors",
    "service",
    "crawl",
    "access_log",
    "census",
)
"""The names of the examples, the simplest first. Each is a file with a command ``main``."""


def folder() -> Path:
    """Return the folder of the examples.

    Raises:
        Refusal: The package is in neither a wheel nor a checkout with the examples.
    """
    package = Path(__file__).resolve().parent.parent
    places = [package / "examples", package.parent / "examples"]
    for place in places:
        if (place / f"{EXAMPLES[0]}.py").is_file():
            return place
    raise Refusal(f"there are no examples in {' or '.join(map(str, places))}")


def description_of(name: str) -> str:
    """Return the first line of an example's docstring, without importing it."""
    source = (folder() / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def command_of(name: str) -> click.Command:
    """Import an example and return its command.

    Args:
        name: One of `EXAMPLES`.

    Raises:
        ValueError: There is no such example.

    Example:
        >>> command_of("linear").main(["--count", "3"], standalone_mode=False)
        0
        2
        4
    """
    if name not in EXAMPLES:
        close = get_close_matches(name, EXAMPLES, n=1)
        hint = f"; did you mean {close[0]!r}" if close else ""
        raise ValueError(f"an example is one of {', '.join(EXAMPLES)}; got {name!r}{hint}")
    place = str(folder())
    if place not in sys.path:
        # Python does the same when it runs the file. Worker processes then find its functions too.
        sys.path.insert(0, place)
    made: click.Command = import_module(name).main
    return made
