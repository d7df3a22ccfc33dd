"""Flower is safe as it comes, and never open to others without a password."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from bsg_monitor.flower_options import SAFE_OPTIONS
from tests.cli.running import environment
from tests.processes import wait_until
from tests.servers import free_port

SHOW_OPTIONS = """
import json, sys
import bsg_monitor.celery
from tornado.options import options
print(json.dumps({name: options[name] for name in json.loads(sys.argv[1])}))
"""


def flower(redis_url: str, *words: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", "celery", "-A", "bsg_monitor", "flower", *words]
    return command, environment(REDIS_URL=redis_url, BSG_API_KEY="live_sandbox", **settings)


def refusal(redis_url: str, directory: Path, *words: str, **settings: str) -> str:
    command, variables = flower(redis_url, f"--port={free_port()}", *words, **settings)
    refused = subprocess.run(
        command, cwd=directory, env=variables, capture_output=True, text=True, timeout=90, check=False
    )
    assert refused.returncode == 2
    return refused.stderr


@contextmanager
def serving(redis_url: str, directory: Path, *words: str, **settings: str) -> Iterator[int]:
    port = free_port()
    command, variables = flower(redis_url, f"--port={port}", *words, **settings)
    log = directory / "flower.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=directory, env=variables, stdout=output, stderr=output)
    try:

        def listening() -> bool:
            assert process.poll() is None, log.read_text()
            return "Visit me" in log.read_text()

        wait_until(listening, what="Flower listens")
        yield port
    finally:
        process.terminate()
        process.wait(15)


def status_of(url: str, data: bytes | None = None, headers: Mapping[str, str] | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers or {}), timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_it_serves_on_loopback_and_lets_nobody_change_anything(redis_url: str, tmp_path: Path) -> None:
    with serving(redis_url, tmp_path, FLOWER_UNAUTHENTICATED_API="true") as port:
        assert status_of(f"http://127.0.0.1:{port}/workers") == 200
        shutdown = f"http://127.0.0.1:{port}/api/worker/shutdown/worker@x"
        assert status_of(shutdown, b"") in (401, 403, 405)
        if os.path.exists("/proc/net/tcp"):
            listening = [row.split()[1] for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            assert f"0100007F:{port:04X}" in listening


@pytest.mark.parametrize("words", [("--address=0.0.0.0",), ("--address=",), ("--address=example.org",)])
def test_an_address_that_others_reach_is_refused_without_a_password(
    redis_url: str, tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert "FLOWER_BASIC_AUTH" in refusal(redis_url, tmp_path, *words)


def test_the_address_of_the_environment_is_refused_as_well(redis_url: str, tmp_path: Path) -> None:
    assert "FLOWER_BASIC_AUTH" in refusal(redis_url, tmp_path, FLOWER_ADDRESS="0.0.0.0")


def test_a_configuration_file_cannot_open_the_door_either(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "flowerconfig.py").write_text("address = '0.0.0.0'\n")
    assert "FLOWER_BASIC_AUTH" in refusal(redis_url, tmp_path)


def test_with_a_password_it_serves_others_who_know_it(redis_url: str, tmp_path: Path) -> None:
    # As docker-compose.yml sets it.
    with serving(redis_url, tmp_path, FLOWER_ADDRESS="0.0.0.0", FLOWER_BASIC_AUTH="ann:secret") as port:
        url = f"http://127.0.0.1:{port}/workers"
        assert status_of(url) == 401
        assert status_of(url, headers={"Authorization": "Basic YW5uOnNlY3JldA=="}) == 200


def test_a_password_in_the_configuration_file_will_do(redis_url: str, tmp_path: Path) -> None:
    (tmp_path / "flowerconfig.py").write_text("address = '0.0.0.0'\nbasic_auth = ['ann:secret']\n")
    with serving(redis_url, tmp_path) as port:
        assert status_of(f"http://127.0.0.1:{port}/workers") == 401


def test_the_safe_options_are_set_before_anything_else_is_read(redis_url: str, tmp_path: Path) -> None:
    import json

    shown = subprocess.run(
        [sys.executable, "-c", SHOW_OPTIONS, json.dumps(list(SAFE_OPTIONS))],
        env=environment(REDIS_URL=redis_url, BSG_API_KEY="live_sandbox"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(shown.stdout) == SAFE_OPTIONS
