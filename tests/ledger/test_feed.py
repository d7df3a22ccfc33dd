"""The feed has every transition of all campaigns in order, and tells a reader who has missed one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_ledger.feed import FeedBroken, Position
from bsg_ledger.ledger import Ledger
from bsg_ledger.reading import EVENTS_AT_ONCE
from bsg_ledger.scripts import FEED_LENGTH
from bsg_producer import Producer
from tests.ledger.campaigns import Desk


def position_of(desk: Desk) -> Position:
    return desk.ledger.feed.latest()


def test_the_feed_has_every_transition_of_all_campaigns_in_order(desk: Desk) -> None:
    first, second = desk.prepared(2), desk.prepared(3)

    events = desk.ledger.feed.after(None)

    histories = {campaign: list(desk.ledger.reading.transitions(campaign)) for campaign in (first, second)}
    assert len(events) == sum(map(len, histories.values()))
    for campaign, history in histories.items():
        of_campaign = [event for event in events if event.campaign_id == campaign]
        assert [(event.batch, event.from_state, event.to_state, event.cause, event.when) for event in of_campaign] == [
            (event.batch, event.from_state, event.to_state, event.cause, event.when) for event in history
        ]


def test_a_reader_goes_on_behind_the_last_event_that_it_had(desk: Desk) -> None:
    desk.accepted(1)
    position = position_of(desk)
    assert desk.ledger.feed.after(position) == []

    campaign = desk.accepted(1)

    assert [event.campaign_id for event in desk.ledger.feed.after(position)] == [campaign]


def test_an_event_has_the_position_behind_itself(desk: Desk) -> None:
    desk.prepared(2)
    events = desk.ledger.feed.after(None)

    for place, event in enumerate(events):
        assert list(desk.ledger.feed.after(Position.parse(event.position))) == list(events[place + 1 :])


def test_a_reader_who_comes_too_late_is_told(desk: Desk) -> None:
    position = position_of(desk)
    desk.prepared(2)
    desk.client.xtrim("bsg:events", maxlen=1, approximate=False)

    with pytest.raises(FeedBroken):
        desk.ledger.feed.after(position)


def test_a_reader_of_whom_nothing_is_left_is_told(desk: Desk) -> None:
    desk.accepted(1)
    position = position_of(desk)
    desk.accepted(1)
    desk.client.xtrim("bsg:events", maxlen=0, approximate=False)

    with pytest.raises(FeedBroken):
        desk.ledger.feed.after(position)


def test_a_reader_who_saw_more_than_an_older_copy_has_is_told(desk: Desk) -> None:
    desk.accepted(1)
    copy = desk.client.dump("bsg:events"), desk.client.dump("bsg:ledger")
    desk.accepted(1)
    position = position_of(desk)
    for key, content in zip(("bsg:events", "bsg:ledger"), copy, strict=True):
        desk.client.restore(key, 0, content, replace=True)

    with pytest.raises(FeedBroken):
        desk.ledger.feed.after(position)

    desk.accepted(1)
    with pytest.raises(FeedBroken):
        desk.ledger.feed.after(position)


def test_the_first_reader_of_an_empty_ledger_misses_nothing(desk: Desk) -> None:
    position = position_of(desk)

    desk.accepted(1)

    assert len(desk.ledger.feed.after(position)) == 1


def test_a_long_feed_is_read_in_pieces_without_a_gap(desk: Desk) -> None:
    with desk.client.pipeline() as pipe:
        for sequence in range(1, EVENTS_AT_ONCE + 3):
            fields = {"campaign": "c", "at": 1, "to": str(sequence), "sequence": sequence}
            pipe.xadd("bsg:events", fields)
        pipe.hset("bsg:ledger", "sequence", EVENTS_AT_ONCE + 2)
        pipe.execute()

    events = list(desk.ledger.feed.after(None))
    rest = desk.ledger.feed.after(Position.parse(events[-1].position))

    assert [int(event.to_state) for event in (*events, *rest)] == list(range(1, EVENTS_AT_ONCE + 3))


def test_the_feed_is_trimmed(desk: Desk) -> None:
    desk.ledger = Ledger(desk.client, feed_length=500)
    desk.accepted(1)
    with desk.client.pipeline() as pipe:
        for _ in range(1_000):
            pipe.xadd("bsg:events", {"campaign": "c"})
        pipe.execute()

    desk.accepted(1)

    assert 500 <= desk.client.xlen("bsg:events") < 700


def test_the_feed_is_as_long_as_its_readers_are_told() -> None:
    assert f"{FEED_LENGTH:_}".replace("_", " ") in " ".join(str(Producer.events.__doc__).split())


@given(text=st.text(max_size=8) | st.from_regex(r"[0-9]{1,3}[-.@][0-9]{0,25}[.-]?[0-9]{0,3}", fullmatch=True))
def test_a_position_is_read_as_it_is_written_or_not_at_all(text: str) -> None:
    try:
        position = Position.parse(text)
    except ValueError:
        return
    assert str(Position.parse(str(position))) == str(position)
