"""How a lower room reaches a higher one: by name, and only when it is needed.

The rooms that wire, check, draw, flatten and run a blueprint are in rows above it, so the blueprint
cannot import them. The face of the package registers the modules that the blueprint needs, and the
blueprint asks for them here at first use. To use another engine, call ``say("engine", ...)``.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["ask", "say"]

_places: dict[str, str] = {}
_found: dict[str, Any] = {}


def say(what: str, place: str) -> None:
    """Register where `what` is: a module, or ``module:name``; the last call counts."""
    _places[what] = place
    _found.pop(what, None)


def ask(what: str) -> Any:
    """Return the object registered for `what`; the first call imports its module."""
    found = _found.get(what)
    if found is None:
        module, _, name = _places[what].partition(":")
        room = import_module(module)
        found = _found[what] = getattr(room, name) if name else room
    return found
