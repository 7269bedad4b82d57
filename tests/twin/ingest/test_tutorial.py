"""Every command of the tutorial is run, in order, and prints what the page says."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "tutorial-real-cities.md").read_text()
CHAPTERS = ("Jakarta", "Sant Boi", "Lower Manhattan")


class Step(NamedTuple):
    """Commands, whether they succeed, and lines that the last of them prints."""

    commands: list[str]
    succeeds: bool
    lines: list[str]


def steps(title: str) -> list[Step]:
    """Return the steps of a chapter; the last chapter runs on into the failures."""
    following = dict(pairwise(CHAPTERS))
    begin = PAGE.index(f"## {title}")
    end = PAGE.index(f"## {following[title]}") if title in following else len(PAGE)
    found: list[Step] = []
    for kind, body in re.findall(r"```(sh|sh fails|text)\n(.*?)```", PAGE[begin:end], re.DOTALL):
        lines = [line for line in body.splitlines() if line.strip()]
        if kind == "text":
            found[-1] = found[-1]._replace(lines=lines)
        else:
            found.append(Step(lines, kind == "sh", []))
    return found


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize("title", CHAPTERS)
def test_the_tutorial_does_what_it_says(
    title: str, clone: Callable[..., Any], real_data: Path, tmp_path: Path
) -> None:
    program = Path(sys.executable).with_name("citytwin")
    with clone() as url:
        environment = {
            **os.environ,
            "TWIN_DATABASE_URL": url,
            "TWIN_DATA_DIR": str(tmp_path),
            "TWIN_REAL_DATA": str(real_data),
        }
        for step in steps(title):
            for number, command in enumerate(step.commands):
                words = shlex.split(command.replace("$TWIN_REAL_DATA", str(real_data)))
                assert words[0] == "citytwin"
                done = subprocess.run(
                    [str(program), *words[1:]],
                    env=environment,
                    capture_output=True,
                    text=True,
                    cwd=ROOT,
                )
                assert (done.returncode == 0) == step.succeeds, (command, done.stderr)
                if number == len(step.commands) - 1:
                    printed = squeezed(done.stdout + done.stderr)
                    for line in step.lines:
                        assert squeezed(line) in printed, (command, line, printed)


def test_every_chapter_has_commands_and_what_they_print() -> None:
    for title in CHAPTERS:
        found = steps(title)
        assert sum(len(step.commands) for step in found) >= 5
        assert any(step.lines for step in found)
