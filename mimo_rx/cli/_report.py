"""How a command ends: its exit code, and the report of a failure."""

from __future__ import annotations

import asyncio
import importlib
import io
import logging
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, NoReturn

import click

from ._refusal import Refusal
from ._text import escaped, hush, tell

__all__ = ["Interrupted", "TimedOut", "exit_code_of", "guarded"]

_MESSAGE = 1000
"""Characters of a line that are shown without ``--traceback``."""
_LINES = 100
"""Lines of an exception that are shown without ``--traceback``: the first and the last ones."""
_DRAWN = 20
"""Lines of a note that are shown after a timeout or an interrupt."""

_FAILED = 1
_SIGNALLED = 128

_signals: list[int] = []
"""The signals that have ended the run, in their order."""


class TimedOut(Exception):
    """A run took longer than its timeout.

    Args:
        seconds: The timeout.
        cancel: The exception that cancelled the run; its notes say which step waited for which.
    """

    def __init__(self, seconds: float | None, cancel: BaseException | None) -> None:
        super().__init__(f"timed out after {seconds:g} s")
        for note in getattr(cancel, "__notes__", ()):
            self.add_note(note)


class _Escaping(logging.Formatter):
    """The format of warnings for which the user's program has set none."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message, which may hold texts of items and names of steps."""
        return escaped(super().format(record))


class Interrupted(Exception):
    """A signal ended a run, and its clean-up failed; raised from the exception of the clean-up."""


def guarded(command: Callable[[], Any]) -> int:
    """Call the whole command line, and return the exit code.

    From now on, SIGTERM and SIGHUP call the handler that Ctrl-C has at that time.
    """
    _prepare_streams()
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Escaping())
    if threading.current_thread() is threading.main_thread():
        _listen()
    code = _FAILED
    try:
        returned = command()
        code = returned if isinstance(returned, int) else 0
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        tell(escaped(shown.getvalue()).rstrip("\n"))
        code = error.exit_code
    except KeyboardInterrupt:
        code = _interrupted()
    except click.Abort as error:  # click raises it for Ctrl-C, and for the end of stdin
        if isinstance(error.__cause__ or error.__context__, KeyboardInterrupt):
            code = _interrupted()
        else:
            tell("aborted")
    except SystemExit as error:
        code = _code_of(error)
    except OSError as error:  # of the help, or the like: a command shows its own exceptions
        tell(f"cannot write to stdout: {error.strerror or error}")
        hush(sys.stdout)
    finally:
        lost = not _is_flushed()
    return _FAILED if lost and not code else code


def exit_code_of(
    command: Callable[[], Any],
    *,
    whole: bool,
    refusal: type[click.ClickException] = Refusal,
) -> Any:
    """Call `command`; show the exception that it raises, and return the exit code.

    Args:
        command: The function to call; its result is returned.
        whole: Whether to show all frames of an exception, not just the user's own.
        refusal: The exception that says that the command line is wrong; it is passed on. Any other
            exception of click's is one of the user's own.
    """
    try:
        return command()
    except (refusal, click.exceptions.Exit, click.Abort, SystemExit):
        raise
    except KeyboardInterrupt as error:
        number = _interrupted()
        _show("".join(_notes(error)), whole)
        return number
    except Interrupted as error:
        number = _interrupted()
        if error.__cause__ is not None:
            _show(_told(error.__cause__, whole), whole)
        return number
    except TimedOut as error:
        _show(f"{error}\n{''.join(_notes(error))}", whole)
        return _FAILED
    except BaseException as error:
        if _is_broken_pipe(error) and _has_lost_stdout():
            hush(sys.stdout)
        else:
            _show(_told(error, whole), whole)
        return _FAILED


def _prepare_streams() -> None:
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # the parent process closed it: write nowhere, as `print` does
            stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            setattr(sys, name, stream)
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # do not fail on a character that the terminal lacks
            reconfigure(errors="backslashreplace")


def _code_of(error: SystemExit) -> int:
    """Return the exit code as Python would, after writing the text that stands in place of it."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    tell(escaped(str(error.code)))
    return _FAILED


def _is_flushed() -> bool:
    """Flush stdout; tell whether that succeeded, or stdout has no reader left."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        hush(sys.stdout)
    except OSError as error:
        tell(f"cannot write to stdout: {error.strerror}")
        hush(sys.stdout)
        return False
    return True


def _is_broken_pipe(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(BrokenPipeError)[1] is None
    return isinstance(error, BrokenPipeError)


def _has_lost_stdout() -> bool:
    """Tell whether stdout has lost its reader, rather than a pipe of the user's own."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return True
    return False


# Signals


def _listen() -> None:
    """Make SIGTERM and SIGHUP do the same as Ctrl-C, unless they are ignored."""
    heard = _heard()
    if not heard:
        return
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and hasattr(signal, "pthread_sigmask"):
        # A background job ignores SIGINT. Block the signal instead, and install its handler:
        # the other signals call that handler.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in heard:
        signal.signal(number, _terminate)


def _heard() -> list[signal.Signals]:
    """Return the signals beside Ctrl-C that end a run; ``nohup`` makes the process ignore one."""
    there = [signal.Signals.__members__.get(name) for name in ("SIGTERM", "SIGHUP")]
    return [each for each in there if each and signal.getsignal(each) is not signal.SIG_IGN]


def _terminate(number: int, frame: FrameType | None) -> None:
    _signals.append(number)
    interrupt = signal.getsignal(signal.SIGINT)
    if callable(interrupt):
        interrupt(signal.SIGINT, frame)
        return
    raise KeyboardInterrupt  # SIGINT is ignored, on a system without signal masks


def _interrupted() -> int:
    """Report the signal that ended the run, and return the exit code.

    From now on, another signal ends the process at once.
    """
    number = _signals[0] if _signals else signal.SIGINT

    def leave(*_: object) -> NoReturn:
        os._exit(_SIGNALLED + number)

    if threading.current_thread() is threading.main_thread():
        # Python would wait for threads of the user's that are left.
        for each in (signal.SIGINT, *_heard()):
            signal.signal(each, leave)
    tell(f"ended by {signal.Signals(number).name}")
    return _SIGNALLED + number


# Showing an exception


def _show(text: str, whole: bool) -> None:
    lines = escaped(text).splitlines()
    if not whole:
        if len(lines) > _LINES:
            left_out = f"... {len(lines) - _LINES:,} lines (--traceback shows all)"
            lines = [*lines[: _LINES // 2], left_out, *lines[-_LINES // 2 :]]
        lines = [_cut(line) for line in lines]
    if lines:
        tell("\n".join(lines))


def _cut(line: str) -> str:
    if len(line) <= _MESSAGE:
        return line
    return f"{line[:_MESSAGE]}... ({len(line):,} characters; --traceback shows all)"


def _told(error: BaseException, whole: bool) -> str:
    """Return the traceback of `error`, with only the user's own frames unless `whole`."""
    told = traceback.TracebackException.from_exception(error)
    if not whole:
        for each in _all_of(told):
            own = [frame for frame in each.stack if not _is_machinery(frame.filename)]
            # With None as stack, format() leaves out the header of the traceback too.
            each.stack = traceback.StackSummary.from_list(own) if own else None  # type: ignore[assignment] # format() accepts None
    return "".join(told.format())


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
    """Tell whether a file belongs to the code between the command line and the user's code."""
    if filename.startswith("<frozen"):
        return True
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if filename.startswith(os.path.join(package, "examples")):
        return False
    import reactivex

    between = (reactivex, asyncio, click, importlib)
    folders = (package, *(os.path.dirname(str(each.__file__)) for each in between))
    return filename.startswith(tuple(folder + os.sep for folder in folders))
