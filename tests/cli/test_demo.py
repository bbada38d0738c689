"""``mimo-rx demo``, and what a shell completes."""

import os
import shutil

import pytest

from mimo_rx.cli._demo import EXAMPLES, command_of, description_of
from mimo_rx.cli._refusal import Refusal
from mimo_rx.cli._target import load, workflow_of
from processes import mimo_rx

SMALL = [name for name in EXAMPLES if name not in ("census", "sensors", "crawl", "access_log")]


def test_demo_lists_the_examples_with_what_they_show():
    done = mimo_rx("demo")
    assert (done.returncode, done.stderr) == (0, "")
    listed = " ".join(done.stdout.split())
    for name in EXAMPLES:
        assert f"{name} {description_of(name)}" in listed


@pytest.mark.parametrize("name", SMALL)
def test_demo_runs_an_example(name):
    done = mimo_rx("demo", name, "--count", 3, "--threshold", 1, "--stats")
    assert done.returncode == 0
    assert done.stdout
    assert done.stderr.startswith("step ")


def test_demo_runs_the_census(tmp_path):
    (tmp_path / "code.py").write_text("print(1)\n")
    done = mimo_rx("demo", "census", "--root", tmp_path)
    assert (done.returncode, bool(done.stdout)) == (0, True)


@pytest.mark.parametrize("name", ["linear", "census"])
def test_an_example_has_help_and_a_drawing(name):
    assert f"Usage: mimo-rx demo {name} [OPTIONS]" in mimo_rx("demo", name, "--help").stdout
    assert mimo_rx("demo", name, "--graph").stdout.startswith("digraph ")


def test_an_example_that_there_is_not_is_refused_with_the_nearest_name():
    done = mimo_rx("demo", "linea")
    assert (done.returncode, done.stdout) == (2, "")
    assert "got 'linea'; did you mean 'linear'" in done.stderr


def test_a_package_without_its_examples_is_refused_with_where_it_looked(tmp_path, monkeypatch):
    monkeypatch.setattr("mimo_rx.cli._demo.__file__", str(tmp_path / "mimo_rx/cli/_demo.py"))
    for name in EXAMPLES[:2]:
        with pytest.raises(Refusal, match=f"no examples in {tmp_path}/mimo_rx/examples or"):
            command_of(name)
        with pytest.raises(Refusal):
            description_of(name)


@pytest.mark.parametrize("options", [["--count", "x"], ["--nowhere"], ["extra"]])
def test_wrong_usage_of_an_example_is_exit_code_2(options):
    done = mimo_rx("demo", "linear", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: mimo-rx demo linear" in done.stderr


@pytest.mark.parametrize("name", SMALL)
def test_the_workflow_of_an_example_is_a_target(name):
    workflow = workflow_of(load(f"examples/{name}.py:{name}", ["threshold=3"]))
    assert workflow.name == name
    assert not any(finding.severity == "error" for finding in workflow.check())


def test_an_example_runs_as_a_target_as_it_does_as_a_demo():
    done = mimo_rx("run", "examples/linear.py:linear", "--set", "count=3")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == mimo_rx("demo", "linear", "--count", 3).stdout == "0\n2\n4\n"


def test_the_version_is_told():
    assert mimo_rx("--version").stdout.startswith("mimo-rx, version ")


# Completion

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


def completed(shell, words, count):
    """Return what a shell is told to complete the last of `words` by."""
    env = {"_MIMO_RX_COMPLETE": f"{shell}_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    if shell == "fish":
        env["COMP_CWORD"] = "" if words.endswith(" ") else words.split()[-1]
    done = mimo_rx(env=env)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell", [pytest.param("bash", marks=needs_bash), "zsh", "fish"])
def test_a_shell_is_given_the_script_that_completes(shell):
    done = mimo_rx(env={"_MIMO_RX_COMPLETE": f"{shell}_source", **os.environ})
    assert done.returncode == 0
    assert f"_MIMO_RX_COMPLETE={shell}_complete" in done.stdout
    assert "mimo-rx" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_options_examples_and_files_are_completed(shell):
    commands = completed(shell, "mimo-rx ", 1)
    assert all(name in commands for name in ("run", "graph", "check", "demo"))
    assert "--threshold" in completed(shell, "mimo-rx run --", 2)
    assert "linear" in completed(shell, "mimo-rx demo lin", 2)
    assert "file" in completed(shell, "mimo-rx run ap", 2)


def test_completion_imports_neither_the_engine_nor_an_example():
    done = mimo_rx(
        env={
            "_MIMO_RX_COMPLETE": "bash_complete",
            "COMP_WORDS": "mimo-rx run x",
            "COMP_CWORD": "2",
            "PYTHONVERBOSE": "1",
        }
    )
    imported = [line for line in done.stderr.splitlines() if line.startswith("import '")]
    assert any("mimo_rx.cli'" in line for line in imported)
    for name in ("reactivex", "mimo_rx._run.run", "linear"):
        assert not any(f"import '{name}'" in line for line in imported)
