"""Helpers of tests that compare an edge with a RxPY ``Subject`` that is fed the same items."""

import asyncio
from collections.abc import Callable
from typing import Any

from reactivex.notification import Notification
from reactivex.scheduler import VirtualTimeScheduler
from reactivex.subject import Subject

from flows import END, ops
from helpers import run
from mimo_rx import Stream, Workflow
from operator_cases import Make, Operator

Script = list[tuple[float, str, Any]]
Log = list[tuple[float, str, str]]
"""What came out and when: items, an error, or the end."""

BOOM = "boom"
"""In a script: an item on which an operator raises, so that an error is signalled there."""
RAISE = object()
"""In a script: here the stream raises."""
FOR_EVER = 1000.0


class Boom(Exception):
    """The exception that an operator raises on `BOOM`."""


class StreamFailed(Exception):
    """The exception that the stream raises."""


def explode(item: Any) -> Any:
    """Raise on `BOOM`."""
    if isinstance(item, str) and item == BOOM:
        raise Boom
    return item


def text(item: Any) -> str:
    """Return a form of an item that can be compared."""
    return str(item) if isinstance(item, Notification) else repr(item)


def watch(log: Log, now: Callable[[], float]) -> Operator:
    """Make an operator that logs everything that passes."""

    def note(kind: str, what: Any = "") -> None:
        log.append((round(now(), 3), kind, text(what)))

    watching: Operator = ops.do_action(
        lambda item: note("item", item),
        lambda error: note("error", error),
        lambda: note("end"),
    )
    return watching


def expected(script: Script, make: Make, *, timed: bool) -> Log:
    """Return what comes out behind subjects that are fed by `script`.

    Args:
        script: The items to feed, and when.
        make: Makes the operator.
        timed: Whether it works on a clock; else it gets no scheduler.
    """
    clock = VirtualTimeScheduler()
    log: Log = []
    subjects: dict[str, Subject[Any]] = {"x": Subject(), "y": Subject()}
    sources = {name: _prepared(script, subject) for name, subject in subjects.items()}
    watched = make(sources["y"])(sources["x"]).pipe(watch(log, lambda: clock.to_seconds(clock.now)))
    subscription = watched.subscribe(on_error=lambda _: None, scheduler=clock if timed else None)
    for at, name, item in script:
        clock.advance_to(at)
        if item is END:
            subjects[name].on_completed()
        elif item is RAISE:
            break
        else:
            subjects[name].on_next(item)
    else:
        for subject in subjects.values():
            subject.on_completed()
        clock.advance_to(FOR_EVER)
    subscription.dispose()
    return log


def delivered(
    script: Script, make: Make, *, takes: int | None = None, threshold: int = 100
) -> tuple[Log, list[str], BaseException | None]:
    """Run a workflow with an edge that is fed by `script`.

    Args:
        script: The items to feed, and when.
        make: Makes the operator.
        takes: How many items the consumer takes before it returns; None for all.
        threshold: The bound of the buffers.

    Returns:
        What came out of the operator, what the consumer took, and what failed the run.
    """
    log: Log = []
    taken: list[str] = []
    workflow = Workflow(threshold=threshold)
    played = workflow.add_stream(_player(script))
    sources = {name: _prepared(script, played[name]) for name in "xy"}

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        began = loop.time()
        seen = watch(log, lambda: loop.time() - began)
        sources["x"] | make(sources["y"]) | seen | workflow.add_stream(_taker(taken, takes))
        async with asyncio.timeout(FOR_EVER):
            (outcome,) = await asyncio.gather(workflow.run(), return_exceptions=True)
        return outcome

    try:
        outcome = run(main())
    except TimeoutError as error:
        outcome = error
    return log, taken, outcome if isinstance(outcome, BaseException) else None


def compare(script: Script, make: Make, *, timed: bool) -> None:
    """Compare an edge with a Subject that is fed the same items."""
    want = expected(script, make, timed=timed)
    log, taken, error = delivered(script, make)
    assert log == want
    how, what = want[-1][1:] if want else ("", "")
    if how == "error":
        assert repr(error) == what
    elif how == "end":
        assert error is None
        assert taken == [item for _, _, item in want[:-1]]
    else:
        assert isinstance(error, TimeoutError)


def _prepared(script: Script, source: Any) -> Any:
    if all(item is not BOOM for _, _, item in script):
        return source
    explosive = ops.map(explode)
    return source.pipe(explosive) if type(source) is Subject else source | explosive


def _player(script: Script) -> Stream:
    async def fn(ins, outs, state):
        loop = asyncio.get_running_loop()
        began = loop.time()
        for at, name, item in script:
            await asyncio.sleep(max(0.0, began + at - loop.time()))
            if item is RAISE:
                raise StreamFailed
            if item is END:
                outs[name].close()
            else:
                await outs[name].push(item)

    return Stream(outs=["x", "y"], fn=fn, name="player")


def _taker(taken: list[str], takes: int | None) -> Stream:
    async def fn(ins, outs, state):
        if takes == 0:
            return
        async for item in ins.x:
            taken.append(text(item))
            if len(taken) == takes:
                return

    return Stream(["x"], fn=fn, name="taker")
