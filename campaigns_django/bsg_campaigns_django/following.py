"""Follow the ledger's feeds into the models. What was read and the position behind it are saved in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from bsg_campaigns_django import signals
from bsg_campaigns_django.models import Campaign, FeedPosition, Message
from bsg_campaigns_django.recording import (
    add_campaigns,
    campaigns_with_messages,
    forget_message_states,
    read_all_summaries,
    read_rejects,
    read_summaries,
    write_campaigns,
    write_message_states,
    write_rejects,
    write_reports,
)
from bsg_producer import DeliveryReport, FeedGap, Producer, Transition

EVENTS = "events"
DELIVERY_REPORTS = "delivery_reports"
ENTRIES_AT_ONCE = 500


class ReceiverFailed(Exception):
    """A receiver of a signal raised. What it wrote is rolled back, and it is sent the same again."""


def follow_events(producer: Producer, using: str) -> int:
    """Follow transitions. Return how many. Raise QueueUnavailable, or ReceiverFailed behind those before it."""
    since = _saved(EVENTS, using)
    if since is None:
        since = _begin(producer, using)
    try:
        events = list(islice(producer.events(since=since or None), ENTRIES_AT_ONCE))
    except FeedGap:
        return _read_campaigns(producer, since, using)
    if not events:
        return 0
    summaries = read_summaries(producer, {event.campaign_id for event in events})
    tracked = campaigns_with_messages(summaries, using)
    rejects = read_rejects(producer, summaries, tracked, using)

    def write() -> None:
        write_campaigns(summaries, using)
        write_message_states(events, tracked, using)
        write_rejects(rejects, using)

    def send(event: Transition) -> None:
        signals.transition.send(Campaign, transition=event, using=using)

    return _take(EVENTS, since, events, write, (signals.transition, send), using)


def follow_delivery_reports(producer: Producer, using: str) -> int:
    """Follow delivery reports. Return how many. Raise QueueUnavailable, or ReceiverFailed behind those before it."""
    since = _saved(DELIVERY_REPORTS, using)
    if since is None:
        _add_position(DELIVERY_REPORTS, using)
        since = ""
    try:
        reports = list(islice(producer.delivery_reports(since=since or None), ENTRIES_AT_ONCE))
    except FeedGap:
        return _skip(DELIVERY_REPORTS, since, producer.latest_delivery_report(), lambda: None, using)
    if not reports:
        return 0
    summaries = read_summaries(producer, {report.campaign_id for report in reports if report.campaign_id})

    def write() -> None:
        add_campaigns(summaries, using)
        write_reports(reports, using)

    def send(report: DeliveryReport) -> None:
        signals.delivery_report.send(Message, report=report, using=using)

    return _take(DELIVERY_REPORTS, since, reports, write, (signals.delivery_report, send), using)


def _saved(feed: str, using: str) -> str | None:
    return FeedPosition.objects.using(using).filter(feed=feed).values_list("position", flat=True).first()


def _begin(producer: Producer, using: str) -> str:
    """Read the campaigns that may be older than the feed. Return the position before its oldest event."""
    summaries = read_all_summaries(producer)
    with transaction.atomic(using=using):
        _add_position(EVENTS, using)
        if _lock(EVENTS, "", using):  # another follower may be ahead
            write_campaigns(summaries, using)
    return ""


def _add_position(feed: str, using: str) -> None:
    FeedPosition.objects.using(using).bulk_create([FeedPosition(feed=feed)], ignore_conflicts=True)


def _read_campaigns(producer: Producer, since: str, using: str) -> int:
    """Read everything anew: the position first, so that nothing falls between."""
    latest = producer.latest_event()
    summaries = read_all_summaries(producer)

    def write() -> None:
        write_campaigns(summaries, using)
        forget_message_states(using)

    return _skip(EVENTS, since, latest, write, using)


def _skip(feed: str, since: str, to: str, write: Callable[[], None], using: str) -> int:
    """Go on behind a gap in the feed."""
    failure = None
    with transaction.atomic(using=using):
        if _lock(feed, since, using):
            write()
            failure = _send(
                signals.feed_gap, lambda: signals.feed_gap.send(FeedPosition, feed=feed, using=using), using
            )
            if failure is None:
                _move(feed, to, using)
            else:
                transaction.set_rollback(True, using=using)
    _raise(failure)
    return 1


def _take(
    feed: str,
    since: str,
    entries: Sequence[Any],
    write: Callable[[], None],
    sending: tuple[Signal, Callable[[Any], Any]],
    using: str,
) -> int:
    """Write what entries say, and send each to its receivers. Return how many were followed, with their position."""
    signal, send = sending
    taken, failure = 0, None
    with transaction.atomic(using=using):
        # Another follower may have followed them meanwhile.
        if _lock(feed, since, using):  # guard: position-compared
            write()
            for entry in entries:
                failure = _send(signal, partial(send, entry), using)
                if failure is not None:
                    break
                taken += 1
            if taken:
                _move(feed, entries[taken - 1].position, using)
    _raise(failure)
    return taken


def _lock(feed: str, since: str, using: str) -> bool:
    """Return whether this is still the feed's position. No other transaction moves it until this one ends.

    This writes, so that it also locks in databases without `select_for_update`.
    """
    return FeedPosition.objects.using(using).filter(feed=feed, position=since).update(position=since) == 1


def _move(feed: str, position: str, using: str) -> None:
    FeedPosition.objects.using(using).filter(feed=feed).update(position=position)


def _send(signal: Signal, send: Callable[[], Any], using: str) -> Exception | None:
    """Send to the receivers. Return what one of them has raised: then nothing remains of what they wrote."""
    if not signal.receivers:
        return None
    try:
        with transaction.atomic(using=using):
            send()
    except Exception as error:  # a receiver may raise anything
        return error
    return None


def _raise(failure: Exception | None) -> None:
    if failure is not None:
        raise ReceiverFailed(f"a receiver raised {type(failure).__name__}: it is sent the same again") from failure
