"""Make ``operators.md`` of the catalogue: ``python docs/make_operators.py``."""

from pathlib import Path

from mimo_rx._rx.catalogue import CATALOGUE, Entry

PAGE = Path(__file__).with_name("operators.md")

HEAD = """# Operators

What is known of each operator of `reactivex`. `python docs/make_operators.py` makes this page of \
the table that the library itself reads; a test compares them, and others run every operator to \
see that its row is true.

`flow | operator` takes any function from an Observable to an Observable: these and your own. \
What it delivers, fails and completes with is what a RxPY `Subject` that is fed the same items \
delivers.

```python
from mimo_rx import flow
from reactivex import operators as ops

squares = flow(range(5)) | ops.filter(lambda x: x % 2) | ops.map(lambda x: x * x) | ops.to_list()
assert squares.run() == [1, 9]
```

**On an edge.** Whether `flow | operator` takes it. One that subscribes to its source again \
cannot stand on an edge, since an edge is there once a run; on a cold flow, \
`flow.pipe(operator)`, each subscription runs the workflow.

**Delivers.** *At once*: within the push of an item, what that item leads to, or never. Such an \
operator is **immediate**: it holds no item back and releases none by itself. With *one for \
each*, exactly one item comes out for each that goes in, so that branches with it stay level. \
*Later*: also within the push of a later item, or at the end. *By itself*: also at its \
subscription, by a timer, on another thread, or when another Observable delivers; that includes \
an end that comes so. An operator of your own counts as one that delivers by itself.

**Holds outside the bound.** A push waits while the buffer at the far end of any of its edges is \
full, also through operators: so what is in buffers is bounded by their thresholds. What an \
operator keeps itself is in no buffer, and nothing bounds it: the items of `delay` whose time has \
not come, or those of the faster side of `zip`. The column is empty where that is never more than \
one item of each source, such as the last one. `workflow.check()` tells of those that hold, as \
[`holding-operator`](findings.md#holding-operator).

**Instead.** What does the same within the bound, or bounds what is held.

What comes by itself, and what comes of one item at once beyond the first, goes into the buffer \
also where it is full; statistics count it as `over`. The next push waits until the buffer is \
below its threshold again.

## Where an edge is no Subject

- A Subject loses what nobody takes. An edge waits until its operators have subscribed, also where \
they do so later, as `delay_subscription` does, and `concat` with its second source: nothing is \
lost.
- An error of a stream fails the run and enters no operator: `catch` answers what operators before \
it raise or signal, never what a stream raises.
- An error that nothing answers comes out of the run.
- Items that have passed are gone. Operators that subscribe again by a function of yours, such as \
`catch(lambda error, source: source)`, fail with `LateSubscription`.

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
