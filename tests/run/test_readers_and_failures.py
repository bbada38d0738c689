"""Rule R2a: a reader of a flow gets what was delivered before a failure, then the failure."""

import asyncio
import contextvars
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from flows import endless, numbers, ops
from helpers import run
from mimo_rx import Stream, Workflow, flow

ITEMS = [1, 2, 0, 3]


def dividing() -> Any:
    return flow(ITEMS) | ops.map(lambda item: 2 // item)


def two_steps() -> Any:
    async def fn(ins, outs, state):
        async for item in ins.x:
            await outs.y.push(2 // item)

    return flow(ITEMS) | Stream(["x"], ["y"], fn=fn, name="divide") | ops.map(lambda item: item)


FAILING = {"operator": dividing, "stream": two_steps}


def subscribed(observable: Observable[Any]) -> list[Any]:
    got: list[Any] = []
    observable.subscribe(
        got.append, lambda error: got.append(type(error)), lambda: got.append("end")
    )
    return got


def test_r2a_a_subscriber_gets_the_items_and_then_the_failure():
    """R2a: as from RxPY."""
    expected = subscribed(rx.from_iterable(ITEMS).pipe(ops.map(lambda item: 2 // item)))
    assert subscribed(dividing()) == expected == [2, 1, ZeroDivisionError]
    assert subscribed(rx.merge(dividing()).pipe(ops.map(str))) == ["2", "1", ZeroDivisionError]


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("slow", [False, True])
def test_r2a_an_iteration_gets_the_items_and_then_the_failure(name, slow):
    """R2a: also if the reader is slower than the run."""

    async def main() -> list[Any]:
        got: list[Any] = []
        with pytest.raises(ZeroDivisionError):
            async for item in FAILING[name]():
                got.append(item)
                await asyncio.sleep(1 if slow else 0)
        return got

    assert run(main()) == [2, 1]


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("slow", [False, True])
def test_r2a_an_open_flow_gives_the_items_and_then_the_failure(name, slow):
    """R2a: the block is not cancelled while items wait for it."""
    got: list[Any] = []

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            async with FAILING[name]().open() as items:
                async for item in items:
                    got.append(item)
                    await asyncio.sleep(1 if slow else 0)

    run(main())
    assert got == [2, 1]


def test_r2a_an_open_flow_without_items_cancels_its_block():
    """R2a, W6: a block that waits for something else would never learn of the failure."""

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            async with (flow([0]) | ops.map(lambda item: 1 // item)).open():
                await asyncio.sleep(1000)

    run(main())


@pytest.mark.parametrize("name", FAILING)
def test_r2a_the_last_item_of_a_flow_that_fails_is_the_failure(name):
    """R2a: `await` and `run()`."""

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await FAILING[name]()

    run(main())
    with pytest.raises(ZeroDivisionError):
        FAILING[name]().run()


def test_r2a_an_outside_observable_that_fails_comes_after_its_items():
    """R2a, R8a."""
    failing = rx.concat(rx.of(1, 2), rx.throw(KeyError("gone")))
    assert subscribed(flow(failing, overflow="unbounded").pipe(ops.map(str))) == [
        "1",
        "2",
        KeyError,
    ]


def test_r2a_a_subscriber_is_called_inside_the_push():
    """R2a: as a subscriber of a Subject is."""
    log: list[Any] = []

    async def fn(ins, outs, state):
        for item in range(3):
            log.append(("push", item))
            await outs.x.push(item)

    x = Workflow().add_stream(Stream(outs=["x"], fn=fn))["x"]
    x.subscribe(lambda item: log.append(("got", item)))
    assert log == [(what, item) for item in range(3) for what in ("push", "got")]


def test_r2a_groups_lose_no_items():
    """R2a: a group is subscribed to before its first item."""
    for operator in (
        ops.group_by(lambda item: item % 2),
        ops.window_with_count(2),
        ops.group_by_until(lambda item: item % 2, None, lambda group: rx.never()),
    ):
        got: list[Any] = []
        flow(range(6)).pipe(operator).subscribe(lambda group, got=got: group.subscribe(got.append))
        assert got == [0, 1, 2, 3, 4, 5]


def test_r2a_what_a_subscriber_raises_ends_the_run_and_comes_out():
    """R2a: nothing is delivered after it."""
    got: list[int] = []

    def failing(item: int) -> None:
        got.append(item)
        raise KeyError("mine")

    for source in (flow(range(9)), flow(range(9)) | ops.map(lambda item: item)):
        with pytest.raises(KeyError, match="mine"):
            source.subscribe(failing, lambda error: got.append(-1))
    assert got == [0, 0]


def test_r2a_a_subscriber_that_disposes_stops_an_endless_source_at_once():
    """R2a, R10, R11: not only at the next round of the loop."""
    step = Workflow().add_stream(endless())
    rx.merge(step["x"]).pipe(ops.take(3)).subscribe()
    assert step.stream.state["pushed"] <= 4


def test_r2a_a_subscriber_runs_in_the_context_of_its_subscription():
    """R2a, R10: it may subscribe to other flows of the workflow, which run apart."""
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen: list[Any] = []
    step = Workflow().add_stream(numbers(2))
    who.set("subscriber")

    def on_next(item: int) -> None:
        seen.append(who.get())
        if item == 1:
            step["x"].subscribe(seen.append)

    async def main() -> None:
        (step["x"] | ops.flat_map(rx.of)).subscribe(on_next)
        await asyncio.sleep(1)

    run(main())
    assert seen == ["subscriber", "subscriber", 0, 1]


def test_r2a_the_merge_of_several_sources_ends_with_the_last():
    """R2a, C2."""
    got = subscribed(flow([1, 2], flow([3]) | ops.map(str)))
    assert sorted(map(str, got)) == ["1", "2", "3", "end"]
