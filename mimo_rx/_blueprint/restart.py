"""The setting that says when a stream that failed is started again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf, isfinite
from typing import TYPE_CHECKING

from .._errors import MimoError, WiringError

if TYPE_CHECKING:
    from random import Random

__all__ = ["Restart"]


@dataclass(frozen=True, slots=True)
class Restart:
    """When a stream that raised is started again: ``add_stream(stream, restart=Restart())``.

    The stream begins anew, with its ports as they are and with the same state. Items that it had
    popped before it raised are gone. To process every item at least once, ``peek`` at it, do the
    work, and ``pop`` it afterwards. Until the restart the outputs of the stream stay open and its
    inputs fill up, so its neighbours wait as they do for a slow stream. Each restart is logged as a
    warning and counted (``statistics.steps["fetch"].restarts``).

    The delay before a restart grows with `n`, the number of restarts since the budget was last
    full. With `u` drawn from [0, 1), it is

    ``min(max_backoff, backoff * 2**n) * (1 - jitter * u)`` seconds.

    This is exponential backoff (Metcalfe & Boggs 1976, "Ethernet: Distributed Packet Switching for
    Local Computer Networks"). The jitter spreads streams that failed together, so that they do not
    come back together (Brooker 2015, "Exponential Backoff and Jitter", AWS Architecture Blog; a
    jitter of 1 is called full there, one of 0.5 equal).

    A cancel or an exception of mimo_rx itself (``DownstreamClosed``, ``InputClosed``, ...) never
    leads to a restart, whatever `on` says. An exception group does if all exceptions in it would.

    Args:
        max_restarts: Restarts before the exception fails the run after all, at least 0.
        within: Seconds above 0. A stream that has run this long since its last start gets its full
            budget again: `max_restarts`, and the shortest delay. ``math.inf`` for never.
        backoff: Seconds before the first restart, at least 0.
        max_backoff: The longest delay in seconds, at least `backoff`.
        jitter: The share by which a delay may be shorter, from 0 to 1.
        on: Classes of the exceptions that lead to a restart. Mind that ``TimeoutError`` is an
            ``OSError``, that of ``pop(timeout=...)`` too.

    Raises:
        WiringError: An argument is out of its range, or `on` is no tuple of classes of exceptions
            that may lead to a restart.

    Example:
        >>> from mimo_rx import InputClosed, Stream, Workflow, flow
        >>> failing = [ConnectionError("gone"), ConnectionError("gone again")]
        >>> async def send(ins, outs, state):
        ...     while True:
        ...         try:
        ...             letter = await ins.letter.peek()
        ...         except InputClosed:
        ...             return
        ...         if failing and letter == "b":
        ...             raise failing.pop()
        ...         print("sent", letter)
        ...         await ins.letter.pop()
        >>> workflow = Workflow()
        >>> sending = workflow.add_stream(
        ...     Stream(["letter"], fn=send), restart=Restart(max_restarts=2, backoff=0.001)
        ... )
        >>> step = flow(["a", "b", "c"]) | sending
        >>> workflow.start().steps["send"].restarts
        sent a
        sent b
        sent c
        2
    """

    max_restarts: int = 3
    """Restarts before the exception fails the run after all."""
    within: float = 60.0
    """Seconds after which a stream that still runs gets its full budget again."""
    backoff: float = 0.1
    """Seconds before the first restart."""
    max_backoff: float = 10.0
    """The longest delay, in seconds."""
    jitter: float = 0.2
    """The share by which a delay may be shorter."""
    on: tuple[type[Exception], ...] = (OSError,)
    """Classes of the exceptions that lead to a restart."""

    def __post_init__(self) -> None:
        count: object = self.max_restarts
        if isinstance(count, bool) or not isinstance(count, int) or count < 0:
            raise _refused("max_restarts must be an integer of at least 0", count)
        if not _is_number(self.within) or not 0 < self.within <= inf:
            raise _refused("within must be a number of seconds above 0", self.within)
        if not _is_number(self.backoff) or not (self.backoff >= 0 and isfinite(self.backoff)):
            raise _refused("backoff must be a number of seconds, at least 0", self.backoff)
        longest = self.max_backoff
        if not _is_number(longest) or not (longest >= self.backoff and isfinite(longest)):
            rule = f"at least backoff, which is {self.backoff!r}"
            raise _refused(f"max_backoff must be a number of seconds, {rule}", longest)
        if not _is_number(self.jitter) or not 0 <= self.jitter <= 1:
            raise _refused("jitter must be a number from 0 to 1", self.jitter)
        _check_classes(self.on)

    def retries(self, error: BaseException) -> bool:
        """Tell whether `error` is one that leads to a restart, as long as there is a budget."""
        raised = list(_leaves(error))
        if any(isinstance(each, MimoError) or not isinstance(each, Exception) for each in raised):
            return False
        return isinstance(error, self.on) or all(isinstance(each, self.on) for each in raised)

    def delay(self, before: int, random: Random) -> float:
        """Return how long to wait before a restart, in seconds.

        Args:
            before: Restarts since the budget was last full, at least 0.
            random: Draws the jitter.

        Example:
            >>> from random import Random
            >>> restart = Restart(backoff=0.5, max_backoff=3.0, jitter=0.0)
            >>> [restart.delay(before, Random()) for before in range(5)]
            [0.5, 1.0, 2.0, 3.0, 3.0]
        """
        whole = min(self.max_backoff, self.backoff * 2.0 ** min(before, 1000))
        return whole * (1 - self.jitter * random.random())


def _check_classes(classes: object) -> None:
    what = "on must be a tuple of exception classes"
    if isinstance(classes, type):
        raise _refused(what, classes, f"write on=({classes.__name__},)")
    if not isinstance(classes, tuple) or not classes:
        raise _refused(what, classes)
    for each in classes:
        if not isinstance(each, type) or not issubclass(each, BaseException):
            raise _refused(what, each)
        if not issubclass(each, Exception):
            raise _refused("on: a cancel or an exit never leads to a restart", each)
        if issubclass(each, MimoError):
            raise _refused("on: an exception of mimo_rx itself never leads to a restart", each)


def _refused(rule: str, given: object, hint: str = "") -> WiringError:
    return WiringError(f"{rule}, got {given!r}" + (f"; {hint}" if hint else ""))


def _is_number(given: object) -> bool:
    return isinstance(given, int | float) and not isinstance(given, bool)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield `error`; if it is a group, yield every exception in it, however deep."""
    pending = [error]
    while pending:
        each = pending.pop()
        if isinstance(each, BaseExceptionGroup):
            pending += each.exceptions
        else:
            yield each
