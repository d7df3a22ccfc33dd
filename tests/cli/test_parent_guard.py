"""A guarded command ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bsg_cli.guarded_command import GuardedCommand
from tests.cli.running import processes_in
from tests.processes import wait_until

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)
HOLDER = """
import sys, time
from bsg_cli.guarded_command import GuardedCommand
held = [GuardedCommand([sys.executable, "-c", "import time; time.sleep(600)"], grace_seconds=5) for _ in range(3)]
print("holding", flush=True)
time.sleep(600)
"""


def test_the_exit_code_of_the_command_comes_through() -> None:
    command = GuardedCommand([sys.executable, "-c", "raise SystemExit(7)"], grace_seconds=1)
    assert command.wait(10) == 7


def test_a_command_that_a_signal_ended_exits_with_128_and_the_signal() -> None:
    command = GuardedCommand(["sh", "-c", "kill -KILL $$"], grace_seconds=1)
    assert command.wait(10) == 128 + signal.SIGKILL


def test_a_command_that_does_not_exist_exits_with_127(tmp_path: Path) -> None:
    command = GuardedCommand([str(tmp_path / "nothing")], grace_seconds=1, output=subprocess.DEVNULL)
    assert command.wait(10) == 127


def test_a_command_that_heeds_sigterm_ends_within_its_grace() -> None:
    command = GuardedCommand(["sleep", "600"], grace_seconds=30)
    assert command.exit_code is None
    began = time.monotonic()
    assert command.stop() == 128 + signal.SIGTERM
    assert time.monotonic() - began < 10


def test_a_command_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    command = GuardedCommand([sys.executable, "-c", STUBBORN], grace_seconds=0.5, output=subprocess.PIPE)
    with command.output as output:
        assert output.readline() == b"deaf\n"
    began = time.monotonic()
    assert command.stop() == 128 + signal.SIGKILL
    assert 0.4 < time.monotonic() - began < 10


def test_killing_skips_the_grace() -> None:
    command = GuardedCommand([sys.executable, "-c", STUBBORN], grace_seconds=600, output=subprocess.PIPE)
    with command.output as output:
        assert output.readline() == b"deaf\n"
    command.ask_to_stop()
    command.kill()
    assert command.wait(10) == 128 + signal.SIGKILL


def test_what_the_command_has_started_ends_with_it(tmp_path: Path) -> None:
    command = GuardedCommand(
        ["sh", "-c", f"cd {tmp_path} && (sleep 600 & echo started; exec sleep 600)"],
        grace_seconds=5,
        output=subprocess.PIPE,
    )
    with command.output as output:
        assert output.readline() == b"started\n"
        wait_until(lambda: len(processes_in(tmp_path)) >= 2, what="both run")
        command.stop()
    wait_until(lambda: not processes_in(tmp_path), what="both are gone")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_commands_end_when_their_holder_is_killed(tmp_path: Path, number: signal.Signals) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=tmp_path, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder.stdout as output:
        assert output.readline() == b"holding\n"
    wait_until(lambda: len(processes_in(tmp_path)) == 7, what="parent, guards and commands run")
    holder.send_signal(number)
    holder.wait(10)
    wait_until(lambda: not processes_in(tmp_path), what="nothing is left")


def test_a_command_ends_only_when_the_last_holder_of_its_lifeline_is_gone() -> None:
    reading, writing = os.pipe()
    other = os.dup(writing)
    command = GuardedCommand(["sleep", "600"], grace_seconds=5, lifeline=reading)
    os.close(reading)
    os.close(writing)
    with pytest.raises(subprocess.TimeoutExpired):
        command.wait(0.3)
    os.close(other)
    assert command.wait(10) == 128 + signal.SIGTERM
