"""Streams with many inputs and outputs, wired by reactive operators, with bounded memory."""

from . import _asyncio as _asyncio  # it registers the engine
from . import _wiring as _wiring  # it registers the language of `|`
from ._asynctools import arange, azip
from ._check import Finding
from ._errors import (
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
from ._open import OpenRun
from ._port import Input, Inputs, Output, Outputs
from ._sources import flow
from ._statistics import EdgeStatistics, InputStatistics, Statistics, StepStatistics
from ._step import Port, Step
from ._stream import Stream, stream
from ._waits import Wait, Waits
from ._workflow import Workflow

__all__ = [
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
    "Statistics",
    "Step",
    "StepStatistics",
    "Stream",
    "StreamCancelled",
    "UnknownPort",
    "Wait",
    "Waits",
    "WiringError",
    "Workflow",
    "arange",
    "azip",
    "failures",
    "flow",
    "stream",
]
