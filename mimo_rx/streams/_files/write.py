"""Sinks that write files: ``WriteLines``, ``WriteCsv``, ``WriteJsonLines``."""

from __future__ import annotations

import os
import reprlib
from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from ..._notes import add_note
from .._ready_made import UserFunction
from .base import OfFiles
from .behind import WriteBehind
from .draft import written
from .files import BLOCK
from .forms import CsvForm, Form, JsonForm, LineForm

__all__ = ["WriteCsv", "WriteJsonLines", "WriteLines"]

_CHUNK = 1000
"""The most items that are encoded at a time, before other tasks have a turn."""


class _Writer(OfFiles, UserFunction):
    """A sink that writes a file on a thread.

    Args:
        path: The file.
        append: Whether to add to the file that is there.
        name: Name of the stream.
    """

    IN: ClassVar[tuple[str, ...]] = ("item",)
    OUT: ClassVar[tuple[str, ...]] = ()

    def __init__(self, path: str | os.PathLike[str], append: bool, name: str | None) -> None:
        super().__init__(name=name)
        self._path = self.as_path(path)
        self.check_choice("append", append, (True, False))
        self._append = append

    @abstractmethod
    def form(self) -> Form:
        """Return the format in which the items of a run are written."""

    async def run(self, ins: Any, outs: Any) -> None:
        """Write each item."""
        target = partial(written, self._path, self._append)
        behind = WriteBehind(outs.errors.process, target)
        form = self.form()
        try:
            await behind.open()
            if start := form.start(behind.is_new):
                await behind.write(start)
            async for items in ins.item.chunks(_CHUNK):
                await self._write(items, outs, form, behind)
            await behind.finish()
        except BrokenPipeError:
            if self._path != "-":
                raise
            # The reader of stdout has left: this ends the stream as a consumer's return does (C4).
        finally:
            behind.leave()

    async def _write(self, items: list[Any], outs: Any, form: Form, behind: WriteBehind) -> None:
        data = form.many(items)
        if data is not None:
            await behind.write(data)
            return
        pieces: list[bytes] = []
        size = 0
        for item in items:
            try:
                piece = form.one(item)
            except Exception as error:
                where = "stdout" if self._path == "-" else repr(self._path)
                add_note(error, f"mimo_rx: raised at item {reprlib.repr(item)} for {where}")
                await self.fail(outs, item, error)
                continue
            pieces.append(piece)
            size += len(piece)
            if size >= BLOCK:
                await behind.write(b"".join(pieces))
                pieces.clear()
                size = 0
        if pieces:
            await behind.write(b"".join(pieces))


class WriteLines(_Writer):
    r"""Write each item, a string, as a line of a text file.

    A thread of the stream writes a draft beside the file (``.name.….draft``), and moves it into
    place when the input has ended. A run that fails or is cancelled before that leaves the old file
    as it was, and no draft. (A process that is killed leaves the draft.) If the path is a link, its
    target is replaced, and the link stays. The mode of an old file is kept. The folder must exist.
    If two runs write the same file, the one that ends last wins.

    Stdout (``-``) and files that are not regular (a pipe, a terminal, ``/dev/stdout``) are written
    directly. With `append`, lines are added to the file itself as they come: a run that fails
    leaves the lines that it had written. Files whose names end in ``.gz``, ``.bz2``, ``.xz`` or
    ``.zst`` are compressed (``.zst`` needs Python 3.14 or ``pip install 'mimo-rx[zstd]'``).

    Lines end with ``\n`` on every system. An item that contains an end of line (``\n``, ``\r``) is
    refused, as it would be read as two.

    Inputs: ``item``. Outputs: ``errors``, for the items that cannot be written.

    Emits when: never, except on ``errors``.
    Backpressures when: 512 KiB are gathered, and the block before is still being written.
    Completes when: the input has ended, and the file is in its place.
    Fails when: the file cannot be opened (before an item is popped) or written; an item is not a
        string, contains an end of line or cannot be encoded, and ``errors`` is not connected.
    Cancels when: the reader of stdout has left; otherwise never by itself. If it is cancelled, it
        removes the draft and ends a wait for a pipe at once. It cannot end a wait on Windows, or
        for the reader of a named pipe.

    It is determinate.

    Args:
        path: The file, a string or ``os.PathLike``.
        append: Whether to add lines directly to the file that is there.
        encoding: The encoding of the file, as in ``open()``.
        errors: How characters that cannot be encoded are handled, as in ``open()``.
        name: Name of the stream; by default that of the class.

    Raises:
        WiringError: The path is empty or of another type; the encoding or the error handler is
            unknown.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "names.txt")
        >>> step = ["Ada", "Grace"] | WriteLines(path)
        >>> statistics = step.workflow.start()
        >>> path.read_text()
        'Ada\nGrace\n'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        append: bool = False,
        *,
        encoding: str = "utf-8",
        errors: str = "strict",
        name: str | None = None,
    ) -> None:
        super().__init__(path, append, name)
        self.check_encoding(encoding, errors)
        self._encoding = encoding
        self._errors = errors

    def form(self) -> Form:
        """Return the format of lines."""
        return LineForm(self._encoding, self._errors)


class WriteJsonLines(_Writer):
    r"""Write each item as JSON on a line of its own, in UTF-8.

    The file is written as `WriteLines` does. A dataclass or a named tuple becomes an object of its
    fields (a named tuple inside another value becomes a list, as in ``json``). NaN and infinities
    are not valid JSON, and are refused.

    Inputs: ``item``. Outputs: ``errors``, for the items that cannot be written.

    Emits when: never, except on ``errors``.
    Backpressures when: 512 KiB are gathered, and the block before is still being written.
    Completes when: the input has ended, and the file is in its place.
    Fails when: the file cannot be opened (before an item is popped) or written; JSON has no form
        for an item, or `default` raises, and ``errors`` is not connected.
    Cancels when: as `WriteLines` does.

    It is determinate if `default` is.

    Args:
        path: The file, a string or ``os.PathLike``.
        default: Is called with a value for which JSON has no form, and returns one to write in its
            place, as in ``json.dumps``; for example ``str``. It runs on the loop's thread.
        append: Whether to add lines directly to the file that is there.
        name: Name of the stream; by default that of the class.

    Raises:
        WiringError: The path is empty or of another type; `default` is no plain function.

    Example:
        >>> import pathlib, tempfile
        >>> from mimo_rx.streams import Map
        >>> path = pathlib.Path(tempfile.mkdtemp(), "dead.jsonl")
        >>> step = ["1", "x"] | Map(int)
        >>> _ = step["errors"] | WriteJsonLines(path, default=repr)
        >>> statistics = step.workflow.start()
        >>> print(path.read_text().strip())
        {"item": "x", "exception": "ValueError(\"invalid literal for int() with base 10: 'x'\")", "step": "int"}
    """  # noqa: E501 # it is one line

    def __init__(
        self,
        path: str | os.PathLike[str],
        default: Callable[[Any], Any] | None = None,
        append: bool = False,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(path, append, name)
        if default is not None:
            self.check_plain("default", default)
        self._default = default

    def form(self) -> Form:
        """Return the format of values."""
        return JsonForm(self._default)


class WriteCsv(_Writer):
    r"""Write each item as a row of comma-separated values, after a header.

    The file is written as `WriteLines` does; the module ``csv`` formats the values. An item is a
    dict, a dataclass or a named tuple. Its values go to the columns of the same names; the column
    of a missing value stays empty. With `fields`, an item may also be a list or tuple with one
    value for each column.

    Inputs: ``item``. Outputs: ``errors``, for the items that cannot be written.

    Emits when: never, except on ``errors``.
    Backpressures when: 512 KiB are gathered, and the block before is still being written.
    Completes when: the input has ended, and the file is in its place.
    Fails when: the file cannot be opened (before an item is popped) or written; an item is of a
        wrong type, has a value for which there is no column, or one that the encoding or the module
        ``csv`` refuses, and ``errors`` is not connected.
    Cancels when: as `WriteLines` does.

    It is determinate.

    Args:
        path: The file, a string or ``os.PathLike``.
        fields: The names of the columns, in their order. None: those of the first item.
        append: Whether to add rows directly to the file that is there. A header is then written
            only if the file is empty, and `fields` should be the columns of the file.
        dialect: A dialect of the module ``csv``, or its name. The default one ends rows with
            ``\r\n``, as RFC 4180 says.
        encoding: The encoding of the file, as in ``open()``.
        errors: How characters that cannot be encoded are handled, as in ``open()``.
        name: Name of the stream; by default that of the class.
        format: Further arguments of ``csv.writer``: ``delimiter``, ``lineterminator``, ...

    Raises:
        WiringError: The path is empty or of another type; `fields` is empty, or has a name that is
            not a string or stands twice; the module ``csv`` refuses the dialect or format; the
            encoding or the error handler is unknown.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp(), "people.csv")
        >>> step = [{"name": "Lovelace, Ada", "born": 1815}] | WriteCsv(path)
        >>> statistics = step.workflow.start()
        >>> print(path.read_text())
        name,born
        "Lovelace, Ada",1815
        <BLANKLINE>
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        fields: Iterable[str] | None = None,
        append: bool = False,
        *,
        dialect: Any = "excel",
        encoding: str = "utf-8",
        errors: str = "strict",
        name: str | None = None,
        **format: Any,
    ) -> None:
        super().__init__(path, append, name)
        self._fields = self.as_fields(fields)
        self.check_csv(dialect, format)
        self.check_encoding(encoding, errors)
        self._dialect = dialect
        self._format = format
        self._encoding = encoding
        self._errors = errors

    def form(self) -> Form:
        """Return the format of rows."""
        return CsvForm(self._fields, self._dialect, self._format, self._encoding, self._errors)
