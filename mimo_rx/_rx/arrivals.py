"""What leaves operators on other threads, and how it comes to the thread of the loop.

RxPY's combinators call one at a time, under a lock, so that what leaves the operators of a node has
one order, whichever threads it is on. It is kept here: what another thread delivers waits in a line
that the loop is told of; what the loop's thread delivers goes at once, but behind that line. No
thread ever waits here, as it may hold such a lock.

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
    """The end in a line, with the error that it may be."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


class Arrivals:
    """Takes what the operators of a node deliver on any thread, in that order.

    Args:
        trampoline: The one of the run, which knows its thread.
        deliver: Called on the loop's thread with each item.
        complete: Called there at the end.
        fail: Called there with the error that is the end.
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
        """Whether the loop has been told of the line, and has not come yet."""
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
        """Take the end."""
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
        """Drop what stands in line, and take no more of other threads."""
        self._closed = True
        self._line.clear()

    def _enlist(self, item: Any) -> None:
        if self._closed:
            return
        self._line.append(item)
        # Added first and asked afterwards: whoever comes for the line withdraws the mark before.
        if not self._told:
            self._told = True
            self._trampoline.hop(self._come)

    def _come(self) -> None:
        self._told = False
        self._take(min(len(self._line), ALLOWANCE))
        if self._line and not self._told:
            self._told = True
            self._trampoline.hop(self._come)  # the loop has other things to do as well (P12)

    def _take(self, count: int) -> None:
        for _ in range(count):
            if not self._line:
                return  # delivering has led here again, or closed this
            item = self._line.popleft()
            if not isinstance(item, _End):
                self._deliver(item)
            elif item.error is None:
                self._complete()
            else:
                self._fail(item.error)


class Guarded(Observable[Any]):
    """An Observable whose observers never raise into a thread that is not the loop's.

    There an exception would reach nobody: the thread ends, and what it still had to deliver is
    lost. It stands behind an operator that may deliver on other threads.

    Args:
        source: The Observable.
        fail: Called with what an observer raised on another thread, to fail the run; tells
            whether anybody heard of it.
        here: Tells whether this is the loop's thread.
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
