"""Helpers of tests with several threads."""

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from mimo_rx import Workflow


@pytest.fixture
def impatient() -> Iterator[None]:
    """Make the interpreter switch threads as often as it can, and check that no thread failed."""
    failed: list[Any] = []
    before, hook = sys.getswitchinterval(), threading.excepthook
    sys.setswitchinterval(1e-6)
    threading.excepthook = failed.append
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        threading.excepthook = hook
    told = "".join("".join(traceback.format_exception(each.exc_value)) for each in failed)
    assert not failed, told


def really(workflow: Workflow) -> Any:
    """Run on a loop of the usual kind."""

    async def main() -> Any:
        async with asyncio.timeout(20):
            return await workflow.run()

    return asyncio.run(main())
