"""Index messages by their phones and by callers' reference ids, as far as they have been prepared, for searches."""

from __future__ import annotations

import logging

import orjson

from bsg_config import clock
from bsg_ledger.batch_id import BatchId
from bsg_ledger.feed import FeedBroken, Position
from bsg_ledger.records import Transition
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import DecryptionError
from bsg_messages.reference_ids import campaign_and_index
from bsg_messages.search_digests import Searched, search_digest
from bsg_worker.runtime import Runtime

AT_MOST_SECONDS = 5.0  # other tasks need the thread; the next tick continues

logger = logging.getLogger(__name__)


def index_messages(runtime: Runtime) -> str:
    """Index what has been prepared since the last run. Return a count; "" without SEARCH_KEY.

    A run that is killed is repeated from its last page of the feed. Indexing a batch again changes nothing.
    """
    key = runtime.settings.search_key
    if key is None:
        return ""
    feed, index = runtime.ledger.feed, runtime.ledger.message_index
    position, batches, stop_at = index.position(), 0, clock.monotonic() + AT_MOST_SECONDS
    while clock.monotonic() < stop_at:
        try:
            transitions = feed.after(position)
        except FeedBroken:
            logger.warning("The index of messages is behind the feed: some messages will not be found by their phone.")
            transitions = feed.after(None)
        if not transitions:
            break
        for transition in transitions:
            batches += _index(runtime, key, transition)
        position = Position.parse(transitions[-1].position)
        index.note_position(position)
    return f"indexed {batches} batches" if batches else ""


def _index(runtime: Runtime, key: str, transition: Transition) -> bool:
    """Index the batch of a transition after which its messages are known. Return whether it did."""
    batch = transition.batch
    is_filled = transition.from_state == "" or (transition.messages is not None and transition.to_state == "posting")
    if not isinstance(batch, BatchId) or not is_filled:
        return False
    body = runtime.ledger.reading.body(batch)
    if body is None:
        return False
    try:
        rows = orjson.loads(unpacked(body, batch.campaign_id, runtime.cipher))
    except (DecryptionError, ValueError) as error:
        logger.warning("%s is not indexed: %s", batch, error)
        return False
    found: dict[Searched, dict[int, bytes]] = {kind: {} for kind in Searched}
    for index, row in zip(runtime.ledger.reading.rows(batch), rows, strict=False):
        found[Searched.PHONE][index] = search_digest(key, Searched.PHONE, str(row["phone"]))
        if campaign_and_index(row["reference_id"]) is None:
            found[Searched.REFERENCE_ID][index] = search_digest(key, Searched.REFERENCE_ID, row["reference_id"])
    keep_ms = int(runtime.settings.ledger_retention * 1000)
    for kind, digests in found.items():
        if digests:
            runtime.ledger.message_index.note(batch.campaign_id, kind, digests, keep_ms=keep_ms)
    return True
