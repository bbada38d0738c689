"""What a task shows from outside: the stream that it belongs to, and what it waits for."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
from typing import Any

from .._ports.pace import InnerWait
from .processes import PROCESS, StreamProcess

__all__ = ["process_of", "rests"]


def process_of(task: asyncio.Task[Any]) -> StreamProcess | None:
    """Return the stream in whose context `task` was made."""
    if sys.version_info >= (3, 12):
        return task.get_context().get(PROCESS)
    for each in gc.get_referents(task):  # Python 3.11 has no other way to a task's context
        if isinstance(each, contextvars.Context):
            return each.get(PROCESS)
    return None


def rests(task: asyncio.Task[Any], process: StreamProcess, waits: set[asyncio.Future[Any]]) -> bool:
    """Tell whether `task` of `process` waits in a port, or only for tasks of its own stream.

    Args:
        task: The task.
        process: Its stream.
        waits: The futures of the waits in the ports of the stream.
    """
    future = getattr(task, "_fut_waiter", None)
    if future is None or future.done():
        return False
    if future in waits or isinstance(future, InnerWait):
        return True
    if isinstance(future, asyncio.Task):
        return process_of(future) is process
    children = getattr(future, "_children", None)  # of gather()
    if children is None:
        children = _gathered(task)
    return bool(children) and all(
        child.done() or (isinstance(child, asyncio.Task) and process_of(child) is process)
        for child in children
    )


def _gathered(task: asyncio.Task[Any]) -> list[Any]:
    """Return the tasks that a task group or ``asyncio.wait`` waits for in `task`."""
    awaited: Any = task.get_coro()
    found: list[Any] = []
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None)
        if frame is not None:
            group = frame.f_locals.get("self")
            if isinstance(group, asyncio.TaskGroup):
                found = list(getattr(group, "_tasks", ()))
            elif frame.f_code is _WAIT:
                found = list(frame.f_locals.get("fs", ()))
        awaited = getattr(awaited, "cr_await", None)
    return found


_WAIT = asyncio.tasks._wait.__code__  # type: ignore[attr-defined] # what `asyncio.wait` waits in
