"""Streams as lists and diagnoses read them: what waits, and no closed campaign."""

from __future__ import annotations

from bsg_ledger.stream_listing import ListedStream
from bsg_ledger.times import to_datetime
from tests.ledger.campaigns import LedgerHarness
from tests.ledger.test_streams import STREAM, accept, message


def listed(harness: LedgerHarness, name: str = STREAM) -> ListedStream:
    stream = harness.ledger.stream_listing.stream(name)
    assert stream is not None
    return stream


def closed_campaign(harness: LedgerHarness) -> None:
    """A campaign of the stream begins and is cancelled: it takes up no more messages, and has nothing left to do."""
    harness.ledger.campaigns.cancel(accept(harness).campaign_id)


def records_read(harness: LedgerHarness) -> int:
    """Return how many whole records are read to list the stream."""

    def calls() -> int:
        return int(harness.client.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"])

    before = calls()
    listed(harness)
    return calls() - before


def test_a_stream_is_listed_with_what_waits_and_since_when(ledger_harness: LedgerHarness) -> None:
    campaign = accept(ledger_harness, batch_size=2).campaign_id
    accept(ledger_harness, batch_size=2)
    accept(ledger_harness, batch_size=2)
    oldest = ledger_harness.client.hget(f"bsg:campaign:{campaign}:batch:0", "collects_from")

    stream = listed(ledger_harness)

    assert (stream.waiting, stream.oldest_at) == (3, to_datetime(int(oldest)))
    assert [one.campaign_id for one in stream.campaigns] == [campaign]


def test_what_has_been_sent_does_not_wait(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness)
    ledger_harness.sending()

    stream = listed(ledger_harness)

    assert (stream.waiting, stream.oldest_at, stream.counts["posting"]) == (0, None, 1)


def test_the_oldest_message_is_that_of_the_oldest_open_campaign(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    ledger_harness.wait_for_next_millisecond()  # of two campaigns that begin in the same one none is the older one
    accept(ledger_harness, digest="other options")
    oldest = ledger_harness.client.hget(f"bsg:campaign:{first.campaign_id}:batch:0", "collects_from")

    stream = listed(ledger_harness)

    assert (len(stream.campaigns), stream.waiting, stream.oldest_at) == (2, 2, to_datetime(int(oldest)))
    assert stream.campaigns[-1].campaign_id == first.campaign_id


def test_closed_campaigns_are_not_read(ledger_harness: LedgerHarness) -> None:
    closed_campaign(ledger_harness)
    accept(ledger_harness)
    with_one = records_read(ledger_harness)
    ledger_harness.ledger.campaigns.cancel(accept(ledger_harness).campaign_id)
    for _ in range(3):
        closed_campaign(ledger_harness)
    accept(ledger_harness)

    assert records_read(ledger_harness) == with_one == 1
    assert listed(ledger_harness).waiting == 1


def test_a_page_of_streams_begins_with_the_one_that_began_a_campaign_last(ledger_harness: LedgerHarness) -> None:
    for name in ("first", "second", "third"):
        accept(ledger_harness, message(), stream=name)
        ledger_harness.client.zadd("bsg:streams", {name: len(name)})  # times that differ

    listing = ledger_harness.ledger.stream_listing

    assert [stream.name for stream in listing.page(0, 1)] == ["second"]
    assert (listing.length(), len(listing.page(1, 5))) == (3, 2)


def test_an_unknown_stream_is_not_listed(ledger_harness: LedgerHarness) -> None:
    assert ledger_harness.ledger.stream_listing.stream("nothing") is None
    assert not ledger_harness.ledger.stream_listing.knows("nothing")
