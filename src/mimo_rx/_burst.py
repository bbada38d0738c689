"""Bursts from an input to an output, where nobody can tell them from single items.

A loop of ``async for`` and ``push`` pays for a call, a wake-up and a count at each item. Here what
lies in the buffer is moved in one go, yet item by item as far as anybody can see: an item is taken
only when there is room for what becomes of it, so that nothing is in hand while the stream waits,
and a burst is as long as such a loop would go on without a wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat, starmap
from operator import length_hint
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._port import Input, Output

__all__ = ["burst"]


async def burst(
    source: Input[Any],
    target: Output[Any],
    transform: Callable[[Iterator[Any]], Iterator[Any]],
) -> bool:
    """Push what `transform` makes of the items that are there, as many as there is room for.

    Args:
        source: What to take from; it is waited for if it is empty.
        target: Where to push; room is waited for while there is none, before an item is taken.
        transform: Is given an iterator over the items that are there, and returns one over what
            becomes of them, which takes at most one item for each of its own. It may end early:
            what it has not taken is there for the next burst.

    Returns:
        False once the end of `source` was signalled and nothing is left.

    Raises:
        DownstreamClosed: Nobody reads the stream's main outputs any more.
        OutputClosed: `target` was closed before.
        Exception: What the iterator raised; what it had given before was pushed.
    """
    buffer = source.buffer
    items = buffer.items
    if not items and not await buffer.ready():
        return False
    if target.lacks_room():
        await target.wait_for_room()
    count = len(items)
    left = repeat((), count)  # which counts itself, as the ticks of a buffer do
    try:
        tired = target.fill(transform(starmap(items.popleft, left)))
    finally:
        buffer.untick(length_hint(left) - count)
        if buffer.parked:
            buffer.unpark()
    if tired is not None:
        await tired.breathe()
    return True
