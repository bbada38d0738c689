"""The line of progress, drawn on a terminal that writes down what it is sent."""

import asyncio
import contextlib
import io
import sys
from typing import Any

import pytest

from helpers import run
from mimo_rx import Workflow
from mimo_rx.cli._progress import Progress, _fitting
from runs import add, collector, forever

ERASE = "\r\x1b[K"
LINE = f"{ERASE}0 s: 0 items moved, 1 of 1 steps run"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def shown(workflow: Workflow, act: Any = None, screen: Any = None) -> str:
    """Return what the terminal is sent in a run; `act` is called after the line was drawn once."""
    screen = screen or Screen()

    async def main() -> None:
        progress = Progress()
        with progress.below():
            async with workflow.open() as opened:
                progress.follow(opened)
                if act is not None:
                    await asyncio.sleep(0.3)
                    act()
                    await asyncio.sleep(0.2)
                    opened.cancel()

    with contextlib.redirect_stdout(screen), contextlib.redirect_stderr(screen):
        run(main())
    text: str = screen.getvalue()
    return text


def endless() -> Workflow:
    workflow = Workflow()
    add(workflow, forever)
    return workflow


def test_what_is_printed_takes_the_line_away_and_the_next_drawing_comes_below():
    sent = shown(endless(), lambda: print("printed"))
    assert sent == f"{LINE}{ERASE}printed\n{LINE}{ERASE}"


def test_an_open_line_is_not_drawn_over():
    """A program that prints dots keeps them."""
    assert shown(endless(), lambda: print(".", end="")) == f"{LINE}{ERASE}."


def test_lines_and_bytes_are_printed_above_it_as_well():
    sent = shown(endless(), lambda: sys.stderr.writelines(["a\n", "b\n"]))
    assert sent == f"{LINE}{ERASE}a\nb\n{LINE}{ERASE}"

    class Binary(Screen):
        buffer = io.BytesIO()

    screen = Binary()
    sent = shown(endless(), lambda: sys.stderr.buffer.write(b"bytes\n"), screen)
    assert sent == f"{LINE}{ERASE}{LINE}{ERASE}"
    assert screen.buffer.getvalue() == b"bytes\n"


@pytest.mark.parametrize(
    ("text", "width", "fitting"),
    [("abc", 3, "abc"), ("abc", 2, "ab"), ("abc", 0, ""), ("蟒蛇b", 4, "蟒蛇"), ("a蟒", 2, "a")],
)
def test_it_is_cut_at_the_columns_that_it_takes(text, width, fitting):
    assert _fitting(text, width) == fitting


def test_it_tells_items_steps_and_the_bottleneck():
    workflow = Workflow(threshold=2)

    async def source(ins, outs, state):
        for number in range(9):
            await outs.x.push(number)

    async def slow(ins, outs, state):
        async for item in ins.x:
            await asyncio.sleep(1)
            await outs.y.push(item)

    first = add(workflow, source, outs="x", name="source")
    first | add(workflow, slow, "x", "y", name="slow\x1b[2J") | add(workflow, collector([]), "x")
    *_, line, end = shown(workflow).split(ERASE)
    assert line == "9 s: 17 items moved, 2 of 3 steps run, bottleneck: slow\\x1b[2J"
    assert end == ""
