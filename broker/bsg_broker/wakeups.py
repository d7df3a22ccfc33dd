"""Wakes a worker. The ledger has the work already: a lost wake-up costs time until the sweep, nothing else."""

from __future__ import annotations

import logging

import redis

from bsg_broker.queues import DISPATCH, dispatch_queue
from bsg_broker.task_message import task_message

_log = logging.getLogger(__name__)


def wakeup(account_name: str) -> tuple[str, bytes]:
    """Return a queue, and what is to be put there to wake a worker of the account."""
    queue = dispatch_queue(account_name)
    return queue, task_message(DISPATCH, [account_name], queue)


class Wakeups:
    """Publishes the workers' tasks by name, without importing them, over the ledger's own client and its timeouts."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def notify(self, account_name: str) -> bool:
        """Wake a worker of the account. Return False if that may not have been heard."""
        queue, message = wakeup(account_name)
        try:
            self._client.lpush(queue, message)
        except Exception as error:
            # Whatever it is: what the caller did is in the ledger, and must not fail now.
            _log.warning("Wake-up %s not heard (%s); the sweep wakes.", queue, type(error).__name__)
            return False
        return True
