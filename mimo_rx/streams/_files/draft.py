"""Two ways to write a file: as a draft that is then moved into place, or directly."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from .files import Halt, Pipe, compressor

__all__ = ["Write", "written"]

Write: TypeAlias = Callable[[bytes], None]
"""Writes all of its argument."""


@contextlib.contextmanager
def written(path: str, append: bool, halt: Halt) -> Iterator[tuple[Write, bool]]:
    """Open a file for writing, and yield the function that writes and whether the file is new.

    When the block is left normally, the file appears under the name `path`. When it is left by an
    exception, the old file stays as it was, unless it was written directly.

    Args:
        path: Its name, whose ending selects the compression; ``-`` is stdout.
        append: Whether to write directly at the end of the file.
        halt: Asks the thread to stop.

    Raises:
        OSError: It cannot be written.
        ModuleNotFoundError: The module that compresses it is not installed.
    """
    squeeze = compressor(path)
    with _opened(path, append, halt) as (raw, is_new):
        if squeeze is None:
            yield lambda data: _write_all(raw, data), is_new
        else:
            compress = squeeze.compress
            yield lambda data: _write_all(raw, compress(data)), is_new
            _write_all(raw, squeeze.flush())


def _opened(path: str, append: bool, halt: Halt) -> Any:
    if path == "-":
        return _standard_output(halt)
    if not append and not _is_special(path):
        return _draft(path, halt)
    return _direct(path, halt, os.O_CREAT if append else 0)


def _write_all(raw: Any, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[raw.write(left) :]


# Directly


@contextlib.contextmanager
def _direct(path: str, halt: Halt, flags: int) -> Iterator[tuple[Any, bool]]:
    # Pipes and devices ignore O_APPEND.
    flags |= os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
    with open(path, "ab", buffering=0, opener=lambda name, _: os.open(name, flags, 0o666)) as raw:
        status = os.fstat(raw.fileno())
        if stat.S_ISREG(status.st_mode):
            yield raw, status.st_size == 0
        else:
            yield Pipe(raw.fileno(), halt, owned=False), True


@contextlib.contextmanager
def _standard_output(halt: Halt) -> Iterator[tuple[Any, bool]]:
    if sys.stdout is sys.__stdout__ and sys.stdout is not None:
        sys.stdout.flush()  # text that was printed before must come first
        yield Pipe(sys.stdout.fileno(), halt, owned=False), True
    else:
        yield _Printed(), True


class _Printed:
    """The object that the program has put in place of stdout."""

    def write(self, data: memoryview) -> int:
        """Print `data`."""
        buffer = getattr(sys.stdout, "buffer", None)
        if buffer is not None:
            sys.stdout.flush()
            buffer.write(data)
        else:
            sys.stdout.write(str(data, "utf-8", "backslashreplace"))
        sys.stdout.flush()
        return len(data)


def _is_special(path: str) -> bool:
    """Tell whether `path` exists and is not a regular file.

    Names of the standard streams always count as special: a file behind them must not be replaced.
    """
    path = os.path.abspath(path)
    if path in ("/dev/stdout", "/dev/stderr") or path.startswith(("/dev/fd/", "/proc/self/fd/")):
        return True
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


# As a draft


@contextlib.contextmanager
def _draft(path: str, halt: Halt) -> Iterator[tuple[Any, bool]]:
    target = os.path.realpath(path)  # replace the target of a link, not the link
    mode = _mode_to_keep(target, path)
    folder, name = os.path.split(target)
    # Not by tempfile, whose files only the owner can read: a new file gets the usual mode.
    draft = os.path.join(folder, f".{name[:40]}.{os.urandom(8).hex()}.draft")
    try:
        raw = open(draft, "xb", buffering=0)  # noqa: SIM115 # closed below, before it is moved
    except OSError as error:
        error.filename = path  # the user does not know of the draft
        raise
    try:
        with raw:
            if mode is not None:
                os.chmod(draft, mode)
            yield raw, True
            os.fsync(raw.fileno())  # without it, a crash of the machine could leave an empty file
        halt.check()
        os.replace(draft, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(draft)
        raise


def _mode_to_keep(target: str, path: str) -> int | None:
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if not os.access(target, os.W_OK):  # os.replace() would replace a read-only file too
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return stat.S_IMODE(mode)
