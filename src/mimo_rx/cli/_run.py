"""``mimo-rx run``: one run to its end, with what is told of it meanwhile and afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import sys
from collections.abc import Callable
from typing import IO, Any

import click

import mimo_rx
from mimo_rx import Flow, Input, OpenRun, Statistics, Step, Stream, Workflow

from ._progress import Progress
from ._report import TimedOut, hush
from ._target import Runnable, load
from ._text import escaped, shortened

__all__ = ["run_target"]


def run_target(
    target: str,
    settings: tuple[str, ...],
    threshold: int | None,
    timeout: float | None,
    stats: bool,
    stats_json: IO[str] | None,
    as_json: bool,
) -> int:
    """Run `target` to its end; print the items of a flow that leads nowhere.

    Raises:
        TimedOut: It took longer than `timeout` seconds.
        BaseException: What the run raised.
    """
    workflow = _printing(load(target, settings), as_json)
    watched = _Watched(workflow, threshold, timeout)
    try:
        mimo_rx.run(watched.to_its_end())
    finally:
        statistics = watched.statistics()
        if statistics is not None and stats:
            click.echo(str(statistics), err=True)
        if statistics is not None and stats_json is not None:
            json.dump(_record(statistics), stats_json, indent=2)
            stats_json.write("\n")
    return 0


class _Watched:
    """A run that may be timed out, and that tells how far it is if somebody looks.

    Args:
        workflow: The blueprint.
        threshold: Bound of every buffer, in items; None for what the blueprint says.
        timeout: Seconds that it may take; None for any time.
    """

    def __init__(self, workflow: Workflow, threshold: int | None, timeout: float | None) -> None:
        self._workflow = workflow
        self._threshold = threshold
        self._timeout = timeout
        self._run: OpenRun | None = None

    def statistics(self) -> Statistics | None:
        """Return the record of the run; None if it did not begin."""
        return None if self._run is None else self._run.statistics()

    async def to_its_end(self) -> None:
        """Run as ``Workflow.run()`` does: inputs are closed, outputs discard.

        Raises:
            TimedOut: It took longer than it may.
            BaseException: What the run raised.
        """
        try:
            async with asyncio.timeout(self._timeout) as limit:
                await self._follow()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimedOut(self._timeout, error.__cause__) from None

    async def _follow(self) -> None:
        progress = Progress() if sys.stderr.isatty() else None
        with contextlib.nullcontext() if progress is None else progress.below():
            async with self._workflow.open(threshold=self._threshold) as run:
                self._run = run
                if progress is not None:
                    progress.follow(run)
                for port in run.ins:
                    port.close()
                async with asyncio.TaskGroup() as discarding:
                    for port in run.outs:
                        discarding.create_task(_discard(port))


async def _discard(port: Input[Any]) -> None:
    async for _ in port.chunks():
        pass


def _printing(found: Runnable, as_json: bool) -> Workflow:
    """Return the workflow of what was found; a flow that leads nowhere is led into a printer."""
    if isinstance(found, Workflow):
        return found
    if found.workflow is not None and (found.is_connected() or not _is_one_flow(found)):
        return found.workflow
    printer = Stream(["item"], fn=_print, name="print", state=_as_json if as_json else _as_text)
    step: Step = found | printer
    return step.workflow


def _is_one_flow(found: Flow) -> bool:
    return not isinstance(found, Step) or len(found.stream.main_outs) == 1


async def _print(ins: Any, outs: Any, line_of: Callable[[Any], str]) -> None:
    async for items in ins.item.chunks():
        lines: list[str] = []
        try:
            lines.extend(map(line_of, items))
        finally:
            try:
                sys.stdout.write("".join(lines))
                sys.stdout.flush()
            except BrokenPipeError:
                hush()
                return  # as if it had a `take`: whoever feeds it is told (C4)


def _as_text(item: Any) -> str:
    text = str(item)
    if len(text.splitlines()) > 1:
        text = "\\n".join(text.splitlines())
    return f"{escaped(text) if sys.stdout.isatty() else text}\n"


def _as_json(item: Any) -> str:
    try:
        return json.dumps(item, default=_plain, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"item {shortened(item)} cannot be written as JSON: {error}; leave out --json, or map "
            "it to what JSON has"
        ) from None


def _plain(value: Any) -> Any:
    """Return a dataclass as what JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"it has no form for {type(value).__name__}")


def _record(statistics: Statistics) -> dict[str, Any]:
    return {**dataclasses.asdict(statistics), "bottleneck": statistics.bottleneck}
