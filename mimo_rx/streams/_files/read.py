"""Sources that read files: ``ReadLines``, ``ReadCsv``, ``ReadJsonLines``."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from ..._notes import add_note
from .ahead import Give, ReadAhead, Wait
from .base import OfFiles
from .files import Halt, matching, opened
from .lines import Lines

__all__ = ["ReadCsv", "ReadJsonLines", "ReadLines"]

_MAX_LINE = 64 * 2**20


class _Reader(OfFiles):
    """A source that reads text files one after the other, on a thread.

    Args:
        paths: The files.
        encoding: The encoding of the files.
        errors: How bytes that cannot be decoded are handled.
        max_line: The longest line allowed, in characters.
        name: Name of the stream.
    """

    IN: ClassVar[tuple[str, ...]] = ()
    OUT: ClassVar[tuple[str, ...]] = ("item",)
    _keep_ends: ClassVar[bool] = False

    def __init__(
        self,
        paths: Iterable[str | os.PathLike[str]],
        encoding: str,
        errors: str,
        max_line: int,
        name: str | None,
    ) -> None:
        super().__init__(name=name)
        self._paths = tuple(self.as_path(path) for path in paths)
        if not self._paths:
            self.refuse("paths must name at least one file", self.shown("none"))
        self.check_encoding(encoding, errors)
        self.check_count("max_line", max_line, unit="characters")
        self._encoding = encoding
        self._errors = errors
        self._max_line = max_line

    async def run(self, ins: Any, outs: Any) -> None:
        """Push the items of the files."""
        await ReadAhead(outs.item, self._work).push_all()

    def _work(self, halt: Halt, give: Give, wait: Wait) -> None:
        for path in list(matching(self._paths)):
            try:
                with opened(path, halt) as read:
                    lines = Lines(
                        path,
                        partial(_read_ahead, read, wait),
                        self._encoding,
                        self._errors,
                        self._max_line,
                        keep_ends=self._keep_ends,
                    )
                    self._read(lines, give)
            except Exception as error:
                add_note(error, f"mimo_rx: raised while reading {path!r}")
                raise

    def _read(self, lines: Lines, give: Give) -> None:
        for block in lines.blocks():
            give(block)


def _read_ahead(read: Callable[[int], bytes], wait: Wait, size: int) -> bytes:
    """Read, then wait until the next block is wanted."""
    data = read(size)
    wait()
    return data


class ReadLines(_Reader):
    r"""Read text files, and emit their lines without line ends.

    A thread of the stream reads the files one after the other. A pattern (``*``, ``?``, ``[ab]``,
    ``**`` for folders at any depth) stands for the files that match it when the run begins, in the
    order of their names. If a file has exactly that name, it is read and is not a pattern. Files
    whose names end in ``.gz``, ``.bz2``, ``.xz`` or ``.zst`` are decompressed (``.zst`` needs
    Python 3.14 or ``pip install 'mimo-rx[zstd]'``). ``-`` is stdin. It is read directly, so text
    that is already in the buffer of ``sys.stdin`` is not seen.

    As with ``open()``, a line ends at ``\n``, ``\r\n`` or ``\r``, and at no other character. The
    last line of a file needs no end. A byte-order mark before UTF-8 is not part of the text.

    Inputs: none. Outputs: ``item``.

    Emits when: a block of lines was read, at most 512 KiB of (decompressed) bytes. From a pipe, a
        terminal or a socket, each line as soon as it is there.
    Backpressures when: ``item`` has no room. It then holds one block, and reads one more ahead.
    Completes when: the last file has ended.
    Fails when: no file matches a pattern; a file cannot be opened, read or decompressed; a line
        cannot be decoded or is too long. The error names the line. The lines before it are emitted.
    Cancels when: nobody reads ``item`` any more. It closes the files and ends a wait for a pipe at
        once. It cannot end a wait on Windows, for the writer of a named pipe, or for a file system
        that does not answer. The run waits a while for such a thread, then leaves it behind (E6).

    It is determinate as long as the files are.

    Args:
        paths: The files, as strings or ``os.PathLike``; at least one.
        encoding: The encoding of the files, as in ``open()``.
        errors: How bytes that cannot be decoded are handled, as in ``open()``: ``"strict"`` fails.
        max_line: The longest line allowed, in characters, at least 1. It bounds the memory that a
            line may take.
        name: Name of the stream; by default that of the class.

    Raises:
        WiringError: There is no path, or one is empty or of another type; the encoding or the error
            handler is unknown; `max_line` is out of its range.

    Example:
        >>> import pathlib, tempfile
        >>> from reactivex import operators as ops
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> _ = (folder / "1.log").write_text("one\ntwo\n")
        >>> _ = (folder / "2.log").write_text("three")
        >>> (ReadLines(folder / "*.log") | ops.map(str.upper)).to_list().run()
        ['ONE', 'TWO', 'THREE']
    """

    def __init__(
        self,
        *paths: str | os.PathLike[str],
        encoding: str = "utf-8",
        errors: str = "strict",
        max_line: int = _MAX_LINE,
        name: str | None = None,
    ) -> None:
        super().__init__(paths, encoding, errors, max_line, name)


class ReadJsonLines(_Reader):
    r"""Read files with one JSON value on each line, and emit the values.

    Files are found, decompressed and read as `ReadLines` does, in UTF-8. Lines that are empty or
    contain only white space are skipped.

    Inputs: none. Outputs: ``item``.

    Emits when: a block of lines was read, at most 512 KiB of (decompressed) bytes.
    Backpressures when: ``item`` has no room. It then holds one block, and reads one more ahead.
    Completes when: the last file has ended.
    Fails when: a line is not valid JSON; or as `ReadLines` does. The error names the line and the
        column. The values before it are emitted.
    Cancels when: nobody reads ``item`` any more, as `ReadLines` does.

    It is determinate as long as the files are.

    Args:
        paths: The files, as strings or ``os.PathLike``; at least one.
        max_line: The longest line allowed, in characters, at least 1.
        name: Name of the stream; by default that of the class.

    Raises:
        WiringError: There is no path, or one is empty or of another type; `max_line` is out of its
            range.

    Example:
        >>> import pathlib, tempfile
        >>> from mimo_rx import flow
        >>> path = pathlib.Path(tempfile.mkdtemp(), "people.jsonl")
        >>> _ = path.write_text('{"name": "Ada"}\n{"name": "Grace"}\n')
        >>> flow(ReadJsonLines(path)).to_list().run()
        [{'name': 'Ada'}, {'name': 'Grace'}]
    """

    def __init__(
        self,
        *paths: str | os.PathLike[str],
        max_line: int = _MAX_LINE,
        name: str | None = None,
    ) -> None:
        super().__init__(paths, "utf-8", "strict", max_line, name)

    def _read(self, lines: Lines, give: Give) -> None:
        for block in lines.blocks():
            values: list[Any] = []
            bad: Exception | None = None
            for index, line in enumerate(block):
                if not line or line.isspace():
                    continue
                try:
                    values.append(json.loads(line))
                except (ValueError, RecursionError) as error:
                    bad = _named(error, lines.where(lines.count + index + 1))
                    break
            give(values)
            if bad is not None:
                raise bad


def _named(error: Exception, where: str) -> ValueError:
    """Return the error for a line that is not valid JSON, with its place."""
    if isinstance(error, json.JSONDecodeError):
        return ValueError(f"{error.msg}, at column {error.colno} of {where}")
    return ValueError(f"{error}, in {where}")


class ReadCsv(_Reader):
    r"""Read tables of comma-separated values, and emit their rows as dicts.

    Files are found, decompressed and read as `ReadLines` does; the module ``csv`` splits them into
    rows. Values are strings. Rows without any value (blank lines) are skipped.

    Inputs: none. Outputs: ``item``.

    Emits when: a block of rows was read, at most 512 KiB of (decompressed) bytes.
    Backpressures when: ``item`` has no room. It then holds one block, and reads one more ahead.
    Completes when: the last file has ended.
    Fails when: a row has more or fewer values than there are columns; a header names a column
        twice; the module ``csv`` refuses a row (for example a value above
        ``csv.field_size_limit()``); or as `ReadLines` does. The error names the line. The rows
        before it are emitted.
    Cancels when: nobody reads ``item`` any more, as `ReadLines` does.

    It is determinate as long as the files are.

    Args:
        paths: The files, as strings or ``os.PathLike``; at least one.
        fields: The names of the columns, for files without a header. None: the first row of each
            file names them.
        dialect: A dialect of the module ``csv``, or its name.
        encoding: The encoding of the files, as in ``open()``.
        errors: How bytes that cannot be decoded are handled, as in ``open()``: ``"strict"`` fails.
        max_line: The longest line allowed, in characters, at least 1.
        name: Name of the stream; by default that of the class.
        format: Further arguments of ``csv.reader``: ``delimiter``, ``quotechar``, ``strict``, ...

    Raises:
        WiringError: There is no path, or one is empty or of another type; `fields` is empty, or has
            a name that is not a string or stands twice; the module ``csv`` refuses the dialect or
            format; the encoding or the error handler is unknown; `max_line` is out of its range.

    Example:
        >>> import pathlib, tempfile
        >>> from mimo_rx import flow
        >>> path = pathlib.Path(tempfile.mkdtemp(), "people.csv")
        >>> _ = path.write_text('name,born\n"Lovelace, Ada",1815\n')
        >>> flow(ReadCsv(path)).to_list().run()
        [{'name': 'Lovelace, Ada', 'born': '1815'}]
    """

    _keep_ends: ClassVar[bool] = True  # a line end may be part of a value

    def __init__(
        self,
        *paths: str | os.PathLike[str],
        fields: Iterable[str] | None = None,
        dialect: Any = "excel",
        encoding: str = "utf-8",
        errors: str = "strict",
        max_line: int = _MAX_LINE,
        name: str | None = None,
        **format: Any,
    ) -> None:
        super().__init__(paths, encoding, errors, max_line, name)
        self._fields = self.as_fields(fields)
        self.check_csv(dialect, format)
        self._dialect = dialect
        self._format = format

    def _read(self, lines: Lines, give: Give) -> None:
        import csv

        rows: list[dict[str, str]] = []

        def fed() -> Iterator[str]:
            for block in lines.blocks():
                yield from block
                give(list(rows))  # before it reads on, which may wait
                rows.clear()

        reader = csv.reader(fed(), self._dialect, **self._format)
        fields = self._fields
        bad: Exception | None = None
        try:
            for row in reader:
                if not row:
                    continue
                if fields is None:
                    fields = self._header(row, lines.where(reader.line_num))
                elif len(row) != len(fields):
                    raise ValueError(
                        f"a row must have {len(fields)} values, got {len(row)}, in "
                        f"{lines.where(reader.line_num)}"
                    )
                else:
                    rows.append(dict(zip(fields, row, strict=True)))
        except csv.Error as error:
            bad = csv.Error(f"{error}, in {lines.where(reader.line_num)}")
        except ValueError as error:  # UnicodeDecodeError is one too
            bad = error
        give(rows)
        if bad is not None:
            raise bad

    @staticmethod
    def _header(row: list[str], where: str) -> tuple[str, ...]:
        for field in row:
            if row.count(field) > 1:
                raise ValueError(f"the header names {field!r} twice, in {where}")
        return tuple(row)
