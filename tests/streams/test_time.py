"""``Delay``, ``Throttle``, ``Window``: streams that go by the clock, which is virtual here."""

import asyncio
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from battery import Case, battery
from helpers import run
from mimo_rx import WiringError, Workflow, flow
from mimo_rx.streams import Delay, Throttle, Window
from mimo_rx.streams._time import _Frames
from runs import add, endings, go, taker


def same(inputs):
    return {"item": inputs["item"]}


def as_one_list(inputs):
    return {"item": [inputs["item"]] if inputs["item"] else []}


NUMBERS = {"item": list(range(12))}


@battery(
    [
        Case("Delay", lambda folder: Delay(0.5), NUMBERS, same),
        Case("Delay of few", lambda folder: Delay(0.5, max_items=2), NUMBERS, same),
        Case("Throttle", lambda folder: Throttle(10), NUMBERS, same),
        Case("Throttle in bursts", lambda folder: Throttle(10, burst=5), NUMBERS, same),
        Case("Window", lambda folder: Window(60.0), NUMBERS, as_one_list),
    ]
)
def test_streams_that_go_by_the_clock_pass_the_battery(case, check, tmp_path):
    check(case, tmp_path)


def at(times):
    """Make a source that gives each time at that time."""

    async def source():
        loop = asyncio.get_running_loop()
        for time in times:
            await asyncio.sleep(time - loop.time())
            yield time

    return flow(source())


def times_of(stream, times, *, threshold=100, pauses=()):
    """Run `stream` on items that come at `times`; return when it gave what, by its reader.

    Args:
        stream: The stream.
        times: When items come, which are these times.
        threshold: Of all buffers.
        pauses: Seconds for which the reader waits before an item, by its number.
    """
    log = []
    before = dict(pauses)

    async def read(ins, outs, state):
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(before.get(0, 0.0))
        async for item in ins.x:
            log.append((clock(), item))
            await asyncio.sleep(before.get(len(log), 0.0))

    workflow = Workflow(threshold=threshold)
    source = at(times) if isinstance(times, list) else flow(times)
    (source | workflow.add_stream(stream)) | add(workflow, read, "x")
    go(workflow)
    return log


# Delay


def test_delay_gives_each_item_so_long_after_it_came_and_keeps_the_spaces():
    assert times_of(Delay(2.0), [0.0, 0.5, 4.0, 4.0, 4.25]) == [
        (2.0, 0.0),
        (2.5, 0.5),
        (6.0, 4.0),
        (6.0, 4.0),
        (6.25, 4.25),
    ]


def test_items_behind_one_that_found_no_room_go_out_at_their_own_time():
    log = times_of(Delay(1.0), [0.0, 1.0, 2.0, 9.0], threshold=1, pauses={1: 5.0})
    assert log == [(1.0, 0.0), (6.0, 1.0), (6.0, 2.0), (10.0, 9.0)]


def test_delay_takes_no_more_than_it_may_hold():
    log = times_of(Delay(1.0, max_items=2), range(5))
    assert log == [(1.0, 0), (1.0, 1), (2.0, 2), (2.0, 3), (3.0, 4)]


def test_delay_holds_no_more_than_it_may():
    pushed = []

    async def source():
        for number in range(100):
            pushed.append(number)
            yield number

    async def late(ins, outs, state):
        await asyncio.sleep(10)
        state["pushed"] = len(pushed)

    workflow = Workflow(threshold=1)
    reader = add(workflow, late, "x")
    (flow(source()) | workflow.add_stream(Delay(1.0, max_items=5))) | reader
    go(workflow)
    # One in the reader's buffer, those that are held, one in its own buffer, one that waits there.
    assert reader.stream.state["pushed"] == 1 + 5 + 1 + 1


def test_no_delay_is_a_delay_too():
    assert times_of(Delay(0), [0.0, 1.0]) == [(0.0, 0.0), (1.0, 1.0)]


def test_delay_ends_with_its_reader_even_if_nothing_is_due():
    async def silent():
        yield 1
        await asyncio.sleep(1_000_000)

    workflow = Workflow()
    (flow(silent()) | workflow.add_stream(Delay(3.0))) | add(workflow, taker(1), "x")
    assert endings(go(workflow))["Delay"] == "downstream"


# Throttle


def test_throttle_lets_one_through_at_a_time():
    log = times_of(Throttle(2), range(4))
    assert log == [(0.0, 0), (0.5, 1), (1.0, 2), (1.5, 3)]


def test_throttle_lets_a_burst_through_after_a_pause():
    log = times_of(Throttle(1, per=2.0, burst=3), [0.0] * 5 + [20.0] * 4 + [24.5] * 3)
    assert [time for time, _ in log] == [
        *(0.0, 0.0, 0.0, 2.0, 4.0),
        *(20.0, 20.0, 20.0, 22.0),
        *(24.5, 26.0, 28.0),
    ]


def test_tokens_do_not_pile_up_behind_a_slow_reader():
    """What counts is when an item is handed over, not when it could have been."""
    log = times_of(Throttle(1), range(6), threshold=1, pauses={2: 10.0})
    # The reader took 0 and 1, and left 2 in the buffer; 3 had to wait for it, and 4 for 3.
    assert [time for time, _ in log] == [0.0, 1.0, 11.0, 11.0, 12.0, 13.0]


def test_throttle_takes_no_item_before_it_may_go():
    pushed = []

    async def source():
        for number in range(100):
            pushed.append(number)
            yield number

    async def read(ins, outs, state):
        await ins.x.pop()
        await asyncio.sleep(1)
        state["pushed"] = len(pushed)

    workflow = Workflow(threshold=1)
    reader = add(workflow, read, "x")
    (flow(source()) | workflow.add_stream(Throttle(0.1))) | reader
    go(workflow)
    # The one that passed, one in its buffer, one that waits there.
    assert reader.stream.state["pushed"] == 1 + 1 + 1


def test_throttle_takes_no_item_while_there_is_no_room():
    pushed = []

    async def source():
        for number in range(100):
            pushed.append(number)
            yield number

    async def late(ins, outs, state):
        await asyncio.sleep(10)
        state["pushed"] = len(pushed)

    workflow = Workflow(threshold=1)
    reader = add(workflow, late, "x")
    (flow(source()) | workflow.add_stream(Throttle(100))) | reader
    go(workflow)
    # One in the reader's buffer, one in its own buffer, one that waits there.
    assert reader.stream.state["pushed"] == 1 + 1 + 1


def test_throttle_ends_with_its_input_and_not_a_token_later():
    workflow = Workflow()
    (flow([1, 2]) | workflow.add_stream(Throttle(0.1))) | add(workflow, taker(2), "x")

    async def main():
        await workflow.run()
        return asyncio.get_running_loop().time()

    assert run(main()) == 10.0


@given(
    st.lists(st.integers(0, 40), max_size=30).map(sorted),
    st.integers(1, 5),
    st.sampled_from([0.25, 0.5, 1.0, 2.0]),
)
def test_throttle_is_a_bucket_of_tokens(ticks, burst, interval):
    times = [tick / 8 for tick in ticks]
    came = [time for time, _ in times_of(Throttle(1, per=interval, burst=burst), times)]
    tokens, last, expected = float(burst), 0.0, []
    for time in times:
        now = max(time, last)
        tokens = min(burst, tokens + (now - last) / interval)
        if tokens < 1:
            now += (1 - tokens) * interval
            tokens = 1.0
        tokens -= 1
        last = now
        expected.append(now)
    assert came == expected


def test_the_rate_does_not_drift():
    count = 100_000
    seen = []

    async def read(ins, outs, state):
        async for _ in ins.x:
            pass
        seen.append(asyncio.get_running_loop().time())

    workflow = Workflow()
    (flow(range(count)) | workflow.add_stream(Throttle(3, burst=2))) | add(workflow, read, "x")
    go(workflow)
    assert seen[0] == pytest.approx((count - 2) / 3, abs=1e-5)


# Window


def windows(times, seconds, every):
    """Return the lists of all windows that have an item."""
    if not times:
        return []
    start, lists = times[0], []
    for number in range(math.ceil((times[-1] - start) / every) + 1):
        begin = start + number * every
        if items := [time for time in times if begin <= time < begin + seconds]:
            lists.append(items)
    return lists


def test_windows_follow_each_other_from_the_first_item_on():
    log = times_of(Window(2.0), [5.0, 6.5, 7.0, 8.75, 20.0, 21.0])
    assert log == [
        (7.0, [5.0, 6.5]),  # the item at 7.0 is in the next one
        (9.0, [7.0, 8.75]),
        (21.0, [20.0]),  # from 19 to 21; there is no list for the windows between
        (21.0, [21.0]),  # the end
    ]


def test_windows_overlap_where_the_next_begins_before():
    log = times_of(Window(3.0, every=1.0), [0.0, 1.5, 2.0, 9.0])
    assert log == [
        (3.0, [0.0, 1.5, 2.0]),
        (4.0, [1.5, 2.0]),
        (5.0, [2.0]),
        *[(9.0, [9.0])] * 3,
    ]


@given(
    st.lists(st.integers(0, 60), max_size=25).map(sorted),
    st.sampled_from([(1.0, 1.0), (1.5, 0.5), (1.0, 0.75), (2.0, 0.25)]),
)
def test_windows_hold_what_came_in_their_time(ticks, spans):
    times = [tick / 8 for tick in ticks]
    seconds, every = spans
    came = [items for _, items in times_of(Window(seconds, every), times)]
    assert came == windows(times, seconds, every)


def test_a_window_that_is_full_takes_no_more_until_it_is_over():
    log = times_of(Window(1.0, max_items=3), range(8), threshold=2)
    assert log == [(1.0, [0, 1, 2]), (2.0, [3, 4, 5]), (2.0, [6, 7])]


def test_a_full_window_goes_out_at_once_at_the_end():
    assert times_of(Window(10.0, max_items=2), [0.0, 1.0], threshold=3) == [(1.0, [0.0, 1.0])]


def test_a_window_is_open_at_its_end():
    frames = _Frames(1.0, 1.0)
    frames.add(5.0, ["a"])
    frames.add(6.0, ["b"])
    assert [frames.close(), frames.close()] == [["a"], ["b"]]


def test_a_sliding_window_that_is_full_drops_nothing():
    log = times_of(Window(1.0, every=0.5, max_items=3), range(7), threshold=1)
    assert [time for time, _ in log[:2]] == [1.0, 1.5]
    assert sorted({item for _, items in log for item in items}) == list(range(7))
    assert max(len(items) for _, items in log) <= 3


def test_late_items_behind_a_list_that_waits_are_in_later_windows():
    log = times_of(Window(1.0), [0.0, 1.0, 2.0, 3.0, 9.0], threshold=1, pauses={0: 20.0})
    assert [item for _, items in log for item in items] == [0.0, 1.0, 2.0, 3.0, 9.0]


def test_a_window_ends_with_its_reader():
    async def ticks():
        while True:
            await asyncio.sleep(0.1)
            yield 1

    workflow = Workflow()
    (flow(ticks()) | workflow.add_stream(Window(1.0))) | add(workflow, taker(2), "x")
    assert endings(go(workflow))["Window"] == "downstream"


@pytest.mark.parametrize(("seconds", "every"), [(0.1, 0.1), (0.3, 0.1), (0.7, 0.1), (2.1, 0.7)])
def test_an_end_is_the_beginning_of_another_window_to_the_last_bit(seconds, every):
    frames = _Frames(seconds, every)
    frames.add(1234.567, [0])
    ahead = round(seconds / every)
    for number in range(10_000):
        assert frames.closes(number) == frames.opens(number + ahead)


def test_an_item_of_a_timer_that_came_early_is_in_the_next_window():
    frames = _Frames(1.0, 1.0)
    frames.add(5.0, ["a"])
    assert frames.close() == ["a"]
    frames.add(6.0 - 1e-9, ["b"])
    assert (frames.number, frames.close()) == (1, ["b"])


def test_a_long_silence_is_not_counted_through():
    frames = _Frames(0.002, 0.001)
    frames.add(0.0, ["a"])
    frames.close()
    frames.add(1e9, ["b"])
    assert frames.opens(frames.number) <= 1e9 < frames.closes(frames.number)


# Arguments


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Delay(-1), "Delay: seconds must be a number of seconds of at least 0, got -1"),
        (lambda: Delay(True), "Delay: seconds must be a number of seconds"),
        (lambda: Delay(1, 0), "Delay: max_items must be a number of items, an int of at least 1"),
        (lambda: Throttle(0), "Throttle: rate must be a number of items above 0, got 0"),
        (lambda: Throttle(math.inf), "Throttle: rate must be a number of items above 0, got inf"),
        (lambda: Throttle(1, per=0), "Throttle: per must be a number of seconds above 0, got 0"),
        (lambda: Throttle(1, burst=True), "Throttle: burst must be a number of items, an int of"),
        (lambda: Window(0), "Window: seconds must be a number of seconds above 0, got 0"),
        (lambda: Window(1, every=0), "Window: every must be a number of seconds above 0, got 0"),
        (
            lambda: Window(1, every=2),
            "Window: every must be at most seconds, 1, got 2; items that come between two windows "
            "would be dropped",
        ),
        (lambda: Window(1, max_items=0), "Window: max_items must be a number of items, an int"),
    ],
)
def test_arguments_out_of_range_are_refused_where_they_are_written(make, text):
    with pytest.raises(WiringError) as caught:
        make()
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("stream", [Delay(1), Throttle(2, name="slow"), Window(3, 1)])
def test_streams_that_go_by_the_clock_pickle(stream):
    assert pickle.loads(pickle.dumps(stream)).name == stream.name
