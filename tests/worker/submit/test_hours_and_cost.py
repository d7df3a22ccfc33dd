"""Batches wait for their hours, and a campaign pauses before it costs more than it may."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.work import Nothing, Wait
from bsg_producer import CampaignInvalid
from bsg_sandbox.server import Sandbox
from tests.worker.harness import WorkerHarness


def hours_around(offset: timedelta) -> str:
    """Return an hour of the day from so long from now on."""
    begin = datetime.now(UTC) + offset
    return f"{begin:%H:%M}-{begin + timedelta(hours=1):%H:%M} UTC"


def test_a_batch_waits_for_its_hours_and_takes_no_slot(harness: WorkerHarness) -> None:
    campaign = harness.prepared(2, send_between=hours_around(timedelta(hours=2)))

    outcome = harness.dispatch()

    assert outcome.startswith(f"{campaign} deferred 7")
    assert outcome.endswith("s: outside of its hours")
    assert harness.batch(campaign).state == "pending"
    assert [seen.path for seen in harness.sandbox.requests()] == ["/api/auth/login"]


def test_a_batch_leaves_within_its_hours(harness: WorkerHarness) -> None:
    campaign = harness.submitted(2, send_between=hours_around(timedelta(minutes=-10)))

    assert harness.status(campaign).counts["submitted"] == 2


def test_an_app_may_begin_a_stream_outside_of_its_hours_with_a_deadline_before_they_come(
    harness: WorkerHarness,
) -> None:
    hours = hours_around(timedelta(hours=2))
    stream = harness.producer.stream("codes", sender="MyShop", send_between=hours, deadline=3600)
    receipt = stream.send({"phone": 380661231231, "text": "Your code is 1234"})
    harness.dispatch()
    assert harness.producer.message(receipt.message_id).state == "pending"
    assert not harness.sandbox.record().campaigns


def test_a_deadline_before_its_hours_come_pass_is_refused(harness: WorkerHarness) -> None:
    with pytest.raises(CampaignInvalid, match="deadline: It passes before"):
        harness.prepared(1, send_between=hours_around(timedelta(hours=2)), deadline=3600)


@pytest.mark.parametrize("wrong", [0, -1, "much", True, float("nan"), "1e30"])
def test_what_is_no_amount_of_money_is_refused(harness: WorkerHarness, wrong: object) -> None:
    with pytest.raises(CampaignInvalid, match="max_cost: Not an amount of money"):
        harness.prepared(1, max_cost=wrong)


@pytest.fixture
def priced(redis_url: str) -> Iterator[WorkerHarness]:
    """A message costs what the sandbox asks for one."""
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="10")


def price_of_ten(harness: WorkerHarness) -> float:
    campaign = harness.submitted(10)
    cost = harness.batch(campaign).cost
    assert cost is not None
    return float(cost.split()[0])


def submit_all(harness: WorkerHarness) -> None:
    for _ in range(10):
        harness.make_due(DueIndex.DUE)
        harness.dispatch()


def test_a_campaign_pauses_before_its_next_batch_would_pass_its_cap(priced: WorkerHarness) -> None:
    ten = price_of_ten(priced)
    campaign = priced.prepared(50, max_cost=f"{ten * 3.5:.2f}")

    submit_all(priced)

    status = priced.status(campaign)
    assert (status.counts["submitted"], status.counts["pending"], status.paused) == (30, 20, True)
    assert status.transitions[-1].cause == f"the next batch would pass max_cost {ten * 3.5:.2f}"


def test_a_resume_that_its_cap_would_pause_again_at_once_is_refused_with_the_cap_that_suffices(
    priced: WorkerHarness,
) -> None:
    ten = price_of_ten(priced)
    campaign = priced.prepared(50, max_cost=ten)
    submit_all(priced)

    for cap in (None, ten * 1.5):
        with pytest.raises(CampaignInvalid, match=f"paused again at once: .* Give {ten * 2:.2f} or more"):
            priced.producer.resume(campaign, max_cost=cap)
    assert priced.status(campaign).paused
    assert priced.runtime.redis.hget(f"bsg:campaign:{campaign}", "max_cost") == str(ten).encode()

    priced.producer.resume(campaign, max_cost=ten * 2)
    submit_all(priced)
    assert (priced.status(campaign).paused, priced.status(campaign).counts["submitted"]) == (True, 20)


def test_it_goes_on_with_a_higher_cap_or_without_any(priced: WorkerHarness) -> None:
    ten = price_of_ten(priced)
    campaign = priced.prepared(50, max_cost=ten)
    submit_all(priced)

    priced.producer.resume(campaign, max_cost=ten * 4)
    submit_all(priced)
    assert (priced.status(campaign).paused, priced.status(campaign).counts["submitted"]) == (True, 40)

    priced.producer.resume(campaign, max_cost="none")
    submit_all(priced)
    assert (priced.status(campaign).paused, priced.status(campaign).counts["submitted"]) == (False, 50)


def test_a_pause_of_an_operator_is_resumed_while_the_cap_allows_more(priced: WorkerHarness) -> None:
    campaign = priced.prepared(20, max_cost=1_000)
    priced.producer.pause(campaign)

    priced.producer.resume(campaign)

    assert not priced.status(campaign).paused


def test_the_campaigns_of_a_stream_cost_no_more_in_a_day_than_its_cap(priced: WorkerHarness) -> None:
    ten = price_of_ten(priced)
    sent_before = len(priced.sandbox.record().by_reference)
    for validity in (24, 48):  # a campaign for each of the options
        stream = priced.producer.stream("codes", sender="MyShop", validity=validity, max_cost_per_day=ten * 3.5)
        for number in range(25):
            stream.send({"phone": 380_661_231_000 + number, "text": "Your code is 1234"})
    submit_all(priced)
    (status,) = priced.producer.streams()
    assert len(status.campaigns) == 2
    assert (status.counts["submitted"], status.counts["pending"], status.paused) == (35, 15, False)
    assert len(priced.sandbox.record().by_reference) == sent_before + 35


def test_a_higher_cap_of_a_day_holds_for_messages_that_are_accepted_with_it(priced: WorkerHarness) -> None:
    ten = price_of_ten(priced)
    for cap in (ten * 0.05, ten):
        stream = priced.producer.stream("codes", sender="MyShop", max_cost_per_day=cap)
        stream.send({"phone": 380_661_231_231, "text": "Your code is 1234"})
        submit_all(priced)
    (status,) = priced.producer.streams()
    assert [campaign.counts["submitted"] for campaign in status.campaigns] == [1, 0]


def test_a_stream_that_the_cost_of_its_day_holds_goes_on_with_a_higher_one(priced: WorkerHarness) -> None:
    one = price_of_ten(priced) / 10
    stream = priced.producer.stream("codes", sender="MyShop", max_cost_per_day=one * 1.5)
    for number in range(3):
        stream.send({"phone": 380_661_231_231 + number, "text": "Your code is 1234"})
        submit_all(priced)
    assert (stream.status().counts["submitted"], stream.status().counts["pending"]) == (1, 2)

    with pytest.raises(
        CampaignInvalid, match=f"would be held again at once: .* Give {one * 3:.2f} or more, or none"
    ) as no:
        stream.resume(max_cost_per_day=one * 2)
    assert list(no.value.errors) == ["max_cost_per_day"]
    with pytest.raises(CampaignInvalid, match="max_cost_per_day: Not an amount"):
        stream.resume(max_cost_per_day=-1)
    submit_all(priced)
    assert stream.status().counts["submitted"] == 1

    stream.resume(max_cost_per_day=one * 3)
    submit_all(priced)
    assert (stream.status().counts["submitted"], stream.status().counts["pending"]) == (3, 0)


def test_a_stream_that_its_max_cost_has_paused_goes_on_with_a_higher_one(priced: WorkerHarness) -> None:
    one = price_of_ten(priced) / 10
    stream = priced.producer.stream("codes", sender="MyShop", max_cost=one * 1.5)
    for number in range(3):
        stream.send({"phone": 380_661_231_231 + number, "text": "Your code is 1234"})
        submit_all(priced)
    assert [(one.paused, one.counts["submitted"]) for one in stream.status().campaigns] == [(True, 1)]

    with pytest.raises(CampaignInvalid, match="would be paused again at once"):
        stream.resume()
    stream.resume(max_cost=one * 3)
    submit_all(priced)

    assert [(one.paused, one.counts["submitted"]) for one in stream.status().campaigns] == [(False, 3)]


def test_until_the_first_batch_has_its_price_the_others_wait(priced: WorkerHarness) -> None:
    campaign = priced.prepared(30, max_cost=1_000)
    priced.posting(campaign)

    assert isinstance(priced.runtime.dispatcher.next("token"), Wait)


def test_what_is_on_its_way_counts(priced: WorkerHarness) -> None:
    ten = price_of_ten(priced)
    campaign = priced.prepared(50, max_cost=ten * 2.5)
    priced.runtime.redis.hset(f"bsg:campaign:{campaign}", mapping={"cost": str(ten), "priced": "10"})
    priced.runtime.redis.hincrby(f"bsg:campaign:{campaign}", "messages:submitted", 10)

    priced.posting(campaign)

    assert isinstance(priced.runtime.dispatcher.next("token"), Nothing)
    assert priced.producer.status(campaign).paused


def test_a_price_that_bsg_corrects_counts_once(priced: WorkerHarness) -> None:
    campaign = priced.submitted(10, max_cost=1_000)
    batches = priced.runtime.ledger.batches
    for price in ("2.50", "3.75"):
        batches.polled(
            BatchId.of(campaign, 0), status="sending", final=False, statistics="{}", price=price, currency="USD",
            total_messages=None, next_poll_ms=1_000,
        )  # fmt: skip

    record = priced.runtime.redis.hgetall(f"bsg:campaign:{campaign}")

    assert float(record[b"cost"]) == pytest.approx(3.75)
    assert record[b"priced"] == b"10"


def test_without_any_price_a_capped_campaign_pauses_and_says_why(priced: WorkerHarness) -> None:
    campaign = priced.prepared(20, max_cost=1_000)
    client = priced.runtime.redis
    client.hincrby(f"bsg:campaign:{campaign}", "messages:finished", 10)

    priced.dispatch()

    status = list(priced.runtime.ledger.reading.transitions(campaign))
    assert status[-1].cause == "BSG reports no price, and max_cost is set"
    with pytest.raises(CampaignInvalid, match="Give none to send the rest"):
        priced.producer.resume(campaign, max_cost=2_000)
