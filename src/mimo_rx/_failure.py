"""Notes on a user's exceptions: where in the workflow they happened.

An exception travels as itself; what mimo_rx knows of it is added as a note (PEP 678). Which
operator raised is read off the traceback, so that it costs nothing as long as nothing fails.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from pathlib import PurePath
from types import CodeType, FrameType, TracebackType
from typing import Any

from ._errors import failures, keep_failures
from ._operators import describe, name_of, user_functions

__all__ = ["add_note", "gather", "operator_note", "step_note"]

_PARTS = re.compile(r"reactivex[/\\]operators[/\\]_?(\w+)\.py$")


def add_note(error: BaseException, note: str) -> None:
    """Add `note` to `error`, unless it carries it already."""
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def step_note(path: str, error: BaseException, hint: str = "") -> str:
    """Return the note that names the step at `path`, in which `error` was raised."""
    return f"mimo_rx: raised in step {path!r}{hint}"


def operator_note(edge: str, operators: tuple[Any, ...], error: BaseException) -> str:
    """Return the note that names the edge, the operator and the function that raised (E3).

    Args:
        edge: What the operators stand between, such as ``read.line -> parse.line``.
        operators: All operators of that edge.
        error: What came out of them.
    """
    note = f"mimo_rx: raised on the edge {edge}"
    name, frame, code = _last_operator(error.__traceback__)
    position = _position(operators, name, frame)
    if position is not None:
        count = len(operators)
        note += f", in operator {position + 1} of {count}, {describe(operators[position])}"
    elif name is not None:
        note += f", in operator {name}"
    elif operators:
        note += f", in {' | '.join(map(describe, operators))}"
    if code is not None:
        note += f", by {code.co_qualname} ({code.co_filename}:{_line(error, code)})"
    return note


def gather(first: BaseException, further: Iterable[tuple[str, BaseException]]) -> None:
    """Tell on `first` what else failed while the run unwound (E2).

    Args:
        first: The exception that will come out of the run.
        further: The path of the step and its exception, for each of the others.
    """
    others = [(path, error) for path, error in further if error is not first]
    for path, error in others:
        add_note(
            first,
            f"mimo_rx: while unwinding, step {path!r} raised {type(error).__name__}: {error}"
            f"{last_frame(error)}",
        )
    if others:
        known = failures(first)
        keep_failures(first, (*known, *(error for _, error in others if error not in known)))


def last_frame(error: BaseException) -> str:
    """Return where `error` was raised, as `` (file:line in function)``."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return ""
    frame = frames[-1]
    return f" ({frame.filename}:{frame.lineno} in {frame.name})"


def _last_operator(
    trace: TracebackType | None,
) -> tuple[str | None, FrameType | None, CodeType | None]:
    """Find the innermost frame of an operator, and the first of the user's that it called."""
    name: str | None = None
    operator: FrameType | None = None
    code: CodeType | None = None
    for frame, _ in traceback.walk_tb(trace):
        file = frame.f_code.co_filename
        match = _PARTS.search(file)
        if match is not None:
            name, operator, code = match[1], frame, None
        elif operator is not None and code is None and "reactivex" not in PurePath(file).parts:
            code = frame.f_code
    return name, operator, code


def _position(operators: tuple[Any, ...], name: str | None, frame: FrameType | None) -> int | None:
    """Tell which of `operators` the frame belongs to, if that can be told."""
    if name is None or frame is None:
        return None
    named = [
        index
        for index, operator in enumerate(operators)
        if name_of(operator).split("_")[0] == name.split("_")[0]
    ]
    held = [id(value) for value in frame.f_locals.values()]
    telling = [
        index
        for index in named or range(len(operators))
        if any(id(function) in held for function in user_functions(operators[index]))
    ]
    if len(telling) == 1:
        return telling[0]
    return named[0] if len(named) == 1 else None


def _line(error: BaseException, code: CodeType) -> int:
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return lines[-1] if lines else code.co_firstlineno
