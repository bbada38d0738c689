"""``--set key=value``: what parameters it fills, and how a text becomes their value."""

import pytest

from mimo_rx.cli._refusal import Refusal
from mimo_rx.cli._target import load, workflow_of
from mimo_rx.cli._values import arguments
from processes import importing_from, mimo_rx, write

APP = """
    from __future__ import annotations  # all of them are strings

    import datetime, decimal, enum, functools, pathlib, typing, uuid
    from typing import Annotated, Any, Callable, Literal, Optional, Union
    import click
    from mimo_rx import Workflow

    if typing.TYPE_CHECKING:
        from nowhere import Nothing

    class Color(enum.Enum):
        RED = 1
        GREEN = 2

    def told(*args, **kwargs):
        return Workflow(name=repr((args, kwargs)))

    workflow = told()

    def text(v: str): return told(v)
    def whole(v: int): return told(v)
    def real(v: float): return told(v)
    def flag(v: bool): return told(v)
    def path(v: pathlib.Path): return told(str(v), isinstance(v, pathlib.Path))
    def color(v: Color): return told(v.value)
    def literal(v: Literal["fast", 3, True]): return told(v)
    def optional(v: Optional[int]): return told(v)
    def barred(v: int | None = None): return told(v)
    def annotated(v: Annotated[int, "of items"]): return told(v)
    def ranged(v: Annotated[int, click.IntRange(1, 5)]): return told(v)
    def nested(v: Optional[Annotated[Color, "a"]]): return told(v.value)
    def moment(v: datetime.datetime): return told(v.year)
    def unique(v: uuid.UUID): return told(v.int)
    def anything(v: Any): return told(v)
    def bare(v): return told(v)
    def by_default(v=3): return told(v)
    def by_flag(v=True): return told(v)
    def by_color(v=Color.RED): return told(v.value)
    def by_none(v=None): return told(v)

    def listed(v: list[int]): return told(v)
    def union(v: int | str): return told(v)
    def called(v: Callable[[], int]): return told(v)
    def decimals(v: decimal.Decimal): return told(v)
    def flow(v: Workflow): return told(v)
    def unresolved(v: Nothing, w: int = 0): return told(v)
    def misspelt(v: int, w: intt = 0): return told(v)

    def several(a: int, b: float = 2.0, /, c: bool = False, *args: int, d: str = "d", **kw: int):
        return told(a, b, c, *args, d=d, **kw)

    def given(a: int = 1): return told(a)
    partly = functools.partial(several, 7, d="p")

    @functools.wraps(given)
    def wrapped(*args, **kwargs): return given(*args, **kwargs)

    class Mine(Workflow):
        def __init__(self, size: int, deep: bool = True):
            super().__init__(name=repr((size, deep)))

    class Plain(Workflow):
        pass

    class Maker:
        def method(self, size: int): return told(size)
        @classmethod
        def of_class(cls, size: int): return told(size)
        def __call__(self, size: int): return told(size)

    maker = Maker()

    def refusing(size: int):
        raise click.BadParameter("size is odd")
"""


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    with importing_from(tmp_path_factory.mktemp("values")) as path:
        write(path, "values.py", APP)
        yield path


def called(name, *settings):
    """Return what a function of `APP` was called with."""
    return workflow_of(load(f"values:{name}", settings)).name


def refusal(name, *settings):
    with pytest.raises(Refusal) as caught:
        load(f"values:{name}", settings)
    (line,) = caught.value.format_message().splitlines()
    return line


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("text", "a=b", "'a=b'"),
        ("text", "", "''"),
        ("text", "3", "'3'"),
        ("whole", "-3", "-3"),
        ("real", "1e3", "1000.0"),
        ("flag", "false", "False"),
        ("flag", "no", "False"),
        ("flag", "0", "False"),
        ("flag", "true", "True"),
        ("path", "a/b", "'a/b', True"),
        ("color", "GREEN", "2"),
        ("literal", "fast", "'fast'"),
        ("literal", "3", "3"),
        ("literal", "True", "True"),
        ("optional", "3", "3"),
        ("barred", "3", "3"),
        ("annotated", "3", "3"),
        ("ranged", "5", "5"),
        ("nested", "RED", "1"),
        ("moment", "2024-02-29", "2024"),
        ("unique", "00000000-0000-0000-0000-000000000007", "7"),
        ("anything", "3", "'3'"),
        ("bare", "3", "'3'"),
        ("by_default", "4", "4"),
        ("by_flag", "false", "False"),
        ("by_color", "GREEN", "2"),
        ("by_none", "3", "'3'"),
        ("wrapped", "4", "4"),
    ],
)
def test_a_text_becomes_what_the_annotation_or_else_the_default_says(name, text, value):
    key = "a" if name == "wrapped" else "v"
    assert called(name, f"{key}={text}").startswith(f"(({value}")


@pytest.mark.parametrize(
    ("name", "setting", "line"),
    [
        ("whole", "v=x", "--set v=x: Invalid value: 'x' is not a valid integer."),
        ("whole", "v=", "--set v=: Invalid value: '' is not a valid integer."),
        ("real", "v=x", "--set v=x: Invalid value: 'x' is not a valid float."),
        ("flag", "v=maybe", "--set v=maybe: Invalid value: 'maybe' is not a valid boolean."),
        ("color", "v=BLUE", "--set v=BLUE: Invalid value: 'BLUE' is not one of 'RED', 'GREEN'."),
        ("literal", "v=4", "--set v=4: Invalid value: '4' is not one of 'fast', '3', 'True'."),
        ("optional", "v=None", "--set v=None: Invalid value: 'None' is not a valid integer."),
        ("ranged", "v=6", "--set v=6: Invalid value: 6 is not in the range 1<=x<=5."),
        ("text", "v", "--set takes KEY=VALUE, got 'v'"),
        ("text", "w=1", "values:text has no parameter 'w'; there is 'v'"),
        ("several", "dd=1", "there are 'a', 'b', 'c', 'd'; did you mean 'd'"),
        ("several", "args=1", "values:several has no parameter 'args'; there are"),
        ("several", "other=1", "values:several has no parameter 'other'; there are"),
        ("whole", "v=\x1b[31m", r"--set v=\x1b[31m: Invalid value: '\x1b[31m' is not a valid int"),
    ],
)
def test_a_bad_value_or_key_is_refused_in_a_line_that_says_what_there_is(name, setting, line):
    assert line in refusal(name, setting)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("listed", "list[int]"),
        ("union", "int | str"),
        ("called", "Callable[[], int]"),
        ("decimals", "decimal.Decimal"),
        ("flow", "mimo_rx._workflow.workflow.Workflow"),
    ],
)
def test_an_annotation_that_no_text_can_be_converted_to_is_refused(name, kind):
    line = refusal(name, "v=1")
    assert line.startswith(f"parameter 'v' of values:{name} has the type ")
    assert f"{kind}, which --set cannot make from a text; write a function" in line


def test_an_annotation_that_is_no_type_at_all_is_refused():
    def function(v: [1]): ...  # type: ignore[valid-type, misc] # no string, so that nobody resolves it

    with pytest.raises(Refusal, match=r"parameter 'v' of x has the type \[1\], which --set cannot"):
        arguments(function, ["v=1"], "x")


@pytest.mark.parametrize(("name", "unknown"), [("unresolved", "Nothing"), ("misspelt", "intt")])
def test_annotations_that_cannot_be_resolved_are_refused(name, unknown):
    line = refusal(name, "v=1")
    assert line.startswith(f"the annotations of values:{name} cannot be resolved, so --set ")
    assert line.endswith(f"NameError: name '{unknown}' is not defined")


def test_a_parameter_without_a_default_that_is_left_out_is_refused():
    line = "values:several needs a value for 'a'; give --set a=..."
    assert refusal("several", "b=1") == line
    assert refusal("Mine") == "values:Mine needs a value for 'size'; give --set size=..."


def test_a_key_that_comes_twice_is_refused():
    assert refusal("whole", "v=1", "v=1") == "--set v=... is given twice"


def test_set_of_what_is_no_function_is_refused():
    line = "values:workflow is not a function, so it takes no --set, got 'a=1'"
    assert refusal("workflow", "a=1") == line


def test_positional_and_keyword_parameters_are_filled_by_name():
    assert called("several", "a=1") == "((1, 2.0, False), {'d': 'd'})"
    assert called("several", "d=x", "c=yes", "a=1") == "((1, 2.0, True), {'d': 'x'})"
    assert called("several", "a=1", "b=3") == "((1, 3.0, False), {'d': 'd'})"


def test_what_a_partial_has_filled_is_left_or_replaced():
    assert called("partly") == "((7, 2.0, False), {'d': 'p'})"
    assert called("partly", "b=3", "d=x") == "((7, 3.0, False), {'d': 'x'})"
    assert "has no parameter 'a'" in refusal("partly", "a=1")


def test_a_class_of_workflows_a_method_and_a_callable_object_are_filled_too():
    assert called("Mine", "size=3", "deep=false") == "(3, False)"
    assert called("Plain", "name=x") == "x"
    assert called("maker.method", "size=3") == "((3,), {})"
    assert called("Maker.of_class", "size=3") == "((3,), {})"
    assert called("maker", "size=3") == "((3,), {})"


def test_a_value_that_the_function_itself_refuses_by_click_is_a_wrong_usage():
    assert refusal("refusing", "size=3") == "values:refusing: Invalid value: size is odd"


def test_settings_reach_the_function_from_the_command_line(folder):
    target = ("graph", "values:several", "--set", "a=1", "--set", "c=false")
    assert 'digraph "((1, 2.0, False)' in mimo_rx(*target, cwd=folder).stdout
    done = mimo_rx("run", "values:whole", "--set", "v=x", cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: --set v=x: Invalid value: 'x' is not a valid integer.\n"
