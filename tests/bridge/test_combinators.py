"""Combinators of RxPY over ports: rules R1, R2, R5, R12, W8 and W9."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import reactivex as rx
from reactivex import Observable
from reactivex.disposable import Disposable
from reactivex.subject import Subject

from flows import END, endless, numbers, ops, player, sink, slow_sink, stuck
from helpers import run
from mimo_rx import Stream, Workflow, flow

Combine = Callable[[Any, Any], Observable[Any]]

lists = ops.flat_map(lambda window: window.pipe(ops.to_list()))


def until(other: Any) -> Callable[[Any], Any]:
    """Make a mapper that answers every item with `other`."""
    return lambda _: other


def deferred(a: Any, b: Any) -> Observable[Any]:
    """Make what `rx.defer` merges."""
    return rx.defer(until(rx.merge(a, b)))


AT_ONCE: dict[str, Combine] = {
    "rx.merge": rx.merge,
    "rx.zip": rx.zip,
    "rx.zip_latest": rx.zip_latest,
    "rx.combine_latest": rx.combine_latest,
    "rx.with_latest_from": rx.with_latest_from,
    "rx.fork_join": rx.fork_join,
    "rx.amb": rx.amb,
    "rx.defer": deferred,
    "rx.using": lambda a, b: rx.using(Disposable, until(rx.zip(a, b))),
    "ops.merge": lambda a, b: a.pipe(ops.merge(b)),
    "ops.zip": lambda a, b: a.pipe(ops.zip(b)),
    "ops.combine_latest": lambda a, b: a.pipe(ops.combine_latest(b)),
    "ops.with_latest_from": lambda a, b: a.pipe(ops.with_latest_from(b)),
    "ops.fork_join": lambda a, b: a.pipe(ops.fork_join(b)),
    "ops.amb": lambda a, b: a.pipe(ops.amb(b)),
    "ops.sequence_equal": lambda a, b: a.pipe(ops.sequence_equal(b)),
    "ops.join": lambda a, b: a.pipe(ops.join(b, until(rx.never()), until(rx.empty()))),
    "ops.group_join": lambda a, b: a.pipe(
        ops.group_join(b, until(rx.never()), until(rx.empty())),
        ops.flat_map(lambda pair: pair[1].pipe(ops.to_list())),
    ),
    "ops.take_until": lambda a, b: a.pipe(ops.take_until(b)),
    "ops.skip_until": lambda a, b: a.pipe(ops.skip_until(b)),
    "ops.sample": lambda a, b: a.pipe(ops.sample(b)),
    "ops.buffer": lambda a, b: a.pipe(ops.buffer(b)),
    "ops.window": lambda a, b: a.pipe(ops.window(b), lists),
    "ops.buffer_toggle": lambda a, b: a.pipe(ops.buffer_toggle(b, until(rx.never()))),
    "ops.window_toggle": lambda a, b: a.pipe(ops.window_toggle(b, until(rx.never())), lists),
    "merge_all": lambda a, b: rx.of(a, b).pipe(ops.merge_all()),
    "a method": lambda a, b: a.merge(b),
    "nested": lambda a, b: rx.merge(
        rx.combine_latest(a.pipe(ops.map(str)), b), rx.zip(a, rx.merge(b, rx.empty()))
    ),
}
"""Those that subscribe to all at once."""

IN_TURN: dict[str, Combine] = {
    "rx.concat": rx.concat,
    "rx.concat_with_iterable": lambda a, b: rx.concat_with_iterable([a, b]),
    "rx.for_in": lambda a, b: rx.for_in([a, b], lambda each: each),
    "rx.on_error_resume_next": rx.on_error_resume_next,
    "rx.catch": lambda a, b: rx.catch(a.pipe(ops.concat(rx.throw(KeyError()))), b),
    "rx.catch_with_iterable": lambda a, b: rx.catch_with_iterable(
        [a.pipe(ops.concat(rx.throw(KeyError()))), b]
    ),
    "ops.concat": lambda a, b: a.pipe(ops.concat(b)),
    "ops.on_error_resume_next": lambda a, b: a.pipe(ops.on_error_resume_next(b)),
    "ops.catch": lambda a, b: a.pipe(ops.concat(rx.throw(KeyError())), ops.catch(b)),
    "ops.flat_map": lambda a, b: a.pipe(ops.last(), ops.flat_map(until(b))),
    "ops.concat_map": lambda a, b: a.pipe(ops.last(), ops.concat_map(until(b))),
    "ops.default_if_empty": lambda a, b: rx.concat(a, b.pipe(ops.default_if_empty(7))),
    "ops.start_with": lambda a, b: rx.concat(a, b.pipe(ops.start_with("s"))),
    "max_concurrent": lambda a, b: rx.of(a, b).pipe(ops.merge(max_concurrent=1)),
    "with an outside one between": lambda a, b: rx.concat(a, rx.of("between"), b),
    "nested": lambda a, b: rx.concat(rx.merge(a, rx.empty()), rx.concat(rx.of("n"), b)),
}
"""Those that subscribe to one after the other."""

ONE_OF: dict[str, Combine] = {
    "rx.case": lambda a, b: rx.case(lambda: 1, {1: a, 2: b}),
    "rx.if_then": lambda a, b: rx.if_then(lambda: True, a, b),
    "rx.catch without an error": rx.catch,
    "ops.catch without an error": lambda a, b: a.pipe(ops.catch(b)),
}
"""Those that subscribe to the first alone; the other one is let go at the end."""

ALL = {**{f"{name} at once": each for name, each in AT_ONCE.items()}, **IN_TURN, **ONE_OF}


def script(text: str) -> list[tuple[float, str, Any]]:
    """Make a script for `player` of words such as ``a0``, an item, and ``a.``, an end."""
    return [
        (float(at), word[0], END if word[1] == "." else int(word[1]))
        for at, word in enumerate(text.split(), 1)
    ]


TOGETHER = [
    script("a0 b0 a1 a2 b1 b2 b3 a3 b4 a. b5 b."),
    script("b0 a0 b1 b. a1 a2 a."),
    script("a. b0 b1 b."),
    script("a0 a1 b. a."),
]
ONE_BY_ONE = [script("a0 a1 a2 a. b0 b1 b."), script("a0 a. b.")]

WRAPPED: dict[str, Callable[[Any], Any]] = {
    "ports": lambda port: port,
    "flows": lambda port: port.pipe(ops.map(lambda item: item)),
    "combinators": lambda port: rx.merge(port, rx.empty()),
}


def expected(combine: Combine, lines: Any, wrap: Callable[[Any], Any]) -> list[Any]:
    """Return what `combine` delivers over Subjects that are fed the same, and how it ends."""
    subjects: dict[str, Subject[Any]] = {"a": Subject(), "b": Subject()}
    got: list[Any] = []
    made = combine(wrap(subjects["a"]), wrap(subjects["b"]))
    made.subscribe(got.append, got.append, lambda: got.append("completed"))
    for _, name, item in lines:
        if item is END:
            subjects[name].on_completed()
        else:
            subjects[name].on_next(item)
    return got


async def seen(made: Any, workflow: Workflow) -> list[Any]:
    """Return what `made` delivers in a run, and how it ends; some of them never do."""
    got: list[Any] = []

    async def fn(ins, outs, state):
        async for chunk in ins.x.chunks():
            got.extend(chunk)
        got.append("completed")

    flow(made) | workflow.add_stream(Stream(["x"], fn=fn, name="seen"))
    try:
        async with asyncio.timeout(100):
            await workflow.run()
    except TimeoutError:
        pass
    return got


def play(lines: Any) -> tuple[Workflow, Any]:
    workflow = Workflow(threshold=2)
    return workflow, workflow.add_stream(player(lines, ["a", "b"]))


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("name", AT_ONCE)
def test_r1_combinators_over_ports_deliver_what_they_deliver_over_subjects(name, wrap):
    """R1, R2: at any depth, in any order of the items and ends."""
    for lines in (*TOGETHER, *ONE_BY_ONE):
        workflow, played = play(lines)
        made = AT_ONCE[name](WRAPPED[wrap](played["a"]), WRAPPED[wrap](played["b"]))
        got = run(seen(made, workflow))
        assert got == expected(AT_ONCE[name], lines, WRAPPED[wrap]), lines


@pytest.mark.parametrize("wrap", WRAPPED)
@pytest.mark.parametrize("name", [*IN_TURN, *ONE_OF])
def test_r1_combinators_in_turn_deliver_what_they_deliver_over_subjects(name, wrap):
    """R1, R2: each port is fed only when its turn has come."""
    for lines in ONE_BY_ONE:
        workflow, played = play(lines)
        made = ALL[name](WRAPPED[wrap](played["a"]), WRAPPED[wrap](played["b"]))
        got = run(seen(made, workflow))
        assert got == expected(ALL[name], lines, WRAPPED[wrap]), lines


@pytest.mark.parametrize("name", ["rx.merge", "rx.zip", "ops.with_latest_from", "nested"])
def test_r1_combinators_over_the_ports_of_a_nested_workflow(name):
    """R1, W1: its outputs name inner ports; the combinators may also be inside it."""
    for lines in TOGETHER:
        inner = Workflow(["c"], ["a", "b", "both"], name="inner")
        played = inner.add_stream(player(lines, ["a", "b"]))
        played["a"] | inner.outs["a"]
        played["b"] | inner.outs["b"]
        inside = AT_ONCE[name](inner.ins["c"], rx.merge(played["b"], rx.empty()))
        flow(inside) | inner.outs["both"]
        workflow = Workflow()
        nested = workflow.add_stream(inner)
        got: list[list[Any]] = [[], []]
        flow(AT_ONCE[name](nested["a"], nested["b"])) | workflow.add_stream(sink(got[0]))
        nested["a"].pipe(ops.map(lambda item: item)) | nested["c"]
        nested["both"] | workflow.add_stream(sink(got[1]))
        run(workflow.run())
        *items, end = expected(AT_ONCE[name], lines, WRAPPED["ports"])
        assert (got, end) == ([items, items], "completed")


# R5: back-pressure


@pytest.mark.parametrize("threshold", [1, 3, 10])
@pytest.mark.parametrize(
    "name", ["rx.merge", "rx.zip", "rx.combine_latest", "ops.zip", "ops.combine_latest", "a method"]
)
def test_r5_a_slow_reader_holds_back_the_producers_of_all_ports_inside(name, threshold):
    """R5: no buffer exceeds its bound, at any depth."""
    workflow = Workflow(threshold=threshold)
    a, b = workflow.add_stream(endless("a")), workflow.add_stream(endless("b"))
    deep = flow(rx.merge(b["x"] | ops.map(str))) | ops.map(lambda item: item)
    reader = workflow.add_stream(stuck())
    flow(AT_ONCE[name](a["x"] | ops.map(str), deep)) | ops.map(lambda item: item) | reader
    port = run(workflow.run()).steps["stuck"].inputs["x"]
    assert (port.peak, port.over) == (threshold, 0)
    pushed = sorted([a.stream.state["pushed"], b.stream.state["pushed"]])
    assert pushed[0] <= threshold
    # The faster one may run ahead until the other one has begun.
    assert pushed[1] <= (threshold if "merge" in name or name == "a method" else 1000)


@pytest.mark.parametrize("name", ["rx.merge", "ops.merge", "merge_all", "rx.zip", "a method"])
def test_r5_a_slow_reader_loses_nothing(name):
    """R5: whichever of the producers waits."""
    workflow = Workflow(threshold=2)
    a, b = workflow.add_stream(numbers(30, "a")), workflow.add_stream(numbers(30, "b"))
    got: list[Any] = []
    flow(AT_ONCE[name](a["x"], b["x"])) | workflow.add_stream(slow_sink(got))
    statistics = run(workflow.run())
    assert statistics.steps["slow"].inputs["x"].peak <= 2
    flat = [each for item in got for each in (item if isinstance(item, tuple) else (item,))]
    assert sorted(flat) == sorted([*range(30)] * 2)


# R12: claims


@pytest.mark.parametrize("threshold", range(1, 11))
@pytest.mark.parametrize("name", IN_TURN)
def test_r12_ports_whose_turn_has_not_come_lose_nothing_and_pile_up_nothing(name, threshold):
    """R12: with any bound of the buffers."""
    workflow = Workflow(threshold=threshold)
    a, b = workflow.add_stream(numbers(7, "a")), workflow.add_stream(numbers(15, "b"))
    early: list[int] = []

    def note(item: Any) -> Any:
        early.append(b.stream.state.get("pushed", 0))
        return item

    noted = a["x"] | ops.map(note) | ops.delay(1.0)
    got: list[Any] = []
    flow(IN_TURN[name](noted, b["x"])) | workflow.add_stream(slow_sink(got, 0.01))
    statistics = run(workflow.run())
    assert [item for item in got if isinstance(item, int)][-15:] == list(range(15))
    assert set(early) == {0}
    # Items that `delay` releases or outside Observables deliver may exceed the bound (P3).
    assert statistics.steps["slow"].inputs["x"].peak <= max(threshold, 7) + 2


# W8, W9: what is told of them


@pytest.mark.parametrize("name", ALL)
def test_w8_a_drawing_shows_which_ports_lead_into_a_combinator(name):
    """W8, W9: `check()` does not report them as unread."""
    workflow, played = play(())
    flow(ALL[name](played["a"], played["b"])) | workflow.add_stream(sink())
    drawing = str(workflow)
    for port in "ab":
        assert f'"player" -> "sink" [taillabel="{port}" headlabel="x"' in drawing
    codes = {finding.code for finding in workflow.check()}
    assert not codes & {"unread-output", "dead-end-flow", "unfed-input"}
    assert played["a"].is_connected()
    assert played["b"].is_connected()
