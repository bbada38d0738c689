"""The hot path is reached through its inner interface alone, so that a twin can take its place."""

import ast
from pathlib import Path

import pytest

import mimo_rx
from mimo_rx._inner import hidden

ROOMS = Path(mimo_rx.__file__).parent
ROW = "buffer burst gate inner link output port process push pushed"
HOT = {f"_{name}.py" for name in ROW.split()}
OTHERS = [path for path in sorted(ROOMS.rglob("*.py")) if path.name not in HOT]
COMMON = {"closed", "deliver", "loop", "over", "parked", "release", "settle", "stop", "stopped"}
COMMON |= {"wait"}
"""Names that other things have too."""


def accessed(path):
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOMS)))
def test_no_other_room_reaches_past_the_inner_interface(path):
    telling = {name for name in hidden() - COMMON if not name.startswith("_")}
    assert {"near", "room", "ticks", "untick", "push_slowly", "give_up"} <= telling
    assert accessed(path) & telling == set()
