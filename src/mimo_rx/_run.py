"""One run of a plan on asyncio: a task for each stream, and the end of them all."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from ._bridge import Bridge, NodeRun
from ._errors import DownstreamClosed, InputClosed, StreamCancelled
from ._failure import add_note, gather, operator_note, step_note
from ._output import Link
from ._plan import ENVIRONMENT, Node, Plan, PortRef
from ._port import Inputs, Outputs
from ._process import BREATH, Process
from ._pushed import Pushed
from ._runtime import PROCESS, Environment, StreamProcess
from ._source import pump
from ._sources import SourceStream
from ._statistics import EdgeStatistics, Statistics
from ._waits import Wait, Waits

__all__ = ["Run"]

_log = logging.getLogger("mimo_rx")


class Run:
    """One run of a plan.

    Args:
        plan: What to run.
        shutdown_timeout: Seconds to wait at the end for threads, and for streams that do not let
            themselves be cancelled.
        attended: Whether somebody works with its ports; otherwise the workflow's inputs are closed
            and its outputs discard.
        workflows: The blueprints of `plan`, to tell its own ports from those of others.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        shutdown_timeout: float,
        attended: bool = False,
        workflows: frozenset[int] = frozenset(),
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.plan = plan
        self.workflows = workflows
        self.stopping = False
        self.failure: BaseException | None = None
        self.on_stop: Callable[[], None] | None = None
        """Called once when the run fails or is cancelled."""
        self._shutdown_timeout = shutdown_timeout
        self._attended = attended
        self._further: list[tuple[str, BaseException]] = []
        self._joiners: list[asyncio.Future[None]] = []
        self._live = 0
        self._threads: dict[threading.Thread, str] = {}
        self._done = False
        self._timer: asyncio.TimerHandle | None = None
        self._edges: list[tuple[str, str, Link]] = []
        pushed = Pushed(self.loop)
        self.processes = [StreamProcess(self, step, pushed) for step in plan.steps]
        self.environment = Environment(self, pushed)
        self.bridge = Bridge(self.loop, self)
        self._wire()

    # Making

    def _process(self, number: int) -> Process:
        return self.environment if number == ENVIRONMENT else self.processes[number]

    def _label(self, port: PortRef) -> str:
        if port.step == ENVIRONMENT:
            return port.port
        return f"{self.plan.steps[port.step].path}.{port.port}"

    def _wire(self) -> None:
        for process in self.processes:
            for name, items in process.step.seeds.items():
                for item in items:
                    process.ins[name].buffer.put(item)
        links: dict[PortRef, list[Link]] = {}
        reads: list[tuple[NodeRun, PortRef]] = []
        for source, target in self.plan.edges:
            discarded = target.step == ENVIRONMENT and not self._attended
            buffer = None if discarded else self._process(target.step).ins[target.port].buffer
            if isinstance(source, Node):
                reads.append((self.bridge.read(source, buffer), target))
            elif buffer is not None:
                link = Link.to(buffer)
                links.setdefault(source, []).append(link)
                self._edges.append((self._label(source), self._label(target), link))
        for port, edges in self.bridge.links.items():
            links.setdefault(port, []).extend(edges)
        self.bridge.connect()
        self._name_edges(reads)
        self._count_unbounded(links)
        for port, edges in links.items():
            self._process(port.step).outs[port.port].link(edges)

    def _name_edges(self, reads: list[tuple[NodeRun, PortRef]]) -> None:
        for run, target in reads:
            run.targets.append(self._label(target))
            for source, link in run.links():
                self._edges.append((self._label(source), self._label(target), link))

    def _count_unbounded(self, links: dict[PortRef, list[Link]]) -> None:
        """Mark the outputs whose pushes no bound of a buffer keeps in check (P12)."""
        bounds: dict[Process, list[int]] = {}
        for port, edges in links.items():
            process = self._process(port.step)
            output = process.outs[port.port]
            own = [edge.buffer for edge in edges if edge.buffer is not None]
            bounds.setdefault(process, []).append(
                min((buffer.threshold for buffer in own), default=BREATH)
            )
            output.counted = any(buffer.process is process for buffer in own)
        for process, thresholds in bounds.items():
            if sum(thresholds) > max(BREATH, *thresholds):
                for output in process.outs.values():
                    output.counted = True

    # Running

    def start(self) -> None:
        """Let the operators subscribe and the streams begin."""
        if not self._attended:
            self.environment.leave()
        self.bridge.start()
        for process in self.processes:
            context = contextvars.copy_context()
            context.run(PROCESS.set, process)
            task = self.loop.create_task(
                self._main(process), name=f"mimo_rx {process.path}", context=context
            )
            process.task = task
            self._live += 1
            task.add_done_callback(partial(self._task_done, process))
        if self.stopping:
            self._cancel_tasks()
        self._look()

    async def _main(self, process: StreamProcess) -> None:
        error: BaseException | None = None
        try:
            await self._coroutine(process)
        except BaseException as raised:
            error = raised
        self._ended(process, error)

    def _coroutine(self, process: StreamProcess) -> Coroutine[Any, Any, Any]:
        stream = process.step.stream
        if isinstance(stream, SourceStream) and stream.needs_pump:
            return pump(stream, process.outs["item"], self._thread)
        where = f"step {process.path!r}"
        ins = Inputs(where, "input", process.ins.items())
        outs = Outputs(where, "output", process.outs.items())
        return stream.main(ins, outs, stream.new_state())

    def _ended(self, process: StreamProcess, error: BaseException | None) -> None:
        """Sort out how a stream ended, and draw the consequences."""
        if error is None or self._is_quiet(process, error):
            quiet = process.told or process.dismissed
            process.finish("downstream" if quiet else "returned")
        elif self.stopping and isinstance(error, asyncio.CancelledError | DownstreamClosed):
            process.finish("cancelled")
        else:
            hint = ""
            if isinstance(error, asyncio.CancelledError):
                cancelled = error
                error = StreamCancelled(
                    f"step {process.path!r} ended with a CancelledError that nobody asked of it"
                )
                error.__cause__ = cancelled
            elif isinstance(error, InputClosed):
                hint = "; `async for item in ins.<name>` ends there by itself"
            self.fail(process.path, error, step_note(process.path, error, hint))
            process.finish("failed")

    def _is_quiet(self, process: StreamProcess, error: BaseException) -> bool:
        """Tell whether `error` only says that nobody reads the stream any more (C4)."""
        if isinstance(error, asyncio.CancelledError):
            return process.dismissed
        if not process.over:
            return False
        if isinstance(error, BaseExceptionGroup):
            return error.split(DownstreamClosed)[1] is None
        return isinstance(error, DownstreamClosed)

    def _task_done(self, process: StreamProcess, task: asyncio.Task[None]) -> None:
        process.finish("cancelled")  # one that was cancelled before its first step
        self._live -= 1
        self._look()

    def _thread(self, work: Callable[[], None], name: str) -> None:
        def target() -> None:
            try:
                work()
            finally:
                try:
                    self.loop.call_soon_threadsafe(self._thread_done, thread)
                except RuntimeError:
                    pass  # the run has left this thread behind, and its loop is closed

        thread = threading.Thread(target=target, name=f"mimo_rx source {name}", daemon=True)
        self._threads[thread] = name
        thread.start()

    def _thread_done(self, thread: threading.Thread) -> None:
        self._threads.pop(thread, None)
        self._look()

    # Failing

    def fail(self, path: str, error: BaseException, note: str) -> None:
        """Take a failure: the first one ends the run, the others are kept with it (E1, E2)."""
        if self._done:
            return
        if self.failure is None:
            add_note(error, note)
            self.failure = error
        elif error is not self.failure:
            self._further.append((path, error))
        self.stop()

    def failed(self, error: BaseException) -> None:
        """Take a failure of delayed work of which nothing more is known."""
        self.fail("an operator", error, operator_note("of a timer", (), error))

    def node_failed(self, node: NodeRun, error: BaseException) -> None:
        """Take the failure of an operator (E3)."""
        links = node.links()
        sources = ", ".join(dict.fromkeys(self._label(port) for port, _ in links)) or "a source"
        targets = ", ".join(node.targets) or "another flow"
        edge = f"{sources} -> {targets}"
        for _, link in links:
            if link.output is not None:
                link.output.stop()
        self.fail(edge, error, operator_note(edge, node.node.operators, error))

    def node_ended(self, node: NodeRun) -> None:
        """Take note that an edge has delivered all that it will."""
        self._look()

    def stop(self) -> None:
        """Cancel every stream; :meth:`join` waits for their clean-up."""
        if self.stopping or self._done:
            return
        self.stopping = True
        self.bridge.close()
        self._cancel_tasks()
        self._arm()
        self.environment.break_off()
        if self.on_stop is not None:
            self.on_stop()
        self._look()

    def _cancel_tasks(self) -> None:
        for process in self.processes:
            if process.task is not None and process.ended is None:
                process.task.cancel()

    # Ending

    def _look(self) -> None:
        """See whether all is over: no stream, no edge under way, no thread (C5)."""
        if self._done or self._live or any(not process.task for process in self.processes):
            return
        if any(not node.ended for node in self.bridge.nodes.values()):
            return
        if self._threads:
            self._arm()
            return
        self._finish()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._shutdown_timeout, self._abandon)

    def _abandon(self) -> None:
        """Leave behind what does not end, and say so (E6)."""
        frames = sys._current_frames()
        for process in self.processes:
            task = process.task
            if task is not None and not task.done():
                where = _last_frame(task.get_stack(limit=1))
                _log.error(
                    "step %r did not let itself be cancelled within %g s and is left behind%s",
                    process.path, self._shutdown_timeout, where,
                )  # fmt: skip
                task._log_destroy_pending = False  # type: ignore[attr-defined] # it was just said
        for thread, name in self._threads.items():
            frame = frames.get(thread.ident or 0)
            where = _last_frame([frame] if frame else [])
            _log.error(
                "the thread of source %r did not end within %g s and is left behind%s",
                name, self._shutdown_timeout, where,
            )  # fmt: skip
        self._finish()

    def _finish(self) -> None:
        if self._done:
            return
        self._done = True
        if self._timer is not None:
            self._timer.cancel()
        self.bridge.close()
        for joiner in self._joiners:
            if not joiner.done():
                joiner.set_result(None)

    async def join(self) -> None:
        """Wait for the end; a cancel meanwhile cancels the run and is raised after it (E4).

        Raises:
            BaseException: What the first stream to fail raised.
            asyncio.CancelledError: The caller was cancelled.
        """
        cancelled: asyncio.CancelledError | None = None
        while not self._done:
            joiner: asyncio.Future[None] = self.loop.create_future()
            self._joiners.append(joiner)
            try:
                await joiner
            except asyncio.CancelledError as error:
                cancelled = error
                self.stop()
        if self.failure is not None:
            gather(self.failure, self._further)
            raise self.failure
        if cancelled is not None:
            raise cancelled

    # Telling

    def statistics(self) -> Statistics:
        """Return the record of now (P11)."""
        return Statistics(
            steps={process.path: process.statistics() for process in self.processes},
            edges=tuple(
                EdgeStatistics(source, target, link.items) for source, target, link in self._edges
            ),
        )

    def waits(self) -> Waits:
        """Return who waits for whom now (W6)."""
        found: list[Wait] = []
        for process in (*self.processes, self.environment):
            path = process.path
            for name, port in process.ins.items():
                if any(not future.done() for future in port.buffer.getters):
                    mine = name if process is self.environment else f"{path}.{name}"
                    sources = tuple(s for s, target, _ in self._edges if target == mine)
                    found.append(Wait(path, name, "pop", sources, len(port.buffer.items)))
            for name, output in process.outs.items():
                if output.waiters:
                    mine = name if process is self.environment else f"{path}.{name}"
                    full = tuple(t for source, t, _ in self._edges if source == mine)
                    depth = max((len(gate.items) for gate in output.gates), default=0)
                    found.append(Wait(path, name, "push", full, depth))
        return Waits(found)


def _last_frame(frames: list[Any]) -> str:
    if not frames:
        return ""
    frame = traceback.extract_stack(frames[-1], limit=1)[-1]
    return f"; it is at {frame.filename}:{frame.lineno} in {frame.name}"
