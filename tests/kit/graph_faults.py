"""Random graphs with one fault each, and what must be true when they have ended."""

import asyncio
import gc
import os
import signal
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest import mock

import async_solipsism
from hypothesis import strategies as st

from graphs import Fault, Graph, Outcome, evaluate, fed, graphs
from helpers import run
from kahn import Item
from mimo_rx import Statistics, StreamCancelled, Workflow
from mimo_rx._ports.buffer import Buffer
from mimo_rx._run import processes
from trials import INPUTS, Injected, Trial, growth_warnings

IN_STREAM = ("raises", "gives up", "expires", "returns", "closes")
OUTSIDE = ("cancel", "timeout", "interrupt")
ERRORS: dict[str, type[BaseException]] = {
    "raises": Injected,
    "operator": Injected,
    "gives up": StreamCancelled,
    "expires": TimeoutError,
    "timeout": TimeoutError,
    "cancel": asyncio.CancelledError,
    "interrupt": KeyboardInterrupt,
}


@st.composite
def faulty_graphs(draw: st.DrawFn) -> tuple[Graph, Fault]:
    """Draw a graph, and a fault at a place and moment that the plain evaluation reaches."""
    graph = draw(graphs())
    outcomes = evaluate(graph)
    kind = draw(st.sampled_from([*IN_STREAM, "operator", *OUTSIDE]))
    node = draw(st.integers(0, len(graph.nodes) - 1))
    place = draw(st.integers(0, 2))
    reads = graph.nodes[node].reads
    if kind in OUTSIDE:
        return graph, Fault(kind, node, place, draw(st.integers(0, 20) | st.integers(20, 300)))
    most = 1
    if kind == "operator" and reads:
        place %= len(reads)
        most = len(fed(reads[place], outcomes))
    elif kind in IN_STREAM:
        most = outcomes[node].commands
    return graph, Fault(kind, node, place, draw(st.integers(1, max(1, most))))


@dataclass
class End:
    """How a run ended; it keeps no reference to the run."""

    error: type[BaseException] | None
    notes: tuple[str, ...]
    statistics: Statistics | None
    warnings: list[str] = field(default_factory=list)


class Bounded(deque[Any]):
    """The items of a buffer; never more than its bound and those that count as over (P3)."""

    buffer: "Callable[[], Buffer | None]"

    def append(self, item: Any) -> None:
        super().append(item)
        self.look()

    def extend(self, items: Iterable[Any]) -> None:
        super().extend(items)
        self.look()

    def look(self) -> None:
        buffer = self.buffer()
        assert buffer is None or len(self) <= buffer.threshold + buffer.over


class WatchedBuffer(Buffer):
    """A buffer that fails as soon as it holds too much."""

    __slots__ = ("__weakref__",)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.items = items = Bounded()
        items.buffer = weakref.ref(self)


# Faults from outside


def after(turns: int, act: Callable[[], object]) -> None:
    """Call `act` after so many turns of the running loop."""
    if turns:
        asyncio.get_running_loop().call_soon(after, turns - 1, act)
    else:
        act()


async def cancelled(workflow: Workflow, turns: int) -> Statistics:
    """Run the workflow in a task that is cancelled."""
    task = asyncio.create_task(workflow.run())
    after(turns, task.cancel)
    return await task


async def timed_out(workflow: Workflow, turns: int) -> Statistics:
    """Run the workflow under a timeout."""
    loop = asyncio.get_running_loop()
    over = False

    def expire() -> None:
        if not over:
            timeout.reschedule(loop.time())

    async with asyncio.timeout(None) as timeout:
        after(turns, expire)
        try:
            return await workflow.run()
        finally:
            over = True


def interrupted(workflow: Workflow, turns: int) -> Statistics:
    """Block in `start()`, on a loop with virtual time, and press Ctrl-C."""
    loop = async_solipsism.EventLoop()
    begin = loop.create_task

    def create_task(*args: Any, **keywords: Any) -> Any:
        loop.create_task = begin
        task = begin(*args, **keywords)
        loop.call_soon(after, turns, partial(press, task))
        return task

    def press(task: asyncio.Task[Any]) -> None:
        if not task.done():
            signal.raise_signal(signal.SIGINT)

    loop.create_task = create_task
    loop.add_signal_handler = mock.Mock(side_effect=NotImplementedError)  # as Windows' loops do
    try:
        with mock.patch.object(asyncio, "new_event_loop", return_value=loop):
            return workflow.start()
    finally:
        del loop.create_task, loop.add_signal_handler
        assert not asyncio.all_tasks(loop)
        assert not [timer for timer in loop._scheduled if not timer.cancelled()]


def execute(workflow: Workflow, fault: Fault) -> End:
    """Run `workflow`, a graph with a fault; keep no reference to what it raises."""
    ways: dict[str, Callable[[], Coroutine[Any, Any, Statistics]]] = {
        "cancel": partial(cancelled, workflow, fault.at),
        "timeout": partial(timed_out, workflow, fault.at),
    }
    watched = mock.patch.object(processes, "Buffer", WatchedBuffer)
    with growth_warnings() as logged, watched:
        try:
            if fault.kind == "interrupt":
                statistics = interrupted(workflow, fault.at)
            else:
                statistics = run(ways.get(fault.kind, workflow.run)())
        except tuple(ERRORS.values()) as error:
            return End(type(error), tuple(getattr(error, "__notes__", ())), None, logged)
        return End(None, (), statistics, logged)


# What must be true


def descriptors() -> int:
    """Return how many files and sockets are open, if the system can tell."""
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0


@contextmanager
def nothing_left(at_once: bool) -> Iterator[None]:
    """Assert that no thread, descriptor, item or unawaited coroutine is left.

    Args:
        at_once: Whether items must be gone without the help of the cycle collector.
    """
    threads, files = set(threading.enumerate()), descriptors()
    alive: weakref.WeakSet[Item] = weakref.WeakSet()
    Item.alive = alive
    gc.freeze()  # to look only at objects that the run made
    gc.disable()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            yield
            assert not at_once or not alive
            gc.collect()
        assert [str(each.message) for each in warned] == []
        assert not alive
        assert set(threading.enumerate()) <= threads
        assert descriptors() == files
    finally:
        Item.alive = None
        gc.enable()
        gc.unfreeze()


def check(trial: Trial, fault: Fault, end: End) -> None:
    """Compare how a run ended with what had to happen."""
    outcomes = evaluate(trial.graph, fault)
    for number, outcome in enumerate(outcomes):
        taken = trial.taken[number]
        assert taken == outcome.taken[: len(taken)]
        if end.error is None and number in trial.graph.sinks():
            assert taken == outcome.taken
        assert trial.finals[number] == trial.begun[number] <= 1
        if end.statistics is not None:
            ended = end.statistics.steps[f"n{number}"].ended
            assert ended in ("returned", "downstream")
            # The run cannot know that a source waits in a clean-up that the source began itself. If
            # its readers leave in that moment, the cancel of C4 interrupts the clean-up.
            if ended == "returned" or trial.graph.nodes[number].reads:
                assert trial.cleaned[number] == trial.finals[number]
    assert len(end.warnings) == len(set(end.warnings))
    check_error(trial, fault, end, must=_comes_about(trial.graph, fault, outcomes[fault.node]))


def _comes_about(graph: Graph, fault: Fault, outcome: Outcome) -> bool:
    """Tell whether nothing can keep a stream from reaching its fault."""
    own = fault.kind in ("raises", "gives up") and fault.node in graph.sinks()
    return own and outcome.commands >= fault.at


def check_error(trial: Trial, fault: Fault, end: End, *, must: bool) -> None:
    """Check the exception of a run, and its notes."""
    if end.error is None:
        assert not must
        return
    assert end.error is ERRORS[fault.kind]
    if fault.kind in IN_STREAM:
        assert end.notes == (f"mimo_rx: raised in step 'n{fault.node}'",)
    elif fault.kind == "operator":
        (note,) = end.notes
        assert note.startswith("mimo_rx: raised on the edge ")
        assert f" -> n{fault.node}.{INPUTS[fault.place]}, in operator " in note
        assert "map(fail_at_last), by failing.<locals>.fail_at_last (" in note
    else:
        assert all("was cancelled while these waited:" in note for note in end.notes)
        assert len(end.notes) <= 1
