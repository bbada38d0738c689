"""The warning of a blocking run that waits for outside sources alone (R10).

Such a run blocks its thread. If that very thread was to feed the source, the run never ends. But
another thread may feed it, so this is no error.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain

from .._blueprint.find_flows import find_flows, find_observables
from .._blueprint.sources import SourceStream
from .processes import StreamProcess
from .run import Run
from .waits import waiting_in

__all__ = ["Standstill"]

_SECONDS = 1.0

_log = logging.getLogger("mimo_rx")


class Standstill:
    """Looks at a blocking run each second, until it has warned or is cancelled.

    Args:
        run: The run, which has started.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._moved = self._count()
        self._timer = run.loop.call_later(_SECONDS, self._look)

    def cancel(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        moved, before = self._count(), self._moved
        self._moved = moved
        names = self._awaited() if moved == before else []
        if not names:
            self._timer = self._run.loop.call_later(_SECONDS, self._look)
            return
        listed = ", ".join(dict.fromkeys(map(repr, names)))
        ends = "it ends" if len(names) == 1 else "they end"
        _log.warning(
            "%s",
            f"a flow that was subscribed to without a running loop waits for {listed} alone, and "
            f"blocks its thread until {ends}; if this thread is to go on meanwhile, subscribe in a "
            "running loop, or on another thread with `ops.subscribe_on(NewThreadScheduler())`",
        )

    def _count(self) -> int:
        return sum(process.statistics().items_out for process in self._run.processes)

    def _awaited(self) -> list[str]:
        """Return the names of the outside sources, if the run waits for nothing else."""
        run = self._run
        if run.threads or run.bridge.trampoline.expects() or run.stopping:
            return []
        live = [each for each in run.processes if not each.life.has_ended]
        if any(each.life.is_unread for each in live):
            return []  # it is about to end
        sources = [each for each in live if _is_outside(each)]
        if not all(each in sources or waiting_in(each, timed=False) for each in live):
            return []
        if sources:
            waits = all(map(_sleeps, sources))
            return [each.step.stream.name for each in sources] if waits else []
        # What is left subscribes to something that has no entry of its own.
        return [] if live else list(self._subscribed())

    def _subscribed(self) -> Iterator[str]:
        """Yield what the operators that are left may have subscribed to outside."""
        for node in self._run.bridge.nodes.values():
            if not node.ended:
                found = [find_observables(each) for each in node.node.operators]
                if node.node.observable is not None:
                    found.append(find_flows(node.node.observable).outside)
                yield from (type(each).__name__ for each in chain.from_iterable(found))


def _is_outside(process: StreamProcess) -> bool:
    stream = process.step.stream
    return isinstance(stream, SourceStream) and stream.kind == "observable"


def _sleeps(process: StreamProcess) -> bool:
    """Tell whether a source waits for its Observable, which has nothing scheduled on the loop."""
    entry = process.entry
    return entry is not None and entry.is_idle()
