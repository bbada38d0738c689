"""Make ``operators.md`` of the catalogue: ``python docs/make_operators.py``."""

from pathlib import Path

from mimo_rx._rx.catalogue import CATALOGUE, Entry

PAGE = Path(__file__).with_name("operators.md")

HEAD = """# Operators

This page lists the properties of each operator of `reactivex`. `python docs/make_operators.py` \
makes it from the table that the library itself uses. One test compares the page with the table. \
Others run every operator and check its row.

`flow | operator` takes any function from an Observable to an Observable: these and your own. \
It delivers, fails and completes exactly as a RxPY `Subject` would with the same items.

```python
from mimo_rx import flow
from reactivex import operators as ops

squares = flow(range(5)) | ops.filter(lambda x: x % 2) | ops.map(lambda x: x * x) | ops.to_list()
assert squares.run() == [1, 9]
```

**On an edge.** This column says whether `flow | operator` accepts the operator. An operator that \
subscribes to its source again is refused, because an edge allows one subscription in a run. Use \
it on a cold flow, `flow.pipe(operator)`, where each subscription runs the workflow.

**Delivers.** *At once*: the operator delivers the items that an item causes within the push of \
that item, or never. Such an operator is **immediate**: it holds no item back and releases none by \
itself. With *one for each*, exactly one item comes out for each that goes in, so branches with it \
stay level. *Later*: it also delivers within the push of a later item, or at the end. *By itself*: \
it also delivers at its subscription, by a timer, on another thread, or when another Observable \
delivers. Completing in such a way counts too. Your own operators count as *by itself*.

**Holds outside the bound.** A push waits while the buffer at the far end of any of its edges is \
full, also through operators. So the thresholds bound the items in buffers. Items that an operator \
itself keeps are in no buffer, and nothing bounds them. Examples are the items of `delay` that are \
not yet due, and those of the faster side of `zip`. The column is empty if the operator never \
keeps more than one item of each source, such as the last one. `workflow.check()` reports the \
operators that hold items, as [`holding-operator`](findings.md#holding-operator).

**Instead.** This column names a way to do the same within the bound, or to bound what is held.

Two kinds of items enter a buffer even when it is full: those that an operator delivers by itself, \
and those beyond the first that it makes of one item at once. Statistics count them as `over`. The \
next push waits until the buffer is below its threshold again.

## Differences between an edge and a Subject

- A Subject loses items that nobody takes; an edge loses none. It waits until its operators have \
subscribed. `delay_subscription` subscribes late, and so does `concat` to its second source.
- An error of a stream fails the run and enters no operator. `catch` handles errors that operators \
before it raise or signal, never those that a stream raises.
- An error that no operator handles comes out of the run.
- Items that have passed are gone. An operator that subscribes again by a function of yours, such \
as `catch(lambda error, source: source)`, fails with `LateSubscription`.

## The table

| operator | on an edge | delivers | holds outside the bound | instead |
|---|---|---|---|---|
"""


def page() -> str:
    """Return the text of the page."""
    return HEAD + "".join(map(row, CATALOGUE.values()))


def row(entry: Entry) -> str:
    """Return the row of one operator."""
    stands = "yes" if entry.stands else "no"
    cells = [
        f"`{entry.name}`",
        f"{stands}: {entry.remark}" if entry.remark else stands,
        f"{entry.delivers}, one for each" if entry.one_to_one else entry.delivers,
        entry.holds,
        entry.instead,
    ]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
