"""Find the object that TARGET names, ``package.module:name`` or ``path/file.py:name``."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import inspect
import os
import pkgutil
import sys
import typing
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

import click

from mimo_rx import Flow, Stream, StreamFactory, Workflow

from ._refusal import Refusal, nearest_of
from ._text import shortened
from ._values import arguments

__all__ = ["Runnable", "load", "workflow_of"]

Runnable: TypeAlias = Workflow | Flow

_WANTED = "a workflow, a flow, a step or a function that returns one"
_FORM = "TARGET is package.module:name or path/file.py:name"


def load(target: str, settings: Iterable[str] = ()) -> Runnable:
    """Import the object that `target` names, and call it if it is a function.

    Args:
        target: ``package.module:name`` or ``path/file.py:name``, split at the last colon.
        settings: ``key=value`` for the parameters of the function.

    Raises:
        Refusal: The module, file or name does not exist, the object is of the wrong kind, or a
            setting does not fit.
        Exception: Any exception of the user's own code.
    """
    place, colon, name = target.rpartition(":")
    if not colon and _is_file(name):
        place, name = name, ""  # the refusal below can then list the names in the file
    elif not colon or not place:
        raise Refusal(f"{_FORM}, got {target!r}")
    module = _import_file(Path(place)) if _is_file(place) else _import_module(place)
    if not name:
        raise Refusal(f"{_FORM}, got {target!r} without a name; {_offer(place, '', module)}")
    value = _get(module, name, place)
    settings = list(settings)
    if isinstance(value, StreamFactory):
        raise Refusal(
            f"{target} makes streams, and is not {_WANTED}; write a function that connects "
            f"its streams with others and returns the result; {_offer(place, '', module)}"
        )
    if isinstance(value, Stream) and not isinstance(value, Workflow):
        raise Refusal(
            f"{target} is a stream that is in no workflow, {value!r}; connect it with others by "
            f"`|`, or add it to a workflow; {_offer(place, '', module)}"
        )
    if not isinstance(value, Runnable):
        if callable(value):
            return _called(value, settings, target)
        raise Refusal(f"{target} is {_what(value)}, not {_WANTED}; {_offer(place, '', module)}")
    if settings:
        raise Refusal(f"{target} is not a function, so it takes no --set, got {settings[0]!r}")
    return value


def workflow_of(found: Runnable) -> Workflow:
    """Return the workflow of `found`; for a flow without one, make a workflow that ends in it."""
    if isinstance(found, Workflow):
        return found
    if found.workflow is not None:
        return found.workflow
    workflow = Workflow(outs=["item"])
    found | workflow.outs.item
    return workflow


def _called(function: Any, settings: list[str], target: str) -> Runnable:
    if _is_asynchronous(function):
        raise Refusal(f"{target} is {_what(function)}, not {_WANTED}; call it in a stream")
    bound = arguments(function, settings, target)
    try:
        made = function(*bound.args, **bound.kwargs)
    except click.UsageError as error:  # the function itself refuses a value
        raise Refusal(f"{target}: {error.format_message()}") from None
    if isinstance(made, Runnable):
        return made
    raise Refusal(f"{target} returned {_what(made)}, not a workflow, a flow or a step")


def _what(value: object) -> str:
    if value is None:
        return "None"
    if isinstance(value, Stream):
        return f"the stream {shortened(value)}"
    if inspect.iscoroutinefunction(value):
        return f"the coroutine function {value.__name__!r}"
    if inspect.isasyncgenfunction(value):
        return f"the asynchronous generator function {value.__name__!r}"
    if isinstance(value, type):
        return f"the class {value.__name__!r}"
    article = "an" if type(value).__name__[:1].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}, {shortened(value)}"


# Importing


def _is_file(place: str) -> bool:
    return place.endswith(".py") or os.sep in place or "/" in place


def _import_file(path: Path) -> ModuleType:
    try:
        if path.is_dir():
            raise Refusal(f"{str(path)!r} is a directory; {_FORM}")
        if not path.is_file():
            raise Refusal(f"there is no file {str(path)!r}; {_files_beside(path)}")
        path = path.resolve()
    except OSError as error:  # the current directory was removed, or the name is too long
        raise Refusal(f"there is no file {str(path)[:200]!r}: {error.strerror or error}") from None
    packages: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        packages.insert(0, folder.name)
        folder = folder.parent
    _extend_path(folder)
    if not packages:
        return _import_alone(path)
    # Import it as a part of its package, so that it is not imported twice.
    name = ".".join(packages if path.stem == "__init__" else [*packages, path.stem])
    package = importlib.import_module(".".join(packages))
    if str(path.parent) not in map(os.path.realpath, getattr(package, "__path__", ())):
        raise Refusal(
            f"{str(path)!r} is in a package {package.__name__!r}, but that is the name of another "
            f"module, {package.__name__!r} of {getattr(package, '__file__', None)!r}"
        )
    return importlib.import_module(name)


def _import_alone(path: Path) -> ModuleType:
    """Import a file that is in no package, under its own name if no other module has that name."""
    name = path.stem
    if not name.isidentifier() or not _is_spec_of(path, name):
        name = f"{name} ({path})".replace(".", "_")
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Refusal(f"{str(path)!r} is not a Python file; {_FORM}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_spec_of(path: Path, name: str) -> bool:
    """Tell whether ``import name`` would import the file at `path`."""
    try:
        spec = importlib.util.find_spec(name)
    except ValueError:  # a module without a spec, such as `__main__`, has that name
        return False
    return spec is not None and os.path.realpath(spec.origin or "") == str(path)


def _files_beside(path: Path) -> str:
    if not path.parent.is_dir():
        return f"there is no directory {str(path.parent)!r} either"
    names = sorted(each.name for each in path.parent.glob("*.py"))
    return f"in {str(path.parent.resolve())!r} {nearest_of(path.name, names)}"


def _import_module(name: str) -> ModuleType:
    with contextlib.suppress(OSError):  # the current directory may have been removed
        _extend_path(Path.cwd())
    if not all(part.isidentifier() for part in name.split(".")):
        raise Refusal(f"{name!r} is not a module name; {_FORM}")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise  # the missing module is one that the user's module imports
        parent, _, last = missing.rpartition(".")
        place = f"in {parent!r}" if parent else "in the current directory"
        raise Refusal(
            f"there is no module {missing!r}; {place} {nearest_of(last, _modules(parent))}"
        ) from None


def _modules(parent: str) -> list[str]:
    """Return the modules in a package, or in the current directory."""
    package = sys.modules.get(parent)
    paths = getattr(package, "__path__", None) if parent else [os.curdir]
    names = (each.name for each in pkgutil.iter_modules(paths or []))
    return sorted(name for name in names if name.isidentifier())


def _extend_path(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


# Listing what exists


def _get(module: ModuleType, name: str, place: str) -> Any:
    """Return the object with the dotted `name` in a module."""
    value: Any = module
    owner = ""
    for part in name.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            if not owner:
                raise Refusal(f"{place} has no {part!r}; {_offer(place, part, module)}") from None
            there = sorted(each for each in dir(value) if not each.startswith("_"))
            raise Refusal(
                f"{owner} of {place} has no {part!r}; {nearest_of(part, there)}"
            ) from None
        owner = f"{owner}.{part}" if owner else part
    return value


def _offer(place: str, name: str, module: ModuleType) -> str:
    """Return the words that list the names in a module that can be run."""
    there = [each for each, value in vars(module).items() if _may_run(each, value, module)]
    if not there:
        return f"nothing in {place} is {_WANTED}"
    others = [
        each
        for each, value in vars(module).items()
        if not each.startswith("_") and not isinstance(value, ModuleType)
    ]
    return f"to run {nearest_of(name, there, others)}"


def _may_run(name: str, value: object, module: ModuleType) -> bool:
    """Tell whether `value` can be run: a function counts too, unless its annotation says no."""
    if name.startswith("_"):
        return False
    if isinstance(value, Runnable):
        return True
    if getattr(value, "__module__", None) != module.__name__:
        return False  # the module imported it from elsewhere
    if isinstance(value, type):
        return issubclass(value, Workflow)
    if not inspect.isfunction(value) or _is_asynchronous(value):
        return False
    try:
        returned = typing.get_type_hints(value).get("return", Workflow)
    except Exception:
        return True  # the annotation cannot be resolved, so it does not say no
    return isinstance(returned, type) and issubclass(returned, Runnable)


def _is_asynchronous(function: object) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
