"""Programs to run and to read, over the public names of ``mimo_rx`` alone.

Each is a module with a builder of the module's own name, which returns the workflow, and a click
command ``main``; it runs as ``python -m mimo_rx.examples.linear``.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

__all__ = ["DESCRIPTIONS", "command"]

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "linear": "Count, double each number and print it: a chain of three streams.",
        "split_output": "Read one output in two steps: each gets every item.",
        "multi_output": "Push to two named outputs, each of which goes its own way.",
        "join": "Add up two streams, item by item.",
        "peek_merge": "Merge two sorted streams into one sorted stream, by looking ahead.",
        "intervals": "Find all overlaps of two sorted files of intervals, in one pass.",
        "sensors": "Watch three sensors at different rates: the latest of each, means of windows, "
        "alarms.",
        "service": "Keep a workflow open, and ask it from many tasks at once.",
        "crawl": "Crawl a small site: a ring of streams that ends by itself.",
        "access_log": "Report on web server logs: status classes, top talkers, failing paths.",
        "census": "Take a census of a tree of Python source, by default of the standard library.",
    }
)
"""What there is, the simplest first: the first line of each docstring, by the module's name."""


def command(name: str) -> click.Command:
    """Import an example and return its command.

    Args:
        name: One of `DESCRIPTIONS`.

    Raises:
        ValueError: There is no such example.

    Example:
        >>> command("linear").main(["--count", "3"], standalone_mode=False)
        0
        2
        4
    """
    if name not in DESCRIPTIONS:
        nearest = "".join(
            f"; did you mean {near!r}" for near in get_close_matches(name, DESCRIPTIONS, 1)
        )
        raise ValueError(f"an example is one of {', '.join(DESCRIPTIONS)}; got {name!r}{nearest}")
    made: click.Command = import_module(f"{__name__}.{name}").main
    return made
