"""The errors of mimo_rx, one class for each cause.

::

    Exception
    └── MimoError
        ├── WiringError (ValueError)         a mistake in a blueprint
        │   └── UnknownPort (AttributeError, KeyError)   a port that does not exist
        ├── InputClosed                      pop or peek after the end of an input
        ├── OutputClosed                     push after close() of that output
        ├── DownstreamClosed                 no reader is left on any main output
        ├── BufferOverflow                   a source whose overflow is "error" found no room
        ├── DeadlockError                    streams that wait for each other in a ring
        ├── StreamCancelled                  a CancelledError that nobody asked for
        └── LateSubscription                 a port subscribed to after items had passed

A user's own exception is never wrapped. It travels as itself, with a note (PEP 678) that names the
step. :func:`failures` returns further exceptions that were raised while the run unwound.
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
    """Base class of all errors that mimo_rx itself raises."""


class WiringError(MimoError, ValueError):
    """A connection, name or operand in a blueprint is a mistake.

    It is raised where the mistake is written, and the workflow stays as it was.
    """


class UnknownPort(WiringError, AttributeError, KeyError):
    """A port name that the stream does not have on that side.

    Args:
        where: The owner of the ports, as the text names it (``"step 'parse'"``).
        side: ``"input"`` or ``"output"``, or ``"port"`` where either is possible.
        name: The name that was asked for.
        names: The names that exist.
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
        """Return the plain text; ``KeyError`` would put it in quotes."""
        return self._text

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the finished text, so that the error can cross processes."""
        return (_rebuild_unknown_port, (self._text, self.name))


def _rebuild_unknown_port(text: str, name: str) -> UnknownPort:
    error = UnknownPort.__new__(UnknownPort)
    error.args = (text,)
    error.name = name
    error._text = text
    return error


class InputClosed(MimoError):
    """An input has ended: all its producers have closed and its buffer is empty.

    ``async for item in ins.a`` ends by itself instead of raising this error.
    """


class OutputClosed(MimoError):
    """A stream pushed to an output that it had closed with ``close()``."""


class DeadlockError(MimoError):
    """Streams wait for each other in a ring, and can never go on.

    Its text draws the ring: which step waits for which port of which other step.
    """


class DownstreamClosed(MimoError):
    """No connected main output of this stream has a reader left.

    Do not catch it: it ends the stream quietly, as ``SIGPIPE`` ends a process, and counts as a
    return.
    """


class BufferOverflow(MimoError):
    """An outside Observable delivered an item while its entry was full.

    Only a source whose ``overflow`` is ``"error"`` fails in this way.
    """


class StreamCancelled(MimoError):
    """A stream ended with a ``CancelledError`` that neither the run nor its caller asked for."""


class LateSubscription(MimoError):
    """Something subscribed to a port in a run after items of it had already passed.

    Name such a port at the entry, ``flow(observable, ports=[step["x"]])``: its producer then waits
    until the subscription.
    """


for _error in (MimoError, *MimoError.__subclasses__(), UnknownPort):
    _error.__module__ = "mimo_rx"  # as a traceback names it, and as it is imported


def failures(error: BaseException) -> tuple[BaseException, ...]:
    """Return the further exceptions of the run that raised `error`.

    Args:
        error: The exception that came out of ``start()``, ``run()`` or ``open()``.

    Returns:
        The exceptions raised while the run unwound, in their order; empty if there were none.

    Example:
        >>> failures(ValueError("alone"))
        ()
    """
    return tuple(getattr(error, _FAILURES, ()))


def keep_failures(error: BaseException, further: Iterable[BaseException]) -> None:
    """Attach `further` to `error`, where :func:`failures` finds them."""
    # setattr() would not do: an exception that is a frozen dataclass refuses every assignment.
    object.__setattr__(error, _FAILURES, tuple(further))


def nearest(name: object, names: Iterable[str]) -> str | None:
    """Return the name in `names` that is most similar to `name`; None if none is similar."""
    if not isinstance(name, str):
        return None
    from difflib import get_close_matches  # only a mistake needs it

    close = get_close_matches(name, list(names), n=1, cutoff=0.5)
    return close[0] if close else None
