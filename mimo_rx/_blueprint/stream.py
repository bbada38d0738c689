"""Streams: processes with named inputs and outputs, as a blueprint knows them.

A stream names its ports and the code that runs between them. It holds no part of a run. So the same
stream can be a step of several workflows, and run in all of them at once.

Rules: S1, S3, S4, S5.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, ClassVar, NoReturn, TypeAlias

from .._callable import (
    coroutine_hint,
    describe_callable,
    function_name,
    is_coroutine_function,
    takes,
)
from .._errors import WiringError
from .operand import Operand

__all__ = [
    "Stream",
    "StreamFunction",
    "signature",
]

StreamFunction: TypeAlias = Callable[[Any, Any, Any], Coroutine[Any, Any, Any]]
"""``async def fn(ins, outs, state)``."""


class Stream(Operand):
    """A process with named inputs and outputs.

    Override ``async def run(self, ins, outs)``, or hand in ``async def fn(ins, outs, state)``.
    Ports are reached by attribute and by key: ``ins.a``, ``ins["a"]``.

    Class attributes:
        IN: Names of the inputs, the default of `ins`.
        OUT: Names of the outputs, the default of `outs`.
        SIDE: Names of the outputs that are side outputs, not main ones. A side output needs no
            reader, is never chosen where a name is left out, and does not keep the stream alive.
            Names that the outputs lack are added to them.

    Args:
        ins: Names of the inputs.
        outs: Names of the outputs.
        fn: The coroutine function to run; each run awaits ``fn(ins, outs, state)`` once.
        name: Name of the stream, by default that of `fn`, else that of the class.
        state: Any object. `fn` gets it as its third argument in every run, and ``stream.state``
            returns it afterwards. It belongs to the caller. The default is a dict of the stream's
            own.
        state_factory: Makes a state for each run instead, so that runs share none. It is for `fn`:
            an overridden ``run`` makes its own local variables.

    Raises:
        WiringError: A port name is no identifier or stands twice on one side; `ins` or `outs` is a
            string; `fn` is given although ``run`` is overridden; `state_factory` is given together
            with `state` or without `fn`.

    Example:
        >>> class Double(Stream):
        ...     IN = ("number",)
        ...     OUT = ("twice",)
        ...
        ...     async def run(self, ins, outs):
        ...         async for number in ins.number:
        ...             await outs.twice.push(2 * number)
        >>> Double()
        <Double 'Double' (number) -> (twice)>
    """

    IN: ClassVar[Sequence[str]] = ()
    OUT: ClassVar[Sequence[str]] = ()
    SIDE: ClassVar[Sequence[str]] = ()
    _nests: ClassVar[bool] = False
    """Whether it is a workflow, whose steps run in its place."""

    # Defaults of the class, so that a subclass may do without `super().__init__()`.
    _ins: tuple[str, ...] | None = None
    _outs: tuple[str, ...] | None = None
    _side: tuple[str, ...] | None = None
    _fn: StreamFunction | None = None
    _name: str | None = None
    _state: Any = None
    _state_factory: Callable[[], Any] | None = None
    _homes: Any = None
    """The steps that it runs in, as long as the program holds them."""
    _factory: Any = None
    """The :class:`StreamFactory` that made it, if one did."""

    def __init__(
        self,
        ins: Iterable[str] | None = None,
        outs: Iterable[str] | None = None,
        *,
        fn: StreamFunction | None = None,
        name: str | None = None,
        state: Any = None,
        state_factory: Callable[[], Any] | None = None,
    ) -> None:
        self._fn = fn
        self._name = name
        self._state = state
        self._state_factory = state_factory
        self._check_arguments()
        self._declare(ins, outs, None)

    def _check_arguments(self) -> None:
        name: object = self._name
        where = f"stream {self.name!r}"
        if name is not None and (not isinstance(name, str) or not name):
            raise WiringError(f"the name of a stream must be a non-empty string, got {name!r}")
        if self._fn is not None and self._overrides_run():
            raise WiringError(f"{where} overrides run and was given fn; only one of them can run")
        if self._state_factory is None:
            return
        if self._state is not None:
            raise WiringError(f"{where} was given both state and state_factory; give one of them")
        if self._fn is None:
            raise WiringError(
                f"{where} was given state_factory without fn; use local variables of `run` for "
                "what each run needs anew"
            )
        if not callable(self._state_factory):
            raise WiringError(
                f"state_factory of {where} must be callable, got {self._state_factory!r}"
            )

    def _declare(
        self,
        ins: Iterable[str] | None,
        outs: Iterable[str] | None,
        side: Iterable[str] | None,
    ) -> None:
        self._side = _checked(self, "side", type(self).SIDE if side is None else side)
        self._ins = _checked(self, "ins", type(self).IN if ins is None else ins)
        main = _checked(self, "outs", type(self).OUT if outs is None else outs)
        self._outs = main + tuple(name for name in self._side if name not in main)

    @property
    def ins(self) -> tuple[str, ...]:
        """Names of the inputs."""
        if self._ins is None:
            self._declare(None, None, None)
        return self._ins or ()

    @property
    def outs(self) -> tuple[str, ...]:
        """Names of the outputs, side outputs among them."""
        if self._outs is None:
            self._declare(None, None, None)
        return self._outs or ()

    @property
    def side(self) -> tuple[str, ...]:
        """Names of the outputs that are not main ones."""
        if self._side is None:
            self._declare(None, None, None)
        return self._side or ()

    @property
    def main_outs(self) -> tuple[str, ...]:
        """Names of the main outputs, from which one is chosen where a name is left out."""
        side = self.side
        return tuple(name for name in tuple(self.outs) if name not in side)

    @property
    def name(self) -> str:
        """Name of the stream; each of its steps makes its own name from it."""
        if self._name is not None:
            return self._name
        if self._fn is not None:
            return function_name(self._fn)
        return type(self).__name__

    @property
    def state(self) -> Any:
        """The object that `fn` gets as its third argument.

        Raises:
            AttributeError: The stream has a `state_factory`, so there is one for each run.
        """
        if self._state_factory is not None:
            raise AttributeError(
                f"stream {self.name!r} has no state of its own; its state_factory makes one for "
                "each run"
            )
        if self._state is None:
            self._state = {}
        return self._state

    @state.setter
    def state(self, state: Any) -> None:
        self._state = state

    async def run(self, ins: Any, outs: Any) -> Any:
        """Take items from `ins` and push items to `outs`, to the end; a subclass overrides this.

        Args:
            ins: The inputs of this run.
            outs: The outputs of this run; they close when this returns.
        """
        raise NotImplementedError(f"stream {self.name!r} has neither run nor fn")

    def new_state(self) -> Any:
        """Return the state of one run: a new one if there is a `state_factory`, else ``state``."""
        return self.state if self._state_factory is None else self._state_factory()

    def main(self, ins: Any, outs: Any, state: Any) -> Coroutine[Any, Any, Any]:
        """Return the coroutine of one run.

        Args:
            ins: The inputs of the run.
            outs: The outputs of the run.
            state: What :meth:`new_state` returned for the run.
        """
        if self._fn is not None:
            return self._fn(ins, outs, state)
        return self.run(ins, outs)

    def check_runnable(self) -> None:
        """Refuse a stream that an engine could not run.

        Raises:
            WiringError: There is neither ``run`` nor `fn`, it is no coroutine function, or it does
                not take the ports (and, for `fn`, the state).
        """
        overridden = self._overrides_run()
        if self._fn is None and not overridden:
            raise WiringError(
                f"stream {self.name!r} has nothing to run; override `async def run(self, ins, "
                "outs)` or give fn"
            )
        what, code = ("run", self.run) if self._fn is None else ("fn", self._fn)
        if not is_coroutine_function(code):
            raise WiringError(
                f"{what} of stream {self.name!r} must be a coroutine function, "
                f"got {describe_callable(code)}{coroutine_hint(code)}"
            )
        given = ("ins", "outs") if self._fn is None else ("ins", "outs", "state")
        if not takes(code, len(given)):
            raise WiringError(
                f"{what} of stream {self.name!r} must take ({', '.join(given)}), "
                f"got {describe_callable(code)}"
            )

    def _overrides_run(self) -> bool:
        return getattr(self.run, "__func__", self.run) is not Stream.run

    __iter__ = None  # else __getitem__ would make it iterable

    def __getitem__(self, name: str) -> NoReturn:
        """Refuse: only a step has ports to wire.

        Raises:
            WiringError: Always.
        """
        raise WiringError(
            f"stream {self.name!r} is no step yet; write `step = workflow.add_stream(...)`, then "
            f"`step[{name!r}]`"
        )

    def __getstate__(self) -> dict[str, Any]:
        # A decorated function cannot be pickled by its name: its factory has that name now.
        state = dict(self.__dict__)
        state.pop("_homes", None)
        if self._factory is not None:
            del state["_fn"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._factory is not None:
            self._fn = self._factory.fn

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {signature(self)}>"


def _checked(stream: Stream, side: str, names: Iterable[str]) -> tuple[str, ...]:
    where = f"{side} of stream {stream.name!r}"
    if isinstance(names, str):
        raise WiringError(f'{where} must be a list of names, got {names!r}; write `["{names}"]`')
    checked: list[str] = []
    for name in tuple[object, ...](names):
        if not isinstance(name, str) or not name.isidentifier():
            raise WiringError(f"{where}: a port name must be an identifier, got {name!r}")
        if name.startswith("__") and name.endswith("__"):
            raise WiringError(
                f"{where}: a port name must not be one of Python's special names, got {name!r}"
            )
        if name in checked:
            raise WiringError(f"{where}: the port name {name!r} is given twice")
        checked.append(name)
    return tuple(checked)


def signature(stream: Stream) -> str:
    """Return the names of the ports of `stream` as ``repr`` shows them: ``(a, b) -> (c)``."""
    return f"({', '.join(tuple(stream.ins))}) -> ({', '.join(tuple(stream.outs))})"
