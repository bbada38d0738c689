"""Running the command line in a process of its own, with pipes or on a terminal."""

import codecs
import contextlib
import importlib
import os
import select
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

COMMAND = (sys.executable, "-m", "mimo_rx")
"""The command that replaces ``mimo-rx``: the module of the package under test."""

Done = subprocess.CompletedProcess[str]

_PATH = os.pathsep.join(
    os.path.abspath(each) for each in os.environ.get("PYTHONPATH", "").split(os.pathsep) if each
)
"""The search path for modules; it is valid in any directory."""
_PATIENCE = 20.0
"""Seconds after which a process counts as hanging."""

try:
    import fcntl
    import pty
    import struct
    import termios
except ImportError:
    pty = None  # type: ignore[assignment] # it is asked for below

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals or pipes")
terminal = pytest.mark.skipif(pty is None, reason="this system has no pseudo-terminals")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process that is started in another directory."""
    # A warning is an error, as in all tests. As with the console script, the current directory is
    # not the first one of the search path.
    own = {"PYTHONPATH": _PATH, "PYTHONWARNINGS": "error", "PYTHONSAFEPATH": "1"}
    return {**os.environ, **own, **(more or {})}


def mimo_rx(*arguments: object, cwd: Path | None = None, **options: Any) -> Done:
    """Run the command line to its end.

    Args:
        arguments: What stands after ``mimo-rx``.
        cwd: The current directory.
        options: ``env``, what the environment has besides, and options of ``subprocess.run``.
    """
    options["env"] = environment(options.get("env"))
    if "stdout" not in options:
        options["capture_output"] = True
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        encoding="utf-8",
        timeout=_PATIENCE,
        check=False,
        **options,
    )


class _Session:
    """A process whose stdout is read while it runs, up to an expected text."""

    def __init__(self, process: subprocess.Popen[bytes], file: int) -> None:
        self.process = process
        self.seen = ""
        """The text that was read but not expected yet."""
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._file)

    def expect(self, text: str) -> str:
        """Read until `text` comes, and return the text before it."""
        while text not in self.seen:
            more = self._read()
            assert more is not None, f"ended before {text!r}: {self.seen!r}"
            self.seen += more
        before, _, self.seen = self.seen.partition(text)
        return before

    def send(self, number: int) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def rest(self) -> str:
        """Return the rest of its output until it ends."""
        while (more := self._read()) is not None:
            self.seen += more
        self.process.wait(_PATIENCE)
        return self.seen

    def _read(self) -> str | None:
        """Return the text that has arrived; None at the end."""
        ready, _, _ = select.select([self._file], [], [], _PATIENCE)
        assert ready, f"nothing more came than {self.seen!r}"
        try:
            data = os.read(self._file, 65536)
        except OSError:  # the end of a terminal
            return None
        return self._decoder.decode(data) if data else None


class Child(_Session):
    """A process whose stdout is a pipe; its stderr is the same pipe, or is read at the end."""

    def __init__(
        self,
        *arguments: object,
        cwd: Path,
        command: tuple[str, ...] = COMMAND,
        together: bool = True,
    ) -> None:
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            cwd=cwd,
            env=environment({"PYTHONUNBUFFERED": "1"}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if together else subprocess.PIPE,
        )
        assert process.stdout is not None
        super().__init__(process, os.dup(process.stdout.fileno()))
        process.stdout.close()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self.process.stderr is not None:
            self.process.stderr.close()

    def close(self) -> None:
        """Stop reading stdout, so that the process has a broken pipe."""
        nowhere = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nowhere, self._file)
        os.close(nowhere)

    def complaint(self) -> str:
        """Return the text of its separate stderr until it ends."""
        assert self.process.stderr is not None
        text = self.process.stderr.read().decode()
        self.process.wait(_PATIENCE)
        return text


_ON_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)
"""Makes stdin the terminal from which Ctrl-C comes, and becomes the command."""


class Terminal(_Session):
    """A process on a pseudo-terminal of 120 columns; its stdout may lead elsewhere."""

    def __init__(
        self, *arguments: object, cwd: Path, stdout: Any = None, columns: int = 120
    ) -> None:
        near, far = pty.openpty()
        fcntl.ioctl(far, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        process = subprocess.Popen(
            [sys.executable, "-ISc", _ON_TERMINAL, *COMMAND[1:], *map(str, arguments)],
            cwd=cwd,
            env=environment({"TERM": "xterm"}),
            stdin=far,
            stdout=far if stdout is None else stdout,
            stderr=far,
            start_new_session=True,
        )
        os.close(far)
        super().__init__(process, near)

    def type(self, keys: str) -> None:
        """Press `keys`; ``"\\x03"`` is Ctrl-C."""
        os.write(self._file, keys.encode())


@contextlib.contextmanager
def importing_from(folder: Path) -> Iterator[Path]:
    """Make `folder` the current directory; afterwards forget the modules imported from it."""
    path, modules = list(sys.path), set(sys.modules)
    importlib.invalidate_caches()
    with contextlib.chdir(folder):
        try:
            yield folder
        finally:
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                    del sys.modules[name]


def write(folder: Path, name: str, code: str) -> Path:
    """Write a module for the command line to import, and return its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    return path
