"""Spans of a campaign's trace in workers. The campaign's options, or the rows of a stream, have the trace's context."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bsg_config import clock
from bsg_config.spans import Span
from bsg_config.tracing import MAX_LINKS, is_tracing, span
from bsg_ledger.records import BatchRecord
from bsg_ledger.work import Send
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.collected import is_collected, traceparents
from bsg_worker.runtime import Runtime

ROWS_READ = 1000  # of a batch, because decrypting all of them once more would delay its request


def span_of_attempt(runtime: Runtime, send: Send, asked_at: float) -> Span:
    """Return the span from the dispatch of a batch until the result of its POST.

    The first attempt is a child of the span that enqueued the campaign. Later attempts, and batches of streams, which
    have many senders, have links instead.
    """
    if not is_tracing():
        return Span()
    parent, links = _origin(send.options, lambda: send.body, runtime.cipher)
    if send.attempts and parent is not None:
        links = (parent,)
        parent = None
    return span(
        "bsg.dispatch",
        "CONSUMER",
        parent=parent,
        links=links,
        seconds_ago=clock.monotonic() - asked_at,
        account=runtime.account.name,
        campaign=send.batch.campaign_id,
        batch=send.batch,
        attempt=send.attempts + 1,
        messages=send.size,
    )


def span_of_end(runtime: Runtime, record: BatchRecord, status: str) -> Span:
    """Return the span in which a poll records that a batch has ended at BSG, with this status."""
    if not is_tracing() or record.state == "finished":
        return Span()
    parent, links = _origin(record.options, lambda: runtime.ledger.reading.body(record.id), runtime.cipher)
    return span(
        "bsg.poll",
        "CONSUMER",
        parent=parent,
        links=links,
        account=runtime.account.name,
        campaign=record.id.campaign_id,
        batch=record.id,
        attempt=record.attempts,
        messages=record.size,
        status=status,
    )


def _origin(
    options: str, read_body: Callable[[], bytes | None], cipher: BodyCipher
) -> tuple[str | None, Sequence[str]]:
    """Return the traceparents of the span that enqueued the campaign, and of those that sent a stream's messages."""
    try:
        campaign = CampaignOptions.from_json(options)
        if campaign.deadline is not None:  # it is of no stream
            return campaign.traceparent, ()
        body = read_body() or b""
        return None, traceparents(body, cipher, rows=ROWS_READ)[:MAX_LINKS] if is_collected(body) else ()
    except Exception:  # what is stored may be broken in any way, and the caller finds that out itself
        return None, ()
