"""`make matrix` names each Python and each server, and says of those that it does not have that it skips them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.matrix import PYTHONS, SERVERS, Result, find_python, name_of_server, try_python, try_server

ROOT = Path(__file__).parents[1]


def test_each_python_of_the_classifiers_is_in_it() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    named = [
        text.rpartition(" :: ")[2] for text in classifiers if text.startswith("Programming Language :: Python :: 3.")
    ]
    assert named == list(PYTHONS)


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
    assert try_server("Redis 8", None) == Result("Redis 8", "skipped: not installed")


def test_a_launcher_without_a_python_is_no_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = tmp_path / "python3.12"
    launcher.write_text("#!/bin/sh\nexit 127\n")
    launcher.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_python("3.12") is None
