"""How a command ends: its exit code, and what is said of a failure."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import click

from ._text import escaped

__all__ = ["TimedOut", "exit_code_of", "guarded", "hush"]

_MESSAGE = 1000
"""Characters of a message that are shown unless all is asked for."""
_DRAWN = 20
"""Lines of a note that are shown unless all is asked for."""

_FAILED = 1
_SIGNALLED = 128

_signals: list[int] = []
"""The signals that have ended the run, the first one first."""


class TimedOut(Exception):
    """A run took longer than it may.

    Args:
        seconds: How long it may take.
        cancel: What cancelled it; its notes say who waited for whom.
    """

    def __init__(self, seconds: float | None, cancel: BaseException | None) -> None:
        super().__init__(f"timed out after {seconds:g} s")
        for note in getattr(cancel, "__notes__", ()):
            self.add_note(note)


def guarded(command: Callable[[], Any]) -> int:
    """Call the whole command line, and return the exit code.

    SIGTERM does from now on what Ctrl-C does, whoever deals with that at the time.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a character that the terminal lacks is no reason to fail
            reconfigure(errors="backslashreplace")
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = _interrupted()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hush()
    return code if isinstance(code, int) else 0


def exit_code_of(command: Callable[[], Any], *, whole: bool) -> Any:
    """Call `command`; show what it raises, and return the exit code.

    Args:
        command: What to call; what it returns is returned.
        whole: Whether all frames of an exception are shown, not just the user's own.
    """
    try:
        return command()
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except KeyboardInterrupt as error:
        code = _interrupted()
        _show("".join(_notes(error)), whole)
        return code
    except TimedOut as error:
        _show(f"{error}\n{''.join(_notes(error))}", whole)
        return _FAILED
    except BrokenPipeError as error:
        if _is_of_stdout():
            hush()
        else:
            _show(_told(error, whole), whole)
        return _FAILED
    except Exception as error:
        _show(_told(error, whole), whole)
        return _FAILED


def hush() -> None:
    """Let nothing more be written to a stdout whose reader has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _is_of_stdout() -> bool:
    """Tell whether the reader of stdout has gone, rather than that of a pipe of the user's own."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


def _terminate(number: int, frame: FrameType | None) -> Any:
    _signals.append(number)
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        return interrupt(signal.SIGINT, frame)
    raise KeyboardInterrupt  # Ctrl-C is ignored, as in a background job


def _interrupted() -> int:
    number = _signals[0] if _signals else signal.SIGINT
    click.echo(f"ended by {signal.Signals(number).name}", err=True)
    return _SIGNALLED + number


# Showing an exception


def _show(text: str, whole: bool) -> None:
    lines = escaped(text).splitlines()
    if not whole:
        lines = [_cut(line) for line in lines]
    if lines:
        click.echo("\n".join(lines), err=True)


def _cut(line: str) -> str:
    if len(line) <= _MESSAGE:
        return line
    return f"{line[:_MESSAGE]}... ({len(line):,} characters; --traceback shows all)"


def _told(error: BaseException, whole: bool) -> str:
    """Return the traceback of `error`, with the user's own frames alone unless `whole`."""
    told = traceback.TracebackException.from_exception(error)
    if not whole:
        for each in _all_of(told):
            own = [frame for frame in each.stack if not _is_machinery(frame.filename)]
            each.stack = traceback.StackSummary.from_list(own)
    text = "".join(told.format())
    header = "Traceback (most recent call last):\n"
    if not whole and not told.stack and text.startswith(header):
        text = text.removeprefix(header)
    return text


def _all_of(told: traceback.TracebackException) -> Iterator[traceback.TracebackException]:
    pending = [told]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        pending += [other for other in (each.__cause__, each.__context__) if other is not None]
        pending += each.exceptions or []


def _notes(error: BaseException) -> Iterator[str]:
    for note in getattr(error, "__notes__", ()):
        lines = str(note).splitlines()
        yield "".join(f"{line}\n" for line in lines[:_DRAWN])
        if len(lines) > _DRAWN:
            yield f"  ... and {len(lines) - _DRAWN:,} more\n"


def _is_machinery(filename: str) -> bool:
    """Tell whether a file is of the machinery between the command line and the user's code."""
    if filename.startswith("<frozen"):
        return True
    import reactivex

    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if filename.startswith(os.path.join(package, "examples")):
        return False
    folders = (
        package,
        *(os.path.dirname(str(each.__file__)) for each in (reactivex, asyncio, click)),
    )
    return filename.startswith(tuple(folder + os.sep for folder in folders))
