"""A bar chart as SVG, on a logarithmic scale, for light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10

from benchmarks.program import Measured, Row
from benchmarks.table import figure

__all__ = ["chart"]

WIDTH = 880
LEFT, RIGHT = 270, 130
"""Width of the names on the left and of the figures on the right, in pixels."""
ROW, GAP, TOP = 21, 44, 84
"""Heights of a bar with its space, of the title of a case, and of the head, in pixels."""

STYLE = """
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; \
fill: #24292f; }
  .head { font-size: 17px; font-weight: 600; }
  .case { font-weight: 600; }
  .small { font-size: 11.5px; fill: #57606a; }
  .ours { font-weight: 600; }
  .bar { fill: #a9b4c0; }
  .bar.mine { fill: #1a7f5a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9da7b3; }
    .bar { fill: #56616d; }
    .bar.mine { fill: #3fb98a; }
    .grid { stroke: #30363d; }
  }
"""


def chart(many: Sequence[Measured], about: Sequence[str]) -> str:
    """Draw the cases with `is_drawn`.

    Args:
        many: The measured cases.
        about: The lines below the chart: the machine, the versions.

    Returns:
        The text of the SVG; empty if no case of `many` is drawn.
    """
    drawn = [(each.case.title, each.rows) for each in many if each.case.is_drawn]
    if not drawn:
        return ""
    scale = Scale([row.best for _, rows in drawn for row in rows])
    body = sum(GAP + ROW * len(rows) for _, rows in drawn)
    height = TOP + body + 34 + 17 * len(about)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" '
        'aria-label="Time of an item and hop, for mimo_rx and its alternatives">',
        f"<style>{STYLE}</style>",
        text(16, 28, "Time of an item and hop: shorter is faster", "head"),
        text(16, 48, "The scale is logarithmic: each line is ten times the one before.", "small"),
        *scale.lines(TOP, TOP + body + 6),
    ]
    y = TOP
    for title, rows in drawn:
        parts.append(text(16, y + 30, title, "case"))
        y += GAP
        for row in sorted(rows, key=lambda row: row.best):
            parts += bar(row, y, scale)
            y += ROW
    parts += [text(16, y + 44 + 17 * number, line, "small") for number, line in enumerate(about)]
    return "\n".join([*parts, "</svg>", ""])


class Scale:
    """The logarithmic scale of the chart.

    Args:
        figures: All figures that are drawn, in ns.
    """

    def __init__(self, figures: Sequence[float]) -> None:
        # The scale begins well below the smallest figure, so that its bar can be seen.
        self.first = floor(log10(min(figures)) - 0.3)
        self.last = max(ceil(log10(max(figures))), self.first + 1)

    def x(self, value: float) -> float:
        """Return the x coordinate of `value`, in pixels."""
        part = (log10(value) - self.first) / (self.last - self.first)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def lines(self, top: float, bottom: float) -> Iterator[str]:
        """Yield a line for each power of ten, with its label above it."""
        for power in range(self.first, self.last + 1):
            x = self.x(10.0**power)
            yield f'<line class="grid" x1="{x:.1f}" y1="{top}" x2="{x:.1f}" y2="{bottom}"/>'
            yield text(x, top - 6, nanoseconds(power), "small", "middle")


def nanoseconds(power: int) -> str:
    """Return the label of a power of ten, given in nanoseconds."""
    if power < 3:
        return f"{10.0**power:g} ns"
    return f"{10 ** (power - 3):,} µs" if power < 6 else f"{10 ** (power - 6):,} ms"


def bar(row: Row, y: float, scale: Scale) -> Iterator[str]:
    """Yield the name, the bar and the figure of a row."""
    end = scale.x(row.best)
    name, mine = ("ours", " mine") if row.is_ours else ("", "")
    yield text(LEFT - 10, y + 14, row.title, name, "end")
    yield (
        f'<rect class="bar{mine}" x="{LEFT}" y="{y + 2}" width="{max(1.0, end - LEFT):.1f}" '
        f'height="{ROW - 6}" rx="2"/>'
    )
    yield text(end + 7, y + 14, figure(row.best, row.unit), name)


def text(x: float, y: float, words: str, name: str = "", anchor: str = "") -> str:
    """Return a text element."""
    kind = f' class="{name}"' if name else ""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{at}>{escape(words)}</text>'
