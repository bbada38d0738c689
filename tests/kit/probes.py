"""A probe that records when something comes out of an operator."""

from dataclasses import dataclass, field
from typing import Any

import reactivex as rx
from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject

from equivalence import FOR_EVER, Script
from flows import END
from operator_cases import Operator


@dataclass
class Seen:
    """What came out of an operator, and when."""

    pushes: list[tuple[Any, list[Any]]] = field(default_factory=list)
    """Each item that went in, and what came out within its push, until an error if there is one."""
    at_end: list[Any] = field(default_factory=list)
    """What came out within the completion of the source."""
    by_itself: list[Any] = field(default_factory=list)
    """What came out at any other time."""
    signals: list[str] = field(default_factory=list)
    """When it completed or failed: ``push``, ``end`` or ``by itself``."""
    failed: bool = False
    late: bool = False
    """Whether it subscribed to its source at another time than at its own subscription."""
    again: bool = False
    """Whether it subscribed to its source after a subscription had ended."""


class _Probing:
    """One operator between a source that plays a script and an observer."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.now: list[Any] = self.seen.by_itself
        self.when = "by itself"
        self.subject: Subject[Any] = Subject()
        self.source: Observable[Any] = Observable(self._subscribe)
        self._subscribed = 0
        self._disposed = 0
        self._in_time = True

    def _subscribe(self, observer: Any, scheduler: Any = None) -> Any:
        self.seen.late |= not self._in_time
        self.seen.again |= self._subscribed > 0 and self._disposed == self._subscribed
        self._subscribed += 1
        inner = self.subject.subscribe(observer)

        def dispose() -> None:
            self._disposed += 1
            inner.dispose()

        return Disposable(dispose)

    def subscribe(self, observable: Observable[Any], scheduler: Any) -> Any:
        subscription = observable.subscribe(
            self._on_next, self._on_error, self._on_completed, scheduler=scheduler
        )
        self._in_time = False
        return subscription

    def push(self, item: Any) -> None:
        if self.seen.failed:
            return
        self.when, self.now = "push", []
        self.subject.on_next(item)
        if not self.seen.failed:
            self.seen.pushes.append((item, self.now))
        self.when, self.now = "by itself", self.seen.by_itself

    def complete(self) -> None:
        self.when, self.now = "end", self.seen.at_end
        self.subject.on_completed()
        self.when, self.now = "by itself", self.seen.by_itself

    def _on_next(self, item: Any) -> None:
        self.now.append(item)

    def _on_error(self, error: Exception) -> None:
        self.seen.signals.append(self.when)
        self.seen.failed = True

    def _on_completed(self) -> None:
        self.seen.signals.append(self.when)


def probe(script: Script, make: Any, *, timed: bool) -> Seen:
    """Play `script` to an operator and return what came out of it and when.

    Args:
        script: The script; only the lines of ``x`` are played.
        make: Makes the operator from the scheduler whose time is used.
        timed: Whether it works on a clock; else it gets no scheduler.
    """
    clock = VirtualTimeScheduler()
    probing = _Probing()
    operator: Operator = make(clock)
    subscription = probing.subscribe(operator(probing.source), clock if timed else None)
    for at, _, item in script:
        clock.advance_to(at)
        if item is END:
            probing.complete()
        else:
            probing.push(item)
    clock.advance_to(FOR_EVER)
    subscription.dispose()
    return probing.seen


def never(*_: Any) -> Observable[Any]:
    """Return an Observable that does nothing, whatever the arguments are."""
    return rx.never()
