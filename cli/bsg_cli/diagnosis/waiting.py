"""Check what open campaigns wait for, apart from the dispatcher. Those of streams have a check of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import redis

from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import format_time, number
from bsg_config.settings import Settings
from bsg_ledger.waiting import Wait, WaitReason
from bsg_ledger.waiting_reader import WaitingReader
from bsg_ledger.waiting_texts import describe

CAMPAIGNS_LOOKED_AT = 10_000

# The other reasons are normal, or other checks report them for the account or for batches in doubt.
LEVELS = {
    WaitReason.LOST_KEY: Level.PROBLEM,
    WaitReason.MAX_COST: Level.WARNING,
    WaitReason.MAX_COST_PER_DAY: Level.WARNING,
    WaitReason.PAUSED: Level.NOTE,
    WaitReason.NO_KEY: Level.WARNING,
    WaitReason.UNREADABLE: Level.PROBLEM,
    WaitReason.NO_WORKER: Level.PROBLEM,
    WaitReason.PAUSED_AT_BSG: Level.PROBLEM,
    WaitReason.MODERATION: Level.WARNING,
    WaitReason.STOPPING: Level.NOTE,
    WaitReason.SENDING_HOURS: Level.NOTE,
    WaitReason.BACKOFF: Level.NOTE,
    WaitReason.SCHEDULED: Level.NOTE,
}


def look_at_waiting(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    reader = WaitingReader(client, settings)
    alike: dict[tuple[WaitReason, str], list[Wait]] = {}
    for wait in reader.foremost_of(reader.open_campaigns()[:CAMPAIGNS_LOOKED_AT]).values():
        if wait.reason in LEVELS and not wait.stream:
            alike.setdefault((wait.reason, wait.account_name), []).append(wait)
    for (reason, _), waits in sorted(alike.items()):
        yield _finding(LEVELS[reason], waits)


def _finding(level: Level, waits: Sequence[Wait]) -> Finding:
    first = min(waits, key=lambda wait: (wait.until is None, wait.until or 0))
    text = describe(first, format_time)
    campaigns = "1 campaign waits" if len(waits) == 1 else f"{number(len(waits))} campaigns wait"
    until = f", until {format_time(first.until)}" if first.until is not None else ""
    such_as = "" if len(waits) == 1 else "such as "
    return Finding(
        "waiting", level, f"{campaigns} for {text.waits_for}{until} ({such_as}{first.campaign_id})", text.next
    )
