"""A demo's processes: server, sandbox, workers, beat and Flower. None of them uses a real account."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from bsg_cli.embedded_server import EmbeddedServer
from bsg_cli.errors import CommandError
from bsg_cli.guarded_command import GuardedCommand
from bsg_cli.processes import BEAT, STATUS, WORKER, flower_on_port
from bsg_cli.supervisor import Supervisor
from bsg_config.settings import Settings
from bsg_config.settings_table import SETTINGS

SECONDS_FOR_SANDBOX = 30.0
SANDBOX_GRACE_SECONDS = 5.0

# The sandbox accepts the key as a live one. The rates keep the demo short.
DEMO_SETTINGS = {
    "BSG_API_KEY": "live_sandbox",
    "BSG_RATE_LIMIT": "50/s",
    "BSG_RATE_BURST": "10",
    "BSG_STATUS_RATE_LIMIT": "20/s",
    "BSG_POLL_INTERVAL": "1",
    "LOG_FORMAT": "text",
}


class DemoRun:
    """A demo's processes, in `directory`. `settings` are those of the processes, once they are started.

    A demo ignores the environment's settings, so that it never uses a real account or another Redis.
    """

    def __init__(self, directory: Path, flower_port: int) -> None:
        self.directory = directory
        self.flower_port = flower_port
        self.sandbox_url = ""
        self._running = ExitStack()
        self._supervisor: Supervisor | None = None
        self._log_lock = threading.Lock()

    @property
    def log(self) -> Path:
        """Return the file with the processes' output."""
        return self.directory / "processes.log"

    @property
    def flower_url(self) -> str:
        return f"http://127.0.0.1:{self.flower_port}"

    def start(self) -> None:
        """Start everything. Raise CommandError. Call `stop` in any case."""
        server = EmbeddedServer(self.directory, keep_data=False)
        self._running.enter_context(server)
        self._log_file = self._running.enter_context(self.log.open("w", encoding="utf-8"))
        self.sandbox_url = self._start_sandbox(self._log_file)
        ours = {setting.name for setting in SETTINGS}
        environment = {name: value for name, value in os.environ.items() if name.partition("__")[0] not in ours}
        environment |= {
            **DEMO_SETTINGS,
            "BSG_BASE_URL": self.sandbox_url,
            "REDIS_URL": server.url,
        }
        # The environment's options for Flower are meant for another Flower.
        environment = {name: value for name, value in environment.items() if not name.startswith("FLOWER_")}
        self.settings = Settings.from_environment(environment)
        supervisor = Supervisor(
            (WORKER, STATUS, BEAT, flower_on_port(self.flower_port)),
            environment=environment,
            report=self._write_log,
            server=server,
        )
        self._supervisor = supervisor
        self._running.callback(supervisor.stop)
        supervisor.start()

    def look_after(self) -> None:
        """Restart processes that have ended."""
        if self._supervisor is not None:
            self._supervisor.look_after()

    def stop(self) -> None:
        """Stop everything, in order: beat and Flower, workers, sandbox, server."""
        self._running.close()

    def stop_at_once(self) -> None:
        """Kill the processes without grace."""
        if self._supervisor is not None:
            self._supervisor.stop_at_once()

    def _start_sandbox(self, log: IO[str]) -> str:
        sandbox = GuardedCommand(
            [sys.executable, "-m", "bsg_sandbox", "--port", "0", "--parent", str(os.getpid())],
            grace_seconds=SANDBOX_GRACE_SECONDS,
            output=subprocess.PIPE,
            errors=log.fileno(),
        )
        self._running.callback(_stopper(sandbox))
        line = b""
        deadline = time.monotonic() + SECONDS_FOR_SANDBOX
        while not line.endswith(b"\n") and time.monotonic() < deadline:
            ready, _, _ = select.select([sandbox.output], [], [], 0.2)
            read = os.read(sandbox.output.fileno(), 4096) if ready else b""
            if ready and not read:
                break
            line += read
        try:
            return str(json.loads(line)["url"])
        except (ValueError, KeyError):
            raise CommandError(f"The sandbox did not start. See {self.log}") from None

    def _write_log(self, name: str, line: str) -> None:
        with self._log_lock:
            if not self._log_file.closed:
                print(f"{name} | {line}", file=self._log_file, flush=True)


def _stopper(command: GuardedCommand) -> Callable[[], None]:
    def stop() -> None:
        command.stop()
        command.output.close()

    return stop
