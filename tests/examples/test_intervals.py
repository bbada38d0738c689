"""The example ``intervals``: its pairs are those that plain Python finds by trying all."""

import gzip
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import ClassVar

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from helpers import run
from intervals import (
    BadLine,
    Interval,
    at_random,
    by_brute_force,
    check,
    intervals,
    main,
    overlap,
    parse,
)
from mimo_rx import Workflow
from mimo_rx.cli._target import load, workflow_of
from mimo_rx.testing import run_stream_async

A = "chr1\t10\t20\tfirst\nchr1\t15\t90\tlong\nchr1\t40\t50\tinner\nchr2\t0\t5\tother\n"
B = "chr1\t20\t30\ttouches\nchr1\t49\t60\tover\nchr2\t4\t6\tend\nchr3\t0\t9\talone\n"
PAIRS = (
    "chr1\t15\t90\tlong\tchr1\t20\t30\ttouches\n"
    "chr1\t15\t90\tlong\tchr1\t49\t60\tover\n"
    "chr1\t40\t50\tinner\tchr1\t49\t60\tover\n"
    "chr2\t0\t5\tother\tchr2\t4\t6\tend\n"
)


def overlaps(a, b, threshold=100):
    """Return the pairs that the stream finds, in the order in which it does."""
    inputs = {"a": a, "b": b}
    return run(run_stream_async(overlap(), inputs, threshold=threshold))["pair"]


def parsed(*lines):
    return run(run_stream_async(parse(state="x.bed"), {"line": lines}))["interval"]


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.bed").write_text(A)
    (tmp_path / "b.bed").write_text(B)
    return tmp_path / "a.bed", tmp_path / "b.bed"


# The stream that finds them.


def made(bounds):
    return Interval(bounds[0], bounds[1], bounds[1] + bounds[2], "x")


PLACES = st.tuples(st.sampled_from(["chr1", "chr10", "chr2"]), st.integers(0, 30))
SORTED = st.lists(
    st.builds(lambda place, length: made((*place, length)), PLACES, st.integers(1, 20)), max_size=20
).map(lambda each: sorted(each, key=lambda interval: interval[:2]))


def positions(interval):
    return {(interval.chrom, each) for each in range(interval.start, interval.end)}


@given(SORTED, SORTED, st.integers(1, 5))
def test_the_pairs_are_those_that_have_a_position_in_common(a, b, threshold):
    expected = [(one, other) for one in a for other in b if positions(one) & positions(other)]
    assert sorted(overlaps(a, b, threshold)) == sorted(expected)
    assert sorted(by_brute_force(a, b)) == sorted(expected)


@given(SORTED, SORTED)
def test_the_pairs_come_in_the_order_in_which_they_begin_to_overlap(a, b):
    begins = [max(one[:2], other[:2]) for one, other in overlaps(a, b)]
    assert begins == sorted(begins)


@given(SORTED, SORTED)
def test_the_order_does_not_depend_on_the_bound(a, b):
    assert overlaps(a, b, 1) == overlaps(a, b, 100)


class Counted(Interval):
    """An interval that counts how many there are."""

    alive: ClassVar[int] = 0
    most: ClassVar[int] = 0

    def __new__(cls, *fields):
        cls.alive += 1
        cls.most = max(cls.most, cls.alive)
        return super().__new__(cls, *fields)

    def __del__(self):
        type(self).alive -= 1


def row(numbers, step, length, shift=0, chrom="chr1"):
    """Return the fields of intervals of one length, `step` apart."""
    return [(chrom, n * step + shift, n * step + shift + length) for n in numbers]


MANY = range(2000)
LONG = {
    "pairs": (row(MANY, 10, 4), row(MANY, 10, 4)),
    "alternating": (row(MANY, 10, 4), row(MANY, 10, 4, shift=5)),
    "chained": (row(MANY, 10, 8), row(MANY, 10, 8, shift=5)),
    "other chromosomes": (row(MANY, 1, 9), row(MANY, 1, 9, chrom="chr2")),
    "far behind": (row(MANY, 1, 9), row([90_000], 1, 9)),
    "at both ends": (row(MANY, 4, 9), row([0, 9000], 1, 1)),
    "alone": (row(MANY, 1, 9), []),
}


@pytest.mark.parametrize("case", LONG)
@pytest.mark.parametrize("swapped", [False, True])
def test_no_more_is_held_than_can_still_overlap(case, swapped):
    """However long the inputs are: two in each buffer, and what is in hand beside them."""
    Counted.alive = Counted.most = 0
    ports = ("b", "a") if swapped else ("a", "b")
    fields = dict(zip(ports, LONG[case], strict=True))
    inputs = {port: (Counted(*each, "x") for each in those) for port, those in fields.items()}
    run(run_stream_async(_counting(), inputs, threshold=2))
    assert 2 <= Counted.most <= 16


def _counting():
    """Return the stream, within a workflow that does not keep what it finds."""
    workflow = Workflow(["a", "b"], threshold=2)
    step = workflow.add_stream(overlap())
    workflow.ins["a"] | step["a"]
    workflow.ins["b"] | step["b"]
    return workflow


# What is read.


def test_comments_blank_lines_and_further_columns_are_skipped():
    lines = ["# made by hand", "track name=x", "browser hide all", "", " ", "chr1\t1\t2\tone\t0\t+"]
    assert parsed(*lines) == [Interval("chr1", 1, 2, "one")]


def test_a_name_may_be_left_out():
    assert parsed("chr1\t1\t2") == [Interval("chr1", 1, 2, ".")]


def test_equal_places_are_in_order():
    assert len(parsed("chr1\t1\t2\ta", "chr1\t1\t2\ta", "chr1\t1\t9\tb", "chr1\t1\t2\tc")) == 4


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("chr1\t4\t9\tx", r"line 3 of 'x.bed' is out of order: chr1:4 comes after chr1:5; sort"),
        ("chr0\t7\t9\tx", r"line 3 of 'x.bed' is out of order: chr0:7 comes after chr1:5; sort"),
        ("chr1", r"line 3 of 'x.bed': an interval is chrom, start, end and name, .* got 'chr1'"),
        ("chr1\t7", r"line 3 of 'x.bed': an interval is chrom, start, end and name"),
        ("chr1 7 9 x", r"line 3 of 'x.bed': an interval is chrom, .* tabs between them"),
        ("chr1\t7\tx\t9", r"line 3 of 'x.bed': an interval is chrom, start, end and name"),
        ("chr1\t-1\t9\tx", r"line 3 of 'x.bed': a start is at least 0 .* got -1 and 9"),
        ("chr1\t9\t9\tx", r"line 3 of 'x.bed': a start is .* less than its end, got 9 and 9"),
    ],
)
def test_a_bad_line_is_named(line, words):
    with pytest.raises(BadLine, match=words):
        parsed("chr1\t5\t9\ta", "# comment", line)


def test_what_is_made_up_is_in_order_and_the_same_each_time():
    for count in range(50):
        found = list(at_random("a", count))
        assert found == list(at_random("a", count))
        assert found == sorted(found, key=lambda interval: interval[:2])
        assert len({interval.name for interval in found}) == count
    assert list(at_random("a", 9)) != list(at_random("b", 9))


# The command.


def test_pairs_are_printed_as_lines_of_tab_separated_fields(files):
    result = invoke(*files)
    assert (result.exit_code, result.stdout, result.stderr) == (0, PAIRS, "")


def test_compressed_files_are_read_too(files):
    for file in files:
        Path(f"{file}.gz").write_bytes(gzip.compress(file.read_bytes()))
    assert invoke(*(f"{file}.gz" for file in files)).stdout == PAIRS


def test_one_of_the_files_may_be_stdin(files):
    program = [sys.executable, "examples/intervals.py", "-", files[1]]
    done = subprocess.run(
        program, input=A, capture_output=True, encoding="utf-8", timeout=30, check=True
    )
    assert (done.stdout, done.stderr) == (PAIRS, "")


@pytest.mark.parametrize("count", [0, 1, 3, 100])
@pytest.mark.parametrize("threshold", [1, 100])
def test_without_files_two_are_made_up(count, threshold, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = set(threading.enumerate())
    result = invoke("--count", count, "--threshold", threshold)
    assert result.exit_code == 0
    pairs = by_brute_force(at_random("a", count), list(at_random("b", count)))
    assert sorted(result.stdout.splitlines()) == sorted(f"{a}\t{b}" for a, b in pairs)
    assert list(tmp_path.iterdir()) == []
    assert set(threading.enumerate()) <= before


def test_check_says_on_stderr_what_brute_force_finds(files):
    result = invoke(*files, "--check")
    assert (result.exit_code, result.stdout) == (0, PAIRS)
    assert result.stderr == "4 pairs, the same as by brute force (4 × 4)\n"


def test_check_fails_where_brute_force_finds_others(files):
    a, b = files
    one, other = Interval("chr1", 15, 90, "long"), Interval("chr1", 20, 30, "touches")
    with pytest.raises(click.ClickException, match=r"^of 4 pairs .* 3 are missing; 1 are wrong$"):
        check([(one, other), (other, one)], a, b, 0)


def test_a_line_out_of_order_is_told_without_a_traceback(files):
    a, b = files
    b.write_text(B + "chr1\t3\t4\tlate\n")
    result = invoke(a, b)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: line 5 of {str(b)!r} is out of order: chr1:3 comes after chr3:0; sort the file "
        "with `LC_ALL=C sort -k1,1 -k2,2n`\n"
    )


def test_a_line_out_of_order_is_told_though_nothing_can_overlap_any_more(files):
    a, b = files
    a.write_text("")
    b.write_text(1000 * "chr2\t3\t4\tsame\n" + "chr1\t3\t4\tlate\n")
    assert "line 1001 of" in invoke(a, b, "--threshold", 1).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.bed", "nowhere.bed"], "'nowhere.bed' does not exist"),
        (["-"], "give two files, or none, got 1"),
        (["-", "-"], "stdin can be read once only"),
        (["-", __file__, "--check"], "stdin can be read once only"),
        (["--count", "-1"], "-1 is not in the range x>=0"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, words):
    result = invoke(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_graph_is_a_drawing_and_stats_are_on_stderr(files):
    first, *_, last = invoke(*files, "--graph", "--check").stdout.splitlines()
    assert (first, last) == ('digraph "intervals" {', "}")
    result = invoke(*files, "--stats")
    assert result.stdout == PAIRS
    for step in intervals(*files).steps:
        assert step in result.stderr


def test_nothing_looks_wrong_in_the_workflow(files):
    assert intervals().check() == intervals(*files).check() == ()


def test_the_builder_is_a_target_of_the_command_line(files, capsys):
    a, b = files
    target = load("examples/intervals.py:intervals", [f"a={a}", f"b={b}", "threshold=1"])
    workflow_of(target).start()
    assert capsys.readouterr().out == PAIRS
