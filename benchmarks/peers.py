"""The packages that mimo_rx is compared with, as far as they are installed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from benchmarks.elsewhere import Elsewhere, Room
from benchmarks.measure import Case

__all__ = ["absent", "versions"]


def absent(cases: Iterable[Case], room: Room) -> dict[str, str]:
    """Return the peers of `cases` that must be left out, each with the reason."""
    needed: dict[str, bool] = {}
    for case in cases:
        for each in case.contenders:
            if each.peer is not None:
                needed[each.peer] = each.is_elsewhere
    reasons = {name: _reason(name, elsewhere, room) for name, elsewhere in needed.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _reason(name: str, is_elsewhere: bool, room: Room) -> str:
    if find_spec(name) is None:
        return "not installed"
    try:
        if is_elsewhere:
            room.begin(name)
        else:
            import_module(name)
    except (Exception, Elsewhere) as error:
        return f"cannot be imported: {error}"
    return ""


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed packages among `names`."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
