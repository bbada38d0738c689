"""The jobs in each way that is compared: a file for each way, with a function for each job.

- ``line(stages, items)``: the integers below `items` go through `stages` stages. The first makes
  them, the last adds them up, and those between double them.
- ``fan_out(readers, items)``: each integer goes to all readers, which add them up.
- ``fan_in(sources, items)``: several sources make the integers; one reader adds up all of them.
- ``zipped(items)``: a stage pairs the integers of two sources; a sink adds up the products.
- ``operators(count, items)``: `count` functions in a row between source and sink, without stages.
- ``large(items)``: three stages, with a new item of 100 kB each time; the sink adds up the lengths.

Each way is written as its own documentation recommends, without tricks. No way binds methods to
local names, and none leaves out what a real program needs. All begin with nothing (no loop, no
tasks, no workflow) and end with the sum, so set-up and clean-up count. A way is imported at its
first turn, since its package may not be installed.
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
        title: Its name in the table.
        share: Number of items relative to an ordinary contender; slower ways get fewer.
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
    """Do a job in the way of the module `way`."""
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
        job: The name of the job.
        arguments: Arguments of the job's function before the number of items.
        ways: Names of the ways that have the job, separated by spaces.
        expected: Returns the right result for a number of items.
        hops: Number of edges that each item crosses.
        share: A factor for the share of items of all contenders.
        changes: Changed fields of a contender, by the name of its way.
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
