"""Each worker process checks for a rollback of the ledger, and notes its name and keys."""

from __future__ import annotations

import logging
import threading

from redis.exceptions import RedisError

from bsg_config import clock
from bsg_config.settings_invalid import SettingsInvalid
from bsg_ledger.heartbeats import Heartbeats
from bsg_ledger.keys import NOTE_SECONDS
from bsg_ledger.rollback_detector import RollbackCheck
from bsg_worker.accounts import current
from bsg_worker.recovery.rekey import note_key
from bsg_worker.runtime import Runtime

LOGGER = logging.getLogger(__name__)

SECONDS_BETWEEN_CHECKS = 1.0  # events of the last second before a rollback may be unseen


def begin_watch(worker: str | None) -> None:
    """Watch in a thread of its own until the process ends: an idle process has to notice too.

    `worker` is the name that it notes as one that runs; a process of a worker's pool has none.
    """
    threading.Thread(target=_watch, args=[worker], name="ledger watch", daemon=True).start()


def _watch(worker: str | None) -> None:
    note_at = clock.monotonic()
    while True:
        try:
            if clock.monotonic() >= note_at:
                for runtime in current():
                    note_key(runtime)
                if worker is not None:
                    Heartbeats(current().first.redis).note_worker(worker)
                note_at = clock.monotonic() + NOTE_SECONDS
            check_once(current().first)
        except SettingsInvalid:
            return  # every task reports it
        except RedisError:
            LOGGER.debug("the check for a rollback failed")
        clock.sleep(SECONDS_BETWEEN_CHECKS)


def check_once(runtime: Runtime) -> RollbackCheck:
    """Check once. If the ledger went back, log it and shut the gates of the process's accounts."""
    check = runtime.rollback_detector.check()  # guard: rollback-watched
    if check.went_back:
        LOGGER.error(
            "the ledger went back: this process saw event %d, %s. Gates are shut: batches that wait may have been"
            " sent. Run `bsg-campaigns audit --recover`, with --account for each named account",
            check.seen,
            "and this is another ledger" if check.other_ledger else f"and it is at {check.sequence}",
        )
    return check
