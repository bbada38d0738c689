"""Push to two named outputs, each of which has its own reader.

One stream counts up at its output ``a`` and down at ``b``. A port is selected by its name, as
``step["a"]`` in the language of ``|`` and as the second argument of ``pipe``. The lines of each
reader are in order; how the lines of the two mix is not specified.
"""

from __future__ import annotations

import click

from example_command import command
from mimo_rx import Inputs, Outputs, Workflow, arange, stream


@stream(outs=["a", "b"])
async def count_both_ways(ins: Inputs, outs: Outputs, count: int) -> None:
    async for number in arange(count):
        await outs.a.push(number)
        await outs.b.push(count - number)


@stream(ins=["item"])
async def show(ins: Inputs, outs: Outputs, label: str) -> None:
    async for item in ins.item:
        click.echo(f"{label}: {item}")


def multi_output(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire both outputs with ``|``."""
    workflow = Workflow(name="multi_output", threshold=threshold)
    counting = workflow.add_stream(count_both_ways(state=count))
    counting["a"] | show(name="show a", state="a")
    counting["b"] | show(name="show b", state="b")
    return workflow


def multi_output_by_pipe(count: int = 100, threshold: int = 10) -> Workflow:
    """Wire the same outputs with ``pipe``."""
    workflow = Workflow(name="multi_output", threshold=threshold)
    counting = workflow.add_stream(count_both_ways(state=count))
    counting.pipe(workflow.add_stream(show(name="show a", state="a")), "a")
    counting.pipe(workflow.add_stream(show(name="show b", state="b")), output="b")
    return workflow


main = command(multi_output, multi_output_by_pipe)

if __name__ == "__main__":
    main()
