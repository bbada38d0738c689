"""Rule L9: flows that are iterated over, awaited and run."""

import asyncio
import contextlib
from typing import Any

import pytest
from reactivex.internal.exceptions import SequenceContainsNoElementsError

from flows import counting, endless, ops, player
from helpers import run
from mimo_rx import Workflow, flow


def test_l9_a_flow_is_iterated_over_with_back_pressure_to_the_reader():
    """L9: `async for item in flow`."""
    workflow = Workflow(threshold=3)
    made = workflow.add_stream(endless())

    async def main() -> list[int]:
        got: list[int] = []
        async with contextlib.aclosing(aiter(made["x"] | ops.map(str))) as items:
            async for item in items:
                got.append(int(item))
                await asyncio.sleep(1)
                assert made.stream.state["pushed"] <= len(got) + 3
                if len(got) == 10:
                    break
        return got

    assert run(main()) == list(range(10))


def test_l9_await_is_the_last_item_and_run_the_same_blocking():
    """L9, R1: `flow.to_list().run()` is RxPY's own."""
    x, log = counting()

    async def main() -> Any:
        return await x, await (x | ops.map(str)), await (x | ops.to_list())

    assert run(main()) == (2, "2", [0, 1, 2])
    assert x.run() == 2
    assert x.to_list().run() == [0, 1, 2]
    assert log == ["begun", "ended"] * 5


def test_l9_the_last_item_of_none_is_the_error_that_rxpy_has():
    """L9."""
    x, _ = counting(0)
    with pytest.raises(SequenceContainsNoElementsError):
        x.run()


def test_l9_open_ends_its_run_with_the_block():
    """L9: `async with flow.open() as items`."""
    x, log = counting(1000)

    async def main() -> None:
        async with x.open() as items:
            assert await anext(items) == 0
        assert log == ["begun", "ended"]

    run(main())


def test_l9_a_failure_shows_where_the_next_item_is_read():
    """L9, E1."""
    x = counting()[0] | ops.map(lambda item: 1 // (item - 2))

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            async for _ in x:
                pass
        with pytest.raises(ZeroDivisionError):
            await x

    run(main())


def test_l9_a_bare_stream_can_be_read():
    """L9, L8."""
    assert flow(player([(1.0, "x", 1), (2.0, "x", 2)])).run() == 2
