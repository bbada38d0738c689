"""Watch three sensors at different rates: the latest of each, means of windows, alarms.

Each sensor is an ``Observable`` that delivers by the clock and never waits. It enters by
``flow(..., overflow="drop_oldest", capacity=1)``: while there is no room, the latest reading is
kept and earlier ones are dropped. So no backlog grows in front of a slow stream. ``combine_latest``
is the plain operator of RxPY. ``Window`` is a stream, because it holds items for a while. Alarms
leave by a side output, which needs no reader.

Each reading is computed from the time at which it is due. So two runs differ only when the clock is
late: a sample may then fall into the next window.
"""

from __future__ import annotations

import math
from functools import partial
from statistics import fmean
from typing import NamedTuple

import click
import reactivex as rx
from reactivex import Observable
from reactivex import operators as ops

from example_command import GRAPH, SETTINGS, STATS, carry_out, help_of, threshold_option
from mimo_rx import Flow, Inputs, Outputs, Workflow, flow, stream
from mimo_rx.streams import Window


class Sensor(NamedTuple):
    """A sensor: its rate, and the range and cycle of its readings."""

    period: float
    """Seconds between two readings."""
    middle: float
    swing: float
    """Largest distance of a reading from the middle."""
    cycle: float
    """Seconds from one maximum to the next."""


class Reading(NamedTuple):
    """One reading of a sensor, and its time in seconds after the start."""

    at: float
    value: float


class Sample(NamedTuple):
    """The latest reading of each sensor."""

    temperature: Reading
    pressure: Reading
    humidity: Reading

    @property
    def at(self) -> float:
        """The time of the newest reading."""
        return max(self).at


SENSORS = {
    "temperature": Sensor(period=0.053, middle=21.0, swing=4.0, cycle=0.8),
    "pressure": Sensor(period=0.019, middle=1013.0, swing=6.0, cycle=1.7),
    "humidity": Sensor(period=0.101, middle=45.0, swing=10.0, cycle=2.3),
}
"""The sensors by the fields of a sample, in degrees Celsius, hectopascals and per cent. Within the
first second, no two of them are due at the same moment."""


def sensors(
    seconds: float = 1.0, window: float = 0.25, limit: float = 24.0, threshold: int = 10
) -> Workflow:
    """Return the workflow that watches the sensors.

    Args:
        seconds: How long the sensors measure, in seconds, at least 0.
        window: Length of the window of each mean, in seconds, above 0.
        limit: The temperature in degrees Celsius above which there is an alarm.
        threshold: Items that a buffer may hold, at least 1.
    """
    workflow = Workflow(name="sensors", threshold=threshold)
    watching = workflow.add_stream(watch(state=limit))
    temperature, *others = (enter(sensor, seconds) for sensor in SENSORS.values())

    temperature | ops.combine_latest(*others) | ops.map(Sample._make) | watching
    lines = watching["sample"] | Window(window) | ops.map(means)
    alarms = watching["alarm"] | ops.map(partial(alarm, limit))
    [lines, alarms] | workflow.add_stream(show())
    return workflow


def enter(sensor: Sensor, seconds: float) -> Flow:
    """Lead the readings of a sensor in; while there is no room, keep the latest one."""
    return flow(readings(sensor, seconds), overflow="drop_oldest", capacity=1)


def readings(sensor: Sensor, seconds: float) -> Observable[Reading]:
    """Measure once in each period, for a number of seconds."""
    count = int(seconds / sensor.period + 1e-9)
    return rx.interval(sensor.period).pipe(ops.take(count), ops.map(partial(measure, sensor)))


# The streams.


@stream(ins=["sample"], outs=["sample"], side=["alarm"])
async def watch(ins: Inputs, outs: Outputs, limit: float) -> None:
    """Pass all samples on, and push each temperature reading above the limit once."""
    before: Reading | None = None
    async for sample in ins.sample:
        await outs.sample.push(sample)
        reading = sample.temperature
        if reading.value > limit and reading != before:
            await outs.alarm.push(reading)
        before = reading


@stream(ins=["line"])
async def show(ins: Inputs, outs: Outputs, state: object) -> None:
    async for line in ins.line:
        click.echo(line)


# The functions that the operators call.


def measure(sensor: Sensor, number: int) -> Reading:
    """Return reading `number`, counted from 0; the first one is due after one period."""
    at = (number + 1) * sensor.period
    return Reading(at, sensor.middle + sensor.swing * math.sin(math.tau * at / sensor.cycle))


def means(samples: list[Sample]) -> str:
    """Return the line for a window."""
    each = zip(*samples, strict=True)
    found = [fmean(reading.value for reading in readings) for readings in each]
    named = "  ".join(f"{name} {mean:.1f}" for name, mean in zip(SENSORS, found, strict=True))
    return f"{samples[0].at:.3f} s to {samples[-1].at:.3f} s  {named}  ({len(samples)} samples)"


def alarm(limit: float, reading: Reading) -> str:
    """Return the line for a reading above the limit."""
    return f"{reading.at:.3f} s  ALARM: temperature {reading.value:.1f} is above {limit:.1f}"


# The command.


def above(least: float) -> click.FloatRange:
    return click.FloatRange(least, min_open=True)


@click.command("sensors", help=help_of(sensors), context_settings=SETTINGS)
@click.option(
    "--seconds", metavar="S", type=above(0), default=1.0, help="How long to measure, in seconds."
)
@click.option(
    "--window", metavar="S", type=above(0), default=0.25, help="How long a window is, in seconds."
)
@click.option(
    "--limit", metavar="T", type=float, default=24.0, help="Temperature that raises an alarm."
)
@threshold_option()
@GRAPH
@STATS
def main(
    seconds: float, window: float, limit: float, threshold: int, graph: bool, stats: bool
) -> None:
    workflow = sensors(seconds, window, limit, threshold)
    carry_out(workflow, workflow.start, graph=graph, stats=stats)


if __name__ == "__main__":
    main()
