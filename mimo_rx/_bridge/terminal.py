"""The end of an edge with operators on it: where items leave them for a buffer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._ports.buffer import Buffer
from .._ports.gate import Gate
from .._ports.pace import Owner
from .head import Station, Taker

__all__ = ["Terminal"]


class Terminal:
    """The end of an edge with operators: it fills a buffer, or discards if there is none.

    Args:
        node: The node that it reads.
        target: The buffer that it fills, or the subscriber that it calls; None discards.
    """

    feedback = False
    """Whether it closes a ring on purpose (D6): never, since operators do not pass the mark on."""

    def __init__(self, node: Station, target: Buffer | Taker | None) -> None:
        self.node = node
        self._target = target
        self.live = True
        """Whether it may still deliver."""
        self.deliver: Callable[[Any], None] = _ignore if target is None else target.put
        if isinstance(target, Buffer):
            target.producers += 1
            target.fan_in += 1
            target.edges.append(self)
        elif target is not None:
            target.add()

    def ready(self) -> bool:
        """Return True: it can take items from the start."""
        return True

    def behind(self) -> Gate | None:
        """Return the buffer; a subscriber always has room."""
        return self._target if isinstance(self._target, Buffer) else None

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
            if self._target is not None:
                self._target.producer_closed()

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
