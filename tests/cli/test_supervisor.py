"""What the supervisor runs is started again when it ends, and stopped in order."""

from __future__ import annotations

import os
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from bsg_cli.embedded_server import EmbeddedServer, connect_once
from bsg_cli.processes import Process
from bsg_cli.supervisor import ProcessFails, Supervisor
from tests.cli.running import processes_in
from tests.processes import wait_until

STEADY = "import time; print('ready', flush=True); time.sleep(600)"
REPORTS_ITS_END = """
import signal, sys, time
def end(*_):
    time.sleep(0.3)
    print("ended", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(600)
"""


@dataclass(frozen=True, slots=True)
class Script(Process):
    """A process that is some Python instead of Celery."""

    def argv(self) -> list[str]:
        return [sys.executable, "-c", self.command]


def script(name: str, code: str, stop_order: int = 0, grace_seconds: float = 10) -> Script:
    return Script(name, code, stop_order, grace_seconds)


class Lines:
    """The lines that a supervisor reported, with their names."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            self._lines.append((name, line))

    def count(self, name: str, part: str) -> int:
        with self._lock:
            return sum(name == of and part in line for of, line in self._lines)

    def order_of(self, part: str) -> list[str]:
        with self._lock:
            return [name for name, line in self._lines if part in line]


def test_the_lines_of_each_process_are_reported_under_its_name() -> None:
    lines = Lines()
    supervisor = Supervisor([script("one", STEADY), script("two", STEADY)], environment=os.environ, report=lines)
    supervisor.start()
    wait_until(lambda: lines.count("one", "ready") == 1 and lines.count("two", "ready") == 1, what="both are ready")
    supervisor.stop()


def test_what_exits_is_started_again_after_a_backoff_that_grows_until_it_has_failed_three_times() -> None:
    lines = Lines()
    supervisor = Supervisor(
        [script("brief", "print('ready', flush=True); raise ModuleNotFoundError('no packaging')")],
        environment=os.environ,
        report=lines,
    )
    began = time.monotonic()
    supervisor.start()

    with pytest.raises(ProcessFails, match=r"brief ended 3 times .* with 1: ModuleNotFoundError: no packaging\n"):
        wait_until(lambda: look_after(supervisor), what="never")

    assert time.monotonic() - began >= 3.0, "1 s and 2 s"
    assert lines.count("up", "brief exited with 1; starting again in 1 s") == 1
    assert lines.count("up", "brief exited with 1; starting again in 2 s") == 1
    assert lines.count("brief", "ready") == 3
    assert lines.count("brief", "no packaging") == 1, "the same traceback is forwarded once"
    supervisor.stop()


def test_what_has_run_before_is_started_again_however_often_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_cli.supervisor.QUICK_END_SECONDS", 1.0)
    monkeypatch.setattr("bsg_cli.supervisor.MAX_BACKOFF_SECONDS", 0.1)
    runs_once = f"""
import pathlib, time
print("ready", flush=True)
ran = pathlib.Path({str(tmp_path / "ran")!r})
if not ran.exists():
    ran.touch()
    time.sleep(1.5)
raise SystemExit(3)
"""
    lines = Lines()
    supervisor = Supervisor([script("full", runs_once)], environment=os.environ, report=lines)
    supervisor.start()

    def sixth_start() -> bool:
        look_after(supervisor)
        return lines.count("full", "ready") == 6

    wait_until(sixth_start, what="it was started for the sixth time")
    supervisor.stop()


def look_after(supervisor: Supervisor) -> bool:
    """Never enough for `wait_until`."""
    supervisor.look_after()
    return False


def test_they_are_stopped_in_order_and_the_next_only_when_the_last_has_ended() -> None:
    lines = Lines()
    supervisor = Supervisor(
        [script("last", REPORTS_ITS_END, stop_order=1), script("first", REPORTS_ITS_END, stop_order=0)],
        environment=os.environ,
        report=lines,
    )
    supervisor.start()
    wait_until(lambda: len(lines.order_of("ready")) == 2, what="both are ready")
    supervisor.stop()
    assert lines.order_of("ended") == ["first", "last"]


def test_stopping_at_once_skips_the_grace() -> None:
    lines = Lines()
    supervisor = Supervisor(
        [script("slow", REPORTS_ITS_END.replace("0.3", "600"), grace_seconds=600)],
        environment=os.environ,
        report=lines,
    )
    supervisor.start()
    wait_until(lambda: lines.count("slow", "ready") == 1, what="it is ready")
    stopping = threading.Thread(target=supervisor.stop)
    stopping.start()
    time.sleep(0.3)
    supervisor.stop_at_once()
    stopping.join(10)
    assert not stopping.is_alive()


def test_a_server_that_is_gone_is_started_again_at_the_same_address(tmp_path: Path) -> None:
    lines = Lines()
    with EmbeddedServer(tmp_path) as server:
        supervisor = Supervisor([], environment=os.environ, report=lines, server=server)
        client = connect_once(server.url)
        client.set("campaign", "accepted")
        client.shutdown(nosave=True, force=True)
        wait_until(lambda: server.exit_code is not None, what="the server is gone")
        supervisor.look_after()
        assert connect_once(server.url).get("campaign") == b"accepted"
    assert not processes_in(tmp_path)
