"""``Map`` in threads and in executors of the user's."""

import asyncio
import contextvars
import gc
import logging
import threading
import weakref
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from loops import LOOPS, run_on
from mimo_rx import Workflow, flow
from mimo_rx.streams import Map
from mimo_rx.testing import run_stream
from runs import add, collector, taker


def inverse(number):
    return 12 // number


def started(stream, items, **keywords):
    """Run `stream` with nobody at its errors; return the statistics."""
    workflow = Workflow()
    flow(items) | workflow.add_stream(stream)
    return workflow.start(**keywords)


def test_calls_run_in_daemon_threads_that_are_named_after_the_step():
    threads = set()

    def look(item):
        threads.add(threading.current_thread())
        return item

    run_stream(Map(look, 3, executor="threads", name="look"), {"item": range(50)})
    assert 1 <= len(threads) <= 3
    assert {thread.name for thread in threads} == {"mimo_rx step look"}
    assert all(thread.daemon and not thread.is_alive() for thread in threads)


@pytest.mark.parametrize("ordered", [True, False])
def test_as_many_calls_are_under_way_as_allowed_and_no_more(ordered):
    """A barrier that all must reach shows that they run at the same time."""
    barrier = threading.Barrier(4, timeout=10)
    under_way = most = 0
    lock = threading.Lock()

    def meet(item):
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        barrier.wait()
        with lock:
            under_way -= 1
        return item

    stream = Map(meet, 4, ordered, executor="threads")
    got = run_stream(stream, {"item": range(40)})["item"]
    assert (got if ordered else sorted(got)) == list(range(40))
    assert most == 4


def test_a_thread_sees_the_context_of_the_run():
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    who.set("me")
    assert run_stream(Map(lambda item: who.get(), executor="threads"), {"item": [1]})["item"] == [
        "me"
    ]


def test_what_fails_in_a_thread_is_a_failure_of_its_item():
    got = run_stream(Map(inverse, 2, executor="threads"), {"item": [1, 0, 2, 0]})
    assert got["item"] == [12, 6]
    assert [(each.item, each.step) for each in got["errors"]] == [(0, "inverse"), (0, "inverse")]


def test_stop_iteration_in_a_thread_is_a_failure_like_any_other():
    def stops(item):
        raise StopIteration(item)

    for executor in ("threads", ThreadPoolExecutor(1)):
        [failure] = run_stream(Map(stops, executor=executor), {"item": [1]})["errors"]
        assert isinstance(failure.exception, RuntimeError)
        assert isinstance(failure.exception.__cause__, StopIteration)
        text = (
            "the function of step 'stops' raised StopIteration: 1; next() raises it where no item"
        )
        assert text in str(failure.exception)


@pytest.mark.parametrize("executor", ["threads", ThreadPoolExecutor(1)])
def test_stop_iteration_that_fails_the_run_says_what_raised_it(executor):
    with pytest.raises(
        RuntimeError, match="the function of step 'next' raised StopIteration; next"
    ):
        started(Map(next, executor=executor), [iter([])])


@pytest.mark.parametrize("concurrency", [1, 3])
def test_an_exit_in_a_thread_ends_the_run_and_comes_out(concurrency):
    """E7."""

    def leaves(item):
        raise SystemExit(4)

    with pytest.raises(SystemExit) as caught:
        started(Map(leaves, concurrency, executor="threads"), [1, 2, 3])
    assert caught.value.code == 4


def test_a_stuck_thread_fails_its_item_and_the_others_go_on():
    free = threading.Event()

    def stuck_at_2(number):
        if number == 2:
            free.wait(30)
        return number

    got: dict[str, Any] = {}

    async def read(ins, outs, state):
        got["item"] = [item async for item in ins.x]
        free.set()  # so that the run has not to wait for it

    workflow = Workflow()
    step = workflow.add_stream(Map(stuck_at_2, 2, executor="threads", timeout=0.2))
    flow(range(20)) | step
    errors: list[Any] = []
    step["errors"] | add(workflow, collector(errors), "x")
    step["item"] | add(workflow, read, "x")
    workflow.start()
    assert got["item"] == [number for number in range(20) if number != 2]
    [failure] = errors
    assert failure.item == 2
    assert isinstance(failure.exception, TimeoutError)


def test_with_all_threads_stuck_items_fail_and_none_is_kept():
    """Neither a call that waited in vain for a thread nor its item stays behind (P5)."""
    free = threading.Event()
    kept: list[weakref.ref[Any]] = []
    called = []

    class Item:
        pass

    def stuck(item):
        called.append(1)
        free.wait(30)

    def items():
        for _ in range(8):
            item = Item()
            kept.append(weakref.ref(item))
            yield item

    async def count(ins, outs, state):
        number = 0
        async for failure in ins.x:
            number += 1
            assert isinstance(failure.exception, TimeoutError)
        del failure
        gc.collect()
        state["failed"] = number
        state["left"] = sum(each() is not None for each in kept)
        free.set()

    workflow = Workflow()
    step = workflow.add_stream(Map(stuck, 2, executor="threads", timeout=0.02))
    flow(items()) | step
    counting = add(workflow, count, "x")
    step["errors"] | counting
    workflow.start()
    assert counting.stream.state["failed"] == 8
    assert counting.stream.state["left"] <= 2
    assert len(called) == 2


def test_a_thread_that_never_returns_is_left_and_logged(caplog):
    """E6."""
    free = threading.Event()

    def stuck(item):
        free.wait(30)

    with (
        caplog.at_level(logging.WARNING, "mimo_rx"),
        pytest.raises(TimeoutError, match=r"stuck took longer than 0\.05 s"),
    ):
        started(Map(stuck, executor="threads", timeout=0.05), [1], shutdown_timeout=0.1)
    [record] = caplog.records
    assert "step 'stuck'" in record.getMessage()
    assert "stuck" in record.getMessage()
    free.set()


def test_after_a_cancel_no_further_call_begins():
    called = []
    began, free = threading.Event(), threading.Event()

    def wait(item):
        called.append(item)
        began.set()
        free.wait(10)

    async def main():
        workflow = Workflow()
        flow(range(10)) | workflow.add_stream(Map(wait, 1, executor="threads"))
        task = asyncio.create_task(workflow.run())
        await asyncio.get_running_loop().run_in_executor(None, began.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        free.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert called == [0]


@pytest.mark.parametrize("make", LOOPS)
def test_threads_serve_any_loop(make):
    async def main():
        return await (range(100) | Map(abs, 3, executor="threads")).to_list()

    assert run_on(make, main()) == list(range(100))


# Executors of the user's


def test_an_executor_stays_open_whatever_becomes_of_the_run():
    with ThreadPoolExecutor(2) as executor:
        stream = Map(inverse, 4, executor=executor)
        assert run_stream(stream, {"item": [1, 2, 3]})["item"] == [12, 6, 4]
        with pytest.raises(ZeroDivisionError):
            started(stream, [1, 0])
        assert run_stream(stream, {"item": [1, 2, 3]})["item"] == [12, 6, 4]
        assert executor.submit(inverse, 4).result() == 3


@pytest.mark.parametrize("connected", [False, True])
def test_an_executor_that_was_shut_down_fails_the_run_not_the_items(connected):
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    workflow = Workflow()
    step = workflow.add_stream(Map(inverse, 2, executor=executor))
    flow([1, 2, 3]) | step
    if connected:
        step["errors"] | add(workflow, collector([]), "x")
    with pytest.raises(BrokenExecutor, match="the executor of step 'inverse' takes no more calls"):
        workflow.start()


def test_an_executor_that_is_shut_down_meanwhile_fails_the_run():
    """It does not wait for ever for calls that will not be made."""
    executor = ThreadPoolExecutor(1)
    free = threading.Event()

    def shut_down(item):
        executor.shutdown(wait=False, cancel_futures=True)
        free.wait(10)
        return item

    async def main():
        workflow = Workflow()
        flow([1, 2, 3]) | workflow.add_stream(Map(shut_down, 3, executor=executor))
        with pytest.raises(BrokenExecutor, match="step 'shut_down'"):
            await workflow.run()
        free.set()

    asyncio.run(main())


def test_calls_that_were_given_up_before_they_began_are_not_made():
    called = []
    free = threading.Event()

    def stuck(number):
        called.append(number)
        free.wait(10)

    with ThreadPoolExecutor(1) as executor:
        stream = Map(stuck, 3, executor=executor, timeout=0.05)
        workflow = Workflow()
        step = workflow.add_stream(stream)
        flow([1, 2, 3]) | step
        errors: list[Any] = []
        step["errors"] | add(workflow, collector(errors), "x")
        workflow.start()
        free.set()
    assert [failure.item for failure in errors] == [1, 2, 3]
    assert called == [1]


def test_a_reader_that_leaves_ends_a_map_in_threads():
    """C4."""
    workflow = Workflow(threshold=1)
    step = workflow.add_stream(Map(abs, 3, executor="threads"))
    flow(range(1000)) | step | add(workflow, taker(1), "x")
    assert workflow.start().steps["abs"].ended == "downstream"
