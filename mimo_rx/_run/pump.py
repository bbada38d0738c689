"""Sources that call by themselves or block: outside Observables, and iterables on a thread.

An error that such a source signals enters the operators behind it, which may answer it. One that is
raised fails the run.

A bounded channel connects the thread with the loop. The thread waits for room at its entry, before
the first operator: inside an operator it would hold a lock of RxPY while it waits.

Rules: R8a.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from threading import get_ident
from typing import Any

from reactivex import Observable, abc

from .._blueprint.sources import SourceStream, close_iterator
from .._errors import LateSubscription
from .._notes import step_note
from .._ports.pace import ALLOWANCE
from .._rx.entry import Entry
from .._rx.scheduler import RunScheduler, Trampoline, Unwound
from .opening import Beginning
from .processes import StreamProcess

__all__ = ["Channel", "pump"]

CAPACITY = 100
"""How many items may wait at the entry of a source without a ``capacity``."""


class _Stopped(BaseException):
    """Unwinds a source that nobody reads any more; operators do not handle it as an error."""


class Channel:
    """An entry from any thread into the loop.

    Args:
        loop: The loop that takes the items.
        overflow: What happens to an item that comes while there is no room.
        capacity: How many items it holds; None for the default.
        name: The source's name in errors.
        fail_late: Called on the loop's thread with an error of the source after nobody takes its
            items any more.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        overflow: str,
        capacity: int | None,
        name: str,
        fail_late: Callable[[BaseException], None],
    ) -> None:
        self._fail_late = fail_late
        self._loop = loop
        self._thread = get_ident()
        self._name = name
        self._waiting: asyncio.Future[None] | None = None
        self._admitting = False
        self._signalled: Exception | None = None
        self.entry = Entry(overflow, capacity or CAPACITY, name, self._wake, self._refuse_to_wait)

    def put(self, item: Any) -> bool:
        """Add `item` from any thread, waiting for room; tell whether anybody will read it."""
        return self.entry.put(item)

    def end(self, error: BaseException | None = None) -> None:
        """Signal the end, or an error, from any thread."""
        self.entry.end(error.error if isinstance(error, Unwound) else error)

    def fail_late(self, error: BaseException) -> None:
        """Tell the run of an error of the source's clean-up, from its thread; nobody takes it."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: the run left this thread
            self._loop.call_soon_threadsafe(self._fail_late, error)

    def signal(self, error: Exception) -> None:
        """Signal an error that the operators behind the source may answer, from any thread."""
        if not isinstance(error, LateSubscription):  # that is a mistake in the program
            self._signalled = error
        self.end(error)

    async def push_to(self, process: StreamProcess) -> None:
        """Push all items until the source ends; an item stays at the entry until it has room.

        Raises:
            BaseException: The error that the source ended with, unless operators took it.
        """
        entry = self.entry
        output = process.outs["item"]
        while True:
            await output.push_many(entry.taken(self._made_room))
            while entry.sleep():
                self._waiting = self._loop.create_future()
                await self._waiting
            if entry.ended and not len(entry):
                break
        signalled = self._signalled
        taken = signalled is not None and signalled is entry.error and _taken(process, signalled)
        if entry.error is not None and not taken:
            raise entry.error

    def _made_room(self) -> None:
        # Not at once, so that one wake-up of the thread moves as many items as there is room for.
        if not self._admitting:
            self._admitting = True
            self._loop.call_soon(self._admit)

    def _admit(self) -> None:
        self._admitting = False
        self.entry.admit()

    def _refuse_to_wait(self) -> RuntimeError | None:
        if get_ident() != self._thread:
            return None
        return RuntimeError(
            f"source {self._name!r} delivers on the thread of the event loop, which cannot be made "
            "to wait for room; choose what happens to its items with flow(source, overflow=...): "
            "'drop_oldest', 'drop_newest', 'error' or 'unbounded'"
        )

    def _wake(self) -> None:
        if get_ident() == self._thread:
            self._woken()
            return
        try:
            self._loop.call_soon_threadsafe(self._woken)
        except RuntimeError:  # the loop was closed: the run has left this thread behind (E6)
            self.entry.stop()

    def _woken(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)


def _taken(process: StreamProcess, error: Exception) -> bool:
    """Hand `error` to what reads `process`; return False if a reader there cannot answer it."""
    edges = [edge for edge in process.outs["item"].edges if edge.live]
    if any(edge.signal is None for edge in edges):
        return False
    process.run.source_signals(process, error)
    for edge in edges:
        if edge.signal is not None:
            edge.signal(error)
    return True


class _Observer(abc.ObserverBase[Any]):
    """Observes an outside Observable and hands its items to a channel."""

    def __init__(self, channel: Channel, beginning: Beginning) -> None:
        self._channel = channel
        self.beginning = beginning
        self.subscriber: int | None = None
        """The thread that is inside ``subscribe`` now."""

    def on_next(self, value: Any) -> None:
        if self.beginning.awaited and self._channel.entry.is_full():
            self.beginning.tell()  # it is about to wait inside `subscribe`
        if not self._channel.put(value) and self.subscriber == get_ident():
            raise _Stopped

    def on_error(self, error: Exception) -> None:
        self._channel.signal(error)

    def on_completed(self) -> None:
        self._channel.end()


async def pump(stream: SourceStream, process: StreamProcess, beginning: Beginning) -> None:
    """Push the items of `stream` until it ends.

    Args:
        stream: The source.
        process: The process of it.
        beginning: Is told when the source is subscribed (W6a).
    """
    loop = asyncio.get_running_loop()
    fail_late = partial(_fail_late, process)
    channel = Channel(loop, stream.overflow, stream.capacity, stream.name, fail_late)
    process.entry = channel.entry
    subscription: list[abc.DisposableBase] = []
    observer = _Observer(channel, beginning)
    trampoline = Trampoline(loop)
    channel.entry.expects = trampoline.expects
    drawing: asyncio.Task[None] | None = None
    try:
        if stream.kind == "async_iterable":
            drawing = loop.create_task(_draw(stream.source, channel))
            beginning.now()
        elif stream.kind == "observable" and stream.overflow != "block":
            # A source that never has to wait can stay on the loop's thread.
            scheduler = RunScheduler(trampoline, channel.end)
            subscription.append(stream.source.subscribe(observer, scheduler=scheduler))
            beginning.now()
        else:
            work = _observe if stream.kind == "observable" else _iterate
            # In the context of this stream, so that ports of this run are recognised as such.
            here = copy_context()
            there = partial(here.run, work, stream.source, channel, observer, subscription)
            beginning.be_patient()
            process.start_thread(there, f"source {stream.name!r}")
        await channel.push_to(process)
    finally:
        beginning.now()
        channel.entry.stop()
        trampoline.close()
        for disposable in subscription:
            disposable.dispose()
        if drawing is not None:
            await _end(drawing)


async def _draw(source: Any, channel: Channel) -> None:
    """Put the items of an asynchronous iterable at the entry as they come."""
    try:
        await _put_all(source, channel)
    except BaseException as error:
        if channel.entry.stopped:
            raise
        channel.end(error)
    else:
        channel.end()


async def _put_all(source: Any, channel: Channel) -> None:
    """Put all items at the entry; close the iterator at the end."""
    items = aiter(source)
    budget = ALLOWANCE
    try:
        async for item in items:
            if not channel.put(item):
                return
            budget -= 1
            if budget == 0:  # it may never wait for anything (P12)
                budget = ALLOWANCE
                await asyncio.sleep(0)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


async def _end(drawing: asyncio.Task[None]) -> None:
    """Cancel what draws an asynchronous iterable, and wait for its clean-up.

    Raises:
        BaseException: What the clean-up raised.
    """
    drawing.cancel()
    cancelled: asyncio.CancelledError | None = None
    while not drawing.done():
        try:
            await asyncio.wait([drawing])
        except asyncio.CancelledError as error:
            cancelled = error
    if not drawing.cancelled() and (raised := drawing.exception()) is not None:
        raise raised
    if cancelled is not None:
        raise cancelled


def _fail_late(process: Any, error: BaseException) -> None:
    where = f"step {process.path!r}"
    process.run.fail(where, error, step_note(process.path))


def _observe(
    source: Observable[Any],
    channel: Channel,
    observer: _Observer,
    subscription: list[abc.DisposableBase],
) -> None:
    observer.subscriber = get_ident()
    try:
        subscription.append(source.subscribe(observer))
        if channel.entry.stopped:
            subscription[0].dispose()
    except _Stopped:
        pass
    except BaseException as error:
        channel.end(error)
    finally:
        observer.subscriber = None
        observer.beginning.tell()


def _iterate(source: Any, channel: Channel, observer: _Observer, subscription: Any) -> None:
    observer.beginning.tell()
    try:
        iterator = iter(source)
        try:
            for item in iterator:
                if not channel.put(item):
                    break
        finally:
            close_iterator(iterator, source)
    except BaseException as error:
        if channel.entry.stopped:
            channel.fail_late(error)
        channel.end(error)
    else:
        channel.end()
