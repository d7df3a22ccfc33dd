"""pre-commit: what `make lint` runs, with the programs of `.venv`, and nothing from a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]


def hooks() -> dict[str, dict[str, Any]]:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    return {hook["id"]: hook for repository in configuration["repos"] for hook in repository["hooks"]}


def test_every_hook_is_local_and_runs_an_installed_program_or_a_pattern() -> None:
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    assert [repository["repo"] for repository in configuration["repos"]] == ["local"]
    for hook in hooks().values():
        assert hook["language"] in ("system", "pygrep")
        assert hook["language"] == "pygrep" or hook["entry"].startswith(".venv/bin/")


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\nlint: ")[2].partition("\n\n")[0]
    programs = [line.split()[0].removeprefix("@$(BIN)/") for line in recipe.splitlines()[1:]]
    entries = [hook["entry"].split()[0].removeprefix(".venv/bin/") for hook in hooks().values() if "stages" not in hook]
    assert entries == programs == ["ruff", "ruff", "mypy"]
