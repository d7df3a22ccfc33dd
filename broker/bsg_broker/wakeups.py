"""Wake a worker. The ledger has the work already, so a lost wake-up only costs time until the sweep."""

from __future__ import annotations

import logging

import redis

from bsg_broker.queues import DISPATCH, dispatch_queue
from bsg_broker.task_message import task_message

_log = logging.getLogger(__name__)


def wakeup(account_name: str) -> tuple[str, bytes]:
    """Return the queue and the message that wake a worker of the account."""
    queue = dispatch_queue(account_name)
    return queue, task_message(DISPATCH, [account_name], queue)


class Wakeups:
    """Publish the workers' tasks by name, without importing them, through the ledger's own client."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def notify(self, account_name: str) -> bool:
        """Wake a worker of the account. Return False if the wake-up may be lost."""
        queue, message = wakeup(account_name)
        try:
            self._client.lpush(queue, message)
        except Exception as error:
            # The caller's step is in the ledger already, so no error of any kind may make the caller fail. A worker
            # that has recorded an intent would leave a batch in doubt that never left.
            _log.warning("Wake-up %s not heard (%s); the sweep wakes.", queue, type(error).__name__)
            return False
        return True
