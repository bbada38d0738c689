"""The example ``sensors``, on virtual time: its lines are those of a plain loop over all times."""

import asyncio
import math
import threading

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from helpers import run
from mimo_rx import Workflow, flow, stream
from mimo_rx.cli._target import load, workflow_of
from mimo_rx.testing import run_stream_async
from sensors import (
    SENSORS,
    Reading,
    Sample,
    Sensor,
    alarm,
    enter,
    main,
    means,
    measure,
    sensors,
    watch,
)


def invoke(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def plain(seconds, window, limit):
    """Return the lines that are to come, by going through all readings in the order of time."""
    due = sorted(
        (measure(sensor, number).at, name, measure(sensor, number))
        for name, sensor in SENSORS.items()
        for number in range(math.floor(seconds / sensor.period))
    )
    latest: dict[str, Reading] = {}
    samples: list[tuple[float, Sample]] = []
    lines: list[tuple[float, str]] = []
    for at, name, reading in due:
        first = len(latest) < 3
        latest[name] = reading
        if len(latest) < 3:
            continue
        sample = Sample(**latest)
        if (first or name == "temperature") and sample.temperature.value > limit:
            lines.append((at, alarm(limit, sample.temperature)))
        samples.append((at, sample))
    frames: dict[int, list[Sample]] = {}
    for at, sample in samples:
        frames.setdefault(int((at - samples[0][0]) / window), []).append(sample)
    for number, frame in frames.items():
        end = samples[0][0] + (number + 1) * window
        lines.append((min(end, due[-1][0]), means(frame)))
    return [line for _, line in sorted(lines, key=lambda line: line[0])]


def printed(capsys, *arguments):
    statistics = run(sensors(*arguments).run())
    return capsys.readouterr().out.splitlines(), statistics


# The whole of it.


@pytest.mark.parametrize("seconds", [0.05, 0.12, 0.5, 0.99])
@pytest.mark.parametrize("window", [0.0171, 0.25, 2.0])
@pytest.mark.parametrize("limit", [15.0, 24.0, 30.0])
def test_the_lines_are_those_of_a_plain_loop(capsys, seconds, window, limit):
    lines, _ = printed(capsys, seconds, window, limit)
    assert lines == plain(seconds, window, limit)


def test_by_default_there_are_windows_and_alarms(capsys):
    lines, statistics = printed(capsys)
    assert lines == LINES
    assert all(edge.drops == 0 for edge in statistics.edges)
    assert {step.ended for step in statistics.steps.values()} == {"returned"}


LINES = [
    "0.159 s  ALARM: temperature 24.8 is above 24.0",
    "0.212 s  ALARM: temperature 25.0 is above 24.0",
    "0.265 s  ALARM: temperature 24.5 is above 24.0",
    "0.101 s to 0.342 s  temperature 24.3  pressure 1017.1  humidity 49.8  (21 samples)",
    "0.361 s to 0.589 s  temperature 19.7  pressure 1018.7  humidity 54.0  (20 samples)",
    "0.606 s to 0.848 s  temperature 18.8  pressure 1015.6  humidity 54.4  (21 samples)",
    "0.954 s  ALARM: temperature 24.7 is above 24.0",
    "0.855 s to 0.988 s  temperature 23.7  pressure 1011.5  humidity 51.8  (11 samples)",
]


@pytest.mark.parametrize("threshold", [1, 100])
def test_the_bound_changes_nothing_where_all_are_fast_enough(capsys, threshold):
    assert printed(capsys, 0.99, 0.25, 24.0, threshold)[0] == LINES


def test_a_run_ends_when_the_sensors_do(capsys):
    async def timed():
        await sensors(0.5).run()
        return asyncio.get_running_loop().time()

    assert run(timed()) == pytest.approx(
        max(s.period * int(0.5 / s.period) for s in SENSORS.values())
    )


def test_a_blueprint_runs_again_and_twice_at_once(capsys):
    workflow = sensors()

    async def twice():
        await asyncio.gather(workflow.run(), workflow.run())

    run(twice())
    assert sorted(capsys.readouterr().out.splitlines()) == sorted(2 * LINES)


# How readings enter.


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_whoever_is_slow_misses_readings_and_gets_the_last_one(pause):
    sensor = SENSORS["pressure"]
    got = []

    @stream(ins=["reading"])
    async def slow(ins, outs, state):
        async for reading in ins.reading:
            got.append(reading)
            await asyncio.sleep(pause)

    workflow = Workflow(threshold=1)
    enter(sensor, 1.0) | workflow.add_stream(slow())
    (edge,) = run(workflow.run()).edges
    made = [measure(sensor, number) for number in range(int(1.0 / sensor.period))]
    assert got[-1] == made[-1]
    assert len(got) + edge.drops == len(made)
    assert (edge.drops > 0) == (pause > 0)
    assert got == sorted(set(got))


@pytest.mark.parametrize("name", SENSORS)
def test_a_sensor_measures_as_often_as_it_is_told(name):
    sensor = SENSORS[name]
    count = int(1.0 / sensor.period)
    found = [measure(sensor, number) for number in range(count)]
    assert all(abs(reading.value - sensor.middle) <= sensor.swing for reading in found)
    assert [reading.at for reading in found] == [sensor.period * (n + 1) for n in range(count)]


def test_seconds_that_are_many_periods_are_that_many_readings():
    """Though as floats 0.3 / 0.1 is less than 3."""
    workflow = Workflow()

    @stream(ins=["reading"])
    async def count(ins, outs, got):
        got += [reading async for reading in ins.reading]

    got: list[Reading] = []
    enter(Sensor(0.1, 0.0, 1.0, 1.0), 0.3) | workflow.add_stream(count(state=got))
    run(workflow.run())
    assert len(got) == 3


# The stream with the alarm.


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), max_size=30), st.integers(1, 3))
def test_each_reading_above_the_limit_is_an_alarm_once(steps, threshold):
    """A sample comes for each sensor, so the same temperature comes again and again."""
    samples, readings = [], []
    for at, (value, again) in enumerate(steps):
        reading = Reading(at, value)
        readings.append(reading)
        samples += [Sample(reading, Reading(n, 0), Reading(0, 0)) for n in range(again + 1)]
    found = run(run_stream_async(watch(state=5), {"sample": samples}, threshold=threshold))
    assert found == {
        "sample": samples,
        "alarm": [reading for reading in readings if reading.value > 5],
    }


def test_nobody_need_read_the_alarms():
    samples = [Sample(Reading(n, 9), Reading(n, 9), Reading(n, 9)) for n in range(300)]
    watching = flow(samples) | watch(state=0)
    assert run(_list(watching["sample"])) == samples


async def _list(items):
    return [item async for item in items]


# The command.


def test_stats_are_on_stderr_alone():
    before = set(threading.enumerate())
    result = invoke("--seconds", 0.15, "--limit", 0, "--stats")
    assert result.exit_code == 0
    assert "ALARM: temperature" in result.stdout
    assert "samples)" in result.stdout
    assert result.stderr.startswith("step ")
    for step in sensors().steps:
        assert step in result.stderr
    assert set(threading.enumerate()) <= before


def test_graph_is_a_drawing():
    first, *_, last = invoke("--graph").stdout.splitlines()
    assert (first, last) == ('digraph "sensors" {', "}")


def test_nothing_looks_wrong_in_the_workflow():
    assert sensors().check() == ()


@pytest.mark.parametrize("option", ["--seconds", "--window", "--threshold"])
def test_numbers_out_of_range_are_refused(option):
    result = invoke(option, 0)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "0 is not in the range" in result.stderr


def test_the_builder_is_a_target_of_the_command_line(capsys):
    target = load("examples/sensors.py:sensors", ["seconds=0.12", "threshold=3"])
    run(workflow_of(target).run())
    assert capsys.readouterr().out.splitlines() == plain(0.12, 0.25, 24.0)
