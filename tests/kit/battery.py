"""The battery of checks that every ready-made stream passes, with and without failures.

A case says how to make the stream, what to feed it, and what results must come out, as a plain
function of the items of each input. The rest is here: no items, one, many, a failure and a cancel
midway, slow readers, readers that leave early, two runs, threshold 1.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from helpers import run
from loops import run_on
from mimo_rx import Statistics, Stream, Workflow, flow

Items = dict[str, list[Any]]


@dataclass(frozen=True)
class Case:
    """A ready-made stream and what it must do.

    Args:
        name: The name of the case.
        make: Makes the stream; it gets a folder for files.
        inputs: The items for each input, at least two.
        oracle: From the items of the inputs, makes those of each output and each extra result.
        results: Reads extra results, by name, from the stream and the folder after the run.
        ordered: Whether outputs give their items in the order of the oracle; else in any order.
        real: Whether it has threads or processes, so that the clock cannot be virtual.
        whole: Whether an output that is not read to its end leaves the others as they are.
    """

    name: str
    make: Callable[[Path], Stream]
    inputs: Items
    oracle: Callable[[Items], Items]
    results: Callable[[Any, Path], Items] = field(default=lambda stream, folder: {})
    ordered: bool = True
    real: bool = False

    def __str__(self) -> str:
        return self.name


class Midway(Exception):
    """The failure of the source that feeds a stream."""


@dataclass
class Trial:
    """One run of a case: its input, its readers and its results.

    Args:
        case: The case.
        folder: The folder for its files.
        inputs: The items for each input.
        threshold: The threshold of all buffers.
        stream: The stream; None makes a new one.
    """

    case: Case
    folder: Path
    inputs: Items
    threshold: int = 100
    stream: Stream | None = None
    taken: Items = field(default_factory=dict)

    def workflow(
        self,
        feed: Callable[[list[Any]], Any] = flow,
        read: Callable[[Any, list[Any]], Coroutine[Any, Any, None]] | None = None,
    ) -> Workflow:
        """Wire it up.

        Args:
            feed: Makes a source of the items of an input.
            read: Takes the items of an output; None takes them all at once.
        """
        if self.stream is None:
            self.stream = self.case.make(self.folder)
        workflow = Workflow(threshold=self.threshold)
        step = workflow.add_stream(self.stream)
        for name in step.ins:
            feed(self.inputs[name]) | step[name]
        for name in step.outs:
            step[name] | Stream(["item"], fn=self._reader(name, read or take_all), name=name)
        return workflow

    def _reader(self, name: str, read: Callable[[Any, list[Any]], Any]) -> Any:
        async def fn(ins: Any, outs: Any, state: Any) -> None:
            taken = self.taken[name] = []
            await read(ins.item, taken)

        return fn

    def go(self, main: Coroutine[Any, Any, Any]) -> Any:
        """Run `main` on a loop that suits the case, and check that nothing is left."""
        return run_on(asyncio.new_event_loop, main) if self.case.real else run(main)

    def came_of_it(self) -> Items:
        """Return what the outputs gave, and the other results."""
        return {**self.taken, **self.case.results(self.stream, self.folder)}

    def check(self) -> None:
        """Compare its results with the expected ones."""
        expected = self.case.oracle(self.inputs)
        came = self.came_of_it()
        assert came.keys() == expected.keys()
        for name, items in expected.items():
            assert self.arranged(came[name]) == self.arranged(items), name

    def arranged(self, items: Sequence[Any]) -> list[Any]:
        """Return `items` in an order that can be compared."""
        return list(items) if self.case.ordered else sorted(items, key=repr)


async def take_all(port: Any, taken: list[Any]) -> None:
    """Take all items."""
    async for chunk in port.chunks():
        taken.extend(chunk)


async def take_slowly(port: Any, taken: list[Any]) -> None:
    """Take an item now and then."""
    async for item in port:
        taken.append(item)
        await asyncio.sleep(0.001)


async def take_one(port: Any, taken: list[Any]) -> None:
    """Take the first item, and leave."""
    async for item in port:
        taken.append(item)
        return


async def fail_at_once(port: Any, taken: list[Any]) -> None:
    """Raise at the first item."""
    await port.pop()
    raise Midway


def failing_midway(items: list[Any]) -> Any:
    """Make a source that raises after half of the items."""

    async def source() -> Any:
        for item in items[: len(items) // 2]:
            yield item
        raise Midway

    return flow(source())


def of_each(inputs: Items, count: int) -> Items:
    """Return the first `count` items of each input."""
    return {name: items[:count] for name, items in inputs.items()}


# The battery


def check_amounts(case: Case, folder: Path, count: int | None, threshold: int = 100) -> None:
    """With no item, one item, or all items of each input, the expected results come out."""
    trial = Trial(case, folder, of_each(case.inputs, count) if count is not None else case.inputs)
    trial.threshold = threshold
    trial.go(trial.workflow().run())
    trial.check()


def check_slow_readers(case: Case, folder: Path) -> None:
    """Slow readers hold the stream back and get the same items."""
    trial = Trial(case, folder, case.inputs, threshold=2)
    trial.go(trial.workflow(read=take_slowly).run())
    trial.check()


def check_early_readers(case: Case, folder: Path) -> None:
    """The run ends when each reader leaves after one item."""
    trial = Trial(case, folder, case.inputs, threshold=1)
    statistics: Statistics = trial.go(trial.workflow(read=take_one).run())
    assert {step.ended for step in statistics.steps.values()} <= {"returned", "downstream"}
    for name, items in case.oracle(case.inputs).items():
        if name in trial.taken and case.ordered:
            assert trial.taken[name] == items[:1], name


def check_failure_midway(case: Case, folder: Path) -> None:
    """A failure of the source comes out as itself; the items before it are right."""
    trial = Trial(case, folder, case.inputs, threshold=1)
    # A stream that nothing feeds has failing readers instead.
    workflow = trial.workflow(feed=failing_midway, read=None if case.inputs else fail_at_once)
    with pytest.raises(Midway):
        trial.go(workflow.run())


def check_cancel_midway(case: Case, folder: Path, turns: int) -> None:
    """After a cancel, some turns of the loop later, it ends and leaves nothing."""
    trial = Trial(case, folder, case.inputs, threshold=1)

    async def main() -> None:
        task = asyncio.create_task(trial.workflow(read=take_slowly).run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    trial.go(main())


def check_two_runs(case: Case, folder: Path) -> None:
    """The same stream runs again."""
    trial = Trial(case, folder, case.inputs)
    workflow = trial.workflow()
    for _ in range(2):
        trial.go(workflow.run())
        trial.check()


def check_two_at_once(case: Case, folder: Path) -> None:
    """The same stream runs in two workflows at once."""
    stream = case.make(folder)
    trials = [Trial(case, folder, case.inputs, 3, stream) for _ in range(2)]

    async def main() -> None:
        await asyncio.gather(*(trial.workflow().run() for trial in trials))

    trials[0].go(main())
    for trial in trials:
        trial.check()


CHECKS: list[tuple[str, Callable[[Case, Path], None]]] = [
    ("empty", lambda case, folder: check_amounts(case, folder, 0)),
    ("one", lambda case, folder: check_amounts(case, folder, 1)),
    ("many", lambda case, folder: check_amounts(case, folder, None)),
    ("threshold 1", lambda case, folder: check_amounts(case, folder, None, threshold=1)),
    ("slow readers", check_slow_readers),
    ("early readers", check_early_readers),
    ("failure midway", check_failure_midway),
    *(
        (
            f"cancel after {turns} turns",
            lambda case, folder, turns=turns: check_cancel_midway(case, folder, turns),
        )
        for turns in (0, 1, 2, 3, 5, 8, 13, 40)
    ),
    ("two runs", check_two_runs),
    ("two at once", check_two_at_once),
]
"""The checks, by their names."""


def battery(cases: Sequence[Case]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Parametrize a test over all checks of all `cases`; it calls ``check(case, tmp_path)``."""

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        by_case = pytest.mark.parametrize("case", cases, ids=str)
        checks = [pytest.param(check, id=name) for name, check in CHECKS]
        parametrized: Callable[..., None] = by_case(pytest.mark.parametrize("check", checks)(test))
        return parametrized

    return decorate
