"""What a push that had room returns.

A coroutine would have to be made for every item. One finished future for the whole run is cheaper
and everything that takes an awaitable or a coroutine accepts it: ``await``, ``create_task``, task
groups, ``gather``, ``wait_for``.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Generator
from typing import Any

__all__ = ["Pushed", "TrackedPush"]


class Pushed(asyncio.Future[None]):
    """A future that is done, and poses as a coroutine that returns None at once."""

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


class TrackedPush:
    """The same for asyncio's debug mode: one for each push, which reports not being awaited."""

    __slots__ = ("_awaited", "_pushed", "_what")

    def __init__(self, pushed: Pushed, what: str) -> None:
        self._pushed = pushed
        self._what = what
        self._awaited = False

    def __await__(self) -> Generator[Any, None, None]:
        """Return at once."""
        self._awaited = True
        return self._pushed.__await__()

    def send(self, value: object) -> Any:
        """End at once."""
        self._awaited = True
        return self._pushed.send(value)

    def throw(self, typ: Any, val: Any = None, tb: Any = None) -> Any:
        """Raise what is thrown in."""
        self._awaited = True
        return self._pushed.throw(typ, val, tb)

    def close(self) -> None:
        """Count as awaited."""
        self._awaited = True

    def __del__(self) -> None:
        """Report the mistake: without ``await`` nothing holds the producer back."""
        if not self._awaited:
            warnings.warn(
                f"{self._what} was never awaited; write `await` before it",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )
