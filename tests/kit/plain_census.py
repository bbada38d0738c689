"""The census as a plain loop: slow, simple, and independent of the example that it checks."""

import ast
import io
import re
import tokenize
import warnings
from collections import Counter, defaultdict

from census import is_uncommon


def plain_loop(root, top):
    """Do what the census does in a loop over all files, with the help of ``ast``."""
    packages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    longest, modules, words, prefixes = (Counter[str]() for _ in range(4))
    unreadable = 0
    for path in root.rglob("*.py"):
        name = path.relative_to(root)
        inner = name.parts[:-1]
        if path.is_dir() or any(part[0] == "." or "-packages" in part for part in inner):
            continue
        try:
            with tokenize.open(path) as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                text = file.read()
                tree = ast.parse(text)
        except (OSError, SyntaxError, ValueError, LookupError):
            unreadable += 1
            continue
        comments, strings, inside = loop_over_tokens(text)
        lines = text.split("\n")[: -1 if text.endswith("\n") or not text else None]
        kinds = Counter(kinds_of_lines(lines, tree, comments, inside))
        row = packages[inner[0] if inner else "(top level)"]
        row.update(kinds, files=1, lines=len(lines), strings=len(strings))
        longest[str(name)] = len(lines)
        modules.update(imports_of(tree))
        for comment, _ in comments:
            found = re.findall(r"[^\W\d_]+", comment.lower())
            words.update(word for word in found if len(word) > 3 and is_uncommon(word))
        for string in strings:
            letters = re.findall("^[a-zA-Z]*", string.lower())
            prefixes["".join(sorted(*letters)) or "(none)"] += 1
    rankings = [
        sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:top]
        for counts in (longest, modules, words, prefixes)
    ]
    return {name: +row for name, row in packages.items()}, rankings, unreadable


def loop_over_tokens(text):
    comments, strings, inside = [], [], set[int]()
    starts = []  # of f-strings
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "COMMENT":
            comments.append((token.string, token.start))
        elif kind in ("FSTRING_START", "TSTRING_START"):
            starts.append(token)
        if kind == "STRING" and not starts:
            strings.append(token.string)
            inside.update(range(token.start[0], token.end[0] + 1))
        elif kind in ("FSTRING_END", "TSTRING_END"):
            start = starts.pop()
            inside.update(range(start.start[0], token.end[0] + 1))
            if not starts:
                strings.append(start.string)
    return comments, strings, inside


def kinds_of_lines(lines, tree, comments, inside):
    docs = {
        row
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
        and is_alone(lines, node)
        for row in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    remarks = {row for _, (row, column) in comments if not lines[row - 1][:column].strip()}
    for row, line in enumerate(lines, start=1):
        if row in docs:
            yield "docs"
        elif row in remarks:
            yield "comments"
        else:
            yield "code" if line.strip() or row in inside else "blank"


def is_alone(lines, node):
    before = lines[node.lineno - 1].encode()[: node.col_offset].strip()
    after = lines[node.end_lineno - 1].encode()[node.end_col_offset :].strip()
    return not before and (not after or after.startswith(b"#"))


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            assert node.module
            yield node.module
