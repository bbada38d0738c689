"""Workflows: graphs of steps, as blueprints that any number of runs share.

Rules: W1, W4, W5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .._blueprint.engine_protocol import engine
from .._blueprint.factory import refuse_uncalled
from .._blueprint.graph import Graph, at_least, checked_threshold
from .._blueprint.operand import language
from .._blueprint.provisional import all_or_nothing
from .._blueprint.step import Port, Step, WorkflowPorts
from .._blueprint.stream import Stream
from .._errors import WiringError

if TYPE_CHECKING:
    from .._blueprint.restart import Restart
    from .._statistics import Statistics
    from .findings import Finding

__all__ = ["Workflow"]


class Workflow(Stream):
    """A graph of steps, which is itself a stream and nests.

    Running does not change it. It can run again, and twice at once. A run sees the workflow as it
    was when the run began.

    Args:
        ins: Names of the inputs of the workflow itself.
        outs: Names of its outputs.
        name: Its name, by default that of its class.
        threshold: Bound of each input buffer of its own steps, in items, at least 1.
        growth_limit: Number of items up to which a full buffer may grow to end an artificial
            deadlock; 0 for never, None for 64 times the threshold, at least 10,000. Past the limit,
            a run whose streams wait for each other fails with ``DeadlockError``.

    Raises:
        ValueError: A threshold or limit is out of its range.
        WiringError: A port name is no identifier or stands twice on one side.

    Example:
        >>> from reactivex import operators as ops
        >>> async def show(ins, outs, state):
        ...     async for item in ins.item:
        ...         print(item)
        >>> workflow = Workflow(threshold=10)
        >>> shower = workflow.add_stream(Stream(["item"], fn=show))
        >>> range(3) | shower
        <step 'show' (item) -> ()>
        >>> workflow.steps
        mappingproxy({'show': <step 'show' (item) -> ()>})
    """

    _nests = True

    def __init__(
        self,
        ins: Iterable[str] = (),
        outs: Iterable[str] = (),
        *,
        name: str | None = None,
        threshold: int = 100,
        growth_limit: int | None = None,
    ) -> None:
        given: object = ins
        if isinstance(given, int):
            raise ValueError(
                f"ins of a workflow must be a list of names, got {ins!r}; did you mean "
                f"threshold={ins!r}"
            )
        super().__init__(ins, outs, name=name)
        self._threshold = checked_threshold(threshold)
        self._growth_limit = (
            None if growth_limit is None else at_least(0, "growth_limit", growth_limit)
        )
        self.graph = Graph(self)
        """Its steps and links, for the language and for engines."""

    if not TYPE_CHECKING:  # else type checkers would accept every name as an attribute

        def __getattr__(self, name: str) -> Any:
            if name == "graph":
                raise WiringError(
                    f"workflow {type(self).__name__!r} is not initialised; "
                    "call super().__init__() in its __init__"
                )
            raise AttributeError(f"workflow {self.name!r} has no attribute {name!r}")

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "run" in vars(cls):
            raise TypeError(
                f"{cls.__name__} overrides run, which runs the whole workflow; put that code into "
                "a Stream and add it"
            )

    @property
    def threshold(self) -> int:
        """Bound of each input buffer of its own steps, in items."""
        return self._threshold

    @property
    def growth_limit(self) -> int | None:
        """Number of items up to which a full buffer may grow to end an artificial deadlock."""
        return self._growth_limit

    @property
    def ins(self) -> WorkflowPorts:
        """Names of its inputs; ``workflow.ins.a`` is the port to read inside."""
        return WorkflowPorts(self, "input", super().ins)

    @property
    def outs(self) -> WorkflowPorts:
        """Names of its outputs; ``workflow.outs.b`` is the port to lead into inside."""
        return WorkflowPorts(self, "output", super().outs)

    @property
    def steps(self) -> Mapping[str, Step]:
        """Its steps by name, in the order in which they were added."""
        return MappingProxyType(self.graph.steps)

    def add_stream(
        self,
        stream: Stream,
        *,
        name: str | None = None,
        threshold: int | None = None,
        restart: Restart | None = None,
    ) -> Step:
        """Add a stream as a new step.

        Args:
            stream: The stream; a workflow nests. A stream that is added twice is two steps.
            name: Name of the step, by default the stream's. A name that is taken is made unique
                (``parse``, ``parse-2``), and ``/`` in it becomes ``-``.
            threshold: Bound of each of its input buffers, in items, by default the workflow's.
            restart: When the stream is started again after it has raised; by default never.

        Returns:
            The step.

        Raises:
            WiringError: `stream` is no stream, has nothing to run, or contains this workflow;
                `restart` is no ``Restart``, or is given for a workflow (its own steps take one).
            ValueError: `threshold` is out of its range.

        Example:
            >>> async def parse(ins, outs, state):
            ...     pass
            >>> workflow, stream = Workflow(), Stream(fn=parse)
            >>> [workflow.add_stream(stream).name for _ in range(2)]
            ['parse', 'parse-2']
        """
        return self.graph.add(stream, name, _bound(threshold), restart)

    def connect_workflow_input(
        self,
        step: Step | Stream,
        *,
        workflow_input: str | None = None,
        step_input: str | None = None,
    ) -> Step:
        """Lead an input of the workflow itself into a step: ``workflow.ins.a | step``.

        Args:
            step: The step, or a stream to be added.
            workflow_input: Name of the input; may be left out where there is one.
            step_input: Name of the step's input; may be left out where there is one.

        Returns:
            The step.

        Raises:
            WiringError: A name is left out although there is not exactly one, or the two are
                connected already.
            UnknownPort: A name is not that of a port.
        """
        source = self.ins[_only(f"workflow {self.name!r}", "input", self.ins, workflow_input)]
        made: Step = language().connect(source, step, step_input)
        return made

    def connect_workflow_output(
        self,
        step: Step | Stream,
        *,
        workflow_output: str | None = None,
        step_output: str | None = None,
    ) -> Step:
        """Lead a step into an output of the workflow itself: ``step | workflow.outs.b``.

        Args:
            step: The step, or a stream to be added.
            workflow_output: Name of the output; may be left out where there is one.
            step_output: Name of the step's output; may be left out where there is one main output.

        Returns:
            The step.

        Raises:
            WiringError: A name is left out although there is not exactly one, or the two are
                connected already.
            UnknownPort: A name is not that of a port.
        """
        name = _only(f"workflow {self.name!r}", "output", self.outs, workflow_output)
        refuse_uncalled(step)
        with all_or_nothing():
            language().met([self.outs[name], step])
            found = self.graph.step_of(step)
            language().connect(Port(found, found.output_name(step_output)), self.outs[name], None)
        return found

    def start(self, *, threshold: int | None = None, shutdown_timeout: float = 5.0) -> Statistics:
        """Run to the end and block until then.

        Args:
            threshold: Bound of every buffer of this run, in items, at least 1, in place of those
                that the blueprint says.
            shutdown_timeout: Seconds to wait at the end for threads, and for streams that do not
                let themselves be cancelled.

        Returns:
            The statistics of the run.

        Raises:
            ValueError: `threshold` is out of its range.
            RuntimeError: A loop is running in this thread; await :meth:`run` there.
            KeyboardInterrupt: Ctrl-C was pressed; the streams have cleaned up.
            SystemExit: The same after SIGTERM (code 143) or SIGHUP (code 129), unless the program
                handles or ignores that signal.
            Exception: Whatever the first stream that failed has raised.
        """
        return engine().start(self, threshold=_bound(threshold), shutdown_timeout=shutdown_timeout)

    async def run(  # type: ignore[override] # a workflow is run from outside, not by an engine
        self, *, threshold: int | None = None, shutdown_timeout: float = 5.0
    ) -> Statistics:
        """Run to the end in the running loop.

        Args:
            threshold: Bound of every buffer of this run, in items, at least 1, in place of those
                that the blueprint says.
            shutdown_timeout: Seconds to wait at the end for threads, and for streams that do not
                let themselves be cancelled.

        Returns:
            The statistics of the run.

        Raises:
            ValueError: `threshold` is out of its range.
            Exception: Whatever the first stream that failed has raised.
        """
        return await engine().run(
            self, threshold=_bound(threshold), shutdown_timeout=shutdown_timeout
        )

    def open(
        self, *, threshold: int | None = None, shutdown_timeout: float = 5.0
    ) -> AbstractAsyncContextManager[Any]:
        """Return the context manager of a run to work with.

        The block begins when every stream has begun and every outside source is subscribed. A
        source that delivers inside its own ``subscribe`` is waited for until it finds no room, half
        a second at most.

        Args:
            threshold: Bound of every buffer of this run, in items, at least 1, in place of those
                that the blueprint says.
            shutdown_timeout: Seconds to wait at the end for threads, and for streams that do not
                let themselves be cancelled.

        Raises:
            ValueError: `threshold` is out of its range.
        """
        return engine().open(self, threshold=_bound(threshold), shutdown_timeout=shutdown_timeout)

    def check(self) -> tuple[Finding, ...]:
        """Return what looks wrong in it, without running anything.

        Each finding has a code: ``unfed-input``, ``unread-output``, ``unread-workflow-input``,
        ``unfed-workflow-output``, ``dead-end-flow``, ``outside-observable``, ``feeds-itself``,
        ``unmarked-ring``, ``holding-operator`` or ``uneven-join``. ``docs/findings.md`` says what
        each means and what to do.
        """
        from .findings import check

        return check(self)

    def check_runnable(self) -> None:
        """Accept it: it runs its steps, which were checked when they were added."""

    def __str__(self) -> str:
        """Return it as a DOT graph."""
        from .draw import to_dot

        return to_dot(self)


def _bound(threshold: int | None) -> int | None:
    return None if threshold is None else checked_threshold(threshold)


def _only(where: str, side: str, names: tuple[str, ...], name: str | None) -> str:
    if name is not None:
        return name
    if len(names) == 1:
        return next(iter(names))
    if not names:
        raise WiringError(f"{where} has no {side}")
    listed = ", ".join(map(repr, names))
    raise WiringError(f"{where} has several {side}s, {listed}; name one of them, workflow_{side}=")
