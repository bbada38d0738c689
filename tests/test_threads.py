"""Rule R7: what other threads deliver comes to the loop's thread in order, all of it."""

import asyncio
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from reactivex import Observable

from flows import endless, numbers, ops, sink
from mimo_rx import Workflow

pytestmark = pytest.mark.realtime


@pytest.fixture(autouse=True)
def impatient_threads() -> Iterator[None]:
    """Let the interpreter change threads as often as it can, and look for threads that failed."""
    failed: list[Any] = []
    before, hook = sys.getswitchinterval(), threading.excepthook
    sys.setswitchinterval(1e-6)
    threading.excepthook = failed.append
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        threading.excepthook = hook
    assert not failed


def really(workflow: Workflow) -> Any:
    """Run on a loop of the usual kind."""

    async def main() -> Any:
        async with asyncio.timeout(20):
            return await workflow.run()

    return asyncio.run(main())


def elsewhere(call: Any, *given: Any) -> None:
    """Make a call on a thread of its own and wait for it, as only a test may."""
    thread = threading.Thread(target=call, args=given)
    thread.start()
    thread.join()


def changing(wanted: Any, ending: Any = False) -> Any:
    """Make an operator that delivers the items that `wanted` tells, and the end, elsewhere."""

    def operator(source: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            def on_next(item: Any) -> None:
                if wanted(item):
                    elsewhere(observer.on_next, item)
                else:
                    observer.on_next(item)

            def on_completed() -> None:
                if ending:
                    elsewhere(observer.on_completed)
                else:
                    observer.on_completed()

            return source.subscribe(on_next, observer.on_error, on_completed, scheduler=scheduler)

        return Observable(subscribe)

    return operator


# In order


@pytest.mark.parametrize("ending", [False, True], ids=["ends here", "ends elsewhere"])
@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("readers", [1, 2])
def test_r7_items_of_several_threads_keep_the_order_in_which_they_were_delivered(
    every, ending, readers
):
    """R7: what the loop's thread delivers does not overtake what another thread has."""
    workflow = Workflow(threshold=5)
    chain = workflow.add_stream(numbers(50)) | changing(lambda item: item % every == 0, ending)
    got: list[list[Any]] = [[] for _ in range(readers)]
    for each in got:
        chain | workflow.add_stream(sink(each))
    really(workflow)
    assert got == [list(range(50))] * readers


def test_r7_an_early_end_drops_what_other_threads_have_delivered():
    """R7, C4: nothing comes after it."""
    workflow = Workflow()
    log: list[Any] = []
    chain = workflow.add_stream(endless()) | changing(lambda item: item % 3)
    chain | ops.do_action(log.append) | ops.take(7) | workflow.add_stream(sink(log))
    assert really(workflow).steps["endless"].ended == "downstream"
    assert sorted(log) == sorted([*range(7)] * 2)


def test_p12_a_flood_of_another_thread_leaves_the_loop_its_turns():
    """P12: at most 1,000 items of it in one turn."""
    turns: list[int] = []
    got: list[Any] = []

    def flood(source: Observable[Any]) -> Observable[Any]:
        def subscribe(observer: Any, scheduler: Any = None) -> Any:
            def on_completed() -> None:
                def deliver() -> None:
                    for number in range(20_000):
                        observer.on_next(number)
                    observer.on_completed()

                elsewhere(deliver)

            return source.subscribe(on_completed=on_completed, scheduler=scheduler)

        return Observable(subscribe)

    workflow = Workflow()
    flooded = workflow.add_stream(numbers(1)) | flood
    flooded | workflow.add_stream(sink(name="other"))  # so that what follows runs on the loop
    flooded | ops.filter(lambda item: got.append(item)) | workflow.add_stream(sink())

    async def main() -> None:
        task = asyncio.create_task(workflow.run())
        while not task.done():
            turns.append(len(got))
            await asyncio.sleep(0)
        await task

    asyncio.run(main())
    assert got == list(range(20_000))
    assert len(turns) > 20
