"""An app follows all campaigns by the feed of events."""

from __future__ import annotations

import pickle
import threading

import pytest

from bsg_producer import CampaignInvalid, FeedGap
from tests.producer.test_enqueueing import messages, producer_at


def test_an_app_goes_on_behind_the_event_that_it_dealt_with_last(redis_url: str) -> None:
    producer = producer_at(redis_url)
    first = producer.enqueue(messages(1), sender="MyShop").campaign_id
    (accepted,) = producer.events()

    second = producer.enqueue(messages(1), sender="MyShop").campaign_id

    assert accepted.campaign_id == first
    assert [(event.campaign_id, event.to_state) for event in producer.events(since=accepted.position)] == [
        (second, "accepted")
    ]


def test_what_is_read_after_taking_the_latest_position_misses_nothing(redis_url: str) -> None:
    producer = producer_at(redis_url)
    producer.enqueue(messages(1), sender="MyShop")
    position = producer.latest_event()

    campaign = producer.enqueue(messages(1), sender="MyShop").campaign_id

    assert [event.campaign_id for event in producer.events(since=position)] == [campaign]


@pytest.mark.parametrize("timeout", [0.3, 1.0])
def test_following_waits_for_what_comes(redis_url: str, timeout: float) -> None:
    producer = producer_at(redis_url, queue_timeout=timeout)
    campaign = producer.enqueue(messages(1), sender="MyShop").campaign_id
    cancelling = threading.Timer(1.5 * timeout, producer.cancel, [campaign])
    cancelling.start()

    for event in producer.events(follow=True):
        if event.to_state == "cancelled":
            break
    cancelling.join()

    assert event.campaign_id == campaign


def test_whoever_comes_too_late_gets_a_gap_that_says_what_to_do(redis_url: str) -> None:
    producer = producer_at(redis_url)
    position = producer.latest_event()
    for _ in range(2):
        producer.enqueue(messages(1), sender="MyShop")
    producer._client.xtrim("bsg:events", maxlen=1, approximate=False)

    with pytest.raises(FeedGap, match=r"take `latest_event\(\)`") as caught:
        next(producer.events(since=position))

    assert caught.value.since == position
    assert pickle.loads(pickle.dumps(caught.value)).since == position


@pytest.mark.parametrize("wrong", ["", "0", "now", "1-2-3.4", "0-0.", "-1.0", "0-0.1\n", "٣-0.1"])
def test_what_is_no_position_is_reported_as_such(redis_url: str, wrong: str) -> None:
    with pytest.raises(CampaignInvalid) as caught:
        next(producer_at(redis_url).events(since=wrong))

    assert caught.value.errors == {"since": ["not a position in the feed: give that of an event, or none"]}
