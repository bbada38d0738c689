"""Files for threads: compression, pipes, and how to stop a thread that waits for a pipe."""

from __future__ import annotations

import contextlib
import errno
import glob
import io
import os
import select
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any, Protocol

__all__ = ["BLOCK", "Compressor", "Halt", "Halted", "Pipe", "compressor", "matching", "opened"]

BLOCK = 1 << 19
"""Bytes that are read at a time, and the fewest that are gathered for a write."""
_PIECE = 512 if sys.platform == "win32" else select.PIPE_BUF
"""Bytes that a pipe takes without blocking once it is ready for writing."""


class Halted(BaseException):
    """Unwinds a thread that was asked to stop."""


class Halt:
    """Asks a thread to stop, even while it waits for a pipe, a terminal or a socket.

    The thread checks it between two blocks. To end a wait too, it has an alarm, a pipe of its own,
    on which the thread waits as well. Without ``poll`` (on Windows) such a wait goes on.
    """

    def __init__(self) -> None:
        self.is_set = False
        self._lock = threading.Lock()
        self._alarm: tuple[int, int] | None = None

    def set(self) -> None:
        """Ask the thread to stop."""
        with self._lock:
            was_set, self.is_set = (
                self.is_set,
                True,
            )  # before the alarm: the thread that it wakes looks at this
            if not was_set and self._alarm is not None:
                os.write(self._alarm[1], b"!")

    def check(self) -> None:
        """Unwind the thread if it was asked to stop.

        Raises:
            Halted: It was asked to stop.
        """
        if self.is_set:
            raise Halted

    def wait_for(self, descriptor: int, *, writing: bool = False) -> None:
        """Wait until `descriptor` can be read from, or written to.

        Raises:
            Halted: The thread is to stop.
        """
        self.check()
        if not hasattr(select, "poll"):
            return
        with self._lock:
            if self._alarm is None:
                self._alarm = os.pipe()
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if writing else select.POLLIN)
        poll.register(self._alarm[0], select.POLLIN)
        poll.poll()
        self.check()

    def close(self) -> None:
        """Close the alarm; the thread is about to end."""
        with self._lock:
            alarm, self._alarm = self._alarm, None
        for end in alarm or ():
            os.close(end)


class Pipe(io.RawIOBase):
    """A file that is not a regular one: waiting for it ends when the thread is asked to stop.

    Args:
        descriptor: The descriptor of the open file.
        halt: Asks the thread to stop.
        owned: Whether the descriptor is closed with this object.
    """

    def __init__(self, descriptor: int, halt: Halt, *, owned: bool) -> None:
        self._descriptor = descriptor
        self._halt = halt
        self._owned = owned

    def readable(self) -> bool:
        """Return True, as `io` asks before it reads."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is available, and wait until there is something.

        Raises:
            Halted: The thread is to stop.
        """
        self._halt.wait_for(self._descriptor)
        data = os.read(self._descriptor, len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        """Wait until the file takes data, and write some of `data`.

        Raises:
            Halted: The thread is to stop.
        """
        self._halt.wait_for(self._descriptor, writing=True)
        return os.write(self._descriptor, data[:_PIECE])

    def close(self) -> None:
        """Close the descriptor, if it is owned and open."""
        if not self.closed and self._owned:
            os.close(self._descriptor)
        super().close()


# Reading


def matching(paths: Iterable[str]) -> Iterator[str]:
    """Yield the files that `paths` stand for; those of a pattern in the order of their names.

    Raises:
        FileNotFoundError: No file matches a pattern.
    """
    for path in paths:
        if path == "-" or not glob.has_magic(path) or os.path.lexists(path):
            yield path
            continue
        # `**` matches folders too.
        found = [name for name in glob.glob(path, recursive=True) if not os.path.isdir(name)]
        if not found:
            raise FileNotFoundError(errno.ENOENT, "no file matches the pattern", path)
        yield from sorted(found)


@contextlib.contextmanager
def opened(path: str, halt: Halt) -> Iterator[Callable[[int], bytes]]:
    """Open a file for reading, and yield a function that reads up to a number of bytes from it.

    The function returns what is available without waiting for more, and no bytes at the end.

    Args:
        path: Its name, whose ending tells how it is compressed; ``-`` is stdin.
        halt: Asks the thread to stop.

    Raises:
        OSError: It cannot be opened.
        ModuleNotFoundError: The module that decompresses it is not installed.
    """
    with contextlib.ExitStack() as stack:
        raw = _standard_input(halt) if path == "-" else _opened_raw(path, halt)
        stack.callback(raw.close)
        module = _module_for(path)
        if module is None:
            yield raw.read
            return
        kind = getattr(module, _FILES[_ending(path)])
        file = kind(fileobj=raw, mode="rb") if _ending(path) == ".gz" else kind(raw, mode="rb")
        stack.callback(file.close)
        yield file.read1


def _opened_raw(path: str, halt: Halt) -> Any:
    raw = open(path, "rb", buffering=0)  # noqa: SIM115 # the caller closes it
    if stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        return raw
    with raw:
        return Pipe(os.dup(raw.fileno()), halt, owned=True)


def _standard_input(halt: Halt) -> Any:
    try:
        return Pipe(sys.stdin.fileno(), halt, owned=False)
    except (AttributeError, OSError, ValueError):
        buffer = getattr(sys.stdin, "buffer", None)  # another object stands in for stdin
        if buffer is None:
            raise OSError(errno.EBADF, "there is no stdin to read bytes from") from None
        return _Kept(buffer)


class _Kept:
    """A file that belongs to the program and stays open."""

    def __init__(self, file: Any) -> None:
        self.read = file.read1 if hasattr(file, "read1") else file.read

    def close(self) -> None:
        """Do nothing: the file stays open."""


# Compression

_FILES = {".gz": "GzipFile", ".bz2": "BZ2File", ".xz": "LZMAFile", ".zst": "ZstdFile"}


class Compressor(Protocol):
    """An object that compresses data piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Take `data` and return the compressed bytes that are ready."""

    def flush(self) -> bytes:
        """Return the rest."""


def compressor(path: str) -> Compressor | None:
    """Return the compressor for the ending of `path`; None if it names no compression.

    Raises:
        ModuleNotFoundError: The module that compresses is not installed.
    """
    made: Compressor
    module: Any = _module_for(path)
    if module is None:
        return None
    match _ending(path):
        case ".gz":
            import zlib

            made = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)  # 16: with the header of gzip
        case ".bz2":
            made = module.BZ2Compressor()
        case ".xz":
            made = module.LZMACompressor()
        case _:
            made = module.ZstdCompressor()
    return made


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _module_for(path: str) -> ModuleType | None:
    match _ending(path):
        case ".gz":
            import gzip

            return gzip
        case ".bz2":
            import bz2

            return bz2
        case ".xz":
            import lzma

            return lzma
        case ".zst":
            return _zstd(path)
    return None


def _zstd(path: str) -> ModuleType:
    from importlib import import_module

    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{path!r} is compressed with Zstandard, for which this Python needs a package; "
            "pip install 'mimo-rx[zstd]'",
            name=name,
        ) from error
