"""What stands in front of a plain subscriber in place of a buffer (R2a).

Rules: R2a.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from .._bridge.bridge import leaves_operators

__all__ = ["Delivery"]


class Delivery:
    """Calls a subscriber inside the push, as a Subject does.

    The subscriber runs in the context of its subscription, not in that of the stream that pushes.

    Args:
        on_next: Called with each item.
    """

    def __init__(self, on_next: Callable[[Any], None]) -> None:
        self._on_next = on_next
        self._call: Callable[..., None] = copy_context().run
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._producers = 0
        self.on_leave: Callable[[], None] | None = None
        """Called once when the subscriber has gone before the end."""
        self.over = False
        """Whether it delivers no more."""
        self.raised: BaseException | None = None
        """What the subscriber raised."""

    @property
    def done(self) -> bool:
        """Whether :meth:`ended` returns at once."""
        return self._end.done()

    def add(self) -> None:
        """Note that one more edge leads here."""
        self._producers += 1

    def put(self, item: Any) -> None:
        """Call the subscriber with `item`; never raise."""
        if self.over:
            return
        try:
            self._call(self._on_next, item)
        except BaseException as error:
            self.raised = error
            self.leave()

    def producer_closed(self) -> None:
        """Note that one edge has ended; after the last, the items have (C2)."""
        self._producers -= 1
        if not self._producers:
            self.stop()

    def leave(self) -> None:
        """Deliver no more, and tell the run: the subscriber is gone."""
        if not self.done:
            self.stop()
            if self.on_leave is not None:
                self.on_leave()

    def stop(self) -> None:
        """Deliver no more: the run has failed, or the items have ended."""
        self.over = True
        if not self._end.done():
            self._end.set_result(None)

    async def ended(self) -> None:
        """Wait until it delivers no more.

        Raises:
            BaseException: What the subscriber raised.
        """
        await self._end
        if self.raised is not None:
            raise self.raised


leaves_operators(Delivery.put)  # the subscriber may subscribe to the workflow, which runs again
