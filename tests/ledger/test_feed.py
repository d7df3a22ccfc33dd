"""The feed has every transition of all campaigns in order, and a reader who has missed one notices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_ledger.feed import FeedBroken, Position
from bsg_ledger.ledger import Ledger
from bsg_ledger.reading import EVENTS_AT_ONCE
from bsg_ledger.scripts import FEED_LENGTH
from bsg_producer import Producer
from tests.ledger.campaigns import LedgerHarness


def position_of(ledger_harness: LedgerHarness) -> Position:
    return ledger_harness.ledger.feed.latest()


def test_the_feed_has_every_transition_of_all_campaigns_in_order(ledger_harness: LedgerHarness) -> None:
    first, second = ledger_harness.prepared(2), ledger_harness.prepared(3)

    events = ledger_harness.ledger.feed.after(None)

    histories = {campaign: list(ledger_harness.ledger.reading.transitions(campaign)) for campaign in (first, second)}
    assert len(events) == sum(map(len, histories.values()))
    for campaign, history in histories.items():
        of_campaign = [event for event in events if event.campaign_id == campaign]
        assert [(event.batch, event.from_state, event.to_state, event.cause, event.when) for event in of_campaign] == [
            (event.batch, event.from_state, event.to_state, event.cause, event.when) for event in history
        ]


def test_a_reader_goes_on_behind_the_last_event_that_it_had(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(1)
    position = position_of(ledger_harness)
    assert ledger_harness.ledger.feed.after(position) == []

    campaign = ledger_harness.accepted(1)

    assert [event.campaign_id for event in ledger_harness.ledger.feed.after(position)] == [campaign]


def test_an_event_has_the_position_behind_itself(ledger_harness: LedgerHarness) -> None:
    ledger_harness.prepared(2)
    events = ledger_harness.ledger.feed.after(None)

    for index, event in enumerate(events):
        assert list(ledger_harness.ledger.feed.after(Position.parse(event.position))) == list(events[index + 1 :])


def test_a_reader_who_comes_too_late_is_reported(ledger_harness: LedgerHarness) -> None:
    position = position_of(ledger_harness)
    ledger_harness.prepared(2)
    ledger_harness.client.xtrim("bsg:events", maxlen=1, approximate=False)

    with pytest.raises(FeedBroken):
        ledger_harness.ledger.feed.after(position)


def test_a_reader_of_whom_nothing_is_left_is_reported(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(1)
    position = position_of(ledger_harness)
    ledger_harness.accepted(1)
    ledger_harness.client.xtrim("bsg:events", maxlen=0, approximate=False)

    with pytest.raises(FeedBroken):
        ledger_harness.ledger.feed.after(position)


def test_a_reader_who_saw_more_than_an_older_copy_has_is_reported(ledger_harness: LedgerHarness) -> None:
    ledger_harness.accepted(1)
    copy = ledger_harness.client.dump("bsg:events"), ledger_harness.client.dump("bsg:ledger")
    ledger_harness.accepted(1)
    position = position_of(ledger_harness)
    for key, content in zip(("bsg:events", "bsg:ledger"), copy, strict=True):
        ledger_harness.client.restore(key, 0, content, replace=True)

    with pytest.raises(FeedBroken):
        ledger_harness.ledger.feed.after(position)

    ledger_harness.wait_for_next_millisecond()  # in the same one, the next event would have the id of the lost one
    ledger_harness.accepted(1)
    with pytest.raises(FeedBroken):
        ledger_harness.ledger.feed.after(position)


def test_the_first_reader_of_an_empty_ledger_misses_nothing(ledger_harness: LedgerHarness) -> None:
    position = position_of(ledger_harness)

    ledger_harness.accepted(1)

    assert len(ledger_harness.ledger.feed.after(position)) == 1


def test_a_long_feed_is_read_in_pieces_without_a_gap(ledger_harness: LedgerHarness) -> None:
    with ledger_harness.client.pipeline() as pipe:
        for sequence in range(1, EVENTS_AT_ONCE + 3):
            fields = {"campaign": "c", "at": 1, "to": str(sequence), "sequence": sequence}
            pipe.xadd("bsg:events", fields)
        pipe.hset("bsg:ledger", "sequence", EVENTS_AT_ONCE + 2)
        pipe.execute()

    events = list(ledger_harness.ledger.feed.after(None))
    rest = ledger_harness.ledger.feed.after(Position.parse(events[-1].position))

    assert [int(event.to_state) for event in (*events, *rest)] == list(range(1, EVENTS_AT_ONCE + 3))


def test_the_feed_is_trimmed(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger = Ledger(ledger_harness.client, feed_length=500)
    ledger_harness.accepted(1)
    with ledger_harness.client.pipeline() as pipe:
        for _ in range(1_000):
            pipe.xadd("bsg:events", {"campaign": "c"})
        pipe.execute()

    ledger_harness.accepted(1)

    assert 500 <= ledger_harness.client.xlen("bsg:events") < 700


def test_the_feed_is_as_long_as_documented() -> None:
    assert f"{FEED_LENGTH:_}".replace("_", " ") in " ".join(str(Producer.events.__doc__).split())


@given(text=st.text(max_size=8) | st.from_regex(r"[0-9]{1,3}[-.@][0-9]{0,25}[.-]?[0-9]{0,3}", fullmatch=True))
def test_a_position_is_read_as_it_is_written_or_not_at_all(text: str) -> None:
    try:
        position = Position.parse(text)
    except ValueError:
        return
    assert str(Position.parse(str(position))) == str(position)
