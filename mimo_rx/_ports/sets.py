"""The sets of ports that ``run(ins, outs)`` is given, one for each side of a stream.

Rules: S2.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from .._errors import UnknownPort
from .input import Input
from .output import Output

__all__ = ["Inputs", "Outputs"]

T = TypeVar("T")


class _Ports(Generic[T]):
    """The ports of a dict, by attribute, by key, and in the order of their declaration."""

    __slots__ = ("__dict__", "__side__", "__where__")

    __side__: str
    __where__: str

    def __init__(self, where: str, side: str, ports: dict[str, T]) -> None:
        # Real attributes are found without a call; __getattr__ is called for unknown names only.
        for name, value in (("__dict__", ports), ("__side__", side), ("__where__", where)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> T:
        raise self._unknown(name)

    def __getitem__(self, name: str) -> T:
        if name not in self:
            raise self._unknown(name)
        port: T = self.__dict__[name]
        return port

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"ports are given by the run and cannot be set; got {name!r}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"ports are given by the run and cannot be deleted; got {name!r}")

    def __contains__(self, name: object) -> bool:
        return name in self.__dict__

    def __iter__(self) -> Any:
        return iter(self.__dict__.values())

    def __len__(self) -> int:
        return len(self.__dict__)

    def __dir__(self) -> list[str]:
        return list(self.__dict__)

    def __repr__(self) -> str:
        return f"<{self.__side__}s of {self.__where__}: {', '.join(self.__dict__) or 'none'}>"

    def _unknown(self, name: object) -> UnknownPort:
        return UnknownPort(self.__where__, self.__side__, name, tuple(self.__dict__))


class Inputs(_Ports[Input[Any]]):
    """The inputs of a stream in a run: ``ins.a``, ``ins["a"]``, ``for port in ins``."""

    __slots__ = ()


class Outputs(_Ports[Output[Any]]):
    """The outputs of a stream in a run: ``outs.b``, ``outs["b"]``, ``for port in outs``."""

    __slots__ = ()
