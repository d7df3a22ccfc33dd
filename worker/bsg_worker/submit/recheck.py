"""Remove suppressed phones from a batch before it leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice

from bsg_ledger.work import Recheck
from bsg_messages.bodies import rejected, unpacked, without
from bsg_messages.body_cipher import DecryptionError
from bsg_messages.preparation import SUPPRESSED
from bsg_worker.runtime import Runtime
from bsg_worker.submit.done import Done
from bsg_worker.submit.post import UNREADABLE_DELAY_SECONDS

MAX_REJECTS = 500  # blocks Redis for some milliseconds


def recheck_suppressions(runtime: Runtime, recheck: Recheck) -> Done:
    """Make the batch's suppressed rows rejects, or some of many. The rest is due at once."""
    try:
        rows = json.loads(unpacked(recheck.body, recheck.batch.campaign_id, runtime.cipher))
    except (DecryptionError, ValueError) as error:
        runtime.dispatcher.put_off(recheck, delay_ms=int(UNREADABLE_DELAY_SECONDS * 1000), cause=str(error))
        return Done(f"{recheck.batch} deferred {UNREADABLE_DELAY_SECONDS:.1f} s: {error}")
    listed = runtime.ledger.suppressions.among([str(row["phone"]) for row in rows])
    if not listed:  # guard: suppressed-taken-out
        runtime.dispatcher.suppression_checked(recheck)
        return Done("")
    suppressed = (position for position, row in enumerate(rows) if str(row["phone"]) in listed)
    positions = dict.fromkeys(islice(suppressed, MAX_REJECTS), SUPPRESSED)
    if next(suppressed, None) is not None:
        recheck = replace(recheck, suppressions=recheck.held_against)  # guard: suppressed-rest-rechecked
    rest, rest_rows = without(rows, recheck.rows, set(positions), runtime.cipher)
    state = runtime.dispatcher.rows_suppressed(
        recheck, rest=rest, rest_rows=rest_rows, rejects=rejected(rows, recheck.rows, positions)
    )
    return Done(f"{recheck.batch} {state}: suppressed")
