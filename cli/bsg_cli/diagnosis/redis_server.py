"""Check whether this Redis can keep what it acknowledges, and has memory left."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import redis

from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import number
from bsg_config import clock
from bsg_config.settings import Settings
from bsg_ledger.durability import Durability, NotDurable
from bsg_ledger.redis_clock import now_ms
from bsg_ledger.times import to_datetime

OLDEST_VERSION = (7, 0)  # the first with script flags, by which scripts run on a full server too
QUEUED_MESSAGE_BYTES = 25  # the most that one may take: `make bench`, redis_per_message
FEW_MESSAGES = 100_000
LARGEST_SKEW_SECONDS = 60.0

_SUBJECT = "Redis"


def look_at_redis(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    info: Mapping[str, Any] = client.info()
    yield _version(info)
    yield from _role(info)
    yield _durability(client, info, settings)
    yield _last_write(info)
    yield _eviction(info)
    yield _memory(info)
    yield _clock(client)


def _version(info: Mapping[str, Any]) -> Finding:
    kind, version = ("Valkey", info["valkey_version"]) if "valkey_version" in info else ("Redis", info["redis_version"])
    numbers = tuple(int(part) for part in re.findall(r"\d+", str(version))[:2])
    if numbers < OLDEST_VERSION:
        oldest = ".".join(map(str, OLDEST_VERSION))
        return Finding(_SUBJECT, Level.PROBLEM, f"{kind} {version}: too old", f"Use {oldest} or later.")
    return Finding(_SUBJECT, Level.OK, f"responds: {kind} {version}")


def _role(info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("role") == "slave":
        yield Finding(_SUBJECT, Level.PROBLEM, "a replica, which takes no writes", "Name the primary in REDIS_URL.")
    if info.get("cluster_enabled"):
        yield Finding(
            _SUBJECT, Level.PROBLEM, "a cluster, on which the ledger does not run", "Use one Redis, or Sentinel."
        )


def _durability(client: redis.Redis, info: Mapping[str, Any], settings: Settings) -> Finding:
    if settings.queue_durability == "relaxed":
        if not info.get("aof_enabled"):
            return Finding(
                _SUBJECT,
                Level.PROBLEM,
                "keeps nothing over a restart: it has no append-only file, and QUEUE_DURABILITY=relaxed lets that pass",
                "Set `appendonly yes` in Redis.",
            )
        return Finding(
            _SUBJECT,
            Level.WARNING,
            "QUEUE_DURABILITY=relaxed: what the last second held is lost when the power fails, and may be sent twice",
            "Leave it at strict, unless that was decided.",
        )
    try:
        Durability(client, relaxed=False, timeout_ms=int(settings.queue_timeout * 1000)).wait_for_disk()
    except NotDurable as error:
        message = "cannot prove that it keeps what it acknowledges, so nothing is accepted or sent"
        return Finding(_SUBJECT, Level.PROBLEM, message, str(error))
    return Finding(_SUBJECT, Level.OK, "keeps what it acknowledges: it was on disk before the response")


def _last_write(info: Mapping[str, Any]) -> Finding:
    failing = [name for name in ("aof_last_write_status", "aof_last_bgrewrite_status") if info.get(name, "ok") != "ok"]
    if failing:
        message = f"could not write its append-only file lately ({', '.join(failing)})"
        return Finding(_SUBJECT, Level.PROBLEM, message, "Look at its log, and whether its disk is full.")
    return Finding(_SUBJECT, Level.OK, "writes its append-only file without errors")


def _eviction(info: Mapping[str, Any]) -> Finding:
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        message = f"maxmemory-policy is {policy}: a full server throws campaigns away"
        return Finding(_SUBJECT, Level.PROBLEM, message, "Set `maxmemory-policy noeviction`.")
    return Finding(_SUBJECT, Level.OK, "throws nothing away when it is full (noeviction)")


def _memory(info: Mapping[str, Any]) -> Finding:
    limit, used = int(info.get("maxmemory", 0)), int(info["used_memory"])
    if not limit:
        return Finding(
            _SUBJECT,
            Level.NOTE,
            f"has no maxmemory and uses {number(used >> 20)} MiB",
            "Set it below the machine's memory, so that a full Redis refuses campaigns instead of being killed.",
        )
    available = max(0, limit - used) // QUEUED_MESSAGE_BYTES
    message = f"can hold about {number(available)} more messages of {QUEUED_MESSAGE_BYTES} bytes in its memory"
    if available < FEW_MESSAGES:
        return Finding(
            _SUBJECT, Level.WARNING, message, "Raise maxmemory, or lower BODY_RETENTION and LEDGER_RETENTION."
        )
    return Finding(_SUBJECT, Level.OK, message)


def _clock(client: redis.Redis) -> Finding:
    skew = (clock.now() - to_datetime(now_ms(client))).total_seconds()
    if abs(skew) > LARGEST_SKEW_SECONDS:
        return Finding(
            "clock",
            Level.WARNING,
            f"this machine's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} that of Redis",
            "Synchronise both: start times and deadlines are meant by the clock of whoever gives them.",
        )
    return Finding("clock", Level.OK, "this machine's clock and that of Redis agree")
