"""Steps and their ports: a step is the place of one stream in a workflow.

Rules: W2, W3, L9b.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from .._errors import UnknownPort, WiringError
from .factory import StreamFactory, refuse_uncalled
from .flow import Flow
from .operand import Operand, language
from .port_names import listed, main_output, one_input
from .provisional import Homes
from .restart import Restart
from .stream import Stream, signature

if TYPE_CHECKING:
    from .._statistics import Statistics
    from .nesting import Workflow

__all__ = ["Port", "Step", "WorkflowInput", "WorkflowOutput", "WorkflowPorts"]


class Step(Flow):
    """One stream's place in a workflow; made by ``Workflow.add_stream`` and by ``|``.

    A step with one main output can stand wherever a flow can. ``step["x"]`` is one of its ports.

    Example:
        >>> from mimo_rx import Stream, Workflow
        >>> async def nothing(ins, outs, state):
        ...     pass
        >>> workflow = Workflow()
        >>> first = workflow.add_stream(Stream(outs=["a", "b"], fn=nothing))
        >>> second = workflow.add_stream(Stream(["x"], fn=nothing))
        >>> first.pipe(second, "a")
        <step 'nothing-2' (x) -> ()>
    """

    is_step: ClassVar[bool] = True
    by_pipe = False
    """Whether a ``|`` added it, so that the stream itself means it."""

    def __init__(
        self,
        workflow: Workflow,
        stream: Stream,
        wanted: str,
        threshold: int | None = None,
        restart: Restart | None = None,
    ) -> None:
        super().__init__(workflow)
        self._stream = stream
        self._name = self.wanted = wanted
        self._threshold = threshold
        self._restart = restart
        self._seeds: dict[str, list[Any]] = {}
        self._settle()

    def _settle(self) -> None:
        if self.by_pipe:
            self.homes_of_stream.add(self)

    @property
    def homes_of_stream(self) -> Homes:
        """The steps that its stream is."""
        homes: Homes | None = self._stream._homes
        if homes is None:
            homes = Homes()
            object.__setattr__(self._stream, "_homes", homes)  # also of a frozen dataclass
        return homes

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._settle()

    @property
    def workflow(self) -> Workflow:
        """The workflow that it belongs to."""
        assert self._workflow is not None
        return self._workflow.graph.workflow

    @property
    def stream(self) -> Stream:
        """The stream that runs here."""
        return self._stream

    @property
    def name(self) -> str:
        """Its name, unique in its workflow: the key of statistics, notes and drawings."""
        return self._name

    @property
    def threshold(self) -> int:
        """Bound of each of its input buffers, in items."""
        return self.workflow.threshold if self._threshold is None else self._threshold

    @property
    def restart(self) -> Restart | None:
        """When it is started again after a failure; None for never."""
        return self._restart

    @property
    def seeds(self) -> dict[str, tuple[Any, ...]]:
        """Items that wait in its inputs when a run starts, by input."""
        return {name: tuple(items) for name, items in self._seeds.items()}

    @property
    def ins(self) -> tuple[str, ...]:
        """Names of its inputs."""
        return self._stream.ins

    @property
    def outs(self) -> tuple[str, ...]:
        """Names of its outputs."""
        return self._stream.outs

    def pipe(
        self,
        *operators: Any,
        output: str | None = None,
        input: str | None = None,
        feedback: bool = False,
    ) -> Any:
        """Lead an output of this step into another step; or apply operators, as any flow does.

        Args:
            *operators: A step (or a stream to be added), then the names of `output` and `input`
                if needed; or operators of Rx.
            output: Name of the output; may be left out where this step has one main output.
            input: Name of the input; may be left out where the other step has one input.
            feedback: Whether the edge closes an intended ring. Such an edge does not keep its input
                open. It closes when all other producers of the input have closed, every stream of
                the ring waits for items, and nothing is under way. Then the ring ends as a chain
                does.

        Returns:
            The step that was led into; a flow where operators were applied.

        Raises:
            WiringError: The output, the input or the step is missing or ambiguous, or the two are
                already connected.
            UnknownPort: There is no port of the given name.

        Example:
            >>> from mimo_rx import Stream, Workflow
            >>> async def nothing(ins, outs, state):
            ...     pass
            >>> workflow = Workflow()
            >>> crawl = workflow.add_stream(Stream(["page"], ["link"], fn=nothing, name="crawl"))
            >>> crawl.pipe(crawl, feedback=True)
            <step 'crawl' (page) -> (link)>
        """
        target = operators[0] if operators else None
        refuse_uncalled(target)
        if not isinstance(feedback, bool):
            raise WiringError(f"feedback of pipe must be True or False, got {feedback!r}")
        named = output is not None or input is not None or feedback
        if not isinstance(target, Operand) or isinstance(target, StreamFactory):
            if named:
                raise WiringError(
                    f"pipe of step {self.name!r} with output, input or feedback leads into a step, "
                    f"got {target!r}"
                )
            return super().pipe(*operators)
        names = (*operators[1:], *(None for _ in range(3 - len(operators))))
        if len(names) > 2 or any(not isinstance(name, str | None) for name in names):
            raise WiringError(
                f"pipe of step {self.name!r} takes one step and two names, or operators alone, "
                f"got {operators!r}; write `step | operator | step`"
            )
        output, input = output or names[0], input or names[1]
        source = Port(self, self.output_name(output))
        return language().connect(source, target, input, feedback=feedback)

    def push(self, item: Any, input: str | None = None) -> None:
        """Seed an input: `item` waits there when a run starts.

        Args:
            item: Any object. Seeds keep their order, and may be more than the threshold.
            input: Name of the input; may be left out where the step has one.

        Raises:
            WiringError: `input` is left out and there is not exactly one.
            UnknownPort: There is no input of this name.
        """
        name = self.input_name(input)
        self._seeds.setdefault(name, []).append(item)

    def start(self, *, threshold: int | None = None, shutdown_timeout: float = 5.0) -> Statistics:
        """Run the workflow of a chain that ends here to its end, and block until then.

        A step without main outputs ends a chain: ``(source | double | sink).start()``. In a running
        loop, await the chain.

        Args:
            threshold: Bound of every buffer of this run, in items, as for ``Workflow.start``.
            shutdown_timeout: Seconds to wait at the end, as for ``Workflow.start``.

        Returns:
            The statistics of the run.

        Raises:
            WiringError: The step has a main output, so the chain is not at its end.
            RuntimeError: A loop is running in this thread.
            Exception: Whatever the first stream that failed has raised.

        Example:
            >>> from mimo_rx import arange
            >>> from mimo_rx.streams import ForEach
            >>> statistics = (arange(3) | ForEach(print)).start()
            0
            1
            2
        """
        if self._stream.main_outs:
            raise WiringError(
                f"start() of step {self._name!r} needs a chain that ends in a step without "
                f"outputs, but it has {listed(self._stream.main_outs)}; use its workflow, "
                "`step.workflow.start()`"
            )
        return self.workflow.start(threshold=threshold, shutdown_timeout=shutdown_timeout)

    def __await__(self) -> Generator[Any, None, Any]:
        """Run the workflow in the running loop; return its statistics, or the last item.

        A step without main outputs ends a program, which has statistics. Any other step is read.
        """
        if self._stream.main_outs:
            return super().__await__()
        return self.workflow.run().__await__()

    def input_name(self, name: str | None = None) -> str:
        """Return the name of an input, of the only one if `name` is None."""
        return one_input(self._where(), self.ins, name)

    def output_name(self, name: str | None = None) -> str:
        """Return the name of an output, of the only main one if `name` is None."""
        if name is None:
            return main_output(self._stream, self._where())
        if name not in self.outs:
            raise UnknownPort(self._where(), "output", name, tuple(self.outs))
        return name

    def readable(self) -> Flow:
        return Port(self, self.output_name())

    def __getitem__(self, key: Any) -> Any:
        """Return a port by its name; slice the items of the one main output by anything else.

        Raises:
            UnknownPort: There is no port of this name on either side.
        """
        return Port(self, key) if isinstance(key, str) else self.readable()[key]

    if not TYPE_CHECKING:  # else type checkers would accept every name as an attribute

        def __getattr__(self, name: str) -> Any:
            hint = ""
            stream = self.__dict__.get("_stream")  # there is none while a copy is being made
            if stream is not None and (name in stream.ins or name in stream.outs):
                hint = f"; write `step[{name!r}]` for its port"
            elif name in ("run", "open", "check"):
                hint = f"; use its workflow, `step.workflow.{name}()`"
            raise AttributeError(f"a step has no attribute {name!r}{hint}", name=name, obj=self)

    def _where(self) -> str:
        return f"step {self._name!r}"

    def label(self) -> str:
        return self._name

    def rename(self, name: str) -> None:
        """Give it the name that is unique in its workflow; it was made with the wanted one."""
        self._name = name

    def stands(self) -> bool:
        """Tell whether its workflow has it; the one of a refused ``|`` was taken back."""
        return self.workflow.steps.get(self._name) is self

    def __repr__(self) -> str:
        return f"<step {self._name!r} {signature(self._stream)}>"


class Port(Flow):
    """A port of a step: the input where something is led into it, the output where it is read."""

    def __init__(self, step: Step, name: str) -> None:
        if name not in step.ins and name not in step.outs:
            names = tuple(dict.fromkeys((*step.ins, *step.outs)))
            raise UnknownPort(f"step {step.name!r}", "port", name, names)
        super().__init__(step.workflow)
        self._step = step
        self._name = name

    @property
    def step(self) -> Step:
        """The step that it belongs to."""
        return self._step

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def readable(self) -> Flow:
        self._step.output_name(self._name)
        return self

    def label(self) -> str:
        return f"{self._step.name}.{self._name}"

    def __repr__(self) -> str:
        return f"<port {self._name!r} of step {self._step.name!r}>"


class WorkflowInput(Flow):
    """An input of a workflow, as its own steps see it: items come out of it."""

    def __init__(self, workflow: Workflow, name: str) -> None:
        super().__init__(workflow)
        self._name = name

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def label(self) -> str:
        return f"ins.{self._name}"

    def __repr__(self) -> str:
        assert self._workflow is not None
        return f"<input {self._name!r} of workflow {self._workflow.name!r}>"


class WorkflowOutput(Operand):
    """An output of a workflow, as its own steps see it: items are led into it."""

    def __init__(self, workflow: Workflow, name: str) -> None:
        self._workflow = workflow
        self._name = name

    @property
    def workflow(self) -> Workflow:
        """The workflow that it belongs to."""
        return self._workflow

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    def __repr__(self) -> str:
        return f"<output {self._name!r} of workflow {self._workflow.name!r}>"


class WorkflowPorts(tuple[str, ...]):
    """The names of the ports on one side of a workflow; ``workflow.ins.a`` is the port itself.

    Args:
        workflow: The workflow.
        side: ``"input"`` or ``"output"``.
        names: The names.
    """

    def __new__(cls, workflow: Workflow, side: str, names: tuple[str, ...]) -> WorkflowPorts:
        """Make the tuple of names, which knows its workflow."""
        made = super().__new__(cls, names)
        made.__dict__.update({"__workflow__": workflow, "__side__": side})
        return made

    def __getitem__(self, key: Any) -> Any:
        """Return the port of a name, or the name at an index.

        Raises:
            UnknownPort: There is no port of this name.
        """
        if not isinstance(key, str):
            return super().__getitem__(key)
        workflow, side = self.__dict__["__workflow__"], self.__dict__["__side__"]
        if key not in self:
            raise UnknownPort(f"workflow {workflow.name!r}", side, key, tuple(self))
        return (WorkflowInput if side == "input" else WorkflowOutput)(workflow, key)

    # A port may be called `count` or `index`, like two methods of a tuple.
    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__") or not tuple.__contains__(self, name):
            return super().__getattribute__(name)
        return self[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __dir__(self) -> Iterator[str]:
        yield from super().__dir__()
        yield from self

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            WorkflowPorts,
            (self.__dict__["__workflow__"], self.__dict__["__side__"], tuple(self)),
        )
