"""What the ready-made streams share: checked arguments, names, and the port for failures."""

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
    """An item that a stream could not work off, as its output ``errors`` gives it away.

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
    """What was raised."""
    step: str
    """The path of the step."""


class ReadyMade(Stream):
    """A stream of the library's own: it checks its arguments where they are written.

    Args:
        ins: Names of the inputs, by default those of the class.
        outs: Names of the outputs, by default those of the class.
        name: Name of the stream, by default that of the class.
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
        """Return `words` as something that an error shows without quotes."""
        return _Shown(words)

    def check_count(self, what: str, given: object, least: int = 1, unit: str = "items") -> None:
        """Refuse what is no number of items of at least `least`.

        Raises:
            WiringError: It is none.
        """
        if isinstance(given, bool) or not isinstance(given, int) or given < least:
            self.refuse(f"{what} must be a number of {unit}, an int of at least {least}", given)

    def check_seconds(self, what: str, given: object, *, zero: bool = False) -> None:
        """Refuse what is no finite number of seconds above 0, or of at least 0 if `zero`.

        Raises:
            WiringError: It is none.
        """
        self.check_number(what, given, "seconds", zero=zero)

    def check_number(self, what: str, given: object, unit: str, *, zero: bool = False) -> None:
        """Refuse what is no finite number above 0, or of at least 0 if `zero`.

        Raises:
            WiringError: It is none.
        """
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if is_number and math.isfinite(given) and (given > 0 or (zero and given == 0)):  # type: ignore[arg-type,operator] # it is a number by now
            return
        rule = "of at least 0" if zero else "above 0"
        self.refuse(f"{what} must be a number of {unit} {rule}", given)

    def check_function(self, what: str, given: object) -> None:
        """Refuse what cannot be called.

        Raises:
            WiringError: It cannot.
        """
        if not callable(given):
            self.refuse(f"{what} must be a function", given)

    def check_plain(self, what: str, given: object) -> None:
        """Refuse what is no plain function.

        Raises:
            WiringError: It cannot be called, or is a coroutine function.
        """
        self.check_function(what, given)
        if is_coroutine_function(given):
            self.refuse(f"{what} must be a plain function", self.shown(describe_callable(given)))

    def check_choice(self, what: str, given: object, choices: Iterable[object]) -> None:
        """Refuse what is none of `choices`.

        Raises:
            WiringError: It is none of them.
        """
        those = tuple(choices)
        if given not in those:
            self.refuse(f"{what} must be one of {', '.join(map(repr, those))}", given)

    def check_names(self, what: str, given: tuple[object, ...]) -> None:
        """Refuse names of ports that are none, or a list; what a name may be is checked elsewhere.

        Raises:
            WiringError: There is none, or one is a list of names.
        """
        rule = f"there must be at least one name of {what}"
        if not given:
            self.refuse(rule, given)
        if isinstance(given[0], list | tuple):
            self.refuse(rule, given[0], "write the names one by one, or a `*` before the list")

    def check_executor(self, what: str, given: object) -> None:
        """Refuse what is no executor and no name of one.

        Raises:
            WiringError: It is none.
        """
        if given is None or given in ("threads", "processes"):
            return
        from concurrent.futures import Executor

        if not isinstance(given, Executor):
            self.refuse(
                f'{what} must be "threads", "processes" or an executor of concurrent.futures', given
            )


class UserFunction(ReadyMade):
    """A stream that calls a function of the user's: what that raises goes to ``errors``.

    Where that output is connected, a failing item goes there as a :class:`Failure` and the stream
    goes on; where it is not, or not any more, the exception fails the run as any other (E1).
    """

    SIDE: ClassVar[tuple[str, ...]] = ("errors",)

    async def fail(self, outs: Any, item: object, error: Exception) -> None:
        """Give a failing item away, or raise.

        Args:
            outs: The outputs of the run.
            item: What failed.
            error: What was raised.

        Raises:
            Exception: `error`, if nobody reads ``errors``.
        """
        errors = outs.errors
        if errors.is_connected() and errors.lacks_room():
            await errors.wait_for_room()
        if not errors.is_connected():  # not any more, if its reader has left meanwhile
            raise error
        spent = errors.fill(iter((Failure(item, error, errors.process.path),)))
        if spent is not None:
            await spent.go_round()


class _Shown:
    """Words that stand for themselves where an error shows what was given."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words


def named_after(function: Callable[..., object], otherwise: str) -> str:
    """Return the name of a step that calls `function`: that of the function, if it has one.

    Args:
        function: What is called.
        otherwise: The name where it is a lambda, or an object that is no function.
    """
    name = function_name(function)
    return name if name.isidentifier() and hasattr(function, "__name__") else otherwise
