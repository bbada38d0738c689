"""The scheduler that the operators of a run work on.

Undelayed work runs at once, on the run's own trampoline, inside the push that caused it. Delayed
work goes to the loop's timers. RxPY's ``AsyncIOScheduler`` would send undelayed work through the
loop too: then ``flat_map(rx.of)`` would queue without bound, and ``start_with`` would lose items.

Work that is due now and schedules itself again would never leave the push. Timed work, such as that
of ``interval(0)``, goes round the loop each time. Untimed work, such as that of ``generate``, runs
inside the push for as long as most programs need, and goes round the loop after that.

Rules: P12a, R4.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from threading import RLock, get_ident
from typing import Any, TypeVar

from reactivex import Observable, abc, typing
from reactivex.disposable import (
    CompositeDisposable,
    Disposable,
    SerialDisposable,
    SingleAssignmentDisposable,
)
from reactivex.internal.basic import default_now
from reactivex.internal.concurrency import synchronized
from reactivex.scheduler.periodicscheduler import PeriodicScheduler

from .._ports.pace import ALLOWANCE

__all__ = ["RunScheduler", "Scheduled", "Trampoline", "Unwound"]

S = TypeVar("S")

_SYNCHRONIZED: Any = synchronized(RLock())(default_now).__code__
"""The code of every function that RxPY wraps so that it holds a lock."""


class Unwound(BaseException):
    """Carry an error out of the operators, past those that handle errors.

    ``retry`` would take a plain :class:`LateSubscription` for an error of the source, and would
    subscribe again for ever.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Trampoline:
    """The queue of work that is due, the timers and the clock, shared by all schedulers of a run.

    Args:
        loop: The loop whose timers and clock are used. It must be the loop of this thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = get_ident()
        self._closed = False
        self._queue: deque[tuple[int, Callable[[], None]]] = deque()
        self._busy = False
        self._generation = 0
        self.action: Any = None
        """The action that is at work now; None if none is."""
        self._timers: set[asyncio.TimerHandle] = set()
        self._began = default_now()
        self._began_loop = loop.time()

    def now(self) -> datetime:
        """Return the wall-clock time of the start plus the loop's time since then."""
        return self._began + timedelta(seconds=self.loop.time() - self._began_loop)

    def here(self) -> bool:
        """Tell whether this is the loop's thread."""
        return get_ident() == self.thread

    def hop(self, call: Callable[..., object], *args: object) -> bool:
        """Make `call` on the loop's thread; calls from one thread keep their order.

        Returns:
            Whether the call will be made; a closed loop makes none.
        """
        try:
            self.loop.call_soon_threadsafe(call, *args)
        except RuntimeError:
            return False
        return True

    def hopping(self, dispose: Callable[..., object], *args: object) -> Disposable:
        """Return a disposable that calls `dispose` on the loop's thread."""

        def hop() -> None:
            self.hop(dispose, *args)

        return Disposable(hop)

    def do(self, work: Callable[[], None]) -> None:
        """Run `work` now, or right after the work that is running."""
        self._queue.append((self._generation + 1, work))
        if self._busy:
            return
        self._busy = True
        try:
            while self._queue:
                self._generation, due = self._queue.popleft()
                due()
        finally:
            self._queue.clear()
            self._busy = False
            self._generation = 0

    def goes_on(self) -> bool:
        """Tell whether work has led to work so often that the loop should get its turn (P12a)."""
        return self._generation >= ALLOWANCE

    def do_later(self, seconds: float, work: Callable[[], None]) -> Callable[[], None]:
        """Run `work` after `seconds`; return a function that cancels it."""
        if self._closed:
            return _nothing

        def due() -> None:
            self._timers.discard(handle)
            work()

        def cancel() -> None:
            self._timers.discard(handle)
            handle.cancel()

        handle = self.loop.call_later(seconds, due)
        self._timers.add(handle)
        return cancel

    def expects(self) -> bool:
        """Tell whether a timer will do some work."""
        return bool(self._timers)

    def close(self) -> None:
        """Cancel the timers that are left, and start no new ones."""
        self._closed = True
        for handle in self._timers:
            handle.cancel()
        self._timers.clear()


class RunScheduler(PeriodicScheduler):
    """The scheduler of the operators of one node; it also tells which node subscribes.

    Args:
        trampoline: The trampoline that all schedulers of the run share.
        fail: Called with an exception raised by work that nobody waits for.
        node: The node whose operators use this scheduler.
    """

    def __init__(
        self, trampoline: Trampoline, fail: Callable[[BaseException], None], node: Any = None
    ) -> None:
        super().__init__()
        self.trampoline = trampoline
        self.node = node
        self._fail = fail

    @property
    def now(self) -> datetime:
        """The time by the loop's clock."""
        return self.trampoline.now()

    def schedule(
        self, action: typing.ScheduledAction[S], state: S | None = None
    ) -> abc.DisposableBase:
        """Run `action` now, or right after the work that is running."""
        if self.trampoline.here():
            if self.trampoline.goes_on():
                return self._later(0.0, action, state)
            done = SingleAssignmentDisposable()
            self.trampoline.do(partial(self.work, done, action, state))
        else:
            done = SingleAssignmentDisposable()
            self.trampoline.hop(self._guarded, done, action, state)
        return done

    def schedule_relative(
        self,
        duetime: typing.RelativeTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run `action` after `duetime`, in seconds."""
        seconds = self.to_seconds(duetime)
        if seconds > 0:
            return self._later(seconds, action, state)
        if self.trampoline.here() and _renews(self.trampoline.action, action):
            return self._later(0.0, action, state)
        return self.schedule(action, state)

    def _later(self, seconds: float, action: Any, state: Any) -> abc.DisposableBase:
        """Run `action` by a timer of the loop."""
        done = SingleAssignmentDisposable()
        timer = SerialDisposable()

        def start() -> None:
            cancel = self.trampoline.do_later(seconds, partial(self._guarded, done, action, state))
            timer.disposable = Disposable(cancel)

        if self.trampoline.here():
            start()
            return CompositeDisposable(timer, done)
        self.trampoline.hop(start)
        return self.trampoline.hopping(CompositeDisposable(timer, done).dispose)

    def schedule_absolute(
        self,
        duetime: typing.AbsoluteTime,
        action: typing.ScheduledAction[S],
        state: S | None = None,
    ) -> abc.DisposableBase:
        """Run `action` at `duetime`."""
        return self.schedule_relative(self.to_datetime(duetime) - self.now, action, state)

    def work(self, done: SingleAssignmentDisposable, action: Any, state: Any) -> None:
        """Run `action`, unless it was disposed of meanwhile."""
        if done.is_disposed:
            return
        self.trampoline.action = action
        try:
            done.disposable = self.invoke_action(action, state)
        finally:
            self.trampoline.action = None

    def _guarded(self, done: SingleAssignmentDisposable, action: Any, state: Any) -> None:
        try:
            self.trampoline.do(partial(self.work, done, action, state))
        except (Exception, Unwound) as error:
            self._fail(error)


class Scheduled(Observable[Any]):
    """An Observable whose default scheduler is that of a node.

    Some operators pass no scheduler on. The operators upstream of them would then use the threads
    of RxPY's ``TimeoutScheduler``. This Observable also tells which node subscribes when a
    subscription comes on another thread. It takes part in the subscription between two operators;
    items do not pass through it.
    """

    def __init__(self, source: Observable[Any], scheduler: RunScheduler) -> None:
        super().__init__()
        self._source = source
        self.scheduler = scheduler

    def subscribe(
        self,
        on_next: Any = None,
        on_error: Any = None,
        on_completed: Any = None,
        *,
        scheduler: abc.SchedulerBase | None = None,
    ) -> abc.DisposableBase:
        """Subscribe to the source."""
        return self._source.subscribe(
            on_next, on_error, on_completed, scheduler=scheduler or self.scheduler
        )


def _renews(action: Any, further: Any) -> bool:
    """Tell whether `action`, which is at work, schedules itself again as `further`.

    Some operators make a new function each time, as ``window_with_time`` does. It has the same code
    as the last one, and the two share variables.
    """
    if action is None or action is further:
        return action is further
    one, other = _unlocked(action), _unlocked(further)
    code = getattr(one, "__code__", None)
    if code is None or code is not getattr(other, "__code__", None):
        return False
    variables = set(map(id, one.__closure__ or ()))
    return any(id(variable) in variables for variable in other.__closure__ or ())


def _unlocked(action: Any) -> Any:
    """Return the function that holds a lock of RxPY while it runs, or `action` if it holds none."""
    code = getattr(action, "__code__", None)
    if code is None or code is not _SYNCHRONIZED:
        return action
    return action.__closure__[code.co_freevars.index("fn")].cell_contents


def _nothing() -> None:
    """Cancel nothing: the work was never scheduled."""
