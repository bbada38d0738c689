"""The benchmarks: how they measure, compare and guard, with clocks that tests make up."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from benchmarks import command, guard, page, peers, streams
from benchmarks.cases import CASES
from benchmarks.chart import chart
from benchmarks.elsewhere import Room
from benchmarks.measure import (
    Against,
    Case,
    Contender,
    Derived,
    Timed,
    at_least,
    at_most,
    beside,
)
from benchmarks.program import Measured, measure
from benchmarks.table import figures, targets, to_markdown, to_text

# Contenders whose time is made up


def same(items: int) -> int:
    return items


OURS = Contender("ours", "mimo_rx", same, same, is_ours=True, against=(at_least(2, "queues"),))
QUEUES = Contender("queues", "tasks | queues", same, same)
PEER = Contender("peer", "a peer", same, same, peer="no_such_package")
CASE = Case("job", "A job", "What is done.", (QUEUES, OURS), baseline="queues", is_drawn=True)


class Take:
    """Lets contenders take turns that take as long as the test says.

    Args:
        figures: By key, what the turns take, one after the other; the last one stays.
    """

    def __init__(self, **figures: list[float]) -> None:
        self.figures = figures
        self.log: list[tuple[str, int]] = []

    def __call__(self, case: str, contender: Contender, items: int) -> float:
        self.log.append((contender.key, items))
        left = self.figures[contender.key]
        return left.pop(0) if len(left) > 1 else left[0]


def measured(ours: float, queues: float = 1000.0, case: Case = CASE) -> Measured:
    return measure(case, 10, 2, Take(ours=[ours], queues=[queues]))


# Turns


def clock(*times: float) -> Iterator[float]:
    yield from times


def test_a_turn_is_divided_by_its_items_and_hops():
    ticks = clock(10.0, 10.5)
    contender = Contender("one", "one", same, same, hops=5)
    assert contender.turn(1000, lambda: next(ticks)) == pytest.approx(0.5e9 / 1000)


def test_an_item_of_several_hops_enters_so_many_times_less_often():
    entered = []

    def note(items: int) -> int:
        entered.append(items)
        return items

    Contender("one", "one", note, same, hops=5, share=2).turn(100)
    Contender("one", "one", note, same, hops=500).turn(100)
    assert entered == [40, 1]


def test_the_time_of_a_whole_is_in_milliseconds_and_not_divided():
    ticks = clock(1.0, 1.25)
    contender = Contender("one", "one", same, same, is_whole=True)
    assert contender.turn(1000, lambda: next(ticks)) == pytest.approx(250)


def test_a_job_that_knows_its_own_time_is_believed():
    contender = Contender("one", "one", lambda items: Timed(items, 2.0), same)
    assert contender.turn(1000) == pytest.approx(2e9 / 1000)


@pytest.mark.parametrize("job", [lambda items: 0, lambda items: Timed(0, 1.0)])
def test_a_contender_whose_result_is_wrong_is_refused(job):
    with pytest.raises(RuntimeError, match="lazy came to 0, not 5, of 5 items"):
        Contender("lazy", "lazy", job, same).turn(5)


def test_contenders_take_turns_and_warm_up_with_fewer_items():
    take = Take(ours=[1.0], queues=[1.0])
    measure(CASE, 100, 2, take)
    warm = [("queues", 10), ("ours", 10)]
    assert take.log == [*warm, *[("queues", 100), ("ours", 100)] * 2]


def test_the_turn_that_warms_up_does_not_count_and_the_best_and_the_median_do():
    take = Take(ours=[1.0, 9.0, 5.0, 6.0], queues=[1.0])
    (row,) = (row for row in measure(CASE, 100, 3, take).rows if row.is_ours)
    assert (row.best, row.median) == (5.0, 6.0)


def test_a_case_that_makes_sense_once_is_measured_once():
    case = Case("job", "A job", "", (QUEUES,), turns=1)
    take = Take(queues=[1.0])
    measure(case, 100, 5, take)
    assert take.log == [("queues", 100)]


# Figures


def test_ours_is_compared_with_the_best_of_the_other():
    (comparison,) = measured(400.0).comparisons()
    assert comparison.figure == 2.5
    assert comparison.met


@pytest.mark.parametrize(
    ("against", "good", "bad"),
    [(at_least(2, "x"), 2.0, 1.99), (at_most(1.1, "x"), 1.1, 1.11), (Against(None, 5), 5, 5.1)],
)
def test_a_target_is_met_up_to_its_bound(against, good, bad):
    assert against.met(good) is True
    assert against.met(bad) is False
    assert beside("x").met(bad) is None


def test_a_derived_figure_is_worked_out_and_compared():
    slope = Derived(
        "slope", "one", lambda got: got["ours"] - got["queues"], (at_most(2, "queues"),)
    )
    case = Case("job", "A job", "", (QUEUES, OURS), (slope,))
    comparisons = list(measured(1500.0, case=case).comparisons())
    assert comparisons[-1].row.best == 500
    assert comparisons[-1].figure == 0.5


def test_a_peer_that_is_absent_is_left_out_by_name_and_nothing_is_compared_with_it():
    ours = Contender("ours", "mimo_rx", same, same, against=(at_least(2, "peer"),), is_ours=True)
    case = Case("job", "A job", "", (QUEUES, ours, PEER))
    with Room() as room:
        reasons = peers.absent([case], room)
    assert reasons == {"no_such_package": "not installed"}
    got = measure(case, 10, 1, Take(ours=[1.0], queues=[1.0]), absent=reasons)
    assert got.left_out == {"a peer": "not installed"}
    assert list(got.comparisons()) == []


# Tables, page and chart


def test_a_table_shows_best_median_and_both_ratios():
    lines = to_text(figures(measured(400.0)))
    assert [" ".join(line.split()) for line in lines[2:]] == [
        "tasks | queues 1,000 ns 1,000 ns 2.50× 1.00×",
        "mimo_rx 400 ns 400 ns 1.00× 0.40×",
    ]


def test_a_target_that_is_missed_says_so():
    assert targets([measured(400.0)])[-1][-1] == "met"
    assert targets([measured(600.0)])[-1][-3:] == ("1.67× as fast", "≥ 2", "MISSED")


def test_markdown_escapes_what_would_end_a_cell():
    assert to_markdown(figures(measured(400.0)))[2].startswith(r"| tasks \| queues |")


def test_the_chart_draws_a_bar_for_each_and_is_well_formed():
    svg = ElementTree.fromstring(chart([measured(400.0)], ["a <machine>"]))
    space = "{http://www.w3.org/2000/svg}"
    widths = {bar.get("class"): float(bar.get("width", 0)) for bar in svg.iter(f"{space}rect")}
    assert widths["bar mine"] < widths["bar"]
    assert "a <machine>" in [each.text for each in svg.iter(f"{space}text")]


def test_the_page_is_written_with_its_chart(tmp_path):
    page.write([measured(400.0)], "So it was measured.", ["a machine"], tmp_path)
    text = (tmp_path / "benchmarks.md").read_text(encoding="utf-8")
    assert "So it was measured." in text
    assert "| job: mimo_rx | 400 ns |" in text
    assert (tmp_path / "benchmarks.svg").read_text(encoding="utf-8").startswith("<svg")


# The guard


def again(take: Take, log: list[str] | None = None):
    """Return what measures a case again, with two turns of `take`."""

    def more(case: Case) -> Measured:
        if log is not None:
            log.append(case.name)
        return measure(case, 10, 2, take)

    return more


def test_the_guard_fails_a_contender_that_was_slowed_down():
    found = guard.examine(
        [measured(500.0)], {"job/ours": 0.4}, again(Take(ours=[500.0], queues=[1000.0]))
    )
    assert found == [guard.Worse("job/ours", 0.5, 0.4)]
    assert str(found[0]) == (
        "job/ours: 0.50 times its baseline, 0.40 times is stored; "
        "that is 25% more, and 20% are allowed"
    )


def test_the_guard_passes_what_is_up_to_its_tolerance_worse():
    log: list[str] = []
    found = guard.examine([measured(479.0)], {"job/ours": 0.4}, again(Take(), log))
    assert (found, log) == ([], [])


def test_the_guard_measures_again_what_looks_worse_and_passes_what_does_not_stay_so():
    log: list[str] = []
    quiet = Take(ours=[900.0, 900.0, 900.0, 900.0, 410.0], queues=[1000.0])
    found = guard.examine([measured(900.0)], {"job/ours": 0.4}, again(quiet, log))
    assert (found, log) == ([], ["job"] * 2)


def test_the_guard_believes_what_is_worse_every_time():
    log: list[str] = []
    slow = Take(ours=[900.0], queues=[1000.0])
    assert guard.examine([measured(950.0)], {"job/ours": 0.4}, again(slow, log)) == [
        guard.Worse("job/ours", 0.9, 0.4)
    ]
    assert log == ["job"] * guard.AGAIN


def test_the_guard_looks_at_the_ratio_and_not_at_the_time():
    assert not guard.worse(measured(4000.0, queues=10_000.0).ratios(), {"job/ours": 0.4})


def test_a_slow_machine_in_one_turn_of_the_baseline_does_not_hide_a_loss():
    take = Take(ours=[500.0], queues=[1000.0, 5000.0, 1000.0])
    assert guard.worse(measure(CASE, 10, 2, take).ratios(), {"job/ours": 0.4})


def test_storing_keeps_the_ratios_of_other_cases_and_drops_those_that_are_gone(tmp_path):
    path = tmp_path / "baseline.json"
    old = {"python": "3.11", "ratios": {"other/ours": 0.7, "job/gone": 0.1}}
    path.write_text(json.dumps(old), encoding="utf-8")
    guard.store([[measured(400.0)]], {"python": "3.12"}, path)
    assert guard.load(path) == {"python": "3.12", "ratios": {"job/ours": 0.4, "other/ours": 0.7}}


def test_a_lucky_sitting_is_not_what_is_stored(tmp_path):
    path = tmp_path / "baseline.json"
    guard.store([[measured(ours)] for ours in (400.0, 100.0, 410.0)], {}, path)
    assert guard.load(path)["ratios"] == {"job/ours": 0.4}


def test_the_repository_stores_a_ratio_for_all_that_the_quick_run_compares():
    stored = guard.load()["ratios"].keys()
    compared = {
        f"{case.name}/{each.key}"
        for case in CASES.values()
        if case.is_quick and case.baseline
        for each in case.contenders
        if each.is_ours
    }
    assert stored == compared


# The command


@pytest.fixture
def job(monkeypatch, tmp_path):
    """Let the only case be one whose time is made up; return where its ratios are stored."""
    monkeypatch.setattr(command, "CASES", {"job": CASE})
    monkeypatch.setattr(guard, "STORED", tmp_path / "baseline.json")
    return guard.STORED


def invoke(monkeypatch, take: Take, *arguments: str):
    monkeypatch.setattr(Room, "take", lambda self, *turn: take(*turn))
    return CliRunner().invoke(command.main, arguments, catch_exceptions=False)


def test_the_command_prints_tables_and_what_was_left_out(monkeypatch, job, tmp_path):
    case = Case("job", "A job", "", (QUEUES, OURS, PEER))
    monkeypatch.setattr(command, "CASES", {"job": case})
    file = tmp_path / "figures.json"
    take = Take(ours=[400.0], queues=[1000.0])
    result = invoke(monkeypatch, take, "--json", str(file))
    assert result.exit_code == 0
    assert "left out: no_such_package (not installed)" in result.output
    assert "2.50× as fast" in result.output
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["cases"][0]["turns"]["ours"] == [400.0] * command.ROUNDS


def test_the_command_stores_then_passes_then_fails_by_name(monkeypatch, job):
    good = Take(ours=[400.0], queues=[1000.0])
    assert invoke(monkeypatch, good, "--quick", "--store").exit_code == 0
    assert json.loads(job.read_text(encoding="utf-8"))["ratios"] == {"job/ours": 0.4}
    passed = invoke(monkeypatch, good, "--quick", "--check")
    assert (passed.exit_code, passed.output) == (0, "1 ratios are as good as those stored\n")
    slowed = Take(ours=[600.0], queues=[1000.0])
    failed = invoke(monkeypatch, slowed, "--quick", "--check")
    assert failed.exit_code == 1
    assert failed.output.startswith("slower: job/ours: 0.60 times its baseline, 0.40 times")


def test_the_command_does_not_pass_where_nothing_is_stored(monkeypatch, job):
    result = invoke(monkeypatch, Take(), "--quick", "--check")
    assert result.exit_code == 1
    assert "baseline.json does not exist" in result.output


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--docs", "--quick"], "--docs is for all cases in full"),
        (["--check", "--store", "--quick"], "choose one"),
        (["--check"], "add --quick"),
        (["speed"], "'speed' is not a case"),
        (["thre"], "did you mean 'three'"),
    ],
)
def test_the_command_refuses_what_makes_no_sense(monkeypatch, arguments, hint):
    result = invoke(monkeypatch, Take(), *arguments)
    assert result.exit_code == 2
    assert hint in result.output


# Every case, once


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    with Room() as room:
        yield room


@pytest.mark.parametrize(
    ("case", "contender"),
    [
        pytest.param(case, each, id=f"{case.name}-{each.key}")
        for case in CASES.values()
        for each in case.contenders
    ],
)
def test_every_contender_comes_to_the_right_result(case, contender, room, monkeypatch):
    for name, few in (("WAITS", 200), ("CALLS", 20), ("MEGABYTES", 2)):
        monkeypatch.setattr(streams, name, few)
    if contender.peer is not None:
        alone = Case("alone", "", "", (contender,))
        reason = peers.absent([alone], room).get(contender.peer)
        if reason:
            pytest.skip(f"{contender.peer}: {reason}")
    assert room.take(case.name, contender, 2_000 if case.name == "memory" else 300) >= 0


def test_every_comparison_is_with_somebody_of_the_same_case():
    for case in CASES.values():
        compared: list[Contender | Derived] = [*case.contenders, *case.derived]
        keys = [each.key for each in compared]
        assert len(keys) == len(set(keys))
        asked = [against for each in compared for against in each.against]
        assert {against.key for against in asked} <= {*keys, None}
        assert case.baseline in {*keys, None}
