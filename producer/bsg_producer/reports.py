"""Read each message of a campaign from BSG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import MessageRow
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import Batch, CampaignStatus
from bsg_messages.reference_ids import campaign_and_index
from bsg_producer.bsg_reads import BSGReads
from bsg_producer.bulk_report import MIN_MESSAGES, report_in_bulk
from bsg_producer.errors import CampaignNotFound, ReportUnavailable
from bsg_producer.queue_errors import queue_errors
from bsg_producer.reporting import MessageReport


def report(settings: Settings, campaign_id: str) -> Iterator[MessageReport]:
    """Yield the messages batch by batch, reading them on demand.

    A large batch is read by a statistics job if the account has them, otherwise by pages. A batch that BSG has in two
    campaigns comes twice. Raise CampaignNotFound, ReportUnavailable, QueueUnavailable and SettingsInvalid.
    """
    settings.require_accounts()
    with queue_errors():
        status = Ledger(connect(settings)).reading.status(campaign_id)
    if status is None:
        raise CampaignNotFound(campaign_id)
    reads = reads_of_owner(settings, status.account, status.account_name)
    for batch in status.batches:
        for bsg_id in filter(None, (batch.bsg_campaign_id, *batch.other_bsg_campaign_ids)):
            try:
                in_bulk = report_in_bulk(reads, batch, bsg_id) if batch.size >= MIN_MESSAGES else None
                yield from in_bulk or _by_pages(reads, status, batch, bsg_id)
            except ReadFailed as failure:
                raise ReportUnavailable(f"BSG did not respond: {failure.cause}") from None


def reads_of_owner(settings: Settings, owner: str | None, account_name: str) -> BSGReads:
    """Return the connections for the account of a campaign. Raise ReportUnavailable if its key is not set here."""
    account = settings.owning(owner, account_name)
    if account is None:
        raise ReportUnavailable(f"it is for the account {account_name}, under a key or an address that is not set here")
    return BSGReads.of_account(settings, account)


def report_of(index: int | None, row: MessageRow) -> MessageReport:
    """Return BSG's row as a report."""
    return MessageReport(
        index=index,
        phone=row.phone or "",
        reference_id=row.reference_id or "",
        status=row.status,
        price=row.price,
        currency=row.currency,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
    )


def _by_pages(reads: BSGReads, status: CampaignStatus, batch: Batch, bsg_id: int) -> Iterator[MessageReport]:
    own_ids: Mapping[str, int] | None = None
    for row in reads.client.messages(campaign_id=bsg_id):
        if row.campaign_id != bsg_id:  # BSG may ignore the filter
            continue
        index = _index(status.campaign_id, row)
        if index is None:
            own_ids = _own_ids(reads, batch) if own_ids is None else own_ids
            index = own_ids.get(row.reference_id or "")
        yield report_of(index, row)


def _index(campaign_id: str, row: MessageRow) -> int | None:
    """Return the index in a reference id that this project made; None for any other id."""
    found = campaign_and_index(row.reference_id or "")
    return found[1] if found is not None and found[0] == campaign_id else None


def _own_ids(reads: BSGReads, batch: Batch) -> dict[str, int]:
    """Return the indexes of messages by the caller's own ids; empty once the messages are forgotten."""
    return {message["reference_id"]: index for index, message in reads.messages_of(batch.id).items()}
