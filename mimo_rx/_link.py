"""The near end of an edge, as the output that it leads from sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ._gate import Gate

if TYPE_CHECKING:
    from ._buffer import Buffer
    from ._output import Output

__all__ = ["Link"]


class Link:
    """The near end of one edge: what an output needs to know of it.

    Args:
        gates: What must have room before an item is handed over.
        deliver: Hands an item over; never raises.
        close: Called once, when the output closes.
        buffer: The far buffer, if nothing stands in between.
    """

    __slots__ = ("_start", "_stop", "buffer", "close", "deliver", "feedback", "gates", "output")

    def __init__(
        self,
        gates: Sequence[Gate],
        deliver: Callable[[Any], object],
        close: Callable[[], object],
        buffer: Buffer | None = None,
    ) -> None:
        self.gates = gates
        self.deliver = deliver
        self.close = close
        self.buffer = buffer
        self.output: Output[Any] | None = None
        self.feedback = False
        """Whether it closes a meant ring (D6)."""
        self._start = 0
        self._stop: int | None = None

    @classmethod
    def to(cls, buffer: Buffer) -> Link:
        """Make an edge that leads straight into `buffer`."""
        link = cls((buffer,), buffer.put, buffer.producer_closed, buffer)
        buffer.producers += 1
        buffer.fan_in += 1
        buffer.edges.append(link)
        return link

    @property
    def items(self) -> int:
        """Items pushed into it while it was connected."""
        if self.output is None:
            return 0
        return (self.output.count if self._stop is None else self._stop) - self._start

    @property
    def drops(self) -> int:
        """Items that were dropped where they came in from outside, before its output."""
        entry = None if self.output is None else self.output.process.entry
        return 0 if entry is None else entry.drops

    @property
    def is_connected(self) -> bool:
        """Whether it carries items: it leads from an output, and neither side has ended."""
        return self.output is not None and self._stop is None

    def attach(self, output: Output[Any]) -> None:
        """Lead from `output` from now on."""
        self.output = output
        if self.buffer is not None:
            self.buffer.fed_by(output.process)
        self._start = output.count

    def regate(self, gates: Sequence[Gate]) -> None:
        """Wait for room at `gates` from now on."""
        self.gates = gates
        if self.output is not None and self._stop is None:
            self.output.rebind()

    def cancel(self) -> None:
        """Carry nothing any more: the far side is gone (C4)."""
        if self.output is not None and self._stop is None:
            self._stop = self.output.count
            self.output.unlink(self)

    def rest(self) -> None:
        """Close a ring that has come to rest: the end for the far side, nothing for this one (D6).

        What is pushed on is discarded; to cancel the edge would tell the producer that nobody
        reads it, while it is about to hear of the end itself.
        """
        if self.output is not None and self._stop is None:
            self._stop = self.output.count
            self.gates = ()
            self.buffer = None
            self.deliver = _ignore
            self.output.rebind()
            self.close()

    def finish(self) -> None:
        """Signal the end to the far side (C1)."""
        if self.output is not None and self._stop is None:
            self._stop = self.output.count
            self.close()


def _ignore(item: Any) -> None:
    """Take an item that nobody wants."""
