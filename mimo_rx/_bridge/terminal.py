"""The end of an edge with operators on it: where items leave them for a buffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._ports.buffer import Buffer
from .._ports.gate import Gate
from .._ports.pace import Owner
from .head import Station

__all__ = ["Terminal"]


class Terminal:
    """The end of an edge with operators: it fills a buffer, or discards if there is none.

    Args:
        node: The node that it reads.
        buffer: The buffer that it fills.
    """

    feedback = False
    """Whether it closes a ring on purpose (D6): never, since operators do not pass the mark on."""

    def __init__(self, node: Station, buffer: Buffer | None) -> None:
        self.node = node
        self._buffer = buffer
        self.live = True
        """Whether it may still deliver."""
        self.deliver: Callable[[Any], None] = _ignore if buffer is None else buffer.put
        if buffer is not None:
            buffer.producers += 1
            buffer.fan_in += 1
            buffer.edges.append(self)

    def ready(self) -> bool:
        """Return True: it can take items from the start."""
        return True

    def behind(self) -> Gate | None:
        """Return the buffer."""
        return self._buffer

    def sources(self) -> list[Owner | None]:
        """Return the streams of which any can make it deliver; None is an unknown source (D4)."""
        if not self.node.is_quiet:
            return [None]
        found = (source for head in self.node.heads() for source in head.sources())
        return list(dict.fromkeys(found))

    def on_completed(self) -> None:
        """Note that one producer has completed (C2)."""
        if self.live:
            self.live = False
            if self._buffer is not None:
                self._buffer.producer_closed()

    def rest(self) -> None:
        """Close a ring that has come to rest: signal the end to the consumer only (D6)."""
        self.deliver = _ignore
        self.on_completed()

    def cancel(self) -> None:
        """Stop delivering: the consumer is gone (C4)."""
        if self.live:
            self.live = False
            self.node.drop(self)


def _ignore(item: Any) -> None:
    """Discard an item."""
