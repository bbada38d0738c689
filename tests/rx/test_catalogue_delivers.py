"""The table of RxPY's operators is true of when they deliver: rules R2, D4."""

from typing import Any

import pytest

from equivalence import Script
from flows import END, ops
from mimo_rx._rx.catalogue import CATALOGUE, Entry
from operator_cases_in_time import TIMED
from operator_cases_more import UNTIMED
from probes import Seen, probe

SCRIPTS: list[Script] = [
    [(float(at), "x", item) for at, item in enumerate(items, 1)]
    for items in [
        [END], [3, END], [3, 1, 1, 4, 0, 5, END], ["a", "b", "c", "d", "e", "f", END],
        [None, 0, "", (), END],
    ]
]  # fmt: skip
QUICK: Script = [
    *((at, "x", at) for at in [1.01, 1.11, 1.21, 3.02, 3.32, 6.03, 6.13]),
    (9.04, "x", END),
]
ALONE: dict[str, Any] = {
    "group_by": lambda _: ops.group_by(lambda item: item),
    "observe_on": lambda clock: ops.observe_on(clock),
    "ref_count": lambda _: lambda source: source.pipe(ops.publish(), ops.ref_count()),
    "subscribe_on": lambda clock: ops.subscribe_on(clock),
    "timestamp": lambda _: ops.timestamp(),
    "window_with_count": lambda _: ops.window_with_count(2),
}
"""Where the cases do more than the operator does, or less than it could."""
STANDING = [entry for entry in CATALOGUE.values() if entry.stands]


def seen(entry: Entry) -> list[Seen]:
    """Probe an operator with all of its cases, over all scripts."""
    if entry.name in ALONE:
        found = [(ALONE[entry.name], True)]
    else:
        found = [
            (make, timed)
            for timed, cases in ((False, UNTIMED), (True, TIMED))
            for label, make in cases.items()
            if label.partition(",")[0] == entry.name
        ]
    return [
        probe(script, make, timed=timed) for make, timed in found for script in (*SCRIPTS, QUICK)
    ]


def comes_later(each: Seen) -> bool:
    """Tell whether something came at the end, or an item in the push of another."""
    before: list[Any] = []
    for item, came in each.pushes:
        if isinstance(item, str) and any(old in came for old in before if old != item):
            return True
        before.append(item)
    return bool(each.at_end)


@pytest.mark.parametrize("entry", STANDING, ids=lambda entry: entry.name)
def test_d4_an_operator_delivers_when_its_row_says(entry):
    """D4, R2: no earlier and no later, and one that may come by itself really does."""
    probes = seen(entry)
    assert probes
    if entry.delivers == "by itself":
        assert any(each.by_itself or each.late or "by itself" in each.signals for each in probes)
        return
    for each in probes:
        assert not each.by_itself
        assert not each.late
    assert any(map(comes_later, probes)) == (entry.delivers == "later")


@pytest.mark.parametrize(
    "entry", [each for each in STANDING if each.immediate], ids=lambda entry: entry.name
)
def test_d4_one_to_one_is_what_makes_one_item_of_each_and_nothing_else(entry):
    """D4: joins rely on it (`uneven-join`)."""
    even = all(len(came) == 1 for each in seen(entry) for _, came in each.pushes)
    assert even == entry.one_to_one


@pytest.mark.parametrize("entry", STANDING, ids=lambda entry: entry.name)
def test_r2_what_stands_on_an_edge_never_subscribes_again(entry):
    """R2: an edge cannot be subscribed to twice one after the other."""
    assert not any(each.again for each in seen(entry))
