"""The base of everything that can stand beside ``|``.

Streams, steps, ports and flows are operands of the language. The meaning of ``|`` is defined in one
place, several rows above. This module asks for it by its name (see :mod:`mimo_rx._late`).

Rules: L12.
"""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

from .._late import ask

__all__ = ["Language", "Operand", "language"]


class Language(Protocol):
    """The meaning of ``|``."""

    def wire(self, left: Any, right: Any) -> Any:
        """Evaluate ``left | right``."""

    def as_flow(
        self, source: Any, *, ports: tuple[Any, ...] = (), within: Any = None, **settings: Any
    ) -> Any:
        """Return the flow to read from the left side of ``|``."""

    def met(self, operands: Any) -> Any:
        """Make one workflow of all that `operands` stand in, and return it; None if none."""

    def connect(
        self, source: Any, target: Any, input: str | None, *, feedback: bool = False
    ) -> Any:
        """Lead `source` into the input called `input` of `target`."""


def language() -> Language:
    """Return the language."""
    found: Language = ask("language")
    return found


class Operand:
    """One side of ``|``, which is neither iterable nor an array.

    Without ``__iter__ = None`` Python would iterate by ``__getitem__``, and never end. Without
    ``__array_ufunc__ = None`` numpy would apply ``|`` to each element of an array.
    """

    __slots__ = ()

    __iter__: ClassVar[Any] = None
    __array_ufunc__: ClassVar[Any] = None

    def __or__(self, right: Any) -> Any:
        """Lead this into `right`, or apply the operator `right` to it."""
        return language().wire(self, right)

    def __ror__(self, left: Any) -> Any:
        """Lead `left` into this."""
        return language().wire(left, self)
