"""The time of a run of one item, and of whole processes: imports and the command line."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import cache, partial
from typing import Any

from benchmarks.measure import Case, Contender, at_most, beside
from benchmarks.ways import contenders, do
from benchmarks.ways.common import doubled
from benchmarks.ways.mimo import double, sink, source
from mimo_rx import Workflow

__all__ = ["PROCESSES", "RUN"]

RUNS = 50
"""Number of runs in a turn; a single run is too short for the clock."""


async def bare() -> int:
    """Run three tasks that do nothing."""

    async def nothing() -> int:
        return 0

    async with asyncio.TaskGroup() as tasks:
        done = [tasks.create_task(nothing()) for _ in range(3)]
    return sum(each.result() for each in done)


def bare_tasks(items: int) -> int:
    return asyncio.run(bare())


def often(job: Any, items: int) -> int:
    """Do a job of one item `RUNS` times; each run counts as one item."""
    return sum(job(1) for _ in range(RUNS))


@cache
def built() -> tuple[Workflow, dict[str, int]]:
    """Build a workflow of three stages for one item; return it and the dict that gets its sum."""
    state: dict[str, int] = {}
    last = source(state={"items": 1}) | double() | sink(state=state)
    return last.workflow, state


def run_built(items: int) -> int:
    workflow, state = built()
    workflow.start()
    return state["total"]


def nought(items: int) -> int:
    return 0


MAKE = partial(Contender, expected=nought, hops=RUNS, share=0)


def changes(way: str) -> dict[str, Any]:
    """Return the fields of a peer's contender that differ in this case."""
    return {"job": partial(often, partial(do, way, "line", 3)), "hops": RUNS, "share": 0}


RUN = Case(
    "run",
    "A run of one item",
    "Three stages and one item, on a loop of its own; the time is that of a whole run.",
    (
        MAKE("tasks", "asyncio.run of three bare tasks", partial(often, bare_tasks)),
        MAKE("queues", "tasks, asyncio.Queue", partial(often, partial(do, "queues", "line", 3))),
        MAKE(
            "mimo",
            "mimo_rx",
            partial(often, run_built),
            against=(at_most(3, "tasks"),),
            is_ours=True,
        ),
        MAKE(
            "mimo-built",
            "mimo_rx, built and run",
            partial(often, partial(do, "mimo", "line", 3)),
            against=(beside("tasks"),),
            is_ours=True,
        ),
        *contenders(
            "line",
            3,
            ways="aiostream anyio",
            expected=partial(doubled, 3),
            aiostream=changes("aiostream"),
            anyio=changes("anyio"),
        ),
    ),
    baseline="tasks",
)


def process(arguments: list[str], items: int) -> int:
    """Run a process of this Python to its end, and return its exit code."""
    return subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL).returncode


def imports(modules: str) -> list[str]:
    return ["-c", f"import {modules}"]


PROCESS = partial(Contender, expected=nought, is_whole=True)

PROCESSES = Case(
    "startup",
    "Whole processes",
    "A new Python process that imports a package, or prints the help.",
    (
        PROCESS("python", 'python -c ""', partial(process, ["-c", ""])),
        PROCESS(
            "import-reactivex",
            'python -c "import reactivex"',
            partial(process, imports("reactivex")),
        ),
        PROCESS(
            "import-click-reactivex",
            'python -c "import click, reactivex"',
            partial(process, imports("click, reactivex")),
        ),
        PROCESS(
            "import",
            'python -c "import mimo_rx"',
            partial(process, imports("mimo_rx")),
            against=(at_most(1.25, "import-reactivex"),),
            is_ours=True,
        ),
        PROCESS(
            "import-workflow",
            'python -c "from mimo_rx import Workflow"',
            partial(process, ["-c", "from mimo_rx import Workflow"]),
            against=(at_most(1.25, "import-reactivex"), beside("import-click-reactivex")),
            is_ours=True,
        ),
        PROCESS(
            "help",
            "mimo-rx --help",
            partial(process, ["-m", "mimo_rx", "--help"]),
            against=(at_most(1.3, "import-click-reactivex"),),
            is_ours=True,
        ),
    ),
    baseline="import-reactivex",
)
