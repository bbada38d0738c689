"""Count, double each number and print it: a chain of three streams.

Each stream is a coroutine. The buffers between them hold `--threshold` items, so counting waits
while printing is behind. The chain is wired in two ways, with ``|`` and with ``pipe``.
"""

from __future__ import annotations

import click

from example_command import command
from mimo_rx import Inputs, Outputs, Workflow, arange, stream


@stream(outs=["number"])
async def numbers(ins: Inputs, outs: Outputs, count: int) -> None:
    async for number in arange(count):
        await outs.number.push(number)


@stream(ins=["number"], outs=["doubled"])
async def double(ins: Inputs, outs: Outputs, state: object) -> None:
    async for number in ins.number:
        await outs.doubled.push(2 * number)


@stream(ins=["item"])
async def show(ins: Inputs, outs: Outputs, state: object) -> None:
    async for item in ins.item:
        click.echo(item)


def linear(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the chain with ``|``: each stream joins the workflow of the step before it."""
    workflow = Workflow(name="linear", threshold=threshold)
    workflow.add_stream(numbers(state=count)) | double() | show()
    return workflow


def linear_by_pipe(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the same chain with ``pipe``, after adding the steps."""
    workflow = Workflow(name="linear", threshold=threshold)
    counting = workflow.add_stream(numbers(state=count))
    doubling = workflow.add_stream(double())
    showing = workflow.add_stream(show())
    counting.pipe(doubling).pipe(showing)
    return workflow


main = command(linear, linear_by_pipe)

if __name__ == "__main__":
    main()
