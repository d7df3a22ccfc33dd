"""A campaign's way through real processes, over real HTTP, to the sandbox."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import CampaignInvalid, IdempotencyConflict
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment, messages

POST = "/api/campaigns/sms/send-individual"


def test_a_campaign_goes_from_enqueue_to_done_and_each_message_arrives_once(scenario: ScenarioEnvironment) -> None:
    campaign = scenario.send(250)

    status = scenario.wait_for(campaign, "done")

    assert status.counts["finished"] == 250
    assert sorted(batch.size for batch in status.batches) == [50, 100, 100]
    assert all(batch.bsg_campaign_id for batch in status.batches)
    scenario.assert_each_arrived_once(campaign, 250)


def test_a_personalised_text_arrives_and_a_missing_field_rejects_the_message(scenario: ScenarioEnvironment) -> None:
    rows = [{"phone": "+380 66 123-12-31", "name": "Olena"}, {"phone": "+380 66 123-12-32", "name": ""}]
    campaign = scenario.producer.enqueue(rows, sender="MyShop", text="Hi {{ name }}").campaign_id

    scenario.wait_for(campaign, "done")

    assert scenario.arrivals(campaign) == {f"{campaign}000000": 1}
    assert [(reject.index, reject.field, reject.code) for reject in scenario.producer.rejects(campaign)] == [
        (1, "name", "missing_field")
    ]


def test_one_bad_message_never_stops_a_campaign(scenario: ScenarioEnvironment) -> None:
    campaign = scenario.producer.enqueue(
        [{"phone": 1, "text": "short"}, *messages(3), {"text": "nobody"}], sender="MyShop"
    ).campaign_id

    status = scenario.wait_for(campaign, "done")

    assert (status.counts["finished"], status.counts["rejected"]) == (3, 2)
    assert [reject.index for reject in scenario.producer.rejects(campaign)] == [0, 4]


def test_watch_shows_every_transition_until_the_campaign_is_final(scenario: ScenarioEnvironment) -> None:
    campaign = scenario.send(3)

    watched = list(scenario.producer.watch(campaign))

    assert [transition.to_state for transition in watched if transition.batch == f"{campaign}-0"][:3] == [
        "pending",
        "posting",
        "submitted",
    ]
    assert (watched[-1].batch, watched[-1].to_state) == ("", "done")
    assert [item.position for item in watched] == [item.position for item in scenario.status(campaign).transitions]


def test_the_same_key_and_content_returns_the_first_receipt_and_nothing_is_sent_twice(
    scenario: ScenarioEnvironment,
) -> None:
    first = scenario.producer.enqueue(messages(3), sender="MyShop", idempotency_key="order 7")
    second = scenario.producer.enqueue(messages(3), sender="MyShop", idempotency_key="order 7")

    with pytest.raises(IdempotencyConflict):
        scenario.producer.enqueue(messages(4), sender="MyShop", idempotency_key="order 7")
    scenario.wait_for(first.campaign_id, "done")
    assert (second.campaign_id, second.duplicate) == (first.campaign_id, True)
    scenario.assert_each_arrived_once(first.campaign_id, 3)


def test_a_paused_campaign_holds_its_unsent_batches_and_goes_on_when_it_is_resumed(
    scenario: ScenarioEnvironment,
) -> None:
    scenario.producer.shut_gate()
    campaign = scenario.send(150)
    scenario.producer.pause(campaign)
    scenario.producer.open_gate()
    other = scenario.send(2)
    scenario.wait_for(other, "done")

    held = scenario.status(campaign)
    scenario.producer.resume(campaign)
    scenario.wait_for(campaign, "done")

    assert (held.paused, held.counts["unprepared"]) == (True, 150)
    scenario.assert_each_arrived_once(campaign, 150)


def test_a_cancel_ends_what_is_unsent_and_stops_at_bsg_what_was_sent(scenario: ScenarioEnvironment) -> None:
    start = datetime.now(UTC) + timedelta(hours=2)
    campaign = scenario.send(100, start_at=start)
    scenario.wait_for_messages(campaign, "submitted", 100)

    gone = scenario.producer.cancel(campaign)
    status = scenario.wait_for(campaign, "cancelled")

    assert gone == 100
    assert status.batches[0].bsg_status == "stopped"
    assert "stopped at BSG" in [transition.cause for transition in status.transitions]


def test_what_bsg_refuses_to_stop_while_it_creates_it_is_stopped_before_it_sends(
    own_scenario: ScenarioEnvironment,
) -> None:
    scenario = own_scenario
    scenario.sandbox.configure(creation_seconds=6.0, sending_seconds=10_000_000)
    scenario.processes.all()
    campaign = scenario.send(400)
    scenario.wait_for_messages(campaign, "submitted", 400)

    scenario.producer.cancel(campaign)
    status = scenario.wait_for(campaign, "cancelled", within=30)

    assert [batch.bsg_status for batch in status.batches] == ["stopped"] * 4
    assert all(batch.statistics["sent"] + batch.statistics["delivered"] == 0 for batch in status.batches)
    refusals = [entry for entry in scenario.sandbox.requests() if entry.method == "PATCH" and entry.status == 422]
    assert len(refusals) >= 4  # BSG did refuse at first


def test_a_cancel_while_a_batch_is_on_the_wire_records_what_became_of_it(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("latency", seconds=0.5, times=1)
    campaign = scenario.send(150)
    wait_until(lambda: scenario.count(campaign, "posting") > 0, within=10, what="a POST on the wire")

    scenario.producer.cancel(campaign)
    status = scenario.wait_for(campaign, "cancelled")

    arrived = scenario.arrivals(campaign)
    assert set(arrived.values()) <= {1}
    assert status.counts["finished"] == len(arrived)
    assert status.counts["cancelled"] == 150 - len(arrived)


def test_a_scheduled_campaign_waits_at_bsg_for_its_hour(scenario: ScenarioEnvironment) -> None:
    campaign = scenario.send(5, start_at=datetime.now(UTC) + timedelta(hours=3))

    scenario.wait_for_messages(campaign, "submitted", 5)
    wait_until(lambda: scenario.status(campaign).batches[0].bsg_status == "scheduled", within=10)
    scenario.sandbox.advance(4 * 3600)
    scenario.sandbox.advance(3600)

    assert scenario.status(campaign).state == "submitted"


def test_refused_rows_become_rejects_and_the_rest_is_sent_once(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("rows_refused", rows=[1, 3], times=1)
    campaign = scenario.send(5)

    status = scenario.wait_for(campaign, "done")

    assert (status.counts["finished"], status.counts["rejected"]) == (3, 2)
    assert [(r.index, r.code) for r in scenario.producer.rejects(campaign)] == [
        (1, "refused_by_bsg"),
        (3, "refused_by_bsg"),
    ]
    assert set(scenario.arrivals(campaign).values()) == {1}


def test_a_throttled_batch_is_sent_after_the_time_that_bsg_asked_for(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("throttle", retry_after=1, times=1)
    campaign = scenario.send(3)

    status = scenario.wait_for(campaign, "done")

    assert status.batches[0].attempts == 2
    scenario.assert_each_arrived_once(campaign, 3)


@pytest.mark.parametrize("kind", ["server_error_after", "cut_after", "garbage_after", "silence_after"])
def test_a_batch_whose_response_was_lost_is_found_at_bsg_and_not_sent_again(
    scenario: ScenarioEnvironment, kind: str
) -> None:
    scenario.sandbox.fault(kind, times=1)
    campaign = scenario.send(3)

    status = scenario.wait_for(campaign, "done")

    assert status.batches[0].attempts == 1
    assert "unconfirmed" in [transition.to_state for transition in status.transitions]
    scenario.assert_each_arrived_once(campaign, 3)


def test_a_batch_that_bsg_surely_does_not_have_is_sent_again_without_an_operator(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("server_error_before", status=502, times=1)
    campaign = scenario.send(3)

    status = scenario.wait_for(campaign, "done")

    assert status.batches[0].attempts == 2
    assert "unconfirmed" in [transition.to_state for transition in status.transitions]
    scenario.assert_each_arrived_once(campaign, 3)


def pass_the_backoff(scenario: ScenarioEnvironment) -> None:
    """Time passes by ageing what is stored: the gate may be probed now."""
    account = Settings.from_environment(scenario.processes.settings).account.id
    redis.Redis.from_url(scenario.redis_url).hset(f"bsg:account:{account}:gate", "probe_at", 1)


def test_a_bsg_that_responds_to_every_post_with_502_is_tried_by_one_batch_at_a_time(
    scenario: ScenarioEnvironment,
) -> None:
    scenario.sandbox.fault("server_error_before", status=502)
    campaigns = [scenario.send(1) for _ in range(40)]

    def attempts() -> int:
        return sum(batch.attempts for campaign in campaigns for batch in scenario.status(campaign).batches)

    def shut() -> bool:
        return scenario.producer.gate().shut

    wait_until(shut, within=10, what="the gate to shut")
    first = attempts()
    pass_the_backoff(scenario)
    wait_until(lambda: attempts() > first and shut(), within=10, what="the trial, and the gate to shut again")
    tried = attempts()
    scenario.sandbox.clear_faults()
    pass_the_backoff(scenario)
    for campaign in campaigns:
        scenario.wait_for(campaign, "done", within=40)

    assert first <= 5 + 16  # as many threads may have a request on the wire when the fifth doubt is recorded
    assert tried == first + 1
    for campaign in campaigns:
        scenario.assert_each_arrived_once(campaign, 1)


def test_without_a_duplicate_window_an_operator_decides_about_a_batch_that_bsg_does_not_have(
    scenario: ScenarioEnvironment,
) -> None:
    scenario.sandbox.fault("server_error_before", times=1)
    campaign = scenario.send(3, account="second")
    wait_until(
        lambda: any(batch.needs_operator for batch in scenario.status(campaign).batches), within=15, what="a question"
    )
    before = scenario.status(campaign)

    scenario.producer.resolve(f"{campaign}-0", not_sent=True)
    scenario.wait_for(campaign, "done")

    assert before.counts["unconfirmed"] == 3
    scenario.assert_each_arrived_once(campaign, 3)


def test_an_operator_says_which_bsg_campaign_a_batch_in_doubt_is(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("late_visibility", seconds=3600)
    scenario.sandbox.fault("cut_after", times=1)
    scenario.sandbox.fault("ignored_filters")
    campaign = scenario.send(3)
    scenario.wait_for_messages(campaign, "unconfirmed", 3)
    bsg_id = scenario.sandbox.record().by_reference[f"{campaign}000000"][0]

    state = scenario.producer.resolve(f"{campaign}-0", sent=bsg_id)
    scenario.sandbox.clear_faults()

    assert state in ("submitted", "known")
    assert scenario.wait_for(campaign, "done").batches[0].bsg_campaign_id == bsg_id


def test_a_refused_batch_is_sent_when_an_operator_retries_it(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("http_200_error", code=6, times=1)
    campaign = scenario.send(3)
    failed = scenario.wait_for(campaign, "failed")

    retried = scenario.producer.retry(campaign)
    scenario.wait_for(campaign, "done")

    assert (failed.counts["refused"], retried) == (3, 3)
    scenario.assert_each_arrived_once(campaign, 3)


def test_what_has_not_been_sent_by_its_deadline_expires_and_is_retried_with_a_new_one(
    scenario: ScenarioEnvironment,
) -> None:
    scenario.producer.shut_gate()
    campaign = scenario.send(3, deadline=datetime.now(UTC) + timedelta(seconds=1))
    expired = scenario.wait_for(campaign, "expired")
    scenario.producer.open_gate()
    with pytest.raises(CampaignInvalid, match="deadline"):
        scenario.producer.retry(campaign)

    scenario.producer.retry(campaign, deadline=datetime.now(UTC) + timedelta(hours=1))
    scenario.wait_for(campaign, "done")

    assert expired.counts["expired"] == 3
    scenario.assert_each_arrived_once(campaign, 3)


def test_a_reference_id_that_was_used_before_rejects_its_message_alone(scenario: ScenarioEnvironment) -> None:
    first = scenario.producer.enqueue(
        [{"phone": 380660000001, "text": "one", "reference_id": "order1"}], sender="MyShop"
    ).campaign_id
    scenario.wait_for(first, "done")

    second = scenario.producer.enqueue(
        [
            {"phone": 380660000002, "text": "two", "reference_id": "order1"},
            {"phone": 380660000003, "text": "three", "reference_id": "order2"},
        ],
        sender="MyShop",
    ).campaign_id
    wait_until(lambda: scenario.count(second, "rejected") == 1, within=15, what="the reject")

    assert [reject.code for reject in scenario.producer.rejects(second)] == ["reference_id_taken"]
    assert scenario.wait_for(second, "done").counts["finished"] == 1
    assert scenario.sandbox.record().recipients[380660000003] != []


def test_messages_that_bsg_drops_silently_become_rejects(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("drop", rows=[1], times=1)
    campaign = scenario.send(3)

    scenario.wait_for(campaign, "done")
    wait_until(lambda: scenario.count(campaign, "rejected") == 1, within=10, what="the dropped message's reject")

    assert [(r.index, r.code) for r in scenario.producer.rejects(campaign)] == [(1, "dropped_by_bsg")]


def test_no_funds_holds_everything_until_funds_are_added(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.put_account("live_sandbox", balance=0.0)
    campaign = scenario.send(3)
    wait_until(lambda: not scenario.producer.gate().open, within=10, what="the gate to shut")
    reason = scenario.producer.gate().reason
    held = scenario.status(campaign)

    scenario.sandbox.put_account("live_sandbox", balance=1000.0)
    scenario.wait_for(campaign, "done")

    assert reason == "no_funds"
    assert held.counts["pending"] == 3
    scenario.assert_each_arrived_once(campaign, 3)


def test_a_campaign_of_three_behind_one_of_many_goes_at_once(scenario: ScenarioEnvironment) -> None:
    large = scenario.send(200_000)
    small = scenario.send(3)

    scenario.wait_for_messages(small, "submitted", 3, within=15) if scenario.count(small, "finished") == 0 else None
    unsent = scenario.count(large, "unprepared") + scenario.count(large, "pending")
    scenario.producer.cancel(large)

    assert unsent > 100_000


def test_a_token_that_expires_is_renewed_and_the_campaign_goes_on(scenario: ScenarioEnvironment) -> None:
    scenario.sandbox.fault("token_expired", times=1)
    campaign = scenario.send(3)

    scenario.wait_for(campaign, "done")

    scenario.assert_each_arrived_once(campaign, 3)


def test_campaigns_are_listed_newest_first(scenario: ScenarioEnvironment) -> None:
    first = scenario.send(1, name="first")
    time.sleep(0.002)  # of two campaigns of the same millisecond none is the newer one
    second = scenario.send(1, name="second")

    listed = [summary.campaign_id for summary in scenario.producer.campaigns()]

    assert listed.index(second) < listed.index(first)
