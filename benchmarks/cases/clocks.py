"""The cost of the statistics (P11): the job as it is, and without the clocks of its waits.

All counts of the statistics are derived from values that a run keeps anyway. Only the clocks of
waits are kept for the statistics alone. The contender without them runs the same functions of the
library, with each statement that mentions the clock removed.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.measure import Case, Contender, at_most
from benchmarks.ways.common import doubled
from benchmarks.ways.mimo import line
from mimo_rx._ports.buffer import Buffer
from mimo_rx._ports.output import Output

__all__ = ["CLOCKS"]

CLOCK = "clock"
"""The name of the local variable that holds the clock."""


class WithoutClock(ast.NodeTransformer):
    """Remove the statements that mention the clock, and count them."""

    def __init__(self) -> None:
        self.taken_out = 0

    def visit(self, node: ast.AST) -> Any:
        small = isinstance(node, ast.Assign | ast.AugAssign | ast.If)
        names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
        if small and CLOCK in names:
            self.taken_out += 1
            return None
        node = self.generic_visit(node)
        if isinstance(node, ast.Try) and not (node.handlers or node.finalbody):
            return node.body
        return node


def without_clock(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` without the statements that mention the clock."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    cut = WithoutClock()
    tree = ast.fix_missing_locations(cut.visit(tree))
    if cut.taken_out < 2:
        raise RuntimeError(f"{function.__qualname__} mentions no clock; look for it elsewhere")
    made: dict[str, Any] = {}
    exec(compile(tree, inspect.getfile(function), "exec"), vars(inspect.getmodule(function)), made)
    stripped: Callable[..., Any] = made[function.__name__]
    return stripped


CHANGED = [
    (cls, name, without_clock(getattr(cls, name)))
    for cls, name in ((Buffer, "wait"), (Buffer, "waited"), (Output, "wait_for_room"))
]


@contextmanager
def no_clocks() -> Iterator[None]:
    """Run waits without clocks during the block."""
    usual = [(cls, name, getattr(cls, name)) for cls, name, _ in CHANGED]
    for cls, name, changed in CHANGED:
        setattr(cls, name, changed)
    try:
        yield
    finally:
        for cls, name, function in usual:
            setattr(cls, name, function)


def line_without_clocks(items: int) -> int:
    with no_clocks():
        return line(3, items)


MAKE = partial(Contender, expected=partial(doubled, 3), hops=2, share=2, is_ours=True)

CLOCKS = Case(
    "statistics",
    "What the statistics cost",
    "All counts are derived from values that a run keeps anyway; only the clocks of waits are not. "
    "Three stages, item by item, with the library as it is and with those clocks removed.",
    (
        MAKE("no-clocks", "mimo_rx, without statistics of time", line_without_clocks),
        MAKE(
            "clocks", "mimo_rx, with them", partial(line, 3), against=(at_most(1.03, "no-clocks"),)
        ),
    ),
    is_quick=False,
)
