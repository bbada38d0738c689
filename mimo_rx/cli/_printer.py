"""The step that prints the items of a flow that leads nowhere, one on each line."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import select
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mimo_rx import Stream

from ._text import escaped, hush, shortened

__all__ = ["printer"]

_BREAK = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_PIECE = 400
"""Characters that are written at once. A pipe that has room takes 4,096 bytes without waiting; this
many characters fit into that, even if each one is escaped."""


def printer(as_json: bool) -> Stream:
    """Return the stream that prints.

    Args:
        as_json: Whether to write each item as JSON.
    """
    return Stream(["item"], fn=_print, name="print", state=_as_json if as_json else _as_text)


async def _print(ins: Any, outs: Any, line_of: Callable[[Any], str]) -> None:
    async for items in ins.item.chunks():
        for piece in _pieces(map(line_of, items)):
            await _room()
            try:
                sys.stdout.write(piece)
                sys.stdout.flush()
            except BrokenPipeError:
                hush(sys.stdout)
                return  # like a `take` that has ended: this cancels the edge that feeds it (C4)


def _pieces(lines: Iterable[str]) -> Iterator[str]:
    """Yield `lines`, a few at once; if one fails, yield the lines before it first."""
    piece = ""
    try:
        for line in lines:
            if piece and len(piece) + len(line) > _PIECE:
                yield piece
                piece = ""
            *whole, rest = (line[at : at + _PIECE] for at in range(0, len(line), _PIECE))
            yield from whole
            piece += rest
    except Exception:
        yield piece
        raise
    if piece:
        yield piece


async def _room() -> None:
    """Wait until stdout takes more: a slow reader holds up the upstream steps, not the timers."""
    if not hasattr(select, "poll"):
        return  # the write itself waits, and the whole loop with it
    try:
        file = sys.stdout.fileno()
    except OSError:  # stdout is not a file of the operating system
        return
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    if poll.poll(0):
        return
    loop = asyncio.get_running_loop()
    room = asyncio.Event()
    loop.add_writer(file, room.set)
    try:
        await room.wait()
    finally:
        loop.remove_writer(file)


def _as_text(item: Any) -> str:
    # Drop one line break at the end of an item: lines of a file have one, and this adds its own.
    text = _BREAK.sub(lambda found: repr(found[0])[1:-1], str(item).removesuffix("\n"))
    return f"{escaped(text) if sys.stdout.isatty() else text}\n"


def _as_json(item: Any) -> str:
    try:
        return json.dumps(item, default=_plain, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"item {shortened(item)} cannot be written as JSON: {error}; leave out --json, or map "
            "it to a type that JSON has"
        ) from None


def _plain(value: Any) -> Any:
    """Return a dataclass as a dict, which JSON can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"there is no JSON type for {type(value).__name__}")
