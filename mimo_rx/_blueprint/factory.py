"""The decorator ``@stream``: it turns a function into a factory of streams."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

from .._callable import describe_callable
from .._errors import WiringError
from .operand import Operand
from .stream import Stream, StreamFunction

__all__ = ["StreamFactory", "refuse_uncalled", "stream"]


class StreamFactory(Operand):
    """The result of the decorator :func:`stream`; calling it makes a stream.

    Args:
        fn: ``async def fn(ins, outs, state)``.
        ins: Names of the inputs.
        outs: Names of the outputs.
        side: Names of the outputs that are not main ones.
        name: Name of the streams, by default that of `fn`.
    """

    __name__: str

    def __init__(
        self,
        fn: StreamFunction,
        ins: Iterable[str],
        outs: Iterable[str],
        side: Iterable[str],
        name: str | None,
    ) -> None:
        self.fn = fn
        self._ports = (ins, outs, side)
        self._stream_name = name
        functools.update_wrapper(self, fn)
        # Make one at once, so that a wrong declaration is refused where it is written.
        self()

    def __call__(
        self,
        *,
        name: str | None = None,
        state: Any = None,
        state_factory: Callable[[], Any] | None = None,
    ) -> Stream:
        """Make a stream.

        Args:
            name: Name of the stream.
            state: What the function gets as its third argument; see :class:`Stream`.
            state_factory: Makes a state for each run instead.

        Raises:
            WiringError: See :class:`Stream`.
        """
        made = Stream(
            fn=self.fn,
            name=self._stream_name if name is None else name,
            state=state,
            state_factory=state_factory,
        )
        made._declare(*self._ports)
        made._factory = self
        return made

    def __reduce__(self) -> str:
        """Pickle by name, as functions are."""
        return str(self.__dict__["__qualname__"])

    def __repr__(self) -> str:
        return f"<stream factory {self.__name__!r}>"


def stream(
    ins: Iterable[str] = (),
    outs: Iterable[str] = (),
    *,
    side: Iterable[str] = (),
    name: str | None = None,
) -> Callable[[StreamFunction], StreamFactory]:
    """Turn ``async def fn(ins, outs, state)`` into a factory of streams.

    Args:
        ins: Names of the inputs.
        outs: Names of the outputs.
        side: Names of the outputs that are not main ones; see :class:`Stream`.
        name: Name of the streams, by default that of the function.

    Returns:
        A decorator that returns a factory. Call the factory to make a stream, with the keywords
        ``name=``, ``state=`` and ``state_factory=`` if needed.

    Raises:
        WiringError: A port name is no identifier or stands twice on one side; `ins` or `outs` is a
            string; the decorator was used without parentheses, or not on a coroutine function.

    Example:
        >>> @stream(ins=["word"], outs=["length"])
        ... async def measure(ins, outs, state):
        ...     async for word in ins.word:
        ...         await outs.length.push(len(word))
        >>> measure(name="ruler")
        <Stream 'ruler' (word) -> (length)>
    """
    if callable(ins):
        raise WiringError(
            f"stream must be called with names of ports, got {describe_callable(ins)}; did you "
            "mean `@stream(ins=[...], outs=[...])`"
        )
    names = tuple(side_ if isinstance(side_, str) else tuple(side_) for side_ in (ins, outs, side))

    def decorate(fn: StreamFunction) -> StreamFactory:
        factory = StreamFactory(fn, names[0], names[1], names[2], name)
        factory().check_runnable()
        return factory

    return decorate


def refuse_uncalled(operand: object) -> None:
    """Refuse a stream that was not made yet: a class of streams, or a factory not called.

    Args:
        operand: Any object that stands beside ``|`` or was handed to a method.

    Raises:
        WiringError: `operand` is such a class or factory.
    """
    if isinstance(operand, type) and issubclass(operand, Stream):
        raise WiringError(
            f"{operand.__name__} is a class of streams, not a stream; did you mean "
            f"`{operand.__name__}()`"
        )
    if isinstance(operand, StreamFactory):
        raise WiringError(
            f"{operand.__name__} makes streams, but is not one; did you mean `{operand.__name__}()`"
        )
