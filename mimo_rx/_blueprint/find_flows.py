"""Finding the flows inside an Observable or operator without subscribing to it.

``rx.merge(a["x"], b["y"])`` is a closure over closures over these ports. An engine must know them
before the first item moves, since their producers wait until they are subscribed to. The walk looks
only at what Python itself stores: cells, defaults, instance dictionaries and containers. It goes by
the type of an object and never reads an attribute that could be a property. So it runs none of the
user's code.

It does not look into an object of a user's class, since such an object holds more than the function
that refers to it will use: an application that keeps its flows as attributes would wait for all of
them as soon as one of its methods is a mapper.

Rules: R12.
"""

from __future__ import annotations

import functools
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from reactivex import Observable, abc
from reactivex.subject import Subject

from .operand import Operand

__all__ = ["Found", "find_claims", "find_flows", "find_observables"]

_LIMIT = 50_000
"""The walk gives up after this many objects: an operator may hold a user's whole data set."""

_LEAVES = (str, bytes, int, float, complex, type(None), type, types.ModuleType)

_CLOSED = (Operand, abc.ObserverBase, abc.DisposableBase, abc.SchedulerBase)

_CONTAINERS: dict[type, Callable[[Any], Any]] = {
    list: list.__iter__,
    tuple: tuple.__iter__,
    set: set.__iter__,
    frozenset: frozenset.__iter__,
    deque: deque.__iter__,
    dict: dict.values,
}
"""How to read each kind of container, without calling what a subclass may override."""

_ITEMS = ("value", "queue")
"""What a Subject holds for its subscribers: items, which may be flows, and are not its sources."""

_ITERATORS: tuple[type, ...] = (map, type(iter([])), type(iter(())))
"""Python's own iterators that tell what they refer to; ``rx.for_in`` holds the first two."""


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a walk."""

    flows: tuple[Any, ...]
    """The outermost flows, each once, in the order in which the walk meets them."""
    outside: tuple[Observable[Any], ...]
    """The outermost Observables beside them that lead to no flow."""


def find_flows(root: object) -> Found:
    """Find the flows that `root` refers to.

    A whole step (not a port or flow) is left out if only a user's own mapper refers to it. Such
    code wants the step's name or the like, not its items. What an object of a user's class holds is
    left out too, unless the object is an Observable or a container.

    Args:
        root: An Observable or an operator. It is not subscribed to and not called.

    Returns:
        The result. A flow that is found is not looked into.
    """
    walk = _Walk()
    walk.from_(root)
    return Found(tuple(walk.flows), tuple(walk.outside()))


def find_claims(operator: Callable[[Any], Any], applied: object) -> tuple[Any, ...]:
    """Find the flows that `operator` will subscribe to beside its source.

    Args:
        operator: The operator; it is not called.
        applied: What it returned for some Observable. What a user's object holds counts if it
            stands in there: the operator ``self.enrich`` does merge ``self.other``.

    Returns:
        The flows, each once.
    """
    claims = find_flows(operator).flows
    used = {id(flow) for flow in find_flows(applied).flows}.difference(map(id, claims))
    if not used:
        return claims
    walk = _Walk(everything=True)
    walk.from_(operator)
    return (*claims, *(flow for flow in walk.flows if id(flow) in used))


def find_observables(root: object) -> tuple[Observable[Any], ...]:
    """Return the Observables that `root` refers to and that are no flows; `root` may be one.

    What objects of users' classes hold is among them.
    """
    walk = _Walk(everything=True)
    walk.from_(root)
    return tuple(walk.observables)


@dataclass(slots=True)
class _Walk:
    everything: bool = False
    """Whether it looks into objects of users' classes as well."""
    flows: list[Any] = field(default_factory=list)
    observables: list[Observable[Any]] = field(default_factory=list)
    above: dict[int, int | None] = field(default_factory=dict)
    """For each object, the one it was first reached from. This tells what leads to a flow."""
    inside: dict[int, bool] = field(default_factory=dict)
    """For each object, whether it was reached only through a user's mapper."""
    kept: list[object] = field(default_factory=list)
    """The objects whose ids `above` and `inside` hold, kept alive so that no id is reused."""

    def from_(self, root: object) -> None:
        stack = [(root, False)]
        self.above[id(root)] = None
        while stack and len(self.kept) < _LIMIT:
            value, inside = stack.pop()
            if self.inside.get(id(value), True) is inside and id(value) in self.inside:
                continue
            again = id(value) in self.inside
            self.inside[id(value)] = inside
            self.kept.append(value)
            if _is_a(value, Operand) and _is_a(value, Observable):  # only a flow is both
                self._found(value, inside)
                continue
            if _is_a(value, Observable) and not again:
                self.observables.append(value)  # type: ignore[arg-type] # checked by its type
            within = inside or _is_mapper(value, self.above[id(value)] is not None)
            for inner in reversed(list(self._referred(value))):
                if self.inside.get(id(inner)) not in (False, within):
                    self.above.setdefault(id(inner), id(value))
                    stack.append((inner, within))

    def _referred(self, value: object) -> Iterator[object]:
        """Yield the objects that `value` refers to and that may hold a flow to claim."""
        if not self.everything:
            if _is_users_method(value):
                value = object.__getattribute__(value, "__func__")
            if _is_users_object(value):
                return
        for inner in _contents(value):
            if not any(leaf in type(inner).__mro__ for leaf in _LEAVES):
                yield inner

    def _found(self, flow: Any, inside: bool) -> None:
        if not (inside and flow.is_step) and not any(flow is known for known in self.flows):
            self.flows.append(flow)

    def outside(self) -> Iterator[Observable[Any]]:
        """Yield the outermost Observables that lead to no flow, beside others that do."""
        leading: set[int] = set()
        for flow in self.flows:
            place: int | None = id(flow)
            while place is not None and place not in leading:
                leading.add(place)
                place = self.above[place]
        known = {id(observable) for observable in self.observables}
        for observable in self.observables:
            place = self.above[id(observable)]
            while place is not None and place not in known:
                place = self.above[place]
            if id(observable) not in leading and place in leading:
                yield observable


def _is_a(value: object, base: type) -> bool:
    return base in type(value).__mro__


def _is_mapper(value: object, reached: bool) -> bool:
    """Tell whether `value` is a user's function or object, to which another object refers."""
    if not reached or _is_a(value, Observable):
        return False
    if type(value) is types.FunctionType:
        return not str(value.__module__).startswith("reactivex")
    plain = type(value) in _CONTAINERS or type(value) in (types.MethodType, functools.partial)
    return not plain and not type(value).__module__.startswith("reactivex")


def _is_users_object(value: object) -> bool:
    """Tell whether `value` holds things for other purposes than to be subscribed to.

    A container is judged by what it contains, and an Observable exists to be subscribed to.
    """
    kind = type(value)
    room = str(kind.__module__).partition(".")[0]
    known = room == "reactivex" or room in sys.stdlib_module_names
    return not known and not any(base in kind.__mro__ for base in (Observable, *_CONTAINERS))


def _is_users_method(value: object) -> bool:
    """Tell whether `value` is a method of a user's object, which may also be a container."""
    if type(value) is not types.MethodType:
        return False
    owner = object.__getattribute__(value, "__self__")
    return not _is_a(owner, Observable) and not type(owner).__module__.startswith("reactivex")


def _contents(value: object) -> list[object]:
    for container, read in _CONTAINERS.items():
        if _is_a(value, container):
            return list(read(value))
    kind = type(value)
    if kind is types.FunctionType:
        return _of_function(value)
    if kind is types.MethodType:
        method: Any = value
        return [method.__self__, method.__func__]
    if kind is functools.partial:
        partial: Any = value
        return [partial.func, partial.args, partial.keywords]
    if kind is types.GeneratorType:
        generator: Any = value
        return [] if generator.gi_frame is None else list(generator.gi_frame.f_locals.values())
    if kind in _ITERATORS:
        iterator: Any = value
        return list(iterator.__reduce__()[1])
    # Not looked into: streams and workflows lead to all their steps, observers downstream.
    if not _is_a(value, Observable) and any(base in kind.__mro__ for base in _CLOSED):
        return []
    return _of_instance(value)


def _of_function(function: Any) -> list[object]:
    values: list[object] = []
    for cell in function.__closure__ or ():
        try:
            values.append(cell.cell_contents)
        except ValueError:  # a variable that has no value yet
            continue
    values.extend(function.__defaults__ or ())
    values.extend((function.__kwdefaults__ or {}).values())
    return values


def _of_instance(value: object) -> list[object]:
    found: list[object] = []
    for cls in type(value).__mro__:
        for member in vars(cls).values():
            if type(member) is types.MemberDescriptorType:
                try:
                    found.append(member.__get__(value))
                except AttributeError:  # a slot that was never filled
                    continue
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return found
    if type(attributes) is dict:
        skipped = _ITEMS if _is_a(value, Subject) else ()
        found.extend(held for name, held in attributes.items() if name not in skipped)
    return found
