"""`up`: the whole of it with real processes."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bsg_cli.embedded_server import running_server_url
from bsg_cli.errors import ExitCode
from bsg_sandbox.server import Sandbox
from tests.cli.running import processes_in, run, start, wait_until
from tests.servers import free_port

CONTACTS = "phone,name\n" + "".join(f"38066{number:07d},N{number}\n" for number in range(50)) + "12,Bad\n"
SEND = ("send", "contacts.csv", "--sender", "MyShop", "--text", "Hi {{ name }}")


class Up:
    """A running `bsg-campaigns up`."""

    def __init__(self, directory: Path, settings: dict[str, str]) -> None:
        self.directory = directory
        self.settings = settings
        self.flower_port = free_port()
        self.log = directory / "up.log"
        self.process = start(["up", "--flower-port", str(self.flower_port)], directory, settings, self.log)

    def wait_until_serving(self) -> None:
        wait_until(lambda: running_server_url(self.directory / ".bsg-campaigns") is not None, "it is serving")

    def wait_until_ready(self) -> None:
        self.wait_until_serving()
        wait_until(lambda: self._says("worker", " ready.") and self._says("status", " ready."), "it is ready")

    def text(self) -> str:
        return self.log.read_text()

    def _says(self, name: str, part: str) -> bool:
        return any(line.startswith(name) and part in line for line in self.text().splitlines())

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(100)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    (tmp_path / "contacts.csv").write_text(CONTACTS)
    with Sandbox() as sandbox:
        settings = {
            "BSG_API_KEY": "live_sandbox",
            "BSG_BASE_URL": sandbox.url,
            "BSG_POLL_INTERVAL": "0.5",
            "SWEEP_INTERVAL": "0.5",
        }
        running = Up(tmp_path, settings)
        try:
            yield running
        finally:
            running.process.kill()
            running.process.wait()
            wait_until(lambda: not processes_in(tmp_path), "nothing is left", seconds=100)


def test_a_campaign_goes_from_a_file_to_its_end_and_stopping_leaves_nothing(up: Up) -> None:
    up.wait_until_serving()
    sent = run([*SEND, "--watch", "--json"], up.directory, up.settings)
    assert sent.returncode == ExitCode.OK, sent.stderr + up.text()
    first, *_, last = (json.loads(line) for line in sent.stdout.splitlines())
    assert last["campaign_id"] == first["campaign_id"]
    assert last["state"] == "done"
    assert (last["counts"]["finished"], last["counts"]["rejected"]) == (50, 1)

    rejects = run(["rejects", first["campaign_id"], "--json"], up.directory, up.settings)
    assert json.loads(rejects.stdout)["code"] == "invalid_phone"

    with urllib.request.urlopen(f"http://127.0.0.1:{up.flower_port}/workers?json=1", timeout=10) as answer:
        assert answer.status == 200

    assert up.stop(signal.SIGTERM) == ExitCode.OK, up.text()
    assert not processes_in(up.directory)
    assert running_server_url(up.directory / ".bsg-campaigns") is None


def test_a_second_up_in_the_same_directory_is_refused_and_the_first_goes_on(up: Up) -> None:
    up.wait_until_serving()
    second = run(["up", "--flower-port", "0"], up.directory, up.settings)
    assert second.returncode == ExitCode.FAILED
    assert "already runs here" in second.stderr
    assert run(["list"], up.directory, up.settings).returncode == ExitCode.OK


def test_a_worker_that_is_killed_is_started_again(up: Up) -> None:
    up.wait_until_ready()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            ours = Path(os.readlink(process / "cwd")) == up.directory
        except OSError:
            continue
        if ours and b"worker@%h" in command and b"--" not in command:
            os.kill(int(process.name), signal.SIGKILL)
    wait_until(lambda: "worker exited with 137; starting again" in up.text(), "its end is told")
    sent = run([*SEND, "--watch"], up.directory, up.settings)
    assert sent.returncode == ExitCode.OK, sent.stderr + up.text()


def test_after_up_is_killed_nothing_is_left_and_the_campaigns_are_there_when_it_starts_again(up: Up) -> None:
    up.wait_until_ready()
    accepted = run([*SEND, "--json"], up.directory, up.settings)
    campaign = json.loads(accepted.stdout)["campaign_id"]
    up.stop(signal.SIGKILL)
    wait_until(lambda: not processes_in(up.directory), "nothing is left", seconds=100)

    after = run(["status", campaign], up.directory, up.settings)
    assert after.returncode == ExitCode.UNREACHABLE
    assert "bsg-campaigns up" in after.stderr

    again = Up(up.directory, up.settings)
    try:
        again.wait_until_serving()
        watched = run(["watch", campaign], up.directory, up.settings)
        assert watched.returncode == ExitCode.OK, watched.stderr + again.text()
    finally:
        assert again.stop(signal.SIGINT) == ExitCode.OK


def test_what_cannot_run_ends_it_and_says_why_once(tmp_path: Path) -> None:
    """As where a package is missing, which the transport for Redis imports and nothing before."""
    missing = "ModuleNotFoundError: No module named 'packaging'"
    (tmp_path / "packaging.py").write_text("""raise ModuleNotFoundError("No module named 'packaging'")""")
    settings = {"BSG_API_KEY": "live_sandbox", "BSG_BASE_URL": "http://127.0.0.1:1", "PYTHONPATH": str(tmp_path)}

    ended = run(["up", "--flower-port", "0"], tmp_path, settings, seconds=110)

    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr.count(missing) == 1, ended.stderr
    assert "ended 3 times in a row" in ended.stderr
    for name in ("worker", "status", "beat", "flower"):
        said = [line for line in ended.stdout.splitlines() if line.startswith(name) and line.endswith(missing)]
        assert len(said) <= 1
    assert not processes_in(tmp_path)


def test_without_a_key_it_does_not_start(tmp_path: Path) -> None:
    refused = run(["up", "--flower-port", "0"], tmp_path, {})
    assert refused.returncode == ExitCode.MISUSE
    assert "BSG_API_KEY" in refused.stderr


def test_with_a_redis_that_does_not_answer_it_does_not_start(tmp_path: Path) -> None:
    settings = {"BSG_API_KEY": "live_sandbox", "REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = run(["up", "--flower-port", "0"], tmp_path, settings)
    assert refused.returncode == ExitCode.UNREACHABLE
    assert "REDIS_URL" in refused.stderr


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_what_is_no_port_is_told_as_such(tmp_path: Path, port: str) -> None:
    refused = run(["up", "--flower-port", port], tmp_path, {"BSG_API_KEY": "live_sandbox"})
    assert refused.returncode == ExitCode.MISUSE
    assert f"{port} is no port" in refused.stderr


def test_a_taken_port_is_told_at_once(tmp_path: Path) -> None:
    with Sandbox() as other:
        port = other.url.rpartition(":")[2]
        refused = run(["up", "--flower-port", port], tmp_path, {"BSG_API_KEY": "live_sandbox"})
    assert refused.returncode == ExitCode.MISUSE
    assert "--flower-port" in refused.stderr
