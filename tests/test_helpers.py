import asyncio
import time
from collections.abc import AsyncIterator

import async_solipsism
import pytest

from helpers import run


async def count() -> AsyncIterator[int]:
    for i in range(3):
        yield i


def test_run_returns_the_result_of_the_coroutine():
    async def main() -> int:
        return 42

    assert run(main()) == 42


def test_run_raises_what_the_coroutine_raises():
    async def main() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError, match="x"):
        run(main())


def test_an_hour_on_the_clock_of_run_takes_no_time():
    async def main() -> float:
        loop = asyncio.get_running_loop()
        before = loop.time()
        await asyncio.sleep(3600)
        return loop.time() - before

    before = time.monotonic()
    assert run(main()) == pytest.approx(3600)
    assert time.monotonic() - before < 60


def test_run_raises_where_it_would_sleep_for_ever():
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(async_solipsism.SleepForeverError):
        run(main())


def test_run_closes_its_loop():
    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert run(main()).is_closed()


def test_a_task_that_is_left_fails_the_run():
    tasks = []

    async def forgotten() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        tasks.append(asyncio.create_task(forgotten()))

    with pytest.raises(AssertionError, match=r"task: .*forgotten"):
        run(main())
    assert tasks[0].cancelled()


def test_a_task_that_is_left_by_a_failure_is_named_with_the_failure():
    tasks = []

    async def main() -> None:
        tasks.append(asyncio.create_task(asyncio.sleep(1), name="forgotten"))
        raise KeyError("x")

    with pytest.raises(AssertionError, match="forgotten") as caught:
        run(main())
    assert isinstance(caught.value.__context__, KeyError)


def test_a_timer_that_is_left_fails_the_run():
    async def main() -> None:
        asyncio.get_running_loop().call_later(1, print)

    with pytest.raises(AssertionError, match="timer: "):
        run(main())


def test_a_cancelled_timer_is_not_left():
    async def main() -> None:
        asyncio.get_running_loop().call_later(1, print).cancel()

    run(main())


def test_a_generator_that_is_left_open_fails_the_run():
    opened = []

    async def main() -> None:
        opened.append(count())
        await anext(opened[0])

    with pytest.raises(AssertionError, match=r"generator: .*count"):
        run(main())


def test_a_generator_at_its_end_is_not_left():
    opened = []

    async def main() -> list[int]:
        opened.append(count())
        return [item async for item in opened[0]]

    assert run(main()) == [0, 1, 2]


def test_a_generator_that_nobody_refers_to_is_not_left():
    closed = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 0
        finally:
            await asyncio.sleep(1)
            closed.append(True)

    async def main() -> None:
        async for _ in numbers():
            break

    run(main())
    assert closed == [True]


def test_an_exception_that_only_the_loop_was_told_of_fails_the_run():
    async def main() -> None:
        asyncio.get_running_loop().call_soon(int, "x")
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match=r"report: .*ValueError"):
        run(main())
