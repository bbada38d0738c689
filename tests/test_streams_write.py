"""``WriteLines``, ``WriteCsv``, ``WriteJsonLines``: files as sinks."""

import asyncio
import bz2
import csv
import errno
import gzip
import io
import json
import lzma
import math
import os
import pickle
import stat
import sys
import threading
from collections import namedtuple
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery import Case, battery
from loops import run_on
from mimo_rx import WiringError, flow
from mimo_rx.streams import (
    Failure,
    Map,
    ReadCsv,
    ReadJsonLines,
    ReadLines,
    WriteCsv,
    WriteJsonLines,
    WriteLines,
)
from mimo_rx.streams._files import BLOCK
from mimo_rx.testing import run_stream

posix = pytest.mark.skipif(sys.platform == "win32", reason="it is about POSIX")
Pair = namedtuple("Pair", "left right")


@dataclass
class Point:
    x: Any
    y: Any


@pytest.fixture(autouse=True)
def nothing_left(tmp_path):
    """No draft, no descriptor and no thread is left by any test."""
    threads = set(threading.enumerate())
    before = open_files()
    yield
    assert set(threading.enumerate()) <= threads
    assert open_files() == before
    assert not list(tmp_path.rglob(".*"))


def open_files():
    """Return what is open, but for what event loops keep for themselves."""
    found = []
    for descriptor in Path("/proc/self/fd").glob("*"):
        with suppress(OSError):
            found.append(os.readlink(descriptor))
    return sorted(name for name in found if name.startswith(("/", "pipe:")) and "/fd" not in name)


def write(items, sink):
    """Write `items`, where nobody reads the failures."""
    (flow(items) | sink).workflow.start()


def failing(items, sink, kind=Exception):
    """Write `items`, which fails; return the exception."""
    with pytest.raises(kind) as caught:
        write(items, sink)
    return caught.value


class Broken(Exception):
    """The failure of a source."""


def breaking(items):
    yield from items
    raise Broken


# The battery

ITEMS = {"item": [f"item {number}" for number in range(300)]}
NUMBERS = {"item": [{"a": number} for number in range(300)]}


def lines_of(stream, folder):
    return {"file": (folder / "out").read_text().splitlines()}


def values_of(stream, folder):
    return {"file": [json.loads(line) for line in (folder / "out").read_text().splitlines()]}


def rows_of(stream, folder):
    with (folder / "out").open(newline="") as file:
        return {"file": [{"a": int(row["a"])} for row in csv.DictReader(file)]}


def same(inputs):
    return {"file": inputs["item"], "errors": []}


@battery(
    [
        Case("lines", lambda at: WriteLines(at / "out"), ITEMS, same, lines_of, real=True),
        Case("csv", lambda at: WriteCsv(at / "out"), NUMBERS, same, rows_of, real=True),
        Case("json", lambda at: WriteJsonLines(at / "out"), NUMBERS, same, values_of, real=True),
    ]
)
def test_writers_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


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
    step = lines | WriteLines(path)

    async def main():
        task = asyncio.create_task(step.workflow.run())
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


# Compression


def zstd_decompress(data):
    return pytest.importorskip("backports.zstd").decompress(data)


PACKED = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": zstd_decompress,
}


@pytest.mark.parametrize("ending", PACKED)
def test_the_ending_tells_how_to_compress(ending, tmp_path):
    path = tmp_path / f"out{ending}"
    lines = [f"line {number}" for number in range(100_000)]
    write(lines, WriteLines(path))
    assert PACKED[ending](path.read_bytes()).decode().split("\n") == [*lines, ""]
    write(["more"], WriteLines(path, append=True))
    assert flow(ReadLines(path)).to_list().run() == [*lines, "more"]


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    error = failing(["x"], WriteLines(tmp_path / "x.zst"), ModuleNotFoundError)
    assert "pip install 'mimo-rx[zstd]'" in str(error)


# What cannot be written


@pytest.mark.parametrize(
    ("make", "bad", "text"),
    [
        (WriteLines, 3, "a line must be a string, got int"),
        (WriteLines, "a\nb", "would make it two"),
        (WriteLines, "a\r", "would make it two"),
        (WriteLines, "\ud800", "surrogates not allowed"),
        (WriteJsonLines, {1, 2}, "an object of type set is no JSON; give a default="),
        (WriteJsonLines, math.nan, "not JSON compliant"),
        (WriteJsonLines, {(1, 2): 3}, "keys must be"),
        (WriteCsv, {"a": 1, "b": 2, "c": 3}, "there is no column for 'b', 'c'; the columns are"),
        (WriteCsv, 3, "a row must be a dict"),
        (lambda path: WriteCsv(path, ["a"]), [1, 2], "a row of 2 values where there are 1"),
    ],
)
def test_an_item_that_cannot_be_written_goes_its_own_way(make, bad, text, tmp_path):
    path = tmp_path / "out"
    good = {"a": 1} if make not in (WriteLines, WriteJsonLines) else "x"
    [failure] = run_stream(make(path), {"item": [good, bad, good]})["errors"]
    assert failure.item is bad
    assert text in str(failure.exception)
    assert (
        path.read_text().strip().splitlines()[-2:] == path.read_text().strip().splitlines()[-1:] * 2
    )
    path.unlink()
    error = failing([good, bad], make(path))
    assert text in str(error)
    assert f"for {str(path)!r}" in error.__notes__[0]
    assert not path.exists()


def test_rows_without_names_need_fields(tmp_path):
    error = failing([[1, 2]], WriteCsv(tmp_path / "out"), TypeError)
    assert str(error) == "the columns of a list have no names; give fields="


# What it looks like


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"))))
def test_lines_are_read_as_they_were_written(lines):
    with TemporaryDirectory() as folder:
        path = Path(folder, "x")
        write(lines, WriteLines(path, encoding="utf-16"))
        # A byte-order mark before UTF-8 is skipped, one in a line of UTF-16 is not.
        assert flow(ReadLines(path, encoding="utf-16")).to_list().run() == lines


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.text(), value, max_size=3),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=5))
def test_json_is_read_as_it_was_written(values):
    with TemporaryDirectory() as folder:
        write(values, WriteJsonLines(Path(folder, "x")))
        assert flow(ReadJsonLines(Path(folder, "x"))).to_list().run() == values


VALUES = st.text('ab,"\r\n é\x85')


@given(st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES})))
def test_rows_are_read_as_they_were_written(rows):
    with TemporaryDirectory() as folder:
        write(rows, WriteCsv(Path(folder, "x"), ["a", "b"]))
        assert flow(ReadCsv(Path(folder, "x"))).to_list().run() == rows


def test_json_of_names_of_files_that_have_no_utf_8(tmp_path):
    write(["a\udcff"], WriteJsonLines(tmp_path / "x"))
    assert (tmp_path / "x").read_bytes() == b'"a\\udcff"\n'
    assert flow(ReadJsonLines(tmp_path / "x")).to_list().run() == ["a\udcff"]


def test_dataclasses_and_named_tuples_are_objects(tmp_path):
    path = tmp_path / "out"
    items = [Point(1, Point(2, {3})), Pair(Pair(1, 2), Point), Failure("x", ValueError("no"), "p")]
    write(items, WriteJsonLines(path, default=str))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"x": 1, "y": {"x": 2, "y": "{3}"}},
        {"left": [1, 2], "right": str(Point)},
        {"item": "x", "exception": "no", "step": "p"},
    ]
    write([Point(1, 2), Pair(3, 4)._asdict() and {"x": 3}], WriteCsv(path))
    assert path.read_text() == "x,y\n1,2\n3,\n"


def test_default_sees_each_value_once(tmp_path):
    seen = []
    write(
        [{1}, {2}, {3}], WriteJsonLines(tmp_path / "out", default=lambda value: seen.append(value))
    )
    assert seen == [{1}, {2}, {3}]


def test_the_first_item_that_can_be_written_names_the_columns(tmp_path):
    path = tmp_path / "out"
    items = [{"a": "\ud800"}, Pair(1, 2), {"right": 4, "left": 3}, [5, 6]]
    [failure] = run_stream(WriteCsv(path, lineterminator="\n"), {"item": items})["errors"]
    assert failure.item == items[0]
    assert path.read_text() == "left,right\n1,2\n3,4\n5,6\n"


def test_a_dead_letter_file(tmp_path):
    path = tmp_path / "dead.jsonl"
    step = ["1", "x", "2"] | Map(int)
    step["errors"] | WriteJsonLines(path, default=str)
    got = step["item"].to_list().run()
    assert got == [1, 2]
    assert json.loads(path.read_text())["item"] == "x"


# Arguments


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: WriteLines(3), "WriteLines: a path must be a string or os.PathLike"),  # type: ignore[arg-type]
        (lambda: WriteLines("x", append=1.5), "append must be one of True, False, got 1.5"),  # type: ignore[arg-type]
        (lambda: WriteLines("x", encoding="utf-9"), "unknown encoding"),
        (lambda: WriteJsonLines("x", default=3), "default must be a function, got 3"),  # type: ignore[arg-type]
        (lambda: WriteCsv("x", fields=[]), r"strings that differ, got \[\]"),
        (lambda: WriteCsv("x", delimiter=";;"), "delimiter"),
    ],
)
def test_arguments_are_checked_where_they_are_written(make, text):
    with pytest.raises(WiringError, match=text):
        make()


def test_writers_can_be_pickled(tmp_path):
    path = tmp_path / "out"
    write([{"a": 1}], pickle.loads(pickle.dumps(WriteCsv(path, ["a"]))))
    assert path.read_text() == "a\n1\n"
