"""Where writers write: drafts that are moved at the end, and what is written directly."""

import asyncio
import errno
import io
import os
import stat
import sys
from contextlib import suppress
from typing import Any

import pytest

from files import Broken, breaking, failing, nothing_left, write
from loops import run_on
from mimo_rx import Workflow, flow
from mimo_rx.streams import (
    WriteCsv,
    WriteJsonLines,
    WriteLines,
)
from mimo_rx.streams._files.files import BLOCK

posix = pytest.mark.skipif(sys.platform == "win32", reason="it is about POSIX")


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path):
    """No draft, no descriptor and no thread is left by any test."""
    with nothing_left():
        yield
    assert not list(tmp_path.rglob(".*"))


# Drafts


@pytest.mark.parametrize("before", [None, "old\n"])
def test_c6_a_failure_upstream_leaves_what_was_there(before, tmp_path):
    path = tmp_path / "out"
    if before is not None:
        path.write_text(before)
    failing(breaking(["x" * BLOCK] * 5), WriteLines(path), Broken)
    assert (path.read_text() if path.exists() else None) == before


@pytest.mark.parametrize("turns", [*range(12), 20, 50, 100, 200])
def test_e4_a_cancel_leaves_what_was_there_or_all_of_it(turns, tmp_path):
    path = tmp_path / "out"
    lines = ["x" * 100_000] * 20
    workflow = Workflow()  # one that `|` made would warn where the cancel comes before its run
    lines | workflow.add_stream(WriteLines(path))

    async def main():
        task = asyncio.create_task(workflow.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    run_on(asyncio.new_event_loop, main())
    assert not path.exists() or path.read_text().splitlines() == lines


def test_what_is_written_shows_at_the_end_alone(tmp_path):
    path = tmp_path / "out"

    def lines():
        for _ in range(9):
            yield "x" * BLOCK
            assert not path.exists()

    write(lines(), WriteLines(path))
    assert path.stat().st_size == 9 * (BLOCK + 1)


@posix
def test_the_target_of_a_link_is_replaced_and_not_the_link(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "target").write_text("old")
    for name, target in (("link", "target"), ("dangling", "new")):
        link = tmp_path / name
        link.symlink_to(folder / target)
        write(["x"], WriteLines(link))
        assert link.is_symlink()
        assert (folder / target).read_text() == "x\n"


@posix
def test_the_mode_is_kept_and_a_new_file_has_that_of_any_other(tmp_path):
    old, new, other = (tmp_path / name for name in ("old", "new", "other"))
    old.touch()
    old.chmod(0o640)
    other.touch()
    write(["x"], WriteLines(old))
    write(["x"], WriteLines(new))
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert new.stat().st_mode == other.stat().st_mode


@posix
def test_a_file_that_must_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "out"
    path.write_text("old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anything
    assert failing(["x"], WriteLines(path), PermissionError).filename == str(path)
    assert path.read_text() == "old"


def test_a_missing_folder_fails_before_anything_is_taken(tmp_path):
    path = str(tmp_path / "none" / "out")
    seen: list[Any] = []
    error = failing([{1}], WriteJsonLines(path, default=seen.append), FileNotFoundError)
    assert error.filename == path
    assert seen == []


def test_names_may_be_as_long_as_the_file_system_has_them(tmp_path):
    path = tmp_path / ("é" * 127)
    write(["x"], WriteLines(path))
    assert path.read_text() == "x\n"


def test_two_runs_at_once_make_no_mixture(tmp_path):
    path = tmp_path / "out"

    async def main():
        steps = [[letter * 1000] * 2000 | WriteLines(path) for letter in "ab"]
        await asyncio.gather(*(step.workflow.run() for step in steps))

    run_on(asyncio.new_event_loop, main())
    assert len(set(path.read_text().split())) == 1


def test_no_items_make_an_empty_file(tmp_path):
    for number, sink in enumerate((WriteLines, WriteJsonLines, WriteCsv)):
        write([], sink(tmp_path / str(number)))
        assert (tmp_path / str(number)).read_bytes() == b""
    write([], WriteCsv(tmp_path / "header", ["a", "b"]))
    assert (tmp_path / "header").read_bytes() == b"a,b\r\n"


# Directly


def test_append_adds_to_what_is_there(tmp_path):
    path = tmp_path / "out"
    for line in ("a", "b"):
        write([line], WriteLines(path, append=True, encoding="utf-8-sig"))
    assert path.read_bytes() == b"\xef\xbb\xbfa\nb\n"
    failing(breaking(["c"] * 2000), WriteLines(path, append=True), Broken)
    assert path.read_bytes().startswith(b"\xef\xbb\xbfa\nb\n")
    table = tmp_path / "table"
    for row in ({"a": 1}, {"a": 2}):
        write([row], WriteCsv(table, append=True))
    assert table.read_text().split() == ["a", "1", "2"]


@posix
def test_a_device_is_written_directly():
    write(["x"] * 10, WriteLines("/dev/null"))
    assert not stat.S_ISREG(os.stat("/dev/null").st_mode)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
@pytest.mark.parametrize("name", ["full", "full.gz"])
def test_a_full_disk_fails_the_run(name, tmp_path):
    link = tmp_path / name
    link.symlink_to("/dev/full")
    error = failing(["x" * 100] * 100_000, WriteLines(link), OSError)
    assert error.errno == errno.ENOSPC
    link.unlink()


def test_a_full_disk_leaves_no_draft(tmp_path, monkeypatch):
    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fsync)
    failing(["x"], WriteLines(tmp_path / "out"), OSError)
    assert not list(tmp_path.iterdir())


@posix
def test_a_pipe_is_written_directly_and_a_cancel_ends_the_wait_for_its_reader(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDWR)

    async def endless():
        while True:
            yield "x" * 1000

    step = flow(endless()) | WriteLines(path)

    async def main():
        task = asyncio.create_task(step.workflow.run())
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        loop.add_reader(reading, arrived.set)
        await arrived.wait()
        loop.remove_reader(reading)
        task.cancel()
        async with asyncio.timeout(4):  # less than a thread that is left would take
            await asyncio.wait([task])

    run_on(asyncio.new_event_loop, main())
    assert os.read(reading, 10) == b"x" * 10
    os.close(reading)


@posix
def test_p5_an_endless_source_is_held_back_by_a_pipe_that_nobody_reads(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDWR)
    given_away = 0

    async def endless():
        nonlocal given_away
        while True:
            given_away += 1
            yield "x" * 1000
            await asyncio.sleep(0)

    step = flow(endless()) | WriteLines(path)

    async def main():
        task = asyncio.create_task(step.workflow.run())
        seen = -1
        while seen != given_away:
            seen = given_away
            for _ in range(2000):
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    run_on(asyncio.new_event_loop, main())
    assert given_away * 1000 < 5 * BLOCK
    os.close(reading)


def test_stdout_comes_after_what_was_printed_before(capfd):
    print("before")
    write(["a", "é"], WriteLines("-"))
    print("after")
    assert capfd.readouterr().out == "before\na\né\nafter\n"


def test_what_stands_in_the_place_of_stdout_is_written(monkeypatch):
    for stdout in (io.StringIO(), io.TextIOWrapper(io.BytesIO(), "utf-8")):
        monkeypatch.setattr(sys, "stdout", stdout)
        write(["é"], WriteLines("-"))
        stdout.seek(0)
        assert stdout.read() == "é\n"


@posix
def test_c4_a_reader_of_stdout_that_leaves_ends_the_sink_quietly(monkeypatch):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr(sys, "__stdout__", stdout)

        async def endless():
            while True:
                yield "x"

        write(endless(), WriteLines("-"))


@posix
def test_a_reader_of_a_named_pipe_that_leaves_fails_the_run(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    async def endless():
        yield "x"
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(reading, arrived.set)
        await arrived.wait()
        loop.remove_reader(reading)
        os.close(reading)
        while True:
            yield "x"

    failing(endless(), WriteLines(path), BrokenPipeError)
