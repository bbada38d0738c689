"""``ReadLines``, ``ReadCsv``, ``ReadJsonLines``: files as sources."""

import bz2
import csv
import gzip
import io
import lzma
import os
import pickle
import sys
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery import Case, battery
from files import broken_off, items_of, nothing_left, written
from mimo_rx import WiringError
from mimo_rx.streams import ReadCsv, ReadJsonLines, ReadLines
from mimo_rx.streams._files.files import BLOCK
from mimo_rx.streams._files.lines import Lines

posix = pytest.mark.skipif(sys.platform == "win32", reason="pipes cannot be polled on Windows")


@pytest.fixture(autouse=True)
def nothing_is_left():
    """No descriptor and no thread is left by any test."""
    with nothing_left():
        yield


# The battery

LINES = [f"line {number}" for number in range(300)]


def lines_case(folder):
    return ReadLines(written(folder, "\n".join(LINES)))


def csv_case(folder):
    return ReadCsv(written(folder, "a,b\r\n" + "".join(f"{n},{n * n}\r\n" for n in range(300))))


def json_case(folder):
    return ReadJsonLines(written(folder, "".join(f'{{"a": {n}}}\n' for n in range(300))))


@battery(
    [
        Case("lines", lines_case, {}, lambda inputs: {"item": LINES}, real=True),
        Case(
            "csv",
            csv_case,
            {},
            lambda inputs: {"item": [{"a": str(n), "b": str(n * n)} for n in range(300)]},
            real=True,
        ),
        Case(
            "json",
            json_case,
            {},
            lambda inputs: {"item": [{"a": n} for n in range(300)]},
            real=True,
        ),
    ]
)
def test_readers_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


# Lines

TEXTS = st.text(st.sampled_from("ab\n\r\x0b\x85\u2028é€😀\ufeff"), max_size=40)


@given(TEXTS, st.integers(1, 9), st.sampled_from(["utf-8", "utf-16", "utf-32-be", "utf-8-sig"]))
def test_lines_are_those_of_open_whatever_the_size_of_blocks(text, size, encoding):
    data = text.encode(encoding)
    codec = "utf-8-sig" if encoding == "utf-8" else encoding
    for newline, keep_ends in ((None, False), ("", True)):
        with io.TextIOWrapper(io.BytesIO(data), codec, newline=newline) as file:
            expected = [line if keep_ends else line.removesuffix("\n") for line in file]
        lines = Lines("x", io.BytesIO(data).read, encoding, "strict", 100, keep_ends=keep_ends)
        assert [line for block in lines.blocks(size) for line in block] == expected


@given(TEXTS, TEXTS, st.integers(1, 9))
def test_bytes_that_cannot_be_decoded_fail_after_the_lines_before(before, after, size):
    data = before.encode() + b"\xff" + after.encode()
    *expected, begun = io.StringIO(before.removeprefix("\ufeff") + "|", newline=None).readlines()
    lines = Lines("x.txt", io.BytesIO(data).read, "utf-8", "strict", 100)
    got = []
    with pytest.raises(UnicodeDecodeError) as caught:
        for block in lines.blocks(size):
            got.extend(block)
    assert [f"{line}\n" for line in got] == expected
    assert f"in line {len(expected) + 1} of 'x.txt'" in str(caught.value)
    assert caught.value.start == len(begun.encode()) - 1


@given(st.lists(st.integers(0, 12), max_size=12), st.integers(1, 9), st.booleans())
def test_a_line_that_is_too_long_fails_after_the_lines_before(lengths, size, ended):
    text = "\n".join("x" * length for length in lengths) + "\n" * ended
    lines = Lines("x.txt", io.BytesIO(text.encode()).read, "utf-8", "strict", 8)
    got: list[int] = []
    bad: Any = next((index for index, length in enumerate(lengths) if length > 8), None)
    with pytest.raises(ValueError, match="longer") if bad is not None else nullcontext() as caught:
        for block in lines.blocks(size):
            got.extend(map(len, block))
    if caught is None:
        assert got == [len(line.removesuffix("\n")) for line in io.StringIO(text)]
    else:
        assert got == lengths[:bad]
        expected = f"line {bad + 1} of 'x.txt' is longer than max_line, 8 characters"
        assert str(caught.value) == expected


@pytest.mark.parametrize("data", [b"", b"\n", b"a", b"a\n", b"\xef\xbb\xbfa\r\nb\r"])
def test_small_files_give_the_lines_of_open(data, tmp_path):
    path = written(tmp_path, data)
    with path.open(encoding="utf-8-sig") as file:
        assert items_of(ReadLines(path)) == [line.rstrip("\n") for line in file]


def test_a_line_may_be_longer_than_many_blocks(tmp_path):
    lines = ["é" * (3 * BLOCK + 1), "", "x" * BLOCK, "y"]
    assert items_of(ReadLines(written(tmp_path, "\n".join(lines)))) == lines


def test_a_line_that_never_ends_fails_at_its_bound_not_at_the_end_of_the_file(tmp_path):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.write(b"one\n")
        file.truncate(2**40)
    items, error = broken_off(ReadLines(path, max_line=10 * BLOCK))
    assert items == ["one"]
    assert (
        str(error) == f"line 2 of {str(path)!r} is longer than max_line, {10 * BLOCK:,} characters"
    )


def test_a_line_that_cannot_be_decoded_is_named(tmp_path):
    path = written(tmp_path, b"one\ntwo\nt\xc3\xa9\xffhree\nfour\n")
    items, error = broken_off(ReadLines(path), UnicodeDecodeError)
    assert items == ["one", "two"]
    assert str(error) == (
        "'utf-8' codec can't decode byte 0xff in position 3: invalid start byte, in line 3 of "
        f"{str(path)!r}"
    )


def test_encoding_and_errors_are_those_of_open(tmp_path):
    path = written(tmp_path, "é\n".encode("latin-1"))
    assert items_of(ReadLines(path, encoding="latin-1")) == ["é"]
    assert items_of(ReadLines(path, errors="replace")) == ["\ufffd"]


# Paths


def test_a_pattern_stands_for_its_files_in_the_order_of_their_names(tmp_path):
    for name in ("b.txt", "a.txt", "c.log"):
        written(tmp_path, name, name)
    (tmp_path / "folder.txt").mkdir()
    assert items_of(ReadLines(tmp_path / "*.txt")) == ["a.txt", "b.txt"]
    assert items_of(ReadLines(tmp_path / "c.log", str(tmp_path / "**"))) == [
        "c.log",
        "a.txt",
        "b.txt",
        "c.log",
    ]


def test_a_pattern_is_matched_when_the_run_begins(tmp_path):
    source = ReadLines(tmp_path / "*.txt")
    written(tmp_path, "later")
    assert items_of(source) == ["later"]


def test_what_exists_is_no_pattern(tmp_path):
    written(tmp_path, "pattern", "a.txt")
    assert items_of(ReadLines(written(tmp_path, "name", "[a].txt"))) == ["name"]


def test_a_pattern_that_matches_nothing_fails_before_anything_is_read(tmp_path):
    pattern = str(tmp_path / "*.none")
    items, error = broken_off(ReadLines(written(tmp_path, "x"), pattern), FileNotFoundError)
    assert items == []
    assert (error.strerror, error.filename) == ("no file matches the pattern", pattern)


def test_a_missing_file_is_an_error_as_itself(tmp_path):
    path = str(tmp_path / "none")
    items, error = broken_off(ReadLines(written(tmp_path, "x"), path), FileNotFoundError)
    assert items == ["x"]
    assert error.filename == path
    assert error.__notes__ == [
        f"mimo_rx: raised while reading {path!r}",
        "mimo_rx: raised in step 'ReadLines'",
    ]


def test_a_folder_cannot_be_read(tmp_path):
    assert broken_off(ReadLines(tmp_path), IsADirectoryError if os.name == "posix" else OSError)


# Compression


def zstd_compress(data):
    return pytest.importorskip("backports.zstd").compress(data)


PACKED: dict[str, Any] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstd_compress,
}


@pytest.mark.parametrize("ending", PACKED)
def test_the_ending_tells_how_a_file_is_compressed(ending, tmp_path):
    pack = PACKED[ending]
    lines = [f"line {number}" for number in range(100_000)]
    data = "\n".join(lines).encode()
    path = written(tmp_path, pack(data[:500_000]) + pack(data[500_000:]), f"x{ending.upper()}")
    assert items_of(ReadLines(path)) == lines


@pytest.mark.parametrize("ending", PACKED)
def test_what_is_not_compressed_as_its_ending_says_is_an_error_with_its_name(ending, tmp_path):
    path = written(tmp_path, b"plain text\n" * 9, f"x{ending}")
    _, error = broken_off(ReadLines(path), Exception)
    assert f"mimo_rx: raised while reading {str(path)!r}" in error.__notes__


@pytest.mark.parametrize("ending", PACKED)
def test_a_compressed_file_that_is_cut_off_is_an_error(ending, tmp_path):
    data = PACKED[ending](os.urandom(2000).hex().encode())
    broken_off(ReadLines(written(tmp_path, data[:-9], f"x{ending}")), Exception)


def test_the_missing_package_is_named(tmp_path, monkeypatch):
    for name in ("backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    _, error = broken_off(ReadLines(written(tmp_path, b"", "x.zst")), ModuleNotFoundError)
    assert "pip install 'mimo-rx[zstd]'" in str(error)


# CSV


@given(
    st.lists(st.lists(st.text(st.sampled_from('a,"\r\n é'), max_size=5), min_size=2, max_size=2)),
    st.integers(1, 9),
)
def test_rows_are_those_of_the_module_csv_whatever_the_size_of_blocks(rows, size):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "b"], *rows])
    expected = [dict(zip("ab", row, strict=True)) for row in rows]
    source = ReadCsv("x")
    data = io.BytesIO(text.getvalue().encode())
    lines = Lines("x", lambda _: data.read(size), "utf-8", "strict", 99, keep_ends=True)
    got: list[Any] = []
    source._read(lines, got.extend)
    assert got == expected


@pytest.mark.parametrize(("row", "length"), [("5", 1), ("5,6,7", 3)])
def test_a_row_of_the_wrong_length_fails_after_the_rows_before(row, length, tmp_path):
    path = written(tmp_path, f'a,b\n\n"1\n",2\n{row}\n8,9\n')
    items, error = broken_off(ReadCsv(path))
    assert items == [{"a": "1\n", "b": "2"}]
    assert str(error) == (f"a row must have 2 values, got {length}, in line 5 of {str(path)!r}")


def test_fields_and_format_may_be_given(tmp_path):
    path = written(tmp_path, "1;'2;3'\n")
    source = ReadCsv(path, fields=["x", "y"], delimiter=";", quotechar="'")
    assert items_of(source) == [{"x": "1", "y": "2;3"}]
    assert items_of(ReadCsv(written(tmp_path, "x\ty\n1\t2\n"), dialect="excel-tab")) == [
        {"x": "1", "y": "2"}
    ]


def test_each_file_has_its_own_header(tmp_path):
    written(tmp_path, "a\n1\n", "1.csv")
    written(tmp_path, "b\n2\n", "2.csv")
    assert items_of(ReadCsv(tmp_path / "*.csv")) == [{"a": "1"}, {"b": "2"}]


def test_what_the_module_csv_refuses_is_named(tmp_path):
    path = written(tmp_path, 'a\n1\n"2"x\n')
    items, error = broken_off(ReadCsv(path, strict=True), csv.Error)
    assert items == [{"a": "1"}]
    assert str(error) == f"',' expected after '\"', in line 3 of {str(path)!r}"


def test_a_header_that_names_a_field_twice_is_an_error(tmp_path):
    path = written(tmp_path, "a,b,a\n1,2,3\n")
    _, error = broken_off(ReadCsv(path))
    assert str(error) == f"the header names 'a' twice, in line 1 of {str(path)!r}"


# JSON


def test_blank_lines_between_values_are_skipped(tmp_path):
    path = written(tmp_path, b'\xef\xbb\xbf{"a": 1}\r\n\n  \nnull\n[1]')
    assert items_of(ReadJsonLines(path)) == [{"a": 1}, None, [1]]


def test_a_line_that_is_no_json_fails_after_the_values_before(tmp_path):
    path = written(tmp_path, '1\n\n{"a": x}\n4\n')
    items, error = broken_off(ReadJsonLines(path))
    assert items == [1]
    assert str(error) == f"Expecting value, at column 7 of line 3 of {str(path)!r}"


def test_json_that_is_too_deep_is_named(tmp_path):
    path = written(tmp_path, "1\n" + "[" * 100_000 + "\n")
    items, error = broken_off(ReadJsonLines(path))
    assert items == [1]
    assert f"line 2 of {str(path)!r}" in str(error)


# Arguments


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: ReadLines(), "ReadLines: paths must name at least one file, got none"),
        (lambda: ReadLines(3), "a path must be a string or os.PathLike that names a file, got 3"),  # type: ignore[arg-type]
        (lambda: ReadLines(b"x"), "got b'x'"),  # type: ignore[arg-type]
        (lambda: ReadLines(""), "got ''"),
        (lambda: ReadLines(["x"]), r"got \['x'\]; write ReadLines\(\*paths\)"),  # type: ignore[arg-type]
        (lambda: ReadLines("x", encoding="utf-9"), "got 'utf-9'; unknown encoding"),
        (lambda: ReadLines("x", encoding="hex"), "is not a text encoding"),
        (lambda: ReadLines("x", errors="ignor"), "got 'ignor'"),
        (lambda: ReadLines("x", max_line=0), "max_line must be a number of characters"),
        (lambda: ReadCsv("x", fields=["a", "a"]), "one or more different column names, got"),
        (lambda: ReadCsv("x", fields="ab"), "got 'ab'"),
        (lambda: ReadCsv("x", dialect="exel"), "got 'exel'; unknown dialect"),
        (lambda: ReadCsv("x", delimeter=";"), "delimeter"),
    ],
)
def test_arguments_are_checked_where_they_are_written(make, text):
    with pytest.raises(WiringError, match=text):
        make()


def test_readers_can_be_pickled(tmp_path):
    path = written(tmp_path, "a\n1\n")
    assert items_of(pickle.loads(pickle.dumps(ReadLines(path)))) == ["a", "1"]
    assert items_of(pickle.loads(pickle.dumps(ReadCsv(path)))) == [{"a": "1"}]
