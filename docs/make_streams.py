"""Make ``streams.md`` of the docstrings: ``python docs/make_streams.py``."""

import inspect
import re
from pathlib import Path
from typing import Any

from mimo_rx import streams

PAGE = Path(__file__).with_name("streams.md")

HEAD = """# Ready-made streams

What programs of streams need again and again, and what no Rx operator can do within a bound. \
`python docs/make_streams.py` makes the tables of the docstrings; `help(Map)` says all of one.

**A capital letter is a stream**: a step of its own with buffers, which may wait and so holds \
back what comes before it. **A lower-case operator** runs inside the push that feeds it. They mix \
in one chain:

```python
import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from mimo_rx import Workflow, flow
from mimo_rx.streams import (
    Balance, Batch, FlatMap, Map, MergeSorted, ReadLines, Route, ToList, WriteJsonLines
)
from reactivex import operators as ops

folder = TemporaryDirectory()
log = Path(folder.name, "access.log")
log.write_text("a 200\\nb 404\\nc\\na 200\\n")


def parse(line):
    host, status = line.split()
    return {"host": host, "status": int(status)}


async def look_up(record):
    await asyncio.sleep(0.001)                     # ask somebody who takes his time
    return record | {"country": "XY"}


workflow = Workflow()
parsing = workflow.add_stream(Map(parse))
ReadLines(log) | parsing
batches = ToList()
(
    parsing
    | ops.filter(lambda record: record["status"] == 200)
    | Map(look_up, concurrency=8)                  # eight at once, results in order
    | Batch(500, timeout=1.0)
    | batches
)
parsing["errors"] | WriteJsonLines(Path(folder.name, "dead.jsonl"), default=str)
workflow.start()

record = {"host": "a", "status": 200, "country": "XY"}
assert batches.items == [[record, record]]
```

What an Rx operator does within the bound (`filter`, `scan`, `take`, `reduce`, `pairwise`, \
`debounce`, `combine_latest`) is not written again as a stream; nor is merging, which is two edges \
into one input; nor are sources of iterables and Observables, which are `flow(...)`.

## The error port

A stream that calls your function has a side output `errors`. Connected, an item at which the \
function raised goes there as a `Failure(item, exception, step)`, and the stream goes on; \
unconnected, the exception fails the run as any other. So the last line of the example above makes \
a dead-letter file:

```python
assert Path(folder.name, "dead.jsonl").read_text() == (
    '{"item": "c", "exception": "not enough values to unpack (expected 2, got 1)", '
    '"step": "parse"}\\n'
)
```

A reader of `errors` that leaves makes it unconnected from then on. `DownstreamClosed`, a cancel \
and the death of a worker process are no failures of an item.

## Where a function runs

| written | runs | at once |
| --- | --- | --- |
| `Map(plain)` | on the loop's thread, which does nothing else meanwhile | one |
| `Map(coroutine_function, concurrency=8)` | in the loop | 8 |
| `Map(plain, 8, executor="threads")` | in daemon threads of its own | 8 |
| `Map(plain, 2, executor="processes")` | in worker processes of its own | 2 |
| `Map(plain, 8, executor=my_executor)` | where the executor of `concurrent.futures` says | 8 |

Results come in the order of their items, unless `ordered=False`. Then a slow call holds up no \
other; with order, those that are ready wait for it, and count among the `concurrency`.

A `timeout` cancels a coroutine. **It cannot stop a thread or a process**: the item fails, but the \
call goes on unattended, and keeps its place until it returns. When the run ends, it waits \
`shutdown_timeout` for such threads, then logs and leaves them; worker processes are ended.

Worker processes are started by `forkserver` or `spawn`, so that they import the module of the \
function anew: it must be found by its name (no lambda), and a script needs its \
`if __name__ == "__main__":`. A worker that dies fails the run, with a note that names the step.

## Files

Reading and writing happen on a thread of the stream's own, a block at a time. `-` is stdin or \
stdout; `.gz`, `.bz2` and `.xz` are told by the ending of the name, and so is `.zst` with Python \
3.14 or `pip install 'mimo-rx[zstd]'`.

**A file is written as a draft** beside its place, and moved there when the sink has seen the end \
of its input. A failure anywhere before that is no end, so a failed or cancelled run leaves \
neither half a result under the name nor the draft, and what was there before stays. A link's \
target is \
replaced, not the link; the mode is kept. What is no regular file (`/dev/stdout`, a pipe) is \
written to directly. `append=True` is the other way: it writes to the file as items come, and what \
was written before a failure stays written.

```python
text = Path(folder.name, "out.jsonl")
try:
    (flow([1, 2, "x"]) | Map(lambda number: number + 1) | WriteJsonLines(text)).workflow.start()
except TypeError as error:
    assert error.__notes__ == ["mimo_rx: raised in step 'Map'"]
assert not text.exists()
folder.cleanup()
```

## What there is

*Emits when, Backpressures when, Completes when, Fails when, Cancels when* stand in each \
docstring, and whether it is determinate: whether it gives the same for the same input, whatever \
the thresholds and whoever goes first (Kahn 1974).
"""

FAMILIES = {
    "Transforms": "Map FlatMap Batch ToLists FromLists Delay Throttle Window",
    "Several ports": "Zip ZipLongest Unzip Concat MergeSorted JoinSorted HashJoin Route Balance",
    "Files": "ReadLines ReadCsv ReadJsonLines WriteLines WriteCsv WriteJsonLines",
    "Ends": "ForEach ToList",
}
NAMED = {"Zip": "in", "ZipLongest": "in", "Concat": "in", "MergeSorted": "in"}
NAMED |= {"Unzip": "out", "Balance": "out", "Route": "out"}
"""Streams whose ports on that side are named where they are made."""


def ports(stream: Any, names: tuple[str, ...], side: str) -> str:
    """Write the names of the ports on one side."""
    if NAMED.get(stream.__name__) == side:
        return "those named"
    return ", ".join(f"`{name}`" for name in names)


def row(name: str) -> str:
    """Write the row of one stream."""
    stream = getattr(streams, name)
    parameters = inspect.signature(stream).parameters.values()
    stars = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    shown = ", ".join(
        stars.get(each.kind.name, "")
        + each.name
        + ("" if each.default is each.empty else f"={each.default!r}")
        for each in parameters
        if each.name != "name"
    )
    outs = [each for each in (ports(stream, stream.OUT, "out"), side(stream)) if each]
    doc = (inspect.getdoc(stream) or "").splitlines()[0]
    doc = re.sub(r":\w+:`(\w+)`", r"`\1`", doc).replace("``", "`")
    call = f"{name}({shown})".replace("67108864", "64 MiB")
    return f"| `{call}` | {ports(stream, stream.IN, 'in')} | {', '.join(outs)} | {doc} |"


def side(stream: Any) -> str:
    """Write the names of the side outputs."""
    return ", ".join(f"*`{name}`*" for name in stream.SIDE)


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for family, names in FAMILIES.items():
        parts.append(f"\n### {family}\n\n| stream | inputs | outputs | what it does |\n")
        parts.append("| --- | --- | --- | --- |\n")
        parts.extend(f"{row(name)}\n" for name in names.split())
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
