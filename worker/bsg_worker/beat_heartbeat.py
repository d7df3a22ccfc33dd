"""Heartbeats of beat, which takes no task that could respond to a ping."""

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

SECONDS_BETWEEN_HEARTBEATS = 2.0


def send_heartbeats(name: str) -> None:
    """From now on, record each tick that this process publishes, under the name."""
    heartbeats = Heartbeats(connect(Settings.from_environment()))
    left_at = float("-inf")

    def leave(**_: Any) -> None:
        nonlocal left_at
        if clock.monotonic() - left_at < SECONDS_BETWEEN_HEARTBEATS:
            return
        try:
            heartbeats.note_tick(name)
            left_at = clock.monotonic()
        except RedisError:
            LOGGER.debug("Redis did not take a heartbeat")

    after_task_publish.connect(leave, weak=False)
