"""Bring what operators deliver on other threads to the loop's thread, in order.

RxPY's combinators deliver one call at a time, under a lock. So the items that leave the operators
of a node have one order, on whichever threads they come. This module keeps that order. An item from
another thread waits in a line, and the loop is notified. An item from the loop's thread goes at
once, but after those in the line. No thread ever waits here, since it may hold such a lock.

Rules: R7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any

from reactivex import Observable, abc

from .._ports.pace import ALLOWANCE
from .scheduler import Trampoline, Unwound

__all__ = ["Arrivals", "Guarded"]


class _End:
    """The end of the items, as an entry of the line: completion, or an error."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


class Arrivals:
    """Take what the operators of a node deliver on any thread, in that order.

    Args:
        trampoline: The trampoline of the run, which knows the loop's thread.
        deliver: Called on the loop's thread with each item.
        complete: Called on the loop's thread at completion.
        fail: Called on the loop's thread with the error, if there is one.
    """

    def __init__(
        self,
        trampoline: Trampoline,
        deliver: Callable[[Any], None],
        complete: Callable[[], None],
        fail: Callable[[Exception], None],
    ) -> None:
        self._trampoline = trampoline
        self._thread = trampoline.thread
        self._deliver = deliver
        self._complete = complete
        self._fail = fail
        self._line: deque[Any] = deque()
        self._told = False
        """Whether the loop was notified of the line and has not run `_come` since."""
        self._closed = False

    def on_next(self, item: Any) -> None:
        """Take an item."""
        if get_ident() == self._thread:
            if self._line:
                self._take(len(self._line))
            self._deliver(item)
        else:
            self._enlist(item)

    def on_completed(self) -> None:
        """Take the completion."""
        if get_ident() == self._thread:
            self._take(len(self._line))
            self._complete()
        else:
            self._enlist(_End())

    def on_error(self, error: Exception) -> None:
        """Take an error."""
        if get_ident() == self._thread:
            self._take(len(self._line))
            self._fail(error)
        else:
            self._enlist(_End(error))

    def close(self) -> None:
        """Drop what waits in the line, and take no more from other threads."""
        self._closed = True
        self._line.clear()

    def _enlist(self, item: Any) -> None:
        if self._closed:
            return
        self._line.append(item)
        # Append before testing `_told`: `_come` clears it before draining, so no item is missed.
        if not self._told:
            self._told = True
            self._trampoline.hop(self._come)

    def _come(self) -> None:
        self._told = False
        self._take(min(len(self._line), ALLOWANCE))
        if self._line and not self._told:
            self._told = True
            self._trampoline.hop(self._come)  # let the loop run other work in between (P12)

    def _take(self, count: int) -> None:
        for _ in range(count):
            if not self._line:
                return  # delivering an item has called this again, or closed it
            item = self._line.popleft()
            if not isinstance(item, _End):
                self._deliver(item)
            elif item.error is None:
                self._complete()
            else:
                self._fail(item.error)


class Guarded(Observable[Any]):
    """An Observable whose observers never raise into a thread other than the loop's.

    In another thread, nobody would see the exception: the thread would end, and its further items
    would be lost. This Observable is placed after an operator that may deliver on other threads.

    Args:
        source: The Observable.
        fail: Called with an exception that an observer raised on another thread, to fail the run;
            returns False if the loop is closed, so that the exception is raised where it is.
        here: Returns whether the caller is on the loop's thread.
    """

    def __init__(
        self,
        source: Observable[Any],
        fail: Callable[[BaseException], bool],
        here: Callable[[], bool],
    ) -> None:
        super().__init__()
        self._source = source
        self._fail = fail
        self._here = here

    def _subscribe_core(
        self, observer: abc.ObserverBase[Any], scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        return self._source.subscribe(
            self._guard(observer.on_next),
            self._guard(observer.on_error),
            self._guard(observer.on_completed),
            scheduler=scheduler,
        )

    def _guard(self, call: Callable[..., None]) -> Callable[..., None]:
        def guarded(*given: Any) -> None:
            try:
                call(*given)
            except (Exception, Unwound) as error:
                if self._here() or not self._fail(error):
                    raise

        return guarded
