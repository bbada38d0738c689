"""Sinks inside the program: ``ForEach``, ``ToList``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from .._callable import is_coroutine_function
from ._map import refuse_coroutine
from ._ready_made import ReadyMade, UserFunction, named_after

__all__ = ["ForEach", "ToList"]


class ForEach(UserFunction):
    """Call a function for each item, for its side effect.

    Inputs: ``item``. Outputs: ``errors``, for the items on which the function raised.

    Emits when: never, except on ``errors``.
    Backpressures when: the function has not returned.
    Completes when: the input has ended and the last call has returned.
    Fails when: the function raises, and ``errors`` is not connected.
    Cancels when: never by itself, as it has no main output that a reader could leave.

    It is determinate if the function is.

    Args:
        fn: A plain function, which runs on the loop's thread, or a coroutine function. Its result
            is dropped.
        name: Name of the stream; by default that of `fn`.

    Raises:
        WiringError: `fn` cannot be called.

    Example:
        >>> step = range(3) | ForEach(print)
        >>> statistics = step.workflow.start()
        0
        1
        2
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ()

    def __init__(self, fn: Callable[[Any], Any], *, name: str | None = None) -> None:
        self.check_function("fn", fn)
        super().__init__(name=name or named_after(fn, "ForEach"))
        self._function = fn
        self._is_async = is_coroutine_function(fn)

    async def run(self, ins: Any, outs: Any) -> None:
        """Call the function for each item."""
        function, is_async = self._function, self._is_async
        async for item in ins.item:
            try:
                result = function(item)
                if is_async:
                    await result
                elif result is not None:
                    refuse_coroutine(function, result)
            except Exception as error:
                await self.fail(outs, item, error)
            del item  # release it while waiting for the next one


class ToList(ReadyMade):
    """Collect all items in a list; read it after the run as :attr:`items`.

    The whole list is in memory, so this is for small results and for tests.

    Inputs: ``item``. Outputs: none.

    Emits when: never.
    Backpressures when: never.
    Completes when: the input has ended.
    Fails when: never by itself.
    Cancels when: never by itself, as it has no output that a reader could leave.

    It is determinate.

    Args:
        name: Name of the stream; by default that of the class.

    Example:
        >>> squares = ToList()
        >>> step = (number * number for number in range(4)) | squares
        >>> statistics = step.workflow.start()
        >>> squares.items
        [0, 1, 4, 9]
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name)
        self.items: list[Any] = []
        """The items so far of the run that began last. Each run makes a new list."""

    async def run(self, ins: Any, outs: Any) -> None:
        """Collect each item."""
        self.items = items = []
        async for chunk in ins.item.chunks():
            items.extend(chunk)
