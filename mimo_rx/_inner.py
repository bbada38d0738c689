"""The inner interface of the hot path: what the other rooms use of buffers and ports.

All that an item passes is in the buffer, the two ends of a port, and what these are made of
(``_buffer``, ``_port``, ``_output``, ``_push``, ``_gate``, ``_link``, ``_burst``). Runs take the
three classes from here, so this is where a twin in another language would take their place; the
tests marked ``conformance`` say whether it does what they do, and another one that no other room
reaches past this interface.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ._buffer import Buffer
from ._output import Output
from ._port import Input

if TYPE_CHECKING:
    from ._gate import Gate
    from ._link import Link
    from ._process import Process

__all__ = ["Buffer", "InnerBuffer", "InnerInput", "InnerOutput", "Input", "Output"]


class InnerBuffer(Protocol):
    """The bounded FIFO in front of an input."""

    process: Process
    port: str
    threshold: int
    """The bound, growth included."""
    growth: int
    over: int
    peak: int
    fan_in: int
    producers: int
    edges: list[Any]
    items: Any
    """What waits in it: it has a length, and an order."""
    getters: Any
    """The futures of those that wait for an item."""

    @property
    def taken(self) -> int:
        """Items that were popped."""

    def put(self, item: Any) -> None:
        """Append an item whatever the bound says."""

    def fed_by(self, feeder: Process) -> None:
        """Take note of who feeds it."""

    def producer_closed(self) -> None:
        """Count one producer less; after the last, end (C2)."""

    def grow(self, items: int) -> None:
        """Raise the bound (D2)."""

    def full(self) -> bool:
        """Tell whether there is no room."""

    async def ready(self, timeout: float | None = None, *, leaves: bool = False) -> bool:
        """Wait until an item can be taken; False at the end."""

    def cancel_edges(self) -> None:
        """Forget what waits and skip what comes: the consumer is gone (C4)."""


class InnerInput(Protocol):
    """The receiving end of a port."""

    name: str

    async def pop(self, *, timeout: float | None = None) -> Any:
        """Take the oldest item (P1)."""

    async def peek(self, *, timeout: float | None = None) -> Any:
        """Look at the oldest item (P1)."""

    def chunks(self, max_size: int | None = None) -> Any:
        """Take what is there, a list at a time (P2)."""

    def is_closed(self) -> bool:
        """Tell whether the end was signalled and nothing is left (P9)."""

    def close(self) -> None:
        """Take no more (C4)."""

    def end_over(self) -> None:
        """Take no more, since nobody reads what the stream makes of it (C4)."""


class InnerOutput(Protocol):
    """The sending end of a port."""

    process: Process
    name: str
    side: bool
    links: list[Link]
    gates: Sequence[Gate]
    waiters: list[Any]
    counted: bool
    breath: int

    @property
    def push(self) -> Callable[..., Coroutine[Any, Any, None]]:
        """Hand an item to every edge, or to none (P2)."""

    async def push_many(self, items: Iterable[Any]) -> None:
        """Hand over all items, as many at a time as there is room for (P2)."""

    @property
    def count(self) -> int:
        """Items pushed so far."""

    def close(self) -> None:
        """Signal the end (C1)."""

    def is_connected(self) -> bool:
        """Tell whether any edge leads from here now (P13)."""

    def link(self, links: Iterable[Link]) -> None:
        """Lead edges from here."""

    def unlink(self, link: Link) -> None:
        """Skip an edge whose far side is gone (C4)."""

    def rebind(self) -> None:
        """Look at the edges and their gates anew."""

    def end_over(self) -> None:
        """Raise ``DownstreamClosed`` from now on (C4)."""

    def stop(self) -> None:
        """Let no push pass without a trip through the loop."""

    def lacks_room(self) -> bool:
        """Tell whether a push would have to wait now, or be refused."""

    async def wait_for_room(self) -> None:
        """Wait until every gate has room."""

    def fill(self, iterator: Iterator[Any]) -> Any:
        """Push from an iterator until there is no room or it ends."""


_CONFORM: tuple[
    Callable[..., InnerBuffer], Callable[..., InnerInput], Callable[..., InnerOutput]
] = (Buffer, Input, Output)
"""For type checkers."""


def hidden() -> frozenset[str]:
    """Return the names of the hot path that no other room may use."""
    shown = {
        name
        for protocol in (InnerBuffer, InnerInput, InnerOutput)
        for name in (*vars(protocol), *protocol.__annotations__)
    }
    own = {name for cls in (Buffer, Output) for name in _names(cls)}
    return frozenset(name for name in own - shown if not name.startswith("__"))


def _names(cls: type[Any]) -> Sequence[str]:
    slots = [name for base in cls.__mro__ for name in getattr(base, "__slots__", ())]
    return (*slots, *(name for base in cls.__mro__[:-1] for name in vars(base)))
