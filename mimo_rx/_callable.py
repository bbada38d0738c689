"""Tell what kind of callable an object is, and what its name is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

__all__ = ["coroutine_hint", "describe_callable", "function_name", "is_coroutine_function", "takes"]


def is_coroutine_function(code: object) -> bool:
    """Tell whether calling `code` gives a coroutine, for every kind of callable."""
    while isinstance(code, functools.partial):
        code = code.func
    return inspect.iscoroutinefunction(code) or inspect.iscoroutinefunction(
        vars(type(code)).get("__call__")
    )


def takes(code: Callable[..., object], count: int) -> bool:
    """Tell whether `code` can be called with `count` arguments by position."""
    try:
        inspect.signature(code).bind(*range(count))
    except TypeError:
        return False
    except ValueError:  # a function written in C may have no signature
        return True
    return True


def function_name(code: object) -> str:
    """Return the name of a function, of a partial's function, or of an object's class."""
    while isinstance(code, functools.partial):
        code = code.func
    return str(getattr(code, "__name__", type(code).__name__))


def describe_callable(code: object) -> str:
    """Return the words by which an error names `code`, which is no coroutine function."""
    if inspect.isasyncgenfunction(code):
        return f"the asynchronous generator function {function_name(code)!r}"
    if inspect.isfunction(code) or inspect.ismethod(code):
        return f"the function {function_name(code)!r}"
    return repr(code)


def coroutine_hint(code: object) -> str:
    """Return a hint how to turn `code` into a coroutine function, if that is simple."""
    if inspect.isasyncgenfunction(code):
        return "; push to an output instead of `yield`"
    return "; write `async def`" if callable(code) else ""
