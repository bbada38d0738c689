"""The processes of a run: one for each stream, and one for the caller of the run.

Rules: C6.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol

from .._errors import DownstreamClosed, MimoError, StreamCancelled
from .._life import Event, Life
from .._notes import place_of_coroutine, place_of_thread
from .._plan.plan import Plan, PlannedStep
from .._ports.buffer import Buffer
from .._ports.input import Input
from .._ports.output import Output
from .._ports.pace import ALLOWANCE, Watches
from .._ports.process import Process
from .._ports.pushed import Pushed
from .._statistics import Ended, InputStatistics, StepStatistics
from .opening import Opening

__all__ = ["PROCESS", "Environment", "Runner", "StreamProcess", "log_left_behind", "one_turn"]

_log = logging.getLogger("mimo_rx")


class Runner(Protocol):
    """The run, as its processes see it."""

    loop: asyncio.AbstractEventLoop
    plan: Plan
    workflows: frozenset[int]
    reads_flow: bool
    failure: BaseException | None
    opening: Opening | None

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""

    @property
    def over(self) -> bool:
        """Whether the run is over."""

    @property
    def watch(self) -> Watches | None:
        """The watch to notify when a wait begins or a stream ends."""

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Run `work` in a daemon thread; the run waits for it at its end (E6)."""

    def task_done(self, process: StreamProcess) -> None:
        """Note that the task of `process` is done."""

    def source_signals(self, process: StreamProcess, error: Exception) -> None:
        """Note that the outside source `process` hands `error` to the operators behind it."""


class Restarts(Protocol):
    """The supervisor of a stream, as its process sees it."""

    restarts: int

    def end_wait(self) -> None:
        """End the wait for a restart: nobody reads the stream any more (C4)."""

    def keep_failures(self, error: BaseException) -> None:
        """Attach the stream's earlier exceptions to the one that it fails with."""


class StreamProcess(Process):
    """One stream in one run.

    Args:
        run: The run.
        step: The plan's step.
        pushed: What a push returns if there was room.
    """

    def __init__(self, run: Runner, step: PlannedStep, pushed: Pushed) -> None:
        super().__init__(step.path, run.loop, pushed)
        self.run = run
        self.step = step
        self.task: asyncio.Task[None] | None = None
        self.supervisor: Restarts | None = None
        """Starts it again, if its step has a `Restart`."""
        self._began = run.loop.time()
        self._ended_at: float | None = None
        add_inputs(self, step.stream.ins, step.threshold)
        side = step.stream.side
        add_outputs(self, step.stream.outs, side)

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Run `work` in a daemon thread; the run waits for it at its end (E6)."""
        self.run.start_thread(work, whose)

    def task_done(self, task: asyncio.Task[None]) -> None:
        """Tell the run that the task is done."""
        self.run.task_done(self)

    def edge_cancelled(self, output: Output[Any]) -> None:
        """Check whether anybody still reads it, unless the whole run is stopping."""
        if not self.run.stopping:
            super().edge_cancelled(output)

    def end_over(self) -> None:
        """Declare the stream over; if nothing feeds it and it waits elsewhere, cancel it there."""
        fed = any(buffer.fan_in for buffer in buffers(self))
        super().end_over()
        if self.supervisor is not None:
            self.supervisor.end_wait()
        if not fed and not self.life.has_ended:
            # Not at once: the stream may be inside the push that ended its last edge, or wait in a
            # push that is about to raise.
            self.loop.call_soon(self._dismiss)

    def _dismiss(self) -> None:
        # A stream that was told, or cancelled, may be cleaning up by now.
        if self.task is not None and self.life is Life.UNREAD and not self.run.stopping:
            self.life = self.life.after(Event.DISMISS)
            self.task.cancel()

    @property
    def ended(self) -> Ended | None:
        """How the stream ended; None while it has not."""
        ended: Any = self.life.value if self.life.has_ended else None
        return ended  # type: ignore[no-any-return]

    def finish(self, event: Event) -> None:
        """Note how the stream ended, close its outputs if it returned, and close its inputs.

        Args:
            event: ``RETURN``, ``CANCEL`` or ``FAIL``.
        """
        if self.life.has_ended:
            return
        self.life = self.life.after(event)
        self._ended_at = self.loop.time()
        if self.life in (Life.RETURNED, Life.DOWNSTREAM):
            for output in self.outs.values():
                output.close()
        else:
            # The outputs never close (C6), but a helper task that outlives the stream must not
            # push any more.
            for output in self.outs.values():
                output.end_over()
        for port in self.ins.values():
            port.close()
        if self.run.watch is not None:
            self.run.watch.arm()  # a ring closes when the last producer outside of it ends

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return 0 if self.supervisor is None else self.supervisor.restarts

    def statistics(self) -> StepStatistics:
        """Return the statistics as of now."""
        until = self.loop.time() if self._ended_at is None else self._ended_at
        life = until - self._began
        starved = min(1.0, self.starved.seconds() / life) if life > 0 else 0.0
        pressed = min(1.0 - starved, self.backpressured.seconds() / life) if life > 0 else 0.0
        return StepStatistics(
            items_in=sum(buffer.taken for buffer in buffers(self)),
            items_out=sum(output.count for output in self.outs.values()),
            busy=1.0 - starved - pressed,
            starved=starved,
            backpressured=pressed,
            seconds=life,
            restarts=self.restarts,
            ended=self.ended,
            inputs={
                name: InputStatistics(
                    depth=len(port.buffer.items),
                    peak=port.buffer.peak,
                    threshold=port.buffer.threshold - port.buffer.growth,
                    growth=port.buffer.growth,
                    over=port.buffer.over,
                )
                for name, port in self.ins.items()
            },
        )


class Environment(Process):
    """The caller of the run: its outputs feed the workflow's inputs, its inputs read the outputs.

    Args:
        run: The run.
        pushed: What a push returns if there was room.
    """

    def __init__(self, run: Runner, pushed: Pushed) -> None:
        super().__init__(f"the caller of {run.plan.name}", run.loop, pushed)
        self.as_source, self.as_target = "ins", "outs"  # as in `run.ins.a` and `run.outs.b`
        self._run = run
        add_inputs(self, run.plan.outs, run.plan.threshold)
        add_outputs(self, run.plan.ins, ())

    def where(self, side: str, name: str) -> str:
        """Return the name of a port in errors; for the caller, input and output are swapped."""
        turned = "input" if side == "output" else "output"
        return f"{turned} {name!r} of workflow {self._run.plan.name!r}"

    def iteration(self, name: str) -> str:
        """Return the code with which the caller iterates over one of its inputs."""
        return f"async for item in run.outs.{name}"

    def edge_cancelled(self, output: Output[Any]) -> None:
        """Refuse pushes to an input of the workflow that nobody reads any more."""
        if not output.edges and not self._run.stopping:
            output.end_over()

    def downstream_closed(self, port: str | None = None) -> MimoError:
        """Return the error that a push or pop of the caller raises."""
        name = self._run.plan.name
        if self._run.stopping:
            self.life = self.life.after(Event.TELL)
            how = "was cancelled" if self._run.failure is None else "has failed"
            error = StreamCancelled(f"the run of workflow {name!r} {how}")
            error.__cause__ = self._run.failure
            return error
        return DownstreamClosed(f"nobody reads input {port!r} of workflow {name!r} any more")

    def leave(self) -> None:
        """Close all ports: the caller pushes and pops no more."""
        for output in self.outs.values():
            output.close()
        for port in self.ins.values():
            port.close()

    def break_off(self) -> None:
        """Make the caller's pushes and pops raise from now on, also those that wait.

        The reader of one flow first gets what was delivered before a failure (R2a).
        """
        self.life = self.life.after(Event.LEFT)
        for output in self.outs.values():
            output.end_over()
        keeps = self._run.reads_flow and self._run.failure is not None
        for port in self.ins.values():
            kept = tuple(port.buffer.items) if keeps else ()
            port.end_over()
            port.buffer.items.extend(kept)
            port.buffer.lost -= len(kept)


PROCESS: ContextVar[StreamProcess | None] = ContextVar("mimo_rx_process", default=None)
"""The stream that the current task belongs to."""


def add_inputs(process: Process, names: tuple[str, ...], threshold: int) -> None:
    """Give `process` its inputs; its pops share the allowance of P12."""
    allowance = max(1, max(ALLOWANCE, threshold) // max(1, len(names)))
    for name in names:
        process.ins[name] = Input(name, Buffer(process, name, threshold, allowance))


def add_outputs(process: Process, names: tuple[str, ...], side: tuple[str, ...]) -> None:
    """Give `process` its outputs; its pushes share the allowance of P12."""
    process.allowance = max(1, ALLOWANCE // max(1, len(names)))
    for name in names:
        process.outs[name] = Output(process, name, side=name in side)


def buffers(process: Process) -> list[Buffer]:
    """Return the buffers of all inputs of `process`."""
    return [port.buffer for port in process.ins.values()]


async def one_turn() -> None:
    """Let the loop go round once, even if the task is cancelled meanwhile."""
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        pass


def log_left_behind(
    processes: Iterable[StreamProcess], threads: Mapping[threading.Thread, str], seconds: float
) -> None:
    """Log the streams and threads that did not end when asked to, and where they are (E6).

    Args:
        processes: The streams.
        threads: The threads, and the owner of each, such as ``step 'read'``.
        seconds: How long the run waited for them.
    """
    for process in processes:
        if process.task is None:
            continue
        _log.error(
            "step %r did not let itself be cancelled within %g s and is left behind; it is at %s",
            process.path,
            seconds,
            place_of_coroutine(process.task.get_coro()),
        )
        process.task._log_destroy_pending = False  # type: ignore[attr-defined] # it was just logged
    frames = sys._current_frames()
    for thread, what in threads.items():
        _log.error(
            "thread %r of %s did not end within %g s and is left behind; it is at %s",
            thread.name,
            what,
            seconds,
            place_of_thread(frames.get(thread.ident or 0)),
        )
