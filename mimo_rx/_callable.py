"""What kind of callable something is, and what it is called."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable

__all__ = ["coroutine_hint", "describe_callable", "function_name", "is_coroutine_function", "takes"]


def is_coroutine_function(code: object) -> bool:
    """Tell whether calling `code` gives a coroutine, whatever kind of callable it is."""
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
    except ValueError:  # of something in C, of which nothing is known
        return True
    return True


def function_name(code: object) -> str:
    """Return the name of a function, of the function in a partial, or of an object's class."""
    while isinstance(code, functools.partial):
        code = code.func
    return str(getattr(code, "__name__", type(code).__name__))


def describe_callable(code: object) -> str:
    """Return what an error says was given instead of a coroutine function."""
    if inspect.isasyncgenfunction(code):
        return f"the asynchronous generator function {function_name(code)!r}"
    if inspect.isfunction(code) or inspect.ismethod(code):
        return f"the function {function_name(code)!r}"
    return repr(code)


def coroutine_hint(code: object) -> str:
    """Return how to make a coroutine function of `code`, if it is plain."""
    if inspect.isasyncgenfunction(code):
        return "; push to an output instead of `yield`"
    return "; write `async def`" if callable(code) else ""
