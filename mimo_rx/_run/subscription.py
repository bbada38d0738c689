"""Subscriptions to flows outside a run: each starts a run of its own (R10).

Rules: R10.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from threading import get_ident
from typing import Any
from weakref import WeakKeyDictionary

from reactivex import abc

from .blocking import run_blocking
from .delivery import Delivery

__all__ = ["Subscription"]

_TASKS: set[asyncio.Task[None]] = set()
"""The tasks of subscriptions; a loop keeps only weak references to its tasks."""
_FAILED: WeakKeyDictionary[asyncio.AbstractEventLoop, list[BaseException]] = WeakKeyDictionary()
"""For each loop that blocks for a subscription, the failures of its run and those it led to."""


class _Disposed(BaseException):
    """Leaves a run whose one reader has disposed of its subscription."""


class Subscription(abc.DisposableBase):
    """A subscription to a flow outside a run, and the run that it starts (R10).

    Args:
        read: Makes the run, on its loop, which calls what it is given with the items. It is told
            whether the run blocks a thread.
        name: The flow's name in a report.
        observer: The observer that subscribes.
    """

    def __init__(
        self,
        read: Callable[[Delivery, bool], AbstractAsyncContextManager[Any]],
        name: str,
        observer: abc.ObserverBase[Any],
    ) -> None:
        self._read = read
        self._name = name
        self._observer = observer
        self._disposed = False
        self._task: asyncio.Task[Any] | None = None
        self._delivery: Delivery | None = None
        self._thread = get_ident()

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run as a task of the running loop."""
        task = self._task = loop.create_task(self._deliver(), name="mimo_rx subscription")
        _TASKS.add(task)
        task.add_done_callback(self._report)

    def block(self) -> None:
        """Run to the end, here and now."""
        if self._disposed:
            return

        async def main() -> None:
            self._task = asyncio.current_task()
            loop = asyncio.get_running_loop()
            failed: list[BaseException] = []
            _FAILED[loop] = failed
            try:
                if not self._disposed:  # another thread may have, before there was a task
                    await self._deliver()
            except BaseException as error:
                failed.append(error)
            try:
                cancelled = await _followers()
                for further in failed[1:]:
                    self._tell(loop, further)
                if failed:
                    raise failed[0]
                if cancelled is not None:
                    raise cancelled
            finally:
                # What was raised refers to this frame, and must not be kept by it.
                failed.clear()
                cancelled = None

        try:
            run_blocking(main, "subscribe() of a flow", "await it")
        except asyncio.CancelledError:
            if not self._disposed:
                raise
        finally:
            if self._task is not None:
                _forget(self._task.get_loop())
            self._task = self._delivery = None

    def dispose(self) -> None:
        """Cancel the run; its clean-up goes on in its task."""
        if self._disposed:
            return
        self._disposed = True
        task, delivery = self._task, self._delivery
        if task is None:
            return
        if get_ident() != self._thread:
            if delivery is not None:
                delivery.over = True  # no item comes although the cancel has yet to arrive
            try:
                task.get_loop().call_soon_threadsafe(self._leave, task)
            except RuntimeError:
                pass  # the loop is closed: the run was over
        else:
            self._leave(task)

    def _leave(self, task: asyncio.Task[Any]) -> None:
        delivery = self._delivery
        if delivery is not None and not delivery.done:
            delivery.leave()
        elif task is not _current_task():
            task.cancel()

    async def _deliver(self) -> None:
        failure: Exception | None = None
        if self._task is None:
            await asyncio.sleep(0)  # an eager task would deliver before there is a subscription
        try:
            delivery = self._delivery = Delivery(self._observer.on_next)
            blocks = asyncio.get_running_loop() in _FAILED
            async with self._read(delivery, blocks):
                await delivery.ended()
                if self._disposed:
                    raise _Disposed
        except _Disposed:
            return
        except Exception as error:
            # An exception of the observer goes to the caller, as in RxPY.
            if self._disposed or error is delivery.raised:
                raise
            failure = error
        if self._disposed:
            return
        self._disposed = True
        if failure is None:
            self._observer.on_completed()
        else:
            self._observer.on_error(failure)

    def _report(self, task: asyncio.Task[Any]) -> None:
        _TASKS.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            failed = _FAILED.get(task.get_loop())
            if failed is not None and not failed:
                failed.append(error)  # block() will raise it
            else:
                self._tell(task.get_loop(), error)
        self._task = self._delivery = None

    def _tell(self, loop: asyncio.AbstractEventLoop, error: BaseException) -> None:
        message = f"subscription to {self._name} failed, and nobody handles it"
        loop.call_exception_handler({"message": message, "exception": error, "task": self._task})


def _forget(loop: asyncio.AbstractEventLoop) -> None:
    """Keep nothing of a run whose loop is closed: neither its failures nor its tasks."""
    _FAILED.pop(loop, None)
    _TASKS.difference_update([task for task in _TASKS if task.get_loop() is loop])


def _current_task() -> asyncio.Task[Any] | None:
    return None if asyncio._get_running_loop() is None else asyncio.current_task()


async def _followers() -> asyncio.CancelledError | None:
    """Wait for further subscriptions that began on this loop meanwhile, as ``concat`` makes them.

    Returns:
        The cancel that came meanwhile, if one did.
    """
    loop = asyncio.get_running_loop()
    cancelled: asyncio.CancelledError | None = None
    while followers := [each for each in _TASKS if each.get_loop() is loop]:
        try:
            await asyncio.wait(followers)
        except asyncio.CancelledError as error:
            # The first subscription was disposed of; the others are too, or soon will be.
            cancelled = error
    return cancelled
