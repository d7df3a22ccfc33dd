"""Check whether workers take the tasks of every account, and whether beat sends ticks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import redis

from bsg_broker.liveness import LivenessPings
from bsg_broker.queues import STATUS_QUEUE, dispatch_queue
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import number
from bsg_config.settings import Settings
from bsg_ledger.heartbeats import Heartbeats

MIN_SECONDS_BETWEEN_TICKS = 30.0
TICKS_MISSED = 10


def look_at_processes(client: redis.Redis, settings: Settings, *, within: float) -> Iterator[Finding]:
    """Yield findings. `within`: how many seconds the workers may take to respond.

    Raise `redis.exceptions.RedisError` when Redis does not respond.
    """
    liveness = LivenessPings(client)
    # Without a key here, another machine's workers serve the account without a name.
    wakeups = tuple(dispatch_queue(account.name) for account in settings.accounts_or_default)
    silent = liveness.unanswered((*wakeups, STATUS_QUEUE), within=within)
    for subject, queues in (("workers", wakeups), ("status worker", (STATUS_QUEUE,))):
        unanswered = [queue for queue in queues if queue in silent]
        yield _of_queues(client, subject, unanswered, settings, within)
    yield _of_beat(liveness.heartbeats, settings)


def longest_between_ticks(settings: Settings) -> float:
    """Return the seconds after which a beat that sent no tick counts as dead."""
    return max(MIN_SECONDS_BETWEEN_TICKS, TICKS_MISSED * settings.sweep_interval)


def _of_queues(client: Any, subject: str, unanswered: list[str], settings: Settings, within: float) -> Finding:
    if not unanswered:
        return Finding(subject, Level.OK, "take tasks" if subject == "workers" else "takes tasks")
    waiting = sum(int(client.llen(queue)) for queue in unanswered)
    message = f"nobody took a task from {', '.join(unanswered)} within {within:g} s; {number(waiting)} wait there"
    return Finding(
        subject,
        Level.PROBLEM,
        message,
        "Start a worker (Procfile) with the keys of these accounts, or again one that hangs. If all are busy with BSG, "
        f"as one can be for {settings.max_request_seconds_of_all:g} s, ask again with a larger --within.",
    )


def _of_beat(heartbeats: Heartbeats, settings: Settings) -> Finding:
    since = heartbeats.since_last_tick()
    if since is not None and since <= longest_between_ticks(settings):
        return Finding("beat", Level.OK, f"sent its last tick {since:.0f} s ago")
    message = "has sent no tick for a day, if ever" if since is None else f"sent its last tick {since:.0f} s ago"
    return Finding(
        "beat", Level.PROBLEM, f"{message}: nothing is polled, looked up or taken back", "Start beat (Procfile)."
    )
