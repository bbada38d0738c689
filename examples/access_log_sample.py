"""The sample log that ``access_log`` makes, the same one each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import TypeVar

__all__ = ["LINES", "sample"]

T = TypeVar("T")

LINES = 2000
"""Number of lines of the sample."""

_SPOILT_EVERY = 250
_HOSTS = [f"192.0.2.{number}" for number in range(1, 41)]
_ANSWERS = [
    ("/", 200),
    ("/search?q=streams", 200),
    ("/style.css", 304),
    ("/docs/ports.html", 200),
    ("/old/manual.html", 301),
    ("/download/mimo.tar.gz", 200),
    ("/favicon.ico", 404),
    ("/api/report", 503),
    ("/wp-login.php", 403),
    ("/api/orders?page=2", 500),
]
_AGENT = '"-" "Mozilla/5.0 (X11; \\"sample\\")"'


def sample(lines: int = LINES) -> Iterator[str]:
    """Return the lines of a log: every second one in the combined format, some cut short.

    Args:
        lines: Number of lines, at least 0.

    Example:
        >>> print(*sample(1))
        192.0.2.25 - - [01/Mar/2024:06:00:00 +0000] "GET / HTTP/1.1" 200 6873
    """
    random = Random(1)
    for number in range(lines):
        path, status = _early(_ANSWERS, random)
        line = (
            f"{_early(_HOSTS, random)} - {'ada' if number % 10 == 1 else '-'} "
            f"[{_time(7 * number)}] "
            f'"GET {path} HTTP/1.1" {status} {_size(status, random)}'
        )
        if number % 2:
            line = f"{line} {_AGENT}"
        # Cut a line in the middle, as a crash or a full disk does.
        yield line[: len(line) // 4] if number % _SPOILT_EVERY == _SPOILT_EVERY - 1 else line


def _early(those: Sequence[T], random: Random) -> T:
    """Return one of `those`, preferring the first ones."""
    return those[int(random.random() ** 3 * len(those))]


def _time(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"01/Mar/2024:{6 + hours:02}:{minute:02}:{second:02} +0000"


def _size(status: int, random: Random) -> str:
    return "-" if status == 304 else str(int(random.random() * 9000))
