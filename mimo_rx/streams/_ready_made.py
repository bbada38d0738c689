"""What the ready-made streams share: argument checks, step names and the port for failures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

from .._blueprint.stream import Stream
from .._callable import describe_callable, function_name, is_coroutine_function
from .._errors import WiringError

__all__ = ["Failure", "ReadyMade", "UserFunction", "named_after"]


@dataclass(frozen=True, slots=True)
class Failure:
    """An item that a stream could not process; its output ``errors`` delivers such failures.

    Example:
        >>> from mimo_rx.streams import Map
        >>> from mimo_rx.testing import run_stream
        >>> [failure] = run_stream(Map(int), {"item": ["1", "x"]})["errors"]
        >>> failure.item, failure.exception, failure.step
        ('x', ValueError("invalid literal for int() with base 10: 'x'"), 'int')
    """

    item: Any
    """The item."""
    exception: Exception
    """The exception that was raised."""
    step: str
    """The path of the step."""


class ReadyMade(Stream):
    """A stream of this library, which checks its arguments when it is made.

    Args:
        ins: Names of the inputs; by default those of the class.
        outs: Names of the outputs; by default those of the class.
        name: Name of the stream; by default that of the class.
    """

    def __init__(
        self,
        ins: Iterable[str] | None = None,
        outs: Iterable[str] | None = None,
        *,
        name: str | None = None,
    ) -> None:
        super().__init__(ins, outs, name=name)

    def refuse(self, rule: str, given: object, hint: str = "") -> NoReturn:
        """Refuse an argument.

        Raises:
            WiringError: Always.
        """
        raise WiringError(f"{type(self).__name__}: {rule}, got {given!r}{hint and f'; {hint}'}")

    @staticmethod
    def shown(words: str) -> object:
        """Wrap `words` so that an error shows them without quotes."""
        return _Shown(words)

    def check_count(self, what: str, given: object, least: int = 1, unit: str = "items") -> None:
        """Check that `given` is a number of items: an int of at least `least`.

        Raises:
            WiringError: It is not.
        """
        if isinstance(given, bool) or not isinstance(given, int) or given < least:
            self.refuse(f"{what} must be a number of {unit}, an int of at least {least}", given)

    def check_seconds(self, what: str, given: object, *, zero: bool = False) -> None:
        """Check that `given` is a finite number of seconds above 0, or at least 0 if `zero`.

        Raises:
            WiringError: It is not.
        """
        self.check_number(what, given, "seconds", zero=zero)

    def check_number(self, what: str, given: object, unit: str, *, zero: bool = False) -> None:
        """Check that `given` is a finite number above 0, or at least 0 if `zero`.

        Raises:
            WiringError: It is not.
        """
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if is_number and math.isfinite(given) and (given > 0 or (zero and given == 0)):  # type: ignore[arg-type,operator] # it is a number here
            return
        rule = "of at least 0" if zero else "above 0"
        self.refuse(f"{what} must be a number of {unit} {rule}", given)

    def check_function(self, what: str, given: object) -> None:
        """Check that `given` can be called.

        Raises:
            WiringError: It cannot.
        """
        if not callable(given):
            self.refuse(f"{what} must be a function", given)

    def check_plain(self, what: str, given: object) -> None:
        """Check that `given` is a plain function.

        Raises:
            WiringError: It cannot be called, or is a coroutine function.
        """
        self.check_function(what, given)
        if is_coroutine_function(given):
            self.refuse(f"{what} must be a plain function", self.shown(describe_callable(given)))

    def check_choice(self, what: str, given: object, choices: Iterable[object]) -> None:
        """Check that `given` is one of `choices`.

        Raises:
            WiringError: It is not.
        """
        those = tuple(choices)
        if given not in those:
            self.refuse(f"{what} must be one of {', '.join(map(repr, those))}", given)

    def check_names(self, what: str, given: tuple[object, ...]) -> None:
        """Check that there is at least one name of a port, and that it is not a list of names.

        `Stream` checks whether each name is a valid one.

        Raises:
            WiringError: There is no name, or the first one is a list of names.
        """
        rule = f"there must be at least one name of {what}"
        if not given:
            self.refuse(rule, given)
        if isinstance(given[0], list | tuple):
            self.refuse(rule, given[0], "write the names one by one, or a `*` before the list")

    def check_executor(self, what: str, given: object) -> None:
        """Check that `given` is None, an executor or the name of one.

        Raises:
            WiringError: It is not.
        """
        if given is None or given in ("threads", "processes"):
            return
        from concurrent.futures import Executor

        if not isinstance(given, Executor):
            self.refuse(
                f'{what} must be "threads", "processes" or an executor of concurrent.futures', given
            )


class UserFunction(ReadyMade):
    """A stream that calls a user's function and sends its failures to ``errors``.

    If ``errors`` is connected, an item that fails goes there as a :class:`Failure`, and the stream
    goes on. If it is not, or its reader has left, the exception fails the run as any other (E1).
    """

    SIDE: ClassVar[tuple[str, ...]] = ("errors",)

    async def fail(self, outs: Any, item: object, error: Exception) -> None:
        """Push a failure to ``errors``, or raise its exception.

        Args:
            outs: The outputs of the run.
            item: The item that failed.
            error: The exception that was raised.

        Raises:
            Exception: `error`, if nobody reads ``errors``.
        """
        errors = outs.errors
        if errors.is_connected() and errors.lacks_room():
            await errors.wait_for_room()
        if not errors.is_connected():  # asked again: its reader may have left during the wait
            raise error
        spent = errors.fill(iter((Failure(item, error, errors.process.path),)))
        if spent is not None:
            await spent.go_round()


class _Shown:
    """Text that an error shows as it is, in place of the `repr` of what was given."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words


def named_after(function: Callable[..., object], otherwise: str) -> str:
    """Return the name for a step that calls `function`: the function's own name, if it has one.

    Args:
        function: The function that the step calls.
        otherwise: The name to use for a lambda, or for a callable object that is not a function.
    """
    name = function_name(function)
    return name if name.isidentifier() and hasattr(function, "__name__") else otherwise
