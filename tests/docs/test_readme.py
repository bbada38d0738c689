"""What the README and the docs show of the command line is what it prints."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Session(NamedTuple):
    """A command that a page shows, and what it says that is printed."""

    page: str
    command: str
    shown: str


def sessions() -> list[Session]:
    found = []
    for page in PAGES:
        for block in re.findall(r"```console\n(.*?)```", page.read_text("utf-8"), re.DOTALL):
            for part in block.removeprefix("$ ").split("\n$ "):
                command, _, shown = part.partition("\n")
                found.append(Session(page.name, command, shown.rstrip()))
    return found


def printed_by(command: str) -> str:
    """Return what a command prints, on stdout and then on stderr."""
    words = shlex.split(command)
    assert words[0] == "mimo-rx"
    done = subprocess.run(
        [sys.executable, "-m", "mimo_rx", *words[1:]],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "80"},
    )
    return (done.stdout + done.stderr).rstrip()


@pytest.mark.parametrize("session", sessions(), ids=lambda session: session.command)
def test_what_a_page_shows_of_the_command_line_is_what_it_prints(session):
    """``...`` stands for anything, as in doctests."""
    pattern = ".*?".join(re.escape(part) for part in session.shown.split("..."))
    pattern = re.sub(r"(\\ )+", " +", pattern)  # columns may be wider elsewhere
    printed = printed_by(session.command)
    assert re.fullmatch(pattern, printed, re.DOTALL), printed


def test_pages_show_the_command_line():
    """Else the test above would prove nothing."""
    assert len(sessions()) >= 5


COMPLETION = re.findall(r"_MIMO_RX_COMPLETE=(\w+)_source", PAGES[0].read_text("utf-8"))


@pytest.mark.parametrize("shell", COMPLETION)
def test_the_completion_that_the_readme_names_is_there_for_each_shell(shell):
    """The script completes the command, and its answers are the commands."""
    script = complete(f"{shell}_source", [])
    assert "_mimo_rx" in script
    assert "_MIMO_RX_COMPLETE" in script
    answers = complete(f"{shell}_complete", ["gra"])
    assert "graph" in answers


def complete(instruction: str, words: list[str]) -> str:
    """Ask for completion as a shell does."""
    if instruction.startswith("bash_source") and shutil.which("bash") is None:
        pytest.skip("click asks bash for its version, and there is no bash")
    line = ["mimo-rx", *words]
    done = subprocess.run(
        [sys.executable, "-m", "mimo_rx"],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "_MIMO_RX_COMPLETE": instruction,
            "COMP_WORDS": words[-1] if instruction.startswith("fish") and words else " ".join(line),
            "COMP_CWORD": words[-1] if instruction.startswith("fish") and words else "1",
        },
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_shells_are_bash_zsh_and_fish():
    """Those that click knows."""
    assert COMPLETION == ["bash", "zsh", "fish"]
