"""Notes on a user's exceptions: where in the workflow they happened.

An exception travels as itself. mimo_rx adds what it knows of the place as a note (PEP 678). It
finds the operator that raised in the traceback, so this costs nothing while nothing fails.

Rules: E2, E3.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable
from functools import partial
from types import CodeType, FrameType, TracebackType
from typing import Any, NoReturn

from ._errors import failures, keep_failures
from ._rx.operators import describe, name_of, parts, user_functions

__all__ = [
    "add_note",
    "carried",
    "consists_of",
    "gather",
    "is_exit",
    "operator_note",
    "place_of_coroutine",
    "place_of_thread",
    "raised_at",
    "reraise",
    "step_note",
    "text_of",
    "waits_note",
]

_MACHINERY = ("asyncio", "queue", "reactivex", "selectors", "threading", __name__.partition(".")[0])
"""Packages whose frames do not interest the user."""
_PARTS = re.compile(r"reactivex[/\\]operators[/\\]_?(\w+)\.py$")


def add_note(error: BaseException, note: str) -> None:
    """Add `note` to `error`, unless it is there already."""
    notes = getattr(error, "__notes__", ())
    if not isinstance(notes, list | tuple):
        notes = ()  # somebody else's value, which Python itself would not show as notes
    if note not in notes:
        # add_note() would not do: an exception that is a frozen dataclass refuses assignments.
        object.__setattr__(error, "__notes__", [*notes, note])


def carried(error: StopIteration, by: str = "an operator") -> RuntimeError:
    """Return the exception to raise instead of `error`, which cannot leave a coroutine.

    Args:
        error: What was raised.
        by: What raised it.
    """
    # Python would raise an error of its own instead, without a note.
    text = f": {error}" if str(error) else ""
    carrier = RuntimeError(
        f"{by} raised StopIteration{text}; next() raises it where no item is left, unless it is "
        "given a default"
    )
    carrier.__cause__ = error
    return carrier


def step_note(path: str, restarts: int = 0) -> str:
    """Return the note that names the step at `path`, and how often it had been restarted."""
    times = "once" if restarts == 1 else f"{restarts} times"
    before = f", which had been restarted {times} before" if restarts else ""
    return f"mimo_rx: raised in step {path!r}{before}"


def waits_note(name: str, waits: object) -> str:
    """Return the note that draws the waits at the cancel of a run of workflow `name` (D4)."""
    drawing = str(waits).replace("\n", "\n  ")
    return f"mimo_rx: workflow {name!r} was cancelled while these waited:\n  {drawing}"


def operator_note(edge: str, operators: tuple[Any, ...], error: BaseException) -> str:
    """Return the note that names the edge, the operator and the function that raised (E3).

    Args:
        edge: The two ports of the edge, such as ``read.line -> parse.line``.
        operators: All operators of that edge.
        error: The exception that they raised.
    """
    note = f"mimo_rx: raised on the edge {edge}"
    operators = tuple(part for operator in operators for part in parts(operator))
    name, frame, code = _last_operator(error.__traceback__)
    position = _position(operators, name, frame, code)
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
    """Add the further failures of an unwinding run to `first`, as notes and as objects (E2).

    Args:
        first: The exception that will come out of the run.
        further: For each other failure, where it was raised (``step 'parse'``), and the exception.
    """
    known = list(failures(first))
    for where, error in further:
        if error is first or any(error is other for other in known):
            continue
        known.append(error)
        add_note(
            first,
            f"mimo_rx: while unwinding, {where} raised {type(error).__name__}: {text_of(error)}"
            f"{raised_at(error)}",
        )
    if known:
        keep_failures(first, known)


def reraise(error: BaseException) -> NoReturn:
    """Raise `error` with its own context: what the user's code was handling, not ours."""
    context = error.__context__
    try:
        raise error
    finally:
        object.__setattr__(error, "__context__", context)


def is_exit(error: BaseException) -> bool:
    """Tell whether `error` asks the whole process to end."""
    return isinstance(error, SystemExit | KeyboardInterrupt)


def consists_of(error: BaseException, kind: type[BaseException]) -> bool:
    """Tell whether `error` is a `kind`, or a group of nothing but `kind`."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(kind)[1] is None
    return isinstance(error, kind)


def place_of_coroutine(awaited: Any) -> str:
    """Return where a coroutine waits, as ``file:line in function``."""
    frames: list[FrameType] = []
    while awaited is not None:
        for prefix, inner in (("cr", "cr_await"), ("gi", "gi_yieldfrom"), ("ag", "ag_await")):
            if hasattr(awaited, inner):
                frame = getattr(awaited, f"{prefix}_frame")
                frames += [] if frame is None else [frame]
                awaited = getattr(awaited, inner)
                break
        else:
            awaited = None
    return _place(frames)


def place_of_thread(frame: FrameType | None) -> str:
    """Return where a thread is, given its innermost frame."""
    frames: list[FrameType] = []
    while frame is not None:
        frames.insert(0, frame)
        frame = frame.f_back
    return _place(frames)


def _place(frames: list[FrameType]) -> str:
    """Return the last frame of the user's code as text, or the last of all if there is none."""
    if not frames:
        return "an unknown place"
    frame = next((each for each in reversed(frames) if not _is_machinery(each)), frames[-1])
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def raised_at(error: BaseException) -> str:
    """Return where `error` was raised, as `` (file:line in function)``."""
    trace = error.__traceback__
    if trace is None and error.__cause__ is not None:
        trace = error.__cause__.__traceback__
    frames = traceback.extract_tb(trace)
    if not frames:
        return ""
    frame = frames[-1]
    return f" ({frame.filename}:{frame.lineno} in {frame.name})"


def text_of(error: BaseException) -> str:
    """Return ``str(error)``, or a replacement if that raises."""
    try:
        return str(error)
    except Exception:
        return "<its str() fails>"


def _last_operator(
    trace: TracebackType | None,
) -> tuple[str | None, FrameType | None, CodeType | None]:
    """Find the innermost frame of a RxPY operator, and the user's function that raised.

    That function is the first one that the operator called. Without a RxPY operator in the
    traceback, an operator of the user's own raised, and the function is the last one.
    """
    name: str | None = None
    operator: FrameType | None = None
    called: CodeType | None = None
    last: CodeType | None = None
    for frame, _ in traceback.walk_tb(trace):
        match = _PARTS.search(frame.f_code.co_filename)
        if match is not None:
            # Some operators, such as `starmap`, are defined in `operators/__init__.py` itself.
            own = frame.f_code.co_qualname.partition(".")[0]
            name = own if match[1] == "_init__" else match[1]
            operator, called = frame, None
        elif not _is_machinery(frame):
            last = frame.f_code
            called = called or last
    return name, operator, last if operator is None else called


def _is_machinery(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).partition(".")[0] in _MACHINERY


def _position(
    operators: tuple[Any, ...], name: str | None, frame: FrameType | None, code: CodeType | None
) -> int | None:
    """Return the index of the operator that the frame belongs to; None if that is unclear.

    It is the operator that was given the function that raised. If several were given it, it is the
    one whose name is that of the frame's file, or whose function the frame holds.
    """
    if name is None or frame is None:
        return None
    given = [
        index
        for index, operator in enumerate(operators)
        if any(_code_of(function) is code for function in user_functions(operator))
    ]
    if code is not None and len(given) == 1:
        return given[0]
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


def _code_of(function: Any) -> object:
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__code__", None)  # a bound method has its function's code


def _line(error: BaseException, code: CodeType) -> int:
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code is code]
    return lines[-1] if lines else code.co_firstlineno
