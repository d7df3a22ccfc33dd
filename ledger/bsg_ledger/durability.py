"""Make sure that Redis keeps what it acknowledges: with fsync always, or with WAITAOF."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError

from bsg_ledger import schema
from bsg_ledger.replies import typed
from bsg_ledger.scripts import Argument, Reply, Scripts

REMEDY = (
    "set `appendonly yes` and `appendfsync always` in Redis, or use a server that has WAITAOF (Redis 7.2 or later, "
    "Valkey) with `appendonly yes`, or accept the loss of up to a second with QUEUE_DURABILITY=relaxed"
)


class NotDurable(Exception):
    """The server cannot prove that it keeps what it acknowledges. The text is the remedy."""


class Durability:
    """Make sure that writes are on disk, in the cheapest way that the server offers.

    The way is determined once per client. `relaxed` requires nothing.
    """

    def __init__(self, client: redis.Redis, *, relaxed: bool, timeout_ms: int) -> None:
        self._client = typed(client)
        self._timeout_ms = timeout_ms
        self._way: str | None = "nothing" if relaxed else None

    def require(self) -> None:
        """Raise `NotDurable` unless the server can keep what it acknowledges."""
        if self._way is None:
            self._way = self._find_way()

    def wait_for_disk(self) -> None:
        """Return when all earlier writes are on disk. Raise `NotDurable` if they are not."""
        self.require()
        if self._way == "wait" and self._wait() < 1:  # guard: disk-wait-checked
            raise NotDurable("the append-only file could not be written in time: is the disk of Redis full or slow?")

    def run(self, scripts: Scripts, name: str, *arguments: Argument) -> tuple[Reply, bool]:
        """Run a script and wait for the disk in one round trip. Return its reply, and whether it is on disk.

        Raise `NotDurable`, and run nothing, if the server cannot keep what it acknowledges.
        """
        self.require()
        if self._way != "wait":
            return scripts.run(name, *arguments), True
        text, digest = scripts.source(name)
        reply, waited = self._run_and_wait("EVALSHA", digest, arguments)
        if isinstance(reply, NoScriptError):
            reply, waited = self._run_and_wait("EVAL", text, arguments)
        if isinstance(reply, Exception):
            raise reply
        return list(reply), not isinstance(waited, Exception) and int(waited[0]) >= 1

    def _run_and_wait(self, command: str, script: str, arguments: Sequence[Argument]) -> tuple[Any, Any]:
        pipe = self._client.pipeline(transaction=False)
        pipe.execute_command(command, script, 0, *arguments)
        pipe.execute_command("WAITAOF", 1, 0, self._timeout_ms)
        reply, waited = pipe.execute(raise_on_error=False)
        return reply, waited

    def _find_way(self) -> str:
        try:
            settings = self._client.config_get("appendonly", "appendfsync")
        except ResponseError:  # managed servers forbid CONFIG
            settings = {}
        known = {_text(name): _text(value) for name, value in settings.items()}
        if known.get("appendonly") == "yes" and known.get("appendfsync") == "always":  # guard: fsync-always
            return "always"
        try:
            self._wait()
        except (OutOfMemoryError, ReadOnlyError):
            raise  # it does not show whether the server keeps writes
        except ResponseError:  # no WAITAOF, or no append-only file
            raise NotDurable(REMEDY) from None
        return "wait"

    def _wait(self) -> int:
        # WAITAOF waits for the writes of its own connection, and a pool may return another one. A write on this
        # connection makes it wait for all earlier writes, because the file is one sequence.
        pipe = self._client.pipeline(transaction=False)
        pipe.hset(schema.LEDGER(), "disk", "1")  # guard: disk-wait-after-write
        pipe.execute_command("WAITAOF", 1, 0, self._timeout_ms)
        _, reply = pipe.execute()
        return int(reply[0])


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
