"""Readers of what is not there yet: pipes, stdin, and how far they read ahead."""

import asyncio
import io
import os
import sys
from contextlib import suppress
from typing import Any

import pytest
from reactivex import operators as ops

from files import broken_off, items_of, nothing_left, written
from loops import LOOPS, run_on
from mimo_rx import Stream, flow
from mimo_rx.streams import ReadLines
from mimo_rx.streams._files.files import BLOCK

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be polled on Windows")


@pytest.fixture(scope="module", autouse=True)
def pipe_of_uvloop():
    """The first of its loops opens a pipe that stays for all of them."""
    with suppress(ImportError):
        import uvloop

        uvloop.new_event_loop().close()


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No descriptor and no thread is left by any test."""
    with nothing_left():
        yield


@posix
@pytest.mark.parametrize("make", LOOPS)
def test_a_line_of_a_pipe_comes_as_soon_as_it_is_there(make, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    keeper = os.open(path, os.O_RDWR)
    got = []

    async def answer(ins, outs, state):
        async for line in ins.item:
            got.append(line)
            os.write(keeper, f"{line}!\n".encode())

    os.write(keeper, b"a\n")
    step = flow(ReadLines(path)) | ops.take(3) | Stream(["item"], fn=answer)

    async def main():
        async with asyncio.timeout(4):  # less than a thread that is left would take
            await step.workflow.run()

    run_on(make, main())
    assert got == ["a", "a!", "a!!"]
    os.close(keeper)


@posix
@pytest.mark.parametrize("turns", [1, 3, 10, 100])
def test_e4_a_cancel_ends_a_wait_for_a_silent_pipe(turns, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    keeper = os.open(path, os.O_RDWR)

    async def take(ins, outs, state):
        await ins.item.pop()

    step = ReadLines(path) | Stream(["item"], fn=take)

    async def main():
        task = asyncio.create_task(step.workflow.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(4):
            await asyncio.wait([task])
        assert task.cancelled()

    run_on(asyncio.new_event_loop, main())
    os.close(keeper)


@posix
def test_stdin_is_read_and_stays_open(monkeypatch):
    reading, writing = os.pipe()
    with open(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        os.write(writing, b"a\nb\n")
        assert (flow(ReadLines("-")) | ops.take(1)).to_list().run() == ["a"]
        os.write(writing, b"\xff\n")
        os.close(writing)
        _, error = broken_off(ReadLines("-"), UnicodeDecodeError)
        assert str(error).endswith("in line 1 of stdin")
        os.fstat(reading)


def test_what_stands_in_the_place_of_stdin_is_read(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a\nb")))
    assert items_of(ReadLines("-")) == ["a", "b"]
    monkeypatch.setattr(sys, "stdin", None)
    assert "there is no stdin" in str(broken_off(ReadLines("-"), OSError)[1])


def test_p5_no_more_than_a_block_is_read_ahead(tmp_path):
    path = written(tmp_path, b"x\n" * (4 * BLOCK))
    reader: Any = ReadLines(path)
    reads: list[int] = []
    loop: Any = None
    read = reader._read

    second = asyncio.Event()

    def counting(lines, give):
        read_bytes = lines._read

        def count(size):
            reads.append(size)
            if len(reads) == 2:
                loop.call_soon_threadsafe(second.set)
            return read_bytes(size)

        lines._read = count
        read(lines, give)

    reader._read = counting

    async def take_some_and_look(ins, outs, state):
        for _ in range(2):
            await ins.item.pop()
        await second.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert len(reads) == 2

    step = reader | Stream(["item"], fn=take_some_and_look)

    async def main():
        nonlocal loop
        loop = asyncio.get_running_loop()
        await step.workflow.run()

    run_on(asyncio.new_event_loop, main())
