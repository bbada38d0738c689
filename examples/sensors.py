"""Watch three sensors at different rates: the latest of each, means of windows, alarms.

Each sensor is an ``Observable`` that goes by the clock and waits for nobody. It enters by
``flow(..., overflow="drop_oldest", capacity=1)``: while there is no room, its latest reading is
kept and the ones before are dropped, so behind a slow stream no backlog grows. ``combine_latest``
stays the operator of Rx that it is. ``Window`` is a stream, as it holds what it has taken for a
while. Alarms leave by a side output, which nobody need read.

The readings are computed from the time at which each is due, so runs differ by no more than the
clock is late: a sample may fall into the next window.
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
    """What measures, how often, and what it finds."""

    period: float
    """Seconds between two readings."""
    middle: float
    swing: float
    """How far a reading is from the middle at most."""
    cycle: float
    """Seconds from one high to the next."""


class Reading(NamedTuple):
    """What a sensor found so many seconds after the start."""

    at: float
    value: float


class Sample(NamedTuple):
    """The latest reading of each sensor."""

    temperature: Reading
    pressure: Reading
    humidity: Reading

    @property
    def at(self) -> float:
        """When the newest of them was made."""
        return max(self).at


SENSORS = {
    "temperature": Sensor(period=0.053, middle=21.0, swing=4.0, cycle=0.8),
    "pressure": Sensor(period=0.019, middle=1013.0, swing=6.0, cycle=1.7),
    "humidity": Sensor(period=0.101, middle=45.0, swing=10.0, cycle=2.3),
}
"""By the fields of a sample; degrees Celsius, hectopascals, per cent. No two are due at one moment
within the first second."""


def sensors(
    seconds: float = 1.0, window: float = 0.25, limit: float = 24.0, threshold: int = 10
) -> Workflow:
    """Return the workflow that watches.

    Args:
        seconds: How long the sensors measure, at least 0.
        window: Seconds that a mean is over, above 0.
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
    """Lead the readings of a sensor in; of those that find no room, the latest is kept."""
    return flow(readings(sensor, seconds), overflow="drop_oldest", capacity=1)


def readings(sensor: Sensor, seconds: float) -> Observable[Reading]:
    """Measure again and again, for so long."""
    count = int(seconds / sensor.period + 1e-9)
    return rx.interval(sensor.period).pipe(ops.take(count), ops.map(partial(measure, sensor)))


# Its streams.


@stream(ins=["sample"], outs=["sample"], side=["alarm"])
async def watch(ins: Inputs, outs: Outputs, limit: float) -> None:
    """Pass all samples on, and push each reading of a temperature above the limit, once."""
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


# What the operators on its edges call.


def measure(sensor: Sensor, number: int) -> Reading:
    """Return reading `number`, from 0: the first one is made after one period."""
    at = (number + 1) * sensor.period
    return Reading(at, sensor.middle + sensor.swing * math.sin(math.tau * at / sensor.cycle))


def means(samples: list[Sample]) -> str:
    """Return the line about a window."""
    each = zip(*samples, strict=True)
    found = [fmean(reading.value for reading in readings) for readings in each]
    named = "  ".join(f"{name} {mean:.1f}" for name, mean in zip(SENSORS, found, strict=True))
    return f"{samples[0].at:.3f} s to {samples[-1].at:.3f} s  {named}  ({len(samples)} samples)"


def alarm(limit: float, reading: Reading) -> str:
    """Return the line about a reading above the limit."""
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
    "--limit", metavar="T", type=float, default=24.0, help="Temperature above which to alarm."
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
