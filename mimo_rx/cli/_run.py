"""``mimo-rx run``: one run to its end, with its progress line and its statistics."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import os
import sys
from contextlib import AbstractContextManager
from typing import IO, Any

import mimo_rx
from mimo_rx import Flow, Input, Statistics, Step, Workflow

from ._printer import printer
from ._progress import Progress
from ._refusal import Refusal
from ._report import Interrupted, TimedOut
from ._target import Runnable, load
from ._text import tell

__all__ = ["printing", "run_target"]


def run_target(
    target: str,
    settings: tuple[str, ...],
    threshold: int | None,
    timeout: float | None,
    stats: bool,
    stats_json: str | None,
    as_json: bool,
) -> int:
    """Run `target` to its end; if it is a flow that leads nowhere, print its items.

    Raises:
        Refusal: `target` is refused, or the file `stats_json` cannot be written.
        TimedOut: The run took longer than `timeout` seconds.
        BaseException: The exception that the run raised.
    """
    workflow = printing(load(target, settings), as_json=as_json)
    _tell_of_own_ports(workflow)
    watched = _Watched(workflow, threshold, timeout)
    with _opened(stats_json) as record:
        try:
            mimo_rx.run(watched.to_its_end())
        finally:
            statistics = watched.statistics()
            if statistics is not None and stats:
                tell(str(statistics))
            if statistics is not None and record is not None:
                json.dump(_record(statistics), record, indent=2)
                record.write("\n")
    return 0


def _tell_of_own_ports(workflow: Workflow) -> None:
    closed, discarding = (", ".join(map(repr, side)) for side in (workflow.ins, workflow.outs))
    parts = [f"its inputs {closed} are closed"] if closed else []
    parts += [f"its outputs {discarding} discard"] if discarding else []
    if parts:
        tell(f"workflow {workflow.name!r} is run by itself: {', '.join(parts)}")


def _opened(path: str | None) -> AbstractContextManager[IO[str] | None]:
    """Open the file of the statistics before the run, so that a bad path fails at once."""
    if path is None or path == "-":
        return contextlib.nullcontext(None if path is None else sys.stdout)
    try:
        return open(path, "w", encoding="utf-8")
    except OSError as error:
        raise Refusal(
            f"--stats-json {path}: the file cannot be written: {error.strerror or error}"
        ) from None


class _Watched:
    """A run that may have a timeout, and that shows its progress on a terminal.

    Args:
        workflow: The blueprint.
        threshold: Bound of every buffer, in items; None for the blueprint's own thresholds.
        timeout: Seconds that the run may take; None for no limit.
    """

    def __init__(self, workflow: Workflow, threshold: int | None, timeout: float | None) -> None:
        self._workflow = workflow
        self._threshold = threshold
        self._timeout = timeout
        self._opened: Any = None
        """What ``open()`` returned; it knows the run also where that is ended while it opens."""

    def statistics(self) -> Statistics | None:
        """Return the statistics of the run; None if it did not begin."""
        if self._opened is None:
            return None
        found: Statistics = self._opened.statistics()
        return found

    async def to_its_end(self) -> None:
        """Run as ``Workflow.run()`` does: inputs are closed, outputs discard.

        Raises:
            TimedOut: The run took longer than its timeout.
            Interrupted: A signal came, and the clean-up failed; raised from that failure.
            BaseException: The exception that the run raised.
        """
        task = asyncio.current_task()
        try:
            async with asyncio.timeout(self._timeout) as limit:
                await self._follow()
        except Exception as error:
            if isinstance(error, TimeoutError) and limit.expired():
                raise TimedOut(self._timeout, error.__cause__) from None
            if limit.expired():
                tell(f"timed out after {self._timeout:g} s, and the clean-up failed:")
            if task is not None and task.cancelling():
                raise Interrupted from error
            raise

    async def _follow(self) -> None:
        progress = Progress() if _has_terminal() else None
        with contextlib.nullcontext() if progress is None else progress.below():
            self._opened = self._workflow.open(threshold=self._threshold)
            async with self._opened as run:
                if progress is not None:
                    progress.follow(run)
                for port in run.ins:
                    port.close()
                async with asyncio.TaskGroup() as discarding:
                    for port in run.outs:
                        discarding.create_task(_discard(port))


def _has_terminal() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


async def _discard(port: Input[Any]) -> None:
    async for _ in port.chunks():
        pass


def printing(found: Runnable, *, as_json: bool) -> Workflow:
    """Return the workflow of `found`; a flow that leads nowhere is first led into a printer."""
    if isinstance(found, Workflow):
        return found
    if found.workflow is not None and (found.is_connected() or not _is_one_flow(found)):
        return found.workflow
    step: Step = found | printer(as_json)
    return step.workflow


def _is_one_flow(found: Flow) -> bool:
    return not isinstance(found, Step) or len(found.stream.main_outs) == 1


def _record(statistics: Statistics) -> dict[str, Any]:
    return {**dataclasses.asdict(statistics), "bottleneck": statistics.bottleneck}
