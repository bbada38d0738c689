"""``mimo-rx check``: print the findings of a workflow, one on each line."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ._run import printing
from ._target import load
from ._text import escaped, tell

__all__ = ["check_target"]

_COLORS = {"error": "red", "warning": "yellow", "info": "cyan"}


def check_target(target: str, settings: Iterable[str]) -> int:
    """Print the findings of `target`, the errors first, and return the exit code.

    A flow that leads nowhere is checked as it would be run: with the step that prints its items.
    """
    findings = printing(load(target, settings), as_json=False).check()
    order = list(_COLORS)
    widest = max((len(each.code) for each in findings), default=0)
    for each in sorted(findings, key=lambda finding: order.index(finding.severity)):
        severity = click.style(f"{each.severity:<7}", fg=_COLORS[each.severity])
        message = escaped(each.message).replace("\n", "\n  ")
        click.echo(f"{severity}  {each.code:<{widest}}  {message}")
    if not findings:
        tell("nothing looks wrong")
    return int(any(each.severity == "error" for each in findings))
