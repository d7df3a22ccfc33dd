"""Read from the ledger what the models show of campaigns and messages, and write it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from bsg_campaigns_django.models import Campaign, Message
from bsg_ledger.records import CampaignSummary
from bsg_ledger.states import BatchState, CampaignState
from bsg_messages.reference_ids import campaign_and_index
from bsg_producer import CampaignNotFound, CampaignUnreadable, DeliveryReport, MessageNotFound, Producer, Transition

ACCEPTED = "accepted"  # of a message whose state is still to be read
REJECTED = "rejected"
FORGOTTEN = "forgotten"
ROWS_AT_ONCE = 500
_FINAL = (BatchState.FINISHED, BatchState.CANCELLED, REJECTED, FORGOTTEN, "")
_BATCH_STATES = frozenset(BatchState)

Summaries = Mapping[str, CampaignSummary]
Rejects = Mapping[str, Mapping[int, str]]


def read_summaries(producer: Producer, campaign_ids: Iterable[str]) -> Summaries:
    """Return the campaigns as they are now, by id, without those that the ledger has forgotten or cannot read."""
    found = []
    for campaign_id in sorted(campaign_ids):
        with suppress(CampaignNotFound):
            found.append(producer.summary(campaign_id))
    return _readable(found)


def read_all_summaries(producer: Producer) -> Summaries:
    """Return every campaign that the ledger can read, by id."""
    return _readable(producer.campaigns())


def _readable(summaries: Iterable[CampaignSummary]) -> Summaries:
    return {one.campaign_id: one for one in summaries if one.state is not CampaignState.UNREADABLE}


def write_campaigns(summaries: Summaries, using: str) -> None:
    for summary in summaries.values():
        campaign_row(summary).save(using=using)


def add_campaigns(summaries: Summaries, using: str) -> None:
    """Add the campaigns that have no row yet."""
    Campaign.objects.using(using).bulk_create(map(campaign_row, summaries.values()), ignore_conflicts=True)


def campaign_row(summary: CampaignSummary) -> Campaign:
    return Campaign(
        campaign_id=summary.campaign_id,
        name=summary.name,
        account_name=summary.account_name,
        state=summary.state.value,
        paused=summary.paused,
        messages=summary.messages,
        counts=dict(summary.counts),
        accepted_at=summary.accepted_at,
    )


def campaigns_with_messages(campaign_ids: Iterable[str], using: str) -> set[str]:
    """Return those of the campaigns that have rows of messages."""
    rows = Message.objects.using(using).filter(campaign_id__in=list(campaign_ids))
    return set(rows.order_by().values_list("campaign_id", flat=True).distinct())


def read_rejects(producer: Producer, summaries: Summaries, tracked: Iterable[str], using: str) -> Rejects:
    """Return the codes of the rejected messages, by campaign and index, of campaigns whose row does not count them."""
    rows = Campaign.objects.using(using).in_bulk(list(tracked))
    return {
        campaign_id: {reject.index: reject.code.value for reject in producer.rejects(campaign_id)}
        for campaign_id, row in rows.items()
        if campaign_id in summaries and summaries[campaign_id].counts[REJECTED] != row.counts[REJECTED]
    }


def write_message_states(events: Sequence[Transition], tracked: set[str], using: str) -> None:
    """Write the state of each batch of a stream into its messages."""
    newest = {
        event.messages: event
        for event in events
        if event.messages is not None and event.campaign_id in tracked and event.to_state in _BATCH_STATES
    }
    for messages, event in newest.items():
        limits = [campaign_and_index(limit) for limit in (messages.first, messages.last)]
        indexes = [limit[1] for limit in limits if limit is not None]
        rows = Message.objects.using(using).filter(campaign_id=event.campaign_id, index__range=indexes)
        rows.exclude(state=REJECTED).update(state=event.to_state)


def write_rejects(rejects: Rejects, using: str) -> None:
    for campaign_id, codes in rejects.items():
        rows = Message.objects.using(using).filter(campaign_id=campaign_id).exclude(state=REJECTED)
        for row in rows.only("index"):
            if row.index in codes:
                rows.filter(pk=row.pk).update(state=REJECTED, reject_code=codes[row.index])


def write_reports(reports: Sequence[DeliveryReport], using: str) -> None:
    """Write the last report of each message. Those of campaigns without a row are left out."""
    latest = {report.message_id: report for report in reports if report.message_id is not None}
    known = set(
        Campaign.objects.using(using)
        .filter(pk__in={report.campaign_id for report in latest.values()})
        .values_list("pk", flat=True)
    )
    latest = {message_id: report for message_id, report in latest.items() if report.campaign_id in known}
    Message.objects.using(using).bulk_create(
        [
            Message(message_id=message_id, campaign_id=report.campaign_id, index=report.index)
            for message_id, report in latest.items()
        ],
        ignore_conflicts=True,
    )
    for message_id, report in latest.items():
        Message.objects.using(using).filter(pk=message_id).update(
            report=report.status,
            price=report.price or "",
            currency=report.currency or "",
            sent_at=report.sent_at or "",
            delivered_at=report.delivered_at or "",
            reported_at=report.received_at,
        )


def read_message_states(producer: Producer, using: str) -> int:
    """Read the states of messages that are still to be read. Return how many they were.

    A message's batch may have had its events before the message had its row.
    """
    rows = Message.objects.using(using).filter(state=ACCEPTED)
    message_ids = list(rows.values_list("pk", flat=True)[:ROWS_AT_ONCE])
    for message_id in message_ids:
        try:
            status = producer.message(message_id)
        except (MessageNotFound, CampaignUnreadable):
            values = {"state": FORGOTTEN}
        else:
            values = {"state": status.state, "reject_code": "" if status.reject is None else status.reject.code.value}
        rows.filter(pk=message_id).update(**values)
    return len(message_ids)


def forget_message_states(using: str) -> None:
    """Have the states of all messages read anew that may have changed unnoticed."""
    Message.objects.using(using).exclude(state__in=_FINAL).update(state=ACCEPTED)
