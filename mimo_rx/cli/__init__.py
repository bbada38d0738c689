"""The command line ``mimo-rx``: run, graph, check and demo, written over the public names alone.

This module declares the commands and their options. It imports click and nothing heavier, so that
help and completion are fast. The code of a command is imported when the command is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from . import _demo

__all__ = ["main", "mimo_rx"]

_CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True}


def _files(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
    """Complete TARGET by file names; completing names inside a module would have to run it."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


def _on_target(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add TARGET, and the options that belong to it, to a command."""
    for option in (
        click.option(
            "--traceback",
            "whole",
            is_flag=True,
            help="Show all frames of an exception, not just yours.",
        ),
        click.option(
            "--set",
            "settings",
            metavar="KEY=VALUE",
            multiple=True,
            help="Set a parameter of the function TARGET; may be given several times.",
        ),
        click.argument("target", metavar="TARGET", shell_complete=_files),
    ):
        function = option(function)
    return function


def _number(ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Refuse nan, which lies in every range of click."""
    if value is not None and value != value:
        raise click.BadParameter("nan is not a length of time.")
    return value


def _reporting(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a command show its exceptions as the user should see them, and return an exit code."""

    @functools.wraps(function)
    def reporting(whole: bool, **options: Any) -> Any:
        from ._report import exit_code_of

        return exit_code_of(functools.partial(function, **options), whole=whole)

    return reporting


@click.group(context_settings=_CONTEXT)
@click.version_option(package_name="mimo-rx", prog_name="mimo-rx")
def mimo_rx() -> None:
    """Run, draw and check workflows of mimo_rx, and try its examples.

    A TARGET is package.module:name or path/file.py:name. It names a workflow, a flow, a step (a
    stream's place in a workflow, not a stream alone), or a function that returns one of these. Set
    the parameters of the function with --set KEY=VALUE. TARGET is imported, so its code runs.

    \b
    Try this:
      mimo-rx demo                  list the examples
      mimo-rx demo census           run one
      mimo-rx run examples/linear.py:linear --set count=5 --stats
      mimo-rx graph examples/join.py:join | dot -Tsvg > join.svg
      mimo-rx check examples/join.py:join

    Results go to stdout, everything else to stderr. Exit codes: 0; 1 if a run failed or timed out,
    or a check found an error; 2 for wrong usage; 130 after Ctrl-C, 143 after SIGTERM, 129 after
    SIGHUP. These signals let all streams clean up; a second one does not wait for that.
    """  # noqa: D301 - click needs a real backspace here, to keep the lines apart


@mimo_rx.command(context_settings=_CONTEXT)
@_on_target
@click.option(
    "--threshold",
    metavar="N",
    type=click.IntRange(1, sys.maxsize),
    help="Bound every buffer by N items, instead of the workflow's own thresholds.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    callback=_number,
    help="Cancel the run after this time, and show which steps waited for which.",
)
@click.option("--stats", is_flag=True, help="Print the statistics on stderr at the end.")
@click.option(
    "--stats-json",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write the statistics to FILE as JSON; - is stdout.",
)
@click.option("--json", "as_json", is_flag=True, help="Print each item as a line of JSON.")
@_reporting
def run(**options: Any) -> int:
    """Run TARGET to its end.

    TARGET is package.module:name or path/file.py:name, a workflow, a flow, a step or a function
    that returns one. It is imported, so its code runs. If TARGET is a flow that leads nowhere, its
    items are printed, one on each line. If stderr is a terminal, a line there shows the progress.
    """
    from ._run import run_target

    return run_target(**options)


@mimo_rx.command(context_settings=_CONTEXT)
@_on_target
@_reporting
def graph(target: str, settings: tuple[str, ...]) -> None:
    """Print TARGET as a DOT graph, the language of Graphviz.

    TARGET is package.module:name or path/file.py:name, a workflow, a flow, a step or a function
    that returns one. It is imported, so its code runs; the workflow does not. To make a picture:

    mimo-rx graph TARGET | dot -Tsvg > graph.svg
    """
    from ._target import load, workflow_of

    click.echo(workflow_of(load(target, settings)))


@mimo_rx.command(context_settings=_CONTEXT)
@_on_target
@_reporting
def check(target: str, settings: tuple[str, ...]) -> int:
    """Print what looks wrong in TARGET, one finding on each line.

    TARGET is package.module:name or path/file.py:name, a workflow, a flow, a step or a function
    that returns one. It is imported, so its code runs; the workflow does not. The exit code is 1
    if a finding is an error.
    """
    from ._check import check_target

    return check_target(target, settings)


class _Examples(click.Group):
    """The examples as commands, each imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the examples."""
        return list(_demo.EXAMPLES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return the command of one example; refuse an unknown name."""
        try:
            return _demo.command_of(name)
        except ValueError as error:
            raise click.UsageError(str(error), ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the examples without importing them."""
        with formatter.section("Examples"):
            formatter.write_dl([(name, _demo.description_of(name)) for name in _demo.EXAMPLES])
        formatter.write(f"\nTheir source: {_demo.folder()}\n")

    def invoke(self, ctx: click.Context) -> Any:
        """Run one example."""
        from ._report import exit_code_of

        invoke = functools.partial(super().invoke, ctx)
        return exit_code_of(invoke, whole=False, refusal=click.ClickException)


@mimo_rx.command(
    cls=_Examples,
    context_settings=_CONTEXT,
    invoke_without_command=True,
    subcommand_metavar="[NAME] [ARGS]...",
)
@click.pass_context
def demo(ctx: click.Context) -> None:
    """List the examples, or run the one called NAME.

    Each example has its own options: mimo-rx demo NAME --help. With --graph it prints its workflow
    instead of running it. You can also read and copy the examples: the list says where they are.
    """
    if ctx.invoked_subcommand is None:
        formatter = ctx.make_formatter()
        ctx.command.format_commands(ctx, formatter)  # type: ignore[attr-defined] # it is a group
        click.echo(formatter.getvalue(), nl=False)


def main() -> None:
    """Run the command line, and end the process with its exit code."""
    from ._report import guarded

    sys.exit(guarded(functools.partial(mimo_rx.main, prog_name="mimo-rx", standalone_mode=False)))
