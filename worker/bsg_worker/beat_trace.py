"""Beat leaves a trace of its ticks, as it takes no task that could be asked for."""

from __future__ import annotations

import logging
from typing import Any

from celery.signals import after_task_publish
from redis.exceptions import RedisError

from bsg_config import clock
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.heartbeats import Heartbeats

LOGGER = logging.getLogger(__name__)

SECONDS_BETWEEN_TRACES = 2.0


def leave_trace(name: str) -> None:
    """From now on every tick that Redis has taken from this process leaves a trace under the name."""
    heartbeats = Heartbeats(connect(Settings.from_environment()))
    left_at = float("-inf")

    def leave(**_: Any) -> None:
        nonlocal left_at
        if clock.monotonic() - left_at < SECONDS_BETWEEN_TRACES:
            return
        try:
            heartbeats.note_tick(name)
            left_at = clock.monotonic()
        except RedisError:
            LOGGER.debug("a tick left no trace: Redis did not take it")

    after_task_publish.connect(leave, weak=False)
