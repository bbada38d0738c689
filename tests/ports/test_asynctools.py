"""`azip` and `arange`."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import run
from mimo_rx import arange, azip


async def collected(items):
    return [item async for item in items]


@given(st.lists(st.integers(0, 5), max_size=4))
def test_azip_is_zip(lengths):
    """It yields what `zip` yields."""
    # `run` would collect garbage after each of a hundred examples.
    got = asyncio.run(collected(azip(*map(arange, lengths))))
    assert got == list(zip(*map(range, lengths), strict=False))


def test_azip_of_nothing_is_empty():
    assert run(collected(azip())) == []


def test_azip_loses_what_came_before_its_shortest():
    """As `zip` does: the first iterable was already asked."""

    async def main():
        longer = aiter(arange(5))
        assert await collected(azip(longer, arange(2))) == [(0, 0), (1, 1)]
        return await collected(longer)

    assert run(main()) == [3, 4]


def test_azip_asks_nothing_after_its_end():
    async def main():
        first = aiter(arange(5))
        zipped = azip(first, arange(0))
        with pytest.raises(StopAsyncIteration):
            await anext(zipped)
        with pytest.raises(StopAsyncIteration):
            await anext(zipped)
        return await collected(first)

    assert run(main()) == [1, 2, 3, 4]


def test_azip_passes_failures_on():
    async def failing():
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run(collected(azip(arange(5), failing())))


def test_azip_refuses_what_is_no_asynchronous_iterable():
    with pytest.raises(TypeError, match=r"argument 2 must be .* got list; .* `zip`"):
        azip(arange(1), [1])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"argument 1 must be .* got int$"):
        azip(3)  # type: ignore[arg-type]


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(-3, 3).filter(bool))
def test_arange_is_range(start, stop, step):
    """It counts as `range` does."""
    assert run(collected(arange(start, stop, step))) == list(range(start, stop, step))
    assert run(collected(arange(stop))) == list(range(stop))


def test_arange_begins_anew_for_each_reader():
    numbers = arange(2)

    async def main():
        return await collected(numbers), await collected(numbers)

    assert run(main()) == ([0, 1], [0, 1])


def test_arange_refuses_what_range_refuses():
    with pytest.raises(ValueError, match="step must not be zero"):
        arange(0, 1, 0)
    with pytest.raises(TypeError):
        arange(1.5)  # type: ignore[arg-type]
