"""The shared code of the examples' commands: options, help, and how to run a workflow."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import click

from mimo_rx import Statistics, Workflow

__all__ = [
    "GRAPH",
    "SETTINGS",
    "STATS",
    "carry_out",
    "command",
    "count_option",
    "help_of",
    "threshold_option",
]

Option: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
Builder: TypeAlias = Callable[[int, int], Workflow]
"""A function ``build(count, threshold)`` that returns a workflow."""

SETTINGS = {"show_default": True, "help_option_names": ["-h", "--help"]}

GRAPH = click.option(
    "--graph", is_flag=True, help="Print the workflow as a DOT graph instead of running it."
)
STATS = click.option(
    "--stats", is_flag=True, help="Print the statistics of each step on stderr, after the run."
)
WIRING = click.option(
    "--wiring",
    type=click.Choice(["bars", "pipe"]),
    default="bars",
    help="Build the workflow with `|` or with `pipe`; both give the same graph.",
)


def count_option(text: str) -> Option:
    """Make the option for the amount of work."""
    return click.option("--count", metavar="N", type=click.IntRange(0), default=100, help=text)


def threshold_option(default: int = 10) -> Option:
    """Make the option for the bound of the buffers, in items."""
    return click.option(
        "--threshold",
        metavar="N",
        type=click.IntRange(1),
        default=default,
        help="Largest number of items in a buffer.",
    )


def help_of(function: Callable[..., object]) -> str:
    """Return the docstring of a function's module, as a terminal shows it."""
    return (inspect.getdoc(sys.modules[function.__module__]) or "").replace("``", "`")


def command(bars: Builder, pipe: Builder | None = None) -> click.Command:
    """Make the command of an example that builds a workflow and runs it to its end.

    Its name is that of the builder. Its help is the docstring of the builder's module.

    Args:
        bars: Builds the workflow with ``|``.
        pipe: Builds the same workflow with ``pipe``, or None. If given, an option chooses.
    """
    builders = {"bars": bars} if pipe is None else {"bars": bars, "pipe": pipe}

    @click.command(bars.__name__, help=help_of(bars), context_settings=SETTINGS)
    @count_option("Number of items of each source.")
    @threshold_option()
    @GRAPH
    @STATS
    def main(count: int, threshold: int, graph: bool, stats: bool, wiring: str = "bars") -> None:
        workflow = builders[wiring](count, threshold)
        carry_out(workflow, workflow.start, graph=graph, stats=stats)

    return main if pipe is None else WIRING(main)


def carry_out(
    workflow: Workflow, run: Callable[[], Statistics], *, graph: bool, stats: bool
) -> None:
    """Draw the workflow, or run it and print its statistics if asked to.

    Args:
        workflow: The workflow to draw.
        run: Runs the workflow to its end.
        graph: Whether to draw instead of running.
        stats: Whether to print the statistics.
    """
    if graph:
        click.echo(str(workflow))
        return
    statistics = run()
    if stats:
        click.echo(str(statistics), err=True)
