"""The value that a push returns when there was room.

A coroutine would have to be made for every item. One finished future for the whole run is cheaper.
Everything that takes an awaitable or a coroutine accepts it: ``await``, ``create_task``, task
groups, ``gather``, ``wait_for``.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Generator
from typing import Any

__all__ = ["Pushed", "TrackedPush"]


class Pushed(asyncio.Future[None]):
    """A finished future that poses as a coroutine that returns None at once."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.set_result(None)

    def send(self, value: object) -> Any:
        """End at once, as a coroutine without an ``await`` in it does."""
        raise StopIteration(None)

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        """Raise what is thrown in, as a coroutine that has not begun does."""
        if isinstance(typ, BaseException):
            raise typ
        raise (val if isinstance(val, BaseException) else typ() if val is None else typ(val))

    def close(self) -> None:
        """Do nothing: there is nothing left to close."""


class TrackedPush(Pushed):
    """The same for asyncio's debug mode: each push has its own, which reports a missing await."""

    def __init__(self, loop: asyncio.AbstractEventLoop, what: str) -> None:
        super().__init__(loop)
        self._what = what
        self._awaited = False

    def __await__(self) -> Generator[Any, None, None]:
        """Return at once."""
        self._awaited = True
        return super().__await__()

    def send(self, value: object) -> Any:
        """End at once."""
        self._awaited = True
        return super().send(value)

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        """Raise what is thrown in."""
        self._awaited = True
        return super().throw(typ, val, tb)

    def close(self) -> None:
        """Count as awaited."""
        self._awaited = True

    def result(self) -> None:
        """Return None; ``wait_for`` without time calls nothing else."""
        self._awaited = True
        super().result()

    def done(self) -> bool:
        """Return True; ``gather`` may call nothing else on a finished future."""
        self._awaited = True
        return super().done()

    def exception(self) -> None:
        """Return None; ``gather`` calls nothing else when another awaitable has failed."""
        self._awaited = True
        super().exception()

    def add_done_callback(self, *args: Any, **keywords: Any) -> None:
        """Schedule the callback; ``gather`` waits by one."""
        self._awaited = True
        super().add_done_callback(*args, **keywords)

    def __del__(self) -> None:
        """Report the mistake: without ``await`` nothing holds the producer back."""
        if not self._awaited:
            warnings.warn(
                f"{self._what} was never awaited; write `await` before it",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )
