"""Keep a workflow open, and ask it from many tasks at once.

Each client is a task that asks for the successor of a number, as Collatz has it, and waits for the
answer before it asks again. Even and odd numbers take different ways through the workflow, so an
answer may overtake another, and is led back to its client by the number of the question. Memory is
that of the buffers and of one question a client, and whoever leaves early holds up nobody.
"""

from __future__ import annotations

import asyncio
from itertools import count as numbering

import click

from example_command import (
    GRAPH,
    SETTINGS,
    STATS,
    carry_out,
    count_option,
    help_of,
    threshold_option,
)
from mimo_rx import Inputs, OpenRun, Outputs, Statistics, Workflow, stream


@stream(ins=["question"], outs=["even", "odd"])
async def sort(ins: Inputs, outs: Outputs, state: object) -> None:
    async for key, number in ins.question:
        await (outs.odd if number % 2 else outs.even).push((key, number))


@stream(ins=["even"], outs=["answer"])
async def halve(ins: Inputs, outs: Outputs, state: object) -> None:
    async for key, number in ins.even:
        await outs.answer.push((key, number // 2))


@stream(ins=["odd"], outs=["answer"])
async def triple(ins: Inputs, outs: Outputs, state: object) -> None:
    async for key, number in ins.odd:
        await outs.answer.push((key, 3 * number + 1))


def service(threshold: int = 10) -> Workflow:
    """Wire the workflow, whose own ports are the program's way in and out."""
    workflow = Workflow(["question"], ["answer"], name="service", threshold=threshold)
    sorting = workflow.ins.question | sort()
    sorting["even"] | halve() | workflow.outs.answer
    sorting["odd"] | triple() | workflow.outs.answer
    return workflow


class Desk:
    """Where clients ask a run, each waiting for its own answer."""

    def __init__(self, run: OpenRun) -> None:
        self.run = run
        self.waiting: dict[int, asyncio.Future[int]] = {}
        self.keys = numbering()

    async def ask(self, number: int) -> int:
        """Ask, and wait for the answer; whoever is cancelled meanwhile just leaves."""
        key = next(self.keys)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.waiting[key] = answer
        try:
            await self.run.ins.question.push((key, number))
            return await answer
        finally:
            del self.waiting[key]

    async def deliver(self) -> None:
        """Lead each answer back to whoever waits for it, until the run ends."""
        async for key, number in self.run.outs.answer:
            answer = self.waiting.get(key)
            if answer is not None and not answer.done():
                answer.set_result(number)


async def client(desk: Desk, numbers: range) -> int:
    """Ask about one number after the other, and return the sum of the answers."""
    total = 0
    for number in numbers:
        total += await desk.ask(number)
    return total


async def serve(workflow: Workflow, count: int, clients: int) -> Statistics:
    """Share the numbers below `count` out among clients, and print what each one got."""
    shares = [range(start, count, clients) for start in range(clients)]
    async with workflow.open() as run, asyncio.TaskGroup() as background:
        desk = Desk(run)
        background.create_task(desk.deliver())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client(desk, share)) for share in shares]
        run.ins.question.close()
    for number, (share, task) in enumerate(zip(shares, tasks, strict=True), start=1):
        click.echo(f"client {number}: {len(share)} answers, their sum is {task.result()}")
    statistics: Statistics = run.statistics()
    return statistics


@click.command("service", help=help_of(serve), context_settings=SETTINGS)
@count_option("Questions in all.")
@click.option("--clients", metavar="N", type=click.IntRange(1), default=7, help="Tasks that ask.")
@threshold_option()
@GRAPH
@STATS
def main(count: int, clients: int, threshold: int, graph: bool, stats: bool) -> None:
    workflow = service(threshold)
    carry_out(
        workflow, lambda: asyncio.run(serve(workflow, count, clients)), graph=graph, stats=stats
    )


if __name__ == "__main__":
    main()
