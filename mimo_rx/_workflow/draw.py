"""Drawing a blueprint as a DOT graph, the language of Graphviz.

Rules: W8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from .._blueprint.flow import Derived, Flow, Merged
from .._blueprint.nesting import nests
from .._blueprint.sources import SourceFlow
from .._blueprint.step import Port, Step, WorkflowInput
from .._rx.operators import describe

if TYPE_CHECKING:
    from .._blueprint.nesting import Workflow

__all__ = ["to_dot"]

_INDENT = "    "


def to_dot(workflow: Workflow) -> str:
    """Draw `workflow`: steps as nodes, nested workflows as clusters, operators on the edges.

    Args:
        workflow: The blueprint. The same one gives the same text.

    Returns:
        A graph that Graphviz accepts, whatever the names are.

    Example:
        >>> from mimo_rx import Stream, Workflow
        >>> async def nothing(ins, outs, state):
        ...     pass
        >>> workflow = Workflow(name="demo")
        >>> step = workflow.add_stream(Stream(outs=["a"], fn=nothing, name="one"))
        >>> step | Stream(["b"], fn=nothing, name="two")
        <step 'two' (b) -> ()>
        >>> print(to_dot(workflow))
        digraph "demo" {
            rankdir=LR
            node [shape=box]
            "one"
            "two"
            "one" -> "two" [taillabel="a" headlabel="b"]
        }
    """
    workflow = workflow.graph.workflow
    workflow.graph.used = True
    lines = [f"digraph {quote(workflow.name)} {{", f"{_INDENT}rankdir=LR", _INDENT + _BOX]
    drawings = [_Drawing(workflow, "", 1)]
    while drawings:
        drawing = drawings[-1]
        nested = drawing.next_nested(lines)
        if nested is None:
            lines += drawing.end()
            drawings.pop()
        else:
            drawings.append(nested)
    return "\n".join(lines)


_BOX = "node [shape=box]"


def quote(text: str) -> str:
    r"""Return `text` as a DOT string that shows it literally.

    Args:
        text: Any text. A backslash is doubled, since it would begin an escape such as ``\N``. A
            line break stays one. A drawing cannot show other control characters, so their number
            is shown.
    """
    shown = []
    for character in text:
        if character in '"\\':
            shown.append("\\" + character)
        elif character == "\n":
            shown.append("\\n")
        elif character.isprintable():
            # Graphviz reads `&quot;` and the like as in HTML.
            shown.append("&amp;" if character == "&" else character)
        else:
            shown.append(f"<U+{ord(character):04X}>")
    return f'"{"".join(shown)}"'


class _End(NamedTuple):
    """One end of an edge: a node, and the name of the port there."""

    node: str
    port: str


class _Drawing:
    """A workflow that is being drawn: it is done up to its next nested workflow."""

    def __init__(self, workflow: Workflow, path: str, depth: int) -> None:
        self.workflow = workflow
        self.path = path
        self.indent = _INDENT * depth
        self.depth = depth
        self.sources: dict[int, str] = {}
        self.steps = iter(workflow.steps.values())
        self.begun = False

    def next_nested(self, lines: list[str]) -> _Drawing | None:
        """Draw nodes up to the next nested workflow; None if there is no further one."""
        if not self.begun:
            self.begun = True
            lines += self._ports()
        for step in self.steps:
            if not nests(step.stream):
                lines.append(f"{self.indent}{self._id(step.name)}{self._label(step.name)}")
                continue
            lines.append(f"{self.indent}subgraph {quote(f'cluster {self.path}{step.name}')} {{")
            lines.append(f"{self.indent}{_INDENT}label={quote(step.name)}")
            return _Drawing(step.stream, f"{self.path}{step.name}/", self.depth + 1)
        return None

    def end(self) -> Iterator[str]:
        """Yield the edges and the closing brace."""
        edges = list(self._edges())
        for name in self.sources.values():
            yield f"{self.indent}{self._id(name)} [label={quote(name)} shape=ellipse]"
        yield from edges
        yield f"{self.indent[len(_INDENT) :]}}}"

    def _ports(self) -> Iterator[str]:
        for side, names in (("ins", self.workflow.ins), ("outs", self.workflow.outs)):
            for name in tuple(names):
                shape = f"[label={quote(name)} shape=plaintext]"
                yield f"{self.indent}{self._id(f'{side}/{name}')} {shape}"

    def _edges(self) -> Iterator[str]:
        for link in self.workflow.graph.links.values():
            if link.step is None:
                target = _End(f"outs/{link.port}", "")
            else:
                target = self._end(link.step, "ins", link.port)
            for source, label in self._origins(link.source):
                attributes = [
                    f"{key}={quote(value)}"
                    for key, value in (
                        ("taillabel", source.port),
                        ("headlabel", target.port),
                        ("label", label),
                    )
                    if value
                ]
                attributes += ["style=dashed"] if link.feedback else []
                drawn = f" [{' '.join(attributes)}]" if attributes else ""
                yield (f"{self.indent}{self._id(source.node)} -> {self._id(target.node)}{drawn}")

    def _origins(self, flow: Flow) -> Iterator[tuple[_End, str]]:
        """Yield the outputs that a flow is made from, each with the operators after it."""
        stack: list[tuple[Flow, tuple[str, ...]]] = [(flow, ())]
        while stack:
            flow, after = stack.pop()
            flow = flow.readable()
            origin = self._origin(flow)
            if origin is not None:
                yield origin, " | ".join(reversed(after))
            elif isinstance(flow, Derived):
                names = [describe(flow.operator)]
                while isinstance(flow.parent, Derived) and not flow.claims:
                    flow = flow.parent
                    names.append(describe(flow.operator))
                stack.extend((each, (*after, *names)) for each in reversed(flow.parents))
            else:
                names = [] if isinstance(flow, Merged) else [flow.label()]
                stack.extend((each, (*after, *names)) for each in reversed(flow.parents))

    def _origin(self, flow: Flow) -> _End | None:
        if isinstance(flow, Port):
            return self._end(flow.step, "outs", flow.name)
        if isinstance(flow, WorkflowInput):
            return _End(f"ins/{flow.name}", "")
        if isinstance(flow, SourceFlow):
            return _End(self._source(flow), "")
        return None

    def _end(self, step: Step, side: str, port: str) -> _End:
        """Return the node of a port; a nested workflow has a node for each of its ports."""
        if step.stream._nests:
            return _End(f"{step.name}/{side}/{port}", "")
        return _End(step.name, port)

    def _source(self, flow: SourceFlow) -> str:
        name = self.sources.get(id(flow.stream))
        if name is None:
            taken = {*self.workflow.steps, *self.sources.values()}
            base = name = flow.stream.name.replace("/", "-")
            number = 1
            while name in taken:
                number += 1
                name = f"{base}-{number}"
            self.sources[id(flow.stream)] = name
        return name

    def _id(self, name: str) -> str:
        return quote(self.path + name)

    def _label(self, name: str) -> str:
        # Without a label Graphviz shows the whole path, and reads a backslash in it as an escape.
        plain = not self.path and quote(name) == f'"{name}"'
        return "" if plain else f" [label={quote(name)}]"
