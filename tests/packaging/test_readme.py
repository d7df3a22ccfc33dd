"""The README's code is run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readmes_python_sends_a_message_and_then_enqueues_a_campaign(redis_url: str) -> None:
    message, campaign = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    for program, state in ((message, "pending"), (campaign, "accepted")):
        assert shown_by(program, redis_url) == state
        assert len([line for line in program.splitlines() if line]) <= 10


def shown_by(program: str, redis_url: str) -> str:
    shown = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "REDIS_URL": redis_url},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return shown.strip()


def test_every_file_that_the_readme_names_is_there() -> None:
    root = Path(__file__).parents[2]
    named = re.findall(r"\]\(([^)#:]+)\)|`((?:tests|docs|examples)/[\w./]+)`", README)

    assert len(named) > 5
    assert [path for pair in named for path in pair if path and not (root / path).exists()] == []


def test_the_readme_knows_every_command_of_the_command_line() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "bsg_cli", "--help"], capture_output=True, text=True, check=True
    ).stdout
    listed = re.findall(r"^    ([a-z]+)  ", shown, re.MULTILINE)

    assert len(listed) > 10
    assert [name for name in listed if f"bsg-campaigns {name}" not in README and f"make {name}" not in README] == []
