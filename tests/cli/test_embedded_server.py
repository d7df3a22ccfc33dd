"""The server that the command line starts where no Redis is set up."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from redis.exceptions import AuthenticationError, ResponseError

from bsg_cli.embedded_server import AlreadyRunning, EmbeddedServer, connect_once, running_server_url
from bsg_cli.errors import CommandError, ExitCode
from bsg_cli.server_binary import NoServerProgram, find_server_program
from tests.cli.running import processes_in
from tests.processes import wait_until

HOLDER = """
import sys, time
from pathlib import Path
from bsg_cli.embedded_server import EmbeddedServer
EmbeddedServer(Path("data")).start()
print("serving", flush=True)
time.sleep(600)
"""


def long_directory(tmp_path: Path) -> Path:
    return tmp_path / ("too-long-for-a-socket-" * 5)


def test_it_keeps_what_it_acknowledges(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        client = connect_once(server.url)
        wanted = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction", "save": ""}
        assert client.config_get(*wanted) == wanted


def test_its_data_survive_a_stop_and_a_start(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        connect_once(server.url).set("campaign", "accepted")
    with EmbeddedServer(tmp_path) as server:
        assert connect_once(server.url).get("campaign") == b"accepted"


def test_its_data_survive_being_killed(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        client = connect_once(server.url)
        client.set("campaign", "accepted")
        url = server.url
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
        wait_until(lambda: server.exit_code is not None, what="it is gone")
        server.restart()
        assert server.url == url
        assert connect_once(server.url).get("campaign") == b"accepted"


def test_a_server_that_keeps_no_data_begins_anew(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        connect_once(server.url).set("campaign", "accepted")
    with EmbeddedServer(tmp_path, keep_data=False) as server:
        assert connect_once(server.url).get("campaign") is None


def test_it_is_on_a_socket_that_only_its_owner_may_open(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        assert server.url.startswith("unix://")
        assert stat.S_IMODE((tmp_path / "server.sock").stat().st_mode) == 0o700
        assert connect_once(server.url).config_get("port") == {"port": "0"}


def test_where_the_socket_path_would_be_too_long_it_is_on_a_loopback_port_with_a_password(
    tmp_path: Path,
) -> None:
    with EmbeddedServer(long_directory(tmp_path)) as server:
        assert server.url.startswith("redis://:")
        client = connect_once(server.url)
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
        port = client.config_get("port")["port"]
        with pytest.raises((AuthenticationError, ResponseError)):
            connect_once(f"redis://127.0.0.1:{port}/0").ping()
        assert stat.S_IMODE((server.directory / "address.json").stat().st_mode) == 0o600


def test_its_data_are_out_of_others_reach_even_where_the_directory_was_open(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir(mode=0o755)
    with EmbeddedServer(directory):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_directory_with_spaces_and_quotes_will_do(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / 'my "own" data') as server:
        assert connect_once(server.url).ping()


def test_a_second_one_in_the_same_directory_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path) as server:
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
            EmbeddedServer(tmp_path).start()
        assert connect_once(server.url).ping()
        assert running_server_url(tmp_path) == server.url


def test_others_find_its_address_while_it_runs_and_not_afterwards(tmp_path: Path) -> None:
    assert running_server_url(tmp_path) is None
    with EmbeddedServer(tmp_path) as server:
        assert running_server_url(tmp_path) == server.url
    assert running_server_url(tmp_path) is None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_parent_and_can_be_started_again(tmp_path: Path, number: signal.Signals) -> None:
    parent = subprocess.Popen([sys.executable, "-c", HOLDER], cwd=tmp_path, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout as output:
        assert output.readline() == b"serving\n"
    connect_once(str(running_server_url(tmp_path / "data"))).set("campaign", "accepted")
    parent.send_signal(number)
    parent.wait(10)
    wait_until(lambda: not processes_in(tmp_path), what="nothing is left")
    assert running_server_url(tmp_path / "data") is None
    with EmbeddedServer(tmp_path / "data") as server:
        assert connect_once(server.url).get("campaign") == b"accepted"


def test_a_file_in_the_place_of_its_directory_is_reported(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(CommandError, match="data"):
        EmbeddedServer(tmp_path / "data").start()


def test_where_there_is_no_server_program_the_remedy_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "sparc64")
    with pytest.raises(NoServerProgram, match="set REDIS_URL") as raised:
        find_server_program()
    assert raised.value.exit_code == ExitCode.FAILED


def test_where_the_wheel_has_no_build_the_installed_server_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = tmp_path / "redis-server"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("platform.machine", lambda: "sparc64")
    assert find_server_program() == installed
