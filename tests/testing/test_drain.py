from __future__ import annotations

from datetime import timedelta

import pytest

from bsg_producer import Producer
from bsg_testing import CampaignsEnvironment

MESSAGES = [{"phone": 380661231231 + number, "text": f"Your code is {number}"} for number in range(3)]


def states(producer: Producer) -> list[str]:
    return [campaign.state.value for campaign in producer.campaigns()]


def test_drain_runs_campaigns_and_streams_to_their_end(environment: CampaignsEnvironment) -> None:
    campaign = environment.producer.enqueue(MESSAGES, sender="MyShop").campaign_id
    orders = environment.producer.stream("orders", sender="MyShop")
    receipt = orders.send({"phone": 380661231240, "text": "On its way"})

    environment.drain()

    assert environment.producer.status(campaign).state == "done"
    assert environment.producer.message(receipt.message_id).state == "finished"
    assert environment.sandbox.summary().messages == 4


def test_drain_waits_for_the_rate_limit_by_moving_the_time(environment: CampaignsEnvironment) -> None:
    for _ in range(20):
        environment.producer.enqueue(MESSAGES, sender="MyShop")

    before = environment.now()
    environment.drain()

    assert environment.sandbox.summary().campaigns == 20
    assert environment.now() - before >= timedelta(seconds=19 / 5)


def test_a_paused_campaign_is_left_and_moves_no_time(environment: CampaignsEnvironment) -> None:
    campaign = environment.producer.enqueue(MESSAGES, sender="MyShop").campaign_id
    environment.producer.pause(campaign)

    before = environment.now()
    environment.drain()

    assert environment.sandbox.summary().messages == 0
    assert environment.now() - before < timedelta(minutes=1)
    environment.producer.resume(campaign)
    environment.drain()
    assert environment.producer.status(campaign).state == "done"


@pytest.mark.parametrize("fault", ["502_after", "503_before", "cut_after", "throttle", "garbage_after"])
def test_a_fault_of_the_next_request_ends_with_each_message_sent_once(
    environment: CampaignsEnvironment, fault: str
) -> None:
    campaign = environment.producer.enqueue(MESSAGES, sender="MyShop").campaign_id
    environment.sandbox.fail_next(fault)

    environment.drain()

    assert environment.producer.status(campaign).state == "done"
    summary = environment.sandbox.summary()
    assert (summary.messages, summary.repeated_messages) == (3, 0)
    assert [one["happened"] for one in environment.sandbox.faults()] == [1]


def test_a_time_that_the_test_moves_ends_a_deadline(environment: CampaignsEnvironment) -> None:
    campaign = environment.producer.enqueue(
        MESSAGES, sender="MyShop", deadline=environment.now() + timedelta(hours=2)
    ).campaign_id

    environment.advance(timedelta(hours=3))
    environment.drain()

    assert environment.producer.status(campaign).state == "expired"
    environment.assert_nothing_sent()


def test_sending_hours_open_when_the_test_has_moved_the_time_there(environment: CampaignsEnvironment) -> None:
    tomorrow = (environment.now() + timedelta(days=1)).replace(hour=22, minute=0)
    environment.advance_to(tomorrow)
    campaign = environment.producer.enqueue(MESSAGES, sender="MyShop", send_between="09:00-20:00").campaign_id

    environment.drain()
    assert environment.sandbox.summary().messages == 0
    environment.advance_to(tomorrow + timedelta(hours=11))
    environment.drain()

    assert environment.producer.status(campaign).state == "done"


def test_an_idempotency_key_of_a_stream_is_forgotten_after_its_time(environment: CampaignsEnvironment) -> None:
    orders = environment.producer.stream("orders", sender="MyShop")
    first = orders.send({"phone": 380661231231, "text": "On its way"}, idempotency_key="order-1")
    assert orders.send({"phone": 380661231231, "text": "On its way"}, idempotency_key="order-1").duplicate

    environment.advance(timedelta(days=3))

    again = orders.send({"phone": 380661231231, "text": "On its way"}, idempotency_key="order-1")
    assert not again.duplicate
    assert again.message_id != first.message_id


def test_time_that_moved_is_real_again_in_the_next_environment(environment: CampaignsEnvironment) -> None:
    environment.advance(timedelta(days=3))
    moved = environment.now()

    with CampaignsEnvironment() as next_one:
        assert next_one.now() < moved
        next_one.producer.enqueue(MESSAGES, sender="MyShop")
        next_one.drain()
        assert states(next_one.producer) == ["done"]
