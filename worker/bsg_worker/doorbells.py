"""Rings for what is due in a campaign, no more than its window allows, and sees who else waits."""

from __future__ import annotations

from bsg_broker.doorbell import BELL_TIMEOUT_MS
from bsg_broker.queues import PREPARE, queue_of
from bsg_worker.runtime import Runtime, new_token

FARTHEST_BELL_SECONDS = 20.0  # longer waits belong in the ledger: a bell that waits sits in one worker's memory


def ring_submits(runtime: Runtime, campaign_id: str, *, delay: float = 0.0) -> int:
    """Publish the submit bells that the campaign may have now, to ring in `delay` seconds; return how many."""
    if delay > FARTHEST_BELL_SECONDS:
        return 0
    bells = runtime.ledger.campaigns.ring(
        campaign_id,
        bell=f"{new_token()}-",
        timeout_ms=BELL_TIMEOUT_MS,
        delay_ms=int(delay * 1000),
    )
    for bell in bells.names:
        runtime.doorbell.ring_submit(campaign_id, bell, bells.priority, delay=delay)
    return len(bells.names)


def campaigns_wait(runtime: Runtime) -> bool:
    """Return whether others have had no turn yet: then one's own ends early. On a fast machine it is many batches
    long."""
    return bool(runtime.redis.exists(queue_of(PREPARE, "high"), queue_of(PREPARE, "normal")))
