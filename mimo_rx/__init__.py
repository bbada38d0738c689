"""Streams with many inputs and outputs, wired by reactive operators, with bounded memory."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._late import say

if TYPE_CHECKING:
    from ._asynctools import arange, azip
    from ._blocking import run
    from ._check import Finding
    from ._errors import (
        BufferOverflow,
        DeadlockError,
        DownstreamClosed,
        InputClosed,
        LateSubscription,
        MimoError,
        OutputClosed,
        StreamCancelled,
        UnknownPort,
        WiringError,
        failures,
    )
    from ._flow import Flow
    from ._input import Input
    from ._open import OpenRun
    from ._output import Output
    from ._restart import Restart
    from ._sets import Inputs, Outputs
    from ._sources import flow
    from ._statistics import EdgeStatistics, InputStatistics, Statistics, StepStatistics
    from ._step import Port, Step
    from ._stream import Stream, StreamFactory, stream
    from ._waits import Wait, Waits
    from ._workflow import Workflow

__all__ = [
    "BufferOverflow",
    "DeadlockError",
    "DownstreamClosed",
    "EdgeStatistics",
    "Finding",
    "Flow",
    "Input",
    "InputClosed",
    "InputStatistics",
    "Inputs",
    "LateSubscription",
    "MimoError",
    "OpenRun",
    "Output",
    "OutputClosed",
    "Outputs",
    "Port",
    "Restart",
    "Statistics",
    "Step",
    "StepStatistics",
    "Stream",
    "StreamCancelled",
    "StreamFactory",
    "UnknownPort",
    "Wait",
    "Waits",
    "WiringError",
    "Workflow",
    "arange",
    "azip",
    "failures",
    "flow",
    "run",
    "stream",
]

_ROOMS = {
    "_asynctools": "arange azip",
    "_blocking": "run",
    "_check": "Finding",
    "_errors": "BufferOverflow DeadlockError DownstreamClosed InputClosed LateSubscription "
    "MimoError OutputClosed StreamCancelled UnknownPort WiringError failures",
    "_flow": "Flow",
    "_open": "OpenRun",
    "_input": "Input",
    "_output": "Output",
    "_sets": "Inputs Outputs",
    "_restart": "Restart",
    "_sources": "flow",
    "_statistics": "EdgeStatistics InputStatistics Statistics StepStatistics",
    "_step": "Port Step",
    "_stream": "Stream StreamFactory stream",
    "_waits": "Wait Waits",
    "_workflow": "Workflow",
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names.split()}


say("language", f"{__name__}._wiring")
say("engine", f"{__name__}._asyncio:ENGINE")


# A room is imported when a name of it is first used, so that whoever draws a blueprint, or asks
# the command line for help, does not wait for asyncio and the engine (PEP 562).
def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{room}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
