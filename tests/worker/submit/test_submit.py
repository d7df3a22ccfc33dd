"""What comes between a claimed batch and its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from bsg_client.answers import CampaignAnswer
from bsg_client.outcomes import Outcome, OutcomeKind
from bsg_config import clock
from bsg_ledger.scripts import source
from bsg_messages.body_cipher import BodyCipher
from bsg_sandbox.server import Sandbox
from bsg_worker.submit.recording import record
from bsg_worker.submit.submit import LATEST_SECONDS
from tests.lossy_proxy import LossyProxy
from tests.scenarios.environment import messages
from tests.servers import RedisServer
from tests.worker.harness import WorkerHarness

POST = "/api/campaigns/sms/send-individual"


def posts(sandbox: Sandbox) -> list[float]:
    return [request.time for request in sandbox.requests() if request.path == POST]


def two_a_second(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    return WorkerHarness(redis_url, sandbox, BSG_RATE_LIMIT="2/s", BSG_RATE_BURST="1", CAMPAIGN_BATCH_SIZE="1")


def test_a_slow_login_brings_no_two_requests_closer_together_than_the_limit(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("latency", seconds=0.6, path="/api/auth/login")
        harness = two_a_second(redis_url, sandbox)

        harness.submitted(2)

        first, second = posts(sandbox)
        assert second - first >= 0.4


def test_a_request_that_is_made_again_with_a_new_token_takes_a_slot_of_its_own(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("token_expired", first=1, path=POST)
        harness = two_a_second(redis_url, sandbox)

        campaign = harness.submitted(1)

        first, second = posts(sandbox)
        assert second - first >= 0.4
        assert harness.batch(campaign).state == "submitted"


def stalls(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """The next request to leave has its slot and its intent, and stands still until after its slot."""
    durability = harness.runtime.ledger.durability
    wait_for_disk = durability.wait_for_disk

    def stall() -> None:
        monkeypatch.setattr(durability, "wait_for_disk", wait_for_disk)
        clock.sleep(LATEST_SECONDS + 0.1)
        meanwhile()
        wait_for_disk()

    monkeypatch.setattr(durability, "wait_for_disk", stall)


def test_a_stall_between_slot_and_request_brings_no_two_requests_closer_together_than_the_limit(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = two_a_second(redis_url, sandbox)
        campaign, other = harness.prepared(1), harness.prepared(1)
        stalls(harness, monkeypatch, lambda: harness.submit(other))

        harness.submit(campaign)

        first, second = posts(sandbox)
        assert second - first >= 0.4


def test_a_request_that_has_missed_its_slot_and_gets_no_other_is_taken_back_without_doubt(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = two_a_second(redis_url, sandbox)
        campaign = harness.prepared(1)
        stalls(harness, monkeypatch, lambda: harness.runtime.submit_limiter.cool_down(60))

        outcome = harness.submit(campaign)

        assert outcome.endswith("missed its slot of the rate limit")
        assert posts(sandbox) == []
        assert harness.batch(campaign).state == "pending"


def test_an_intent_that_is_not_kept_on_disk_lets_nothing_leave_and_leaves_no_doubt(
    own_redis_server: RedisServer,
) -> None:
    with Sandbox() as sandbox, own_redis_server.client() as client:
        harness = WorkerHarness(own_redis_server.url, sandbox)
        campaign = harness.prepared(3)
        client.config_set("appendonly", "no")

        outcome = harness.submit(campaign)

        assert outcome.endswith("Redis did not keep the intent")
        assert posts(sandbox) == []
        assert harness.batch(campaign).state == "pending"


def test_an_intent_whose_answer_is_lost_is_taken_back_and_leaves_no_doubt(redis_url: str) -> None:
    with Sandbox() as sandbox, LossyProxy(int(redis_url.rsplit(":", 1)[1].split("/")[0])) as proxy:
        harness = WorkerHarness(proxy.redis_url, sandbox)
        harness.submitted(1)
        campaign = harness.prepared(3)
        proxy.lose_answers_to(source("intent")[1].encode(), times=1)

        harness.submit(campaign)

        assert len(posts(sandbox)) == 1
        assert harness.batch(campaign).state == "pending"


def test_an_answer_that_is_recorded_late_shows_no_zone(harness: WorkerHarness) -> None:
    created_at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2)
    answer = CampaignAnswer(7, "creation", None, created_at, {}, None, None)

    for hours_ago, campaign in ((2, replace(answer, id=7)), (0, replace(answer, id=8))):
        record(
            harness.runtime,
            harness.posting(harness.prepared(1)),
            Outcome(OutcomeKind.TAKEN, "taken", campaign=campaign),
            b"",
            Random(),
            begun=clock.monotonic() - hours_ago * 3600,
        )
        zone = harness.runtime.ledger.learnt_zone(harness.runtime.account).minutes_off()
        assert zone == (None if hours_ago else -120)


def test_a_wait_that_is_absurd_is_no_longer_than_the_longest_cool_down(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("throttle", retry_after=999_999_999)
        harness = WorkerHarness(redis_url, sandbox)
        campaign = harness.prepared(1)

        assert harness.submit(campaign).startswith("deferred 3600.0 s: HTTP 429")
        client: Any = harness.runtime.redis  # redis-py types its replies as all that they might be
        due_ms = client.zscore(f"bsg:campaign:{campaign}:due", "0")

        assert due_ms - harness.runtime.ledger.due_indexes.now_ms() <= 3_600_000


def test_an_intent_that_has_grown_old_lets_nothing_leave(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.prepared(1)
    real = clock.monotonic
    # A second request would still fit into the lease: so near to its end none is begun.
    slow_disk = harness.settings.lease_seconds - 2 * harness.settings.max_request_seconds

    def monotonic() -> float:
        return real() + (slow_disk if harness.batch(campaign).state == "posting" else 0.0)

    monkeypatch.setattr(clock, "monotonic", monotonic)

    assert "intent too old" in harness.submit(campaign)
    assert harness.sandbox.record().by_reference == {}
    assert harness.batch(campaign).state == "pending"


def test_a_campaign_ends_its_turn_after_a_batch_when_others_have_had_none(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="10")
        large = harness.prepared(50)
        harness.producer.enqueue(messages(1, first_phone=380_670_000_000), sender="MyShop")

        assert harness.submit(large) == "submitted: taken"
        harness.runtime.redis.delete("prepare.normal")
        assert harness.submit(large).count("submitted: taken") > 1


def test_what_must_not_be_sent_is_not_sent(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = harness.prepared(1)

    def paused_after_the_claim(body: bytes, cipher: BodyCipher) -> bytes:
        harness.producer.pause(campaign)
        return cipher.decrypt(body)

    monkeypatch.setattr("bsg_worker.submit.submit.unpacked", paused_after_the_claim)

    assert harness.submit(campaign) == "not sent: pending; not now: paused"
    assert posts(harness.sandbox) == []


def test_a_process_has_no_more_requests_on_the_wire_than_it_has_permits(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bsg_worker.submit.submit.PERMIT_WAIT_SECONDS", 0.01)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, WORKER_IN_FLIGHT="1")
        campaigns = [harness.prepared(1), harness.prepared(1)]
        with harness.runtime.permits:
            held = harness.submit(campaigns[0])
        sent = [harness.submit(campaign) for campaign in campaigns]

        assert held == "deferred: no permit"
        assert all("submitted" in outcome for outcome in sent)
        assert len(posts(sandbox)) == 2


def test_what_bsg_said_is_told_to_a_redis_that_is_back(redis_url: str) -> None:
    with Sandbox() as sandbox, LossyProxy(int(redis_url.rsplit(":", 1)[1].split("/")[0])) as proxy:
        harness = WorkerHarness(proxy.redis_url, sandbox)
        harness.submitted(1)
        campaign = harness.prepared(3)
        proxy.lose_answers_to(source("taken")[1].encode(), times=1)

        harness.submit(campaign)

        assert harness.batch(campaign).state == "submitted"
