"""The guard against getting slower: compare ratios with those that the repository stores.

Times depend on the machine, so the guard compares ratios: the time of mimo_rx to that of the
baseline of the same case in the same run. The baseline is usually the hand-written queues. On a
busy machine a ratio is sometimes wrong too, but code that has become slower is slower each time. So
a ratio that looks worse is measured again several times, and fails only if it is worse every time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.measure import Case
from benchmarks.program import Measured

__all__ = ["STORED", "TOLERANCE", "Worse", "examine", "load", "store", "worse"]

STORED = Path(__file__).with_name("baseline.json")
TOLERANCE = 1.2
"""A ratio may be at most this many times the stored one."""
AGAIN = 5
"""A ratio that looks worse is measured again this many times."""


class Worse(NamedTuple):
    """A ratio that is worse than the stored one."""

    name: str
    now: float
    stored: float

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.now:.2f} times its baseline, {self.stored:.2f} times is stored; "
            f"that is {self.now / self.stored - 1:.0%} more, and {TOLERANCE - 1:.0%} are allowed"
        )


def worse(now: Mapping[str, float], stored: Mapping[str, float]) -> list[Worse]:
    """Return the ratios of `now` that are worse than allowed; skip those that are not stored."""
    return [
        Worse(name, ratio, stored[name])
        for name, ratio in now.items()
        if name in stored and ratio > TOLERANCE * stored[name]
    ]


def examine(
    many: Iterable[Measured],
    stored: Mapping[str, float],
    again: Callable[[Case], Measured],
) -> list[Worse]:
    """Return the ratios that are worse, and are worse each time they are measured again.

    Args:
        many: The measured cases.
        stored: The ratios of the repository, by ``case/key``.
        again: Measures a case again.
    """
    suspects = [(each.case, worse(each.ratios(), stored)) for each in many]
    for _ in range(AGAIN):
        suspects = [(case, losses) for case, losses in suspects if losses]
        # Measure the cases in turn, so that some time passes between two measurements of one case.
        suspects = [
            (case, _confirmed(losses, again(case).ratios(), stored)) for case, losses in suspects
        ]
    return [loss for _, losses in suspects for loss in losses]


def _confirmed(
    before: Iterable[Worse], now: Mapping[str, float], stored: Mapping[str, float]
) -> list[Worse]:
    """Return the losses that occur again, each with the smaller ratio."""
    found = {loss.name: loss for loss in worse(now, stored)}
    return [min(loss, found[loss.name]) for loss in before if loss.name in found]


def load(path: Path | None = None) -> dict[str, Any]:
    """Read the stored record: ``ratios`` by ``case/key``, and the ``python`` and ``machine``.

    Raises:
        FileNotFoundError: Nothing is stored.
    """
    record: dict[str, Any] = json.loads((path or STORED).read_text(encoding="utf-8"))
    return record


def store(
    sittings: Sequence[Sequence[Measured]],
    about: Mapping[str, object],
    path: Path | None = None,
) -> None:
    """Store ratios, and keep the old ones of cases that were not measured.

    It stores the median of each ratio over several sittings. A ratio that is too good by luck would
    make the guard fail ever after.

    Args:
        sittings: The cases, measured several times.
        about: Other facts to store: the machine, the version of Python.
        path: The file, by default `STORED`.
    """
    path = path or STORED
    before = load(path)["ratios"] if path.exists() else {}
    names = {each.case.name for each in sittings[0]}
    ratios = {name: ratio for name, ratio in before.items() if name.split("/")[0] not in names}
    for same in zip(*sittings, strict=True):
        several = [each.ratios() for each in same]
        ratios |= {name: round(median(one[name] for one in several), 3) for name in several[0]}
    record = {**about, "ratios": dict(sorted(ratios.items()))}
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
