"""Which operators and Observables deliver only while something is delivered to them (D4).

Only an edge of such operators is certain to be at rest when its feeders are. Operators are looked
up in the catalogue. An Observable is recognised by the module of RxPY that made it, and so is each
Observable that it refers to. Anything unknown may deliver by itself.
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
"""Operators that deliver only when one of the Observables that they combine does."""
_AT_ONCE = frozenset(("empty", "fromiterable", "never", "returnvalue"))
"""Observables that deliver at their subscription, or never."""


def is_quiet(node: Node) -> bool:
    """Tell whether `node` delivers only while something is delivered to it."""
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
    """Return the modules of RxPY whose operators are all quiet, by name without underscores."""
    stays: dict[str, bool] = {}
    for entry in CATALOGUE.values():
        room = (entry.closure or entry.name).replace("_", "")
        quiet = entry.stays or entry.name in _COMBINING
        stays[room] = quiet and stays.get(room, True)
    return _AT_ONCE | frozenset(room for room, quiet in stays.items() if quiet)


_QUIET_ROOMS = _rooms()
