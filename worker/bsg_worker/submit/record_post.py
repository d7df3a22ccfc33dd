"""Record the outcome of a POST, even if Redis is unavailable for a while."""

from __future__ import annotations

import logging
from random import SystemRandom

from bsg_config.meters import record_request
from bsg_ledger.work import Send
from bsg_worker.logs import decided
from bsg_worker.runtime import Runtime
from bsg_worker.submit.done import Done
from bsg_worker.submit.post import Posted
from bsg_worker.submit.put_back import until_recorded
from bsg_worker.submit.recording import record

LOGGER = logging.getLogger(__name__)


def record_post(runtime: Runtime, send: Send, posted: Posted, slot_wait: float) -> Done:
    """Record the outcome. Return the result. `slot_wait`: the seconds that were slept for the batch's slot."""
    outcome = posted.outcome
    recorded = until_recorded(
        runtime,
        lambda: record(runtime, send, outcome, posted.body, SystemRandom(), begun=posted.asked_at),
    )
    if recorded.delay > 0:
        outcome_text = f"deferred {recorded.delay:.1f} s: {outcome.cause}"
    else:
        outcome_text = f"{recorded.state}: {outcome.cause}" if outcome.cause else recorded.state
    runtime.measurements.count(outcome.kind, post_seconds=posted.took, slot_wait_seconds=slot_wait)
    record_request(runtime.account.name, outcome.kind, seconds=posted.took, slot_wait_seconds=slot_wait)
    decided(
        LOGGER,
        outcome_text,
        seconds=posted.took,
        campaign=send.batch.campaign_id,
        batch=send.batch,
        attempt=send.attempts + 1,
        messages=send.size,
    )
    return Done(f"{send.batch} {outcome_text}")
