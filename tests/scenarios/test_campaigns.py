"""A campaign's way through real processes, over real HTTP, to the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import CampaignInvalid, IdempotencyConflict
from tests.processes import wait_until
from tests.scenarios.stage import Stage, messages

POST = "/api/campaigns/sms/send-individual"


def test_a_campaign_goes_from_enqueue_to_done_and_each_message_arrives_once(stage: Stage) -> None:
    campaign = stage.send(250)

    status = stage.wait_for(campaign, "done")

    assert status.counts["finished"] == 250
    assert [batch.size for batch in status.batches] == [100, 100, 50]
    assert all(batch.bsg_campaign_id for batch in status.batches)
    stage.assert_each_arrived_once(campaign, 250)


def test_a_personalised_text_arrives_and_a_missing_field_rejects_the_message(stage: Stage) -> None:
    rows = [{"phone": "+380 66 123-12-31", "name": "Olena"}, {"phone": "+380 66 123-12-32", "name": ""}]
    campaign = stage.producer.enqueue(rows, sender="MyShop", text="Hi {{ name }}").campaign_id

    stage.wait_for(campaign, "done")

    assert stage.arrivals(campaign) == {f"{campaign}000000": 1}
    assert [(reject.index, reject.field, reject.code) for reject in stage.producer.rejects(campaign)] == [
        (1, "name", "missing_field")
    ]


def test_one_bad_message_never_stops_a_campaign(stage: Stage) -> None:
    campaign = stage.producer.enqueue(
        [{"phone": 1, "text": "short"}, *messages(3), {"text": "nobody"}], sender="MyShop"
    ).campaign_id

    status = stage.wait_for(campaign, "done")

    assert (status.counts["finished"], status.counts["rejected"]) == (3, 2)
    assert [reject.index for reject in stage.producer.rejects(campaign)] == [0, 4]


def test_watch_tells_every_transition_until_the_campaign_is_final(stage: Stage) -> None:
    campaign = stage.send(3)

    watched = list(stage.producer.watch(campaign))

    assert [transition.to_state for transition in watched if transition.batch == f"{campaign}-0"][:4] == [
        "pending",
        "claimed",
        "posting",
        "submitted",
    ]
    assert (watched[-1].batch, watched[-1].to_state) == ("", "done")
    assert [item.position for item in watched] == [item.position for item in stage.status(campaign).transitions]


def test_the_same_key_and_content_answers_the_first_receipt_and_nothing_is_sent_twice(stage: Stage) -> None:
    first = stage.producer.enqueue(messages(3), sender="MyShop", idempotency_key="order 7")
    second = stage.producer.enqueue(messages(3), sender="MyShop", idempotency_key="order 7")

    with pytest.raises(IdempotencyConflict):
        stage.producer.enqueue(messages(4), sender="MyShop", idempotency_key="order 7")
    stage.wait_for(first.campaign_id, "done")
    assert (second.campaign_id, second.duplicate) == (first.campaign_id, True)
    stage.assert_each_arrived_once(first.campaign_id, 3)


def test_a_paused_campaign_holds_its_unsent_batches_and_goes_on_when_it_is_resumed(stage: Stage) -> None:
    stage.producer.shut_gate()
    campaign = stage.send(150)
    stage.wait_for_messages(campaign, "pending", 150)
    stage.producer.pause(campaign)
    stage.producer.open_gate()
    other = stage.send(2)
    stage.wait_for(other, "done")

    held = stage.status(campaign)
    stage.producer.resume(campaign)
    stage.wait_for(campaign, "done")

    assert (held.paused, held.counts["pending"]) == (True, 150)
    stage.assert_each_arrived_once(campaign, 150)


def test_a_cancel_ends_what_is_unsent_and_stops_at_bsg_what_was_sent(stage: Stage) -> None:
    start = datetime.now(UTC) + timedelta(hours=2)
    campaign = stage.send(100, start_at=start)
    stage.wait_for_messages(campaign, "submitted", 100)

    gone = stage.producer.cancel(campaign)
    status = stage.wait_for(campaign, "cancelled")

    assert gone == 100
    assert status.batches[0].bsg_status == "stopped"
    assert "stopped at BSG" in [transition.cause for transition in status.transitions]


def test_what_bsg_refuses_to_stop_while_it_creates_it_is_stopped_before_it_sends(own_stage: Stage) -> None:
    stage = own_stage
    stage.sandbox.configure(creation_seconds=6.0, sending_seconds=10_000_000)
    stage.processes.all()
    campaign = stage.send(400)
    stage.wait_for_messages(campaign, "submitted", 400)

    stage.producer.cancel(campaign)
    status = stage.wait_for(campaign, "cancelled", within=30)

    assert [batch.bsg_status for batch in status.batches] == ["stopped"] * 4
    assert all(batch.statistics["sent"] + batch.statistics["delivered"] == 0 for batch in status.batches)
    refusals = [entry for entry in stage.sandbox.requests() if entry.method == "PATCH" and entry.status == 422]
    assert len(refusals) >= 4  # BSG did refuse at first


def test_a_cancel_while_a_batch_is_on_the_wire_records_what_became_of_it(stage: Stage) -> None:
    stage.sandbox.fault("latency", seconds=0.5, times=1)
    campaign = stage.send(150)
    wait_until(lambda: stage.count(campaign, "posting") > 0, within=10, what="a POST on the wire")

    stage.producer.cancel(campaign)
    status = stage.wait_for(campaign, "cancelled")

    arrived = stage.arrivals(campaign)
    assert set(arrived.values()) <= {1}
    assert status.counts["finished"] == len(arrived)
    assert status.counts["cancelled"] == 150 - len(arrived)


def test_a_scheduled_campaign_waits_at_bsg_for_its_hour(stage: Stage) -> None:
    campaign = stage.send(5, start_at=datetime.now(UTC) + timedelta(hours=3))

    stage.wait_for_messages(campaign, "submitted", 5)
    wait_until(lambda: stage.status(campaign).batches[0].bsg_status == "scheduled", within=10)
    stage.sandbox.advance(4 * 3600)
    stage.sandbox.advance(3600)

    assert stage.status(campaign).state == "submitted"


def test_refused_rows_become_rejects_and_the_rest_is_sent_once(stage: Stage) -> None:
    stage.sandbox.fault("rows_refused", rows=[1, 3], times=1)
    campaign = stage.send(5)

    status = stage.wait_for(campaign, "done")

    assert (status.counts["finished"], status.counts["rejected"]) == (3, 2)
    assert [(r.index, r.code) for r in stage.producer.rejects(campaign)] == [
        (1, "refused_by_bsg"),
        (3, "refused_by_bsg"),
    ]
    assert set(stage.arrivals(campaign).values()) == {1}


def test_a_throttled_batch_is_sent_after_the_time_that_bsg_asked_for(stage: Stage) -> None:
    stage.sandbox.fault("throttle", retry_after=1, times=1)
    campaign = stage.send(3)

    status = stage.wait_for(campaign, "done")

    assert status.batches[0].attempts == 2
    stage.assert_each_arrived_once(campaign, 3)


@pytest.mark.parametrize("kind", ["server_error_after", "cut_after", "garbage_after", "silence_after"])
def test_a_batch_whose_answer_was_lost_is_found_at_bsg_and_not_sent_again(stage: Stage, kind: str) -> None:
    stage.sandbox.fault(kind, times=1)
    campaign = stage.send(3)

    status = stage.wait_for(campaign, "done")

    assert status.batches[0].attempts == 1
    assert "unconfirmed" in [transition.to_state for transition in status.transitions]
    stage.assert_each_arrived_once(campaign, 3)


def test_a_batch_that_bsg_surely_does_not_have_is_sent_again_without_an_operator(stage: Stage) -> None:
    stage.sandbox.fault("server_error_before", status=502, times=1)
    campaign = stage.send(3)

    status = stage.wait_for(campaign, "done")

    assert status.batches[0].attempts == 2
    assert "unconfirmed" in [transition.to_state for transition in status.transitions]
    stage.assert_each_arrived_once(campaign, 3)


def pass_the_backoff(stage: Stage) -> None:
    """Time passes by ageing what is stored: the gate may be probed now."""
    account = Settings.from_environment(stage.processes.settings).account
    redis.Redis.from_url(stage.redis_url).hset(f"bsg:account:{account}:gate", "probe_at", 1)


def test_a_bsg_that_answers_every_post_with_502_is_tried_by_one_batch_at_a_time(stage: Stage) -> None:
    stage.sandbox.fault("server_error_before", status=502)
    campaigns = [stage.send(1) for _ in range(40)]

    def attempts() -> int:
        return sum(batch.attempts for campaign in campaigns for batch in stage.status(campaign).batches)

    def shut() -> bool:
        return stage.producer.gate().shut

    wait_until(shut, within=10, what="the gate to shut")
    first = attempts()
    pass_the_backoff(stage)
    wait_until(lambda: attempts() > first and shut(), within=10, what="the trial, and the gate to shut again")
    tried = attempts()
    stage.sandbox.clear_faults()
    pass_the_backoff(stage)
    for campaign in campaigns:
        stage.wait_for(campaign, "done", within=40)

    assert first <= 5 + 16  # as many threads may have a request on the wire when the fifth doubt is recorded
    assert tried == first + 1
    for campaign in campaigns:
        stage.assert_each_arrived_once(campaign, 1)


def test_without_a_duplicate_window_an_operator_decides_about_a_batch_that_bsg_does_not_have(stage: Stage) -> None:
    stage.sandbox.fault("server_error_before", times=1)
    campaign = stage.send(3, account="second")
    wait_until(
        lambda: any(batch.needs_operator for batch in stage.status(campaign).batches), within=15, what="a question"
    )
    before = stage.status(campaign)

    stage.producer.resolve(f"{campaign}-0", not_sent=True)
    stage.wait_for(campaign, "done")

    assert before.counts["unconfirmed"] == 3
    stage.assert_each_arrived_once(campaign, 3)


def test_a_person_says_which_bsg_campaign_a_batch_in_doubt_is(stage: Stage) -> None:
    stage.sandbox.fault("late_visibility", seconds=3600)
    stage.sandbox.fault("cut_after", times=1)
    stage.sandbox.fault("ignored_filters")
    campaign = stage.send(3)
    stage.wait_for_messages(campaign, "unconfirmed", 3)
    bsg_id = stage.sandbox.record().by_reference[f"{campaign}000000"][0]

    state = stage.producer.resolve(f"{campaign}-0", sent=bsg_id)
    stage.sandbox.clear_faults()

    assert state in ("submitted", "known")
    assert stage.wait_for(campaign, "done").batches[0].bsg_campaign_id == bsg_id


def test_a_refused_batch_is_sent_when_an_operator_retries_it(stage: Stage) -> None:
    stage.sandbox.fault("http_200_error", code=6, times=1)
    campaign = stage.send(3)
    failed = stage.wait_for(campaign, "failed")

    retried = stage.producer.retry(campaign)
    stage.wait_for(campaign, "done")

    assert (failed.counts["refused"], retried) == (3, 3)
    stage.assert_each_arrived_once(campaign, 3)


def test_what_has_not_been_sent_by_its_deadline_expires_and_is_retried_with_a_new_one(stage: Stage) -> None:
    stage.producer.shut_gate()
    campaign = stage.send(3, deadline=datetime.now(UTC) + timedelta(seconds=1))
    expired = stage.wait_for(campaign, "expired")
    stage.producer.open_gate()
    with pytest.raises(CampaignInvalid, match="deadline"):
        stage.producer.retry(campaign)

    stage.producer.retry(campaign, deadline=datetime.now(UTC) + timedelta(hours=1))
    stage.wait_for(campaign, "done")

    assert expired.counts["expired"] == 3
    stage.assert_each_arrived_once(campaign, 3)


def test_a_reference_id_that_was_used_before_rejects_its_message_alone(stage: Stage) -> None:
    first = stage.producer.enqueue(
        [{"phone": 380660000001, "text": "one", "reference_id": "order1"}], sender="MyShop"
    ).campaign_id
    stage.wait_for(first, "done")

    second = stage.producer.enqueue(
        [
            {"phone": 380660000002, "text": "two", "reference_id": "order1"},
            {"phone": 380660000003, "text": "three", "reference_id": "order2"},
        ],
        sender="MyShop",
    ).campaign_id
    wait_until(lambda: stage.count(second, "rejected") == 1, within=15, what="the reject")

    assert [reject.code for reject in stage.producer.rejects(second)] == ["reference_id_taken"]
    assert stage.wait_for(second, "done").counts["finished"] == 1
    assert stage.sandbox.record().recipients[380660000003] != []


def test_messages_that_bsg_drops_silently_become_rejects(stage: Stage) -> None:
    stage.sandbox.fault("drop", rows=[1], times=1)
    campaign = stage.send(3)

    stage.wait_for(campaign, "done")
    wait_until(lambda: stage.count(campaign, "rejected") == 1, within=10, what="the dropped message's reject")

    assert [(r.index, r.code) for r in stage.producer.rejects(campaign)] == [(1, "dropped_by_bsg")]


def test_no_funds_holds_everything_until_funds_are_added(stage: Stage) -> None:
    stage.sandbox.put_account("live_sandbox", balance=0.0)
    campaign = stage.send(3)
    wait_until(lambda: not stage.producer.gate().open, within=10, what="the gate to shut")
    reason = stage.producer.gate().reason
    held = stage.status(campaign)

    stage.sandbox.put_account("live_sandbox", balance=1000.0)
    stage.wait_for(campaign, "done")

    assert reason == "no_funds"
    assert held.counts["pending"] == 3
    stage.assert_each_arrived_once(campaign, 3)


def test_a_campaign_of_three_behind_one_of_many_goes_at_once(stage: Stage) -> None:
    large = stage.send(200_000)
    small = stage.send(3)

    stage.wait_for_messages(small, "submitted", 3, within=15) if stage.count(small, "finished") == 0 else None
    unsent = stage.count(large, "unprepared") + stage.count(large, "pending")
    stage.producer.cancel(large)

    assert unsent > 100_000


def test_a_token_that_expires_is_renewed_and_the_campaign_goes_on(stage: Stage) -> None:
    stage.sandbox.fault("token_expired", times=1)
    campaign = stage.send(3)

    stage.wait_for(campaign, "done")

    stage.assert_each_arrived_once(campaign, 3)


def test_campaigns_are_listed_newest_first(stage: Stage) -> None:
    first, second = stage.send(1, name="first"), stage.send(1, name="second")

    listed = [summary.campaign_id for summary in stage.producer.campaigns()]

    assert listed.index(second) < listed.index(first)
