"""The parts of one file of Python source: lines, comments, strings and imports.

Each line is of one of four kinds. A *comment* line holds nothing but a comment. A *docs* line
belongs to a statement that consists of strings only, anywhere in the file. A *blank* line is empty
or white space. All others are *code*. Text inside a string is part of the string, even if it looks
like a comment or a blank line. A whole f-string is one string.
"""

from __future__ import annotations

import io
import re
import stat
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

UNREADABLE = (OSError, SyntaxError, tokenize.TokenError, ValueError, LookupError, MemoryError)
"""The exceptions that :func:`load` and :func:`dissect` raise."""

IMPORT = re.compile(r"(?:^|[;:] )(?:from (.+?) import\b|import ([^;]+))")
QUOTES = {"'", '"'}
STRAY = {"$", "?", "!", "`", *QUOTES}
LAYOUT = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
# An f-string is one token up to Python 3.11, and several tokens later. 3.14 added t-strings.
OPENING = {getattr(tokenize, name, None) for name in ("FSTRING_START", "TSTRING_START")}
CLOSING = {getattr(tokenize, name, None) for name in ("FSTRING_END", "TSTRING_END")}


class Lines(NamedTuple):
    """The number of lines of each kind in a file."""

    file: str
    code: int
    comments: int
    docs: int
    blank: int

    @property
    def total(self) -> int:
        """The number of all lines."""
        return sum(self[1:])

    def by_kind(self) -> dict[str, int]:
        """Return the lines by the name of their kind."""
        return dict(zip(KINDS, self[1:], strict=True))


KINDS = Lines._fields[1:]


class Piece(NamedTuple):
    """A comment, a string literal or the name of an imported module, with its file."""

    file: str
    text: str


class Unreadable(NamedTuple):
    """A file, or a directory, that cannot be read."""

    file: str
    reason: str


class Parts(NamedTuple):
    """The parts of one file."""

    lines: Lines
    comments: Sequence[Piece]
    strings: Sequence[Piece]
    imports: Sequence[Piece]


def load(path: Path) -> str:
    """Return the text of a file, decoded as Python decodes source.

    Raises:
        Exception: One of `UNREADABLE`.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("not a regular file")  # a pipe might never end
    data = path.read_bytes()
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    source = io.TextIOWrapper(io.BytesIO(data), encoding).read()
    if "\0" in source:
        raise ValueError("null bytes")
    return source


def dissect(file: str, source: str) -> Parts:
    """Return the parts of a file.

    Raises:
        Exception: One of `UNREADABLE`, if the file cannot be tokenised.
    """
    comments, strings, modules = list[str](), list[str](), list[str]()
    lines = source.removesuffix("\n").split("\n") if source else []
    remarks, docs, inside = 0, 0, set[int]()  # counts of lines; numbers of lines inside strings
    words, begin = list[str](), 0  # tokens of the statement but plain strings; their first line
    depth, opened = 0, 0  # nesting of f-strings; first line of the outermost one
    readline = io.StringIO(source).readline
    for kind, token, (first, column), (last, _), _ in tokenize.generate_tokens(readline):
        if not depth and (token in STRAY or (kind == tokenize.ERRORTOKEN and len(token) > 1)):
            raise SyntaxError(f"unexpected {token[0]}", (file, first, column, ""))
        if kind == tokenize.COMMENT and not depth:
            comments.append(token)
            remarks += not lines[first - 1][:column].strip()
        elif kind == tokenize.STRING or kind in OPENING:
            if not depth:
                strings.append(token)
                begin, opened = begin or first, first
            if token.lstrip("rRuU")[0] not in QUOTES:  # bytes and f-strings are not docs
                words.append("")
            depth += kind in OPENING
            inside.update(range(first, last + 1))
        elif kind in CLOSING:
            depth -= 1
            inside.update(range(opened, last + 1))
        elif kind == tokenize.NEWLINE:
            docs += first - begin + 1 if begin and not words else 0
            modules += imported(words)
            words, begin = [], 0
        elif kind not in LAYOUT:
            words.append("" if depth else token)
    blank = sum(not line.strip() and row not in inside for row, line in enumerate(lines, start=1))
    counted = Lines(file, len(lines) - remarks - docs - blank, remarks, docs, blank)
    return Parts(
        counted, *([Piece(file, text) for text in texts] for texts in (comments, strings, modules))
    )


def imported(words: Sequence[str]) -> Iterator[str]:
    """Yield the modules that a statement imports; relative ones begin with a dot."""
    if "import" in words:
        for origin, names in IMPORT.findall(" ".join(words)):
            for name in [origin] if origin else names.split(","):
                yield name.partition(" as ")[0].replace(" ", "")


def reason(error: BaseException) -> str:
    """Return in a few words why a file cannot be read."""
    match error:
        case OSError(strerror=str(why)):
            return why
        case UnicodeDecodeError():
            return f"not {error.encoding} at byte {error.start:,}"
        case SyntaxError(msg=why, lineno=int(line)) | tokenize.TokenError(args=(why, (line, _))):
            return f"{why} in line {line}"
    return str(error) or type(error).__name__
