"""What TARGET may be: modules, files, names, and what is said of those that there are not."""

import sys
from pathlib import Path

import pytest

from mimo_rx import Flow, Step, Workflow
from mimo_rx.cli._refusal import Refusal
from mimo_rx.cli._target import load, workflow_of
from processes import importing_from, mimo_rx, write

APP = """
    import functools
    from mimo_rx import Flow, Stream, Workflow, flow, stream
    import reactivex.operators as ops

    async def idle(ins, outs, state):
        pass

    numbers = flow([1, 2, 3]) | ops.map(str)
    workflow = Workflow(name="whole")
    step = workflow.add_stream(Stream(outs=["x"], fn=idle, name="lone"))
    port = step["x"]
    word = "no workflow"
    group = [1]
    bare = Stream(outs=["x"], fn=idle, name="bare")
    maker = stream(outs=["x"])(idle)

    def made():
        return Workflow(name="made")

    def annotated() -> Flow:
        return flow([1])

    def count() -> int:
        return 3

    def nothing():
        pass

    async def coroutine():
        pass

    async def generator():
        yield

    partly = functools.partial(Workflow, name="partly")

    class Mine(Workflow):
        def __init__(self):
            super().__init__(name="mine")

    class Holder:
        items = flow([1])

        @staticmethod
        def make():
            return Workflow(name="held")

    class Single(Stream):
        pass

    _private = flow([1])
"""


@pytest.fixture
def folder(tmp_path):
    with importing_from(tmp_path):
        write(tmp_path, "app.py", APP)
        yield tmp_path


def refusal(target, *settings):
    """Return the line that refuses a target."""
    with pytest.raises(Refusal) as caught:
        load(target, settings)
    (line,) = caught.value.format_message().splitlines()
    assert caught.value.exit_code == 2
    return line


# What there may be


def test_a_target_is_a_workflow_a_flow_a_step_or_a_port(folder):
    assert isinstance(load("app:workflow"), Workflow)
    assert isinstance(load("app:numbers"), Flow)
    assert isinstance(load("app:step"), Step)
    assert workflow_of(load("app:port")) is load("app:workflow")


@pytest.mark.parametrize(
    ("name", "made"),
    [("made", "made"), ("partly", "partly"), ("Mine", "mine"), ("Holder.make", "held")],
)
def test_a_function_is_called_whatever_kind_of_function_it_is(folder, name, made):
    assert workflow_of(load(f"app:{name}")).name == made


def test_a_dotted_name_reaches_into_a_class(folder):
    assert isinstance(load("app:Holder.items"), Flow)


def test_a_private_name_may_be_given_and_is_not_offered(folder):
    assert isinstance(load("app:_private"), Flow)
    assert "_private" not in refusal("app:privat")


@pytest.mark.parametrize("written", ["app.py:numbers", "./app.py:numbers", "sub/../app.py:numbers"])
def test_a_file_is_named_by_any_path_to_it(folder, written):
    (folder / "sub").mkdir()
    assert isinstance(load(written), Flow)


def test_a_path_may_have_a_colon_since_the_last_one_splits(folder):
    write(folder, "a:b/app.py", APP)
    assert isinstance(load("a:b/app.py:numbers"), Flow)


def test_a_flow_without_a_workflow_gets_one_to_be_drawn_in(folder):
    assert workflow_of(load("app:numbers")).outs == ("item",)


# Importing


def test_the_current_directory_is_put_at_the_end_of_the_import_path(folder):
    write(folder, "select.py", "raise RuntimeError('hides the one of the standard library')")
    load("app:numbers")
    assert sys.path[-1] == str(folder)


def test_the_folder_of_a_file_is_put_at_the_end_of_the_import_path(folder):
    write(folder, "deep/beside.py", "VALUES = [7]")
    write(folder, "deep/uses.py", "import beside, mimo_rx; f = mimo_rx.flow(beside.VALUES)")
    load("deep/uses.py:f")
    assert sys.path[-1] == str(folder / "deep")


PACKAGE = {
    "pack/__init__.py": "print('package'); from .inner import mod",
    "pack/inner/__init__.py": "from mimo_rx import flow; items = flow([1])",
    "pack/inner/helper.py": "VALUES = [1, 2]",
    "pack/inner/mod.py": """
        from . import helper
        from mimo_rx import flow
        print("module", __name__)
        items = flow(helper.VALUES)
    """,
}


@pytest.mark.parametrize("place", ["pack/inner/mod.py", "pack.inner.mod"])
def test_a_file_in_a_package_is_imported_once_and_as_part_of_it(folder, place, capsys):
    for name, code in PACKAGE.items():
        write(folder, name, code)
    assert isinstance(load(f"{place}:items"), Flow)
    assert capsys.readouterr().out == "package\nmodule pack.inner.mod\n"
    assert sys.path[-1] == str(folder)


def test_the_init_file_of_a_package_is_the_package(folder):
    for name, code in PACKAGE.items():
        write(folder, name, code)
    load("pack/inner/__init__.py:items")
    assert "pack.inner.__init__" not in sys.modules


def test_a_package_whose_name_is_taken_is_refused(folder):
    write(folder, "json/__init__.py", "")
    write(folder, "json/app.py", APP)
    assert "but that is the name of another module, 'json' of " in refusal("json/app.py:numbers")


def test_a_folder_whose_name_is_no_name_of_a_module_is_no_package(folder):
    write(folder, "v1.2/__init__.py", "")
    write(folder, "v1.2/app.py", APP)
    assert isinstance(load("v1.2/app.py:numbers"), Flow)


@pytest.mark.parametrize(
    "name", ["json", "select", "csv", "click", "this", "__main__", "a-b", "c.d"]
)
def test_a_file_called_like_another_module_takes_nothing_from_it(folder, name):
    before = sys.modules.get(name)
    write(folder, f"x/{name}.py", "from mimo_rx import flow; items = flow([__name__])")
    assert isinstance(load(f"x/{name}.py:items"), Flow)
    assert sys.modules.get(name) is before


def test_two_files_of_one_name_are_two_modules(folder):
    write(folder, "x/one.py", "from mimo_rx import Workflow; w = Workflow(name='x')")
    write(folder, "y/one.py", "from mimo_rx import Workflow; w = Workflow(name='y')")
    names = [workflow_of(load(f"{place}/one.py:w")).name for place in "xyx"]
    assert names == ["x", "y", "x"]


def test_a_dataclass_and_string_annotations_work_in_a_file(folder):
    code = """
        from __future__ import annotations
        import dataclasses
        from mimo_rx import Workflow

        @dataclasses.dataclass
        class Pair:
            left: int

        def make(left: int) -> Workflow:
            return Workflow(name=str(Pair(left)))
    """
    write(folder, "json.py", code)
    assert workflow_of(load("./json.py:make", ["left=3"])).name == "Pair(left=3)"


def test_a_module_that_fails_is_not_left_half_imported(folder):
    write(folder, "half.py", "raise RuntimeError('mine')")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="mine"):
            load("half.py:x")
    assert "half" not in sys.modules


def test_what_a_target_itself_fails_to_import_is_not_taken_for_the_target(folder):
    write(folder, "needs.py", "import not_installed_anywhere")
    for target in ("needs:x", "needs.py:x"):
        with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
            load(target)


# What is refused

OFFER = (
    "to run there are 'numbers', 'workflow', 'step', 'port', 'made', 'annotated', 'nothing', 'Mine'"
)
WANTED = "not a workflow, a flow, a step or a function that returns one"


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("app:number", f"app has no 'number'; {OFFER}; did you mean 'numbers'"),
        ("app.py:Mien", f"app.py has no 'Mien'; {OFFER}; did you mean 'Mine'"),
        ("app:Holdr.make", f"app has no 'Holdr'; {OFFER}; did you mean 'Holder'"),
        (
            "app:Holder.mak",
            "Holder of app has no 'mak'; there are 'items', 'make'; did you mean 'make'",
        ),
        ("app:word", f"app:word is a str, 'no workflow', {WANTED}; {OFFER}"),
        ("app:group", f"app:group is a list, [1], {WANTED}; {OFFER}"),
        ("app:coroutine", f"app:coroutine is the coroutine function 'coroutine', {WANTED}; call"),
        ("app:generator", "app:generator is the asynchronous generator function 'generator', not"),
        ("app:maker", "app:maker makes streams, and is not a workflow, a flow, a step or a"),
        (".", "TARGET is package.module:name or path/file.py:name, got '.'"),
        ("./notes:x", "'notes' is a directory; TARGET is package.module:name or path/file.py:name"),
        ("app:bare", "app:bare is a stream that is in no workflow, <Stream 'bare' () -> (x)>;"),
        ("app:Single", "app:Single returned the stream <Single 'Single' () -> ()>, not a workflow"),
        ("app:count", "app:count returned an int, 3, not a workflow, a flow or a step"),
        ("app:nothing", "app:nothing returned None, not a workflow, a flow or a step"),
        ("ap:x", "no module 'ap'; in the current directory there are 'app', 'empty'; did you mean"),
        ("mimo_rx.exmples.join:x", "there is no module 'mimo_rx.exmples'; in 'mimo_rx' there are"),
        ("asyncio.qeues:x", " more; did you mean 'queues'"),
        ("os.path.x:y", "there is no module 'os.path.x'; in 'os.path' there is none"),
        ("ap.py:x", "no file 'ap.py'; in '{folder}' there are 'app.py', 'empty.py'; did you me"),
        ("no/app.py:x", "there is no file 'no/app.py'; there is no directory 'no' either"),
        ("notes/a.txt:x", "'{folder}/notes/a.txt' is not a Python file; TARGET is package.mod"),
        ("a b:x", "'a b' is not a module name; TARGET is package.module:name or path/file.py:n"),
        (".app:x", "'.app' is not a module name"),
        ("app", "TARGET is package.module:name or path/file.py:name, got 'app'"),
        (":x", "TARGET is package.module:name or path/file.py:name, got ':x'"),
        ("", "TARGET is package.module:name or path/file.py:name, got ''"),
        ("app:", f"path/file.py:name, got 'app:' without a name; {OFFER}"),
        ("app.py", f"got 'app.py' without a name; {OFFER}"),
        ("empty:x", "empty has no 'x'; nothing in empty is a workflow, a flow, a step or a functi"),
        ("app:x\x1b[31m", r"app has no 'x\x1b[31m'"),
    ],
)  # fmt: skip
def test_what_there_is_not_is_refused_in_a_line_that_says_what_there_is(folder, target, line):
    write(folder, "empty.py", "")
    write(folder, "notes/a.txt", "")
    assert line.replace("{folder}", str(folder)) in refusal(target)


def test_the_repr_of_an_object_that_is_no_workflow_is_cut(folder):
    write(folder, "long.py", "text = 'x' * 10_000\nclass Bad:\n  __repr__ = None\nbad = Bad()")
    told = refusal("long:text")
    assert "x" * 199 in told
    assert "x" * 200 not in told
    assert "(10,002 characters)" in told
    assert "long:bad is a Bad, <Bad whose repr raises TypeError>" in refusal("long:bad")


def test_a_refusal_is_one_line_on_stderr_and_exit_code_2(tmp_path):
    write(tmp_path, "app.py", APP)
    done = mimo_rx("run", "app:number", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: app has no 'number'; {OFFER}; did you mean 'numbers'\n"


@pytest.mark.parametrize("command", ["run", "graph", "check"])
def test_every_command_takes_the_same_targets(tmp_path, command):
    write(tmp_path, "json.py", "from mimo_rx import Workflow\ndef f(n: int): return Workflow()")
    done = mimo_rx(command, "./json.py:f", "--set", "n=1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = mimo_rx(command, Path("nowhere.py:f"), cwd=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
