"""Draw ``architecture.svg`` from the imports: ``python docs/make_architecture.py``."""

from __future__ import annotations

import ast
import re
import textwrap
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from pathlib import Path
from zlib import crc32

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "mimo_rx"
PICTURE = Path(__file__).with_name("architecture.svg")

FACE = "__init__"
"""The public names. No row of the contract names them: all rooms stand behind them."""

WIDTH, MARGIN = 1040, 28
TOP, BOTTOM = 96, 22
"""Heights of the head and the foot, in pixels like all that follow."""
PADDING = 10
"""Between the border of a band and its boxes."""
NOTHING, STRAIGHT, BENT, FAR = 16, 30, 46, 62
"""Between two bands, by what the arrows do there."""
LANE = 20
"""Width that an arrow takes which passes a band."""
LINE, NAME = 16, 24
"""Height of a line of text, and of the line with a room's name."""
LETTER = 6.7
"""Width of a letter of a wide font, on average; the font is the reader's own."""
STARTS = 60
"""Orders of the bands to begin with, when the best one is looked for."""
PORT = 16
"""Between two arrows at one side of a box, at least."""

# For light and for dark pages. Each room that an arrow leads to has one of its own; the last one is
# for the others.
COLOURS = [
    ("#57606a", "#8b949e"),
    ("#1a7f37", "#3fb950"),
    ("#8250df", "#bc8cff"),
    ("#bc4c00", "#f0883e"),
    ("#0a7d91", "#39c5cf"),
    ("#9a6700", "#d8b13a"),
    ("#cf222e", "#ff7b72"),
    ("#bf3989", "#f778ba"),
    ("#3d5a80", "#9dbce0"),
    ("#0969da", "#58a6ff"),
    ("#a8b1bb", "#545d68"),
]


STYLE = """
  text { font: 12.5px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; \
fill: #24292f; }
  .head { font-size: 18px; font-weight: 600; }
  .name { font: 600 13.5px ui-monospace, "SF Mono", "DejaVu Sans Mono", monospace; }
  .small { font-size: 11.5px; fill: #57606a; }
  .page { fill: #ffffff; }
  .band { fill: #f3f5f8; }
  .box { fill: #ffffff; stroke: #d0d7de; stroke-width: 1; }
  .arrow { fill: none; stroke-width: 1.7; }
  LIGHT
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9da7b3; }
    .page { fill: #0d1117; }
    .band { fill: #161b22; }
    .box { fill: #0d1117; stroke: #3d444d; }
    DARK
  }
"""
HEAD = """\
A row imports the rows below it alone. An arrow leads from a room to one that it imports, \
in the colour of the room imported.
Arrows to one room share their way down. The last row is imported from everywhere: \
“+” names what a room takes of it."""

# What is in the project


def rows_of_contract() -> list[list[str]]:
    """Return the rows of the contract in ``pyproject.toml``, from the top down."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        each for each in project["tool"]["importlinter"]["contracts"] if each["id"] == "rows"
    )
    return [[room.strip() for room in row.split("|")] for row in contract["layers"]]


def imports() -> set[tuple[str, str]]:
    """Return who imports whom: pairs of rooms, with imports in functions and for type checkers."""
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        package = path.relative_to(ROOT).parent.parts
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found |= {(room, other) for other in _imported(node, package) if other != room}
    return found


def _imported(node: ast.AST, package: tuple[str, ...]) -> Iterator[str]:
    """Yield the rooms that a statement in a module of `package` imports."""
    modules: list[list[str]] = []
    if isinstance(node, ast.Import):
        modules = [each.name.split(".") for each in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = list(package[: len(package) - node.level + 1]) if node.level else []
        base += node.module.split(".") if node.module else []
        modules = [[*base, each.name] for each in node.names]
    for name, *rest in modules:
        if name == PACKAGE.name:
            is_room = bool(rest) and (_place(rest[0]).is_dir() or _place(rest[0]).is_file())
            yield rest[0] if is_room else FACE


def _place(room: str) -> Path:
    folder = PACKAGE / room
    return folder if folder.is_dir() else folder.with_suffix(".py")


def about(room: str) -> tuple[str, str, str]:
    """Return what a room is called, how large it is, and its sentence."""
    place = _place(room)
    title, size, source = place.name, "", place
    if place.is_dir():
        files = [path for path in place.rglob("*.py") if path.name != "__init__.py"]
        title, size, source = f"{room}/", f"{len(files)} files", place / "__init__.py"
    doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    sentence = doc.split("\n\n")[0].replace("\n", " ").replace("``", "").removesuffix(".")
    return title, size, re.sub(r":\w+:`(\w+)`", r"\1", sentence)


# Where everything is


@dataclass(eq=False)
class Item:
    """A box of a band, or a lane in which the arrows to a room pass the band."""

    room: str
    is_box: bool = True
    left: float = 0.0
    right: float = 0.0
    exits: dict[Item, float] = field(default_factory=dict)
    entries: dict[Item, float] = field(default_factory=dict)
    """Where arrows leave it and come in, by what is at their other end."""

    def within(self, x: float) -> float:
        """Return where an arrow touches it that would like to do so at `x`."""
        if not self.is_box:
            return (self.left + self.right) / 2
        return min(max(x, self.left + LANE / 2), self.right - LANE / 2)


@dataclass
class Arrow:
    """An import between two rooms, and what it passes on its way down."""

    source: str
    target: str
    way: list[Item]


class Layout:
    """Bands from the top to the ground, and the arrows between their boxes.

    Arrows to one room share their lanes, so each band has at most one lane for each room below it.
    """

    def __init__(self) -> None:
        self.rows = rows_of_contract()
        self.pairs = imports()
        self.ground = set(self.rows[-1])
        # The public names stand right below those that use them.
        users = [number for number, row in enumerate(self.rows) if self._uses_face(row)]
        self.rows.insert(max(users) + 1, [FACE])
        self.bands = [[Item(room) for room in row] for row in self.rows]
        self.row_of = {room: number for number, row in enumerate(self.rows) for room in row}
        self.boxes = {item.room: item for band in self.bands for item in band}
        self.arrows = [self._arrow(*pair) for pair in self._drawn()]
        led_to = {arrow.target for arrow in self.arrows}
        ordered = [room for row in self.rows for room in row if room in led_to]
        others = len(COLOURS) - 1
        self.colours = {room: number % others for number, room in enumerate(ordered)}
        self.colours |= dict.fromkeys(self.row_of.keys() - led_to, others)
        self._order()

    def _uses_face(self, row: list[str]) -> bool:
        return any((room, FACE) in self.pairs for room in row)

    def _drawn(self) -> list[tuple[str, str]]:
        """Return the imports that are arrows: what is below all, or above, is named in words."""
        drawn = [(a, b) for a, b in self.pairs if a != FACE and b not in self.ground]
        return sorted(drawn, key=lambda pair: (self.row_of[pair[1]], self.row_of[pair[0]], pair))

    def _arrow(self, source: str, target: str) -> Arrow:
        way = [self.boxes[source]]
        for band in self.bands[self.row_of[source] + 1 : self.row_of[target]]:
            lanes = [item for item in band if item.room == target]
            if not lanes:
                lanes = [Item(target, is_box=False)]
                band += lanes
            way += lanes
        return Arrow(source, target, [*way, self.boxes[target]])

    # Order in the bands: fewest crossings, then shortest ways

    def _order(self) -> None:
        number = {item: row for row, band in enumerate(self.bands) for item in band}
        between: list[list[tuple[Item, Item]]] = [[] for _ in self.bands]
        for step in dict.fromkeys(step for arrow in self.arrows for step in pairwise(arrow.way)):
            between[number[step[0]]].append(step)
        self.gaps = [_attach(steps) for steps in self._best(between)]
        for box in self.boxes.values():
            _part(box.exits, box)
            _part(box.entries, box)

    def _best(self, between: list[list[tuple[Item, Item]]]) -> list[list[tuple[Item, Item]]]:
        tried = []
        for start in range(STARTS):  # each leads to the best order near it
            for band in self.bands[:-1]:
                band.sort(key=lambda item: crc32(f"{start} {item.room} {item.is_box}".encode()))
            tried.append((self._improve(between), start, [list(band) for band in self.bands]))
        self.bands = min(tried, key=lambda each: each[:2])[2]
        for band in self.bands:
            _spread(band)
        return between

    def _improve(self, between: list[list[tuple[Item, Item]]]) -> float:
        """Move item after item to where it costs least; return what is left."""
        for band in self.bands:
            _spread(band)
        best = -1.0
        while (cost := sum(map(_cost, between))) != best:
            best = cost
            for row, band in enumerate(self.bands):
                near = between[max(0, row - 1) : row + 1]
                for item in list(band):
                    _settle(band, item, near)
        return best


def _spread(band: list[Item]) -> None:
    """Give the items of a band their places: lanes are narrow, and boxes share the rest."""
    boxes = sum(item.is_box for item in band)
    sides = sum(one.is_box and other.is_box for one, other in pairwise(band))
    inner = WIDTH - 2 * (MARGIN + PADDING) - LANE * (len(band) - boxes) - PADDING * sides
    x: float = MARGIN + PADDING
    before: Item | None = None
    for item in band:
        if before is not None and before.is_box and item.is_box:
            x += PADDING
        item.left = x
        x += inner / boxes if item.is_box else LANE
        item.right = x
        before = item


def _cost(steps: list[tuple[Item, Item]]) -> float:
    """Return what the arrows between two bands cost: crossings, and how far they go aside."""
    ends = [(upper, lower, *_touched(upper, lower)) for upper, lower in steps]
    cost = sum(abs(x - y) for _, _, x, y in ends)
    for place, (upper, lower, x, y) in enumerate(ends):
        for other, below, v, w in ends[:place]:
            if other is not upper and below is not lower and (x - v) * (y - w) < 0:
                cost += 1000
    return round(cost, 3)


def _touched(upper: Item, lower: Item) -> tuple[float, float]:
    """Return where an arrow leaves the upper one and comes into the lower one."""
    wanted = (max(upper.left, lower.left) + min(upper.right, lower.right)) / 2
    if upper.is_box != lower.is_box:
        wanted = (upper if lower.is_box else lower).within(0)
    return upper.within(wanted), lower.within(wanted)


def _attach(steps: list[tuple[Item, Item]]) -> int:
    """Fix where arrows touch what is above and below them; return the room that they need."""
    aside = -1.0
    for upper, lower in steps:
        x, y = upper.exits[lower], lower.entries[upper] = _touched(upper, lower)
        aside = max(aside, abs(x - y))
    return NOTHING if aside < 0 else STRAIGHT if aside < 0.1 else BENT if aside < 250 else FAR


def _settle(band: list[Item], item: Item, near: list[list[tuple[Item, Item]]]) -> None:
    """Put `item` where its band costs least."""
    here = band.index(item)
    costs = []
    for place in range(len(band)):
        band.remove(item)
        band.insert(place, item)
        _spread(band)
        costs.append((sum(map(_cost, near)), abs(place - here), place))
    band.remove(item)
    band.insert(min(costs)[2], item)
    _spread(band)


def _part(side: dict[Item, float], item: Item) -> None:
    """Keep the arrows at one side of a box apart, in their order."""
    order = sorted(side, key=lambda end: side[end])
    for one, next_ in pairwise(order):
        side[next_] = max(side[next_], side[one] + PORT)
    limit = item.right - LANE / 2
    for end in reversed(order):
        side[end] = min(side[end], limit)
        limit = side[end] - PORT


# What is drawn


class Box:
    """What stands in the box of a room."""

    def __init__(self, layout: Layout, item: Item) -> None:
        room = item.room
        self.title, self.size, sentence = about(room)
        fits = int((item.right - item.left - 26) / LETTER)
        self.lines = textwrap.wrap(sentence, fits, max_lines=4, placeholder=" …")
        self.below = ""
        if room == FACE:
            self.title = f"{PACKAGE.name}/__init__.py"
            self.size = "the public names"
            behind = sorted({other for source, other in layout.pairs if source == FACE} - {"_late"})
            self.below = f"loads a room when a name of it is first used: {', '.join(behind)}"
        elif used := sorted(layout.ground & {b for a, b in layout.pairs if a == room}):
            self.below = f"+ {', '.join(used)}"
        self.height = NAME + LINE * (len(self.lines) + bool(self.below)) + 12


def picture() -> str:
    """Return the text of the drawing."""
    layout = Layout()
    boxes = {room: Box(layout, item) for room, item in layout.boxes.items()}
    tops: list[float] = []
    heights = [max(boxes[room].height for room in row) for row in layout.rows]
    y = float(TOP)
    for row, height in enumerate(heights):
        tops.append(y)
        y += height + 2 * PADDING + layout.gaps[row]
    total = y - layout.gaps[-1] + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total:.0f}" '
        f'width="{WIDTH}" height="{total:.0f}" role="img" '
        'aria-label="The rooms of mimo_rx in rows, and which imports which">',
        f"<style>{_style()}</style>",
        *_heads(),
        f'<rect class="page" width="{WIDTH}" height="{total:.0f}" rx="8"/>',
        *_head(),
    ]
    for top, height in zip(tops, heights, strict=True):
        parts.append(
            f'<rect class="band" x="{MARGIN}" y="{top:.1f}" width="{WIDTH - 2 * MARGIN}" '
            f'height="{height + 2 * PADDING:.1f}" rx="8"/>'
        )
    parts += [_path(layout, arrow, tops, heights) for arrow in layout.arrows]
    for room, box in boxes.items():
        row = layout.row_of[room]
        parts += _box(
            layout.boxes[room], box, tops[row] + PADDING, heights[row], layout.colours[room]
        )
    return "\n".join([*parts, "</svg>", ""])


def _style() -> str:
    light, dark = (
        " ".join(
            f".c{n} {{ stroke: {each[is_dark]}; }} .f{n} {{ fill: {each[is_dark]}; }}"
            for n, each in enumerate(COLOURS)
        )
        for is_dark in (0, 1)
    )
    return STYLE.replace("LIGHT", light).replace("DARK", dark)


def _heads() -> Iterator[str]:
    """Yield the heads of the arrows, one of each colour."""
    for number in range(len(COLOURS)):
        yield (
            f'<marker id="head{number}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            f'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            f'<path class="f{number}" d="M0 0.6 L8 4 L0 7.4 Z"/></marker>'
        )


def _head() -> Iterator[str]:
    yield _text(MARGIN, 36, "The rooms of mimo_rx", "head")
    for number, line in enumerate(HEAD.splitlines()):
        yield _text(MARGIN, 58 + 18 * number, line, "small")


def _path(layout: Layout, arrow: Arrow, tops: list[float], heights: list[int]) -> str:
    """Draw an arrow: straight through the bands, bent between them."""
    row = layout.row_of[arrow.source]
    steps: list[str] = []
    for upper, lower in pairwise(arrow.way):
        x, end = upper.exits[lower], lower.entries[upper]
        foot = tops[row] + heights[row] + PADDING  # of the boxes of the upper band
        bend, row = foot + PADDING, row + 1
        steps.append(f"{'L' if steps else 'M'}{x:.1f} {foot:.1f} L{x:.1f} {bend - 4:.1f}")
        below = tops[row] - 4
        middle = (bend + below) / 2
        if abs(end - x) > 0.05:
            steps.append(f"C{x:.1f} {middle:.1f} {end:.1f} {middle:.1f} {end:.1f} {below:.1f}")
        steps.append(f"L{end:.1f} {tops[row] + PADDING:.1f}")
    number = layout.colours[arrow.target]
    return (
        f'<path class="arrow c{number}" data-from="{arrow.source}" data-to="{arrow.target}" '
        f'marker-end="url(#head{number})" d="{" ".join(steps)}">'
        f"<title>{arrow.source} imports {arrow.target}</title></path>"
    )


def _box(item: Item, box: Box, y: float, height: float, colour: int) -> Iterator[str]:
    """Draw a room: its colour, its name, its size, its sentence, and what it takes of the last."""
    left, width = item.left, item.right - item.left
    yield (
        f'<rect class="box" data-room="{item.room}" x="{left:.1f}" y="{y:.1f}" '
        f'width="{width:.1f}" height="{height:.1f}" rx="6"/>'
    )
    yield (
        f'<rect class="f{colour}" x="{left + 1:.1f}" y="{y + 8:.1f}" width="3.5" '
        f'height="{height - 16:.1f}" rx="1.5"/>'
    )
    yield _text(left + 14, y + 21, box.title, "name")
    if box.size:
        yield _text(item.right - 12, y + 21, box.size, "small", "end")
    y += NAME
    for line in box.lines:
        y += LINE
        yield _text(left + 14, y, line)
    if box.below:
        yield _text(left + 14, y + LINE, box.below, "small")


def _text(x: float, y: float, words: str, name: str = "", anchor: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    at = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}{at}>{escape(words)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
