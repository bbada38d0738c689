"""Splits blocks of bytes into blocks of lines."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator

from .files import BLOCK

__all__ = ["Lines"]


class Lines:
    """The lines of one file, as ``open()`` gives them, in blocks.

    Args:
        path: The name of the file, for errors.
        read: Reads up to a number of bytes, and returns none at the end.
        encoding: The encoding of the file; a byte-order mark before UTF-8 is skipped.
        errors: How bytes that cannot be decoded are handled, as in ``open()``.
        max_line: The longest line allowed, in characters.
        keep_ends: Whether lines keep their ends as they are; otherwise the ends are removed.
    """

    def __init__(
        self,
        path: str,
        read: Callable[[int], bytes],
        encoding: str,
        errors: str,
        max_line: int,
        *,
        keep_ends: bool = False,
    ) -> None:
        self.path = path
        self.count = 0
        """The number of lines in the blocks before the last one yielded."""
        self._read = read
        self._encoding = encoding
        self._max_line = max_line
        self._split = _split_keeping if keep_ends else _split
        codec = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
        decoder = codecs.getincrementaldecoder(codec)(errors)
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=not keep_ends)
        self._begun: list[str] = []  # parts of the line that has no end yet
        self._length = 0

    def blocks(self, size: int = BLOCK) -> Iterator[list[str]]:
        """Yield the lines in lists, one for each block of at most `size` bytes.

        Raises:
            UnicodeDecodeError: A line cannot be decoded; those before it have been yielded.
            ValueError: A line is too long; those before it have been yielded.
        """
        while True:
            data = self._read(size)
            before = self._decoder.getstate()
            bad: UnicodeDecodeError | None = None
            try:
                text = self._decoder.decode(data, not data)
            except UnicodeDecodeError as error:
                bad = error
                text = self._decode_good(data, before)
            yield from self._lines(text)
            if bad is not None:
                raise self._undecodable(bad)
            if not data:
                break
        last = "".join(self._begun)
        if last:
            yield [last]

    def where(self, line: int) -> str:
        """Return text that names `line`, counted from 1, and its file, for errors."""
        return f"line {line} of {'stdin' if self.path == '-' else repr(self.path)}"

    def _lines(self, text: str) -> Iterator[list[str]]:
        longest = self._length + len(text)  # no line in `text` can be longer
        lines = self._split(text)
        rest = lines.pop()
        if lines:
            self._begun.append(lines[0])
            lines[0] = "".join(self._begun)
            self._begun.clear()
            self._length = 0
            if longest > self._max_line:
                yield from self._check(lines)
            yield lines
            self.count += len(lines)
        self._begun.append(rest)
        self._length += len(rest)
        if self._length > self._max_line:
            raise self._too_long(self.count + 1)

    def _check(self, lines: list[str]) -> Iterator[list[str]]:
        for index, line in enumerate(lines):
            if len(line) > self._max_line:
                yield lines[:index]
                raise self._too_long(self.count + index + 1)

    def _too_long(self, line: int) -> ValueError:
        return ValueError(
            f"{self.where(line)} is longer than max_line, {self._max_line:,} characters"
        )

    def _decode_good(self, data: bytes, state: tuple[bytes, int]) -> str:
        """Decode the bytes before those that cannot be decoded."""
        self._decoder.setstate(state)
        text = []
        try:
            for index in range(len(data)):
                text.append(self._decoder.decode(data[index : index + 1]))  # noqa: PERF401 # up to the error
        except UnicodeDecodeError:
            pass
        if self._decoder.getstate()[1] & 1:
            text.append("\n")  # for the "\r" that the decoder held back, as "\n" might follow
        return "".join(text)

    def _undecodable(self, error: UnicodeDecodeError) -> UnicodeDecodeError:
        """Return `error` with its position in the line, not in the block."""
        try:
            before = "".join(self._begun).encode(self._encoding)
        except UnicodeEncodeError:
            before = b""
        bad = error.object[error.start : error.end]
        reason = f"{error.reason}, in {self.where(self.count + 1)}"
        named = UnicodeDecodeError(
            error.encoding, before + bad, len(before), len(before) + len(bad), reason
        )
        return named.with_traceback(error.__traceback__)


def _split(text: str) -> list[str]:
    return text.split("\n")


def _split_keeping(text: str) -> list[str]:
    lines = io.StringIO(text, newline="").readlines()
    if not lines or lines[-1][-1] in "\r\n":
        lines.append("")
    return lines
