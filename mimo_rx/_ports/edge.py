"""The near end of an edge, as seen by the output that it leads from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .buffer import Buffer
from .gate import Gate
from .pace import Owner

__all__ = ["Edge", "Sender"]


class Sender(Protocol):
    """The output that an edge leads from, as the edge sees it."""

    process: Owner
    name: str

    @property
    def count(self) -> int:
        """Items pushed so far."""

    def rebind(self) -> None:
        """Look at the edges and their gates again."""

    def disconnect(self, edge: Any) -> None:
        """Skip `edge` from now on: its far side is gone (C4)."""

    def stop(self) -> None:
        """Make every push from now on go through the event loop."""


class Edge:
    """The near end of one edge: what an output needs to know of it.

    Args:
        gates: What must have room before an item is handed over.
        deliver: Hands an item over; never raises.
        close: Called once, when the output closes.
        buffer: The far buffer, if no operators are in between.
        signal: Hands over an error of an outside Observable; None if nothing there can answer it.
    """

    __slots__ = (
        "_start",
        "_stop",
        "buffer",
        "close",
        "deliver",
        "feedback",
        "gates",
        "output",
        "signal",
    )

    def __init__(
        self,
        gates: Sequence[Gate],
        deliver: Callable[[Any], object],
        close: Callable[[], object],
        buffer: Buffer | None = None,
        signal: Callable[[Exception], object] | None = None,
    ) -> None:
        self.gates = gates
        self.deliver = deliver
        self.close = close
        self.buffer = buffer
        self.signal = signal
        self.output: Sender | None = None
        self.feedback = False
        """Whether it closes a ring on purpose (D6)."""
        self._start = 0
        self._stop: int | None = None

    @classmethod
    def to(cls, buffer: Buffer) -> Edge:
        """Make an edge that leads straight into `buffer`."""
        edge = cls((buffer,), buffer.put, buffer.producer_closed, buffer)
        buffer.producers += 1
        buffer.fan_in += 1
        buffer.edges.append(edge)
        return edge

    @property
    def items(self) -> int:
        """Items pushed into it while it was connected."""
        if self.output is None:
            return 0
        return (self.output.count if self._stop is None else self._stop) - self._start

    @property
    def drops(self) -> int:
        """Items that were dropped at the entry of an outside source, before its output."""
        entry = None if self.output is None else self.output.process.entry
        return 0 if entry is None else entry.drops

    @property
    def live(self) -> bool:
        """Whether it carries items: it leads from an output, and neither side has ended."""
        return self.output is not None and self._stop is None

    def sources(self) -> tuple[Owner | None]:
        """Return the stream that it leads from."""
        return (None if self.output is None else self.output.process,)

    def attach(self, output: Sender) -> None:
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
        """Stop carrying items: the far side is gone (C4)."""
        if self.output is not None and self._stop is None:
            self._stop = self.output.count
            self.output.disconnect(self)

    def rest(self) -> None:
        """Close a ring that has come to rest: signal the end to the far side only (D6).

        Later pushes are discarded. The edge is not cancelled: that would tell the producer that
        nobody reads it, although the end is about to reach it by way of its own inputs.
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
    """Discard an item."""
