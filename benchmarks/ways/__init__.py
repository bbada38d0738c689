"""The jobs, in each way that is compared: a way is a file, a job a function of one name in all.

- ``line(stages, items)``: the integers below `items` go through `stages` stages, of which the first
  makes them, the last adds them up, and those between double them.
- ``fan_out(readers, items)``: each integer goes to all readers, which add them up.
- ``fan_in(sources, items)``: several sources make the integers, one reader adds them all up.
- ``zipped(items)``: of two sources of integers a stage makes pairs; a sink adds up the products.
- ``operators(count, items)``: between source and sink, `count` functions in a row, and no stages.
- ``large(items)``: three stages, items of 100 kB, made anew each; the sink adds up their lengths.

Each way is written as its own documentation would have it, without tricks: nobody binds methods to
local names, and nobody leaves out what a program could not. All begin with nothing (no loop, no
tasks, no workflow) and end with the sum, so that what it takes to set up and to clean up is counted
in. A way is imported when its first turn comes: its package may not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.measure import Contender

__all__ = ["contenders", "do"]


@dataclass(frozen=True)
class Way:
    """A way to do the jobs.

    Args:
        title: What the table calls it.
        share: Slower ones get fewer items.
        peer: The package that it needs.
        is_elsewhere: Whether it has a process of its own.
    """

    title: str
    share: float = 1
    peer: str | None = None
    is_elsewhere: bool = False


WAYS = {
    "generators": Way("generators"),
    "queues": Way("tasks, asyncio.Queue"),
    "mimo": Way("mimo_rx"),
    "rxpy": Way("RxPY"),
    "aiostream": Way("aiostream", 0.3, "aiostream"),
    "streamz": Way("streamz", 0.3, "streamz"),
    "anyio": Way("anyio memory streams", 0.1, "anyio"),
    "trio": Way("trio memory channels", 0.1, "trio", True),
    "csp": Way("csp", 1, "csp", True),
    "bytewax": Way("bytewax", 0.3, "bytewax", True),
}


def do(way: str, job: str, *arguments: Any) -> Any:
    """Do a job in the way that the module `way` has for it."""
    return getattr(import_module(f"benchmarks.ways.{way}"), job)(*arguments)


def contenders(
    job: str,
    *arguments: Any,
    ways: str,
    expected: Callable[[int], int],
    hops: int = 1,
    share: float = 1,
    **changes: dict[str, Any],
) -> tuple[Contender, ...]:
    """Make the contenders of a job.

    Args:
        job: Its name.
        arguments: What the function of that name takes before the number of items.
        ways: Names of the ways that know the job, with spaces between them.
        expected: The right result for so many items.
        hops: Edges that each item crosses.
        share: What everybody's share of the items is multiplied by.
        changes: By the name of a way, what else its contender is to be.
    """

    def made() -> Iterator[Contender]:
        for name in ways.split():
            way = WAYS[name]
            contender = Contender(
                name,
                way.title,
                partial(do, name, job, *arguments),
                expected,
                hops=hops,
                share=share * way.share,
                peer=way.peer,
                is_elsewhere=way.is_elsewhere,
                is_ours=name == "mimo",
            )
            yield replace(contender, **changes.get(name, {}))

    return tuple(made())
