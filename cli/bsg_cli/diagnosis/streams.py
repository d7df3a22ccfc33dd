"""Check what streams wait for: a message that is sent alone is expected within seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from bsg_cli.diagnosis.campaigns import MAX_WAIT_SECONDS
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.diagnosis.waiting import LEVELS
from bsg_cli.printing import format_time, messages, number
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_ledger.stream_listing import ListedStream
from bsg_ledger.waiting import Wait, WaitReason
from bsg_ledger.waiting_reader import WaitingReader
from bsg_ledger.waiting_rules import most_urgent
from bsg_ledger.waiting_texts import describe

SUBJECT = "streams"
STREAMS_LOOKED_AT = 1000
# The check of the account reports the gate as a problem. Here it says which streams it holds.
_LEVELS = {**LEVELS, WaitReason.GATE: Level.WARNING}


@dataclass(frozen=True, slots=True)
class _Held:
    stream: ListedStream
    wait: Wait


def look_at_streams(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    ledger = Ledger(client)
    streams = ledger.stream_listing.page(0, STREAMS_LOOKED_AT)
    campaigns = [campaign.campaign_id for stream in streams for campaign in stream.campaigns]
    waits = WaitingReader(client, settings).foremost_of(campaigns)
    alike: dict[tuple[Level, WaitReason, str], list[_Held]] = {}
    now = ledger.due_indexes.now()
    for stream in streams:
        wait = most_urgent(waits[one.campaign_id] for one in stream.campaigns if one.campaign_id in waits)
        level = None if wait is None else _level(stream, wait, now)
        if wait is not None and level is not None:
            alike.setdefault((level, wait.reason, wait.account_name), []).append(_Held(stream, wait))
        elif stream.paused:
            yield Finding(
                SUBJECT,
                Level.NOTE,
                f"stream {stream.name} is paused, and what it accepts is held",
                f"`bsg-campaigns stream resume {stream.name}` lets it go on.",
            )
    for (level, _, _), held in sorted(alike.items()):
        yield _finding(level, held)


def _level(stream: ListedStream, wait: Wait, now: datetime) -> Level | None:
    """Return how much it matters that the stream waits; None if that is normal."""
    if wait.reason in _LEVELS:
        return _LEVELS[wait.reason]
    late = stream.oldest_at is not None and (now - stream.oldest_at).total_seconds() > MAX_WAIT_SECONDS
    return Level.WARNING if late else None


def _finding(level: Level, held: Sequence[_Held]) -> Finding:
    first = min(held, key=lambda one: (one.stream.oldest_at is None, one.stream.oldest_at or 0))
    stream, text = first.stream, describe(first.wait, format_time)
    since = f", the oldest since {format_time(stream.oldest_at)}" if stream.oldest_at is not None else ""
    what = f"{messages(stream.waiting)} to be sent{since}"
    if len(held) == 1:
        return Finding(SUBJECT, level, f"stream {stream.name} waits for {text.waits_for} ({what})", text.next)
    waits_for = f"{number(len(held))} streams wait for {text.waits_for}"
    return Finding(SUBJECT, level, f"{waits_for} (such as {stream.name}: {what})", text.next)
