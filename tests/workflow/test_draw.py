"""Drawings: rule W8."""

import shutil
import subprocess
import warnings

import pytest
import reactivex as rx
from hypothesis import given
from hypothesis import strategies as st
from reactivex import operators as ops

from blueprints import source, stream
from mimo_rx import Workflow, flow
from mimo_rx._workflow.draw import quote

TEXTS = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from('"\\\n<>&{}|N')), min_size=1
)


def test_w8_a_drawing_names_ports_and_operators():
    """W8: steps are nodes, port names are tail and head labels, operators the edge's label."""
    workflow = Workflow(["a"], ["b"], name="demo")
    p = workflow.ins.a | stream("p")
    p | ops.map(str) | ops.filter(bool) | stream("q") | workflow.outs.b
    [1] | p
    assert str(workflow).splitlines() == [
        'digraph "demo" {',
        "    rankdir=LR",
        "    node [shape=box]",
        '    "ins/a" [label="a" shape=plaintext]',
        '    "outs/b" [label="b" shape=plaintext]',
        '    "p"',
        '    "q"',
        '    "list" [label="list" shape=ellipse]',
        '    "ins/a" -> "p" [headlabel="x"]',
        '    "p" -> "q" [taillabel="y" headlabel="x" label="map(str) | filter(bool)"]',
        '    "q" -> "outs/b" [taillabel="y"]',
        '    "list" -> "p" [headlabel="x"]',
        "}",
    ]


def test_w8_nested_workflows_are_clusters():
    """W8: edges lead to the nodes that stand for its ports."""
    inner = Workflow(["a"], ["b"], name="inner")
    inner.ins.a | stream("p") | inner.outs.b
    outer = Workflow(name="outer")
    outer.add_stream(source()) | outer.add_stream(inner) | stream("sink", outs=())
    assert str(outer).splitlines() == [
        'digraph "outer" {',
        "    rankdir=LR",
        "    node [shape=box]",
        '    "source"',
        '    subgraph "cluster inner" {',
        '        label="inner"',
        '        "inner/ins/a" [label="a" shape=plaintext]',
        '        "inner/outs/b" [label="b" shape=plaintext]',
        '        "inner/p" [label="p"]',
        '        "inner/ins/a" -> "inner/p" [headlabel="x"]',
        '        "inner/p" -> "inner/outs/b" [taillabel="y"]',
        "    }",
        '    "sink"',
        '    "source" -> "inner/ins/a" [taillabel="y"]',
        '    "inner/outs/b" -> "sink" [headlabel="x"]',
        "}",
    ]


def test_w8_combinators_are_drawn_from_each_of_their_ports():
    """W8: an edge is drawn from each port that a combinator reads."""
    workflow = Workflow()
    a, b = workflow.add_stream(source("a")), workflow.add_stream(source("b"))
    rx.zip(a, b["y"]) | workflow.add_stream(stream("c"))
    a | ops.map(str) | ops.merge(b) | workflow.add_stream(stream("d"))
    drawn = [line.strip() for line in str(workflow).splitlines() if "->" in line]
    assert drawn == [
        '"a" -> "c" [taillabel="y" headlabel="x" label="Observable"]',
        '"b" -> "c" [taillabel="y" headlabel="x" label="Observable"]',
        '"a" -> "d" [taillabel="y" headlabel="x" label="map(str) | merge"]',
        '"b" -> "d" [taillabel="y" headlabel="x" label="merge"]',
    ]


def test_w8_a_long_chain_is_drawn():
    """W8: drawing does not recurse, along operators or into nested workflows."""
    made = flow([1])
    for _ in range(5_000):
        made = made | ops.map(str)
    workflow = Workflow()
    made | workflow.add_stream(stream("a"))
    assert str(workflow).count("map(str)") == 5_000
    for _ in range(300):
        outer = Workflow()
        outer.add_stream(workflow)
        workflow = outer
    assert str(workflow).count("subgraph") == 300


def drawing_of(names):
    inner = Workflow(["a"], ["b"], name=names[0])
    inner.ins.a | stream(names[1]) | inner.outs.b
    workflow = Workflow(name=names[2])
    step = workflow.add_stream(source(names[3]))
    step | inner | stream(names[0])

    def operator(observable):
        return observable

    operator.__name__ = names[1]
    step | operator | workflow.add_stream(stream(names[2]))
    return str(workflow)


@given(TEXTS)
def test_w8_a_quoted_text_ends_where_it_should(text):
    """W8: this holds for any names."""
    quoted = quote(text)
    inside = quoted[1:-1]
    assert (quoted[0], quoted[-1]) == ('"', '"')
    assert "\n" not in inside
    assert '"' not in inside.replace("\\\\", "").replace('\\"', "")
    assert not inside.replace("\\\\", "").endswith("\\")


@given(st.lists(TEXTS, min_size=4, max_size=4))
def test_w8_the_grammar_of_dot_accepts_a_drawing(names):
    """W8: pydot's parser reads it."""
    pydot = pytest.importorskip("pydot", reason="pydot is optional")
    with warnings.catch_warnings():
        # Its parser uses names of pyparsing that are on their way out.
        warnings.simplefilter("ignore", DeprecationWarning)
        graphs = pydot.graph_from_dot_data(drawing_of(names))
    assert graphs is not None
    assert len(graphs[0].get_subgraphs()) == 1
    assert len(graphs[0].get_edges()) == 3


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is optional")
@pytest.mark.parametrize(
    "name",
    [
        'say "so"',
        "back\\slash",
        "\\",
        "two\nlines",
        "<b>&amp;</b>",
        "{a|b}",
        "\x00\x07",
        "größe ☃",
        "\\N",
        "a:b",
        "--",
        "strict",
    ],
)
def test_w8_graphviz_accepts_a_drawing(name):
    """W8: Graphviz accepts it whatever the names are."""
    names = [name, f"{name} ", f" {name}", f"{name}{name}"]
    done = subprocess.run(
        ["dot", "-Tsvg"],
        input=drawing_of(names),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
