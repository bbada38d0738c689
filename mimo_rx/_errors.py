"""The errors of mimo_rx, one class a cause.

::

    Exception
    └── MimoError
        ├── WiringError (ValueError)         a blueprint that cannot be meant
        │   └── UnknownPort (AttributeError, KeyError)   a port that is not there
        ├── InputClosed                      pop or peek after the end of an input
        ├── OutputClosed                     push after close() of that output
        ├── DownstreamClosed                 nobody reads any main output any more
        ├── BufferOverflow                   a source whose overflow is "error" found no room
        ├── DeadlockError                    streams that wait for each other in a ring
        ├── StreamCancelled                  a CancelledError that nobody asked for
        └── LateSubscription                 a port subscribed to after items had passed

A user's own exception is never wrapped: it travels as itself, with a note (PEP 678) that names the
step. What else failed while the run unwound is found with :func:`failures`.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "BufferOverflow",
    "DeadlockError",
    "DownstreamClosed",
    "InputClosed",
    "LateSubscription",
    "MimoError",
    "OutputClosed",
    "StreamCancelled",
    "UnknownPort",
    "WiringError",
    "failures",
    "nearest",
]

_FAILURES = "__mimo_rx_failures__"


class MimoError(Exception):
    """Base of every error that mimo_rx raises on its own account."""


class WiringError(MimoError, ValueError):
    """A connection, name or operand in a blueprint that cannot be what was meant.

    It is raised where the mistake is written, and the workflow stays as it was.
    """


class UnknownPort(WiringError, AttributeError, KeyError):
    """A port name that the stream does not have on that side.

    Args:
        where: Whose port was looked for, as it stands in the text (``"step 'parse'"``).
        side: ``"input"`` or ``"output"``, or ``"port"`` where either would do.
        name: The name that was asked for.
        names: The names that there are.
    """

    def __init__(self, where: str, side: str, name: object, names: Iterable[str]) -> None:
        there = tuple(names)
        listed = ", ".join(map(repr, there)) if there else "none"
        text = f"{where} has no {side} {name!r}; its {side}s are {listed}"
        close = nearest(name, there)
        if close is not None:
            text += f"; did you mean {close!r}"
        super().__init__(text)
        self.name = name if isinstance(name, str) else repr(name)
        self._text = text

    def __str__(self) -> str:
        """Return the text itself: ``KeyError`` would show it quoted."""
        return self._text

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by the finished text, so that it crosses process borders."""
        return (_rebuild_unknown_port, (self._text, self.name))


def _rebuild_unknown_port(text: str, name: str) -> UnknownPort:
    error = UnknownPort.__new__(UnknownPort)
    error.args = (text,)
    error.name = name
    error._text = text
    return error


class InputClosed(MimoError):
    """An input has ended: its producers have closed and nothing is left in its buffer.

    ``async for item in ins.a`` ends by itself instead of raising this.
    """


class OutputClosed(MimoError):
    """An output was pushed to after its own stream had closed it with ``close()``."""


class DeadlockError(MimoError):
    """Streams wait for each other in a ring, and can never go on.

    Its text draws the ring: who waits for which port of whom.
    """


class DownstreamClosed(MimoError):
    """Nobody reads any connected main output of this stream any more.

    Let it pass: it ends the stream quietly, as ``SIGPIPE`` ends a process, and counts as a return.
    """


class BufferOverflow(MimoError):
    """An Observable from outside delivered an item for which there was no room at its entry.

    Only one whose ``overflow`` is ``"error"`` fails in this way.
    """


class StreamCancelled(MimoError):
    """A stream ended with a ``CancelledError`` that neither the run nor its caller asked for."""


class LateSubscription(MimoError):
    """A port was subscribed to in a run after items of it had already passed.

    Name such a port at the entry, ``flow(observable, ports=[step["x"]])``: its producer then waits
    until it is subscribed to.
    """


for _error in (MimoError, *MimoError.__subclasses__(), UnknownPort):
    _error.__module__ = "mimo_rx"  # as a traceback names it, and as it is imported


def failures(error: BaseException) -> tuple[BaseException, ...]:
    """Return what else failed while the run that raised `error` unwound.

    Args:
        error: The exception that came out of ``start()``, ``run()`` or ``open()``.

    Returns:
        The further exceptions in the order in which they were raised; empty if there were none.

    Example:
        >>> failures(ValueError("alone"))
        ()
    """
    return tuple(getattr(error, _FAILURES, ()))


def keep_failures(error: BaseException, further: Iterable[BaseException]) -> None:
    """Attach `further` to `error`, where :func:`failures` finds them."""
    # Not by setattr(): an exception that is a frozen dataclass refuses every assignment.
    object.__setattr__(error, _FAILURES, tuple(further))


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Return the one of `names` that looks most like `name`, or None if none comes close."""
    if not isinstance(name, str):
        return None
    from difflib import get_close_matches  # only a mistake needs it

    close = get_close_matches(name, list(names), n=1, cutoff=0.5)
    return close[0] if close else None
