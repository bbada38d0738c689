"""The bounded FIFO at the entry of a source: what it does when full, and to whom (R8)."""

import random
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from mimo_rx import BufferOverflow
from mimo_rx._rx.entry import OVERFLOWS, Entry, check_overflow


class Woken:
    """Counts how often the consumer was woken, and lets a thread wait for it."""

    def __init__(self) -> None:
        self.count = 0
        self.event = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        self.event.set()


def entry(overflow: str, capacity: int = 3, wake: Any = None) -> Entry:
    return Entry(overflow, capacity, "numbers", wake or (lambda: None), lambda: None)


def taken(of: Entry) -> list[Any]:
    return list(of.taken(of.admit))


@pytest.mark.parametrize(
    ("overflow", "kept", "drops"),
    [
        ("drop_newest", [0, 1, 2], 4),
        ("drop_oldest", [4, 5, 6], 4),
        ("unbounded", [0, 1, 2, 3, 4, 5, 6], 0),
    ],
)
def test_r8_what_is_kept_of_seven_items_where_three_have_room(overflow, kept, drops):
    """R8: drops are counted; the source goes on."""
    numbers = entry(overflow)
    assert all(numbers.put(number) for number in range(7))
    numbers.end()
    assert taken(numbers) == kept
    assert numbers.drops == drops


def test_r8_drop_oldest_with_a_capacity_of_one_keeps_the_latest():
    """R8: capacity 1: the latest."""
    numbers = entry("drop_oldest", 1)
    for number in range(9):
        numbers.put(number)
    assert taken(numbers) == [8]


def test_r8_error_ends_with_what_went_in_before():
    """R8: what had room is still taken, then comes the error."""
    numbers = entry("error")
    assert [numbers.put(number) for number in range(5)] == [True, True, True, False, False]
    assert taken(numbers) == [0, 1, 2]
    assert isinstance(numbers.error, BufferOverflow)
    assert str(numbers.error) == (
        "source 'numbers' delivered an item while 3 waited at its entry, which is its "
        "capacity; give it a larger capacity or another overflow than 'error'"
    )


def test_r8_block_refuses_a_thread_that_must_not_wait_at_its_first_item():
    """R8: not only when there happens to be no room."""
    numbers = Entry("block", 3, "numbers", lambda: None, lambda: RuntimeError("not here"))
    assert not numbers.put(1)
    assert taken(numbers) == []
    assert str(numbers.error) == "not here"


def test_r8_the_consumer_is_woken_once_for_all_that_comes_while_it_is_awake():
    """R8: a wake-up between threads is dear."""
    wake = Woken()
    numbers = entry("unbounded", wake=wake)
    numbers.put(1)
    numbers.put(2)
    assert wake.count == 1
    assert not numbers.sleep()  # there is something to look at
    numbers.put(3)
    assert wake.count == 1
    assert taken(numbers) == [1, 2, 3]
    assert numbers.sleep()
    numbers.end()
    assert wake.count == 2
    assert not numbers.sleep()


def test_r8_nothing_goes_in_after_the_end_or_after_nobody_takes_any_more():
    """R8, R11: the first end counts."""
    numbers = entry("unbounded")
    numbers.put(1)
    numbers.end(ValueError("first"))
    numbers.end(ValueError("second"))
    assert not numbers.put(2)
    assert taken(numbers) == [1]
    assert str(numbers.error) == "first"
    left = entry("unbounded")
    left.put(1)
    left.stop()
    assert not left.put(2)
    assert taken(left) == []


@pytest.mark.parametrize("how", ["taken", "stop", "end"])
def test_r8_a_thread_that_waits_for_room_goes_on(how):
    """R8: when an item is taken, when nobody takes any more, when another one ends it."""
    numbers = entry("block", 1)
    numbers.put(0)
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(numbers.put(1)))
    thread.start()
    while not numbers.waiting:
        pass
    got = []
    if how == "taken":
        got = [next(iter(numbers.taken(numbers.admit)))]
    else:
        getattr(numbers, how)()
    thread.join()
    assert answers == [how == "taken"]
    assert got + taken(numbers) == {"taken": [0, 1], "stop": [], "end": [0]}[how]


@pytest.fixture
def restless() -> Iterator[None]:
    """Switch threads as often as can be."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_r8_what_is_taken_while_the_oldest_is_about_to_be_dropped_makes_room(monkeypatch):
    """R8: another thread takes all between the look for room and the drop."""
    numbers = entry("drop_oldest", 1, Woken())
    has_room = numbers._has_room
    got: list[Any] = []

    def looks_too_early() -> bool:
        room = has_room()
        got.extend(numbers.taken(numbers.admit))
        return room

    assert numbers.put(1)
    monkeypatch.setattr(numbers, "_has_room", looks_too_early)
    assert numbers.put(2)
    monkeypatch.undo()
    assert got + list(numbers.taken(numbers.admit)) == [1, 2]
    assert numbers.drops == 0


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("overflow", OVERFLOWS)
@pytest.mark.parametrize("capacity", [1, 2, 10])
def test_r8_threads_that_put_at_once_lose_nothing_but_what_is_dropped(overflow, capacity):
    """R8: each thread's items stay in order, none comes twice, and the bound holds."""
    threads, each = 4, 250
    wake = Woken()
    numbers = entry(overflow, capacity if overflow != "error" else threads * each, wake)
    left = threading.Semaphore(0)

    def produce(mine: int) -> None:
        for number in range(each):
            assert numbers.put((mine, number))
        left.release()

    producers = [threading.Thread(target=produce, args=(mine,)) for mine in range(threads)]

    def end() -> None:
        for _ in producers:
            left.acquire()
        numbers.end()

    for thread in (*producers, threading.Thread(target=end)):
        thread.start()
    got = []
    pauses = random.Random(capacity)
    while True:
        for item in numbers.taken(numbers.admit):
            got.append(item)
            if overflow not in ("unbounded", "error"):
                assert len(numbers) <= capacity
            if pauses.random() < 0.01:
                break
        while numbers.sleep():
            wake.event.wait()
            wake.event.clear()
        if numbers.ended and not len(numbers):
            break
    for thread in producers:
        thread.join()
    assert len(got) + numbers.drops == threads * each
    for mine in range(threads):
        own = [number for thread, number in got if thread == mine]
        assert own == sorted(set(own))
    if overflow in ("block", "unbounded", "error"):
        assert numbers.drops == 0


@pytest.mark.parametrize(
    ("overflow", "capacity", "text"),
    [
        ("drop_latest", None, "or 'unbounded', got 'drop_latest'; did you mean 'drop_oldest'"),
        (3, None, "must be 'block', 'error', 'drop_newest', 'drop_oldest' or 'unbounded', got 3"),
        ("block", 0, "capacity of it must be an integer of at least 1, got 0"),
        ("block", 2.0, "capacity of it must be an integer of at least 1, got 2.0"),
        ("unbounded", 2, "it was given a capacity although overflow='unbounded' has no bound"),
    ],
)
def test_r8_settings_out_of_their_range_are_refused(overflow, capacity, text):
    """R8: with what was given and what would do."""
    with pytest.raises(ValueError, match=text):
        check_overflow(overflow, capacity, "it")
