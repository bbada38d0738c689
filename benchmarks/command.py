"""The command line: ``python -m benchmarks [NAMES]``."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import click

from benchmarks import guard
from benchmarks.cases import CASES
from benchmarks.elsewhere import Room
from benchmarks.measure import Case, machine
from benchmarks.page import write
from benchmarks.peers import absent, versions
from benchmarks.program import Measured, measure
from benchmarks.table import figures, targets, to_markdown, to_text

__all__ = ["main"]

ITEMS, ROUNDS = 200_000, 7
QUICK_ITEMS, QUICK_ROUNDS = 20_000, 5
SITTINGS = 7
"""Number of measurements; their median is stored."""


@dataclass(frozen=True)
class Plan:
    """What to measure, and how.

    Args:
        cases: The cases.
        items: Number of items of an ordinary turn.
        rounds: Number of turns of each contender.
        room: The processes of the peers.
        reasons: Peers that are left out, each with the reason.
    """

    cases: Sequence[Case]
    items: int
    rounds: int
    room: Room
    reasons: Mapping[str, str]

    def measure(self, case: Case) -> Measured:
        """Measure a case."""
        return measure(
            case,
            self.items,
            self.rounds,
            self.room.take,
            absent=self.reasons,
            progress=progress,
        )

    @property
    def conditions(self) -> str:
        """The conditions of the measurement, in a paragraph."""
        return (
            f"Each figure is the best of up to {self.rounds} turns of {self.items:,} items. Slow "
            "contenders get fewer items. "
            f"{machine()}. {self.packages}."
        )

    @property
    def packages(self) -> str:
        """The packages that took part, with their versions."""
        peers = {each.peer for case in self.cases for each in case.contenders if each.peer}
        names = ["mimo-rx", "reactivex", *sorted(peers - self.reasons.keys())]
        return ", ".join(f"{name} {number}" for name, number in versions(names).items())


class CaseName(click.Choice[str]):
    """The name of a case; the error for a misspelt one names the nearest."""

    def get_invalid_choice_message(self, value: str, ctx: click.Context | None) -> str:
        """Return the text of the error."""
        close = get_close_matches(value, CASES, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        return f"{value!r} is not a case{hint}; there are {', '.join(CASES)}."


@click.command()
@click.argument("names", nargs=-1, type=CaseName(list(CASES)), metavar="[NAMES]...")
@click.option("--quick", is_flag=True, help="Use few items, and only the quick cases.")
@click.option("--items", type=click.IntRange(1), help=f"Items of a turn, by default {ITEMS:,}.")
@click.option("--rounds", type=click.IntRange(1), help=f"Turns of each, by default {ROUNDS}.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--markdown", is_flag=True, help="Print the tables as Markdown.")
@click.option("--docs", is_flag=True, help="Write docs/benchmarks.md and its chart.")
@click.option("--store", is_flag=True, help="Store the ratios to the baseline, for --check.")
@click.option("--check", is_flag=True, help="Fail if a ratio is worse than the stored one.")
def main(
    names: tuple[str, ...],
    quick: bool,
    items: int | None,
    rounds: int | None,
    file: Path | None,
    markdown: bool,
    docs: bool,
    store: bool,
    check: bool,
) -> None:
    """Measure mimo_rx and its alternatives, and print tables.

    Contenders take turns, and the best turn of each counts. Missed targets are marked. NAMES are
    cases; without any, all cases are measured. --json writes the figures of every turn to FILE.
    """
    if docs and (names or quick):
        raise click.UsageError("--docs is for all cases in full; leave names and --quick out")
    if check and store:
        raise click.UsageError("--check compares with the ratios that --store writes; choose one")
    if (check or store) and not quick:
        raise click.UsageError("--check and --store are for the quick run; add --quick")
    if check and not guard.STORED.exists():
        raise click.ClickException(f"{guard.STORED.name} does not exist; write it with --store")
    cases = [CASES[name] for name in dict.fromkeys(names)] or [
        case for case in CASES.values() if case.is_quick or not quick
    ]
    if check or store:
        # The guard compares mimo_rx with the baseline only, so the other contenders are left out.
        cases = [judged(case) for case in cases if case.baseline is not None]
    with Room() as room:
        plan = Plan(
            cases,
            items or (QUICK_ITEMS if quick else ITEMS),
            rounds or (QUICK_ROUNDS if quick else ROUNDS),
            room,
            absent(cases, room),
        )
        many = [plan.measure(case) for case in cases]
        if check:
            verdict(plan, many)
        elif store:
            others = [[plan.measure(case) for case in cases] for _ in range(SITTINGS - 1)]
            guard.store([many, *others], {"python": python(), "machine": machine()})
        else:
            show(plan, many, markdown)
    if docs:
        about = [machine(), plan.packages]
        write(many, plan.conditions, about)
    if file is not None:
        file.write_text(json.dumps(record(plan, many), indent=2) + "\n", encoding="utf-8")


def judged(case: Case) -> Case:
    """Return a case with only the contenders of mimo_rx and the baseline."""
    few = tuple(each for each in case.contenders if each.is_ours or each.key == case.baseline)
    return replace(case, contenders=few)


def python() -> str:
    """Return the version of Python without its last number, which does not affect the ratios."""
    return ".".join(platform.python_version_tuple()[:2])


def progress(text: str) -> None:
    """Overwrite the progress line on stderr, if stderr is a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{text}", nl=False, err=True)


def show(plan: Plan, many: Sequence[Measured], markdown: bool) -> None:
    """Print the tables."""
    lay_out = to_markdown if markdown else to_text
    for each in many:
        click.echo(f"## {each.case.title}\n" if markdown else f"{each.case.title}\n")
        click.echo("\n".join(lay_out(figures(each))) + "\n")
    asked = targets(many)
    if len(asked) > 1:
        click.echo("## Targets\n" if markdown else "Targets\n")
        click.echo("\n".join(lay_out(asked)) + "\n")
    for name, reason in plan.reasons.items():
        click.echo(f"left out: {name} ({reason})")
    click.echo(plan.conditions)


def record(plan: Plan, many: Sequence[Measured]) -> dict[str, object]:
    """Return all results in a form for JSON."""
    return {
        "machine": machine(),
        "packages": plan.packages,
        "items": plan.items,
        "rounds": plan.rounds,
        "left_out": dict(plan.reasons),
        "cases": [each.record() for each in many],
    }


def verdict(plan: Plan, many: Sequence[Measured]) -> None:
    """Compare with the stored ratios, and exit with 1 if a ratio is worse.

    Raises:
        SystemExit: A ratio is worse.
    """
    stored = guard.load()
    ratios: dict[str, float] = stored["ratios"]
    if stored["python"] != python():
        click.echo(f"note: stored with Python {stored['python']}, this is {python()}", err=True)
    for each in many:
        for name in each.ratios().keys() - ratios.keys():
            click.echo(f"note: {name} is not stored yet; store it with --store", err=True)
    found = guard.examine(many, ratios, plan.measure)
    if found:
        for worse in found:
            click.echo(f"slower: {worse}", err=True)
        raise SystemExit(1)
    compared = sum(len(each.ratios().keys() & ratios.keys()) for each in many)
    click.echo(f"{compared} ratios are as good as those stored")
