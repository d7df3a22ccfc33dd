"""Make batches and rejects of accepted messages, chunk by chunk."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError, ResponseError

from bsg_config import clock
from bsg_ledger.rows import encode_rows
from bsg_ledger.work import Prepare
from bsg_messages.body_cipher import DecryptionError
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.columns import unpack
from bsg_messages.preparation import Prepared, prepare
from bsg_worker.logs import concerns, decided
from bsg_worker.runtime import Runtime

LOGGER = logging.getLogger(__name__)

REDIS_DELAY_MS = 5_000
UNREADABLE_DELAY_MS = 60_000


def prepare_chunk(runtime: Runtime, lease: Prepare) -> str:
    """Prepare a leased chunk, and commit all of it at once. Return the outcome."""
    begun = clock.monotonic()
    subject = concerns(campaign=lease.campaign_id, chunk=lease.chunk)
    try:
        prepared = _checked(runtime, lease)
    except DecryptionError as error:
        runtime.ledger.chunks.release(lease, delay_ms=UNREADABLE_DELAY_MS, cause=str(error), unreadable=True)
        LOGGER.error("chunk %d of %s: %s", lease.chunk, lease.campaign_id, error, extra=subject)
        return f"deferred {UNREADABLE_DELAY_MS / 1000:.0f} s: {error}"
    except RedisError as error:
        # guard: redis-failure-is-no-loss
        return _put_off(runtime, lease, f"Redis did not return the suppression list ({type(error).__name__})")
    except Exception as error:
        # Messages may fail the preparation in any way. The exception's message may contain a phone or a text, so log
        # only its type. The lease expires, and after five losses the chunk's messages become rejects.
        kind = type(error).__name__
        LOGGER.error("chunk %d of %s could not be prepared: %s", lease.chunk, lease.campaign_id, kind, extra=subject)
        return f"failed: {type(error).__name__}"
    try:
        committed = runtime.ledger.chunks.prepared(
            lease,
            [
                (batch.size, encode_rows(batch.indexes), runtime.cipher.encrypt(batch.body))
                for batch in prepared.batches
            ],
            [(reject.index, reject.to_json()) for reject in prepared.rejects],
        )
    except ResponseError as error:
        return _put_off(runtime, lease, f"Redis refused the result ({type(error).__name__})")
    outcome = "prepared" if committed else "stale: another worker prepares it"
    decided(
        LOGGER,
        outcome,
        seconds=clock.monotonic() - begun,
        campaign=lease.campaign_id,
        chunk=lease.chunk,
        batches=len(prepared.batches),
        rejects=len(prepared.rejects),
    )
    return outcome


def _put_off(runtime: Runtime, lease: Prepare, cause: str) -> str:
    """Release the chunk for a while. Its lease does not count as lost, because the failure was Redis's."""
    runtime.ledger.chunks.release(lease, delay_ms=REDIS_DELAY_MS, cause=cause)
    return f"deferred {REDIS_DELAY_MS / 1000:.0f} s: {cause}"


def _checked(runtime: Runtime, lease: Prepare) -> Prepared:
    options = CampaignOptions.from_json(lease.options)
    return prepare(
        unpack(runtime.cipher.decrypt(lease.packed)),
        options,
        campaign_id=lease.campaign_id,
        first_index=lease.first_index,
        batch_size=options.batch_size,
        suppressed=runtime.ledger.suppressions.among if lease.suppressions else None,
    )
