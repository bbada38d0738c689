"""Tables, for a terminal and in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.program import Comparison, Measured, Row

__all__ = ["figure", "figures", "targets", "to_markdown", "to_text"]

HEAD: tuple[str, ...] = ("", "best", "median", "to ours", "to the baseline")
TARGETS: tuple[str, ...] = ("", "figure", "against", "ratio", "target", "")
RIGHT = {HEAD: (1, 2, 3, 4), TARGETS: (1, 3, 4)}
"""The columns with numbers, by the head of the table."""


def figure(value: float, unit: str) -> str:
    """Return a figure with its unit, as text."""
    digits = {"MB": 2, "ms": 1, "ns": 0}[unit]
    if unit == "ns" and value >= 100_000:
        return f"{value / 1000:,.0f} µs"
    return f"{value:,.{digits}f} {unit}"


def times(value: float) -> str:
    """Return a ratio as text."""
    return f"{value:.2f}×" if value < 100 else f"{value:,.0f}×"


def figures(measured: Measured) -> list[tuple[str, ...]]:
    """Lay out the figures of a case: best, median, and ratios to mimo_rx and to the baseline."""
    rows = measured.rows
    ours = next((row for row in rows if row.is_ours), None)
    base = next((row for row in rows if row.key == measured.case.baseline), None)

    def to(row: Row, other: Row | None) -> str:
        return "" if other is None else times(row.best / other.best)

    return [
        HEAD,
        *(
            (
                row.title,
                figure(row.best, row.unit),
                figure(row.median, row.unit),
                to(row, ours),
                to(row, base),
            )
            for row in rows
        ),
    ]


def targets(many: Iterable[Measured]) -> list[tuple[str, ...]]:
    """Lay out the targets, and whether each is met."""
    return [TARGETS, *(line for each in many for line in _asked(each))]


def _asked(measured: Measured) -> Iterator[tuple[str, ...]]:
    for each in measured.comparisons():
        if each.met is None:
            continue
        yield (
            f"{measured.case.name}: {each.row.title}",
            figure(each.row.best, each.row.unit),
            "" if each.other is None else each.other.title,
            _ratio(each),
            str(each.against) + ("" if each.other is not None else f" {each.row.unit}"),
            "met" if each.met else "MISSED",
        )


def _ratio(comparison: Comparison) -> str:
    if comparison.other is None:
        return ""
    meaning = "as fast" if comparison.against.is_speed else "the time"
    near = comparison.against.is_near(comparison.figure)
    return f"{comparison.figure:.{3 if near else 2}f}× {meaning}"


def to_text(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Lay a table out for a terminal."""
    right = RIGHT[lines[0]]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]

    def line(texts: Iterable[str]) -> str:
        return "  ".join(
            text.rjust(width) if number in right else text.ljust(width)
            for number, (text, width) in enumerate(zip(texts, widths, strict=True))
        ).rstrip()

    head, *rest = map(line, lines)
    return [head, "-" * max(map(len, [head, *rest])), *rest]


def to_markdown(lines: Sequence[tuple[str, ...]]) -> list[str]:
    """Lay a table out in Markdown."""
    right = RIGHT[lines[0]]

    def line(texts: Iterable[str]) -> str:
        return f"| {' | '.join(texts)} |"

    marks = ["---:" if number in right else "---" for number in range(len(lines[0]))]
    escaped = [[text.replace("|", "\\|") for text in texts] for texts in lines]
    return [line(escaped[0]), line(marks), *map(line, escaped[1:])]
