"""The example ``census``: its totals are those of a plain loop over the same files."""

import io
import os
import re
import subprocess
import sys
import sysconfig
import warnings
from collections import Counter
from itertools import pairwise
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import census
from census_page import Report, fit, page
from census_source import Unreadable, dissect
from mimo_rx.testing import run_stream
from plain_census import plain_loop

STDLIB = Path(sysconfig.get_path("stdlib"))
PROGRAM = [sys.executable, "examples/census.py"]

READABLE = {
    "top.py": '"""Docs."""\nimport os, sys as system\nimport os.path\n\nx = 1  # trailing words\n',
    "no_newline.py": "# only one comment, without an end",
    "empty.py": "",
    "blank.py": "\n\n   \n",
    "pkg/__init__.py": "from . import a\nfrom ..b import c\nfrom collections import Counter\n",
    "pkg/strings.py": (
        "a = 'plain' \"two\", b'bytes' rb'raw' Rb'more', u'old' f'{1 + 1}' fR'{2}'\n"
        'b = """\n# no comment\n\nimport nothing\n"""  # a comment after it\n'
        "c = f'''\n{a!r:>{len('nested')}}\n\n# no comment\n{{}}'''\n"
        "f'no docs'\nb'no docs'\n'docs' \\\n   'and docs'\n"
    ),
    "pkg/layout.py": (
        'class A:\n    """Docs\n\n    of A."""\n\n    # comment\n    b = (\n        1,\n\n'
        "        # comment inside\n        2,  # after code\n    )\n\f\n    def f(self): 'docs?'\n"
        "if a: import b.c; from d import (e,\n    f)\n'''docs'''; x = 1\n\\\n\nlambda: 0\n"
    ),
    "pkg/sub/dos.py": "import os\r\n# comment\r\n\r\nx = 1\r\n",
    "pkg/sub/mac.py": "import os\r# comment\r\rx = 1\r",
    "pkg/sub/marked.py": "\ufeffimport os  # marked\n",
    "pkg/sub/latin.py": "# coding: latin-1\nname = 'M\xfcller'  # M\xfcller M\xfcller\n",
    "other/späße.py": "# déjà déjà vu Ελληνικά\nπ = 3\n",
    "other/test.py": "x = {\n  # déjà\n  'import': ' import os',\n}\nassert x, '; import os'\n",
}
UNREADABLE = {
    "bad/bytes.py": (b"x = '\xff'\n", "not utf-8|invalid or missing encoding declaration"),
    "bad/late_bytes.py": (b"\n\n\nx = '\xff'\n", "not utf-8 at byte 8"),
    "bad/codec.py": (b"# coding: nonsense\n", "unknown encoding: nonsense"),
    "bad/rot13.py": (b"# coding: rot13\n", "'rot13' is not a text encoding"),
    "bad/null.py": (b"x = 1\0\n", "null bytes"),
    "bad/bracket.py": (b"x = (1,\n", "EOF in multi-line statement in line"),
    "bad/quotes.py": (b"x = '''\n", "EOF in multi-line string in line 1|unterminated"),
    "bad/quote.py": (b"\nx = 'abc\n", "unexpected ' in line 2|unterminated string literal"),
    "bad/continued.py": (b"x = 'abc\\\n", "unexpected '|EOF|unterminated"),
    "bad/dollar.py": (b"\n\nx = $y\n", r"unexpected \$ in line 3"),
    "bad/backtick.py": (b"x = `y`\n", "unexpected ` in line 1"),
    "bad/indent.py": (b"if x:\n        a\n    b\n", "unindent does not match"),
}


@pytest.fixture
def tree(tmp_path):
    """A tree with all kinds of files, and with some that are left out."""
    root = tmp_path / "tree"
    for name, text in READABLE.items():
        write(root / name, text.encode("latin-1" if "latin" in name else "utf-8"))
    for name, (data, _) in UNREADABLE.items():
        write(root / name, data)
    for name in "pkg/notes.txt", ".venv/hidden.py", "site-packages/x.py", "pkg/dist-packages/y.py":
        write(root / name, b"import left_out\n")
    (root / "directory.py").mkdir()
    write(root / "directory.py" / "inside.py", b"x = 1\n")
    return root


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def take(root, **settings) -> Report:
    results: dict[str, Report] = {}
    census.census(root, results=results, **settings).start()
    return results["report"]


def assert_same(report, plain):
    packages, rankings, unreadable = plain
    assert {name: +row for name, row in report.packages.items()} == packages
    found = [report.longest, report.modules, report.words, report.prefixes]
    assert [list(ranking) for ranking in found] == rankings
    assert report.unreadable[0] == unreadable


@pytest.mark.parametrize("threshold", [1, 7, 1000])
def test_the_census_of_nasty_files_is_that_of_a_plain_loop(tree, threshold):
    assert_same(take(tree, top=50, threshold=threshold), plain_loop(tree, 50))


@pytest.mark.parametrize("name", ["json", "importlib", "email"])
def test_the_census_of_a_package_of_the_standard_library_is_that_of_a_plain_loop(name):
    report = take(STDLIB / name, top=20)
    assert sum(row["lines"] for row in report.packages.values()) > 1000
    assert_same(report, plain_loop(STDLIB / name, 20))


def test_the_census_does_not_depend_on_the_threshold():
    one, other = (take(STDLIB / "asyncio", threshold=threshold) for threshold in (1, 1000))
    assert one == other


def test_no_buffer_of_the_census_holds_more_than_the_threshold(tree):
    statistics = census.census(tree, results={}, threshold=3).start()
    inputs = [port for step in statistics.steps.values() for port in step.inputs.values()]
    assert max(port.peak for port in inputs) == 3
    assert sum(port.over for port in inputs) == 0


def test_a_workflow_of_the_census_runs_again(tree):
    results: dict[str, Report] = {}
    workflow = census.census(tree, results=results)
    workflow.start()
    first = results.pop("report")
    workflow.start()
    assert results["report"] == first


def test_the_workflow_of_the_census_has_no_findings_but_its_join(tree):
    findings = census.census(tree).check()
    assert [(finding.code, finding.severity) for finding in findings] == [("uneven-join", "info")]


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("", (0, 0, 0, 0)),
        ("\n", (0, 0, 0, 1)),
        ("x", (1, 0, 0, 0)),
        ("# c\n'''d\n\n# d'''\n\nx = '''\n\n# x'''\n", (3, 1, 3, 1)),
        ("x = [\n\n  # c\n  1, # x\n]\n", (3, 1, 0, 1)),
        ("'''d'''; x\n", (1, 0, 0, 0)),
        ("b'''x'''\nf'x'\nrb'x'\nr'd'\nU'd'\n", (3, 0, 2, 0)),
        ("x = f'''\n{\n\n1}\n\n'''\n", (6, 0, 0, 0)),
        ("x = 1 + \\\n2\n", (2, 0, 0, 0)),
    ],
)
def test_each_line_is_of_one_kind(source, lines):
    """In the order code, comments, docs, blank."""
    assert dissect("file", source).lines[1:] == lines


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import a, b.c as d, e\n", ["a", "b.c", "e"]),
        ("from a.b import (c,\n d)\n", ["a.b"]),
        ("from . import a\nfrom ...b.c import d\n", [".", "...b.c"]),
        ("x = 1; import a; from b import c; y\n", ["a", "b"]),
        ("try: import a\nexcept: from b import c\n", ["a", "b"]),
        ("def f(): yield from a\nraise b from c\n", []),
        ("x = '; import a'; y = f'{1}; import b'; import c\n", ["c"]),
    ],
)
def test_imports_are_found_wherever_a_statement_may_stand(source, modules):
    assert [piece.text for piece in dissect("file", source).imports] == modules


def test_unreadable_files_are_named_with_their_reasons(tree):
    count, named = take(tree, top=100).unreadable
    assert count == len(UNREADABLE)
    assert [file for file, _ in named] == sorted(name.replace("/", os.sep) for name in UNREADABLE)
    for file, why in named:
        assert re.search(UNREADABLE[file.replace(os.sep, "/")][1], why), (file, why)


def test_a_file_that_vanishes_is_unreadable(tree):
    """Between being found and being read."""
    found = run_stream(census.read(state=tree), {"file": ["gone.py", "blank.py"]})
    assert found["unreadable"] == [Unreadable("gone.py", "No such file or directory")]
    assert [lines.file for lines in found["lines"]] == ["blank.py"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes and links")
def test_what_is_no_file_is_unreadable(tmp_path):
    write(tmp_path / "good.py", b"x = 1\n")
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "dangling.py").symlink_to("nowhere.py")
    (tmp_path / "round.py").symlink_to("round.py")
    (tmp_path / "linked.py").symlink_to("good.py")
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
    report = take(tmp_path)
    assert report.packages["(top level)"]["files"] == 2
    count, named = report.unreadable
    assert (count, [file for file, _ in named]) == (3, ["dangling.py", "pipe.py", "round.py"])
    assert named[1].reason == "not a regular file"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root"
)
def test_what_is_forbidden_is_unreadable(tree):
    secret = tree / "top.py"
    hidden = tree / "pkg"
    secret.chmod(0)
    hidden.chmod(0)
    try:
        _, named = take(tree, top=100).unreadable
    finally:
        secret.chmod(0o600)
        hidden.chmod(0o700)
    assert Unreadable(os.path.join("pkg", ""), "Permission denied") in named
    assert "top.py" in [file for file, _ in named]


def test_a_directory_that_cannot_be_listed_is_named(tree, monkeypatch):
    real = os.scandir

    def scandir(path):
        if Path(path).name == "other":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = run_stream(census.find(state=tree), {})
    assert found["unreadable"] == [Unreadable(os.path.join("other", ""), "Permission denied")]
    assert len(found["file"]) == len(READABLE) - 2 + len(UNREADABLE) + 1


def invoke(*arguments):
    return CliRunner().invoke(census.main, [str(argument) for argument in arguments])


def test_the_page_is_on_stdout_and_nothing_else_is(tree):
    result = invoke("--root", tree, "--top", 3)
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) < 80
    assert "\x1b" not in result.stdout
    packages, _, unreadable = plain_loop(tree, 3)
    total = sum(packages.values(), Counter[str]())
    columns = ("files", "code", "comments", "docs", "blank", "lines", "strings")
    (whole,) = [line.split()[1:] for line in lines if line.startswith(" all ")]
    assert whole == [f"{total[column]:,}" for column in columns]
    assert f" {unreadable} unreadable, not counted" in lines
    assert f" and {unreadable - 3} more" in lines


def test_the_rows_of_the_table_add_up_to_its_last():
    result = invoke("--root", STDLIB / "importlib", "--top", 1)
    rows = [line.replace(",", "").split()[-7:] for line in result.stdout.splitlines()[4:8]]
    one, rest, _, whole = (list(map(int, row)) if row[0].isdigit() else row for row in rows)
    assert list(map(sum, zip(one, rest, strict=True))) == whole


def test_graph_prints_a_workflow_that_parses_as_dot():
    pydot = pytest.importorskip("pydot", reason="pydot is optional")
    result = invoke("--graph", "--root", "nowhere")
    assert (result.exit_code, result.stderr) == (0, "")
    with warnings.catch_warnings():
        # Its parser uses names of pyparsing that are on their way out.
        warnings.simplefilter("ignore", DeprecationWarning)
        (graph,) = pydot.graph_from_dot_data(result.stdout)
    labels = {edge.get("taillabel").strip('"') for edge in graph.get_edges()}
    assert labels >= {"file", "lines", "comments", "strings", "imports", "unreadable"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nowhere", "No such file or directory"),
        ("file", "Not a directory"),
        ("directory", "there is no Python file in it"),
    ],
)
def test_a_root_that_holds_no_python_is_refused_in_one_line(tmp_path, name, words):
    (tmp_path / "file").touch()
    (tmp_path / "directory").mkdir()
    result = invoke("--root", tmp_path / name)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == f"Error: --root {tmp_path / name}: {words}\n"


@pytest.mark.parametrize("option", ["--threshold", "--top"])
def test_numbers_below_one_are_refused(option):
    result = invoke(option, 0)
    assert result.exit_code == 2
    assert "0 is not in the range x>=1" in result.stderr


def test_a_tree_of_unreadable_files_is_reported(tmp_path):
    write(tmp_path / "bad.py", b"\0")
    result = invoke("--root", tmp_path)
    assert result.exit_code == 0
    assert re.search(r"1 unreadable, not counted\n bad.py +null bytes", result.stdout)


def test_names_cannot_harm_the_terminal():
    assert fit("a\x1b[31m\n\udcff", 10) == "a?[31m??  "
    assert fit("a long name", 5) == "…name"


@pytest.mark.parametrize(("encoding", "bar"), [("utf-8", "━━━"), ("ascii", "===")])
def test_the_page_can_be_encoded(tree, monkeypatch, encoding, bar):
    report = take(tree)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    shown = page(tree, report, 8)
    assert bar in shown
    shown.encode(encoding)


def test_the_program_runs_by_itself(tree):
    command = [*PROGRAM, "--root", tree, "--threshold", "10"]
    done = subprocess.run(command, capture_output=True, timeout=30, check=True)
    assert done.stderr == b""
    assert done.stdout == invoke("--root", tree).stdout_bytes


def test_a_terminal_sees_progress_that_leaves_nothing_behind(tree):
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "--root", tree]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs, timeout=30)
        seen = os.read(ours, 10_000).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert done.returncode == 0
    *progress, cleared, summary = click.unstyle(seen).split("\r")[1:-1]
    assert re.fullmatch(r" \d files?, \d+ lines *", progress[0])
    assert not cleared.strip()
    assert re.fullmatch(
        r" \d+\.\d s; \d+ items went over \d+ edges, and no buffer held more than \d+", summary
    )
    assert all(len(one) == len(other) for one, other in pairwise([*progress, cleared]))
