"""The metrics of streams: bounded, and with counts that only grow."""

from __future__ import annotations

import pytest

from bsg_ledger.ledger import Ledger
from bsg_monitor import stream_figures
from bsg_monitor.stream_figures import StreamFiguresReader
from tests.ledger.campaigns import LedgerHarness
from tests.ledger.test_streams import STREAM, accept, message


@pytest.fixture
def harness(redis_url: str) -> LedgerHarness:
    return LedgerHarness.at(redis_url)


def reader(harness: LedgerHarness) -> StreamFiguresReader:
    return StreamFiguresReader(Ledger(harness.client))


def accepted(figures: StreamFiguresReader, stream: str = STREAM) -> int:
    """Return what the stream has accepted since the first read."""
    return next(one.accepted for one in figures.read().measured if one.name == stream)


def test_messages_are_counted_from_the_first_read_on(harness: LedgerHarness) -> None:
    accept(harness)
    figures = reader(harness)

    first = accepted(figures)
    for _ in range(2):
        accept(harness)

    assert (first, accepted(figures), accepted(figures)) == (0, 2, 2)


def test_a_stream_that_is_new_is_counted_from_its_first_message_on(harness: LedgerHarness) -> None:
    figures = reader(harness)
    figures.read()

    accept(harness)

    assert accepted(figures) == 1


def test_messages_of_a_campaign_that_is_closed_between_two_reads_are_counted(harness: LedgerHarness) -> None:
    campaign = accept(harness).campaign_id
    figures = reader(harness)
    figures.read()

    accept(harness)
    harness.ledger.campaigns.cancel(campaign)
    accept(harness)  # in the stream's next campaign

    assert accepted(figures) == 2


def test_a_campaign_that_was_closed_does_not_lower_the_count(harness: LedgerHarness) -> None:
    figures = reader(harness)
    figures.read()
    campaign = accept(harness).campaign_id
    before = accepted(figures)

    harness.ledger.campaigns.cancel(campaign)

    assert (before, accepted(figures), accepted(figures)) == (1, 1, 1)


def test_a_campaign_that_a_retry_reopened_is_not_counted_again(harness: LedgerHarness) -> None:
    accepted_message = accept(harness)
    harness.ledger.campaigns.cancel(accepted_message.campaign_id)
    harness.wait_for_next_millisecond()  # what is accepted in the one of the read counts as new
    figures = reader(harness)
    figures.read()

    harness.client.zadd("bsg:open", {accepted_message.campaign_id: 1})

    (stream,) = figures.read().measured
    assert (stream.accepted, harness.ledger.stream_listing.page(0, 1)[0].counts["accepted"]) == (0, 1)


def test_only_the_streams_that_began_a_campaign_last_are_measured(
    harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_figures, "STREAMS_MEASURED", 2)
    for began, name in enumerate(("first", "second", "third")):
        accept(harness, message(), stream=name)
        harness.client.zadd("bsg:streams", {name: began})

    figures = reader(harness).read()

    assert [stream.name for stream in figures.measured] == ["third", "second"]
    assert figures.total == 3


def test_a_stream_that_comes_back_is_counted_from_nothing(
    harness: LedgerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_figures, "STREAMS_MEASURED", 1)
    figures = reader(harness)
    figures.read()
    accept(harness)
    before = accepted(figures)

    accept(harness, message(), stream="another")
    harness.client.zadd("bsg:streams", {STREAM: 1})
    left_out = [stream.name for stream in figures.read().measured]
    harness.client.zadd("bsg:streams", {"another": 1, STREAM: 2})

    assert (before, left_out, accepted(figures)) == (1, ["another"], 0)
