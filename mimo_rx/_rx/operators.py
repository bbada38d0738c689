"""Inspect an operator without running it: its name, its functions, whether it is an operator.

RxPY's operators are closures. Curried ones all carry the same name. Their real name is in the cells
of the closure, and so are the functions that a user gave them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reactivex import ConnectableObservable, Observable
from reactivex.subject import ReplaySubject

from .._callable import function_name, is_coroutine_function
from .._errors import WiringError

if TYPE_CHECKING:
    from .catalogue import Entry

__all__ = [
    "apply_to_probe",
    "check_result",
    "counts_readers",
    "describe",
    "holding",
    "holding_observable",
    "is_connectable",
    "known_as",
    "name_of",
    "of_rx",
    "parts",
    "resubscribes",
    "stays_on_thread",
    "user_functions",
]

_CURRIED = "_wrap_curried"
_COMPOSED = "_compose"


def name_of(operator: object) -> str:
    """Return the name of `operator`: ``map`` for ``ops.map(f)``."""
    plain = _unwrapped(operator)
    name = function_name(plain)
    if not _of_rx(plain):
        return name
    cells = _cells(plain)
    if name == _CURRIED:
        name = _curried_name(function_name(cells.get("fun")), cells.get("args", ()))
    elif name == _COMPOSED and isinstance(cells.get("operators"), tuple):
        return " | ".join(map(name_of, cells["operators"])) or "compose"
    return name.rstrip("_")


def of_rx(operator: object) -> bool:
    """Tell whether `operator` is one of RxPY's own."""
    return _of_rx(_unwrapped(operator))


def parts(operator: Callable[[Any], Any]) -> tuple[Callable[[Any], Any], ...]:
    """Return the operators that RxPY's ``compose`` joined; ``(operator,)`` for any other."""
    operators = _cells(operator).get("operators")
    if not _of_rx(operator) or function_name(operator) != _COMPOSED:
        return (operator,)
    inner = operators if isinstance(operators, tuple) else ()
    return tuple(each for part in inner for each in parts(part))


def user_functions(operator: object) -> tuple[Callable[..., Any], ...]:
    """Return the functions that the user gave to an operator of RxPY."""
    plain = _unwrapped(operator)
    if not _of_rx(plain):
        return ()
    found: list[Callable[..., Any]] = []
    for name, value in _cells(plain).items():
        if name == "fun":
            continue
        values = value.values() if isinstance(value, dict) else value
        for each in values if isinstance(values, tuple) or name == "kwargs" else (value,):
            if _is_function(each):
                found.append(each)
            elif _of_rx(each) and name == "args":  # `starmap` wraps what it was given
                found += filter(_is_function, _cells(each).values())
    return tuple(found)


def describe(operator: object) -> str:
    """Return the text for `operator` in labels and errors: ``map(parse)``."""
    functions = ", ".join(map(function_name, user_functions(operator)))
    entry = known_as(operator)
    name = name_of(operator) if entry is None else entry.name
    return f"{name}({functions})" if functions else name


def resubscribes(operator: Callable[[Any], Any]) -> bool:
    """Tell whether any part of `operator` is known to subscribe to its source again."""
    return any(entry is not None and entry.resubscribes for entry in map(known_as, parts(operator)))


def stays_on_thread(operator: Callable[[Any], Any]) -> bool:
    """Tell whether `operator` is known to deliver only on the thread that delivers to it.

    RxPY's operators do so if they neither subscribe to anything else nor schedule anything.
    """
    entries = [known_as(each) for each in parts(operator)]
    return all(entry is not None and entry.stays for entry in entries)


def known_as(operator: object) -> Entry | None:
    """Return the catalogue's entry of `operator`; None if it is not one of RxPY's."""
    if not of_rx(operator):
        return None
    from .catalogue import CATALOGUE, entry_of

    entry = entry_of(name_of(operator))
    if entry is CATALOGUE["multicast"] and _replays(_cells(_unwrapped(operator))):
        return CATALOGUE["replay"]
    return entry


def holding(operator: object) -> Entry | None:
    """Return the catalogue's entry of `operator` if it holds items outside the bound."""
    entry = known_as(operator)
    if entry is None or not entry.holds:
        return None
    cells = _cells(_unwrapped(operator))
    given = (cells.get("args", ()), cells.get("kwargs", {}))
    return entry if entry.holds_if is None or entry.holds_if(*given[0], **given[1]) else None


def apply_to_probe(operator: Callable[[Any], Any], probe: Observable[Any] | None = None) -> Any:
    """Apply `operator` to an Observable without items, and return the result.

    Args:
        operator: The operator in question.
        probe: The Observable to apply it to, by default one that never does anything.

    Returns:
        The value that the operator returned.

    Raises:
        WiringError: `operator` is not an operator: it is a class, a coroutine function, not
            callable, or it failed on an Observable.
    """
    if isinstance(operator, type) and not issubclass(operator, Observable):
        raise WiringError(
            f"class {operator.__name__!r} is not an operator; did you mean "
            f"`ops.map({operator.__name__})`"
        )
    if not callable(operator):
        raise WiringError(f"an operator must be callable, got {operator!r}")
    if is_coroutine_function(operator):
        name = function_name(operator)
        raise WiringError(
            f"the coroutine function {name!r} is not an operator; make a stream of it, "
            f"`Stream(ins=[...], outs=[...], fn={name})`"
        )
    tried: Any = operator
    try:
        return tried(Observable() if probe is None else probe)
    except Exception as error:
        raise WiringError(
            f"operator {name_of(operator)!r} failed on an Observable with "
            f"{type(error).__name__}: {error}{_map_hint(operator)}"
        ) from error


def check_result(operator: Callable[[Any], Any], result: object) -> Observable[Any]:
    """Return `result` if `operator` may be on an edge; refuse it otherwise.

    Args:
        operator: The operator in question.
        result: The value that it returned for the probe.

    Raises:
        WiringError: `result` is not an Observable, or the operator would subscribe to its source
            again.
    """
    # A resubscribing part of a composed operator fails in the run, by `LateSubscription` (R12).
    entry = known_as(operator)
    if entry is not None and entry.resubscribes:
        name = name_of(operator)
        raise WiringError(
            f"operator {name!r} subscribes to its source again, and an edge allows one "
            f"subscription only; use it on a cold flow, "
            f"`flow.pipe(ops.{name}(...)).subscribe(...)`, which runs the workflow each time"
        )
    if isinstance(result, Observable):
        return result
    if isinstance(result, list) and any(isinstance(part, Observable) for part in result):
        raise WiringError(
            f"operator {describe(operator)!r} returned {len(result)} Observables; use "
            "`flow.pipe(...)`, which returns them"
        )
    if _of_rx(operator) and str(getattr(operator, "__module__", "")) != "reactivex.operators":
        raise WiringError(
            f"operator {name_of(operator)!r} must return an Observable, got a "
            f"{type(result).__name__}; use `flow.pipe(ops.{name_of(operator)}(...))`, which "
            "returns it"
        )
    raise WiringError(
        f"operator {name_of(operator)!r} must return an Observable, got "
        f"{type(result).__name__}{_map_hint(operator)}"
    )


def counts_readers(operator: object) -> bool:
    """Tell whether `operator` may connect a connectable: RxPY's `ref_count`, or a user's own."""
    return not _of_rx(_unwrapped(operator)) or name_of(operator) == "ref_count"


def is_connectable(value: object) -> bool:
    """Tell whether `value` delivers nothing until its ``connect()`` is called."""
    return isinstance(value, ConnectableObservable)


def _curried_name(name: str, given: tuple[Any, ...]) -> str:
    """Return the public name, also if several operators share one function of RxPY's."""
    if name == "find_value_":
        return "find_index" if given[1:] == (True,) else "find"
    from .catalogue import CATALOGUE

    first = given[0] if given else None
    if name == "map_" and _of_rx(first):  # `starmap` and `pluck` give it a function of their own
        public = str(getattr(first, "__qualname__", "")).partition(".")[0].rstrip("_")
        return public if public in CATALOGUE else name
    return name


def _unwrapped(operator: object) -> object:
    while isinstance(operator, functools.partial):
        operator = operator.func
    return operator


def _of_rx(operator: object) -> bool:
    return str(getattr(operator, "__module__", "")).startswith("reactivex.")


def holding_observable(observable: Observable[Any]) -> Entry | None:
    """Return the catalogue's entry of ``rx.zip`` and its kind if it holds items."""
    from .catalogue import entry_of

    module = str(getattr(getattr(observable, "_subscribe", None), "__module__", ""))
    entry = (
        entry_of(module.rpartition(".")[2]) if module.startswith("reactivex.observable") else None
    )
    return entry if entry is not None and entry.holds and entry.holds_if is None else None


def _replays(caught: dict[str, Any]) -> bool:
    factory = str(getattr(caught.get("subject_factory"), "__module__", ""))
    return isinstance(caught.get("subject"), ReplaySubject) or factory.endswith("._replay")


def _cells(function: object) -> dict[str, Any]:
    """Return the variables of a closure that have a value."""
    names = getattr(getattr(function, "__code__", None), "co_freevars", ())
    caught: dict[str, Any] = {}
    for name, cell in zip(names, getattr(function, "__closure__", None) or (), strict=False):
        try:
            caught[name] = cell.cell_contents
        except ValueError:  # the variable has no value yet
            continue
    return caught


def _is_function(value: object) -> bool:
    if isinstance(value, type):
        return not value.__module__.startswith("reactivex")
    return inspect.isroutine(_unwrapped(value)) and not _of_rx(_unwrapped(value))


def _map_hint(operator: object) -> str:
    name = function_name(operator)
    if str(getattr(operator, "__module__", "")) == "reactivex.operators":
        return f"; did you mean `ops.{name}(...)`"
    if name == "<lambda>":
        name = "lambda ...: ..."
    return f"; did you mean `ops.map({name})`"
