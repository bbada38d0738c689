"""A run closes the iterators of its sources when it ends early (E2, C4)."""

import io
from typing import Any

import pytest

from flows import ops
from helpers import run
from mimo_rx import failures, flow
from mimo_rx.streams import ForEach


class Source:
    """An iterable whose generator logs its clean-up, which may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.log: list[str] = []
        self.error = error

    def __iter__(self) -> Any:
        try:
            yield from range(1000)
        finally:
            self.log.append("closed")
            if self.error is not None:
                raise self.error


def fails(item: int) -> Any:
    if item == 3:
        raise KeyError(item)
    return item


def test_c4_an_iterator_is_closed_when_its_reader_leaves():
    """C4: before the run is over."""
    source = Source()
    assert run(_last(flow(source) | ops.take(3))) == 2
    assert source.log == ["closed"]


def test_e1_an_iterator_is_closed_when_the_run_fails():
    """E1: `finally` had not run when `start()` had raised."""
    source = Source()
    with pytest.raises(KeyError) as caught:
        (flow(source) | ops.map(fails) | ForEach(str)).workflow.start()
    assert source.log == ["closed"]
    assert failures(caught.value) == ()


def test_e2_what_the_clean_up_of_an_iterator_raises_is_kept():
    """E2: it went to `sys.unraisablehook`."""
    source = Source(ValueError("clean-up"))
    with pytest.raises(KeyError) as caught:
        (flow(source) | ops.map(fails) | ForEach(str)).workflow.start()
    assert failures(caught.value) == (source.error,)


def test_e1_what_the_clean_up_of_an_iterator_raises_alone_fails_the_run():
    """E1: as the clean-up of any stream does."""
    source = Source(ValueError("clean-up"))
    with pytest.raises(ValueError, match="clean-up"):
        (flow(source) | ops.take(3) | ForEach(str)).workflow.start()


def test_an_iterator_that_came_to_its_end_is_closed_too():
    source = Source()
    assert run(_last(flow(source))) == 999
    assert source.log == ["closed"]


def test_a_generator_is_closed_and_a_file_of_the_users_is_not():
    source = Source()
    generator = iter(source)
    assert run(_last(flow(generator) | ops.take(2))) == 1
    assert source.log == ["closed"]
    file = io.StringIO("one\ntwo\n")
    assert run(_last(flow(file) | ops.take(1))) == "one\n"
    assert not file.closed


def test_c4_an_iterator_in_a_thread_is_closed_when_its_reader_leaves():
    """C4: on that thread, and the run waits for it."""
    source = Source()
    (flow(source, threaded=True) | ops.take(3) | ForEach(str)).workflow.start()
    assert source.log == ["closed"]


def test_e2_what_the_clean_up_of_an_iterator_in_a_thread_raises_is_kept():
    """E2."""
    source = Source(ValueError("clean-up"))
    with pytest.raises(KeyError) as caught:
        (flow(source, threaded=True, capacity=1) | ops.map(fails) | ForEach(str)).workflow.start()
    assert failures(caught.value) == (source.error,)


def test_e1_what_the_clean_up_of_an_iterator_in_a_thread_raises_alone_fails_the_run():
    """E1."""
    source = Source(ValueError("clean-up"))
    flowing = flow(source, threaded=True, capacity=1) | ops.take(3) | ForEach(str)
    with pytest.raises(ValueError, match="clean-up") as caught:
        flowing.workflow.start()
    assert caught.value.__notes__ == ["mimo_rx: raised in step 'Source'"]


async def _last(items: Any) -> Any:
    return await items
