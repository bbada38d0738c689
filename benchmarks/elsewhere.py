"""Run the turns of peers with a runtime of their own in separate processes.

Each process is started once, and imports the peer before its first turn, so neither counts. Then
each turn is one line of JSON in and one line out. The clock and the garbage collector are handled
as in the main process, because both call `Contender.turn`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.measure import Contender

__all__ = ["Elsewhere", "Room", "main"]

ROOT = Path(__file__).resolve().parents[1]


class Elsewhere(RuntimeError):
    """The process of a peer failed to do what it was asked for; the message says why."""


class Room:
    """The processes of the peers, each started when it is first needed.

    Use it as a context manager, which ends them.
    """

    def __init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Room:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in self._processes.values():
            process.communicate()  # this closes its stdin, which ends it
        self._processes.clear()

    def begin(self, peer: str) -> None:
        """Start the process of `peer`, if it is not running yet.

        Raises:
            Elsewhere: The peer cannot be imported.
        """
        if peer in self._processes:
            return
        self._processes[peer] = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.elsewhere", peer],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._answer(peer)

    def take(self, case: str, contender: Contender, items: int) -> float:
        """Let `contender` take a turn here, or in its own process if it has one."""
        if not contender.is_elsewhere or contender.peer is None:
            return contender.turn(items)
        self.begin(contender.peer)
        stdin = self._processes[contender.peer].stdin
        assert stdin is not None
        stdin.write(json.dumps([case, contender.key, items]) + "\n")
        stdin.flush()
        return float(self._answer(contender.peer))

    def _answer(self, peer: str) -> Any:
        process = self._processes[peer]
        assert process.stdout is not None
        line = process.stdout.readline()
        answer = json.loads(line) if line else {"error": f"ended with {process.wait()}"}
        if "error" in answer:
            raise Elsewhere(answer["error"])
        return answer["figure"]


def main(peer: str) -> None:
    """Take a turn for each line on stdin."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # the output of a peer goes to stderr, so that it does not mix with answers

    def answer(**what: Any) -> None:
        print(json.dumps(what), file=answers, flush=True)

    try:
        import_module(peer)
    except Exception as error:
        answer(error=f"{type(error).__name__}: {error}")
        return
    from benchmarks.cases import CASES

    answer(figure=0)
    for line in sys.stdin:
        name, key, items = json.loads(line)
        (contender,) = (each for each in CASES[name].contenders if each.key == key)
        try:
            answer(figure=contender.turn(items))
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(sys.argv[1])
