"""Sources that call by themselves or block: outside Observables, and iterables on a thread.

Between the thread and the loop lies a bounded channel. The thread waits at its entry, before the
first operator: inside an operator it would hold a lock of RxPY's while it waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import Any

from reactivex import Observable, abc

from ._port import Output
from ._scheduler import RunScheduler, Trampoline, Unwound
from ._sources import SourceStream

__all__ = ["Channel", "pump"]

CAPACITY = 100
"""Items that wait at the entry of a source, if its ``capacity`` does not say otherwise."""


class _Stopped(BaseException):
    """Unwinds a source that goes on after nobody reads it; no operator takes it for an error."""


class Channel:
    """A bounded FIFO from any thread into the loop.

    Args:
        loop: The loop that takes.
        capacity: Items that it holds before :meth:`put` waits; None for no bound.
        name: How errors call the source.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, capacity: int | None, name: str) -> None:
        self._loop = loop
        self._thread = get_ident()
        self._capacity = capacity
        self._name = name
        self._items: deque[Any] = deque()
        self._room = threading.Condition(threading.RLock())
        self._ended = False
        self._error: BaseException | None = None
        self._stopped = False
        self._waiting: asyncio.Future[None] | None = None

    def put(self, item: Any) -> bool:
        """Add `item`, from any thread, waiting for room; tell whether anybody will read it."""
        with self._room:
            if self._capacity is not None:
                if get_ident() == self._thread:
                    self.end(self._cannot_wait())
                    return False
                self._room.wait_for(self._has_room)
            if self._stopped or self._ended:
                return False
            self._items.append(item)
            if len(self._items) == 1:
                self._wake()
        return True

    def _has_room(self) -> bool:
        capacity = self._capacity
        return self._stopped or self._ended or capacity is None or len(self._items) < capacity

    def _cannot_wait(self) -> RuntimeError:
        return RuntimeError(
            f"source {self._name!r} delivers on the thread of the event loop, which cannot be made "
            "to wait for room; say flow(source, overflow='unbounded') to keep all that comes in"
        )

    @property
    def stopped(self) -> bool:
        """Whether nobody reads any more."""
        return self._stopped

    def end(self, error: BaseException | None = None) -> None:
        """Signal the end, or an error, from any thread."""
        with self._room:
            if not self._ended:
                self._ended = True
                self._error = error.error if isinstance(error, Unwound) else error
                self._wake()

    def stop(self) -> None:
        """Let whoever waits at the entry go: nobody reads any more."""
        with self._room:
            self._stopped = True
            self._items.clear()
            self._room.notify_all()

    async def take(self) -> deque[Any] | None:
        """Take all items that are there, waiting for one if need be; None at the end.

        Raises:
            BaseException: What the source ended with.
        """
        while True:
            with self._room:
                if self._items:
                    items, self._items = self._items, deque()
                    self._room.notify_all()
                    return items
                if self._ended:
                    break
                waiting = self._waiting = self._loop.create_future()
            await waiting
        if self._error is not None:
            raise self._error
        return None

    def _wake(self) -> None:
        if self._waiting is None:
            return
        if get_ident() == self._thread:
            self._woken()
            return
        try:
            self._loop.call_soon_threadsafe(self._woken)
        except RuntimeError:  # the loop was closed: the run has left this thread behind (E6)
            self._stopped = True

    def _woken(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


class _Entry(abc.ObserverBase[Any]):
    """Observes an outside Observable and hands its items to a channel."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self.subscriber: int | None = None
        """The thread that is inside ``subscribe`` now."""

    def on_next(self, value: Any) -> None:
        if not self._channel.put(value) and self.subscriber == get_ident():
            raise _Stopped

    def on_error(self, error: Exception) -> None:
        self._channel.end(error)

    def on_completed(self) -> None:
        self._channel.end()


async def pump(
    stream: SourceStream,
    output: Output[Any],
    start_thread: Callable[[Callable[[], None], str], None],
) -> None:
    """Push what `stream` delivers, to its end.

    Args:
        stream: The source.
        output: Where to.
        start_thread: Starts a daemon thread, for which the run waits at its end.
    """
    loop = asyncio.get_running_loop()
    bound = None if stream.overflow == "unbounded" else stream.capacity or CAPACITY
    channel = Channel(loop, bound, stream.name)
    subscription: list[abc.DisposableBase] = []
    entry = _Entry(channel)
    trampoline = Trampoline(loop)
    try:
        if stream.kind == "observable" and bound is None:
            # What keeps everything need not wait, so it can stay on the loop's thread.
            scheduler = RunScheduler(trampoline, channel.end)
            subscription.append(stream.source.subscribe(entry, scheduler=scheduler))
        else:
            work = _observe if stream.kind == "observable" else _iterate
            # In the context of this stream, so that a port of this very run is known as one.
            here = copy_context()
            there = partial(here.run, work, stream.source, channel, entry, subscription)
            start_thread(there, stream.name)
        while (items := await channel.take()) is not None:
            await output.push_many(items)
    finally:
        channel.stop()
        trampoline.close()
        for disposable in subscription:
            disposable.dispose()


def _observe(
    source: Observable[Any],
    channel: Channel,
    entry: _Entry,
    subscription: list[abc.DisposableBase],
) -> None:
    entry.subscriber = get_ident()
    try:
        subscription.append(source.subscribe(entry))
        if channel.stopped:
            subscription[0].dispose()
    except _Stopped:
        pass
    except BaseException as error:
        channel.end(error)
    finally:
        entry.subscriber = None


def _iterate(source: Any, channel: Channel, entry: Any, subscription: Any) -> None:
    try:
        for item in source:
            if not channel.put(item):
                return
    except BaseException as error:
        channel.end(error)
    else:
        channel.end()
