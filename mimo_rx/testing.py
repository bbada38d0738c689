"""For users' tests: run one stream alone, and check that an Observable follows the Rx grammar.

Example:
    >>> from mimo_rx import stream
    >>> from mimo_rx.testing import run_stream
    >>> @stream(ins=["number"], outs=["even", "odd"])
    ... async def sort(ins, outs, state):
    ...     async for number in ins.number:
    ...         await (outs.odd if number % 2 else outs.even).push(number)
    >>> run_stream(sort(), {"number": range(5)})
    {'even': [0, 2, 4], 'odd': [1, 3]}
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from threading import get_ident
from typing import Any

from reactivex import Observable, abc

from ._blueprint.sources import flow
from ._blueprint.step import Step
from ._blueprint.stream import Stream
from ._errors import UnknownPort
from ._run.blocking import run_blocking
from ._workflow.workflow import Workflow

__all__ = ["CheckedObserver", "GrammarError", "run_stream", "run_stream_async"]

Items = Iterable[Any] | AsyncIterable[Any]


def run_stream(
    stream: Stream, inputs: Mapping[str, Items], *, threshold: int = 100, timeout: float = 5.0
) -> dict[str, list[Any]]:
    """Run `stream` alone to its end, and block until then.

    Args:
        stream: The stream; a workflow is one too.
        inputs: The items of each input, by its name. An input that is left out is closed.
        threshold: The bound of each buffer, in items, at least 1.
        timeout: Seconds that the run may take.

    Returns:
        The items of each output, side outputs included, by its name.

    Raises:
        UnknownPort: A name in `inputs` is not that of an input.
        TypeError: `inputs` is not a mapping.
        TimeoutError: The stream had not ended in time; the text draws who waited for whom.
        RuntimeError: A loop is running in this thread; await :func:`run_stream_async` there.
        Exception: Whatever the stream raised.
    """
    return run_blocking(
        lambda: run_stream_async(stream, inputs, threshold=threshold, timeout=timeout),
        "run_stream()",
        "write `await run_stream_async(...)`",
    )


async def run_stream_async(
    stream: Stream, inputs: Mapping[str, Items], *, threshold: int = 100, timeout: float = 5.0
) -> dict[str, list[Any]]:
    """Run `stream` alone to its end in the running loop; see :func:`run_stream`.

    Raises:
        UnknownPort: A name in `inputs` is not that of an input.
        TypeError: `inputs` is not a mapping.
        TimeoutError: The stream had not ended in time; the text draws who waited for whom.
        Exception: Whatever the stream raised.
    """
    if not isinstance(inputs, Mapping):
        example = f"{{{next(iter(stream.ins), 'item')!r}: [1, 2, 3]}}"
        raise TypeError(
            f"inputs of stream {stream.name!r} must be a mapping of input names to items, such as "
            f"{example}, got {type(inputs).__name__}"
        )
    workflow = Workflow(name=f"test of {stream.name}", threshold=threshold)
    step = workflow.add_stream(stream)
    for name, items in inputs.items():
        if name not in step.ins:
            raise UnknownPort(f"stream {stream.name!r}", "input", name, step.ins)
        flow(items) | step[name]
    collected = {name: _collect(step, name) for name in step.outs}
    drawing = ""

    def expire() -> None:
        nonlocal drawing
        drawing = str(run.waits())
        run.cancel()

    timer = asyncio.get_running_loop().call_later(timeout, expire)
    try:
        async with workflow.open() as run:
            pass
    finally:
        timer.cancel()
    if drawing:
        raise TimeoutError(
            f"stream {stream.name!r} had not ended after {timeout:g} s; waits at that time:\n"
            f"{drawing}"
        )
    return collected


def _collect(step: Step, name: str) -> list[Any]:
    items: list[Any] = []

    async def collect(ins: Any, outs: Any, state: Any) -> None:
        async for chunk in ins.item.chunks():
            items.extend(chunk)

    step[name] | Stream(["item"], fn=collect, name=f"collect-{name}")
    return items


class GrammarError(AssertionError):
    """An Observable broke the grammar of Rx: ``on_next* (on_error | on_completed)?``."""


class CheckedObserver(abc.ObserverBase[Any], abc.DisposableBase):
    """An observer that records its calls and checks that they follow the grammar of Rx.

    The grammar is ``on_next* (on_error | on_completed)?``, one call at a time, and none after the
    subscription was disposed. Calls may come from any thread. A call that breaks the grammar raises
    the violation. As operators and threads may swallow it, it is also recorded, and :meth:`verify`
    raises it again.

    Args:
        on_next: Is called with each item. All three functions are called inside the checked call.
        on_error: Is called with the error. Without it, the error is only recorded.
        on_completed: Is called at the end.

    Example:
        >>> import reactivex
        >>> observer = CheckedObserver()
        >>> subscription = observer.subscribe_to(reactivex.of(1, 2))
        >>> observer.verify()
        >>> observer.items, observer.completed
        ([1, 2], True)
        >>> observer.on_next(3)
        Traceback (most recent call last):
        mimo_rx.testing.GrammarError: on_next(3) came after on_completed()
    """

    def __init__(
        self,
        on_next: Callable[[Any], object] | None = None,
        on_error: Callable[[Exception], object] | None = None,
        on_completed: Callable[[], object] | None = None,
    ) -> None:
        self.items: list[Any] = []
        """The items so far."""
        self.error: Exception | None = None
        """The error with which the sequence ended, if any."""
        self.completed = False
        """Whether the sequence ended without an error."""
        self.violations: list[GrammarError] = []
        """The violations of the grammar so far."""
        self._callbacks = (on_next, on_error, on_completed)
        self._turn = threading.Lock()
        self._inside: tuple[int, str] | None = None
        self._end = ""
        self._ended = threading.Event()
        self._subscription: abc.DisposableBase | None = None
        self._wanted = False
        """Whether the subscription is disposed as soon as there is one."""
        self._disposed_on: int | None = None
        self._passed: set[int] = set()

    def subscribe_to(
        self, source: Observable[Any], *, scheduler: abc.SchedulerBase | None = None
    ) -> abc.DisposableBase:
        """Subscribe to `source`, so that calls after the disposal are noticed.

        ``source.subscribe(observer)`` also works, but then the observer cannot see the disposal.

        Args:
            source: The Observable to check.
            scheduler: The default scheduler of the subscription.

        Returns:
            This observer, whose :meth:`dispose` disposes of the subscription.
        """
        self._subscription = source.subscribe(self, scheduler=scheduler)
        if self._wanted:
            self.dispose()
        return self

    def dispose(self) -> None:
        """Dispose of the subscription; from now on, calls are violations.

        A call that another thread has already begun cannot be stopped, so one call of each other
        thread is allowed. While ``subscribe`` of the source has not returned, there is no
        subscription yet; it is disposed right afterwards.
        """
        self._wanted = True
        if self._subscription is not None and self._disposed_on is None:
            self._subscription.dispose()
            self._disposed_on = get_ident()

    def on_next(self, value: Any) -> None:
        """Take an item.

        Raises:
            GrammarError: The call breaks the grammar.
        """
        self._call(f"on_next({value!r})", 0, value)

    def on_error(self, error: Exception) -> None:
        """Take an error, which ends the sequence.

        Raises:
            GrammarError: The call breaks the grammar.
        """
        self._call(f"on_error({error!r})", 1, error)

    def on_completed(self) -> None:
        """Take the end of the sequence.

        Raises:
            GrammarError: The call breaks the grammar.
        """
        self._call("on_completed()", 2)

    def wait(self, timeout: float = 5.0) -> None:
        """Block until the sequence ends, for Observables that deliver on another thread.

        Args:
            timeout: Seconds to wait for the end.

        Raises:
            TimeoutError: The end has not come.
            GrammarError: A call before the end broke the grammar.
        """
        if not self._ended.wait(timeout):
            raise TimeoutError(f"no end came within {timeout:g} s, got {len(self.items)} items")
        self.verify()

    def verify(self) -> None:
        """Raise the first violation again, if there was any.

        Raises:
            GrammarError: A call broke the grammar.
        """
        if self.violations:
            raise self.violations[0]

    def _call(self, call: str, kind: int, *given: Any) -> None:
        if not self._turn.acquire(blocking=False):
            thread, other = self._inside or (0, "another call")
            how = "inside" if thread == get_ident() else "on another thread during"
            self._violated(f"{call} came {how} {other}")
        try:
            self._inside = (get_ident(), call)
            if self._end:
                self._violated(f"{call} came after {self._end}")
            if self._is_late():
                self._violated(f"{call} came after the subscription was disposed of")
            self._take(call, kind, given)
        finally:
            self._inside = None
            self._turn.release()
        if kind:
            self._ended.set()

    def _take(self, call: str, kind: int, given: tuple[Any, ...]) -> None:
        if kind == 0:
            self.items += given
        else:
            self._end = call
            self.error = given[0] if given else None
            self.completed = not given
        callback: Any = self._callbacks[kind]
        if callback is not None:
            callback(*given)

    def _is_late(self) -> bool:
        if self._disposed_on is None:
            return False
        here = get_ident()
        if here == self._disposed_on or here in self._passed:
            return True
        self._passed.add(here)
        return False

    def _violated(self, text: str) -> None:
        error = GrammarError(text)
        self.violations.append(error)
        raise error
