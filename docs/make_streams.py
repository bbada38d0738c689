"""Make ``streams.md`` from the docstrings: ``python docs/make_streams.py``."""

import inspect
import re
from pathlib import Path
from typing import Any

from mimo_rx import streams

PAGE = Path(__file__).with_name("streams.md")

HEAD = """# Ready-made streams

These streams do what many programs need and what no Rx operator can do in bounded memory. \
`python docs/make_streams.py` makes the tables below from the docstrings. `help(Map)` shows the \
whole docstring of a stream.

**A name with a capital letter is a stream**: a step of its own with buffers. It may wait, and \
then its producers wait too. **A lower-case name is an operator**, which runs inside the push that \
feeds it. Both mix in one chain:

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
    await asyncio.sleep(0.001)                     # ask a slow service
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

There is no stream for what an Rx operator does in bounded memory (`filter`, `scan`, `take`, \
`reduce`, `pairwise`, `debounce`, `combine_latest`). To merge, lead two edges into one input. To \
read an iterable or an Observable, use `flow(...)`.

## The error port

A stream that calls your function has a side output `errors`. If it is connected, an item on which \
the function raised goes there as a `Failure(item, exception, step)`, and the stream goes on. If \
it is not connected, the exception fails the run as any other. So the line above with \
`parsing["errors"]` makes a dead-letter file:

```python
assert Path(folder.name, "dead.jsonl").read_text() == (
    '{"item": "c", "exception": "not enough values to unpack (expected 2, got 1)", '
    '"step": "parse"}\\n'
)
```

When its reader leaves, `errors` is no longer connected. `DownstreamClosed`, a cancel and the \
death of a worker process are not failures of an item.

## Where a function runs

| written | runs | at once |
| --- | --- | --- |
| `Map(plain)` | on the loop's thread, which does nothing else meanwhile | one |
| `Map(coroutine_function, concurrency=8)` | in the loop | 8 |
| `Map(plain, 8, executor="threads")` | in daemon threads of its own | 8 |
| `Map(plain, 2, executor="processes")` | in worker processes of its own | 2 |
| `Map(plain, 8, executor=my_executor)` | where the executor of `concurrent.futures` says | 8 |

Results come in the order of their items: results that are ready wait for a slow call before them, \
and count towards `concurrency`. With `ordered=False`, a slow call delays no other.

A `timeout` cancels a coroutine. **It cannot stop a thread or a process**: the item fails, but the \
call goes on unattended, and keeps its place until it returns. At its end, a run waits \
`shutdown_timeout` for such threads, then logs them and leaves them behind. It ends worker \
processes.

Worker processes are started by `forkserver` or `spawn`, so they import the module of the function \
again. Therefore the function must be found by its name (a lambda is not), and a script needs its \
`if __name__ == "__main__":`. A worker that dies fails the run, with a note that names the step.

## Files

Each stream reads or writes on a thread of its own, a block at a time. `-` is stdin or stdout. \
Files whose names end in `.gz`, `.bz2` and `.xz` are compressed; so are those in `.zst`, with \
Python 3.14 or `pip install 'mimo-rx[zstd]'`.

**A file is written as a draft** beside it, which is moved into place when the input of the sink \
has ended. A failure before that is not an end. So a failed or cancelled run leaves no incomplete \
result and no draft, and the old file stays as it was. If the path is a link, its target is \
replaced, not the link. The mode of the file is kept. A file that is not a regular one \
(`/dev/stdout`, a pipe) is written directly. With `append=True`, the sink writes to the file \
itself as items come, and what it wrote before a failure stays.

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

Each docstring says *Emits when, Backpressures when, Completes when, Fails when, Cancels when*. It \
also says whether the stream is determinate: whether the same input gives the same output, for any \
thresholds and any scheduling order (Kahn 1974).
"""

FAMILIES = {
    "Transforms": "Map FlatMap Batch ToLists FromLists Delay Throttle Window",
    "Several ports": "Zip ZipLongest Unzip Concat MergeSorted JoinSorted HashJoin Route Balance",
    "Files": "ReadLines ReadCsv ReadJsonLines WriteLines WriteCsv WriteJsonLines",
    "Ends": "ForEach ToList",
}
NAMED = {"Zip": "in", "ZipLongest": "in", "Concat": "in", "MergeSorted": "in"}
NAMED |= {"Unzip": "out", "Balance": "out", "Route": "out"}
"""Streams whose ports on that side get their names when the stream is made."""


def ports(stream: Any, names: tuple[str, ...], side: str) -> str:
    """Write the names of the ports on one side."""
    if NAMED.get(stream.__name__) == side:
        return "as named"
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
