"""Whether a process that hangs is distinguished from one that works, by real processes."""

from __future__ import annotations

import json
import signal
import time
from socket import gethostname

import pytest

from bsg_broker.liveness import ping_queue
from bsg_broker.queues import dispatch_queue
from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from tests.cli.conftest import Running
from tests.processes import CeleryProcess, wait_until

QUICKLY = ("--within", "1.5")


@pytest.fixture(autouse=True)
def environment(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", running.server.url)
    monkeypatch.setenv("BSG_API_KEY", "live_sandbox")


@pytest.mark.parametrize("name", ["worker0", "status1"])
def test_a_worker_that_takes_tasks_is_healthy(running: Running, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["healthcheck", f"{name}@{gethostname()}"]) == ExitCode.OK
    assert capsys.readouterr().out == f"{name}@{gethostname()}: healthy\n"


def test_a_worker_that_hangs_is_not_though_another_one_works(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"worker0@{gethostname()}"
    wait_until(lambda: name in running.liveness.heartbeats.workers(), within=10, what="the worker's name")
    hang(running.worker)
    try:
        assert main(["healthcheck", name, *QUICKLY]) == ExitCode.FAILED
    finally:
        go_on(running.worker)
    assert "it took no task within 1.5 s" in capsys.readouterr().err
    assert running.server.client().llen(ping_queue(name)) == 0, "a ping that nobody waits for"
    assert main(["healthcheck", name]) == ExitCode.OK


def test_a_worker_that_nobody_started_is_not_healthy_and_nobody_waits_long_for_it(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = f"worker0@{gethostname()}"
    wait_until(lambda: worker in running.liveness.heartbeats.workers(), within=10, what="the worker's name")
    began = time.monotonic()

    assert main(["healthcheck", "worker@elsewhere", "--json"]) == ExitCode.FAILED

    assert time.monotonic() - began < 20, "as long as a busy worker may take is 105 s"
    printed = json.loads(capsys.readouterr().out)
    assert (printed["process"], printed["healthy"]) == ("worker@elsewhere", False)
    assert "no worker of that name has run here" in printed["why"]
    assert worker in printed["why"]


def test_a_worker_whose_name_redis_lost_is_healthy_if_it_takes_tasks(running: Running) -> None:
    worker = f"worker0@{gethostname()}"
    running.server.client().zrem("bsg:workers", worker)
    try:
        assert main(["healthcheck", worker]) == ExitCode.OK
    finally:
        running.liveness.heartbeats.note_worker(worker)


def test_a_liveness_ping_does_not_wait_for_all_that_waits(running: Running) -> None:
    name = f"worker0@{gethostname()}"
    hang(running.worker)
    with running.server.client() as client:
        for _ in range(2_000):
            running.liveness.send(dispatch_queue(DEFAULT_ACCOUNT))
    ping = running.liveness.send(ping_queue(name))
    go_on(running.worker)
    wait_until(lambda: running.liveness.has_response(ping), within=10, what="the liveness")
    with running.server.client() as client:
        assert client.llen(dispatch_queue(DEFAULT_ACCOUNT)) > 0, "the worker was done with everything else before"
        client.delete(dispatch_queue(DEFAULT_ACCOUNT))


def test_beat_is_healthy_while_it_sends_heartbeats(running: Running, capsys: pytest.CaptureFixture[str]) -> None:
    wait_until(
        lambda: running.liveness.heartbeats.since_last_tick() is not None, within=10, what="beat's first heartbeat"
    )
    assert main(["healthcheck", "beat"]) == ExitCode.OK
    hang(running.beat)
    try:
        with running.server.client() as client:
            client.zincrby("bsg:beats", -60_000, f"beat@{gethostname()}")
        assert main(["healthcheck", "beat"]) == ExitCode.FAILED
    finally:
        go_on(running.beat)
    assert "it sent its last tick 6" in capsys.readouterr().err
    wait_until(lambda: main(["healthcheck", "beat"]) == ExitCode.OK, within=10, what="beat's next heartbeat")


def test_without_redis_nothing_is_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert main(["healthcheck", "worker"]) == ExitCode.UNREACHABLE
    assert "Redis cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "nan"])
def test_a_wrong_timeout_is_misuse(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["healthcheck", "worker", "--within", seconds]) == ExitCode.MISUSE
    assert "not a number of seconds" in capsys.readouterr().err


def hang(process: CeleryProcess) -> None:
    process.process.send_signal(signal.SIGSTOP)


def go_on(process: CeleryProcess) -> None:
    process.process.send_signal(signal.SIGCONT)
