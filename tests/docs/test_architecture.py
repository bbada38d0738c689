"""The drawing of the rooms is what the imports say, and the page on them is true."""

import ast
import re
import runpy
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
PICTURE = (DOCS / "architecture.svg").read_text(encoding="utf-8")
MAKER = runpy.run_path(str(DOCS / "make_architecture.py"))
ROWS = {room: row for row, rooms in enumerate(MAKER["rows_of_contract"]()) for room in rooms}
FACE = MAKER["FACE"]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def arrows() -> list[ElementTree.Element]:
    drawn = ElementTree.fromstring(PICTURE).iter("{http://www.w3.org/2000/svg}path")
    return [path for path in drawn if path.get("data-from")]


def test_the_drawing_is_what_the_imports_make():
    """After a change, `python docs/make_architecture.py` makes it anew."""
    assert MAKER["picture"]() == PICTURE


def test_no_arrow_runs_upwards():
    """On the paper, at any point of its way."""
    for arrow in arrows():
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", arrow.get("d", ""))]
        heights = numbers[1::2]
        assert all(upper <= lower for upper, lower in pairwise(heights)), arrow.get("data-from")
        assert heights[0] < heights[-1]


def test_no_import_runs_upwards():
    """Whether it is drawn or named; the public names stand above all but the command line."""
    for source, target in MAKER["imports"]():
        if FACE not in (source, target):
            assert ROWS[source] < ROWS[target], (source, target)
        elif target == FACE:
            assert source == "cli"


def test_every_import_is_an_arrow_or_is_named():
    drawn = {(arrow.get("data-from"), arrow.get("data-to")) for arrow in arrows()}
    ground = {room for room, row in ROWS.items() if row == max(ROWS.values())}
    left = {pair for pair in MAKER["imports"]() - drawn if pair[0] != FACE}
    assert drawn <= MAKER["imports"]()
    assert {target for _, target in left} <= ground


@pytest.mark.parametrize("room", ROWS)
def test_every_room_is_drawn_and_described(room):
    """In a box of the drawing, and in a row of the table of the page."""
    assert PICTURE.count(f'data-room="{room}"') == 1
    assert len(re.findall(rf"^\| `{room}(?:/|\.py)` \|.*\|$", PAGE, re.MULTILINE)) == 1


def test_every_file_and_folder_that_the_page_names_is_there():
    for name in set(re.findall(r"`([\w/.]+(?:\.pyi?|\.md|/))`", PAGE)):
        places = [ROOT / name, ROOT / "mimo_rx" / name, DOCS / name]
        assert any(place.exists() for place in places), name


def members() -> dict[str, set[str]]:
    """Return what each class of the package defines itself, or sets of its instances."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "mimo_rx").rglob("*.py"):
        for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(each, ast.ClassDef):
                names = found.setdefault(each.name, set())
                names |= {node.name for node in each.body if isinstance(node, FUNCTIONS)}
                names |= {node.attr for node in ast.walk(each) if isinstance(node, ast.Attribute)}
    return found


def test_every_method_that_the_page_names_is_there():
    """The walks would else lead through functions that are gone."""
    there = members()
    named = set(re.findall(r"`([A-Z]\w+)\.(\w+)`", PAGE))
    assert len(named) >= 30
    for owner, name in named:
        assert name in there[owner], f"{owner}.{name}"
