"""What the pages show of the command line is what it prints."""

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
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_LINE = ROOT / "docs" / "command-line.md"


class Session(NamedTuple):
    """A command that a page shows, and what the page says that it prints."""

    page: str
    command: str
    shown: str


def blocks(page: Path) -> list[str]:
    """Return the console blocks of a page."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    return re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def sessions() -> list[Session]:
    """Return every command of every page."""
    found = []
    for page in PAGES:
        for block in blocks(page):
            assert block.startswith("$ "), f"a console block of {page.name} starts with no command"
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


@pytest.mark.parametrize(
    "session", sessions(), ids=lambda session: f"{session.page}: {session.command}"
)
def test_what_a_page_shows_of_the_command_line_is_what_it_prints(session):
    """``...`` stands for anything, as in doctests."""
    assert session.shown.replace(".", "").strip(), "the page must show something"
    pattern = ".*?".join(re.escape(part) for part in session.shown.split("..."))
    pattern = re.sub(r"(\\ )+", " +", pattern)  # columns may be wider elsewhere
    printed = printed_by(session.command)
    assert re.fullmatch(pattern, printed, re.DOTALL), printed


def test_pages_show_the_command_line():
    """Else the test above would prove nothing."""
    assert {"README.md", "command-line.md", "examples.md"} <= {each.page for each in sessions()}
    shown = {each.command.split()[1] for each in sessions() if each.page == COMMAND_LINE.name}
    assert shown == {"run", "graph", "check", "demo"}


COMPLETION = re.findall(r"_MIMO_RX_COMPLETE=(\w+)_source", COMMAND_LINE.read_text(encoding="utf-8"))


@pytest.mark.parametrize("shell", COMPLETION)
def test_the_completion_that_the_page_names_is_there_for_each_shell(shell):
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
