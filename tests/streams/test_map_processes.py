"""``Map`` in worker processes: what goes there comes back, and they go when the run does."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any

import pytest

from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import Map
from mimo_rx.testing import run_stream
from runs import add, collector

pytestmark = pytest.mark.timeout(120)


def inverse(number):
    return 12 // number


def pid(item):
    return os.getpid()


def dies(number):
    if number == 7:
        os._exit(3)
    return number


def kills_itself(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def note_pid_and_wait(folder):
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)


def note_pid_and_fail(folder):
    (Path(folder) / str(os.getpid())).touch()
    raise ValueError("mine")


def unpicklable(item):
    return (lambda: item) if item == 2 else item


class OfTwo(Exception):
    """As many are written: it pickles, and cannot be had back."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def raises_of_two(item):
    raise OfTwo(item, 2)


class Spoilt:
    """Pickles, and cannot be had back."""

    def __reduce__(self):
        return int, ("spoilt",)


def gives_spoilt(item):
    return Spoilt() if item == 2 else item


def stops(item):
    raise StopIteration(item)


def leaves(item):
    raise SystemExit(5)


def sleeps(seconds):
    time.sleep(seconds)
    return seconds


def processes(function, concurrency=2, **keywords):
    return Map(function, concurrency, executor="processes", **keywords)


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_calls_run_in_other_processes_as_many_as_allowed():
    pids = set(run_stream(processes(pid), {"item": range(200)}, timeout=60)["item"])
    assert os.getpid() not in pids
    assert 1 <= len(pids) <= 2
    assert all(map(is_gone, pids))


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("threshold", [1, 3, 100])
def test_failing_items_fail_alone_and_the_rest_is_in_order(ordered, threshold):
    """Also when short calls are sent a few at a time."""
    numbers = [number % 5 for number in range(400)]
    got = run_stream(
        processes(inverse, ordered=ordered), {"item": numbers}, threshold=threshold, timeout=60
    )
    expected = [12 // number for number in numbers if number]
    assert (got["item"] if ordered else sorted(got["item"])) == (
        expected if ordered else sorted(expected)
    )
    assert [each.item for each in got["errors"]] == [0] * 80


def test_the_traceback_in_the_worker_is_the_cause():
    [failure] = run_stream(processes(inverse), {"item": [0]}, timeout=60)["errors"]
    assert type(failure.exception) is ZeroDivisionError
    cause = str(failure.exception.__cause__)
    assert "in inverse\n    return 12 // number" in cause


@pytest.mark.parametrize("function", [dies, kills_itself])
@pytest.mark.parametrize("connected", [False, True])
def test_a_worker_that_dies_fails_the_run_and_names_the_step(function, connected):
    """It hangs nothing, and is no failure of an item: the next ones would go the same way."""
    workflow = Workflow()
    step = workflow.add_stream(processes(function, name="work"))
    flow(range(100)) | step
    if connected:
        step["errors"] | add(workflow, collector([]), "x")
    with pytest.raises(BrokenExecutor) as caught:
        workflow.start()
    notes = "\n".join(caught.value.__notes__)
    assert "a worker of step 'work' ended while calls were under way" in notes
    assert "raised in step 'work'" in notes


def test_a_function_that_pickle_does_not_find_is_refused_where_it_is_written():
    def inner(item):
        return item  # pragma: no cover

    with pytest.raises(WiringError, match="fn must be one that pickle finds by its name"):
        processes(inner)


def test_an_item_that_cannot_be_sent_is_a_failure_of_its_own():
    items = [1, lambda: 2, 3]
    got = run_stream(processes(inverse), {"item": items}, timeout=60)
    assert got["item"] == [12, 4]
    [failure] = got["errors"]
    assert failure.item is items[1]
    assert "pickle" in str(failure.exception).lower()


def test_an_item_that_cannot_be_had_back_there_is_a_failure_of_its_own():
    got = run_stream(processes(inverse), {"item": [1, Spoilt(), 3]}, timeout=60)
    assert got["item"] == [12, 4]
    [failure] = got["errors"]
    assert isinstance(failure.exception, ValueError)


@pytest.mark.parametrize("function", [unpicklable, gives_spoilt])
def test_a_result_that_cannot_be_sent_or_had_back_is_a_failure_of_its_item(function):
    got = run_stream(processes(function, name="work"), {"item": [1, 2, 3]}, timeout=60)
    assert got["item"] == [1, 3]
    assert [(each.item, each.step) for each in got["errors"]] == [(2, "work")]


def test_an_exception_that_cannot_be_had_back_is_stood_in_for():
    """To an executor that is the death of a worker."""
    got = run_stream(processes(raises_of_two), {"item": [1, 1]}, timeout=60)
    assert [str(each.exception) for each in got["errors"]] == ["OfTwo: 1 and 2"] * 2
    assert "raise OfTwo(item, 2)" in str(got["errors"][0].exception.__cause__)


def test_stop_iteration_there_is_a_failure_like_any_other():
    [failure] = run_stream(processes(stops), {"item": [1]}, timeout=60)["errors"]
    assert isinstance(failure.exception, RuntimeError)
    assert "StopIteration" in str(failure.exception)


@pytest.mark.parametrize("ordered", [True, False])
def test_an_exit_there_ends_the_run_and_comes_out(ordered):
    """E7."""
    workflow = Workflow()
    flow([1]) | workflow.add_stream(processes(leaves, ordered=ordered))
    with pytest.raises(SystemExit) as caught:
        workflow.start()
    assert caught.value.code == 5


def pids_in(folder):
    return [int(path.name) for path in folder.iterdir()]


def test_workers_are_gone_after_a_failure(tmp_path):
    workflow = Workflow()
    flow([tmp_path] * 5) | workflow.add_stream(processes(note_pid_and_fail))
    with pytest.raises(ValueError, match="mine"):
        workflow.start()
    assert pids_in(tmp_path)
    assert all(map(is_gone, pids_in(tmp_path)))


def test_workers_are_gone_after_a_cancel_whatever_they_are_at(tmp_path):
    async def main():
        workflow = Workflow()
        flow([tmp_path] * 5) | workflow.add_stream(processes(note_pid_and_wait))
        run = asyncio.create_task(workflow.run(shutdown_timeout=60))
        while not pids_in(tmp_path):
            await asyncio.to_thread(time.sleep, 0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    asyncio.run(main())
    assert all(map(is_gone, pids_in(tmp_path)))


def test_a_call_that_takes_too_long_fails_and_its_worker_ends_with_the_run():
    """The run does not wait for a call that was given up."""
    began = time.monotonic()
    stream = processes(sleeps, timeout=0.5)
    got = run_stream(stream, {"item": [0.001, 600, 0.002, 0.003]}, timeout=60)
    assert got["item"] == [0.001, 0.002, 0.003]
    [failure] = got["errors"]
    assert failure.item == 600
    assert re.search("sleeps took longer than 0.5 s", str(failure.exception))
    assert time.monotonic() - began < 60


def test_nothing_is_left_of_a_run_in_processes():
    """C5: no thread of its own; pytest's own census of warnings tells of processes."""
    before = set(threading.enumerate())
    run_stream(processes(inverse), {"item": [1, 2, 3]}, timeout=60)
    assert set(threading.enumerate()) <= before


def test_short_calls_take_few_items_more_from_the_input_than_are_under_way():
    """Memory stays bounded: nothing is taken that is not soon sent."""
    workflow = Workflow([], ["out"], threshold=3)
    step = workflow.add_stream(processes(abs, name="work"))
    flow(range(10_000)) | step
    step | workflow.outs["out"]
    taken: list[Any] = []

    async def main():
        async with workflow.open() as opened:
            async for item in opened.outs.out:
                taken.append((opened.statistics().steps["work"].items_in, item))
                if item == 300:
                    break

    asyncio.run(main())
    assert max(items_in - item for items_in, item in taken) <= 3 + 4 * 3 + 1


SCRIPT = """
import sys
from mimo_rx.streams import Map

def double(number):
    return 2 * number

def main():
    print((range(4) | Map(double, executor="processes", concurrency=2)).to_list().run())

{guard}
"""


@pytest.mark.parametrize("guard", ['if __name__ == "__main__":\n    main()', "main()"])
def test_a_script_needs_its_guard_and_is_told_so(tmp_path, guard):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(guard=guard), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    if "if" in guard:
        assert done.stdout == "[0, 2, 4, 6]\n", done.stderr
        assert done.stderr == ""
    else:
        assert done.returncode != 0
        assert 'a script needs its `if __name__ == "__main__":`' in done.stderr
