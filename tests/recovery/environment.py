"""A scenario whose Redis can be set back to an older copy of its files, or emptied, while its processes run."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bsg_config.settings import Settings
from bsg_ledger.gate import GateReason
from bsg_ledger.keys import IN_USE_MS
from bsg_sandbox.server import Sandbox
from tests.cli import running
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import AVAILABLE_KINDS, RedisServer

APPEND_ONLY = "appendonlydir"


class RecoveryEnvironment(ScenarioEnvironment):
    def __init__(self, directory: Path, server: RedisServer, sandbox: Sandbox, **settings: str) -> None:
        super().__init__(directory, server.url, sandbox, **{"CAMPAIGN_BATCH_SIZE": "20", **settings})
        self._server = server
        self._copy = directory.parent / "copy"

    def copy_aside(self) -> None:
        """As a backup does it: the append-only files as they are now, under a running server."""
        shutil.copytree(self._server.directory / APPEND_ONLY, self._copy)

    def kill_and_restore(self) -> None:
        """The server ends, and comes back with what was copied aside: long ago, so its leases of chunks are over."""
        self._server.kill()
        shutil.rmtree(self._server.directory / APPEND_ONLY)
        shutil.copytree(self._copy, self._server.directory / APPEND_ONLY)
        self._server.start()
        self.end_chunk_leases()

    def end_chunk_leases(self) -> None:
        with self._server.client() as client:
            for chunks in client.scan_iter("bsg:campaign:*:chunks"):
                campaign = chunks.decode().split(":")[2]
                for chunk in client.zrange(chunks, 0, -1):
                    client.zadd(chunks, {chunk: 1}, xx=True)
                    client.hset(f"bsg:campaign:{campaign}:chunk:{chunk.decode()}", "lease_until", 1)
                self.make_due(campaign)

    def kill_and_empty(self) -> None:
        self._server.kill()
        shutil.rmtree(self._server.directory / APPEND_ONLY)
        self._server.start()

    def arrived(self, campaign: str) -> int:
        return len(self.arrivals(campaign))

    def make_due(self, campaign: str) -> None:
        """Time passes by ageing what is stored: what the campaign waits for comes now."""
        account = Settings.from_environment(self.processes.settings).account.id
        with self._server.client() as client:
            client.zadd(f"bsg:account:{account}:due", {campaign: 1}, xx=True)

    def forget_keys(self) -> None:
        """Half a minute passes in which no process has any of the keys."""
        with self._server.client() as client:
            for account in client.zrange("bsg:keys", 0, -1):
                client.zincrby("bsg:keys", -IN_USE_MS - 1, account)

    def wait_until_the_gate_is_shut(self) -> None:
        wait_until(lambda: not self.producer.gate().open, within=20, what="the gate to be shut")
        assert self.producer.gate().reason == GateReason.LEDGER_WENT_BACK

    def command(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """`bsg-campaigns WORDS…` with the processes' settings."""
        return running.run(words, self.processes.directory, {**self.processes.settings, **settings})

    def audit(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Return the exit code and the document that it prints."""
        done = self.command("audit", "--json", *words)
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, document


@contextmanager
def environment_in(directory: Path, **settings: str) -> Iterator[RecoveryEnvironment]:
    with (
        RedisServer(directory / "redis", AVAILABLE_KINDS[0]) as server,
        Sandbox() as sandbox,
        RecoveryEnvironment(directory / "environment", server, sandbox, **settings) as environment,
    ):
        yield environment
