"""An observer made of callbacks, without the wrappers that RxPY's own puts around each."""

from __future__ import annotations

from typing import Any

from reactivex import abc
from reactivex.internal import default_error

__all__ = ["Callbacks", "ignore"]


class Callbacks(abc.ObserverBase[Any]):
    """An observer whose methods are the callbacks themselves.

    It does not check the grammar of Rx: what calls it does.

    Args:
        on_next: Called with each item; None ignores them.
        on_error: Called with the error; None raises it.
        on_completed: Called at the end; None ignores it.
    """

    def __init__(self, on_next: Any, on_error: Any, on_completed: Any) -> None:
        self.__dict__.update(
            on_next=on_next or ignore,
            on_error=on_error or default_error,
            on_completed=on_completed or _nothing,
        )

    def on_next(self, value: Any) -> None:
        """Do nothing; the callback replaces this method."""

    def on_error(self, error: Exception) -> None:
        """Do nothing; the callback, or one that raises the error, replaces this method."""

    def on_completed(self) -> None:
        """Do nothing; the callback replaces this method."""


def ignore(item: Any) -> None:
    """Discard an item."""


def _nothing() -> None:
    """Ignore an end."""
