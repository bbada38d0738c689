"""Which operators and Observables deliver only while something is delivered to them (D4).

Only then is it certain that an edge is at rest when those that feed it are. Operators are looked up
in the catalogue; an Observable is recognised by the room of RxPY in which it was made, and so is
each one that it refers to. What is not known may deliver by itself.
"""

from __future__ import annotations

from typing import Any

from reactivex import Observable

from .._blueprint.find_flows import find_observables
from .._rx.catalogue import CATALOGUE
from .._rx.operators import known_as, parts
from .plan import Node

__all__ = ["is_quiet"]

_COMBINING = frozenset(
    (
        "amb",
        "combine_latest",
        "concat",
        "fork_join",
        "merge",
        "merge_all",
        "with_latest_from",
        "zip",
    )
)
"""What delivers only when one of the Observables that it combines does."""
_AT_ONCE = frozenset(("empty", "fromiterable", "never", "returnvalue"))
"""Observables that deliver at their subscription, or never."""


def is_quiet(node: Node) -> bool:
    """Tell whether nothing comes out of `node` unless something goes in."""
    roots: list[Any] = [part for operator in node.operators for part in parts(operator)]
    if not all(map(_is_quiet_operator, roots)):
        return False
    return node.observable is None or _are_quiet(node.observable)


def _is_quiet_operator(operator: Any) -> bool:
    entry = known_as(operator)
    if entry is None:
        return False
    return entry.stays or (entry.name in _COMBINING and _are_quiet(operator))


def _are_quiet(root: object) -> bool:
    return all(map(_is_known, find_observables(root)))


def _is_known(observable: Observable[Any]) -> bool:
    module = str(getattr(observable._subscribe, "__module__", ""))
    if type(observable) is not Observable or not module.startswith("reactivex."):
        return False
    return module.rpartition(".")[2].replace("_", "") in _QUIET_ROOMS


def _rooms() -> frozenset[str]:
    """Return the rooms of RxPY all of whose operators are quiet, without their underscores."""
    stays: dict[str, bool] = {}
    for entry in CATALOGUE.values():
        room = (entry.closure or entry.name).replace("_", "")
        quiet = entry.stays or entry.name in _COMBINING
        stays[room] = quiet and stays.get(room, True)
    return _AT_ONCE | frozenset(room for room, quiet in stays.items() if quiet)


_QUIET_ROOMS = _rooms()
