"""From cases to figures: select the contenders, take turns, compute ratios and compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.measure import Against, Case, Contender, Derived, Turns, take_turns, warm_up

__all__ = ["Comparison", "Measured", "Row", "TakeIn", "measure"]

TakeIn = Callable[[str, Contender, int], float]
"""Lets a contender of the named case take a turn with a number of items; returns its figure."""


@dataclass(frozen=True)
class Row:
    """A figure, measured or derived.

    Args:
        key: Its name within its case.
        title: Its name in the table.
        unit: The unit of `best` and `median`: ns of an item and hop, ms of the whole, or MB.
        best: The figure of the best turn.
        median: The median of all turns.
        is_ours: Whether it is a figure of mimo_rx.
    """

    key: str
    title: str
    unit: str
    best: float
    median: float
    is_ours: bool


@dataclass(frozen=True)
class Comparison:
    """A figure compared with another one.

    Args:
        row: The figure.
        other: The figure to compare with; None if the target is for `row` itself.
        against: The kind of comparison, and the target.
    """

    row: Row
    other: Row | None
    against: Against

    @property
    def figure(self) -> float:
        """The factor in speed, or the factor in time; without `other`, the own figure."""
        if self.other is None:
            return self.row.best
        return self.against.ratio(self.row.best, self.other.best)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None if there is no target."""
        return self.against.met(self.figure)


@dataclass
class Measured:
    """A case and the turns that were taken.

    Args:
        case: The case.
        turns: The turns of each contender that took part.
        left_out: The titles of the other contenders, each with the reason.
    """

    case: Case
    turns: list[Turns]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """The figures, in the order of the table."""
        bests = {each.contender.key: each.best for each in self.turns}
        medians = {each.contender.key: each.median for each in self.turns}
        rows = []
        for each in self.turns:
            who = each.contender
            rows.append(Row(who.key, who.title, who.unit, each.best, each.median, who.is_ours))
        for one in self.case.derived:
            bests[one.key] = one.formula(bests)
            medians[one.key] = one.formula(medians)
            rows.append(
                Row(one.key, one.title, "ns", bests[one.key], medians[one.key], one.is_ours)
            )
        return rows

    def comparisons(self) -> Iterator[Comparison]:
        """Yield all comparisons whose contenders took part."""
        rows = {row.key: row for row in self.rows}
        present = [each.contender for each in self.turns]
        compared: list[Contender | Derived] = [*present, *self.case.derived]
        for one in compared:
            for against in one.against:
                if against.key is None:
                    yield Comparison(rows[one.key], None, against)
                elif against.key in rows:
                    yield Comparison(rows[one.key], rows[against.key], against)

    def ratios(self) -> dict[str, float]:
        """Return the times of mimo_rx as multiples of the baseline's, by ``case/key``."""
        rows = {row.key: row for row in self.rows}
        if self.case.baseline is None:
            return {}
        base = rows[self.case.baseline].best
        return {
            f"{self.case.name}/{row.key}": row.best / base for row in rows.values() if row.is_ours
        }

    def record(self) -> dict[str, Any]:
        """Return everything in a form for JSON, with every turn."""
        return {
            "case": self.case.name,
            "title": self.case.title,
            "rows": [asdict(row) for row in self.rows],
            "turns": {each.contender.key: each.figures for each in self.turns},
            "ratios": self.ratios(),
            "comparisons": [
                {
                    "key": each.row.key,
                    "against": each.against.key,
                    "figure": each.figure,
                    "asked": str(each.against),
                    "met": each.met,
                }
                for each in self.comparisons()
            ],
            "left_out": self.left_out,
        }


def measure(
    case: Case,
    items: int,
    rounds: int,
    take: TakeIn,
    *,
    absent: Mapping[str, str] | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Measured:
    """Let all contenders of a case warm up and take turns.

    Args:
        case: The case.
        items: Number of items of an ordinary turn.
        rounds: Number of turns of each contender.
        take: Lets one contender take a turn.
        absent: Peers that are left out, each with the reason.
        progress: Called with a text about the progress.

    Returns:
        The case with all turns.

    Raises:
        RuntimeError: The result of a contender is wrong.
    """
    reasons = absent or {}
    present = [each for each in case.contenders if each.peer not in reasons]
    left_out = {
        each.title: reasons[each.peer]
        for each in case.contenders
        if each.peer is not None and each.peer in reasons
    }
    turns = [Turns(each) for each in present]

    def turn(contender: Contender, count: int) -> float:
        return take(case.name, contender, count)

    rounds = min(rounds, case.turns or rounds)
    if case.turns != 1:
        progress(f"{case.name}: warming up")
        warm_up(turns, items, turn)
    for number in range(1, rounds + 1):
        progress(f"{case.name}: round {number} of {rounds}")
        take_turns(turns, items, turn)
    progress("")
    return Measured(case, turns, left_out)
