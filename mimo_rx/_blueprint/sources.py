"""The entry of items from outside: iterables, asynchronous iterables and Observables as sources.

Rules: R3.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable
from types import GeneratorType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from reactivex import Observable

from .._errors import WiringError
from .._rx.entry import check_overflow
from .find_flows import find_flows
from .flow import Flow, Merged, ObservableFlow
from .operand import language
from .provisional import Homes, all_or_nothing
from .stream import Stream

if TYPE_CHECKING:
    from .nesting import Workflow

__all__ = [
    "SourceFlow",
    "SourceKind",
    "SourceStream",
    "as_outside",
    "close_iterator",
    "flow",
    "kind_of",
]

SourceKind: TypeAlias = Literal["iterable", "async_iterable", "observable"]


class SourceStream(Stream):
    """The stream that stands for a source from outside in a plan.

    Args:
        source: The iterable, asynchronous iterable or Observable.
        kind: Which of them it is.
        name: Name of the stream.
        overflow: What to do with an item that comes while there is no room.
        capacity: Items that may wait at the entry; None for the bound of the engine.
        threaded: Whether the source is read on a thread of its own.
    """

    OUT: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self,
        source: Any,
        kind: SourceKind,
        name: str,
        *,
        overflow: str = "block",
        capacity: int | None = None,
        threaded: bool = False,
    ) -> None:
        super().__init__(name=name)
        self.source = source
        self.kind = kind
        self.overflow = overflow
        self.capacity = capacity
        self.threaded = threaded

    def rename(self, name: str) -> None:
        """Give it another name than that of its source."""
        self._name = name

    @property
    def needs_pump(self) -> bool:
        """Whether :meth:`run` cannot read it, since it blocks its thread or does not wait."""
        match self.kind:
            case "iterable":
                return self.threaded
            case "async_iterable":
                return self.overflow != "block"
            case "observable":
                return True

    async def run(self, ins: Any, outs: Any) -> None:
        """Push the items of an iterable or asynchronous iterable; close its iterator at the end."""
        if self.kind == "iterable":
            iterator = iter(self.source)
            try:
                await outs.item.push_many(iterator)
            finally:
                close_iterator(iterator, self.source)
            return
        items = aiter(self.source)
        try:
            async for item in items:
                await outs.item.push(item)
        finally:
            close = getattr(items, "aclose", None)
            if close is not None:
                await close()


def close_iterator(iterator: Any, source: object) -> None:
    """Close `iterator` if `source` made it or it is a generator; a file of the user's stays open.

    Raises:
        BaseException: Whatever its clean-up raises.
    """
    close = getattr(iterator, "close", None)
    if close is not None and (iterator is not source or isinstance(iterator, GeneratorType)):
        close()


class SourceFlow(Flow):
    """The items of a source from outside."""

    def __init__(self, stream: SourceStream) -> None:
        super().__init__()
        self.stream = stream
        self._homes = Homes()

    @property
    def homes(self) -> list[Workflow]:
        found = {id(each.graph): each.graph.workflow for each in self._homes.values()}
        return list(found.values())

    def led_into(self, workflow: Workflow) -> None:
        """Remember `workflow`: a later ``|`` of this source joins it."""
        self._homes.add(workflow)
        self._homes.hold(workflow)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _homes=Homes())

    def label(self) -> str:
        return self.stream.name


def flow(
    *sources: Any,
    overflow: str = "block",
    capacity: int | None = None,
    threaded: bool = False,
    ports: Iterable[Any] = (),
    name: str | None = None,
) -> Flow:
    """Make a flow of one source, or of the merge of several.

    It takes what the left end of ``|`` takes, and has settings. It is also the way to put an
    operator right after a source.

    Args:
        *sources: Steps, ports, flows, streams, iterables, asynchronous iterables and Observables,
            in any mixture. A run closes the iterators of iterables when it ends early; a file that
            is given itself stays open.
        overflow: What to do with an item that comes from outside while there is no room.
            ``"block"`` lets the source wait; an Observable does so on the worker thread that
            subscribes to it. Otherwise the source goes on at its own pace:
            ``"drop_newest"`` drops the item. ``"drop_oldest"`` drops the item that has waited
            longest (with a capacity of 1, the latest item is kept). ``"error"`` fails the run with
            ``BufferOverflow``. ``"unbounded"`` keeps all items. In all cases but ``"block"``, the
            loop's thread subscribes before any stream has begun, and the subscription must return.
            The statistics of the edges that lead from there count the drops. It is for Observables,
            asynchronous iterables, and iterables with ``threaded=True``; other iterables can always
            be made to wait.
        capacity: Items that may wait at the entry of each source, at least 1, by default 100.
        threaded: Whether iterables are read on a thread of their own, because they block.
        ports: Ports that an Observable among `sources` subscribes to in a hidden way, inside
            ``rx.defer`` or a mapper.
        name: Name of the source in statistics, notes and drawings, by default that of its class or
            function. It is for one source from outside.

    Returns:
        The flow. It joins the workflow that it is led into.

    Raises:
        WiringError: There are no sources, one of them is not a source, they belong to two
            workflows, or a setting is out of its range or does not apply to them.

    Example:
        >>> from reactivex import operators as ops
        >>> flow([1, 2], range(3)) | ops.map(str)
        <flow of [list, range] | map(str)>
    """
    if not sources:
        raise WiringError("flow takes at least one source, got none")
    settings = {"overflow": overflow, "capacity": capacity, "threaded": threaded}
    check_overflow(overflow, capacity, "flow", WiringError)
    if not isinstance(threaded, bool):
        raise WiringError(f"threaded of flow must be True or False, got {threaded!r}")
    _check_name(name)
    named = _readable_ports(ports)
    with all_or_nothing():
        within = language().met(sources)
        flows = [_enter(source, named, within, settings) for source in sources]
        _check_use(flows, named, settings)
        if name is not None:
            _name(flows, name)
        return flows[0] if len(flows) == 1 else Merged(flows)


def as_outside(source: Any, ports: tuple[Flow, ...] = (), **settings: Any) -> Flow | None:
    """Return the flow of a source from outside; None if `source` is not a source.

    Args:
        source: Any object.
        ports: Flows that it subscribes to in a way that cannot be seen.
        **settings: The settings of :class:`SourceStream`.
    """
    kind = kind_of(source)
    if kind is None:
        return None
    if kind == "observable" and (ports or find_flows(source).flows):
        return ObservableFlow(source, ports)
    name = getattr(source, "__name__", type(source).__name__)
    return SourceFlow(SourceStream(source, kind, str(name), **settings))


def kind_of(source: Any) -> SourceKind | None:
    """Tell what kind of source `source` is; None if it is not a source."""
    if isinstance(source, type):
        return None
    if isinstance(source, Observable):
        return "observable"
    if isinstance(source, AsyncIterable):
        return "async_iterable"
    if isinstance(source, Awaitable):
        return None
    if isinstance(source, Iterable) or hasattr(type(source), "__getitem__"):
        return "iterable"
    return None


def _enter(
    source: Any, ports: tuple[Flow, ...], within: Workflow | None, settings: dict[str, Any]
) -> Flow:
    # Here a text is an iterable of its characters, as elsewhere in Python.
    if isinstance(source, str | bytes | bytearray):
        outside = as_outside(source, **settings)
        assert outside is not None
        return outside
    entered: Flow = language().as_flow(source, ports=ports, within=within, **settings)
    return entered


def _readable_ports(ports: Iterable[Any]) -> tuple[Flow, ...]:
    if isinstance(ports, Flow) or not isinstance(ports, Iterable):
        raise WiringError(f"ports of flow must be a list of ports, got {ports!r}; write `[port]`")
    readable = []
    for port in ports:
        if not isinstance(port, Flow):
            raise WiringError(f"ports of flow must be a list of ports, got {port!r} in it")
        readable.append(port.readable())
    return tuple(readable)


def _check_use(flows: list[Flow], ports: tuple[Flow, ...], settings: dict[str, Any]) -> None:
    """Refuse settings that apply to none of the sources."""
    streams = [flow.stream for flow in flows if isinstance(flow, SourceFlow)]
    kinds = {stream.kind for stream in streams}
    got = ", ".join(flow.label() for flow in flows)
    # What an Observable with flows in it delivers has no entry, and so no bound.
    unbounded = settings["overflow"] == "unbounded" and any(
        isinstance(flow, ObservableFlow) for flow in flows
    )
    waits = not unbounded and not any(stream.needs_pump for stream in streams)
    if settings["overflow"] != "block" and waits:
        hint = "add threaded=True" if "iterable" in kinds else "steps and ports wait by themselves"
        raise WiringError(
            f"overflow={settings['overflow']!r} of flow is for asynchronous iterables, iterables "
            f"with threaded=True, and for Observables from outside, got {got}; {hint}"
        )
    if settings["capacity"] is not None and not any(stream.needs_pump for stream in streams):
        raise WiringError(
            "capacity of flow is for Observables from outside, for threaded=True and for "
            "asynchronous iterables with an overflow, got "
            f"{got}; the others wait for room downstream"
        )
    if settings["threaded"] and "iterable" not in kinds:
        raise WiringError(f"threaded=True of flow is for iterables that block, got {got}")
    if ports and not any(isinstance(flow, ObservableFlow) for flow in flows):
        raise WiringError(f"ports of flow are for Observables that subscribe to them, got {got}")


def _check_name(name: object) -> None:
    if name is not None and (not isinstance(name, str) or not name or "/" in name):
        raise WiringError(f"name of flow must be a non-empty string without '/', got {name!r}")


def _name(flows: list[Flow], name: str) -> None:
    """Give `name` to the one source from outside that is among `flows`."""
    named = [flow.stream for flow in flows if isinstance(flow, SourceFlow)]
    if len(named) != 1:
        got = ", ".join(flow.label() for flow in flows)
        raise WiringError(f"name={name!r} of flow is for one source from outside, got {got}")
    named[0].rename(name)
