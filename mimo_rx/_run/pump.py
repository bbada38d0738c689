"""Sources that call by themselves or block: outside Observables, and iterables on a thread.

A bounded channel connects the thread with the loop. The thread waits for room at its entry, before
the first operator: inside an operator it would hold a lock of RxPY while it waits.
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
from .._notes import step_note
from .._ports.output import Output
from .._rx.entry import Entry
from .._rx.scheduler import RunScheduler, Trampoline, Unwound
from .opening import Beginning

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

    async def push_to(self, output: Output[Any]) -> None:
        """Push all items until the source ends; an item stays at the entry until it has room.

        Raises:
            BaseException: The error that the source ended with.
        """
        entry = self.entry
        while True:
            await output.push_many(entry.taken(self._made_room))
            while entry.sleep():
                self._waiting = self._loop.create_future()
                await self._waiting
            if entry.ended and not len(entry):
                break
        if entry.error is not None:
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
        self._channel.end(error)

    def on_completed(self) -> None:
        self._channel.end()


async def pump(stream: SourceStream, output: Output[Any], beginning: Beginning) -> None:
    """Push the items of `stream` until it ends.

    Args:
        stream: The source.
        output: The output to push to.
        beginning: Is told when the source is subscribed (W6a).
    """
    loop = asyncio.get_running_loop()
    fail_late = partial(_fail_late, output.process)
    channel = Channel(loop, stream.overflow, stream.capacity, stream.name, fail_late)
    output.process.entry = channel.entry
    subscription: list[abc.DisposableBase] = []
    observer = _Observer(channel, beginning)
    trampoline = Trampoline(loop)
    channel.entry.expects = trampoline.expects
    try:
        if stream.kind == "observable" and stream.overflow != "block":
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
            output.process.start_thread(there, f"source {stream.name!r}")
        await channel.push_to(output)
    finally:
        beginning.now()
        channel.entry.stop()
        trampoline.close()
        for disposable in subscription:
            disposable.dispose()


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
