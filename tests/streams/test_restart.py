"""Ready-made streams that are started again after a failure."""

import asyncio

import pytest

from mimo_rx import Restart, Workflow
from mimo_rx.streams import Map
from runs import add, collector

pytestmark = pytest.mark.timeout(120)
BAD = (5, 17)
MOST = 64
"""More items than any of them has under way."""


def double(item):
    if item in BAD:
        raise OSError(item)
    return item * 2


async def double_later(item):
    await asyncio.sleep(0)
    return double(item)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize(
    ("function", "concurrency", "executor"),
    [
        (double, 1, None),
        (double_later, 1, None),
        (double_later, 3, None),
        (double, 1, "threads"),
        (double, 3, "threads"),
        (double, 1, "processes"),
        (double, 3, "processes"),
    ],
)
def test_a_map_that_is_started_again_goes_on_after_what_it_had_under_way(
    function, concurrency, executor, ordered
):
    """What was under way is gone, at most once each; all else comes, and in order if it shall."""
    items = range(200)
    got: list[int] = []
    workflow = Workflow(threshold=4)
    stream = Map(function, concurrency, ordered, executor=executor)
    step = workflow.add_stream(stream, restart=Restart(5, backoff=0))
    items | step | add(workflow, collector(got), "x")
    statistics = workflow.start()
    lost = {item * 2 for item in items} - set(got)
    assert {2 * item for item in BAD} <= lost
    assert all(any(abs(each - 2 * bad) < 2 * MOST for bad in BAD) for each in lost)
    if concurrency == 1 and executor is None:
        assert lost == {2 * item for item in BAD}
    assert len(got) == len(set(got)) == len(items) - len(lost)
    if ordered:
        assert got == sorted(got)
    assert statistics.steps[step.name].items_in == len(items)
    assert statistics.steps[step.name].restarts == len(BAD)
