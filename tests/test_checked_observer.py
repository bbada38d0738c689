"""For users' tests: `mimo_rx.testing.CheckedObserver` (rule R11)."""

import asyncio
import threading
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.disposable import Disposable

from flows import counting, ops
from helpers import run
from mimo_rx.testing import CheckedObserver, GrammarError


def silent(observer: Any, scheduler: Any = None) -> Any:
    return Disposable()


@pytest.mark.parametrize("end", ["completed", "error", "none"])
def test_r11_what_keeps_to_the_grammar_is_written_down(end):
    """R11: items, then an error, the end, or neither."""
    observer = CheckedObserver()
    failed = ValueError("mine")
    last = {"completed": rx.empty(), "error": rx.throw(failed), "none": rx.never()}[end]
    observer.subscribe_to(rx.concat(rx.of(None, 0), last))
    observer.verify()
    assert observer.items == [None, 0]
    assert observer.completed is (end == "completed")
    assert observer.error is (failed if end == "error" else None)


def test_r11_the_callbacks_are_called_inside_the_checked_call():
    """R11: as those of any observer."""
    log: list[Any] = []
    observer = CheckedObserver(log.append, log.append, lambda: log.append("completed"))
    observer.subscribe_to(rx.of(1))
    failing = CheckedObserver(None, log.append)
    failing.subscribe_to(rx.throw(KeyError("mine")))
    assert log[:2] == [1, "completed"]
    assert isinstance(log[2], KeyError)


@pytest.mark.parametrize("end", ["on_completed()", "on_error(ValueError('mine'))"])
@pytest.mark.parametrize("late", ["on_next(1)", "on_completed()", "on_error(KeyError('late'))"])
def test_r11_whatever_comes_after_the_end_is_a_violation(end, late):
    """R11: also a second end."""
    observer = CheckedObserver()
    calls: Any = {
        "on_completed()": observer.on_completed,
        "on_next(1)": lambda: observer.on_next(1),
        "on_error(ValueError('mine'))": lambda: observer.on_error(ValueError("mine")),
        "on_error(KeyError('late'))": lambda: observer.on_error(KeyError("late")),
    }
    calls[end]()
    with pytest.raises(GrammarError) as caught:
        calls[late]()
    assert str(caught.value) == f"{late} came after {end}"
    assert observer.items == []
    assert isinstance(caught.value, AssertionError)


def test_r11_a_call_inside_a_call_is_a_violation():
    """R11: one at a time, on one thread too."""
    observer = CheckedObserver(lambda item: observer.on_next(item + 1))
    with pytest.raises(GrammarError, match=r"on_next\(2\) came inside on_next\(1\)"):
        observer.on_next(1)
    assert observer.items == [1]


def test_r11_a_call_of_another_thread_during_a_call_is_a_violation():
    """R11: and what that thread swallowed is raised again by `verify`."""
    log: list[BaseException] = []

    def other() -> None:
        try:
            observer.on_completed()
        except GrammarError as error:
            log.append(error)

    def during(item: int) -> None:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()

    observer = CheckedObserver(during)
    observer.on_next(1)
    with pytest.raises(
        GrammarError, match=r"on_completed\(\) came on another thread during on_next\(1\)"
    ) as caught:
        observer.verify()
    assert log == [caught.value]
    observer.on_next(2)
    assert observer.items == [1, 2]


def test_r11_what_comes_after_the_disposal_is_a_violation():
    """R11: though the source pays no heed to it."""
    observer = CheckedObserver()
    subscription = observer.subscribe_to(Observable(silent))
    observer.on_next(1)
    subscription.dispose()
    subscription.dispose()
    with pytest.raises(GrammarError, match=r"on_next\(2\) came after the subscription was dispo"):
        observer.on_next(2)
    assert observer.items == [1]


def test_r11_one_call_of_another_thread_may_have_been_on_its_way():
    """R11: after the disposal one of each is let pass, a second one is not."""
    observer = CheckedObserver()
    observer.subscribe_to(Observable(silent)).dispose()

    def late() -> None:
        for item in range(3):
            try:
                observer.on_next(item)
            except GrammarError:
                pass

    for _ in range(2):
        thread = threading.Thread(target=late)
        thread.start()
        thread.join()
    assert [str(error)[:10] for error in observer.violations[:2]] == ["on_next(1)", "on_next(2)"]


@pytest.mark.parametrize("loop", [False, True], ids=["blocking", "in a loop"])
def test_r11_a_disposal_counts_once_subscribe_has_returned(loop):
    """R11: before that nobody has anything to dispose of; a loop delivers only afterwards."""
    x, log = counting(3)
    observer = CheckedObserver(lambda item: observer.dispose())

    async def main() -> None:
        observer.subscribe_to(x)
        await asyncio.sleep(1)

    if loop:
        run(main())
    else:
        observer.subscribe_to(x)
    observer.verify()
    assert observer.items == ([0] if loop else [0, 1, 2])
    assert log == ["begun", "ended"]
    with pytest.raises(GrammarError):
        observer.on_next(3)


def test_r11_violations_of_operators_in_between_are_kept():
    """R11: though somebody downstream answers every error."""

    def twice(observer: Any, scheduler: Any = None) -> Any:
        observer.on_completed()
        checked.on_completed()
        return Disposable()

    checked = CheckedObserver()
    caught = Observable(twice).pipe(ops.catch(rx.empty()))
    with pytest.raises(GrammarError):
        caught.subscribe(checked)
    with pytest.raises(GrammarError, match="after on_completed"):
        checked.wait()


@pytest.mark.realtime
def test_r11_waiting_for_an_end_that_does_not_come_gives_up():
    """R11: with what came instead."""
    observer = CheckedObserver()
    observer.subscribe_to(rx.concat(rx.of(1, 2), rx.never()))
    with pytest.raises(TimeoutError, match=r"no end came within 0.01 s, got 2 items"):
        observer.wait(0.01)


@pytest.mark.realtime
def test_r11_the_observer_is_safe_in_many_threads():
    """R11: what is not refused is written down, each item once."""
    observer = CheckedObserver()
    accepted: list[Any] = []

    def feed(name: str) -> None:
        for number in range(500):
            try:
                observer.on_next((name, number))
                accepted.append((name, number))
            except GrammarError:
                pass

    threads = [threading.Thread(target=feed, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(observer.items) == sorted(accepted)
    assert len(accepted) + len(observer.violations) == 2000
