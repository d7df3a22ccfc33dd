"""Whatever becomes of a run, no process of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.processes import wait_until

# Of fourteen: the run itself, Redis, the sandbox, five workers, two beats, two producers of campaigns and two of single
# messages. The faults begin at once, and some of them are down at any moment.
MAX_PROCESSES_OF_A_RUN = 9


def listed(*columns: str) -> list[str]:
    command = ["ps", "-A", "-ww", *(f"-o{column}=" for column in columns)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def group_of_the_run_in(directory: Path) -> str | None:
    """Return the process group of those whose command line names the directory, as beats and producers do."""
    groups = Counter(line.split()[0] for line in listed("pgid", "args") if str(directory) in line)
    return groups.most_common(1)[0][0] if groups else None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_early_leaves_nothing_running(tmp_path: Path, number: signal.Signals) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "tests.chaos", "--minutes", "5", "--seed", "1"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        preexec_fn=_without_ignored_signals,
    )
    try:
        wait_until(
            lambda: _members(group_of_the_run_in(tmp_path)) >= MAX_PROCESSES_OF_A_RUN,
            within=60,
            what="the run to start its processes",
        )
        group = group_of_the_run_in(tmp_path)
        run.send_signal(number)
        run.wait(40)
        wait_until(lambda: _members(group) == 0, within=40, what="every process to end")
    finally:
        run.kill()
        run.wait(10)

    assert run.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)


def _members(group: str | None) -> int:
    return sum(line.strip() == group for line in listed("pgid"))


def _without_ignored_signals() -> None:
    # A shell starts what runs in its background with SIGINT ignored, and the tests may run there.
    signal.signal(signal.SIGINT, signal.default_int_handler)
