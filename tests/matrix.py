"""`make matrix`: the fast tests on each Python, the ledger's tests on each Redis and Valkey, the app's on each Django.

Pythons and servers that are not installed are named as skipped. A Python and a Django get an environment of their own,
in build/matrix. Further servers are named by their programs:
`make matrix ARGS="--server /opt/redis-8/bin/redis-server"`.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers import PROGRAM_VARIABLE, program_of

ROOT = Path(__file__).parents[1]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
SERVERS = ("Redis 7", "Redis 8", "Valkey")
DJANGOS = ("5.2", "6.0", "6.1")
PYTHONS_OF_DJANGO = ("3.12", "3.13", "3.14")  # that all of them support
FAST = ("-m", "pytest", "-q", "-m", "fast")
OF_THE_LEDGER = ("-m", "pytest", "-q", "tests/ledger")
# What the next Django removes warns in this one.
OF_DJANGO = (
    "-m",
    "pytest",
    "-q",
    "-W",
    "error:.*RemovedInDjango",
    "tests/campaigns_django",
    "tests/docs/test_django_page.py",
)


@dataclass(frozen=True, slots=True)
class Result:
    """What one Python, server or Django came to: `passed`, `failed`, or why it was skipped."""

    what: str
    outcome: str

    @property
    def failed(self) -> bool:
        return self.outcome == "failed"


def find_python(version: str) -> str | None:
    """Return the program of that Python version on PATH, or None. A launcher with no Python behind it is none."""
    program = shutil.which(f"python{version}")
    if program is None:
        return None
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    return program if asked.returncode == 0 and asked.stdout.startswith(f"Python {version}.") else None


def name_of_server(version_text: str) -> str | None:
    """Return which of SERVERS prints this text for `--version`, or None."""
    if version_text.startswith("Valkey"):
        return "Valkey"
    major = re.search(r"^Redis server v=(\d+)\.", version_text)
    return f"Redis {major[1]}" if major and f"Redis {major[1]}" in SERVERS else None


def find_servers(further: Sequence[str]) -> dict[str, str]:
    """Return the installed server programs by their names."""
    found: dict[str, str] = {}
    for program in (*further, program_of("valkey"), program_of("redis")):
        if program is not None:
            text = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            name = name_of_server(text)
            if name is not None:
                found.setdefault(name, program)
    return found


def try_python(version: str) -> Result:
    """Run the fast tests on that Python."""
    what = f"Python {version}"
    program = find_python(version)
    if program is None:
        return Result(what, f"skipped: no python{version} on PATH")
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "fast"}
    return Result(what, _outcome_in_environment(version, program, FAST, environment))


def try_server(name: str, program: str | None) -> Result:
    """Run the ledger's tests on that server."""
    if program is None:
        return Result(name, "skipped: not installed")
    environment = {**os.environ, PROGRAM_VARIABLE: program}
    return Result(name, "passed" if _succeeds((sys.executable, *OF_THE_LEDGER), environment) else "failed")


def try_django(version: str) -> Result:
    """Run the tests of `bsg_campaigns_django` with that Django, on the oldest installed Python that it supports."""
    what = f"Django {version}"
    program = next(filter(None, map(find_python, PYTHONS_OF_DJANGO)), None)
    if program is None:
        return Result(what, f"skipped: no python{' or python'.join(PYTHONS_OF_DJANGO)} on PATH")
    name = f"django-{version}"
    return Result(what, _outcome_in_environment(name, program, OF_DJANGO, os.environ, f"django=={version}.*"))


def _outcome_in_environment(
    name: str, program: str, tests: Sequence[str], environment: Mapping[str, str], *instead: str
) -> str:
    """Run tests in a new environment that has the lock's packages, but these requirements instead of what they name."""
    directory = ROOT / "build" / "matrix" / name
    python = str(directory / "bin" / "python")
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    steps = (
        (program, "-m", "venv", "--clear", str(directory)),
        (*pip, "--require-hashes", "-r", "requirements-dev.lock"),
        (*pip, "--no-deps", "--no-build-isolation", "-e", "."),
        *([(*pip, *instead)] if instead else ()),
        (python, *tests),
    )
    return "passed" if all(_succeeds(step, environment) for step in steps) else "failed"


def _succeeds(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    return subprocess.run(words, cwd=ROOT, env=environment, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__)
    parser.add_argument("--server", action="append", default=[], metavar="PROGRAM", help="a further Redis or Valkey")
    parser.add_argument("--only", choices=("pythons", "servers", "djangos"), help="a part of the matrix")
    arguments = parser.parse_args()
    results = []
    if arguments.only in (None, "pythons"):
        results += [try_python(version) for version in PYTHONS]
    if arguments.only in (None, "djangos"):
        results += [try_django(version) for version in DJANGOS]
    if arguments.only in (None, "servers"):
        servers = find_servers(arguments.server)
        results += [try_server(name, servers.get(name)) for name in SERVERS]
    for result in results:
        print(f"{result.what:12} {result.outcome}")
    return 1 if any(result.failed for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
