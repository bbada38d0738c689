"""All cases. To add one, write a file here and add its name to this list, in the right place."""

from __future__ import annotations

from benchmarks import streams
from benchmarks.cases import (
    bulk,
    clocks,
    fans,
    large,
    maps,
    memory,
    operators,
    rings,
    size,
    stages,
    startup,
    thresholds,
)
from benchmarks.measure import Case

__all__ = ["CASES"]

CASES: dict[str, Case] = {
    case.name: case
    for case in (
        stages.THREE,
        stages.TEN,
        bulk.BULK,
        bulk.TEN,
        fans.FAN_OUT,
        fans.FAN_IN,
        fans.ZIP,
        maps.OPERATORS,
        maps.MAPS,
        operators.EDGE,
        operators.SLOPES,
        operators.JOB,
        large.LARGE,
        *thresholds.THRESHOLDS,
        size.CHAINS,
        size.EDGES,
        startup.RUN,
        startup.PROCESSES,
        clocks.CLOCKS,
        rings.RINGS,
        memory.MEMORY,
        *streams.STREAMS,
    )
}
"""All cases by name, in the order of the tables."""
