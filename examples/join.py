"""Add up two streams, item by item.

One source counts up, the other down. ``azip`` takes one item of each at a time: the first of one is
paired with the first of the other, even if one source is ahead. Its buffer, of `--threshold` items,
bounds how far ahead it can be.
"""

from __future__ import annotations

import click

from example_command import command
from mimo_rx import Inputs, Outputs, Workflow, azip, stream


@stream(outs=["number"])
async def numbers(ins: Inputs, outs: Outputs, those: range) -> None:
    for number in those:
        await outs.number.push(number)


@stream(ins=["left", "right"], outs=["sum"])
async def add(ins: Inputs, outs: Outputs, state: object) -> None:
    async for left, right in azip(ins.left, ins.right):
        await outs.sum.push(left + right)


@stream(ins=["item"])
async def show(ins: Inputs, outs: Outputs, state: object) -> None:
    async for item in ins.item:
        click.echo(item)


def join(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the join with ``|``, selecting each input by its name."""
    workflow = Workflow(name="join", threshold=threshold)
    up = workflow.add_stream(numbers(name="up", state=range(count)))
    down = workflow.add_stream(numbers(name="down", state=range(count)[::-1]))
    adding = workflow.add_stream(add())
    up | adding["left"]
    down | adding["right"]
    adding | show()
    return workflow


def join_by_pipe(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the same join with ``pipe``."""
    workflow = Workflow(name="join", threshold=threshold)
    up = workflow.add_stream(numbers(name="up", state=range(count)))
    down = workflow.add_stream(numbers(name="down", state=range(count)[::-1]))
    adding = workflow.add_stream(add())
    up.pipe(adding, input="left")
    down.pipe(adding, input="right")
    adding.pipe(workflow.add_stream(show()))
    return workflow


main = command(join, join_by_pipe)

if __name__ == "__main__":
    main()
