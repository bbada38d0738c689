"""Rule R2: random chains of operators do on an edge what they do behind a ``Subject``."""

import asyncio
from collections.abc import Callable
from typing import Any

import reactivex as rx
from hypothesis import given, settings
from hypothesis import strategies as st
from reactivex.subject import Subject

from equivalence import BOOM, Log, Script, delivered, expected, text, watch
from flows import END, ops, player, sink
from helpers import run
from mimo_rx import Workflow
from operator_cases import Make, Operator, twice, user_made

count = st.integers(0, 4)
positive = st.integers(1, 4)
Chain = list[Callable[[], Operator]]


def weigh(item: Any) -> int:
    """Return a number for anything."""
    return len(repr(item))


def odd(item: Any) -> bool:
    return weigh(item) % 2 == 1


def rarely(item: Any) -> Any:
    """Raise on a seventh of the items."""
    if weigh(item) % 7 == 3:
        raise LookupError("rarely")
    return item


def shorter(item: Any) -> Any:
    """Make a text shorter by one, if it can be."""
    return rx.of(item[1:]) if item and isinstance(item, str) else rx.empty()


def lasting(windows: Operator) -> Operator:
    """Turn windows into lists."""
    return rx.compose(windows, ops.flat_map(lambda window: window.pipe(ops.to_list())))


FIXED: Chain = [
    ops.as_observable, ops.count, ops.default_if_empty, ops.first, ops.ignore_elements,
    ops.is_empty, ops.last, ops.pairwise, ops.share, ops.single, ops.some,
    ops.to_list,
    lambda: ops.all(odd),
    lambda: ops.catch(rx.of("caught")),
    lambda: ops.concat(rx.of("more", "and more")),
    lambda: ops.concat_map(twice),
    lambda: ops.distinct(repr),
    lambda: ops.distinct_until_changed(repr),
    lambda: ops.do_action(rarely),
    lambda: ops.expand(shorter),
    lambda: ops.filter(odd),
    lambda: ops.filter_indexed(lambda item, index: index % 2 == 0),
    lambda: ops.find(lambda item, index, source: odd(item)),
    lambda: ops.first_or_default(odd, "none"),
    lambda: ops.flat_map(twice),
    lambda: ops.flat_map(lambda item: [] if odd(item) else rx.of(item, item, item)),
    lambda: ops.flat_map_latest(twice),
    lambda: ops.last_or_default("none"),
    lambda: ops.map(weigh),
    lambda: ops.map(rarely),
    lambda: ops.merge(rx.of("merged")),
    lambda: ops.max_by(weigh),
    lambda: rx.compose(ops.materialize(), ops.map(str)),
    lambda: ops.on_error_resume_next(rx.of("next")),
    lambda: ops.publish(lambda shared: rx.merge(shared, shared.pipe(ops.count()))),
    lambda: ops.reduce(lambda total, item: total + weigh(item), 0),
    lambda: ops.scan(lambda total, item: total + weigh(item), 0),
    lambda: ops.skip_while(odd),
    lambda: ops.start_with("first", "second"),
    lambda: ops.take_while(odd),
    lambda: ops.take_while(odd, inclusive=True),
    lambda: ops.zip_with_iterable("abcdef"),
    lambda: rx.compose(ops.group_by(weigh), ops.flat_map(lambda group: group.pipe(ops.count()))),
    lambda: user_made,
]  # fmt: skip

counted: st.SearchStrategy[Callable[[], Operator]] = st.one_of(
    count.map(lambda n: lambda: ops.element_at(n)),
    count.map(lambda n: lambda: ops.element_at_or_default(n, "none")),
    count.map(lambda n: lambda: ops.skip(n)),
    count.map(lambda n: lambda: ops.skip_last(n)),
    count.map(lambda n: lambda: ops.take(n)),
    count.map(lambda n: lambda: ops.take_last(n)),
    count.map(lambda n: lambda: ops.take_last_buffer(n)),
    st.tuples(count, count, positive).map(lambda n: lambda: ops.slice(*n)),
    st.tuples(positive, positive).map(lambda n: lambda: ops.buffer_with_count(*n)),
    st.tuples(positive, positive).map(lambda n: lambda: lasting(ops.window_with_count(*n))),
)
chains = st.lists(st.sampled_from(FIXED) | counted, min_size=1, max_size=4)
values = st.one_of(
    st.integers(-3, 30), st.none(), st.text("ab", max_size=3), st.booleans(), st.just(BOOM)
)


@settings(max_examples=300, deadline=None)
@given(chain=chains, items=st.lists(values, max_size=12), threshold=st.integers(1, 10))
def test_r2_a_chain_of_operators_does_on_an_edge_what_it_does_behind_a_subject(
    chain, items, threshold
):
    """R2, R5: whatever the bound, and in the push of the same item."""
    at_once: Script = [(1.0, "x", item) for item in [*items, END]]

    def entering(entered: list[Any]) -> Make:
        """Make the chain behind one that writes down what enters it."""
        return lambda _: rx.compose(
            ops.do_action(lambda item: entered.append(item)), *(operator() for operator in chain)
        )

    fed: list[Any] = []
    want = expected(at_once, entering(fed), timed=False)
    entered: list[Any] = []
    log, taken, error = delivered(at_once, entering(entered), threshold=threshold)
    assert log == want
    assert entered == fed
    assert want, "all of these come to an end"
    assert (error is None) == (want[-1][1] == "end")
    if error is None:
        assert taken == [item for _, _, item in want[:-1]]
    else:
        assert repr(error) == want[-1][2]


@settings(max_examples=200, deadline=None)
@given(
    head=st.lists(st.sampled_from(FIXED) | counted, max_size=2),
    branches=st.tuples(chains, chains),
    items=st.lists(values.filter(lambda item: item != BOOM), max_size=12),
    threshold=st.integers(1, 10),
)
def test_l4_two_chains_behind_a_shared_one_do_what_they_do_behind_publish(
    head, branches, items, threshold
):
    """R2, L4: what the shared operators deliver and signal enters both."""
    want = behind_publish(items, head, branches)
    workflow = Workflow(threshold=threshold)
    played = workflow.add_stream(player((0.0, "x", item) for item in [*items, END]))
    shared: Any = played["x"]
    for operator in head:
        shared = shared | operator()
    taken: list[list[Any]] = [[], []]
    for branch, got in zip(branches, taken, strict=True):
        chain = shared
        for operator in branch:
            chain = chain | operator()
        chain | workflow.add_stream(sink(got))
    errors = {log[-1][2] for log in want if log[-1][1] == "error"}
    outcome = run(outcome_of(workflow))
    if errors:
        assert repr(outcome) in errors
    else:
        assert not isinstance(outcome, Exception), outcome
        assert [list(map(text, got)) for got in taken] == [
            [item for _, _, item in log[:-1]] for log in want
        ]


async def outcome_of(workflow: Workflow) -> Any:
    return (await asyncio.gather(workflow.run(), return_exceptions=True))[0]


def behind_publish(items: list[Any], head: Chain, branches: tuple[Chain, Chain]) -> list[Log]:
    """Return what comes out of two chains behind a connectable."""
    logs: list[Log] = [[], []]
    subject: Subject[Any] = Subject()
    source: Any = subject
    shared = source.pipe(*(operator() for operator in head), ops.publish())
    for branch, log in zip(branches, logs, strict=True):
        chain = shared.pipe(*(operator() for operator in branch), watch(log, float))
        chain.subscribe(on_error=lambda _: None)
    shared.connect()
    for item in items:
        subject.on_next(item)
    subject.on_completed()
    return logs
