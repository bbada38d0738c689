"""What the two sides of ``|`` have in common.

Streams, steps, ports and flows are operands of the language. What ``|`` means between them is
written down once, in :mod:`mimo_rx._wiring`, which registers itself here: streams stand a row
below it in the house and cannot import it. At the first ``|`` it is called in by its name.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, ClassVar

__all__ = ["Operand", "register_language"]

_language: Callable[[Any, Any], Any] | None = None


def register_language(wire: Callable[[Any, Any], Any]) -> None:
    """Make `wire` what ``left | right`` calls when either side is an operand."""
    global _language
    _language = wire


class Operand:
    """One side of ``|``, which is neither iterable nor an array.

    Without ``__iter__ = None`` Python would iterate by ``__getitem__``, without end; without
    ``__array_ufunc__ = None`` numpy would apply ``|`` to each element of an array.
    """

    __slots__ = ()

    __iter__: ClassVar[Any] = None
    __array_ufunc__: ClassVar[Any] = None

    def __or__(self, right: Any) -> Any:
        """Lead what this is into `right`, or apply the operator `right` to it."""
        return _wire(self, right)

    def __ror__(self, left: Any) -> Any:
        """Lead `left` into what this is."""
        return _wire(left, self)


def _wire(left: Any, right: Any) -> Any:
    if _language is None:
        import_module("._wiring", __package__)
        assert _language is not None, "the language registers itself"
    return _language(left, right)
