"""What a lower room asks of a higher one, by name and only when it is needed.

A blueprint is read by the language of ``|``, checked, drawn, laid flat and run. Those who do this
stand above it, so it cannot import them. The face of the package says where each of them stands,
and the blueprint asks here at the first use. Another engine is one ``say("engine", ...)`` more.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["ask", "say"]

_places: dict[str, str] = {}
_found: dict[str, Any] = {}


def say(what: str, place: str) -> None:
    """Say where something stands: a module, or ``module:name``; the last word counts."""
    _places[what] = place
    _found.pop(what, None)


def ask(what: str) -> Any:
    """Return what was said to stand somewhere; its module is imported at the first call."""
    found = _found.get(what)
    if found is None:
        module, _, name = _places[what].partition(":")
        room = import_module(module)
        found = _found[what] = getattr(room, name) if name else room
    return found
