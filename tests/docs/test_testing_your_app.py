"""The page on testing an app: its apps and tests are put into a directory of their own for each framework, and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "testing-your-app.md"
DJANGO_SETTINGS = """
SECRET_KEY = "tests"
INSTALLED_APPS = ["bsg_campaigns_django"]
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""


def write_files(section: str, directory: Path) -> None:
    """Write the files of a section, each of which is named by the first line of its blocks."""
    text = PAGE.read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    for name, continued, code in re.findall(r"^```\w+\n# (\S+?)(, continued)?\n(.*?)^```", text, re.M | re.S):
        file = directory / name
        file.parent.mkdir(exist_ok=True)
        with file.open("a" if continued else "x", encoding="utf-8") as written:
            written.write(code)


def run(directory: Path, *words: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("mode", ["embedded", "memory"])
@pytest.mark.parametrize(("section", "tests"), [("Flask", 6), ("FastAPI", 1), ("What the fixture has", 1)])
def test_the_tests_of_a_section_pass_in_both_modes(section: str, tests: int, mode: str, tmp_path: Path) -> None:
    write_files(section, tmp_path)
    (tmp_path / "pytest.ini").write_text(f"[pytest]\ncampaigns_mode = {mode}\n")

    assert f"{tests} passed" in run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider")


@pytest.mark.parametrize("mode", ["embedded", "memory"])
def test_the_tests_of_a_django_app_pass_with_djangos_own_runner(
    mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REDIS_URL", raising=False)
    write_files("Django", tmp_path)
    tests = tmp_path / "shop" / "tests.py"
    tests.write_text(tests.read_text().replace("CampaignsEnvironment()", f'CampaignsEnvironment("{mode}")'))
    (tmp_path / "settings.py").write_text(DJANGO_SETTINGS)
    (tmp_path / "shop" / "__init__.py").touch()

    printed = run(tmp_path, "-m", "django", "test", "--pythonpath", ".", DJANGO_SETTINGS_MODULE="settings")

    assert "Ran 2 tests" in printed


def test_the_tests_of_the_page_pass_without_a_mode_and_the_ini_names_one(tmp_path: Path) -> None:
    write_files("Flask", tmp_path)

    assert "6 passed" in run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", ".")
    write_files("Without a server program", tmp_path)
    assert (tmp_path / "pytest.ini").read_text() == "[pytest]\ncampaigns_mode = memory\n"
