"""``ForEach`` and ``ToList``: ends of pipelines in the program itself."""

import asyncio
import pickle

import pytest

from battery import Case, battery
from helpers import run
from mimo_rx import WiringError, Workflow
from mimo_rx.streams import ForEach, ToList
from mimo_rx.testing import run_stream
from runs import failing

NUMBERS = {"item": list(range(12))}


class Note:
    """A file with a line for each call, since a stream knows nothing of what its function keeps."""

    def __init__(self, folder):
        self.path = folder / "calls"

    def __call__(self, item):
        with self.path.open("a") as file:
            file.write(f"{item}\n")

    async def later(self, item):
        await asyncio.sleep(0)
        self(item)


def calls(stream, folder):
    path = folder / "calls"
    lines = path.read_text().split() if path.exists() else []
    path.unlink(missing_ok=True)
    return {"calls": [int(line) for line in lines]}


def once(inputs):
    return {"calls": inputs["item"], "errors": []}


@battery(
    [
        Case("plain", lambda folder: ForEach(Note(folder)), NUMBERS, once, calls),
        Case("coroutine", lambda folder: ForEach(Note(folder).later), NUMBERS, once, calls),
    ]
)
def test_for_each_passes_the_battery(case, check, tmp_path):
    if check.__name__ == "check_two_at_once":
        pytest.skip("the calls of the two cannot be told apart")
    check(case, tmp_path)


def test_for_each_gives_failing_items_away_and_goes_on():
    done = []

    def fn(item):
        done.append(10 // item)

    [failure] = run_stream(ForEach(fn), {"item": [1, 0, 5]})["errors"]
    assert (failure.item, type(failure.exception), failure.step) == (0, ZeroDivisionError, "fn")
    assert done == [10, 2]


def test_e1_for_each_fails_the_run_where_nobody_reads_its_errors():
    error = failing(([1, 0] | ForEach(lambda item: 1 // item)).workflow, ZeroDivisionError)
    assert error.__notes__ == ["mimo_rx: raised in step 'ForEach'"]


def test_for_each_waits_for_a_coroutine_before_the_next_call():
    log = []

    async def fn(item):
        log.append(item)
        await asyncio.sleep(1)
        log.append(-item)

    step = [1, 2] | ForEach(fn)
    run(step.workflow.run())
    assert log == [1, -1, 2, -2]


def test_for_each_refuses_a_plain_function_that_returns_a_coroutine():
    async def fn(item):
        raise AssertionError

    error = failing(([1] | ForEach(lambda item: fn(item))).workflow, TypeError)
    assert "give the coroutine function itself" in str(error)


def test_for_each_refuses_what_cannot_be_called():
    with pytest.raises(WiringError, match="ForEach: fn must be a function, got 3"):
        ForEach(3)  # type: ignore[arg-type]


def kept(stream, folder):
    return {"items": stream.items}


@battery(
    [Case("list", lambda folder: ToList(), NUMBERS, lambda inputs: {"items": inputs["item"]}, kept)]
)
def test_to_list_passes_the_battery(case, check, tmp_path):
    check(case, tmp_path)


def test_to_list_makes_a_new_list_for_each_run():
    stream = ToList()
    assert stream.items == []
    workflow = ([1, 2] | stream).workflow
    run(workflow.run())
    first = stream.items
    run(workflow.run())
    assert first == stream.items == [1, 2]
    assert first is not stream.items


def test_to_list_shows_what_came_before_a_failure():
    stream = ToList()
    workflow = Workflow(threshold=1)
    step = workflow.add_stream(stream)

    def numbers():
        yield 1
        raise ValueError

    numbers() | step
    failing(workflow)
    assert stream.items == [1]


def test_ends_can_be_pickled():
    stream = pickle.loads(pickle.dumps(ToList(name="list")))
    assert run_stream(stream, {"item": [1]}) == {}
    assert (stream.name, stream.items) == ("list", [1])
    assert pickle.loads(pickle.dumps(ForEach(print))).name == "print"
