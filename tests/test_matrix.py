"""`make matrix` names each Python, each server and each Django, and what it skips."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.matrix import (
    DJANGOS,
    PYTHONS,
    SERVERS,
    Result,
    find_python,
    name_of_server,
    try_django,
    try_python,
    try_server,
)

ROOT = Path(__file__).parents[1]


def project() -> dict[str, Any]:
    described: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return described


def classified(prefix: str) -> list[str]:
    return [text.removeprefix(prefix) for text in project()["classifiers"] if text.startswith(prefix)]


def test_each_python_of_the_classifiers_is_in_it() -> None:
    minor = "Programming Language :: Python :: 3."
    assert [f"3.{version}" for version in classified(minor)] == list(PYTHONS)


def test_each_django_of_the_classifiers_is_in_it_and_the_extra_takes_no_older_one() -> None:
    (extra,) = map(Requirement, project()["optional-dependencies"]["django"])

    assert classified("Framework :: Django :: ") == list(DJANGOS)
    assert [version for version in DJANGOS if extra.specifier.contains(version)] == list(DJANGOS)
    assert not extra.specifier.contains("5.1.99")
    assert f"Django {', '.join(DJANGOS[:-1])} and {DJANGOS[-1]}" in (ROOT / "docs/how-to/django.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "Redis 7"),
        ("Redis server v=8.2.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "Redis 8"),
        ("Valkey server v=9.1.2 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64", "Valkey"),
        ("Redis server v=6.2.0 sha=00000000:0", None),
        ("not found", None),
    ],
)
def test_a_server_is_known_by_what_it_prints_of_itself(text: str, name: str | None) -> None:
    assert name_of_server(text) == name
    assert name is None or name in SERVERS


def test_what_is_not_installed_is_skipped_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert try_python("3.14") == Result("Python 3.14", "skipped: no python3.14 on PATH")
    assert try_django("6.1") == Result("Django 6.1", "skipped: no python3.12 or python3.13 or python3.14 on PATH")
    assert try_server("Redis 8", None) == Result("Redis 8", "skipped: not installed")


def test_a_launcher_without_a_python_is_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = tmp_path / "python3.12"
    launcher.write_text("#!/bin/sh\nexit 127\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_python("3.12") is None
