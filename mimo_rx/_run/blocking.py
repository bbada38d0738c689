"""Running a coroutine to its end from code that has no loop.

``asyncio.run`` waits at its end for every task that is left. A run that had to leave a stream
behind (E6) must end anyway, so this runner leaves the stream's task behind too.

Rules: W11.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
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

    Unlike ``asyncio.run`` it also ends if a run had to leave behind a stream that does not let
    itself be cancelled. The first Ctrl-C, SIGTERM or SIGHUP cancels the coroutine and waits for the
    clean-up of its runs; a second one does not wait. Only in the main thread, and only a signal
    that the program neither handles nor ignores.

    Args:
        main: The coroutine.

    Returns:
        What it returned.

    Raises:
        TypeError: `main` is no coroutine.
        RuntimeError: A loop is running in this thread; await `main` there.
        KeyboardInterrupt: Ctrl-C was pressed, and the coroutine let its cancel pass.
        SystemExit: The same after SIGTERM (code 143) or SIGHUP (code 129).
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
            main.close()  # it did not begin; this avoids the warning that it was never awaited


def run_blocking(main: Callable[[], Coroutine[Any, Any, T]], call: str, instead: str) -> T:
    """Run what `main` returns on a loop of its own, and block meanwhile.

    The first Ctrl-C, SIGTERM or SIGHUP cancels it and waits for its clean-up; a second one does
    not wait (E6, W11).

    Args:
        main: Makes the coroutine.
        call: The call that blocks, for the error.
        instead: What to write where a loop is running.

    Raises:
        RuntimeError: A loop is running in this thread.
        KeyboardInterrupt: Ctrl-C was pressed, and the coroutine let its cancel pass.
        SystemExit: The same after SIGTERM or SIGHUP.
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
            # These two leave the loop at once, perhaps out of a task that is not of the run.
            if len(interrupts) < 2:
                _unwind(loop, task)
            raise
        finally:
            if len(interrupts) < 2:
                _clear(loop)
    except BaseException as error:
        if len(interrupts) > 1 or (interrupts and isinstance(error, asyncio.CancelledError)):
            end = _end_after(interrupts)
            for note in getattr(error, "__notes__", ()):
                end.add_note(note)
            raise end from None
        raise


def _unwind(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Cancel a run that was stopped in the middle, and wait for its end."""
    if not task.done():
        task.cancel()
        with contextlib.suppress(BaseException):
            loop.run_until_complete(task)
    if not task.cancelled():
        task.exception()  # mark it as seen: it has been raised already


def _clear(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel the tasks that the user has left, as ``asyncio.run`` does."""
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
    """Tell whether `task` should end, since no run has left it behind (E6)."""
    expected: bool = task._log_destroy_pending  # type: ignore[attr-defined]
    return expected


_ENDING = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if name in signal.Signals.__members__  # Windows has no SIGHUP
)
"""The signals that end a run."""


@contextlib.contextmanager
def _interrupts(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> Iterator[list[int]]:
    """Turn the first signal that asks the process to end into a cancel of `task`.

    This is done only in the main thread, and for each signal only if its default handler is in
    place: one that the program handles or ignores stays as it is.
    """
    seen: list[int] = []
    main_thread = threading.current_thread() is threading.main_thread()
    ours = [(each, signal.getsignal(each)) for each in _ENDING if main_thread and _is_ours(each)]
    if not ours:
        yield seen
        return
    pid = os.getpid()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if os.getpid() != pid:  # a fork that a stream has made: its end is not that of the run
            signal.signal(number, dict(ours)[signal.Signals(number)])
            signal.raise_signal(number)
            return
        seen.append(number)
        if len(seen) > 1 or task.done():
            # Stop the loop too: raised inside a stream, it alone would only fail that stream.
            loop.stop()
            raise _end_after(seen)
        task.cancel()
        loop.call_soon_threadsafe(_nothing)  # the loop may be asleep in its selector

    with _woken_by_signals(loop, ours[0][0]):
        for number, _ in ours:
            signal.signal(number, interrupt)  # replaces the loop's own handler
        try:
            yield seen
        finally:
            for number, before in ours:
                signal.signal(number, before)


def _is_ours(number: signal.Signals) -> bool:
    """Tell whether the program leaves it to us what a signal does."""
    default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    return signal.getsignal(number) is default


def _end_after(seen: list[int]) -> KeyboardInterrupt | SystemExit:
    """Return what ends the program after these signals, as a shell reports their exit code."""
    number = next((each for each in seen if each != signal.SIGINT), signal.SIGINT)
    return KeyboardInterrupt() if number == signal.SIGINT else SystemExit(128 + number)


@contextlib.contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop, number: int) -> Iterator[None]:
    """Let every signal wake `loop`; `number` is one whose default handler is in place.

    Python calls handlers only between two instructions. A signal that comes just as the loop goes
    to sleep in its selector would otherwise wait until something else wakes the loop.
    """
    descriptor = signal.set_wakeup_fd(-1)
    # add_signal_handler() does the same, but it asks for the names of all signals, which takes
    # longer than a small workflow.
    own = getattr(loop, "_csock", None)
    adds = False
    try:
        if own is not None:
            signal.set_wakeup_fd(own.fileno(), warn_on_full_buffer=False)
        else:
            try:
                loop.add_signal_handler(number, _nothing)
                adds = True
            except NotImplementedError:
                pass  # the loops of Windows wake up by themselves
        yield
    finally:
        if adds:
            loop.remove_signal_handler(number)
        signal.set_wakeup_fd(descriptor)  # the caller's own, if there was one


def _nothing() -> None:
    """Wake the loop."""


@contextlib.contextmanager
def _own_trampoline() -> Iterator[None]:
    """Give the thread a fresh current-thread trampoline of RxPY for the time of a run.

    The caller's trampoline may be busy until the whole run is over. Work that a stream schedules
    there would then never run.
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

    It would block the loop that the flow needs. RxPY subscribes on another thread, so this looks
    for a thread that waits in ``run()`` inside a running loop.

    Args:
        scheduler: The scheduler of the subscription.

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
