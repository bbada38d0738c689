"""The states of a stream in a run and of the run itself, and how they change.

A stream runs until it ends by itself, until nobody reads it any more (C4), until the run is
stopped, or until it raises. Clean-up makes this hard: a stream that knows of its end may be in a
``finally`` block, and a cancel must not interrupt that block. So it matters *how* a stream learned
that nobody reads it:

- ``UNREAD``: it has not learned of it yet. Its next push or pop raises ``DownstreamClosed``.
- ``TOLD``: a push or pop has raised ``DownstreamClosed`` in it. It may be cleaning up.
- ``DISMISSED``: it waited for something else, so it was cancelled there. It may be cleaning up.

A run goes on until all its streams have ended, or until it is stopped by a failure, a cancel, or
the end of an open block. The two tables below list every change of state. An event that comes
after the end of a stream changes nothing.
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["Event", "Life", "Phase"]


class Life(Enum):
    """The state of a stream in a run."""

    RUNS = "runs"
    """Its tasks are at work."""
    UNREAD = "unread"
    """Nobody reads its main outputs, but it has not learned of that yet."""
    TOLD = "told"
    """``DownstreamClosed`` was raised in it."""
    DISMISSED = "dismissed"
    """It was cancelled, since nobody reads it."""
    RETURNED = "returned"
    """It ended by itself."""
    DOWNSTREAM = "downstream"
    """It ended because nobody read it."""
    CANCELLED = "cancelled"
    """It ended because the run was stopped."""
    FAILED = "failed"
    """It raised."""

    def after(self, event: Event) -> Life:
        """Return the state of a stream after `event`."""
        return _STREAM[self][event] if self in _STREAM else self

    @property
    def has_ended(self) -> bool:
        """Whether the stream has ended."""
        return self not in _STREAM

    @property
    def is_unread(self) -> bool:
        """Whether nobody reads the stream, and it has not ended."""
        return self in (Life.UNREAD, Life.TOLD, Life.DISMISSED)


class Event(Enum):
    """What happens to a stream."""

    LEFT = auto()
    """The last reader of its main outputs has gone (C4)."""
    TELL = auto()
    """A push or pop raises ``DownstreamClosed``."""
    DISMISS = auto()
    """Nobody reads it, and it waits for something else, so it is cancelled."""
    RETURN = auto()
    """It returned, or raised only ``DownstreamClosed`` or the cancel of ``DISMISS``."""
    CANCEL = auto()
    """The run was stopped and it let the cancel pass, or it was cancelled before its first step."""
    FAIL = auto()
    """It raised anything else."""


_STREAM: dict[Life, dict[Event, Life]] = {
    Life.RUNS: {
        Event.LEFT: Life.UNREAD,
        Event.TELL: Life.TOLD,
        Event.RETURN: Life.RETURNED,
        Event.CANCEL: Life.CANCELLED,
        Event.FAIL: Life.FAILED,
    },
    Life.UNREAD: {
        Event.LEFT: Life.UNREAD,
        Event.TELL: Life.TOLD,
        Event.DISMISS: Life.DISMISSED,
        Event.RETURN: Life.RETURNED,
        Event.CANCEL: Life.CANCELLED,
        Event.FAIL: Life.FAILED,
    },
    Life.TOLD: {
        Event.LEFT: Life.TOLD,
        Event.TELL: Life.TOLD,
        Event.RETURN: Life.DOWNSTREAM,
        Event.CANCEL: Life.CANCELLED,
        Event.FAIL: Life.FAILED,
    },
    Life.DISMISSED: {
        Event.LEFT: Life.DISMISSED,
        Event.TELL: Life.DISMISSED,
        Event.RETURN: Life.DOWNSTREAM,
        Event.CANCEL: Life.DOWNSTREAM,
        Event.FAIL: Life.FAILED,
    },
}


class Phase(Enum):
    """The state of a run."""

    RUNS = auto()
    """Its streams are at work, or have not begun yet."""
    STOPS = auto()
    """It was asked to stop, and waits for clean-up."""
    ENDED = auto()
    """All its streams ended by themselves."""
    STOPPED = auto()
    """It was asked to stop, and has ended."""

    def after_stop(self) -> Phase:
        """Return the state of a run after it was asked to stop."""
        return _RUN[self][0]

    def after_end(self) -> Phase:
        """Return the state of a run after its last stream, edge and thread have ended."""
        return _RUN[self][1]


_RUN: dict[Phase, tuple[Phase, Phase]] = {
    # state:      (asked to stop, everything has ended)
    Phase.RUNS: (Phase.STOPS, Phase.ENDED),
    Phase.STOPS: (Phase.STOPS, Phase.STOPPED),
    Phase.ENDED: (Phase.STOPPED, Phase.ENDED),
    Phase.STOPPED: (Phase.STOPPED, Phase.STOPPED),
}
