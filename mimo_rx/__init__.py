"""Streams with many inputs and outputs, wired by reactive operators, with bounded memory."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._late import say

if TYPE_CHECKING:
    from ._asynctools import arange, azip
    from ._blueprint.factory import StreamFactory, stream
    from ._blueprint.flow import Flow
    from ._blueprint.restart import Restart
    from ._blueprint.sources import flow
    from ._blueprint.step import Port, Step
    from ._blueprint.stream import Stream
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
    from ._ports.input import Input
    from ._ports.output import Output
    from ._ports.sets import Inputs, Outputs
    from ._run.blocking import run
    from ._run.open import OpenRun
    from ._run.waits import Wait, Waits
    from ._statistics import EdgeStatistics, InputStatistics, Statistics, StepStatistics
    from ._workflow.findings import Finding
    from ._workflow.workflow import Workflow

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
    "_run.blocking": "run",
    "_workflow.findings": "Finding",
    "_errors": "BufferOverflow DeadlockError DownstreamClosed InputClosed LateSubscription "
    "MimoError OutputClosed StreamCancelled UnknownPort WiringError failures",
    "_blueprint.flow": "Flow",
    "_run.open": "OpenRun",
    "_ports.input": "Input",
    "_ports.output": "Output",
    "_ports.sets": "Inputs Outputs",
    "_blueprint.restart": "Restart",
    "_blueprint.sources": "flow",
    "_statistics": "EdgeStatistics InputStatistics Statistics StepStatistics",
    "_blueprint.step": "Port Step",
    "_blueprint.stream": "Stream",
    "_blueprint.factory": "StreamFactory stream",
    "_run.waits": "Wait Waits",
    "_workflow.workflow": "Workflow",
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names.split()}


say("language", f"{__name__}._workflow.pipe_syntax")
say("engine", f"{__name__}._run.engine:ENGINE")


# A room is imported when one of its names is first used (PEP 562). A program that only draws a
# blueprint, or the help of the command line, then does not wait for asyncio and the engine.
def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f".{room}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
