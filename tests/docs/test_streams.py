"""The page on ready-made streams is what their docstrings say."""

import re
import runpy
from pathlib import Path

from mimo_rx import Stream, streams

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "streams.md").read_text(encoding="utf-8")
TABLES = PAGE[PAGE.index("## What there is") :]
STREAMS = [
    name
    for name in streams.__all__
    if isinstance(getattr(streams, name), type) and issubclass(getattr(streams, name), Stream)
]


def test_the_page_on_streams_is_what_the_docstrings_make():
    """After a change, `python docs/make_streams.py` makes it anew."""
    assert runpy.run_path(str(DOCS / "make_streams.py"))["page"]() == PAGE


def test_every_stream_has_one_row_of_four_cells():
    """Whatever stands in them."""
    rows = re.findall(r"^\| `(\w+)\(.*\|$", TABLES, re.MULTILINE)
    assert sorted(rows) == STREAMS
    for row in re.findall(r"^\| `\w+\(.*\|$", TABLES, re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_every_stream_says_when_it_does_what_and_whether_it_is_determinate():
    """In its docstring."""
    for name in STREAMS:
        doc = getattr(streams, name).__doc__
        for words in ("Emits", "Backpressures", "Completes", "Fails", "Cancels"):
            assert f"{words} when" in doc, (name, words)
        assert "determinate" in doc, name
        assert "Example:" in doc, name


def test_the_public_names_are_listed_in_order():
    assert streams.__all__ == sorted(streams.__all__)
