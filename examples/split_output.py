"""Read one output in two steps: each gets every item.

A push waits until there is room in the buffers of *both* readers. So the slower one sets the pace,
and neither misses an item. The lines of each reader are in order; how the lines of the two mix is
not specified.
"""

from __future__ import annotations

import click

from example_command import command
from mimo_rx import Inputs, Outputs, Workflow, arange, stream


@stream(outs=["number"])
async def numbers(ins: Inputs, outs: Outputs, count: int) -> None:
    async for number in arange(count):
        await outs.number.push(number)


@stream(ins=["number"])
async def twice(ins: Inputs, outs: Outputs, state: object) -> None:
    async for number in ins.number:
        click.echo(f"{number} * 2 = {number * 2}")


@stream(ins=["number"])
async def tenth(ins: Inputs, outs: Outputs, state: object) -> None:
    async for number in ins.number:
        click.echo(f"{number} / 10 = {number / 10}")


def split_output(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the fork with ``|``: an output led into a list leads into each of its members."""
    workflow = Workflow(name="split_output", threshold=threshold)
    workflow.add_stream(numbers(state=count)) | [twice(), tenth()]
    return workflow


def split_output_by_pipe(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the same fork with ``pipe``, one edge in each line."""
    workflow = Workflow(name="split_output", threshold=threshold)
    counting = workflow.add_stream(numbers(state=count))
    counting.pipe(workflow.add_stream(twice()))
    counting.pipe(workflow.add_stream(tenth()))
    return workflow


main = command(split_output, split_output_by_pipe)

if __name__ == "__main__":
    main()
