"""The choice of a port where its name is left out."""

from __future__ import annotations

from .._errors import UnknownPort, WiringError
from .stream import Stream

__all__ = ["listed", "main_output", "one_input"]


def main_output(stream: Stream, where: str) -> str:
    """Return the name of the one main output of `stream`.

    Raises:
        WiringError: There is none, or several.
    """
    names = stream.main_outs
    if len(names) == 1:
        return names[0]
    if names:
        raise WiringError(
            f"{where} has several main outputs, {listed(names)}; name one of them, "
            f"`step[{names[0]!r}]`"
        )
    side = f", only side outputs, {listed(stream.outs)}; name one of them" if stream.outs else ""
    raise WiringError(f"{where} has no main output to read from{side}")


def one_input(where: str, names: tuple[str, ...], name: str | None) -> str:
    """Return `name`, or the name of the only input if it is None.

    Raises:
        WiringError: `name` is None, and there is none or several.
        UnknownPort: There is no input of this name.
    """
    if name is not None:
        if name not in names:
            raise UnknownPort(where, "input", name, tuple(names))
        return name
    if len(names) == 1:
        return next(iter(names))
    if len(names):
        raise WiringError(
            f"{where} has several inputs, {listed(names)}; name one of them, "
            f"`step[{next(iter(names))!r}]`"
        )
    raise WiringError(f"{where} has no input to lead into")


def listed(names: tuple[str, ...]) -> str:
    """Return `names` as an error shows them."""
    return ", ".join(map(repr, tuple(names)))
