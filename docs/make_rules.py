"""Fill in the code and tests of each rule in ``rules.md``: ``python docs/make_rules.py``.

The page itself holds the text of each rule, under a heading that is its number. This program
makes the last paragraph of each, which begins with ``> ``. The home of a rule is the file of
``mimo_rx`` whose module docstring ends with a line that names it, such as ``Rules: P3, P5.``
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).parents[1]
PAGE = Path(__file__).with_name("rules.md")

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

NUMBER = r"[SWPCEDRL]\d+[a-z]?"
_HOME = re.compile(rf"\nRules: ({NUMBER}(?:,\s{NUMBER})*)\.$")
_NAMED = re.compile(rf"test_({NUMBER})_", re.IGNORECASE)
_QUOTED = re.compile(rf"{NUMBER}(?:, {NUMBER})*\b")
_RULE = re.compile(rf"^### ({NUMBER})\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


def page(text: str) -> str:
    """Return the text of the page with its homes and tests as they are now."""
    held, tests = homes(), proofs()

    def filled(rule: re.Match[str]) -> str:
        number, statement = rule[1], re.sub(r"^> .*\n*", "", rule[2], flags=re.MULTILINE)
        code = ", ".join(_link(f"mimo_rx/{home}", home) for home in held.get(number, []))
        # Those with the most tests first.
        counts = sorted(tests.get(number, {}).items(), key=lambda each: (-each[1], each[0]))
        proved = ", ".join(f"{_link(f'tests/{name}', name)} ({count})" for name, count in counts)
        return (
            f"### {number}\n\n{statement.strip()}\n\n"
            f"> Code: {code or 'none'}. Tests: {proved or 'none'}.\n\n"
        )

    return _RULE.sub(filled, text).rstrip("\n") + "\n"


def stated(text: str) -> list[str]:
    """Return the numbers of the rules that the page states."""
    return [rule[1] for rule in _RULE.finditer(text)]


def homes() -> dict[str, list[str]]:
    """Return the files of ``mimo_rx`` that say that they hold a rule, by its number."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "mimo_rx").rglob("*.py")):
        doc = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        line = _HOME.search(doc)
        for number in re.findall(NUMBER, line[1]) if line else ():
            found.setdefault(number, []).append(_name(path, "mimo_rx"))
    return found


def proofs() -> dict[str, Counter[str]]:
    """Return how many tests of each file prove a rule, by its number."""
    found: dict[str, Counter[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test in _tests(ast.parse(path.read_text(encoding="utf-8"))):
            for number in proved_by(test):
                found.setdefault(number, Counter())[_name(path, "tests")] += 1
    return found


def proved_by(test: Function) -> set[str]:
    """Return the numbers that its name or its docstring begins with."""
    named = _NAMED.match(test.name)
    quoted = _QUOTED.match(ast.get_docstring(test) or "")
    numbers = set(re.findall(NUMBER, quoted[0])) if quoted else set()
    if named:
        numbers.add(named[1][0].upper() + named[1][1:])
    return numbers


def _tests(module: ast.Module) -> Iterator[Function]:
    for node in ast.walk(module):
        if isinstance(node, Function) and node.name.startswith("test_"):
            yield node


def _name(path: Path, folder: str) -> str:
    return path.relative_to(ROOT / folder).as_posix()


def _link(path: str, name: str) -> str:
    return f"[`{name}`](../{path})"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
