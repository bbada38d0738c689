"""Rule R10: a blocking run that waits for outside sources alone says so after one second."""

import asyncio
import logging
import threading
from typing import Any

import async_solipsism
import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.subject import Subject

from flows import ops
from helpers import run
from mimo_rx import Stream, flow


class Virtual(async_solipsism.EventLoop):  # type: ignore[misc] # it has no types
    """A loop with virtual time on which a program may block."""

    def add_signal_handler(self, *_: Any) -> None:
        raise NotImplementedError


@pytest.fixture
def virtual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let blocking runs have loops with virtual time, which refuse to sleep for ever."""
    monkeypatch.setattr(asyncio, "new_event_loop", Virtual)


def warnings_of(caplog: Any) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def stuck(call: Any, caplog: Any) -> list[str]:
    """Make `call`, which waits for ever, and return the warnings until then."""
    with pytest.raises(async_solipsism.SleepForeverError):
        call()
    return warnings_of(caplog)


def unfed(**settings: Any) -> Any:
    return flow(Subject(), **{"overflow": "unbounded", **settings})


BLOCKING = {
    "subscribe": lambda source: source.subscribe(),
    "run": lambda source: source.run(),
    "behind operators": lambda source: (source | ops.map(str)).subscribe(),
    "followers": lambda source: rx.concat(flow([1]), source).subscribe(),
    "beside a stream that has ended": lambda source: flow(source, [1, 2]).subscribe(),
}


@pytest.mark.usefixtures("virtual")
@pytest.mark.parametrize("way", BLOCKING)
def test_r10_a_blocking_run_that_waits_for_a_subject_warns_once(way, caplog):
    """R10: it names the source and the ways out."""
    (text,) = stuck(lambda: BLOCKING[way](unfed()), caplog)
    assert "'Subject'" in text
    assert "blocks its thread until it ends" in text
    assert "running loop" in text
    assert "ops.subscribe_on(NewThreadScheduler())" in text


@pytest.mark.usefixtures("virtual")
def test_r10_all_sources_that_it_waits_for_are_named(caplog):
    """R10."""

    class Sensor(Subject[Any]):
        pass

    both = flow(Subject(), Sensor(), overflow="unbounded")
    (text,) = stuck(both.subscribe, caplog)
    assert "'Subject', 'Sensor' alone" in text
    assert "until they end" in text


@pytest.mark.usefixtures("virtual")
def test_r10_a_subject_inside_a_combinator_is_named_too(caplog):
    """R10: it has no entry of its own."""
    (text,) = stuck(flow([1]).pipe(ops.merge(Subject())).subscribe, caplog)
    assert "'Subject'" in text


@pytest.mark.usefixtures("virtual")
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(lambda: flow(rx.timer(5.0), overflow="unbounded"), id="timer of the loop"),
        pytest.param(lambda: flow([1]) | ops.delay(5.0), id="operator with a timer"),
        pytest.param(lambda: unfed() | ops.take_until(rx.timer(5.0)), id="take_until"),
        pytest.param(lambda: unfed() | ops.timeout(5.0, rx.of(0)), id="timeout"),
        pytest.param(lambda: flow(sleeper(), unfed()) | ops.take(1), id="stream that sleeps"),
    ],
)
def test_r10_a_run_with_something_of_its_own_scheduled_does_not_warn(source, caplog):
    """R10: it goes on by itself."""
    source().subscribe()
    assert warnings_of(caplog) == []


def sleeper() -> Stream:
    async def sleep(ins: Any, outs: Any, state: Any) -> None:
        await asyncio.sleep(5)
        await outs.x.push(1)

    return Stream(outs=["x"], fn=sleep)


@pytest.mark.usefixtures("virtual")
def test_r10_the_warning_comes_once_nothing_else_goes_on(caplog):
    """R10: a second after the timer of the run was over."""
    stuck(flow(sleeper(), unfed()).subscribe, caplog)
    assert len(warnings_of(caplog)) == 1


def test_r10_a_run_in_a_loop_does_not_warn(caplog):
    """R10: it blocks nobody."""

    async def main() -> None:
        subject: Any = Subject()
        seen: list[Any] = []
        flow(subject, overflow="unbounded").subscribe(seen.append)
        await asyncio.sleep(5)
        subject.on_next(1)
        subject.on_completed()
        await asyncio.sleep(1)
        assert seen == [1]

    run(main())
    assert warnings_of(caplog) == []


@pytest.mark.realtime
def test_r10_a_source_that_another_thread_feeds_after_the_warning_goes_on(caplog):
    """R10: it is not refused."""
    subject: Any = Subject()
    seen: list[Any] = []

    def feed() -> None:
        subject.on_next(1)
        subject.on_completed()

    timer = threading.Timer(1.5, feed)
    timer.start()
    flow(subject).subscribe(seen.append)
    timer.join()
    assert seen == [1]
    assert len(warnings_of(caplog)) == 1


@pytest.mark.realtime
def test_r10_an_observable_that_works_in_its_thread_does_not_warn(caplog):
    """R10: it is inside its `subscribe`, on a thread of the run."""

    def subscribe(observer: Any, scheduler: Any = None) -> Any:
        threading.Event().wait(1.3)
        observer.on_next(1)
        observer.on_completed()
        return Disposable()

    assert flow(Observable(subscribe)).run() == 1
    assert warnings_of(caplog) == []
