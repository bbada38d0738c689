"""The pages on decisions name files that are there, and the index leads to each page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INDEX = ROOT / "docs" / "decisions.md"
PAGES = sorted((ROOT / "docs" / "decisions").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_index_has_a_row_for_every_page(page):
    row = rf"^\| \[{page.stem}\]\(decisions/{page.name}\) \| .+ \|$"
    assert re.search(row, INDEX.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_and_folder_that_a_page_names_is_there(page):
    """From the top of the project, or from the package."""
    for name in set(re.findall(r"`([\w/.]+(?:\.pyi?|/))`", page.read_text(encoding="utf-8"))):
        assert any((place / name).exists() for place in (ROOT, ROOT / "mimo_rx")), name


def test_there_are_pages():
    """Else the tests above would prove nothing."""
    assert len(PAGES) >= 10
