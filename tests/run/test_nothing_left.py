"""What is left when a run is over: rule C5."""

import gc
import weakref
from typing import Any

import pytest
import reactivex as rx
from reactivex.disposable import Disposable

from helpers import run
from mimo_rx import Workflow, flow
from runs import add, clock, counter, go, taker


def test_c5_the_run_ends_when_every_edge_has_delivered():
    """C5: also items that operators hold after all streams before them have ended."""
    got: list[Any] = []
    workflow = Workflow(outs=["late"])
    delayed = add(workflow, counter(3), outs="x").delay(5.0)
    delayed.do_action(got.append) | workflow.outs["late"]

    async def main():
        await workflow.run()
        return await clock()

    assert (run(main()), got) == (5.0, [0, 1, 2])


def test_c5_no_reference_to_an_item_is_kept_after_a_run():
    """C5: the workflow still exists, but its items are gone."""

    class Item:
        pass

    refs: list[Any] = []

    async def source(ins, outs, state):
        for _ in range(20):
            item = Item()
            refs.append(weakref.ref(item))
            await outs.x.push(item)

    workflow = Workflow(outs=["out"], threshold=3)
    step = add(workflow, source, outs="x")
    step | add(workflow, taker(5), "x")
    step.pairwise() | workflow.outs["out"]
    statistics = go(workflow)
    gc.collect()
    assert len(refs) == 20
    assert [ref() for ref in refs if ref() is not None] == []
    del statistics


def test_c5_a_stream_that_is_told_that_nobody_reads_it_lets_go_of_its_items_at_once():
    """C5, C4: without the cycle collector: no exception keeps its frame alive."""

    class Item:
        pass

    refs: list[Any] = []

    async def source(ins, outs, state):
        items = [Item() for _ in range(20)]
        refs.extend(map(weakref.ref, items))
        for item in items:
            await outs.x.push(item)

    workflow = Workflow(threshold=3)
    add(workflow, source, outs="x") | add(workflow, taker(5), "x")
    gc.disable()
    try:
        statistics = go(workflow)
        assert [ref() for ref in refs] == [None] * 20
    finally:
        gc.enable()
    assert statistics.steps["source"].ended == "downstream"


def test_c5_a_run_that_cannot_be_planned_leaves_nothing_behind():
    """C5: the check of `run()` says what is left."""

    class Broken(Workflow):
        @property
        def steps(self):
            raise ValueError("no plan")

    with pytest.raises(ValueError, match="no plan"):
        go(Broken())


def test_c5_subscriptions_to_outside_observables_are_disposed_of():
    """C5: no subscription of it is left."""
    disposed = []

    def subscribe(observer, scheduler=None):
        observer.on_next(1)
        return Disposable(lambda: disposed.append(True))

    workflow = Workflow()
    source = flow(rx.create(subscribe), overflow="unbounded")
    source | add(workflow, taker(1), "x")
    go(workflow)
    assert disposed == [True]
