"""Files as sinks: ``WriteLines``, ``WriteCsv``, ``WriteJsonLines``."""

from __future__ import annotations

import os
import reprlib
from abc import abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, ClassVar

from ..._notes import add_note
from .._base import UserFunction
from .base import OfFiles
from .behind import WriteBehind
from .draft import written
from .files import BLOCK
from .forms import CsvForm, Form, JsonForm, LineForm

__all__ = ["WriteCsv", "WriteJsonLines", "WriteLines"]

_CHUNK = 1000
"""Items that are encoded at a time, at most, before the loop goes round."""


class _Writer(OfFiles, UserFunction):
    """A sink that writes a file on a thread.

    Args:
        path: The file.
        append: Whether to add to what is there.
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
        """Return how the items of a run are to be written."""

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
            # Whoever read stdout has left, as a consumer that returns (C4).
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

    The file is written on a thread of its own, as a draft beside it (``.name.….draft``), which is
    moved into its place when the input has ended. A run that fails or is cancelled before leaves
    what was there as it was, and no draft. (A process that is killed leaves the draft.) A link
    stays, and what it leads to is replaced; the mode of a file that was there is kept. The folder
    must exist. Of two runs that write one file, that which ends last wins.

    What is no regular file (a pipe, a terminal, ``/dev/stdout``) is written directly, and so is
    stdout, as ``-``. With `append`, lines are added to the file itself as they come: a run that
    fails leaves those that it had written. What ends in ``.gz``, ``.bz2``, ``.xz`` or ``.zst`` is
    compressed (``.zst`` needs Python 3.14 or ``pip install 'mimo-rx[zstd]'``).

    Lines end with ``\n`` on every system. An item that holds an end of line (``\n``, ``\r``) is
    refused: it would be read as two.

    Inputs: ``item``. Outputs: ``errors``, for the items that cannot be written.

    Emits when: never, but for ``errors``.
    Backpressures when: 512 KiB are gathered, and the block before is still being written.
    Completes when: the input has ended, and the file is in its place.
    Fails when: the file cannot be opened (before an item is taken) or written; an item is no
        string, holds an end of line or has no place in the encoding, and ``errors`` is not
        connected.
    Cancels when: the reader of stdout has gone; else never by itself. When it is cancelled, the
        draft is removed. A wait for a pipe ends at once (not on Windows, nor while a named pipe has
        no reader yet).

    It is determinate.

    Args:
        path: The file, a string or ``os.PathLike``.
        append: Whether to add to what is there, directly.
        encoding: How it is to be encoded, as in ``open()``.
        errors: What becomes of characters that have no place in it, as in ``open()``.
        name: Name of the stream, by default that of the class.

    Raises:
        WiringError: The path is empty or of another type; the encoding or the way to handle errors
            is not known.

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
        """Return how lines are written."""
        return LineForm(self._encoding, self._errors)


class WriteJsonLines(_Writer):
    r"""Write each item as JSON on a line of its own, in UTF-8.

    The file is written as `WriteLines` does it. A dataclass or a named tuple becomes an object of
    its fields (a named tuple inside another value a list, as ``json`` has it). NaN and infinities
    are no JSON, and are refused.

    Inputs: ``item``. Outputs: ``errors``, for the items that cannot be written.

    Emits when: never, but for ``errors``.
    Backpressures when: 512 KiB are gathered, and the block before is still being written.
    Completes when: the input has ended, and the file is in its place.
    Fails when: the file cannot be opened (before an item is taken) or written; an item is no JSON,
        or `default` raises, and ``errors`` is not connected.
    Cancels when: as `WriteLines` does.

    It is determinate if `default` is.

    Args:
        path: The file, a string or ``os.PathLike``.
        default: Is called with what JSON does not know and returns what stands for it, as in
            ``json.dumps``; ``str`` is one. It runs on the loop's thread.
        append: Whether to add to what is there, directly.
        name: Name of the stream, by default that of the class.

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
        """Return how values are written."""
        return JsonForm(self._default)


class WriteCsv(_Writer):
    r"""Write each item as a row of comma-separated values, after a header.

    The file is written as `WriteLines` does it; how values look, the module ``csv`` decides. An
    item is a dict, a dataclass or a named tuple, whose values go where their names are in the
    header; one that is missing stays empty. With `fields` it may be a list or tuple of as many
    values as well.

    Inputs: ``item``. Outputs: ``errors``, for the items that cannot be written.

    Emits when: never, but for ``errors``.
    Backpressures when: 512 KiB are gathered, and the block before is still being written.
    Completes when: the input has ended, and the file is in its place.
    Fails when: the file cannot be opened (before an item is taken) or written; an item is nothing
        of the above, has a value for which there is no column, or none for the encoding or the
        module ``csv``, and ``errors`` is not connected.
    Cancels when: as `WriteLines` does.

    It is determinate.

    Args:
        path: The file, a string or ``os.PathLike``.
        fields: The names of the columns, in their order; None: those of the first item.
        append: Whether to add to what is there, directly; a header is then written only if there is
            nothing. Give `fields` as they are in the file.
        dialect: A dialect of the module ``csv``, or its name. Rows end with ``\r\n`` in the default
            one, as RFC 4180 says.
        encoding: How it is to be encoded, as in ``open()``.
        errors: What becomes of characters that have no place in it, as in ``open()``.
        name: Name of the stream, by default that of the class.
        format: What else ``csv.writer`` takes: ``delimiter``, ``lineterminator``, ...

    Raises:
        WiringError: The path is empty or of another type; `fields` are no strings, none, or one is
            there twice; the module ``csv`` does not know the dialect or format; the encoding or the
            way to handle errors is not known.

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
        """Return how rows are written."""
        return CsvForm(self._fields, self._dialect, self._format, self._encoding, self._errors)
