"""Keep a workflow open, and ask it from many tasks at once.

Each client is a task that asks for the next number of a Collatz sequence. It waits for the answer
before it asks again. Even and odd numbers take different paths through the workflow, so an answer
may overtake another. The number of the question leads each answer back to its client. Memory is
that of the buffers and of one question for each client. A client that leaves early does not hold up
the others.
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
    """Wire the workflow; the program talks to it through the workflow's own ports."""
    workflow = Workflow(["question"], ["answer"], name="service", threshold=threshold)
    sorting = workflow.ins.question | sort()
    sorting["even"] | halve() | workflow.outs.answer
    sorting["odd"] | triple() | workflow.outs.answer
    return workflow


class Desk:
    """The desk where clients ask a run, and each waits for its own answer."""

    def __init__(self, run: OpenRun) -> None:
        self.run = run
        self.waiting: dict[int, asyncio.Future[int]] = {}
        self.keys = numbering()

    async def ask(self, number: int) -> int:
        """Ask, and wait for the answer; a cancelled client just leaves."""
        key = next(self.keys)
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.waiting[key] = answer
        try:
            await self.run.ins.question.push((key, number))
            return await answer
        finally:
            del self.waiting[key]

    async def deliver(self) -> None:
        """Give each answer to the client that waits for it, until the run ends."""
        async for key, number in self.run.outs.answer:
            answer = self.waiting.get(key)
            if answer is not None and not answer.done():
                answer.set_result(number)


async def client(desk: Desk, numbers: range) -> int:
    """Ask about one number after another, and return the sum of the answers."""
    total = 0
    for number in numbers:
        total += await desk.ask(number)
    return total


async def serve(workflow: Workflow, count: int, clients: int) -> Statistics:
    """Divide the numbers below `count` among the clients, and print the sum that each one got."""
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
@count_option("Number of questions in total.")
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
