"""Helpers of tests of files."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mimo_rx import Stream, flow


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert at the end that no descriptor and no thread is left."""
    threads = set(threading.enumerate())
    before = open_files()
    yield
    assert set(threading.enumerate()) <= threads
    assert open_files() == before


def open_files() -> list[str]:
    """Return the open files, except those that event loops use."""
    found = []
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            found.append(os.readlink(descriptor))
    return sorted(name for name in found if name.startswith(("/", "pipe:")) and "/fd" not in name)


def written(folder: Path, data: str | bytes, name: str = "file.txt") -> Path:
    """Write a file to read."""
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def items_of(source: Stream) -> Any:
    """Run a source alone and return what it gives."""
    return flow(source).to_list().run()


def broken_off(source: Stream, kind: type[BaseException] = ValueError) -> tuple[list[Any], Any]:
    """Run a source that fails; return the items before the failure, and the exception."""
    items: list[Any] = []

    async def take(ins: Any, outs: Any, state: Any) -> None:
        async for chunk in ins.item.chunks():
            items.extend(chunk)
            await asyncio.sleep(0)

    with pytest.raises(kind) as caught:
        (source | Stream(["item"], fn=take)).workflow.start()
    return items, caught.value


def write(items: Any, sink: Stream) -> None:
    """Write `items`, with nobody reading the failures."""
    (flow(items) | sink).workflow.start()


def failing(items: Any, sink: Stream, kind: type[BaseException] = Exception) -> Any:
    """Write `items` and expect a failure; return the exception."""
    with pytest.raises(kind) as caught:
        write(items, sink)
    return caught.value


class Broken(Exception):
    """The failure of a source."""


def breaking(items: Any) -> Iterator[Any]:
    """Deliver `items`, then fail."""
    yield from items
    raise Broken
