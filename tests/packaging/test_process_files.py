"""Procfile and docker-compose.yml: the same processes as `up`, and every command of them runs."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from redis.exceptions import RedisError

from bsg_cli.commands.healthcheck import PERMIT_AND_MARGIN_SECONDS
from bsg_cli.embedded_server import connect_once
from bsg_cli.processes import FLOWER_PORT, PROCESSES, STATUS, WORKER, procfile
from bsg_cli.server_binary import find_server_program
from bsg_config.settings import Settings
from bsg_sandbox.control import Control
from bsg_sandbox.server import Sandbox
from tests.cli.running import environment, processes_in
from tests.processes import wait_until
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
HEALTH_IS_CHECKED = ("worker", "status", "beat")


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def services() -> Mapping[str, Mapping[str, Any]]:
    found: Mapping[str, Mapping[str, Any]] = compose()["services"]
    return found


def settings(redis_url: str) -> dict[str, str]:
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return environment(REDIS_URL=redis_url, BSG_API_KEY="live_sandbox", PATH=path, PYTHONUNBUFFERED="1")


def test_the_procfile_is_the_list_of_the_package() -> None:
    assert (ROOT / "Procfile").read_text(encoding="utf-8") == procfile()


def test_compose_fits_the_compose_specification() -> None:
    jsonschema.validate(compose(), get_builtin_schema("vendor.compose-spec"))


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_compose_runs_the_same_command_and_gives_it_grace_and_restarts(process: Any) -> None:
    service = services()[process.name]
    assert service["command"] == process.command
    assert service["restart"] == "unless-stopped"
    assert service["stop_grace_period"] == "90s"
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", HEALTH_IS_CHECKED)
def test_compose_asks_each_process_for_itself_and_long_enough_for_a_busy_worker(name: str) -> None:
    check = services()[name]["healthcheck"]
    assert check["test"] == ["CMD", "bsg-campaigns", "healthcheck", name]
    timeout = Settings.build().account.max_request_seconds + PERMIT_AND_MARGIN_SECONDS
    assert name == "beat" or float(check["timeout"].removesuffix("s")) > timeout


def test_a_worker_is_given_as_much_grace_by_up_as_by_compose() -> None:
    assert WORKER.grace_seconds == STATUS.grace_seconds == 90


def test_the_image_holds_the_locked_packages_that_run_and_the_wheel_and_runs_as_nobody() -> None:
    first, second = (ROOT / "Dockerfile").read_text(encoding="utf-8").split("\n\nFROM ")
    installed = [line.split(" install ")[1] for line in first.splitlines() if "/opt/bsg-campaigns/bin/python" in line]
    assert installed == [
        "--no-cache-dir --require-hashes -r requirements.lock",
        "--no-cache-dir --no-deps dist/*.whl",
    ]
    assert [line.split()[1:] for line in second.splitlines() if line.startswith(("COPY", "RUN"))] == [
        ["--from=installed", "/opt/bsg-campaigns", "/opt/bsg-campaigns"]
    ]
    assert second.splitlines()[-1] == "USER nobody"


def test_the_image_has_everything_that_is_packaged_and_nothing_else_is_sent_to_its_building() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {word for line in dockerfile.splitlines() if line.startswith("COPY ") for word in line.split()[1:-1]}
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    folders = {Path(path).parts[0] for path in packaged["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    assert folders < copied
    assert copied - {"--from=installed", "/opt/bsg-campaigns"} == allowed


def test_flower_is_asked_for_its_health_at_the_port_where_it_listens() -> None:
    assert f":{FLOWER_PORT}/healthcheck" in services()["flower"]["healthcheck"]["test"][-1]


def test_the_sandbox_starts_only_under_its_profile() -> None:
    under_profile = {name for name, service in services().items() if service.get("profiles") == ["sandbox"]}
    assert {name for name in services() if "sandbox" in name} == under_profile != set()


def test_what_compose_publishes_is_on_loopback_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_server_of_compose_keeps_what_it_acknowledges(tmp_path: Path) -> None:
    program, *arguments = shlex.split(services()["redis"]["command"])
    assert program == "redis-server"
    assert services()["redis"]["healthcheck"]["test"]
    port = free_port()
    server = subprocess.Popen(
        [str(find_server_program()), *arguments, "--port", str(port), "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        client = connect_once(f"redis://127.0.0.1:{port}/0")

        def responds() -> bool:
            with suppress(RedisError):
                return bool(client.ping())
            return False

        wait_until(responds, what="the server responds")
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        assert client.config_get(*wanted) == wanted
    finally:
        server.terminate()
        server.wait(10)


def test_the_sandbox_of_compose_runs(tmp_path: Path) -> None:
    program, *arguments = shlex.split(services()["sandbox"]["command"])
    assert program == "bsg-campaigns"
    port = free_port()
    words = ["127.0.0.1" if word == "0.0.0.0" else str(port) if word == "8700" else word for word in arguments]
    sandbox = subprocess.Popen([sys.executable, "-m", "bsg_cli", *words], stdout=subprocess.PIPE)
    assert sandbox.stdout is not None
    with sandbox.stdout as output:
        assert f":{port}".encode() in output.readline()
    sandbox.send_signal(signal.SIGTERM)
    assert sandbox.wait(10) == 0


@pytest.mark.parametrize("name", ["worker", "status"])
def test_the_sandbox_of_compose_is_reached_at_the_loopback_of_those_that_talk_to_bsg(name: str) -> None:
    service = services()[f"sandbox-beside-{name}"]
    assert service["network_mode"] == f"service:{name}"
    assert service["profiles"] == ["sandbox"]
    program, *arguments = shlex.split(service["command"])
    assert program == "python"
    port = free_port()
    with Sandbox() as sandbox:
        far = sandbox.url.removeprefix("http://")
        words = [far if word == "sandbox:8700" else str(port) if word == "8700" else word for word in arguments]
        relay = subprocess.Popen([sys.executable, *words])
        try:
            wait_until(lambda: listens(port), what="the relay listens")
            client = Control(f"http://127.0.0.1:{port}")
            assert client.summary() == sandbox.summary()
        finally:
            relay.terminate()
            relay.wait(10)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_every_command_of_the_procfile_runs_under_honcho(tmp_path: Path, redis_url: str) -> None:
    port = free_port()
    text = procfile().replace(f"--port={FLOWER_PORT}", f"--port={port}")
    (tmp_path / "Procfile").write_text(text, encoding="utf-8")
    log = tmp_path / "honcho.log"
    with log.open("wb") as output:
        honcho = subprocess.Popen(
            [sys.executable, "-m", "honcho", "start", "--no-colour"],
            cwd=tmp_path,
            env=settings(redis_url),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    signs = {
        "worker": " ready.",
        "status": " ready.",
        "beat": "beat: Starting",
        "flower": f"Visit me at http://127.0.0.1:{port}",
    }
    assert set(signs) == {process.name for process in PROCESSES}

    def says(name: str, sign: str) -> bool:
        return any(f" {name}" in line and sign in line for line in log.read_text().splitlines())

    try:
        for name, sign in signs.items():
            wait_until(lambda name=name, sign=sign: says(name, sign), what=f"{name} says {sign!r}")  # type: ignore[misc]
        for name in HEALTH_IS_CHECKED:
            check = subprocess.run(
                services()[name]["healthcheck"]["test"][1:],
                env=settings(redis_url),
                capture_output=True,
                text=True,
                check=False,
            )
            assert check.returncode == 0, check.stderr
    finally:
        honcho.send_signal(signal.SIGTERM)
        honcho.wait(30)
    wait_until(lambda: not processes_in(tmp_path), what="nothing is left")
