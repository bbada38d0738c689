"""The scheduler that the operators of a run work on.

Undelayed work runs at once, on a trampoline of the run's own, inside the push that caused it;
delayed work goes to the loop's timers. RxPY's ``AsyncIOScheduler`` would send undelayed work
through the loop as well: ``flat_map(rx.of)`` would then queue without bound, and ``start_with``
lose items.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import get_ident
from typing import Any, TypeVar

from reactivex import abc, typing
from reactivex.disposable import Disposable, SingleAssignmentDisposable
from reactivex.internal.basic import default_now
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

__all__ = ["RunScheduler", "Trampoline"]

S = TypeVar("S")


class Trampoline:
    """What all schedulers of one run share: the queue of work that is due, the timers, the clock.

    Args:
        loop: The loop whose timers and clock are used.
        on_error: Called with an exception that came out of delayed work.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_error: Callable[[BaseException], None]
    ) -> None:
        self.loop = loop
        self.thread = get_ident()
        self._on_error = on_error
        self._queue: deque[Callable[[], None]] = deque()
        self._busy = False
        self._timers: set[asyncio.TimerHandle] = set()
        self._began = default_now()
        self._began_loop = loop.time()

    def now(self) -> datetime:
        """Return the wall clock of the start, moved on by the loop's clock since then."""
        return self._began + timedelta(seconds=self.loop.time() - self._began_loop)

    def run(self, work: Callable[[], None]) -> None:
        """Run `work` now, or right after the work that is under way."""
        if get_ident() != self.thread:
            self.loop.call_soon_threadsafe(self._guarded, work)
            return
        self._queue.append(work)
        if self._busy:
            return
        self._busy = True
        try:
            while self._queue:
                self._queue.popleft()()
        finally:
            self._queue.clear()
            self._busy = False

    def run_later(self, seconds: float, work: Callable[[], None]) -> Callable[[], None]:
        """Run `work` after `seconds`; return what cancels that."""
        if get_ident() != self.thread:
            return self._run_later_from_afar(seconds, work)

        def due() -> None:
            self._timers.discard(handle)
            self._guarded(work)

        handle = self.loop.call_later(seconds, due)
        self._timers.add(handle)

        def cancel() -> None:
            self._timers.discard(handle)
            handle.cancel()

        return cancel

    def _run_later_from_afar(self, seconds: float, work: Callable[[], None]) -> Callable[[], None]:
        made: list[Callable[[], None]] = []

        def make() -> None:
            made.append(self.run_later(seconds, work))

        def unmake() -> None:
            for cancel in made:
                cancel()

        def cancel() -> None:
            self.loop.call_soon_threadsafe(unmake)

        self.loop.call_soon_threadsafe(make)
        return cancel

    def close(self) -> None:
        """Cancel the timers that are left."""
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            self.run(work)
        except Exception as error:
            self._on_error(error)


class RunScheduler(PeriodicScheduler):
    """The scheduler of the operators of one node; it also tells which node subscribes.

    Args:
        trampoline: What it shares with the other schedulers of the run.
        node: Whose operators work on it.
    """

    def __init__(self, trampoline: Trampoline, node: Any) -> None:
        super().__init__()
        self.trampoline = trampoline
        self.node = node

    @property
    def now(self) -> datetime:
        """The time by the loop's clock."""
        return self.trampoline.now()

    def schedule(
        self, action: typing.ScheduledAction[S], state: S | None = None
    ) -> abc.DisposableBase:
        """Run `action` now, or right after the work that is under way."""
        done = SingleAssignmentDisposable()

        def work() -> None:
            if not done.is_disposed:
                done.disposable = self.invoke_action(action, state)

        self.trampoline.run(work)
        return done

    def schedule_relative(
        self,
        duetime: typing.RelativeTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run `action` after `duetime`, in seconds."""
        seconds = self.to_seconds(duetime)
        if seconds <= 0:
            return self.schedule(action, state)
        done = SingleAssignmentDisposable()

        def work() -> None:
            if not done.is_disposed:
                done.disposable = self.invoke_action(action, state)

        cancel = self.trampoline.run_later(seconds, work)

        def dispose() -> None:
            cancel()
            done.dispose()

        return Disposable(dispose)

    def schedule_absolute(
        self,
        duetime: typing.AbsoluteTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run `action` at `duetime`."""
        return self.schedule_relative(self.to_datetime(duetime) - self.now, action, state)
