"""Running a coroutine to its end from code that has no loop.

``asyncio.run`` waits at its end for every task that is left. A run that has had to leave a stream
behind (E6) must end all the same, so this runner leaves it behind too.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import CodeType, FrameType
from typing import Any, TypeVar

import reactivex.run
from reactivex.scheduler.trampoline import Trampoline

from .._callable import function_name, is_coroutine_function

__all__ = ["refuse_rx_run", "run", "run_blocking"]

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop of its own, as ``start()`` runs a workflow, and block meanwhile.

    Unlike ``asyncio.run`` it also ends where a run has had to leave a stream behind that does not
    let itself be cancelled. The first Ctrl-C cancels the coroutine and waits for the clean-up of
    its runs; a second one does not wait.

    Args:
        main: The coroutine.

    Returns:
        What it returned.

    Raises:
        TypeError: `main` is no coroutine.
        RuntimeError: A loop is running in this thread; await `main` there.
        KeyboardInterrupt: Ctrl-C was pressed, and the coroutine let its cancel pass.
        BaseException: Whatever `main` raised.

    Example:
        >>> import mimo_rx
        >>> async def main():
        ...     return await mimo_rx.flow(range(5))
        >>> mimo_rx.run(main())
        4
    """
    given: object = main
    if not inspect.iscoroutine(given):
        hint = f"; write `run({function_name(given)}())`" if is_coroutine_function(given) else ""
        raise TypeError(f"run takes a coroutine, got {given!r}{hint}")
    try:
        return run_blocking(lambda: main, "run()", "await the coroutine")
    finally:
        if inspect.getcoroutinestate(main) == inspect.CORO_CREATED:
            main.close()  # it could not begin, and nobody need hear that it was never awaited


def run_blocking(main: Callable[[], Coroutine[Any, Any, T]], call: str, instead: str) -> T:
    """Run what `main` returns on a loop of its own, and block meanwhile.

    The first Ctrl-C cancels it and waits for its clean-up; a second one does not wait (E6).

    Args:
        main: Makes the coroutine.
        call: What was called, for the error.
        instead: What to write where a loop is running.

    Raises:
        RuntimeError: A loop is running in this thread.
        KeyboardInterrupt: Ctrl-C was pressed, and the coroutine let its cancel pass.
    """
    if asyncio._get_running_loop() is not None:
        raise RuntimeError(
            f"{call} blocks, and an event loop is running in this thread; {instead} instead"
        )
    loop = asyncio.new_event_loop()
    try:
        asyncio.set_event_loop(loop)
        with _own_trampoline():
            task = loop.create_task(main())
            with _interrupts(loop, task) as interrupts:
                return _run_until_complete(loop, task, interrupts)
    finally:
        for left in asyncio.all_tasks(loop):
            left._log_destroy_pending = False  # type: ignore[attr-defined] # nobody waits for it
        asyncio.set_event_loop(None)
        loop.close()


def _run_until_complete(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[T], interrupts: list[int]
) -> T:
    try:
        try:
            return loop.run_until_complete(task)
        except (KeyboardInterrupt, SystemExit):
            # These two leave the loop at once, maybe out of a task that is none of the run's.
            if len(interrupts) < 2:
                _unwind(loop, task)
            raise
        finally:
            if len(interrupts) < 2:
                _clear(loop)
    except BaseException as error:
        if len(interrupts) > 1 or (interrupts and isinstance(error, asyncio.CancelledError)):
            interrupt = KeyboardInterrupt()
            for note in getattr(error, "__notes__", ()):
                interrupt.add_note(note)
            raise interrupt from None
        raise


def _unwind(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Let a run end that had to stop in the middle."""
    if not task.done():
        task.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(task)
    if not task.cancelled():
        task.exception()  # what it is has been raised already


def _clear(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what the user's own tasks have left, as ``asyncio.run`` does."""
    left = [task for task in asyncio.all_tasks(loop) if _is_expected(task)]
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left))
    closing = loop.shutdown_asyncgens()
    try:
        loop.run_until_complete(closing)
    finally:
        closing.close()  # Ctrl-C may have come before it began


def _is_expected(task: asyncio.Task[Any]) -> bool:
    """Tell whether `task` should end: a run has not left it behind (E6)."""
    expected: bool = task._log_destroy_pending  # type: ignore[attr-defined]
    return expected


@contextlib.contextmanager
def _interrupts(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> Iterator[list[int]]:
    """Turn the first SIGINT into a cancel of `task`, where that is ours to decide."""
    seen: list[int] = []
    main_thread = threading.current_thread() is threading.main_thread()
    if not main_thread or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield seen
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        seen.append(number)
        if len(seen) > 1 or task.done():
            # It may strike inside a stream, of which it would be a failure like any other.
            loop.stop()
            raise KeyboardInterrupt
        task.cancel()
        loop.call_soon_threadsafe(_nothing)  # the loop may be asleep in its selector

    with _woken_by_signals(loop):
        signal.signal(signal.SIGINT, interrupt)  # which takes the place of the loop's own
        try:
            yield seen
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let every signal wake `loop`.

    One that comes at the very moment at which the loop goes to sleep in its selector would be dealt
    with when something else wakes it: Python calls handlers between two instructions only.
    """
    descriptor = signal.set_wakeup_fd(-1)
    # add_signal_handler() would do it, but it asks for the names of all signals, which takes longer
    # than a small workflow.
    own = getattr(loop, "_csock", None)
    adds = False
    try:
        if own is not None:
            signal.set_wakeup_fd(own.fileno(), warn_on_full_buffer=False)
        else:
            try:
                loop.add_signal_handler(signal.SIGINT, _nothing)
                adds = True
            except NotImplementedError:
                pass  # the loops of Windows see to it by themselves
        yield
    finally:
        if adds:
            loop.remove_signal_handler(signal.SIGINT)
        signal.set_wakeup_fd(descriptor)  # the caller's own, if there was one


def _nothing() -> None:
    """Wake the loop."""


@contextlib.contextmanager
def _own_trampoline() -> Iterator[None]:
    """Give the thread a fresh current-thread trampoline of RxPY's meanwhile.

    Inside the caller's, nothing that a stream schedules there would ever run: it is busy until the
    whole run is over.
    """
    from reactivex.scheduler.currentthreadscheduler import CurrentThreadSchedulerSingleton

    local = CurrentThreadSchedulerSingleton._local
    before = local.tramp
    local.tramp = Trampoline()
    try:
        yield
    finally:
        local.tramp = before


def refuse_rx_run(scheduler: object) -> None:
    """Refuse RxPY's ``run()`` above a flow in the thread of a running loop (R10).

    It would block the loop that the flow needs. It subscribes on a thread of its own, so that what
    tells it is the thread that waits in it.

    Args:
        scheduler: What the subscription was given.

    Raises:
        RuntimeError: A thread that has a running loop waits in ``run()``.
    """
    if scheduler is not reactivex.run._default_scheduler:
        return
    for frame in sys._current_frames().values():
        if _waits_in_run(frame):
            raise RuntimeError(
                "run() of RxPY blocks, and an event loop is running in its thread; "
                "await the Observable instead"
            )


_RUN: CodeType = reactivex.run.run.__code__
_LOOP: CodeType = asyncio.BaseEventLoop.run_forever.__code__


def _waits_in_run(frame: FrameType | None) -> bool:
    waits = False
    while frame is not None:
        if frame.f_code is _RUN:
            waits = True
        elif waits and frame.f_code is _LOOP:
            return True
        frame = frame.f_back
    return False
