"""Rule R12 in runs: who is found is claimed, and its producer waits until it is subscribed to."""

import asyncio
from concurrent.futures import Future
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable

from flows import END, endless, numbers, ops, player, sink, slow_sink
from helpers import run
from mimo_rx import LateSubscription, Stream, Workflow, flow


def start(workflow: Workflow) -> Any:
    return run(workflow.run())


def no_scheduler(*sources: Observable[Any]) -> Observable[Any]:
    """Concatenate, passing on no scheduler."""

    def subscribe(observer, scheduler=None):
        rest = list(sources)

        def following() -> None:
            if rest:
                rest.pop(0).subscribe(observer.on_next, observer.on_error, following)
            else:
                observer.on_completed()

        following()

    return Observable(subscribe)


def in_mapper(first: Observable[Any], second: Observable[Any]) -> Observable[Any]:
    """Subscribe to the second port when the first one's items have gone, in a mapper."""
    return first.pipe(ops.to_list(), ops.flat_map(lambda each: rx.concat(rx.from_(each), second)))


COMBINED = {
    "concat": rx.concat,
    "operator": lambda a, b: a.pipe(ops.concat(b)),
    "no scheduler": no_scheduler,
    "mapper": in_mapper,
    "iterable": lambda a, b: rx.concat_with_iterable([a, b]),
    "flow beneath": lambda a, b: rx.concat(a.pipe(ops.map(lambda i: i)), b | ops.map(lambda i: i)),
    "flow above": lambda a, b: flow(rx.concat(a, b)) | ops.map(lambda i: i),
}


@pytest.mark.parametrize("name", COMBINED)
def test_r12_the_second_source_of_concat_loses_nothing_and_piles_up_nothing(name):
    """R12: its producer waits until it is subscribed to."""
    workflow = Workflow(threshold=3)
    a, b = workflow.add_stream(numbers(5, "a")), workflow.add_stream(numbers(7, "b"))
    got: list[Any] = []
    flow(COMBINED[name](a["x"], b["x"])) | workflow.add_stream(slow_sink(got))
    pushed: list[int] = []

    async def main() -> Any:
        task = asyncio.create_task(workflow.run())
        await asyncio.sleep(1.5)
        pushed.append(b.stream.state.get("pushed", 0))
        return await task

    statistics = run(main())
    assert got == [*range(5), *range(7)]
    assert pushed == [0]
    if name != "mapper":
        assert statistics.steps["slow"].inputs["x"].peak <= 3


def test_r12_what_leads_into_a_held_flow_waits_as_well():
    """R12: through shared operators, and with nothing in between."""
    workflow = Workflow(threshold=2)
    a, b = workflow.add_stream(numbers(2, "a")), workflow.add_stream(numbers(9, "b"))
    got: list[Any] = []
    beside: list[Any] = []
    shared = b | ops.map(str)
    rx.concat(a["x"] | ops.delay(5.0), shared) | workflow.add_stream(sink(got))
    shared | workflow.add_stream(sink(beside, "beside"))
    start(workflow)
    assert got == [0, 1, *map(str, range(9))]
    assert beside == list(map(str, range(9)))


@pytest.mark.parametrize(
    "operator",
    [
        ops.delay_subscription(5.0),
        ops.subscribe_on(rx.scheduler.CurrentThreadScheduler()),
        lambda source: rx.timer(5.0).pipe(ops.flat_map(lambda _: source)),
        lambda source: rx.concat(rx.timer(5.0).pipe(ops.ignore_elements()), source),
    ],
    ids=["delay_subscription", "subscribe_on", "flat_map", "concat"],
)
def test_r12_an_output_waits_until_the_operators_of_its_edge_have_subscribed(operator):
    """R12: `subscribe_on`, `delay_subscription`."""
    workflow = Workflow()
    got: list[Any] = []
    workflow.add_stream(numbers(4)) | operator | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 3])
def test_r12_a_port_that_the_walk_cannot_see_is_named(count):
    """R12: in `defer`, or made in a mapper; `flow(observable, ports=[...])` names it."""
    workflow = Workflow()
    a = workflow.add_stream(numbers(4, "a"))
    box = {"port": lambda: a["x"]}
    seen = rx.defer(lambda _: globals()["_late_port"]().pipe(ops.map(str), ops.take(count)))
    globals()["_late_port"] = box["port"]
    got: list[Any] = []
    flow(seen, ports=[a["x"]]) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == ["0", "1", "2"][:count]


def test_r12_flows_made_in_a_mapper_of_what_is_claimed_are_known():
    """R12: operators after a claimed port, and combinators of claimed ports."""
    workflow = Workflow()
    script = [(1.0, "x", 1), (2.0, "y", 2), (3.0, "z", 3), (4.0, "y", 4), (5.0, "z", 5)]
    played = workflow.add_stream(player(script, ["x", "y", "z"]))
    y, z = played["y"], played["z"]
    got: list[Any] = []
    chain = played["x"] | ops.flat_map(lambda _: flow(y | ops.map(str), flow(rx.merge(z))))
    chain | workflow.add_stream(sink(got))
    start(workflow)
    assert got == ["2", 3, "4", 5]


def test_r12_a_mapper_that_subscribes_by_itself_gets_what_is_claimed():
    """R12: the operator itself subscribes to no port here."""

    async def in_turn(ins, outs, state):
        for name in ("a", "b"):
            await outs[name].push_many(f"{name}{number}" for number in range(3))

    step = Workflow().add_stream(Stream(outs=["a", "b"], fn=in_turn))
    got: list[Any] = []
    subscribed: list[Any] = []

    def subscribing(item: str, port: Any = step["b"]) -> str:
        if not subscribed:
            subscribed.append(port.subscribe(got.append))
        return item

    assert (step["a"] | ops.map(subscribing)).to_list().run() == ["a0", "a1", "a2"]
    assert got == ["b0", "b1", "b2"]


def test_r12_a_port_that_was_not_named_is_a_late_subscription():
    """R12: the error names the port and the remedy; the workflow does not run a second time."""
    workflow = Workflow()
    a = workflow.add_stream(numbers(4, "a"))
    globals()["_late_port"] = lambda: a["x"]
    chain = workflow.add_stream(numbers(1)) | ops.flat_map(lambda _: globals()["_late_port"]())
    chain | workflow.add_stream(sink())
    with pytest.raises(LateSubscription, match=r"port 'x' of step 'a'.*ports=\["):
        start(workflow)


def test_r12_retry_inside_a_composed_operator_is_a_late_subscription():
    """R12: it subscribes again after its first subscription ended; it does not loop for ever."""
    workflow = Workflow()

    def fail(item: int) -> int:
        if item == 2:
            raise ValueError("two")
        return item

    chain = workflow.add_stream(numbers(4, "made")) | rx.compose(ops.map(fail), ops.retry())
    chain | workflow.add_stream(sink())
    with pytest.raises(LateSubscription, match=r"made\.x was subscribed to again .* ports=\["):
        start(workflow)


@pytest.mark.parametrize("combine", [rx.concat, no_scheduler])
def test_r12_subscribing_to_a_claimed_port_again_after_its_end_is_late(combine):
    """R12: also if the combinator passes no scheduler on."""
    workflow = Workflow()
    port = workflow.add_stream(numbers(2, "a"))["x"]
    combine(port, port) | workflow.add_stream(sink())
    with pytest.raises(LateSubscription, match=r"a\.x was subscribed to again"):
        start(workflow)


def test_r12_a_stream_that_subscribes_to_a_port_of_its_own_run_is_late():
    """R12: otherwise it would run its workflow a second time."""
    workflow = Workflow()

    async def fn(ins, outs, state):
        workflow.steps["made"]["x"].subscribe(print)

    workflow.add_stream(numbers(2, "made")) | workflow.add_stream(sink())
    workflow.add_stream(Stream(fn=fn, name="curious"))
    with pytest.raises(LateSubscription, match="port 'x' of step 'made'"):
        start(workflow)


def test_r12_an_outside_observable_that_hides_a_port_is_late_on_its_thread():
    """R12: also on the thread of a source, and also with `retry`."""
    workflow = Workflow()
    a = workflow.add_stream(numbers(2, "a"))
    globals()["_late_port"] = lambda: a["x"]
    hiding = rx.defer(lambda _: globals()["_late_port"]()).pipe(ops.retry())
    flow(hiding) | workflow.add_stream(sink())
    with pytest.raises(LateSubscription, match="port 'x' of step 'a'"):
        asyncio.run(workflow.run())


@pytest.mark.parametrize("name", ["amb", "take", "case", "not subscribed to"])
def test_r12_a_claim_is_cancelled_when_nothing_could_subscribe_to_it_any_more(name):
    """R12, C4: its producer ends as if nobody read it."""
    workflow = Workflow()
    a, b = workflow.add_stream(numbers(4, "a")), workflow.add_stream(endless("b"))
    got: list[Any] = []
    made = {
        "amb": lambda: rx.amb(a["x"], b["x"] | ops.delay_subscription(5.0)),
        "take": lambda: rx.concat(a["x"], b["x"]).pipe(ops.take(4)),
        "case": lambda: rx.case(lambda: 1, {1: a["x"], 2: b["x"]}),
        "not subscribed to": lambda: a["x"].pipe(ops.map(lambda item, other=b["x"]: item)),
    }[name]()
    flow(made) | workflow.add_stream(sink(got))
    statistics = start(workflow)
    assert got == [0, 1, 2, 3]
    assert statistics.steps["b"].ended == "downstream"
    assert b.stream.state["pushed"] == 0


def test_r12_a_claimed_port_that_ended_before_it_is_subscribed_to_completes_then():
    """R12: a producer without items ends at once; one with items waits."""
    workflow = Workflow()
    script = [(1.0, "a", 1), (1.0, "b", END), (3.0, "a", 3), (4.0, "a", END), (5.0, "c", 5)]
    played = workflow.add_stream(player(script, ["a", "b", "c"]))
    got: list[Any] = []
    chain = no_scheduler(played["a"], played["b"], played["b"] | ops.take(0), played["c"])
    chain | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [1, 3, 5]


def test_r12_a_flow_that_ends_while_it_is_subscribed_to_ends_once():
    """R12, R11: the next source of the combinator is not skipped."""
    workflow = Workflow()
    a, b = workflow.add_stream(numbers(2, "a")), workflow.add_stream(numbers(2, "b"))
    c = workflow.add_stream(numbers(3, "c"))
    none = a | ops.take(0)
    got: list[Any] = []
    none | ops.concat(b, c) | workflow.add_stream(sink(got))
    none | workflow.add_stream(sink(name="other"))
    start(workflow)
    assert got == [0, 1, 0, 1, 2]


def test_r12_what_a_held_flow_delivers_by_itself_waits_as_well():
    """R12: a flow subscribes to its sources only when it is subscribed to itself."""
    workflow = Workflow()
    a, b = workflow.add_stream(numbers(2, "a")), workflow.add_stream(numbers(2, "b"))
    got: list[Any] = []
    rx.concat(a["x"], b | ops.start_with("s")) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [0, 1, "s", 0, 1]


def test_r12_an_input_that_nothing_feeds_is_over_for_its_operators():
    """R12, W9: the operators complete."""
    inner = Workflow(["a"], ["b"])
    flow(rx.concat(inner.ins["a"])) | ops.count() | inner.outs["b"]
    workflow = Workflow()
    got: list[Any] = []
    workflow.add_stream(inner) | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [0]


def test_r12_two_subscriptions_at_once_to_one_claim_both_get_all():
    """R12: the second is not late, since no item has passed."""
    workflow = Workflow()
    port = workflow.add_stream(numbers(3))["x"] | ops.start_with("s")
    got: list[Any] = []
    rx.merge(port, port | ops.map(str)) | workflow.add_stream(sink(got))
    start(workflow)
    assert sorted(map(str, got)) == ["0", "0", "1", "1", "2", "2", "s", "s"]


def test_r12_a_chain_of_many_shared_flows_starts():
    """R12: readers become ready before what they read, at any depth."""
    workflow = Workflow()
    chain: Any = workflow.add_stream(numbers(3))["x"]
    for index in range(120):
        chain = chain | ops.map(lambda item: item)
        if index:
            chain | workflow.add_stream(sink(name=f"side-{index}"))
    got: list[Any] = []
    chain | workflow.add_stream(sink(got))
    start(workflow)
    assert got == [0, 1, 2]


def test_r12_a_task_that_an_operator_made_is_not_at_work_in_it():
    """R12, R10: after the run it may subscribe to the workflow, which runs again."""
    workflow = Workflow()
    step = workflow.add_stream(numbers(3))
    got: list[Any] = []
    tasks: list[asyncio.Task[None]] = []

    async def main() -> None:
        over = asyncio.Event()

        async def afterwards() -> None:
            await over.wait()
            await asyncio.wrap_future(_end_of(step["x"], got))

        def making(item: int) -> Observable[int]:
            if not tasks:
                tasks.append(asyncio.ensure_future(afterwards()))
            return rx.of(item)

        step["x"] | ops.flat_map(making) | workflow.add_stream(sink([]))
        await workflow.run()
        over.set()
        await asyncio.gather(*tasks)

    run(main())
    assert got == [0, 1, 2]


def _end_of(port: Observable[Any], got: list[Any]) -> Future[None]:
    ended: Future[None] = Future()
    port.subscribe(got.append, ended.set_exception, lambda: ended.set_result(None))
    return ended


def test_r12_a_mapper_that_subscribes_to_what_nobody_claimed_is_late():
    """R12: no second run in silence, and no `catch` answers it."""
    workflow = Workflow(["a"])

    def subscribing(item: int) -> int:
        workflow.ins["a"].subscribe(print)
        return item

    chain = workflow.ins["a"] | ops.map(subscribing) | ops.catch(rx.of("caught"))
    chain | workflow.add_stream(sink([]))

    async def main() -> None:
        async with workflow.open() as opened:
            await opened.ins.a.push(1)

    with pytest.raises(LateSubscription):
        run(main())


class Application:
    """An application that keeps its flows, and whose methods are mappers and operators."""

    def __init__(self, kept):
        self.got: list[Any] = []
        self.step = Workflow().add_stream(numbers(3))
        self.kept = flow([0, 1, 2]) if kept == "flow" else self.step["x"]
        self.other = self.step.workflow.add_stream(numbers(2, "other"))["x"]

    def double(self, item):
        return 2 * item

    def __call__(self, item):
        return 2 * item

    def merged(self, source):
        return source.pipe(ops.concat(self.other), ops.map(self.double))

    def late(self, item):
        return self.other

    def read(self, read: Any) -> list[Any]:
        start((read | sink(self.got)).workflow)
        return self.got


OF_APPLICATIONS = {
    "a method": (lambda app: app.kept | ops.map(app.double), [0, 2, 4]),
    "a callable": (lambda app: app.kept | ops.map(app), [0, 2, 4]),
    "a closure": (lambda app: app.kept | ops.map(lambda item: app.double(item)), [0, 2, 4]),
    "after another": (
        lambda app: app.kept | ops.map(str) | ops.map(app.double),
        ["00", "11", "22"],
    ),
    "with start_with": (lambda app: app.kept | ops.start_with(7) | ops.map(app), [14, 0, 2, 4]),
    "within a merge": (lambda app: flow(rx.merge(app.kept).pipe(ops.map(app))), [0, 2, 4]),
    "an operator": (lambda app: app.kept | app.merged, [0, 2, 4, 0, 2]),
    "a function of it": (lambda app: app.kept | (lambda each: app.merged(each)), [0, 2, 4, 0, 2]),
}


@pytest.mark.parametrize("kept", ["flow", "port"])
@pytest.mark.parametrize("name", OF_APPLICATIONS)
def test_r12_an_application_may_keep_its_flows_and_use_its_methods(name, kept):
    """R12: a mapper does not wait for what its object holds."""
    made, expected = OF_APPLICATIONS[name]
    app = Application(kept)
    assert app.read(made(app)) == expected


def test_r12_a_port_that_a_method_returns_is_to_be_named():
    """R12: it cannot be seen, and the error names it and the remedy."""
    app = Application("port")
    with pytest.raises(LateSubscription, match=r"'other'.*ports=\[\.\.\.\]"):
        app.read(app.kept | ops.flat_map(app.late))
    app = Application("port")
    late = rx.merge(app.kept).pipe(ops.take(1), ops.flat_map(app.late))
    assert app.read(flow(late, ports=[app.other])) == [0, 1]
