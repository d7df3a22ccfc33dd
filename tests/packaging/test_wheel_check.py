"""`make wheel-check` installs each set of extras that the documentation installs."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from tests.wheel_check.checks import CHECKS

ROOT = Path(__file__).parents[2]
FOR_DEVELOPERS = {"dev", "docs", "bench", "examples", "old-python"}
EXTRAS = re.compile(r"pip install '(?:\.|\.\./\.\.|bsg-campaigns|\S+\.whl)\[([\w,]+)\]'")
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")]


def test_every_extra_is_installed_somewhere() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]

    bring_something = {extra for extra, requirements in extras.items() if requirements}
    assert {extra for checked in CHECKS for extra in checked} == bring_something - FOR_DEVELOPERS


def test_every_set_of_extras_that_a_page_installs_is_one_of_them() -> None:
    documented = {tuple(extras.split(",")) for page in PAGES for extras in EXTRAS.findall(page.read_text("utf-8"))}

    assert ("worker", "cli") in documented
    assert documented - set(CHECKS) == set()


def test_no_page_installs_the_project_by_its_name_before_it_is_there() -> None:
    """No package index has it yet. An extra of what is installed already is found by its name."""
    first = [page for page in PAGES if re.search(r"pip install '?bsg-campaigns(?!\[\w+\]')", page.read_text("utf-8"))]

    assert first == []


def test_ci_runs_it() -> None:
    assert "\nmake wheel-check\n" in (ROOT / ".ci" / "run").read_text("utf-8")
