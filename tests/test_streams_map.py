"""``Map``: a function for each item."""

from battery import Case, battery
from mimo_rx.streams import Map


async def squared(number):
    return number * number


def slow_square(number):
    return number * number


def halves(inputs):
    return {
        "item": [10 // number for number in inputs["item"] if number],
        "errors": [0 for number in inputs["item"] if not number],
    }


def squares(inputs):
    return {"item": [number * number for number in inputs["item"]], "errors": []}


NUMBERS = {"item": list(range(-4, 8))}


@battery(
    [
        Case("plain", lambda folder: Map(slow_square), NUMBERS, squares),
        Case("coroutine", lambda folder: Map(squared), NUMBERS, squares),
        Case("concurrent", lambda folder: Map(squared, concurrency=3), NUMBERS, squares),
        Case(
            "unordered",
            lambda folder: Map(squared, concurrency=3, ordered=False),
            NUMBERS,
            squares,
            ordered=False,
        ),
        Case(
            "threads",
            lambda folder: Map(slow_square, concurrency=3, executor="threads"),
            NUMBERS,
            squares,
            real=True,
        ),
        Case(
            "processes",
            lambda folder: Map(slow_square, concurrency=2, executor="processes"),
            NUMBERS,
            squares,
            real=True,
        ),
    ]
)
def test_map_passes_the_battery(case, check, tmp_path):
    check(case, tmp_path)
