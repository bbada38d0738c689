"""The page on findings: it and the docstrings name every code."""

import re
from pathlib import Path

import pytest

from mimo_rx import Workflow
from mimo_rx._workflow import findings as module

ROOT = Path(__file__).parents[2]
SOURCE = Path(module.__file__).read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
GIVEN = dict(re.findall(r'"([a-z]+(?:-[a-z]+)+)",\s*"(error|warning|info)"', SOURCE))


def test_w9_every_finding_that_is_made_has_a_code():
    """W9: the page is compared with all of them."""
    assert len(GIVEN) == len(re.findall(r"\bFinding\(\s*\"", SOURCE))


@pytest.mark.parametrize("code", GIVEN)
def test_w9_every_code_has_its_row_and_its_section(code):
    """W9: with its severity."""
    assert f"| [`{code}`](#{code}) | {GIVEN[code]} |" in PAGE
    assert f"\n## {code}\n" in PAGE


@pytest.mark.parametrize("code", GIVEN)
def test_w9_the_docstrings_list_every_code(code):
    """W9."""
    assert f"``{code}``" in str(module.check.__doc__)
    assert f"``{code}``" in str(Workflow.check.__doc__)


def test_w9_the_page_names_no_code_that_is_gone():
    """W9."""
    assert set(re.findall(r"^## (\S+)$", PAGE, re.MULTILINE)) == set(GIVEN)
