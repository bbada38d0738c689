"""Rule R10: nothing of a finished run is kept, neither its exception nor its loop."""

import asyncio
import gc
import logging
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx

from flows import ops
from mimo_rx import flow
from mimo_rx._run import subscription


class Item:
    """An item that can be referred to weakly."""


def one_item(living: list[Any]) -> Any:
    """Return a cold flow of one item; `living` gets weak references to it and its loop."""

    async def items() -> Any:
        item = Item()
        living.extend(map(weakref.ref, (item, asyncio.get_running_loop())))
        yield item

    class Source:
        def __aiter__(self) -> Any:
            return items()

    return flow(Source())


def fails(item: Any) -> Any:
    raise ValueError(item)


def with_failing_operator(living: list[Any]) -> None:
    one_item(living).pipe(ops.map(fails)).subscribe()


def with_failing_observer(living: list[Any]) -> None:
    one_item(living).subscribe(fails)


def with_handled_error(living: list[Any]) -> None:
    one_item(living).pipe(ops.map(fails)).subscribe(on_error=lambda error: None)


def with_failing_follower(living: list[Any]) -> None:
    rx.concat(one_item(living), one_item(living).pipe(ops.map(fails))).subscribe()


def with_several_failures(living: list[Any]) -> None:
    def again(error: Exception) -> None:
        one_item(living).pipe(ops.map(fails)).subscribe()
        raise error

    one_item(living).pipe(ops.map(fails)).subscribe(on_error=again)


def with_interrupt(living: list[Any]) -> None:
    def interrupt(item: Any) -> None:
        raise KeyboardInterrupt

    one_item(living).subscribe(interrupt)


def with_run(living: list[Any]) -> None:
    one_item(living).pipe(ops.map(fails)).run()


def with_success(living: list[Any]) -> None:
    one_item(living).subscribe()


WAYS = [
    with_failing_operator,
    with_failing_observer,
    with_handled_error,
    with_failing_follower,
    with_several_failures,
    with_interrupt,
    with_run,
    with_success,
]


@pytest.mark.parametrize("way", WAYS)
def test_r10_nothing_of_a_blocking_run_is_kept(way: Callable[[list[Any]], None], monkeypatch: Any):
    """R10: exceptions hold their frames, and these their items and their loop."""
    # pytest would keep the record of a failure that nobody handles.
    monkeypatch.setattr(logging.getLogger("asyncio"), "disabled", True)
    living: list[Any] = []
    for _ in range(3):
        try:
            way(living)
        except (ValueError, KeyboardInterrupt):
            pass
    gc.collect()
    assert living
    assert [each() for each in living if each() is not None] == []
    assert not subscription._FAILED
    assert not subscription._TASKS


@pytest.mark.parametrize("failing", [False, True])
def test_r10_a_subscription_that_is_kept_keeps_nothing_of_its_run(failing):
    """R10: its run is over."""
    living: list[Any] = []
    source = one_item(living)
    source = source.pipe(ops.map(fails)) if failing else source
    kept = source.subscribe(on_error=lambda error: None)
    gc.collect()
    assert [each() for each in living if each() is not None] == []
    kept.dispose()


def test_r10_a_subscription_in_a_loop_keeps_nothing_of_its_run():
    """R10: as a task."""
    living: list[Any] = []

    async def main() -> Any:
        kept = one_item(living).pipe(ops.map(fails)).subscribe(on_error=lambda error: None)
        await asyncio.sleep(0.01)
        return kept

    kept = asyncio.run(main())
    gc.collect()
    assert [each() for each in living if each() is not None] == []
    kept.dispose()
