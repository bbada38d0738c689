"""Measure operators on an edge against RxPY, aiostream and streamz, and print a table.

    python benchmarks/operators.py [--items N] [--rounds N] [--json | --markdown]

Chains of 1, 4 and 10 operators stand between a stream that pushes one item at a time and a sink,
and the same chains between a `Subject` of RxPY that is fed in a loop and an observer. What one
operator costs is the slope of that line, a ninth of the way from 1 to 10; what the edge itself
costs (push, bridge, buffer, pop) is where the line begins, without any operator. Everything is
measured in one run, taking turns; how, see measure.py.

aiostream and streamz take part in the last job if they are installed (the dependency group
`bench`).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import click
from reactivex import operators as ops
from reactivex.subject import Subject

# The file is run as a script: what it is a part of is not on the path yet.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.jobs import THRESHOLD, sink, source
from benchmarks.measure import Contender, Target, Turns, machine, take_turns
from benchmarks.throughput import to_markdown, to_text

from mimo_rx import Flow, Workflow, flow

LENGTHS = (1, 4, 10)
PEERS = ("aiostream", "streamz")


def same(item: int) -> int:
    return item


def always(item: int) -> bool:
    return True


def newest(before: int, item: int) -> int:
    return item


# Each lets every item through as it is, so that the sum at the end tells whether all came.
KINDS: dict[str, Callable[[], Any]] = {
    "map": lambda: ops.map(same),
    "filter": lambda: ops.filter(always),
    "scan": lambda: ops.scan(newest, 0),
}


def total_of(items: int) -> int:
    return items * (items - 1) // 2


def on_edge(kind: str, length: int, items: int) -> int:
    """Send `items` integers through `length` operators on an edge."""
    last = sink(state={})
    workflow = Workflow(threshold=THRESHOLD)
    edge: Flow = workflow.add_stream(source(state={"items": items}))
    for _ in range(length):
        edge = edge | KINDS[kind]()
    edge | last
    workflow.start()
    total: int = last.state["total"]
    return total


def behind_subject(kind: str, length: int, items: int) -> int:
    """Send them through the same operators behind a subject."""
    total = 0

    def add(item: int) -> None:
        nonlocal total
        total += item

    subject: Subject[int] = Subject()
    subject.pipe(*(KINDS[kind]() for _ in range(length))).subscribe(add)
    for item in range(items):
        subject.on_next(item)
    subject.on_completed()
    return total


# One job for all: map, filter and scan over a range, and the sum of what comes out.


def job_of_ours(items: int) -> int:
    last = sink(state={})
    numbers = flow(range(items)) | ops.map(same) | ops.filter(always) | ops.scan(newest, 0)
    step = numbers | last
    step.workflow.start()
    total: int = last.state["total"]
    return total


def job_of_aiostream(items: int) -> int:
    peer = import_module("aiostream")

    async def main() -> int:
        numbers = peer.stream.iterate(range(items)) | peer.pipe.map(same)
        numbers = numbers | peer.pipe.filter(always) | peer.pipe.accumulate(newest, initializer=0)
        total = 0
        async with numbers.stream() as streamer:
            async for item in streamer:
                total += item
        return total

    return asyncio.run(main())


def job_of_streamz(items: int) -> int:
    total = 0

    def add(item: int) -> None:
        nonlocal total
        total += item

    numbers = import_module("streamz").Stream()
    numbers.map(same).filter(always).accumulate(newest, start=0).sink(add)
    for item in range(items):
        numbers.emit(item)
    return total


JOB = "range | map | filter | scan"
JOBS = {"mimo_rx": job_of_ours, "aiostream": job_of_aiostream, "streamz": job_of_streamz}
SHARES = {"aiostream": 10, "streamz": 10}
"""Peers that are slower get so many times fewer items."""


def job(name: str, items: int) -> int:
    """Do the job of `name` with its share of the items, and return what all would come to."""
    share = max(1, items // SHARES.get(name, 1))
    if JOBS[name](share) != total_of(share):
        raise RuntimeError(f"{name} lost items")
    return total_of(items)


def contenders() -> Iterator[Contender]:
    """Yield all that take turns."""
    make = partial(Contender, group="operators", expected=total_of)
    yield make("direct", title="direct edge", job=partial(on_edge, "map", 0))
    for kind in KINDS:
        for length in LENGTHS:
            where = f"{length} × {kind}"
            yield make(
                f"ours-{kind}-{length}",
                title=f"{where} on an edge",
                job=partial(on_edge, kind, length),
            )
            yield make(
                f"rxpy-{kind}-{length}",
                title=f"{where} behind a subject",
                job=partial(behind_subject, kind, length),
            )
    for name in installed():
        yield make(
            f"job-{name}", title=f"range | map | filter | scan, {name}", job=partial(job, name)
        )


def installed() -> list[str]:
    """Return who takes part in the job for all."""
    return ["mimo_rx", *(peer for peer in PEERS if find_spec(peer) is not None)]


class Row(NamedTuple):
    """A line of the table: times in ns."""

    title: str
    ours: float
    theirs: float
    against: str
    target: Target

    @property
    def ratio(self) -> float:
        """How many times as long it takes here, or how many times as fast it is."""
        return self.theirs / self.ours if self.target.is_speed else self.ours / self.theirs

    def cells(self) -> tuple[str, ...]:
        """Write the line."""
        meaning = "× as fast" if self.target.is_speed else "× the time"
        verdict = "met" if self.target.met(self.ratio) else "MISSED"
        return (
            self.title,
            f"{self.ours:,.0f} ns",
            f"{self.theirs:,.0f} ns",
            self.against,
            f"{self.ratio:.2f}{meaning}",
            str(self.target),
            verdict,
        )


HEAD = ("", "mimo_rx", "the other", "which is", "ratio", "target", "")


def rows_of(best: dict[str, float]) -> Iterator[Row]:
    """Derive the lines of the table from the best turns."""
    shortest, *_, longest = LENGTHS
    for kind in KINDS:
        ours, theirs = (
            (best[f"{whose}-{kind}-{longest}"] - best[f"{whose}-{kind}-{shortest}"])
            / (longest - shortest)
            for whose in ("ours", "rxpy")
        )
        title = f"one {kind}, per item"
        yield Row(title, ours, theirs, "RxPY behind a subject", Target(1.2))
        if kind == "map":
            edge = best[f"ours-map-{shortest}"] - shortest * ours
    yield Row(
        "an edge with operators, without them", edge, best["direct"], "a direct edge", Target(1.6)
    )
    for peer in PEERS:
        if f"job-{peer}" in best:
            theirs = best[f"job-{peer}"] * SHARES[peer]
            title = f"{JOB}, per item"
            yield Row(title, best["job-mimo_rx"], theirs, peer, Target(4, is_speed=True))


@click.command()
@click.option("--items", type=click.IntRange(10), default=200_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every single turn.")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the table as Markdown.")
def main(items: int, rounds: int, as_json: bool, as_markdown: bool) -> None:
    """Measure operators on an edge against RxPY, aiostream and streamz, and print a table."""
    turns = [Turns(contender) for contender in contenders()]
    for _ in range(rounds):
        take_turns(turns, items)
    rows = list(rows_of({each.contender.key: each.best for each in turns}))
    if as_json:
        record = {"machine": machine(), "items": items, "rounds": rounds}
        record["turns"] = {each.contender.key: each.times for each in turns}
        record["rows"] = [{**row._asdict(), "target": str(row.target)} for row in rows]
        click.echo(json.dumps(record, indent=2))
        return
    lines = [HEAD, *(row.cells() for row in rows)]
    click.echo("\n".join(to_markdown(lines) if as_markdown else to_text(lines)))
    click.echo(
        f"\nThe best of {rounds} turns of {items:,} items each; all take turns. {machine()}."
    )
    absent = [peer for peer in PEERS if peer not in installed()]
    if absent:
        click.echo(f"Left out, not installed: {', '.join(absent)}.")


if __name__ == "__main__":
    main()
