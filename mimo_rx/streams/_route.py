"""Streams that send each item to one of several outputs: ``Route``, ``Balance``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, ClassVar

from .._ports.burst import Taker
from ._ready_made import ReadyMade, UserFunction, named_after
from ._tasks import Crew

__all__ = ["Balance", "Route"]


class Route(UserFunction):
    """Send each item to the output that a function names.

    Input: ``item``. Outputs: `outs`, `default`, and ``errors`` for the items on which `key` raised
    or returned no name of an output.

    Emits when: an item comes.
    Backpressures when: the output for an item has no room. It holds that item, and the items behind
        it wait, whichever output they are for. So no output runs ahead of another.
    Completes when: the input has ended.
    Fails when: `key` raises or returns no name of an output, and ``errors`` is not connected.
    Cancels when: nobody reads any of the outputs any more. As long as one is read, the stream goes
        on and drops the items for the others.

    It is determinate if `key` is.

    Args:
        key: A plain function that returns the name of an output for an item.
        outs: Names of the outputs, at least one, unless there is a `default`.
        default: Name of the output for items for which `key` returns no name of an output. It may
            be one of `outs`. With None, such an item is a failure.
        name: Name of the stream; by default that of `key`.

    Raises:
        WiringError: `key` is no plain function; there is no name of an output; one is not a valid
            port name, or is ``errors``.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> route = Route(lambda number: "odd" if number % 2 else "even", outs=["even", "odd"])
        >>> outs = run_stream(route, {"item": range(5)})
        >>> outs["even"], outs["odd"]
        ([0, 2, 4], [1, 3])
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(
        self,
        key: Callable[[Any], Any],
        outs: Iterable[str],
        default: str | None = None,
        *,
        name: str | None = None,
    ) -> None:
        self.check_plain("key", key)
        if isinstance(outs, str):
            self.refuse("outs must be a list of names", outs, f'write `["{outs}"]`')
        names = tuple(outs)
        if default is not None and default not in names:
            names = (*names, default)
        self.check_names("outputs", names)
        if "errors" in names:
            self.refuse("the output 'errors' is for failures", names, "choose another name")
        super().__init__(outs=names, name=name or named_after(key, "Route"))
        self._key = key
        self._default = default

    async def run(self, ins: Any, outs: Any) -> None:
        """Push each item to its output."""
        key = self._key
        outputs = {name: outs[name] for name in self.main_outs}
        default = None if self._default is None else outputs[self._default]
        async for item in ins.item:
            try:
                name = key(item)
                output = outputs.get(name, default)
                if output is None:
                    raise self._unknown(name, item, outs)
            except Exception as error:
                await self.fail(outs, item, error)
            else:
                await output.push(item)

    def _unknown(self, name: object, item: object, outs: Any) -> ValueError:
        names = ", ".join(map(repr, self.main_outs))
        return ValueError(
            f"key of step {outs.errors.process.path!r} must return the name of an output, one of "
            f"{names}, got {name!r} for {item!r}; default= names an output for all others"
        )


class Balance(ReadyMade):
    """Send each item to one output that has room; several that have room take turns.

    It is for workers that do the same work: a slow one gets fewer items, and delays no other.

    Input: ``item``. Outputs: the `names`.

    Emits when: an item comes and an output has room.
    Backpressures when: no output that is read has room. It holds no item meanwhile: it pops one
        only when there is room for it.
    Completes when: the input has ended.
    Fails when: never by itself.
    Cancels when: nobody reads any of the outputs any more. An output that has no reader is skipped.
        When a reader leaves, the items in its buffer are dropped. If no output was ever connected,
        items are discarded, as those of every stream are.

    It is not determinate: the readers' speed decides which output gets an item. Each output has its
    items in the order of the input.

    Args:
        *names: Names of the outputs, at least one.
        name: Name of the stream; by default ``Balance``.

    Raises:
        WiringError: There is no name, or one is not a valid port name.

    Example:
        >>> from mimo_rx.testing import run_stream
        >>> run_stream(Balance("first", "second"), {"item": range(5)})
        {'first': [0, 2, 4], 'second': [1, 3]}
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)

    def __init__(self, *names: str, name: str | None = None) -> None:
        self.check_names("outputs", names)
        super().__init__(outs=names, name=name)

    async def run(self, ins: Any, outs: Any) -> None:
        """Distribute the items, with a task for each output that waits for room there."""
        outputs = [output for output in outs if output.is_connected()]
        if not outputs:
            async for item in ins.item:
                await next(iter(outs)).push(item)
            return
        crew = Crew(outputs[0].process)
        dealer = _Dealer(ins.item, outputs)
        for output in outputs:
            crew.start(dealer.wait_at(output))
        try:
            await crew.join()
        except _EndOfInput:
            pass  # tasks that still wait for room are no longer needed


class _EndOfInput(Exception):
    """Ends all tasks of a crew."""


class _Dealer:
    """Distributes items as soon as there are items and room for them.

    Each task that wakes serves all outputs. After that, either no item is left, and the tasks whose
    outputs have room wait for an item; or no output has room, and all tasks wait for room. So no
    task waits for an item while there is one, and no room is missed.

    Args:
        source: The input.
        outputs: The outputs that are read.
    """

    def __init__(self, source: Any, outputs: Iterable[Any]) -> None:
        self._buffer = source.buffer
        self._taker = Taker(source)
        self._ring = deque(outputs)

    async def wait_at(self, output: Any) -> None:
        """Until the input ends, wait for room at `output`, then for an item, and distribute.

        Raises:
            _EndOfInput: The input has ended.
            DownstreamClosed: Nobody reads any of the outputs any more.
        """
        buffer = self._buffer
        while output.is_connected():
            if output.lacks_room():
                await output.wait_for_room()
                # Until its next `await`, this task may use the room, even if newcomers must wait.
                await self._give(output)
            elif not await buffer.ready():
                raise _EndOfInput
            await self._deal()

    async def _deal(self) -> None:
        items = self._taker.items
        while items:
            output = self._next()
            if output is None:
                break
            await self._give(output)
        if items:
            # Other tasks wait for an item, and there is one: make them wait for room instead.
            self._taker.wake_next()

    def _next(self) -> Any:
        """Return the next output that has room."""
        ring = self._ring
        for _ in range(len(ring)):
            output = ring[0]
            ring.rotate(-1)
            if output.is_connected() and not output.lacks_room():
                return output
        return None

    async def _give(self, output: Any) -> None:
        """Push an item to `output`, if there is one. `output` has room, or has no reader."""
        taker = self._taker
        if not taker.items or not output.is_connected():
            return
        try:
            spent = output.fill(islice(taker.taken, 1))
        finally:
            taker.settle()
        if spent is not None:
            await spent.go_round()
