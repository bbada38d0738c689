"""Rule R2: on an edge an operator does what it does behind a RxPY ``Subject``."""

import itertools
from typing import Any

import pytest
import reactivex as rx
from reactivex import operators

from equivalence import (
    BOOM,
    RAISE,
    Script,
    StreamFailed,
    compare,
    delivered,
    expected,
)
from flows import END, ops
from mimo_rx._rx.catalogue import CATALOGUE
from operator_cases import Make
from operator_cases_in_time import TIMED, WITH_ANOTHER
from operator_cases_more import UNTIMED, USERS_OWN

PLAIN = UNTIMED | USERS_OWN
LATER = {f"{name} (in time)": make for name, make in TIMED.items()}
EVERY = PLAIN | LATER
NAMES = sorted(set(operators.__all__))


def played(*items: Any, end: bool = True) -> Script:
    """Return a script that plays one item in a second."""
    script: Script = [(float(at), "x", item) for at, item in enumerate(items, 1)]
    return [*script, (len(items) + 1.0, "x", END)] if end else script


SCRIPTS: dict[str, Script] = {
    "empty": played(),
    "single": played(3),
    "many": played(3, 1, 1, 4, 0, 5),
    "error at once": played(BOOM),
    "error": played(3, 1, BOOM, 5),
    "odd items": played(None, 0, "", (), ValueError("an item"), (4,), 1.5),
}
IN_TIME: dict[str, Script] = {
    "empty": [(2.05, "x", END)],
    "single": [(2.05, "x", 3), (8.05, "x", END)],
    "many": [
        *((at, "x", at) for at in [1.01, 1.11, 1.21, 3.02, 3.32, 6.03, 6.13]),
        (9.04, "x", END),
    ],
    "error": [(1.01, "x", 3), (1.11, "x", 1), (3.02, "x", BOOM)],
}
BOTH: dict[str, Script] = {
    "x first": [
        (1.0, "x", "a"), (2.0, "y", 1), (3.0, "y", 2), (4.0, "x", "b"), (5.0, "x", "c"),
        (6.0, "x", END), (7.0, "y", 3), (8.0, "y", 4), (9.0, "y", END),
    ],
    "y first": [
        (1.0, "y", 1), (2.0, "x", "a"), (2.6, "x", "b"), (3.0, "y", 2), (4.0, "x", "c"),
        (5.0, "y", END), (6.0, "x", "d"), (7.0, "x", END),
    ],
    "x empty": [(1.0, "x", END), (2.0, "y", 1), (3.0, "y", END)],
    "y empty": [(1.0, "y", END), (2.0, "x", 1), (3.0, "x", 2), (4.0, "x", END)],
    "x error": [(1.0, "y", 1), (2.0, "x", 1), (3.0, "y", 2), (4.0, "x", BOOM), (5.0, "y", 3)],
    "y error": [(1.0, "x", 1), (2.0, "y", 1), (3.0, "x", 2), (4.0, "y", BOOM), (5.0, "x", 3)],
}  # fmt: skip


@pytest.mark.parametrize("name", [each for each in NAMES if CATALOGUE[each].stands])
def test_r2_every_operator_of_rxpy_has_a_case(name):
    """R2: a new one needs a case, here or among those that are refused on an edge."""
    cases = [
        make
        for label, make in [*UNTIMED.items(), *TIMED.items()]
        if label.partition(",")[0] == name
    ]
    assert cases
    assert all(name in make.__code__.co_names for make in cases), "it makes that operator"


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", PLAIN)
def test_r2_an_operator_does_on_an_edge_what_it_does_behind_a_subject(name, script):
    """R2: what it delivers, fails and completes with, and in which push."""
    compare(SCRIPTS[script], PLAIN[name], timed=False)


@pytest.mark.parametrize("script", IN_TIME)
@pytest.mark.parametrize("name", TIMED)
def test_r2_an_operator_in_time_does_on_an_edge_what_it_does_behind_a_subject(name, script):
    """R2, R4: the loop's clock on the edge, RxPY's virtual time behind the Subject."""
    compare(IN_TIME[script], TIMED[name], timed=True)


@pytest.mark.parametrize("script", BOTH)
@pytest.mark.parametrize("name", WITH_ANOTHER)
def test_r2_an_operator_over_two_ports_does_what_it_does_behind_two_subjects(name, script):
    """R2: for example zip and merge with another port of the same workflow."""
    compare(BOTH[script], WITH_ANOTHER[name], timed=True)


def case(name: str) -> tuple[Script, Make, bool]:
    """Return a script with many items, the case, and whether it is one in time."""
    return (IN_TIME if name in LATER else SCRIPTS)["many"], EVERY[name], name in LATER


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", EVERY)
def test_r6_what_a_take_behind_it_ends_early_ends_as_behind_a_subject(name, count):
    """R2, R6: nothing is delivered after that, and nothing is left of the operator."""
    script, make, timed = case(name)
    compare(script, lambda y: lambda source: make(y)(source).pipe(ops.take(count)), timed=timed)


@pytest.mark.parametrize("combine", [ops.merge, ops.amb], ids=["merge", "amb"])
def test_r6_what_would_never_end_at_its_subscription_is_ended_by_a_take(combine):
    """R4, R6: it runs only when there is a subscription to dispose of."""
    compare(
        played(1, 2),
        lambda _: rx.compose(combine(rx.from_iterable(itertools.count())), ops.take(3)),
        timed=False,
    )


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("name", EVERY)
def test_c4_a_consumer_that_returns_early_has_taken_what_a_subject_delivers_first(name, count):
    """R2, C4: its return ends the edge, so an error that would come later never comes."""
    script, make, timed = case(name)
    want = expected(script, make, timed=timed)
    items = [(at, item) for at, kind, item in want if kind == "item"]
    enough = items[count - 1][0] if 0 < count <= len(items) else -1.0
    comes = count == 0 or enough >= 0
    _, taken, error = delivered(script, make, takes=count)
    at, kind, what = want[-1] if want else (0.0, "", "")
    if kind == "error" and (not comes or at <= max(enough, 0.0)):
        assert repr(error) == what
    elif comes or kind == "end":
        assert error is None
        assert taken == [item for _, item in items[:count]]
    else:
        assert isinstance(error, TimeoutError)


@pytest.mark.parametrize("name", EVERY)
def test_e1_an_error_of_the_stream_fails_the_run_and_enters_no_operator(name):
    """R2, C6, E1: the edge delivers nothing more, like a Subject that nobody feeds any more."""
    script, make, timed = case(name)
    script = script[:3]
    at = script[2][0] + 0.01
    want = expected([*script, (at, "x", RAISE)], make, timed=timed)
    log, _, error = delivered([*script, (at, "x", RAISE)], make)
    if isinstance(error, StreamFailed):
        assert log == want
        assert all(kind == "item" for _, kind, _ in want)
    else:  # the operators had enough by then
        compare([*script, (at, "x", END)], make, timed=timed)
