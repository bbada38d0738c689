"""Operators for any RxPY program, with or without workflows.

Inside a workflow, use the operators of ``reactivex.operators``: a workflow has back-pressure
already.

Rules: R9.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from threading import get_ident
from typing import Any, TypeVar

from reactivex import Observable, abc
from reactivex.disposable import SingleAssignmentDisposable
from reactivex.scheduler import (
    CurrentThreadScheduler,
    EventLoopScheduler,
    ImmediateScheduler,
    TrampolineScheduler,
    VirtualTimeScheduler,
)
from reactivex.scheduler.eventloop import AsyncIOScheduler, AsyncIOThreadSafeScheduler

from ._rx.entry import Entry, Overflow, check_overflow

__all__ = ["on_backpressure"]

T = TypeVar("T")

_SAME_THREAD = (
    CurrentThreadScheduler,
    ImmediateScheduler,
    TrampolineScheduler,
    VirtualTimeScheduler,
)
_BATCH = 100
"""Items that are delivered in a row before other work of the scheduler has a turn."""


def on_backpressure(
    overflow: Overflow = "block",
    capacity: int | None = None,
    *,
    scheduler: abc.SchedulerBase | None = None,
) -> Callable[[Observable[T]], Observable[T]]:
    """Observe on another thread or loop, as ``observe_on`` does, with a bound on waiting items.

    Args:
        overflow: What to do with an item that comes while there is no room. ``"block"`` makes the
            thread that delivers it wait; ``"drop_newest"`` drops it; ``"drop_oldest"`` drops the
            item that has waited longest (with a capacity of 1, it keeps the latest item);
            ``"error"`` ends the sequence with ``BufferOverflow``; ``"unbounded"`` keeps all items,
            as ``observe_on`` does.
        capacity: Items that may wait, at least 1; by default 100. The observer has one more.
        scheduler: Where the observer works. By default each subscription has a daemon thread of its
            own, which ends when there is nothing to do. A pool must have a free thread for it.

    Returns:
        The operator. Items keep their order, and the end comes after all of them.

    Raises:
        ValueError: `overflow` or `capacity` is out of its range, or `overflow` is ``"block"`` and
            `scheduler` works on the thread of the source, which would wait for itself.

    Emits when: an item waits and the scheduler runs the work of this operator.
    Backpressures when: `overflow` is ``"block"`` and `capacity` items wait. A thread that runs an
    event loop is never made to wait: there the sequence ends with a ``RuntimeError`` that says so.
    Completes when: the source has completed and all waiting items were delivered.
    Fails when: the source fails, after all waiting items were delivered; with ``BufferOverflow``.
    Cancels when: the subscription is disposed, from any thread. Waiting items are dropped, and a
    thread that waits for room goes on.

    Example:
        >>> import reactivex as rx
        >>> from mimo_rx.operators import on_backpressure
        >>> rx.range(5).pipe(on_backpressure("block", capacity=2)).run()
        4
    """
    check_overflow(overflow, capacity, "on_backpressure")
    if scheduler is not None and not isinstance(scheduler, abc.SchedulerBase):
        raise ValueError(f"scheduler of on_backpressure must be one of RxPY's, got {scheduler!r}")
    if overflow == "block" and isinstance(scheduler, _SAME_THREAD):
        raise ValueError(
            f"on_backpressure('block') makes the thread of its source wait, but "
            f"{type(scheduler).__name__} works on that same thread; use another scheduler or "
            "another overflow"
        )
    if type(scheduler) is AsyncIOScheduler:  # it must not be called from another thread
        scheduler = AsyncIOThreadSafeScheduler(scheduler._loop)

    def operator(source: Observable[T]) -> Observable[T]:
        def subscribe(
            observer: abc.ObserverBase[T], subscribed_on: abc.SchedulerBase | None = None
        ) -> abc.DisposableBase:
            work_on = scheduler or EventLoopScheduler(exit_if_empty=True)
            bound = _Bound(observer, overflow, capacity or 100, work_on)
            bound.source.disposable = source.subscribe(
                bound.put, bound.end, bound.end, scheduler=subscribed_on
            )
            return bound

        return Observable(subscribe)

    return operator


class _Bound(abc.DisposableBase):
    """One subscription: the items that wait, and the work that delivers them.

    Args:
        observer: The observer that gets the items, one at a time.
        overflow: See :func:`on_backpressure`.
        capacity: See :func:`on_backpressure`.
        scheduler: Where the items are delivered.
    """

    def __init__(
        self,
        observer: abc.ObserverBase[Any],
        overflow: str,
        capacity: int,
        scheduler: abc.SchedulerBase,
    ) -> None:
        self.source = SingleAssignmentDisposable()
        self._observer = observer
        self._scheduler = scheduler
        self._work: abc.DisposableBase | None = None
        self._thread: int | None = None
        """The thread that is delivering now; None if none is."""
        self._entry = Entry(
            overflow, capacity, "on_backpressure", self._schedule, self._refuse_to_wait
        )

    def put(self, item: Any) -> None:
        """Take an item from the source; dispose of the source once items are no longer wanted."""
        if not self._entry.put(item):
            self.source.dispose()

    def end(self, error: BaseException | None = None) -> None:
        """Take the end from the source."""
        self._entry.end(error)

    def dispose(self) -> None:
        """Stop delivering, and dispose of the source."""
        self._entry.stop()
        self.source.dispose()
        work, self._work = self._work, None
        if work is not None:
            work.dispose()

    def _schedule(self) -> None:
        # The work before this is done. It is not disposed of, as that could be expensive.
        self._work = self._scheduler.schedule(self._deliver)

    def _deliver(self, scheduler: abc.SchedulerBase, state: object) -> None:
        self._thread = get_ident()
        try:
            more = self._deliver_some()
        except BaseException:
            self.dispose()
            raise  # the scheduler handles it, as with `observe_on`
        finally:
            self._thread = None
        if more:
            self._schedule()

    def _deliver_some(self) -> bool:
        """Deliver waiting items; return whether there is more to do now."""
        entry = self._entry
        for number, item in enumerate(entry.taken(entry.admit), 1):
            self._observer.on_next(item)
            if number == _BATCH:
                return True
        if entry.sleep() or entry.stopped:
            return False
        if len(entry):
            return True
        if entry.error is None:
            self._observer.on_completed()
        else:
            error: Any = entry.error
            self._observer.on_error(error)
        self.dispose()
        return False

    def _refuse_to_wait(self) -> Exception | None:
        scheduler = self._scheduler
        if asyncio._get_running_loop() is not None:
            where = "on the thread of an event loop"
        elif get_ident() == self._thread:
            where = "inside its own observer"
        elif (
            isinstance(scheduler, EventLoopScheduler)
            and scheduler._thread is threading.current_thread()
        ):
            where = "on the thread on which its observer works"
        else:
            return None
        return RuntimeError(
            f"the source of on_backpressure('block') delivers {where}, which cannot be made to "
            "wait for room; use another overflow, 'drop_oldest', 'drop_newest', 'error' or "
            "'unbounded'"
        )
