"""Wakes a worker. The ledger has the work already: a lost bell costs time until the sweep, nothing else."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import redis

from bsg_broker.queues import PREPARE, SUBMIT, queue_of
from bsg_broker.task_message import task_message
from bsg_ledger.campaigns import Bell

_log = logging.getLogger(__name__)

BELL_TIMEOUT_MS = 30_000  # a bell that nobody answered for so long was lost with its queue message


def prepare_bell(campaign_id: str, priority: str) -> Bell:
    """Return the bell for the campaign's next part. Raise ValueError for a priority that is none."""
    return _bell(PREPARE, [campaign_id], priority)


class Doorbell:
    """Publishes the workers' tasks by name, without importing them, over the ledger's own client and its timeouts."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def ring_prepare(self, campaign_id: str, priority: str) -> bool:
        """Ring for the campaign's next part. False: the bell may not have been heard."""
        return self._ring(prepare_bell(campaign_id, priority))

    def ring_to_go_on(self, campaign_id: str, priority: str) -> bool:
        """Ring for the next part of a campaign that has had its first turn: it waits behind those that have not."""
        queue = queue_of(SUBMIT, priority)
        return self._ring(Bell(queue, task_message(PREPARE, [campaign_id], queue)))

    def ring_submit(self, campaign_id: str, bell: str, priority: str, *, delay: float = 0.0) -> bool:
        """Ring for the campaign's next due batch, by the bell's name, in `delay` seconds.

        False: it may not have been heard. A delayed bell waits in one worker's memory: keep delays short.
        """
        return self._ring(_bell(SUBMIT, [campaign_id, bell], priority, delay))

    def _ring(self, bell: Bell) -> bool:
        try:
            self._client.lpush(bell.queue, bell.message)
        except Exception as error:
            # Whatever it is: what the caller did stands in the ledger, and must not fail now.
            _log.warning("Doorbell %s not heard (%s); the sweep will ring.", bell.queue, type(error).__name__)
            return False
        return True


def _bell(task: str, args: Sequence[str], priority: str, delay: float = 0.0) -> Bell:
    queue = queue_of(task, priority)
    return Bell(queue, task_message(task, args, queue, delay=delay))
