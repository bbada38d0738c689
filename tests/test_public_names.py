"""What `import mimo_rx` promises."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import mimo_rx


def test_every_public_name_is_listed_in_order():
    """The face of the package is `__all__`; the rest is private."""
    assert mimo_rx.__all__ == sorted(mimo_rx.__all__)
    assert set(mimo_rx.__all__) <= set(dir(mimo_rx))


def test_every_public_name_is_what_type_checkers_are_told_it_is():
    """A name is imported at its first use, from the room that the imports for type checkers say."""
    tree = ast.parse(Path(mimo_rx.__file__).read_text())
    told = {
        alias.name: f"mimo_rx.{node.module}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level and node.module != "_late"
        for alias in node.names
    }
    assert sorted(told) == mimo_rx.__all__
    for name, room in told.items():
        assert getattr(mimo_rx, name) is getattr(sys.modules[room], name), name


def test_a_name_that_is_not_there_is_an_attribute_error_that_names_it():
    """As for any module, with what Python makes of it."""
    with pytest.raises(AttributeError, match="module 'mimo_rx' has no attribute 'Workflo'"):
        _ = mimo_rx.Workflo
    with pytest.raises(ImportError, match="cannot import name 'Workflo'"):
        from mimo_rx import Workflo  # noqa: F401


def test_every_public_class_and_function_has_a_docstring():
    """Nothing is public without saying what it is for."""
    for name in mimo_rx.__all__:
        assert inspect.getdoc(getattr(mimo_rx, name)), name


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import mimo_rx", {"reactivex", "asyncio"}),
        ("import mimo_rx.cli", {"reactivex", "asyncio", "mimo_rx._blueprint.stream"}),
        (
            "from mimo_rx import Workflow; Workflow()",
            {"mimo_rx._run.run", "mimo_rx._workflow.pipe_syntax"},
        ),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code, absent):
    """Help and completion do not wait for asyncio, a blueprint not for the engine."""
    program = f"import sys; {code}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not absent & set(done.stdout.split())


@pytest.mark.parametrize(
    "program",
    [
        "from mimo_rx import flow; print(flow([1, 2]).run())",
        "from mimo_rx import flow; import reactivex.operators as ops;"
        "print((flow([1, 2]) | ops.sum()).run())",
        "from mimo_rx import Workflow; print(Workflow().start() and 2)",
    ],
)
def test_the_language_and_the_engine_come_when_they_are_asked_for(program):
    """A process that has imported one name alone can use all of it."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in {"2", "3"}
