"""The event loops with a wall clock on which runs are tested, beside that of `helpers`."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def _eager() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    if sys.version_info >= (3, 12):
        loop.set_task_factory(asyncio.eager_task_factory)
    return loop


def _debugging() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_debug(True)
    return loop


def _uvloop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


LOOPS = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(_debugging, id="debug mode"),
    pytest.param(
        _eager,
        id="eager tasks",
        marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="they came with Python 3.12"),
    ),
    pytest.param(
        _uvloop,
        id="uvloop",
        marks=pytest.mark.skipif(sys.platform == "win32", reason="there is none for Windows"),
    ),
]


@contextlib.contextmanager
def checked(make: Callable[[], asyncio.AbstractEventLoop]) -> Iterator[asyncio.Runner]:
    """Yield a runner; check at the end that no task is left and nothing was reported."""
    reports: list[Any] = []
    with asyncio.Runner(loop_factory=make) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(lambda _, context: reports.append(context))
        yield runner
        assert not asyncio.all_tasks(loop)
    assert not reports


def run_on(make: Callable[[], asyncio.AbstractEventLoop], main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a loop of that kind."""
    with checked(make) as runner:
        return runner.run(main)
