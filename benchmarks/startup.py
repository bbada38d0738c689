"""How long whole processes take to start, the command line among them."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from benchmarks.measure import Contender, Target

__all__ = ["CONTENDERS"]


def process(arguments: list[str], items: int) -> int:
    """Run a process of this Python to its end, and return its exit code."""
    return subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL).returncode


def imports(modules: str) -> list[str]:
    return ["-c", f"import {modules}"]


PROCESS = partial(Contender, group="startup", expected=lambda items: 0, is_whole=True)

CONTENDERS = (
    PROCESS(
        "import-click-reactivex",
        title='python -c "import click, reactivex"',
        job=partial(process, imports("click, reactivex")),
    ),
    PROCESS(
        "help",
        title="mimo-rx --help",
        job=partial(process, ["-m", "mimo_rx", "--help"]),
        reference="import-click-reactivex",
        target=Target(1.3),
    ),
    PROCESS(
        "import-workflow",
        title='python -c "from mimo_rx import Workflow"',
        job=partial(process, ["-c", "from mimo_rx import Workflow"]),
        reference="import-click-reactivex",
    ),
)
