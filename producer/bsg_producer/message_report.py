"""Read BSG's record of one message of a stream."""

from __future__ import annotations

from bsg_client.outcomes import ReadFailed
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_messages.reference_ids import campaign_and_index
from bsg_producer.errors import ReportUnavailable
from bsg_producer.queue_errors import queue_errors
from bsg_producer.reporting import MessageReport
from bsg_producer.reports import reads_of_owner, report_of
from bsg_producer.streams.message_status import MessageStatus


def report_message(settings: Settings, status: MessageStatus) -> MessageReport | None:
    """Return BSG's record of the message; None if BSG has none of its batch, or lists none under its reference id.

    Raise ReportUnavailable, QueueUnavailable and SettingsInvalid.
    """
    settings.require_accounts()
    found = campaign_and_index(status.message_id)
    if found is None or status.bsg_campaign_id is None:
        return None
    _, index = found
    with queue_errors():
        ledger = Ledger(connect(settings))
        owner, account_name = ledger.reading.account_of(status.campaign_id)
        batch = ledger.reading.batch(status.batch)
    reads = reads_of_owner(settings, owner, account_name or DEFAULT_ACCOUNT)
    # Once the messages are forgotten, a reference id of the caller is too.
    message = reads.messages_of(status.batch).get(index)
    reference_id = status.message_id if message is None else message["reference_id"]
    carriers = {batch.bsg_campaign_id, *batch.other_bsg_campaign_ids}
    try:
        for row in reads.client.messages(reference_id=reference_id):
            if row.reference_id == reference_id and row.campaign_id in carriers:  # BSG may ignore the filter
                return report_of(index, row)
    except ReadFailed as failure:
        raise ReportUnavailable(f"BSG did not respond: {failure.cause}") from None
    return None
