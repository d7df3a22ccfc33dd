"""`up`: the whole of it with real processes."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bsg_cli.embedded_server import running_server_url
from bsg_cli.errors import ExitCode
from bsg_cli.first_login import log_in
from bsg_config.settings import Settings
from bsg_sandbox.server import Sandbox
from tests.cli.running import processes_in, run, start
from tests.processes import wait_until
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
        wait_until(lambda: running_server_url(self.directory / ".bsg-campaigns") is not None, what="it is serving")

    def wait_until_ready(self) -> None:
        self.wait_until_serving()
        wait_until(lambda: self._says("worker", " ready.") and self._says("status", " ready."), what="it is ready")

    def text(self) -> str:
        return self.log.read_text()

    def _says(self, name: str, part: str) -> bool:
        return any(line.startswith(name) and part in line for line in self.text().splitlines())

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(100)


@contextmanager
def started(directory: Path) -> Iterator[Up]:
    (directory / "contacts.csv").write_text(CONTACTS)
    with Sandbox() as sandbox:
        settings = {
            "BSG_API_KEY": "live_sandbox",
            "BSG_BASE_URL": sandbox.url,
            "BSG_POLL_INTERVAL": "0.5",
            "SWEEP_INTERVAL": "0.5",
        }
        up = Up(directory, settings)
        try:
            yield up
        finally:
            up.process.kill()
            up.process.wait()
            wait_until(lambda: not processes_in(directory), what="nothing is left", within=100)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One for several tests. The last of them stops it."""
    with started(tmp_path_factory.mktemp("running")) as up:
        yield up


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    with started(tmp_path) as up:
        yield up


def test_a_campaign_goes_from_a_file_to_its_end(running: Up) -> None:
    running.wait_until_serving()
    sent = run([*SEND, "--watch", "--json"], running.directory, running.settings)
    assert sent.returncode == ExitCode.OK, sent.stderr + running.text()
    first, *_, last = (json.loads(line) for line in sent.stdout.splitlines())
    assert last["campaign_id"] == first["campaign_id"]
    assert last["state"] == "done"
    assert (last["counts"]["finished"], last["counts"]["rejected"]) == (50, 1)

    rejects = run(["rejects", first["campaign_id"], "--json"], running.directory, running.settings)
    assert json.loads(rejects.stdout)["code"] == "invalid_phone"

    with urllib.request.urlopen(f"http://127.0.0.1:{running.flower_port}/workers?json=1", timeout=10) as response:
        assert response.status == 200


def test_a_second_up_in_the_same_directory_is_refused_and_the_first_goes_on(running: Up) -> None:
    running.wait_until_serving()
    second = run(["up", "--flower-port", "0"], running.directory, running.settings)
    assert second.returncode == ExitCode.FAILED
    assert "already runs here" in second.stderr
    assert run(["list"], running.directory, running.settings).returncode == ExitCode.OK


def test_a_worker_that_is_killed_is_started_again(running: Up) -> None:
    running.wait_until_ready()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            ours = Path(os.readlink(process / "cwd")) == running.directory
        except OSError:
            continue
        if ours and b"worker@%h" in command and b"--" not in command:
            os.kill(int(process.name), signal.SIGKILL)
    wait_until(lambda: "worker exited with 137; starting again" in running.text(), what="its end is logged")
    sent = run([*SEND, "--watch"], running.directory, running.settings)
    assert sent.returncode == ExitCode.OK, sent.stderr + running.text()


def test_it_logs_in_before_it_says_that_it_runs(running: Up) -> None:
    wait_until(lambda: "Flower: http" in running.text(), what="it says that it runs")

    (login,) = [line for line in running.text().splitlines() if "logged in with BSG_API_KEY at BSG at http://" in line]
    assert running.text().index(login) < running.text().index("Flower: http")


def test_stopping_leaves_nothing(running: Up) -> None:
    running.wait_until_ready()

    assert running.stop(signal.SIGTERM) == ExitCode.OK, running.text()
    assert not processes_in(running.directory)
    assert running_server_url(running.directory / ".bsg-campaigns") is None


def test_after_up_is_killed_nothing_is_left_and_the_campaigns_are_there_when_it_starts_again(up: Up) -> None:
    up.wait_until_ready()
    accepted = run([*SEND, "--json"], up.directory, up.settings)
    campaign = json.loads(accepted.stdout)["campaign_id"]
    up.stop(signal.SIGKILL)
    wait_until(lambda: not processes_in(up.directory), what="nothing is left", within=100)

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
    """As where a package is missing, which Celery's command imports and `up` does not."""
    missing = "ModuleNotFoundError: No module named 'click_didyoumean'"
    (tmp_path / "click_didyoumean.py").write_text("""raise ModuleNotFoundError("No module named 'click_didyoumean'")""")
    settings = {"BSG_API_KEY": "live_sandbox", "BSG_BASE_URL": "http://127.0.0.1:1", "PYTHONPATH": str(tmp_path)}

    ended = run(["up", "--flower-port", "0"], tmp_path, settings, seconds=110)

    assert ended.returncode == ExitCode.FAILED
    assert ended.stderr.count(missing) == 1, ended.stderr
    assert "ended 3 times in a row" in ended.stderr
    for name in ("worker", "status", "beat", "flower"):
        lines = [line for line in ended.stdout.splitlines() if line.startswith(name) and line.endswith(missing)]
        assert len(lines) <= 1
    assert not processes_in(tmp_path)


@pytest.mark.parametrize("name", ["BSG_API_KEY", "BSG_API_KEY__MARKETING"])
def test_a_key_that_bsg_does_not_take_ends_it(tmp_path: Path, name: str) -> None:
    with Sandbox() as sandbox:
        keys = {"BSG_API_KEY": "live_sandbox", name: "live_mistyped"}
        ended = run(["up", "--flower-port", "0"], tmp_path, {**keys, "BSG_BASE_URL": sandbox.url})

    assert ended.returncode == ExitCode.MISUSE
    assert f"{name}: BSG at {sandbox.url} does not take it" in ended.stderr
    assert "live_mistyped" not in ended.stderr + ended.stdout
    assert "Flower: http" not in ended.stdout
    assert not processes_in(tmp_path)


def test_a_key_of_the_wrong_form_ends_it_before_anything_is_asked(tmp_path: Path) -> None:
    refused = run(["up", "--flower-port", "0"], tmp_path, {"BSG_API_KEY": "sandbox"})

    assert refused.returncode == ExitCode.MISUSE
    assert "BSG_API_KEY: Not a key of BSG, which begins with live_ or test_" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.fixture
def warnings(redis_url: str) -> Callable[..., list[str]]:
    """What a login with these settings reports."""

    def log_in_with(**settings: str) -> list[str]:
        reported: list[str] = []
        log_in(Settings.from_environment({"REDIS_URL": redis_url, **settings}), reported.append)
        return reported

    return log_in_with


def test_a_bsg_out_of_reach_is_a_warning_and_no_hindrance(warnings: Callable[..., list[str]]) -> None:
    (line,) = warnings(BSG_API_KEY="live_sandbox", BSG_BASE_URL="http://127.0.0.1:1")

    assert line.startswith("WARNING: no login with BSG_API_KEY, as BSG at http://127.0.0.1:1 gave no usable response")


def test_a_bsg_that_does_not_respond_is_not_waited_for(
    warnings: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_cli.first_login.READ_SECONDS", 0.3)
    with Sandbox() as sandbox:
        sandbox.fault("latency", seconds=3.0, method="POST", path="/api/auth/login")
        (line,) = warnings(BSG_API_KEY="live_sandbox", BSG_BASE_URL=sandbox.url)

    assert line.startswith("WARNING: no login with BSG_API_KEY")


def test_a_blocked_account_is_a_warning_beside_the_one_that_works(warnings: Callable[..., list[str]]) -> None:
    with Sandbox() as sandbox:
        sandbox.put_account("live_second", blocked=True)
        lines = warnings(BSG_API_KEY="live_sandbox", BSG_API_KEY__SECOND="live_second", BSG_BASE_URL=sandbox.url)

    assert lines == [
        f"logged in with BSG_API_KEY at BSG at {sandbox.url}",
        f"WARNING: BSG at {sandbox.url} does nothing for the account of BSG_API_KEY__SECOND (blocked).",
    ]


def test_a_test_key_is_reported_as_such(warnings: Callable[..., list[str]]) -> None:
    with Sandbox() as sandbox:
        (line,) = warnings(BSG_API_KEY="test_sandbox", BSG_BASE_URL=sandbox.url)

    assert line.endswith("a test key: BSG sends nothing to people")


def test_without_a_key_it_does_not_start(tmp_path: Path) -> None:
    refused = run(["up", "--flower-port", "0"], tmp_path, {})
    assert refused.returncode == ExitCode.MISUSE
    assert "BSG_API_KEY" in refused.stderr


def test_with_a_redis_that_does_not_respond_it_does_not_start(tmp_path: Path) -> None:
    settings = {"BSG_API_KEY": "live_sandbox", "REDIS_URL": "redis://127.0.0.1:1/0"}
    refused = run(["up", "--flower-port", "0"], tmp_path, settings)
    assert refused.returncode == ExitCode.UNREACHABLE
    assert "REDIS_URL" in refused.stderr


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_what_is_no_port_is_reported_as_such(tmp_path: Path, port: str) -> None:
    refused = run(["up", "--flower-port", port], tmp_path, {"BSG_API_KEY": "live_sandbox"})
    assert refused.returncode == ExitCode.MISUSE
    assert f"{port} is not a port" in refused.stderr


def test_a_taken_port_is_reported_at_once(tmp_path: Path) -> None:
    with Sandbox() as other:
        port = other.url.rpartition(":")[2]
        refused = run(["up", "--flower-port", port], tmp_path, {"BSG_API_KEY": "live_sandbox"})
    assert refused.returncode == ExitCode.MISUSE
    assert "--flower-port" in refused.stderr
