"""The page on rules: it is up to date, and every rule has one home and a test."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAKER = runpy.run_path(str(ROOT / "docs" / "make_rules.py"))
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
RULES = MAKER["stated"](PAGE)
HOMES = MAKER["homes"]()
PROOFS = MAKER["proofs"]()
QUOTING = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "mimo_rx").rglob("*.py")),
]


def test_the_page_on_rules_is_what_the_sources_make():
    """After a change of tests or homes, `python docs/make_rules.py` makes it anew."""
    assert MAKER["page"](PAGE) == PAGE


def test_the_page_states_every_rule_once():
    assert len(RULES) == len(set(RULES)) == PAGE.count("\n### ")


def test_the_rules_stand_in_their_order():
    places = [("SWPCEDRL".index(rule[0]), int(re.findall(r"\d+", rule)[0]), rule) for rule in RULES]
    assert places == sorted(places)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_one_home(rule):
    """The last line of its module docstring says so: `Rules: P3, P5.`"""
    assert len(HOMES.get(rule, [])) == 1


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_test(rule):
    """Its name or its docstring begins with the number."""
    assert PROOFS.get(rule), f"no test proves {rule}: name one `test_{rule.lower()}_...`"


def test_homes_and_tests_name_no_rule_that_the_page_lacks():
    assert not {*HOMES, *PROOFS} - {*RULES}


@pytest.mark.parametrize("path", QUOTING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_rule_that_is_quoted_is_on_the_page(path):
    """Numbers of ruff's rules look alike: they stand behind `noqa`."""
    text = re.sub(r"# noqa:.*", "", path.read_text(encoding="utf-8"))
    assert set(re.findall(rf"\b{MAKER['NUMBER']}\b", text)) <= {*RULES}


def test_every_line_that_names_the_rules_of_a_file_is_understood():
    """Else a slip in such a line would take their home from its rules."""
    for path in sorted((ROOT / "mimo_rx").rglob("*.py")):
        lines = re.findall(r"^Rules?:.*$", path.read_text(encoding="utf-8"), re.MULTILINE)
        named = sorted(re.findall(MAKER["NUMBER"], " ".join(lines)))
        home = path.relative_to(ROOT / "mimo_rx").as_posix()
        assert named == sorted(rule for rule in HOMES if home in HOMES[rule]), home
