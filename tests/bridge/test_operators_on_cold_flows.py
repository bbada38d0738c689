"""Rules R2 and R10: what cannot stand on an edge does its work on a cold flow."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from equivalence import text
from flows import ops
from helpers import run
from mimo_rx import Flow, Stream, WiringError, Workflow, flow
from mimo_rx._rx.catalogue import CATALOGUE


class Flaky(Exception):
    """What the source fails with."""


class Cold:
    """The same cold sequence twice: as a flow, and as a plain Observable.

    Args:
        items: What it delivers.
        failures: How often it fails instead of ending.
    """

    def __init__(self, items: list[Any], failures: int = 0) -> None:
        self.items = items
        self.failures = failures
        self.runs = 0

    def _begin(self) -> bool:
        self.runs += 1
        return self.runs <= self.failures

    def flow(self) -> Flow:
        async def fn(ins, outs, state):
            fails = self._begin()
            await outs.x.push_many(self.items)
            if fails:
                for _ in range(10):  # what is still in a buffer when the run fails is not delivered
                    await asyncio.sleep(0)
                raise Flaky

        made: Flow = Workflow().add_stream(Stream(outs=["x"], fn=fn, name="cold"))["x"]
        return made

    def observable(self) -> Observable[Any]:
        def made(_: Any) -> Observable[Any]:
            end: Observable[Any] = rx.throw(Flaky()) if self._begin() else rx.empty()
            return rx.concat(rx.from_iterable(self.items), end)

        return rx.defer(made)


def countdown(times: int) -> Callable[[Any], bool]:
    """Make a condition that is true so many times."""
    left = iter([True] * times)
    return lambda _: next(left, False)


AGAIN: dict[str, Callable[[], Any]] = {
    "do_while": lambda: ops.do_while(countdown(2)),
    "do_while, never": lambda: ops.do_while(countdown(0)),
    "repeat": lambda: ops.repeat(3),
    "repeat, once": lambda: ops.repeat(1),
    "repeat, for ever": lambda: rx.compose(ops.repeat(), ops.take(5)),
    "retry": lambda: ops.retry(3),
    "retry, too seldom": lambda: ops.retry(2),
    "retry, for ever": lambda: ops.retry(),
    "while_do": lambda: ops.while_do(countdown(2)),
    "while_do, never": lambda: ops.while_do(countdown(0)),
}
APART: dict[str, Callable[[], Any]] = {
    "partition": lambda: ops.partition(lambda item: item > 1),
    "partition_indexed": lambda: ops.partition_indexed(lambda item, index: index > 0),
    "to_future": lambda: ops.to_future(),
}


def log_of(observable: Observable[Any]) -> list[str]:
    """Subscribe, and write down all that comes."""
    log: list[str] = []
    observable.subscribe(
        lambda item: log.append(text(item)),
        lambda error: log.append(f"failed: {error!r}"),
        lambda: log.append("end"),
    )
    return log


@pytest.mark.parametrize("failures", [0, 1, 2])
@pytest.mark.parametrize(
    ("name", "items"),
    [
        (name, items)
        for name in AGAIN
        for items in ([], [1], [1, 2, 3])
        if items or name != "repeat, for ever"  # of nothing, which never ends
    ],
)
def test_r10_what_subscribes_again_runs_the_workflow_again(name, items, failures):
    """R2, R10: each subscription is a run; there are as many as with a cold Observable."""
    plain, cold = Cold(items, failures), Cold(items, failures)
    want = log_of(plain.observable().pipe(AGAIN[name]()))
    assert log_of(cold.flow().pipe(AGAIN[name]())) == want
    assert cold.runs == plain.runs


@pytest.mark.parametrize("name", ["do_while", "repeat", "retry", "while_do"])
def test_r2_what_the_table_says_to_subscribe_again_does(name):
    """R2."""
    cold = Cold([1], failures=1 if name == "retry" else 0)
    log_of(cold.flow().pipe(AGAIN[name]()))
    assert cold.runs > 1
    assert CATALOGUE[name].resubscribes


@pytest.mark.parametrize("name", ["partition", "partition_indexed"])
@pytest.mark.parametrize("items", [[], [1], [1, 2, 3]], ids=["empty", "single", "many"])
def test_r10_the_parts_of_a_partition_are_observables(name, items):
    """R2: the parts share one subscription, so the second part comes too late."""
    plain, cold = Cold(items), Cold(items)
    want = [log_of(part) for part in plain.observable().pipe(APART[name]())]
    assert [log_of(part) for part in cold.flow().pipe(APART[name]())] == want


@pytest.mark.parametrize("failures", [0, 1])
@pytest.mark.parametrize("items", [[], [1, 2, 3]], ids=["empty", "many"])
def test_r10_to_future_makes_a_future_of_the_loop(items, failures):
    """R2: it gets the last item, or the error."""

    async def outcome(observable: Observable[Any]) -> str:
        future = observable.pipe(APART["to_future"]())
        result: Any = (await asyncio.gather(future, return_exceptions=True))[0]
        await asyncio.sleep(1.0)
        return repr(result)

    plain, cold = Cold(items, failures), Cold(items, failures)
    assert run(outcome(cold.flow())) == run(outcome(plain.observable()))
    assert cold.runs == 1


@pytest.mark.parametrize(
    "make",
    [ops.publish, ops.replay, lambda: ops.publish_value(0), lambda: ops.multicast(rx.Subject())],
    ids=["publish", "replay", "publish_value", "multicast"],
)
def test_r10_a_connectable_of_a_flow_runs_it_once_when_it_is_connected(make):
    """R2: as a connectable of a cold Observable does."""

    def outcome(observable: Observable[Any]) -> list[list[str]]:
        shared = observable.pipe(make())
        logs: list[list[str]] = [log_of(shared), log_of(shared)]
        shared.connect()
        return logs

    plain, cold = Cold([1, 2, 3]), Cold([1, 2, 3])
    assert outcome(cold.flow()) == outcome(plain.observable())
    assert cold.runs == 1


def test_r2_all_that_the_table_refuses_is_tried_here():
    """R2: an operator that is newly refused needs a test."""
    tried = {name.partition(",")[0] for name in AGAIN | APART}
    assert tried == {entry.name for entry in CATALOGUE.values() if not entry.stands}


@pytest.mark.parametrize("name", [name for name in AGAIN | APART if "," not in name])
def test_r2_what_cannot_stand_on_an_edge_is_refused_by_name_with_a_hint(name):
    """R2, L11: the flow stays as it was."""

    async def refuse() -> None:  # in a loop, since `to_future` wants one
        before = flow([1])
        with pytest.raises(WiringError, match=rf"'{name}.*flow\.pipe\("):
            before | (AGAIN | APART)[name]()
        assert not before.is_connected()

    run(refuse())
