"""Rule R12's walk: the flows inside an Observable, found without subscribing."""

import functools
from typing import Any

import pytest
import reactivex as rx
from reactivex.subject import Subject

from blueprints import source, stream
from flows import ops
from mimo_rx import Workflow, flow
from mimo_rx._blueprint.find_flows import find_claims, find_flows

WORKFLOW = Workflow()
A = WORKFLOW.add_stream(source("a"))
B = WORKFLOW.add_stream(source("b"))
C = WORKFLOW.add_stream(source("c"))
a, b, c = A["y"], B["y"], C["y"]


class Watched(rx.Observable[Any]):
    """An Observable that must not be subscribed to."""

    def _subscribe_core(self, observer, scheduler=None):
        raise AssertionError("subscribed to")

    @property
    def touched(self):
        raise AssertionError("a property was read")


COMBINED = {
    "merge": (rx.merge(a, b), [a, b]),
    "concat": (rx.concat(a, b, c), [a, b, c]),
    "zip": (rx.zip(a, b), [a, b]),
    "combine_latest": (rx.combine_latest(a, b), [a, b]),
    "with_latest_from": (rx.with_latest_from(a, b), [a, b]),
    "fork_join": (rx.fork_join(a, b), [a, b]),
    "amb": (rx.amb(a, b), [a, b]),
    "case": (rx.case(lambda: 1, {1: a, 2: b}, c), [a, b, c]),
    "if_then": (rx.if_then(lambda: True, a, b), [a, b]),
    "nested": (rx.merge(rx.zip(a, b).pipe(ops.map(sum)), c), [a, b, c]),
    "sum of two": (a + b, [a, b]),
    "piped": (rx.of(1).pipe(ops.merge(a), ops.zip(b)), [a, b]),
    "connectable": (a.pipe(ops.publish()), [a]),
    "replayed": (rx.merge(a, b).pipe(ops.replay(1), ops.ref_count()), [a, b]),
    "partition": (rx.merge(*a.pipe(ops.partition(bool))), [a]),
    "catch": (rx.catch(a, b), [a, b]),
}


@pytest.mark.parametrize("name", COMBINED)
def test_r12_finds_the_ports_in_what_rxpy_makes_of_them(name):
    """R12: the walk follows the objects that the Observable refers to."""
    observable, expected = COMBINED[name]
    assert {id(each) for each in find_flows(observable).flows} == set(map(id, expected))


OPERATORS = {
    "merge": (ops.merge(b, c), [b, c]),
    "zip": (ops.zip(b), [b]),
    "concat": (ops.concat(b), [b]),
    "with_latest_from": (ops.with_latest_from(b), [b]),
    "combine_latest": (ops.combine_latest(b), [b]),
    "take_until": (ops.take_until(b), [b]),
    "skip_until": (ops.skip_until(b), [b]),
    "sample": (ops.sample(b), [b]),
    "buffer": (ops.buffer(b), [b]),
    "window": (ops.window(b), [b]),
    "amb": (ops.amb(b), [b]),
    "sequence_equal": (ops.sequence_equal(b), [b]),
    "composed": (rx.compose(ops.map(str), ops.merge(b)), [b]),
    "a step": (ops.merge(B), [B]),
    "none": (ops.map(str), []),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_r12_finds_the_ports_in_an_operator(name):
    """R12: these are the flows that an operator subscribes to beside its source."""
    operator, expected = OPERATORS[name]
    assert list(find_flows(operator).flows) == expected


def test_r12_a_found_flow_is_not_looked_into():
    """R12: only the outermost flow is claimed."""
    text = a | ops.merge(b)
    assert find_flows(rx.merge(text, c)).flows == (text, c)


def test_r12_flows_are_found_in_the_order_in_which_they_stand():
    """R12: the order is that of the arguments."""
    assert find_flows(rx.concat(c, a, b)).flows == (c, a, b)


def test_r12_the_same_object_twice_is_one_claim():
    """R12: one object cannot tell which of its two uses subscribes."""
    assert find_flows(rx.concat(a, a)).flows == (a,)
    one, other = A["y"], A["y"]
    assert find_flows(rx.concat(one, other)).flows == (one, other)


def test_r12_walks_closures_defaults_partials_and_containers():
    """R12: it walks closures, defaults, partials, containers and Observables."""

    def by_default(source, other=a):
        return source

    def by_keyword(source, *, other=a):
        return source

    def by_closure(source):
        return [box, source][1]

    @functools.cache
    def cached(source):
        return [box, source][1]

    box = ({"k": [(a,)]}, frozenset([1]))
    for each in (
        by_default,
        by_keyword,
        by_closure,
        cached,
        functools.partial(by_default, other=[a]),
        functools.partial(by_closure),
    ):
        assert list(find_flows(each).flows) == [a], each


class Holder:
    """An application that keeps a port, and whose methods are mappers and operators."""

    __slots__ = ("_other", "unset")

    def __init__(self, other=a):
        self._other = other

    def __call__(self, source):
        return source

    def method(self, source, other=None):
        return source

    def merged(self, source):
        return source.pipe(ops.merge(self._other))


class HoldingDict(dict[str, Any]):
    """An application that is itself a container."""

    def method(self, source):
        return source


HOLDER, HOLDING = Holder(), HoldingDict(other=a)
WITHOUT_CLAIM = {
    "a callable": HOLDER,
    "a method": HOLDER.method,
    "a method of a container": HOLDING.method,
    "a partial of a method": functools.partial(HOLDER.method, other=1),
    "a mapper": ops.map(HOLDER.method),
    "a callable as mapper": ops.map(HOLDER),
    "a closure over the object": ops.map((lambda app: lambda item: app.method(item))(HOLDER)),
    "a default": ops.map(lambda item, app=HOLDER: app.method(item)),
    "behind a merge": rx.merge(rx.of(1), rx.of(2)).pipe(ops.map(HOLDER.method)),
    "within containers": ops.map(functools.partial(print, [{"app": (HOLDER,)}])),
}


@pytest.mark.parametrize("name", WITHOUT_CLAIM)
def test_r12_what_an_object_of_the_user_holds_is_not_claimed(name):
    """R12: a method needs its object, not all the flows that the object keeps."""
    assert find_flows(WITHOUT_CLAIM[name]).flows == ()


def test_r12_the_arguments_beside_an_object_of_the_user_are_claimed():
    """R12: a closure's own cells, defaults and partial arguments are."""
    app, port = HOLDER, b
    partial = functools.partial(app.method, other=port)
    assert find_flows(ops.map(partial)).flows == (b,)
    assert find_flows(ops.map(lambda item: (app.method, port))).flows == (b,)
    assert find_flows(ops.map(lambda item, app=HOLDER, port=b: port)).flows == (b,)


def test_r12_an_observable_of_the_user_is_looked_into():
    """R12: an Observable is there to be subscribed to, and so is what it holds."""

    class Doubled(rx.Observable[Any]):
        def __init__(self, source):
            super().__init__()
            self.source = source

        def method(self, item):
            return item

    assert find_flows(Doubled(a)).flows == (a,)
    assert find_flows(ops.merge(Doubled(a))).flows == (a,)
    assert find_flows(ops.map(Doubled(a).method)).flows == (a,)


def test_r12_an_operator_that_is_a_method_claims_what_it_uses():
    """R12: its result tells which of the flows of its object it subscribes to."""
    holder = Holder()
    assert find_claims(holder.merged, holder.merged(rx.never())) == (a,)
    assert find_claims(holder.method, holder.method(rx.never())) == ()
    assert (b | holder.merged).claims == (a,)
    assert (b | (lambda source: holder.merged(source))).claims == (a,)
    assert b.pipe(holder.merged).claims == (a,)
    assert (b | holder.method).claims == ()


def test_r12_a_flow_that_an_operator_makes_anew_is_not_claimed():
    """R12: it will make another one in the run, and nobody would subscribe to the first."""

    def operator(source):
        return source.pipe(ops.merge(flow([1])))

    assert (b | operator).claims == ()


def test_r12_a_step_that_only_a_mapper_refers_to_is_not_claimed():
    """R12: such code wants the step's name; a claim would make the step wait for ever."""
    step, port = A, a

    class App:
        def __init__(self):
            self.step = A
            self.workflow = WORKFLOW

        def parse(self, item):
            return item

    assert find_flows(ops.map(lambda item: (step.name, item))).flows == ()
    assert find_flows(ops.map(App().parse)).flows == ()
    assert find_flows(ops.flat_map(lambda item: port)).flows == (port,)


def test_r12_runs_none_of_the_users_code():
    """R12: it calls no subscription, no property and no overridden method."""

    class Proxy:
        def __getattribute__(self, name):
            raise AssertionError(f"{name} was read")

        def __call__(self):
            raise AssertionError("called")

    class Listed(list[Any]):
        def __iter__(self):
            raise AssertionError("iterated over")

    proxy, listed = Proxy(), Listed([a])

    def operator(source):
        return proxy, listed, source

    assert find_flows(rx.merge(Watched(), a)).flows == (a,)
    assert find_flows(operator).flows == (a,)


def test_r12_ends_where_things_refer_to_each_other():
    """R12: each object is visited once."""
    ring: list[Any] = [a]
    ring.append(ring)

    def operator(source):
        return ring, operator, source

    assert find_flows(operator).flows == (a,)


def test_r12_does_not_recurse():
    """R12: a deep chain is walked as well."""
    observable = rx.merge(a)
    for _ in range(3_000):
        observable = observable.pipe(ops.map(str))
    assert find_flows(observable).flows == (a,)


def test_r12_does_not_follow_observers():
    """R12: observers lead to everything downstream."""
    subject: Subject[Any] = Subject()
    box = [a]
    subject.subscribe(lambda item: box.clear())
    assert find_flows(subject).flows == ()


def test_r8_observables_beside_flows_are_told_apart():
    """R8: Observables that lead to no flow have no back-pressure of their own."""
    outside = rx.interval(1)
    assert find_flows(rx.merge(a, outside)).outside == (outside,)
    assert find_flows(rx.merge(rx.of(1), outside)).outside == ()
    assert find_flows(rx.merge(a, flow(outside))).outside == ()


def test_r12_a_step_without_that_output_is_refused():
    """R12, W2: a claim reads the output."""
    sink = WORKFLOW.add_stream(stream("sink", outs=()))
    with pytest.raises(ValueError, match="step 'sink' has no main output"):
        flow(rx.merge(a, sink))
