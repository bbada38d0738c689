"""Merge two sorted streams into one sorted stream, by looking ahead.

``peek`` looks at the next item of an input and leaves it there. So the stream can compare the heads
of both inputs and take the lesser one. At the end of an input, ``peek`` raises ``InputClosed``, and
only the rest of the other input is left. Memory is two buffers, however long the streams are.
"""

from __future__ import annotations

import click

from example_command import command
from mimo_rx import InputClosed, Inputs, Outputs, Workflow, stream


@stream(outs=["number"])
async def multiples(ins: Inputs, outs: Outputs, those: range) -> None:
    for number in those:
        await outs.number.push(number)


@stream(ins=["a", "b"], outs=["item"])
async def merge(ins: Inputs, outs: Outputs, state: object) -> None:
    """Push the lesser of the two heads; if they are equal, push that of `a` first."""
    try:
        while True:
            lesser = ins.b if await ins.b.peek() < await ins.a.peek() else ins.a
            await outs.item.push(await lesser.pop())
    except InputClosed:  # one input has ended, so at most the other has items left
        for rest in ins:
            async for item in rest:
                await outs.item.push(item)


@stream(ins=["item"])
async def show(ins: Inputs, outs: Outputs, state: object) -> None:
    async for item in ins.item:
        click.echo(item)


def peek_merge(count: int = 100, threshold: int = 10) -> Workflow:
    """Merge the first multiples of 2 with those of 3."""
    workflow = Workflow(name="peek_merge", threshold=threshold)
    merging = workflow.add_stream(merge())
    for port, factor in ("a", 2), ("b", 3):
        those = range(0, count * factor, factor)
        multiples(name=f"multiples of {factor}", state=those) | merging[port]
    merging | show()
    return workflow


main = command(peek_merge)

if __name__ == "__main__":
    main()
