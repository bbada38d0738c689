"""The page on operators is what the catalogue says: rule R2."""

import re
import runpy
from pathlib import Path

import pytest

from mimo_rx._rx.catalogue import CATALOGUE

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "operators.md").read_text(encoding="utf-8")


def test_r2_the_page_on_operators_is_what_the_catalogue_makes():
    """R2: after a change, `python docs/make_operators.py` makes it anew."""
    assert runpy.run_path(str(DOCS / "make_operators.py"))["page"]() == PAGE


@pytest.mark.parametrize("name", CATALOGUE)
def test_r2_every_operator_has_one_row_of_five_cells(name):
    """R2: whatever stands in them."""
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, re.MULTILINE)
    assert len(re.findall(r"(?<!\\)\|", row)) == 6


def test_r5_the_page_says_what_is_held_and_what_to_do_instead():
    """R5."""
    for entry in CATALOGUE.values():
        assert f"| {entry.holds} | {entry.instead} |" in PAGE
