"""A private Redis server for use without REDIS_URL: durable, protected from other users, and ended with its parent."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from bsg_cli.errors import CommandError
from bsg_cli.guarded_command import GuardedCommand
from bsg_cli.server_binary import find_server_program

DATA_DIRECTORY = ".bsg-campaigns"
SECONDS_TO_START = 30.0
SECONDS_TO_LOAD = 600.0  # a big ledger's append-only file takes long
SECONDS_TO_STOP = 30.0

_CONFIGURATION = Path(__file__).with_name("embedded_server.conf")
_MAX_SOCKET_PATH = 100  # the system's limit is 104 bytes on macOS, 108 on Linux
_SECONDS_BETWEEN_PINGS = 0.02
_TRIES_TO_LOCK = 10


class AlreadyRunning(CommandError):
    """Another process runs the embedded server of this directory."""


class ServerDidNotStart(CommandError):
    """The server program ended, or did not respond in time."""


class EmbeddedServer:
    """A server with its data in `directory`, on a unix socket there, or on loopback with a password.

    `running_server_url` finds it. It ends when no process holds `lifeline` any more. This process passes the descriptor
    on, so that workers can still finish their requests.
    """

    def __init__(self, directory: Path, *, program: Path | None = None, keep_data: bool = True) -> None:
        """Without `keep_data`, delete the data of an earlier server."""
        self.directory = directory.absolute()
        self._program = program
        self._keep_data = keep_data
        self._command: GuardedCommand | None = None
        self._lock: IO[str] | None = None
        self._reading, self.lifeline = -1, -1
        self._password = ""
        self._port = 0
        self.url = ""

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def start(self) -> EmbeddedServer:
        """Start the server and wait until it responds.

        Raise AlreadyRunning, NoServerProgram, ServerDidNotStart.
        """
        program = self._program or find_server_program()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            # The directory has phones and texts, and the server makes its files readable by everybody.
            self.directory.chmod(0o700)
        except OSError as error:
            raise CommandError(f"{self.directory}: cannot keep the server's data there: {error.strerror}") from None
        self._lock = _lock(self.directory)
        self._program = program
        self._reading, self.lifeline = os.pipe()
        if not self._keep_data:
            shutil.rmtree(self.directory / "appendonlydir", ignore_errors=True)
        try:
            self._choose_address()
            self._launch()
            self._store_address()
        except BaseException:  # Ctrl-C too: the server may run already, and the directory is locked
            self.stop()
            raise
        return self

    @property
    def exit_code(self) -> int | None:
        """Return the server's exit code; None while it runs."""
        return None if self._command is None else self._command.exit_code

    def restart(self) -> None:
        """Restart the server, at the same address, after it has ended. Raise ServerDidNotStart."""
        if self._command is not None:
            self._command.stop()
        self._launch()

    def stop(self) -> None:
        """Stop the server, with its data on disk, and release the directory."""
        if self._command is not None:
            self._command.stop()
            self._command = None
        for descriptor in (self._reading, self.lifeline):
            if descriptor >= 0:
                os.close(descriptor)
        self._reading, self.lifeline = -1, -1
        if self._lock is not None:
            for name in ("address.json", "server.sock", "server.conf"):
                (self.directory / name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def __enter__(self) -> EmbeddedServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _choose_address(self) -> None:
        path = self.directory / "server.sock"
        if len(os.fsencode(path)) <= _MAX_SOCKET_PATH:
            self.url = f"unix://{quote(str(path))}?db=0"
            return
        # Every user of this machine can reach a port, so it needs a password.
        self._password = secrets.token_urlsafe(24)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    def _launch(self) -> None:
        configuration = self.directory / "server.conf"
        lines = [f"include {_quoted(_CONFIGURATION)}", f"dir {_quoted(self.directory)}"]
        if self._port:
            lines += ["bind 127.0.0.1", f"port {self._port}", f"requirepass {self._password}"]
        else:
            socket_path = self.directory / "server.sock"
            socket_path.unlink(missing_ok=True)
            lines += ["port 0", f"unixsocket {_quoted(socket_path)}", "unixsocketperm 700"]
        _write_private(configuration, "\n".join(lines) + "\n")
        if self._lock is None or self._program is None:
            raise ValueError("the server has not been started")
        with self.log.open("ab") as log:
            self._command = GuardedCommand(
                [str(self._program), str(configuration)],
                grace_seconds=SECONDS_TO_STOP,
                output=log,
                lifeline=self._reading,
                # The server holds the lock itself, so that no other server starts on its files.
                held=(self._lock.fileno(),),
                passed=(self._lock.fileno(),),
            )
        self._await_response(self._command)

    def _await_response(self, command: GuardedCommand) -> None:
        client = connect_once(self.url)
        began = time.monotonic()
        timeout = SECONDS_TO_START
        with contextlib.closing(client):
            while time.monotonic() - began < timeout:
                if command.exit_code is not None:
                    raise ServerDidNotStart(
                        f"The embedded server ended at once (exit code {command.exit_code}). See {self.log}"
                    )
                try:
                    client.ping()
                except BusyLoadingError:
                    timeout = SECONDS_TO_LOAD
                except RedisError:
                    pass
                else:
                    return
                time.sleep(_SECONDS_BETWEEN_PINGS)
        raise ServerDidNotStart(f"The embedded server did not respond within {timeout:.0f} s. See {self.log}")

    def _store_address(self) -> None:
        _write_private(self.directory / "address.json", json.dumps({"url": self.url, "pid": os.getpid()}) + "\n")


def running_server_url(directory: Path) -> str | None:
    """Return the address of the embedded server that runs in `directory`; None if none runs."""
    path = directory.absolute() / "address.json"
    try:
        stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        with _opened_lock(directory.absolute()) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        # The lock is taken, so the server is running.
        return str(stored["url"])
    except (OSError, ValueError):
        return None
    return None


def connect_once(url: str) -> redis.Redis:
    """Return a client that does not retry."""
    client: redis.Redis = redis.Redis.from_url(
        url, retry=Retry(NoBackoff(), 0), socket_timeout=5, socket_connect_timeout=2
    )
    return client


def _lock(directory: Path) -> IO[str]:
    lock = (directory / "lock").open("a", encoding="utf-8")
    # A process that checks whether a server runs holds the lock for an instant.
    for _ in range(_TRIES_TO_LOCK):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        time.sleep(_SECONDS_BETWEEN_PINGS)
    lock.close()
    holder = ""
    with contextlib.suppress(OSError, ValueError, KeyError):
        pid = json.loads((directory / "address.json").read_text(encoding="utf-8"))["pid"]
        holder = f" (started by process {pid})"
    raise AlreadyRunning(
        f"{directory}: an embedded server already runs here{holder}. "
        "Stop that `bsg-campaigns up` first, or name another place with --data-directory."
    )


@contextlib.contextmanager
def _opened_lock(directory: Path) -> Iterator[IO[str]]:
    with (directory / "lock").open("r", encoding="utf-8") as lock:
        yield lock


def _write_private(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
