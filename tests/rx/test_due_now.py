"""Rule P12a: work that is due now and schedules itself again lets the loop go round."""

import asyncio
from typing import Any

import pytest
import reactivex as rx

from flows import ops
from helpers import run
from mimo_rx import flow
from mimo_rx._rx.scheduler import RunScheduler, Trampoline

realtime = pytest.mark.realtime


def on_loop(work: Any, turns: int = 4) -> list[Any]:
    """Call `work(scheduler, log)` and log a "turn" at each turn of the loop after that."""
    log: list[Any] = []

    async def main() -> None:
        failed: list[BaseException] = []
        trampoline = Trampoline(asyncio.get_running_loop())
        work(RunScheduler(trampoline, failed.append), log)
        for _ in range(turns):
            log.append("turn")
            await asyncio.sleep(0)
        trampoline.close()
        assert failed == []

    run(main())
    return log


def several(log: list[Any]) -> list[Any]:
    """Return what stands in `log` before the first turn of the loop."""
    return log[: log.index("turn")]


@pytest.mark.parametrize("again", [0, -1.0])
def test_p12a_timed_work_that_schedules_itself_again_waits_for_the_next_turn(again):
    """P12a: the first time is inside the push, and each further one after a turn of the loop."""

    def work(scheduler: Any, log: list[Any]) -> None:
        def action(scheduler: Any, state: Any) -> None:
            log.append("work")
            scheduler.schedule_relative(again, action)

        scheduler.schedule_relative(0, action)

    log = on_loop(work)
    assert several(log) == ["work"]
    assert log.count("work") > 1


def test_p12a_periodic_work_without_a_period_waits_for_the_next_turn():
    """P12a: as `interval(0)` does it."""
    log = on_loop(lambda scheduler, log: scheduler.schedule_periodic(0, lambda _: log.append(1)))
    assert several(log) == [1]
    assert log.count(1) > 1


def test_p12a_a_new_function_for_the_same_work_is_the_same_work():
    """P12a: `window_with_time` makes one each time."""

    def work(scheduler: Any, log: list[Any]) -> None:
        def again() -> None:
            def action(*_: Any) -> None:
                log.append("work")
                again()

            scheduler.schedule_relative(0, action)

        again()

    assert several(on_loop(work)) == ["work"]


def delaying(scheduler: Any, name: str, deliver: Any) -> Any:
    """Return a function that delivers `name` and its item as an operator `delay(0)` would."""

    def on_next(item: str) -> None:
        def action(*_: Any) -> None:
            deliver(f"{item} {name}")

        scheduler.schedule_relative(0, action)

    return on_next


def test_p12a_other_work_that_is_due_now_runs_at_once():
    """P12a, R4: it does not renew itself, although its code is the same."""

    def work(scheduler: Any, log: list[Any]) -> None:
        last = delaying(scheduler, "third", log.append)
        delaying(scheduler, "first", delaying(scheduler, "second", last))("item")

    assert several(on_loop(work)) == ["item first second third"]


def test_p12a_untimed_work_goes_on_inside_the_push_for_a_thousand_times():
    """P12a, R4: most programs need no more; an endless one lets the loop go round after that."""

    def work(scheduler: Any, log: list[Any]) -> None:
        def action(scheduler: Any, state: Any) -> None:
            log.append("work")
            scheduler.schedule(action)

        scheduler.schedule(action)

    log = on_loop(work)
    assert several(log) == ["work"] * 1000
    assert log.count("work") > 1000


def test_p12a_much_work_of_one_cause_runs_at_once():
    """P12a, R4: it is no chain."""

    def work(scheduler: Any, log: list[Any]) -> None:
        def action(*_: Any) -> None:
            for number in range(5000):
                scheduler.schedule(lambda _, state: log.append(state), number)

        scheduler.schedule(action)

    assert several(on_loop(work)) == list(range(5000))


def test_p12a_work_that_was_disposed_of_does_not_run_in_the_next_turn():
    """P12a, R4."""

    def work(scheduler: Any, log: list[Any]) -> None:
        scheduler.schedule_periodic(0, lambda _: log.append(1)).dispose()

    assert on_loop(work).count(1) == 1


def test_p12a_work_that_raises_in_a_later_turn_fails_its_node():
    """P12a, E3: nobody waits for it there."""
    failed: list[BaseException] = []

    def fall(state: Any) -> Any:
        return 1 // state - 1

    async def main() -> None:
        trampoline = Trampoline(asyncio.get_running_loop())
        scheduler = RunScheduler(trampoline, failed.append)
        scheduler.schedule_periodic(0, fall, 1)
        await asyncio.sleep(1)
        trampoline.close()

    run(main())
    assert [type(error) for error in failed] == [ZeroDivisionError]


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (ops.sample(0), [2]),
        (ops.delay(0), [1, 2]),
        (ops.debounce(0), [1, 2]),
    ],
    ids=["sample", "delay", "debounce"],
)
def test_p12a_operators_without_a_period_end(operator, expected):
    """P12a: A period of 0 froze the loop."""
    assert run(_listed(flow([1, 2]) | operator)) == expected


async def _listed(items: Any) -> list[Any]:
    return [item async for item in items]


@pytest.mark.parametrize(
    "operator",
    [
        ops.buffer_with_time(0.0),
        ops.buffer_with_time(0.0, 0.0),
        ops.buffer_with_time_or_count(0.0, 2),
    ],
)
def test_p12a_buffers_without_a_time_lose_nothing_and_end(operator):
    """P12a: there may be empty ones in between."""
    lists = run(_listed(flow(range(5)) | operator))
    assert [item for each in lists for item in each] == [0, 1, 2, 3, 4]


ENDLESS = {
    "interval(0)": lambda: rx.interval(0),
    "timer(0, 0)": lambda: rx.timer(0, 0),
    "timer(0.01, 0)": lambda: rx.timer(0.01, 0),
    "repeat_value": lambda: rx.repeat_value(7),
    "generate": lambda: rx.generate(0, lambda _: True, lambda x: x + 1),
    "timer(0), repeated": lambda: rx.timer(0).pipe(ops.repeat()),
}


@realtime
@pytest.mark.parametrize("name", ENDLESS)
def test_p12a_a_timer_and_a_timeout_get_their_turn_beside_an_endless_source(name):
    """P12a: on the wall clock, since the virtual one stands still while there is work."""

    async def until_a_timer() -> list[Any]:
        merged = flow(rx.merge(ENDLESS[name](), flow(["x"])))
        return await _listed(merged | ops.take_until(rx.timer(0.05)))

    async def until_a_timeout() -> None:
        async with asyncio.timeout(0.05):
            await _listed(flow(rx.merge(ENDLESS[name](), flow(["x"]))))

    assert asyncio.run(until_a_timer())
    with pytest.raises(TimeoutError):
        asyncio.run(until_a_timeout())


@realtime
@pytest.mark.parametrize("name", ["interval(0)", "timer(0, 0)"])
def test_p12a_a_stream_gets_its_turn_beside_a_source_without_a_period(name):
    """P12a: its items are merged in."""
    merged = flow(rx.merge(ENDLESS[name](), flow(["x"]))) | ops.take_while(lambda item: item != "x")
    assert asyncio.run(_listed(merged))
