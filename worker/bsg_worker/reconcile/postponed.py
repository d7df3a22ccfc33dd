"""Keep batches in doubt postponed while a pass looks at them, so that no other process makes the same requests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from redis.exceptions import RedisError

from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import BatchRecord
from bsg_worker.runtime import Runtime

RENEWALS = 3  # in the time by which the batches are postponed, so that one may fail
MIN_SECONDS_BETWEEN = 0.1

LOGGER = logging.getLogger(__name__)


@contextmanager
def kept_postponed(runtime: Runtime, records: Sequence[BatchRecord], seconds: float) -> Iterator[None]:
    """Postpone the batches again and again during the pass, and at its end.

    A pass may take minutes. If its process is killed, the batches are due after `seconds`.
    """
    batches = [record.id for record in records]
    ended = threading.Event()

    def postpone() -> None:
        runtime.ledger.due_indexes.postpone(
            DueIndex.DOUBT, batches, account=runtime.account.id, by_ms=int(seconds * 1000)
        )

    def renew() -> None:
        while not ended.wait(max(seconds / RENEWALS, MIN_SECONDS_BETWEEN)):
            try:
                postpone()
            except RedisError as error:
                LOGGER.warning("batches in doubt may be looked up twice: %s", error)

    renewing = threading.Thread(target=renew, name="postpone-doubts", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
    postpone()
