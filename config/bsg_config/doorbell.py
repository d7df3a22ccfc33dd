"""Wakes a worker. The ledger has the work already: a lost bell costs time until the sweep, nothing else."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

from celery import Celery
from kombu.connection import Connection, ConnectionPool

from bsg_config.celery_configuration import PREPARE, SUBMIT, celery_settings, queue_of
from bsg_config.settings import Settings

_CONNECTIONS_AT_MOST = 16
_TRIES_TO_CONNECT = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Line:
    """A Celery app and its broker connections, of one process: nothing of it is used across a fork."""

    process: int
    app: Celery
    connections: ConnectionPool


class Doorbell:
    """Publishes the workers' tasks by name, without importing them. Safe in threads and after a fork."""

    def __init__(self, settings: Settings) -> None:
        """Connects to nothing yet. Raises SettingsInvalid when REDIS_URL is not set."""
        self._timeout = settings.queue_timeout
        self._configuration = celery_settings(settings)
        self._configuration["beat_schedule"] = {}
        # Nobody waits for messages on these connections, so the bound may be the caller's own; it is shared
        # out, as a first connection is tried twice.
        options = self._configuration["broker_transport_options"]
        bound = self._timeout / _TRIES_TO_CONNECT
        _shorten(options, bound)
        if "sentinel_kwargs" in options:
            # One after the other is asked, silent ones included.
            _shorten(options["sentinel_kwargs"], bound / len(settings.require_redis_address().nodes))
        self._current: _Line | None = None

    def ring_prepare(self, campaign_id: str, priority: str) -> bool:
        """Rings for the campaign's next part. False: the bell may not have been heard."""
        return self._ring(PREPARE, [campaign_id], priority)

    def ring_submit(self, campaign_id: str, bell: str, priority: str, *, delay: float = 0.0) -> bool:
        """Rings for the campaign's next due batch, by the bell's name, in `delay` seconds.

        False: it may not have been heard. A delayed bell waits in one worker's memory: keep delays short.
        """
        return self._ring(SUBMIT, [campaign_id, bell], priority, delay)

    def _ring(self, task: str, args: list[str], priority: str, delay: float = 0.0) -> bool:
        queue = queue_of(task, priority)
        try:
            line = self._line()
            with line.connections.acquire(block=True, timeout=self._timeout) as connection:
                line.app.send_task(
                    task,
                    args,
                    queue=queue,
                    producer=connection.Producer(),
                    retry=False,
                    countdown=delay or None,
                )
        except Exception as error:
            # Whatever it is: what the caller did stands in the ledger, and must not fail now.
            _log.warning("Doorbell %s not heard (%s); the sweep will ring.", task, type(error).__name__)
            return False
        return True

    def _line(self) -> _Line:
        line = self._current
        if line is None or line.process != os.getpid():
            # Two threads may both make one here; the one that is dropped has not connected to anything.
            app = Celery("bsg_doorbell", set_as_current=False, config_source=None)
            app.conf.update(self._configuration)
            connection: Any = Connection(
                self._configuration["broker_url"],
                transport_options=self._configuration["broker_transport_options"],
            )
            line = self._current = _Line(os.getpid(), app, connection.Pool(limit=_CONNECTIONS_AT_MOST))
        return line


def _shorten(options: dict[str, Any], seconds: float) -> None:
    for name in ("socket_timeout", "socket_connect_timeout"):
        options[name] = min(options[name], seconds)
