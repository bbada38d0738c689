"""``WriteLines``, ``WriteCsv``, ``WriteJsonLines``: files as sinks."""

import bz2
import csv
import gzip
import json
import lzma
import math
import pickle
import sys
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery import Case, battery
from files import failing, nothing_left, write
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
from mimo_rx.testing import run_stream

Pair = namedtuple("Pair", "left right")


@dataclass
class Point:
    x: Any
    y: Any


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path):
    """No draft, no descriptor and no thread is left by any test."""
    with nothing_left():
        yield
    assert not list(tmp_path.rglob(".*"))


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
        (WriteJsonLines, {1, 2}, "JSON has no form for an object of type set; give a default="),
        (WriteJsonLines, math.nan, "not JSON compliant"),
        (WriteJsonLines, {(1, 2): 3}, "keys must be"),
        (WriteCsv, {"a": 1, "b": 2, "c": 3}, "there is no column for 'b', 'c'; the columns are"),
        (WriteCsv, 3, "a row must be a dict"),
        (lambda path: WriteCsv(path, ["a"]), [1, 2], "a row must have 1 values, got 2"),
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
        (lambda: WriteCsv("x", fields=[]), r"one or more different column names, got \[\]"),
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
