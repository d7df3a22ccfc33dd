"""make: its targets, and what it says where it cannot work."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = ROOT / "Makefile"


def make(*words: str, directory: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    # Without what the make that runs this suite hands down: a make below another one says where it works.
    inherited = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(
        ["make", *words],
        cwd=directory,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_make_alone_lists_every_target_with_its_comment() -> None:
    listed = make()
    assert listed.returncode == 0
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE.read_text(encoding="utf-8"), re.M)
    lines = [re.fullmatch(r"make (\S+) +\S.*", line) for line in listed.stdout.splitlines()]
    assert sorted(line[1] for line in lines if line) == sorted(phony.split())
    assert all(lines)


def test_without_a_python_new_enough_the_remedy_is_reported(tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python3.14", "python3.13", "python3.12", "python3.11", "python3", "python"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    for name in ("Makefile", "requirements-dev.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    failed = make("test", directory=tmp_path, PATH=f"{programs}{os.pathsep}{os.environ['PATH']}")
    assert failed.returncode != 0
    assert "Python 3.11" in failed.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_lint_and_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make lint && make test" in script.read_text(encoding="utf-8")
