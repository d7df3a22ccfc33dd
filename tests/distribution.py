"""How the tests are divided among processes, which pytest-xdist starts for `make test`.

Each process has a Redis, ports and directories of its own, so that any test may run beside any other. The tests of a
file run in one process, one after the other, and so do those of a folder that starts one environment for all of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

PROCESSES_PER_CPU = 2
"""More than half of the suite's time is spent waiting."""
MAX_PROCESSES = 8

ONE_ENVIRONMENT = ("tests/monitor/", "tests/examples/", "tests/security/", "tests/recovery/")
"""The folders whose tests share processes that take seconds to start."""
ONE_BY_ONE = ("tests/exhaustive/",)
"""The folders of few tests that compute for long and share nothing."""

SLOW_FIRST = (
    "tests/scenarios/test_limits.py",  # waits for more than a minute
    "tests/monitor/",
    "tests/scenarios/",
    "tests/exhaustive/",
    "tests/cli/test_up.py",
    "tests/cli/test_demo.py",
    "tests/recovery/",
    "tests/examples/",
    "tests/security/",
    "tests/failpoints/",
    "tests/mutation/",
    "tests/docs/",
    "tests/cli/",
    "tests/worker/",
    "tests/producer/",
)


def process_count(config: pytest.Config) -> int:
    """Return how many processes run the tests: none but this one for single files, as others take seconds to start."""
    names_folders = all(Path(argument.partition("::")[0]).is_dir() for argument in config.args)
    selects_by_name = any(config.getoption(option) for option in ("keyword", "markexpr", "lf", "stepwise"))
    if not names_folders or selects_by_name:
        return 0
    return min(PROCESSES_PER_CPU * (os.cpu_count() or 1), MAX_PROCESSES)


def unit_of(test: str) -> str:
    """Return what runs in one process with the test of that node id: its file, its folder, or nothing but the test."""
    if test.startswith(ONE_BY_ONE):
        return test
    file = test.partition("::")[0]
    return next((folder for folder in ONE_ENVIRONMENT if file.startswith(folder)), file)


def rank(test: str) -> int:
    """Return the key by which tests are sorted, so that no process works alone at the end."""
    return next((position for position, path in enumerate(SLOW_FIRST) if test.startswith(path)), len(SLOW_FIRST))


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Return what gives the next unit, in the order of the tests, to the process that has nothing left to do."""
    from xdist.scheduler import LoadScopeScheduling

    scheduling = LoadScopeScheduling(config, log)
    scheduling._split_scope = unit_of
    return scheduling
