"""Endings in real programs: silent sockets, threads that hang, half-written files."""

import asyncio
import contextlib
import threading
from typing import Any

import pytest

from helpers import run
from loops import LOOPS, run_on
from mimo_rx import Restart, Stream, Workflow, failures, flow
from runs import add, cleaner, clock, collector, drain, endings, failing, forever, raiser


@contextlib.asynccontextmanager
async def serving(lines: int | None, log: list[str]) -> Any:
    """Serve numbers over loopback, a line each, then stay silent; log when the client is gone."""
    handled: list[asyncio.Task[Any]] = []

    async def handle(reader, writer):
        task = asyncio.current_task()
        assert task is not None
        handled.append(task)
        with contextlib.suppress(ConnectionError):
            number = 0
            while lines is None or number < lines:
                writer.write(b"%d\n" % number)
                await writer.drain()
                await asyncio.sleep(0)  # drain() alone lets nobody else run
                number += 1
            assert await reader.read() == b""
        log.append("the client is gone")
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait(handled)
    finally:
        server.close()


def socket_source(port: int, log: list[str]) -> Any:
    """Make a function that pushes the lines that come from a port."""

    async def read(ins, outs, state):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while line := await reader.readline():
                await outs.x.push(int(line))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            log.append("closed")

    return read


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("lines", [3, None])
def test_c4_a_socket_source_ends_when_take_is_done(loop, lines):
    """C4, R6: it closes its socket, whether that has fallen silent or not."""
    got: list[Any] = []
    log: list[str] = []

    async def main():
        async with serving(lines, log) as port:
            workflow = Workflow(threshold=2)
            source = add(workflow, socket_source(port, log), outs="x")
            source.take(3) | add(workflow, collector(got), "x")
            return endings(await workflow.run())

    assert run_on(loop, main()) == {"read": "downstream", "sink": "returned"}
    assert got == [0, 1, 2]
    assert sorted(log) == ["closed", "the client is gone"]


@pytest.mark.parametrize("loop", LOOPS)
def test_c4_a_flow_over_a_socket_ends_when_take_is_done(loop):
    """C4, L9: an async iterable at the left end is closed, wherever it waits."""
    log: list[str] = []

    async def lines(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async for line in reader:
                yield int(line)
        finally:
            writer.close()
            log.append("closed")

    async def main():
        async with serving(3, log) as port:
            items: Any = flow(lines(port)).take(3)
            return [item async for item in items]

    assert run_on(loop, main()) == [0, 1, 2]
    assert sorted(log) == ["closed", "the client is gone"]


@pytest.mark.parametrize("loop", LOOPS)
def test_e4_a_cancel_closes_a_socket_that_a_stream_waits_on(loop):
    """E4: `asyncio.timeout` around a run."""
    log: list[str] = []

    async def main():
        async with serving(3, log) as port:
            workflow = Workflow()
            source = add(workflow, socket_source(port, log), outs="x")
            source | add(workflow, collector([]), "x")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await workflow.run()
            assert log[0] == "closed"

    run_on(loop, main())


@pytest.mark.realtime
@pytest.mark.parametrize("how", ["fails", "is cancelled"])
def test_e6_a_thread_in_a_read_that_never_returns_does_not_keep_a_run(how, caplog):
    """E6: a run that fails or is cancelled still ends, after the streams have cleaned up."""
    release = threading.Event()
    log: list[Any] = []

    def read():
        release.wait(20)
        yield 1

    workflow = Workflow()
    flow(read(), threaded=True) | add(workflow, collector([]), "x")
    add(workflow, cleaner(log, 0))
    if how == "fails":
        add(workflow, raiser(ValueError("mine"), 0.01))

    async def main():
        await asyncio.wait_for(workflow.run(shutdown_timeout=0.1), 0.05)

    try:
        with pytest.raises(ValueError if how == "fails" else TimeoutError):
            asyncio.run(main())
        assert log == ["clean begins", "clean is done"]
        assert "thread 'mimo_rx source read' of source 'read' did not end" in caplog.text
    finally:
        release.set()
    for thread in threading.enumerate():
        if thread.name.startswith("mimo_rx"):
            thread.join(5)


def file_writer(files: dict[str, list[Any]]) -> Any:
    """Make a function that writes to a file of another name, and renames it at the end."""

    async def write(ins, outs, state):
        part = files["part"] = []
        try:
            await drain(ins.x, part)
            files["whole"] = part
        finally:
            del files["part"]

    return write


def broken_reader(error: BaseException | None = None, *, times: int = 10**9) -> Any:
    """Make a function that pushes two lines and raises, `times` times at most."""
    left = times

    async def read(ins, outs, state):
        nonlocal left
        for number in range(2):
            await outs.x.push(number)
        await asyncio.sleep(1)
        left -= 1
        if left >= 0:
            raise OSError("disk") if error is None else error

    return read


async def cancelled(ins, outs, state):
    await outs.x.push(0)
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def pops_too_far(ins, outs, state):
    await outs.x.push(0)
    await ins.never.pop()


@pytest.mark.parametrize("threshold", [1, 100])
@pytest.mark.parametrize(
    "fn", [broken_reader(), broken_reader(SystemExit(1)), cancelled, pops_too_far]
)
@pytest.mark.parametrize("between", ["nothing", "an operator", "a stream", "a workflow"])
def test_c6_a_writer_does_not_take_the_failure_of_its_producer_for_an_end(fn, between, threshold):
    """C6, E7: no stream downstream of a failed one sees an end, however far down."""

    async def copy(ins, outs, state):
        async for line in ins.x:
            await outs.y.push(line)

    files: dict[str, list[Any]] = {}
    workflow = Workflow(threshold=threshold)
    source = add(workflow, fn, "never", "x")
    target = add(workflow, file_writer(files), "x")
    if between == "an operator":
        source.map(str) | target
    elif between == "a stream":
        source | add(workflow, copy, "x", "y") | target
    elif between == "a workflow":
        inner = Workflow(["a"], ["b"])
        inner.ins["a"] | add(inner, copy, "x", "y") | inner.outs["b"]
        source | workflow.add_stream(inner) | target
    else:
        source | target
    error = failing(workflow, BaseException)
    assert error.__notes__ == [f"mimo_rx: raised in step {source.name!r}"]
    assert not files


def test_c6_nor_does_a_reader_outside_of_the_run():
    """C6, W6: `async for` over an output of an open run, and over a flow."""
    read: list[Any] = []

    def made() -> Any:
        workflow = Workflow(outs=["b"])
        source = add(workflow, broken_reader(), outs="x")
        source | workflow.outs["b"]
        return workflow, source

    async def main():
        workflow, source = made()
        with pytest.raises(OSError, match="disk"):
            async with workflow.open() as opened:
                await drain(opened.outs.b, read)
                read.append("took it for an end")
        with pytest.raises(OSError, match="disk"):
            await drain(source, read)
            read.append("took it for an end")

    run(main())
    assert read == [0, 1, 0, 1]


def test_c6_a_writer_does_not_take_a_restart_of_its_producer_for_an_end():
    """C6: there is a single end, after the last attempt."""
    files: dict[str, list[Any]] = {}
    workflow = Workflow()
    stream = Stream(outs=["x"], fn=broken_reader(times=2))
    source = workflow.add_stream(stream, restart=Restart(backoff=0.5, jitter=0))
    source | add(workflow, file_writer(files), "x")

    async def main():
        await workflow.run()
        return await clock()

    assert run(main()) == 1 + 0.5 + 1 + 1 + 1
    assert files == {"whole": [0, 1, 0, 1, 0, 1]}


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_e7_an_exit_in_a_stream_leaves_no_writer_with_an_end(kind):
    """C6, E7: all streams unwind before the exit is raised, even slow ones."""
    log: list[Any] = []
    files: dict[str, list[Any]] = {}
    workflow = Workflow()
    add(workflow, forever, outs="x") | add(workflow, file_writer(files), "x")
    add(workflow, cleaner(log, 3))
    add(workflow, raiser(kind(), 1))
    assert failures(failing(workflow, kind)) == ()
    assert (files, log) == ({}, ["clean begins", "clean is done"])
