"""``--set key=value``: turn texts into arguments of the function that returns a workflow."""

from __future__ import annotations

import datetime
import enum
import functools
import inspect
import pathlib
import types
import typing
import uuid
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import click

from ._refusal import Refusal, nearest_of

__all__ = ["arguments"]

_TYPES: Mapping[object, click.ParamType[Any]] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    bool: click.BOOL,
    Any: click.STRING,
    object: click.STRING,
    pathlib.Path: click.Path(path_type=pathlib.Path),
    datetime.datetime: click.DateTime(),
    uuid.UUID: click.UUID,
}


def arguments(
    function: Callable[..., Any], settings: Iterable[str], where: str
) -> inspect.BoundArguments:
    """Return the arguments of `function` that `settings` give.

    Args:
        function: The function that will be called.
        settings: Texts ``key=value``.
        where: The name of `function` in errors.

    Raises:
        Refusal: A setting is not of that form, names no parameter, is given twice or cannot be
            converted; or a parameter without a default has no setting.
    """
    try:
        signature = inspect.signature(function)
    except ValueError:  # a function written in C may have no signature
        signature = inspect.Signature()
    parameters = {
        name: parameter
        for name, parameter in signature.parameters.items()
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    }
    given: dict[str, str] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise Refusal(f"--set takes KEY=VALUE, got {setting!r}")
        if name not in parameters:
            raise Refusal(f"{where} has no parameter {name!r}; {nearest_of(name, parameters)}")
        if name in given:
            raise Refusal(f"--set {name}=... is given twice")
        given[name] = text
    _refuse_missing(parameters, given, where)
    hints = _hints(function, where) if given else {}
    values = {name: _convert(parameters[name], hints, text, where) for name, text in given.items()}
    return _bind(signature, values)


def _refuse_missing(
    parameters: Mapping[str, inspect.Parameter], given: Mapping[str, str], where: str
) -> None:
    missing = [
        name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty and name not in given
    ]
    if missing:
        sets = " ".join(f"--set {name}=..." for name in missing)
        raise Refusal(f"{where} needs a value for {', '.join(map(repr, missing))}; give {sets}")


def _bind(signature: inspect.Signature, values: Mapping[str, Any]) -> inspect.BoundArguments:
    bound = inspect.BoundArguments(signature, {})
    bound.arguments.update(values)
    bound.apply_defaults()
    return bound


def _hints(function: Any, where: str) -> dict[str, Any]:
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, type):
        code = attrgetter("__init__")(function)
    else:
        code = function if inspect.isroutine(function) else type(function).__call__
    try:
        return typing.get_type_hints(code, include_extras=True)
    except Exception as error:
        raise Refusal(
            f"the annotations of {where} cannot be resolved, so --set does not know the types of "
            f"its parameters: {type(error).__name__}: {error}"
        ) from error


def _convert(parameter: inspect.Parameter, hints: Mapping[str, Any], text: str, where: str) -> Any:
    name, default = parameter.name, parameter.default
    # Without an annotation, the type of the default counts.
    plain = str if default is parameter.empty or default is None else type(default)
    hint = hints.get(name, plain)
    convert = _converter(hint)
    if convert is None:
        raise Refusal(
            f"parameter {name!r} of {where} has the type {inspect.formatannotation(hint)}, which "
            "--set cannot make from a text; write a function without it that calls this one"
        )
    try:
        return convert(text, None, None)
    except click.ClickException as error:
        raise Refusal(f"--set {name}={text}: {error.format_message()}") from None


def _converter(hint: Any) -> Callable[[str, None, None], Any] | None:
    """Return the function that converts a text to `hint`, called as click does; None if none."""
    if typing.get_origin(hint) is typing.Annotated:
        own = [each for each in hint.__metadata__ if isinstance(each, click.ParamType)]
        if own:
            return own[0].convert
        hint = hint.__origin__
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [each for each in typing.get_args(hint) if each is not type(None)]
        return _converter(inner[0]) if len(inner) == 1 else None
    if typing.get_origin(hint) is typing.Literal:
        return _one_of({str(each): each for each in typing.get_args(hint)})
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _one_of(hint.__members__)
    try:
        kind = _TYPES.get(hint)
    except TypeError:  # it is not hashable
        return None
    return None if kind is None else kind.convert


def _one_of(values: Mapping[str, Any]) -> Callable[[str, None, None], Any]:
    choice = click.Choice(list(values))
    return lambda text, param, ctx: values[choice.convert(text, param, ctx)]
