"""Follow transitions as they happen: those of one campaign until it is final, or those of all campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from bsg_ledger.feed import Entry, Feed, FeedBroken, Position
from bsg_ledger.ledger import Ledger
from bsg_ledger.records import Transition
from bsg_messages.errors import CampaignInvalid
from bsg_producer.errors import CampaignNotFound, FeedGap
from bsg_producer.queue_errors import queue_errors

E = TypeVar("E", bound=Entry)

READ_CAMPAIGNS = "take `latest_event()`, read the status of the campaigns anew, and go on from there"
READ_REPORTS = "take `latest_delivery_report()`, read `report(campaign_id)` of the campaigns, and go on from there"


def watch(ledger: Ledger, campaign_id: str, *, wait_ms: int) -> Iterator[Transition]:
    """Yield every transition of the campaign from the first on, until it is final. Raise CampaignNotFound."""
    position = "-"
    while True:
        with queue_errors():
            summary = ledger.reading.summary(campaign_id)
            if summary is None:
                raise CampaignNotFound(campaign_id)
            final = summary.state.final
            transitions = ledger.reading.wait_for_transitions(
                campaign_id, after=position, at_most_ms=1 if final else wait_ms
            )
        yield from transitions
        if transitions:
            position = transitions[-1].position
        elif final:
            return


def follow_feed(feed: Feed[E], since: str | None, *, follow: bool, wait_ms: int, after_a_gap: str) -> Iterator[E]:
    """Yield every entry of a feed after a position.

    Raise CampaignInvalid for an invalid position, and FeedGap, with the remedy `after_a_gap`.
    """
    position = None if since is None else _position(since)
    while True:
        try:
            with queue_errors():
                entries = feed.after(position)
                if follow and not entries:
                    feed.wait(position, wait_ms)
        except FeedBroken:
            raise FeedGap(str(position), after_a_gap) from None
        yield from entries
        if entries:
            position = Position.parse(entries[-1].position)
        elif not follow:
            return


def _position(text: str) -> Position:
    try:
        return Position.parse(text)
    except ValueError:
        raise CampaignInvalid({"since": ["not a position in the feed: give that of an event, or none"]}) from None
