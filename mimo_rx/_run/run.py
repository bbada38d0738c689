"""One run of a plan on asyncio: its tasks, their failures, and the end of the run.

Rules: C5, E1, E4, E6, E7.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable

from .._bridge.bridge import Bridge
from .._bridge.head import Station
from .._errors import DownstreamClosed, StreamCancelled
from .._life import Event, Life, Phase
from .._notes import (
    add_note,
    carried,
    consists_of,
    gather,
    is_exit,
    operator_note,
    reraise,
    step_note,
    waits_note,
)
from .._plan.plan import ENVIRONMENT, Node, Plan, PortRef
from .._plan.shape import has_circle
from .._ports.buffer import Buffer
from .._ports.edge import Edge
from .._ports.pace import ALLOWANCE
from .._ports.pushed import Pushed
from .._statistics import EdgeStatistics, Statistics
from .deadlock_watch import Watch
from .delivery import Delivery
from .opening import Opening
from .processes import PROCESS, Environment, StreamProcess, log_left_behind, one_turn
from .supervisor import coroutine_of
from .waits import Waits, find_waits, waiting_in

__all__ = ["Run"]


class Run:
    """One run of a plan.

    Args:
        plan: What to run.
        shutdown_timeout: Seconds to wait at the end for threads, and for streams that do not let
            themselves be cancelled.
        attended: Whether the caller works with its ports; otherwise the workflow's inputs are
            closed and its outputs discard.
        workflows: The ids of the blueprints in `plan`, to tell its ports from those of others.
        reads_flow: Whether its caller reads one flow, and gets the items before a failure (R2a).
        delivery: The subscriber to call with these items, in place of a buffer.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        shutdown_timeout: float,
        attended: bool = False,
        workflows: frozenset[int] = frozenset(),
        reads_flow: bool = False,
        delivery: Delivery | None = None,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.plan = plan
        self.workflows = workflows
        self.reads_flow = reads_flow
        self.delivery = delivery
        if delivery is not None:
            delivery.on_leave = self._left
        self.phase = Phase.RUNS
        """Its state; see :mod:`mimo_rx._life`."""
        self.failure: BaseException | None = None
        self.on_stop: Callable[[], None] | None = None
        """Called once when the run fails or is cancelled."""
        self.opening: Opening | None = None
        """Is told of each stream that begins, if the caller waits for that (W6a)."""
        self._shutdown_timeout = shutdown_timeout
        self._attended = attended
        self._further: list[tuple[str, BaseException]] = []
        self._joiners: list[asyncio.Future[None]] = []
        self._where = ""
        self.threads: dict[threading.Thread, str] = {}
        self._signalled: dict[int, tuple[Exception, StreamProcess]] = {}
        """By its id, each error that an outside source signalled, and the source."""
        self._timer: asyncio.TimerHandle | None = None
        self.edges: list[tuple[str, str, Edge]] = []
        """The ``step.port`` at both ends of each edge, and its near end."""
        self.watch: Watch | None = None
        pushed = Pushed(self.loop)
        self.processes = [StreamProcess(self, step, pushed) for step in plan.steps]
        self._live = set(self.processes)
        self._begun = False
        """Whether all tasks are made. The run cannot end before."""
        self.environment = Environment(self, pushed)
        self.bridge = Bridge(self.loop, self)
        self._wire()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self.phase in (Phase.STOPS, Phase.STOPPED)

    @property
    def over(self) -> bool:
        """Whether everything has ended, except what was left behind (E6)."""
        return self.phase in (Phase.ENDED, Phase.STOPPED)

    # Making

    def _process(self, number: int) -> StreamProcess | Environment:
        return self.environment if number == ENVIRONMENT else self.processes[number]

    def _source_label(self, port: PortRef) -> str:
        return f"{self._process(port.step).as_source}.{port.port}"

    def _target_label(self, port: PortRef) -> str:
        return f"{self._process(port.step).as_target}.{port.port}"

    def _wire(self) -> None:
        for process in self.processes:
            for name, items in process.step.seeds.items():
                for item in items:
                    process.ins[name].buffer.put(item)
        leading: dict[PortRef, list[Edge]] = {}
        reads: list[tuple[Station, PortRef]] = []
        for source, target, feedback in self.plan.edges:
            end = self._end(target)
            if isinstance(source, Node):
                reads.append((self.bridge.read(source, end), target))
            elif end is not None:
                edge = Edge.to(end) if isinstance(end, Buffer) else _edge_to(end)
                edge.feedback = feedback
                leading.setdefault(source, []).append(edge)
                self.edges.append((self._source_label(source), self._target_label(target), edge))
        for port, edges in self.bridge.edges.items():
            leading.setdefault(port, []).extend(edges)
        self.bridge.seal()
        self._name_edges(reads)
        self._name_feeders(reads)
        self._count_unbounded(leading)
        for port, edges in leading.items():
            self._process(port.step).outs[port.port].connect(edges)
        if has_circle(self.plan):
            self.watch = Watch(self)

    def _end(self, target: PortRef) -> Buffer | Delivery | None:
        """Return what an edge into `target` fills; None if nobody reads it."""
        if target.step == ENVIRONMENT and (self.delivery is not None or not self._attended):
            return self.delivery
        return self._process(target.step).ins[target.port].buffer

    def _name_edges(self, reads: list[tuple[Station, PortRef]]) -> None:
        for node, target in reads:
            node.targets.append(self._target_label(target))
            for source, edge in node.edges():
                self.edges.append((self._source_label(source), self._target_label(target), edge))

    def _name_feeders(self, reads: list[tuple[Station, PortRef]]) -> None:
        """Tell the buffers behind operators what feeds them; a direct edge does so itself."""
        for node, target in reads:
            feeders = {source.step for source, _ in node.edges()}
            if len(feeders) == 1:
                buffer = self._process(target.step).ins[target.port].buffer
                buffer.fed_by(self._process(feeders.pop()))

    def _count_unbounded(self, leading: dict[PortRef, list[Edge]]) -> None:
        """Mark the outputs whose pushes are not limited by the bounds of buffers (P12)."""
        bounds: dict[StreamProcess | Environment, list[int]] = {}
        for port, edges in leading.items():
            process = self._process(port.step)
            output = process.outs[port.port]
            own = [edge.buffer for edge in edges if edge.buffer is not None]
            bounds.setdefault(process, []).append(
                min((buffer.threshold for buffer in own), default=output.allowance)
            )
            output.counted = any(buffer.process is process for buffer in own)
        for process, thresholds in bounds.items():
            if sum(thresholds) > max(ALLOWANCE, *thresholds):
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
            process.task = self.loop.create_task(
                self._main(process), name=f"mimo_rx {process.path}", context=context
            )
            process.task.add_done_callback(process.task_done)
        self._begun = True
        if self.stopping:
            self._cancel_tasks()
        self._look()

    async def _main(self, process: StreamProcess) -> None:
        error: BaseException | None = None
        try:
            if process.task is None:
                await asyncio.sleep(0)  # an eager task would begin before the others are made
            await coroutine_of(process)
        except BaseException as raised:
            error = raised
        if isinstance(error, asyncio.CancelledError) and not self.stopping:
            # A loop that is closing cancels all its tasks, in any order. If it cancels the caller
            # too, the caller has stopped the run after one turn.
            await one_turn()
        if not self.over and not self.loop.is_closed():
            self._ended(process, error)
        # Its traceback refers to this frame; the cycle would keep items until a collection.
        error = None

    def _ended(self, process: StreamProcess, error: BaseException | None) -> None:
        """Find out how a stream ended, and act on it."""
        if error is None or self._ended_quietly(process, error):
            process.finish(Event.RETURN)
        elif self.stopping and isinstance(error, asyncio.CancelledError):
            process.finish(Event.CANCEL)
        else:
            if isinstance(error, asyncio.CancelledError):
                cancelled = error
                error = StreamCancelled(
                    f"step {process.path!r} ended with a CancelledError that nobody asked for; "
                    "something that it awaited was cancelled, or it raised the error itself"
                )
                error.__cause__ = cancelled
            if process.supervisor is not None:
                process.supervisor.keep_failures(error)
            self.fail(f"step {process.path!r}", error, step_note(process.path, process.restarts))
            process.finish(Event.FAIL)

    def _ended_quietly(self, process: StreamProcess, error: BaseException) -> bool:
        """Tell whether `error` only says that nobody reads the stream any more (C4)."""
        if isinstance(error, asyncio.CancelledError):
            return process.life is Life.DISMISSED
        return process.life.is_unread and consists_of(error, DownstreamClosed)

    def task_done(self, process: StreamProcess) -> None:
        """Note that the task of `process` is done."""
        # This changes nothing unless the task was cancelled before its first step.
        process.finish(Event.CANCEL)
        if self.opening is not None:
            self.opening.begun(process)
        self._live.discard(process)
        self._look()

    def start_thread(self, work: Callable[[], None], whose: str) -> None:
        """Run `work` in a daemon thread; the run waits for it at its end (E6).

        Args:
            work: What to run; it raises nothing.
            whose: The owner, such as ``step 'read'``, for the log if the thread does not end.
        """

        def target() -> None:
            try:
                work()
            finally:
                try:
                    self.loop.call_soon_threadsafe(self._thread_done, thread)
                except RuntimeError:
                    pass  # the run has left this thread behind, and its loop is closed

        name = "mimo_rx " + whose.replace("'", "")
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()  # raises if the system allows no further thread
        self.threads[thread] = whose

    def _thread_done(self, thread: threading.Thread) -> None:
        self.threads.pop(thread, None)
        thread.join()  # it is about to end
        self._look()

    # Failing

    def fail(self, where: str, error: BaseException, note: str | None) -> None:
        """Take a failure: the first one ends the run, the others are kept with it (E1, E2).

        Args:
            where: The place, such as ``step 'parse'``, for the note about a further failure.
            error: What was raised.
            note: The note for a first failure; None if the error says everything by itself.
        """
        if self.over:
            return
        if isinstance(error, StopIteration):
            error = carried(error)
        if self.failure is None:
            self._fail_with(where, error, note)
        elif is_exit(error) and not is_exit(self.failure):
            # SystemExit and KeyboardInterrupt take precedence, as in a task group (E7).
            self._further.insert(0, (self._where, self.failure))
            self._fail_with(where, error, note)
        else:
            self._further.append((where, error))
        self.stop()

    def _fail_with(self, where: str, error: BaseException, note: str | None) -> None:
        if note is not None:
            add_note(error, note)
        self.failure = error
        self._where = where

    def node_failed(self, node: Station, error: BaseException) -> None:
        """Take the failure of an operator (E3)."""
        origin = self.bridge.origin(node, error)
        edges = origin.edges()
        sources = ", ".join(dict.fromkeys(self._source_label(port) for port, _ in edges))
        targets = ", ".join(origin.targets or node.targets)
        label = f"{sources or 'a source'} -> {targets or 'another flow'}"
        for _, edge in (*edges, *node.edges()):
            if edge.output is not None:
                edge.output.stop()
        if id(error) in self._signalled:
            path = self._signalled[id(error)][1].path
            self.fail(f"step {path!r}", error, step_note(path, 0))
            return
        self.fail(f"the edge {label}", error, operator_note(label, origin.node.operators, error))

    def source_signals(self, process: StreamProcess, error: Exception) -> None:
        """Note that `process` hands `error` to operators; if none answers it, it is its failure."""
        self._signalled[id(error)] = (error, process)

    def node_ended(self, node: Station) -> None:
        """Note that a node has delivered its last item."""
        if self.watch is not None:
            self.watch.arm()
        self._look()

    def stop(self) -> None:
        """Cancel every stream; :meth:`join` waits for their clean-up."""
        if self.stopping:
            return
        self.phase = self.phase.after_stop()
        if self.watch is not None:
            self.watch.disarm()
        if not self.over:
            self.bridge.close()
            self._cancel_tasks()
            self._arm()
        self.environment.break_off()
        if self.delivery is not None:
            self.delivery.stop()
        if self.on_stop is not None:
            self.on_stop()
        self._look()

    def _left(self) -> None:
        """Let no push pass without a round of the loop: the subscriber has gone, maybe inside one.

        So the cancel that is on its way strikes the next push at the latest.
        """
        for _, _, edge in self.edges:
            if edge.output is not None:
                edge.output.stop()

    def _cancel_tasks(self) -> None:
        for process in self.processes:
            # A dismissed stream has been cancelled; a second cancel would interrupt its clean-up.
            cleans_up = process.life is Life.DISMISSED or process.life.has_ended
            if process.task is not None and not cleans_up:
                process.task.cancel()

    # Ending

    def _look(self) -> None:
        """End the run if no stream, no edge under way and no thread is left (C5)."""
        if self.over or not self._begun:
            return
        dismissed = all(process.life is Life.DISMISSED for process in self._live)
        if not self.stopping and not dismissed:
            return
        if any(not node.ended for node in self.bridge.nodes.values()):
            return
        if self._live or self.threads:
            self._arm()  # they have been asked to end (E6)
        else:
            self._finish()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self._shutdown_timeout, self._abandon)

    def _abandon(self) -> None:
        """Leave behind what does not end, and log it (E6)."""
        left = [process for process in self.processes if process in self._live]
        log_left_behind(left, self.threads, self._shutdown_timeout)
        self._finish()

    def _finish(self) -> None:
        if self.over:
            return
        self.phase = self.phase.after_end()
        if self._timer is not None:
            self._timer.cancel()
        if self.watch is not None:
            self.watch.disarm()
        self.bridge.close()
        for joiner in self._joiners:
            if not joiner.done():
                joiner.set_result(None)

    def note_waits(self, error: asyncio.CancelledError) -> None:
        """Add a note of who waits for whom to a cancel, unless the run is stopping anyway (D4)."""
        if not self.stopping and (waits := self.waits()):
            add_note(error, waits_note(self.plan.name, waits))

    async def join(self) -> None:
        """Wait for the end; a cancel meanwhile cancels the run and is raised after it (E4).

        Raises:
            BaseException: What the first stream to fail raised.
            asyncio.CancelledError: The caller was cancelled.
        """
        cancelled: asyncio.CancelledError | None = None
        while not self.over:
            joiner: asyncio.Future[None] = self.loop.create_future()
            self._joiners.append(joiner)
            try:
                await joiner
            except asyncio.CancelledError as error:
                cancelled = error
                self.note_waits(error)
                self.stop()
            finally:
                self._joiners.remove(joiner)  # anyio cancels again at every turn of the loop
        if self.failure is not None:
            gather(self.failure, self._further)
            reraise(self.failure)
        if cancelled is not None:
            raise cancelled

    # Telling

    def statistics(self) -> Statistics:
        """Return the statistics as of now (P11)."""
        return Statistics(
            steps={process.path: process.statistics() for process in self.processes},
            edges=tuple(
                EdgeStatistics(source, target, edge.items, edge.drops)
                for source, target, edge in self.edges
            ),
        )

    def waits(self) -> Waits:
        """Return who waits for whom now (W6)."""
        everybody: list[StreamProcess | Environment] = [*self.processes, self.environment]
        those = (waiting for each in everybody if (waiting := waiting_in(each)))
        return find_waits(those, self.edges, self.bridge.holds)


def _edge_to(delivery: Delivery) -> Edge:
    """Make an edge that leads straight to a subscriber."""
    edge = Edge((), delivery.put, delivery.producer_closed)
    delivery.add()
    return edge
