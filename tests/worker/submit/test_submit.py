"""What comes between a wake-up and the record of a POST."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from unittest.mock import patch

import pytest
from redis.connection import Connection

from bsg_broker.queues import dispatch_queue
from bsg_client.outcomes import Outcome, OutcomeKind
from bsg_client.responses import CampaignResponse
from bsg_config import clock
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.gate import GateReason
from bsg_ledger.scripts import source
from bsg_sandbox.server import Sandbox
from bsg_worker.submit import dispatch
from bsg_worker.submit.post import MAX_SLOT_AGE_SECONDS, Posted, post
from bsg_worker.submit.recording import record
from tests.lossy_proxy import LossyProxy
from tests.processes import wait_until
from tests.servers import RedisServer
from tests.worker.harness import LONG_TIMEOUTS, WorkerHarness

POST = "/api/campaigns/sms/send-individual"
LOGIN = "/api/auth/login"
QUEUE = dispatch_queue(DEFAULT_ACCOUNT)


def posts(sandbox: Sandbox) -> list[float]:
    return [request.time for request in sandbox.requests() if request.path == POST]


def logins(sandbox: Sandbox) -> int:
    return sum(request.path == LOGIN for request in sandbox.requests())


def two_a_second(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    """Return a harness in which only the limit decides when a request leaves, on a slow machine too."""
    limit = {"BSG_RATE_LIMIT": "2/s", "BSG_RATE_BURST": "1", "CAMPAIGN_BATCH_SIZE": "1"}
    return WorkerHarness(redis_url, sandbox, **limit, **LONG_TIMEOUTS)


def test_a_slow_login_brings_no_two_requests_closer_together_than_the_limit(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("latency", seconds=0.6, path=LOGIN)
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
    run = durability.run

    def stall(*arguments: Any) -> Any:
        response = run(*arguments)
        if response[0][0] == b"send":
            monkeypatch.setattr(durability, "run", run)
            clock.sleep(MAX_SLOT_AGE_SECONDS + 0.1)
            meanwhile()
        return response

    monkeypatch.setattr(durability, "run", stall)


def test_a_stall_between_slot_and_request_brings_no_two_requests_closer_together_than_the_limit(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = two_a_second(redis_url, sandbox)
        harness.prepared(1), harness.prepared(1)
        stalls(harness, monkeypatch, harness.dispatch)

        harness.dispatch()

        first, second = posts(sandbox)
        assert second - first >= 0.4


def test_a_request_that_has_missed_its_slot_and_gets_no_other_is_taken_back_without_doubt(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = two_a_second(redis_url, sandbox)
        campaign = harness.prepared(1)
        stalls(harness, monkeypatch, lambda: harness.runtime.submit_limiter.cool_down(60))

        outcome = harness.dispatch()

        assert outcome.endswith("missed its slot of the rate limit")
        assert posts(sandbox) == []
        assert harness.batch(campaign).state == "pending"


def test_a_request_leaves_at_its_slot_and_not_before(harness: WorkerHarness) -> None:
    send = replace(harness.posting(harness.prepared(1)), slot_in=0.3)
    harness.runtime.client.log_in()
    asked_at = clock.monotonic()

    posted = post(harness.runtime, send, asked_at)

    assert isinstance(posted, Posted)
    assert clock.monotonic() - posted.took - asked_at >= 0.29


@pytest.mark.server_kinds("valkey")  # with WAITAOF
def test_an_intent_that_is_not_kept_on_disk_lets_nothing_leave_and_leaves_no_doubt(
    own_redis_server: RedisServer,
) -> None:
    with Sandbox() as sandbox, own_redis_server.client() as client:
        harness = WorkerHarness(own_redis_server.url, sandbox)
        campaign = harness.prepared(3)
        client.config_set("appendfsync", "everysec")
        harness.runtime.ledger.durability.require()  # finds that it has to wait for the disk
        client.config_set("appendonly", "no")

        outcome = harness.dispatch()

        assert outcome.endswith("Redis did not keep the intent")
        assert posts(sandbox) == []
        assert harness.batch(campaign).state == "pending"


def test_nothing_is_dispatched_where_redis_cannot_prove_that_it_keeps_an_intent(own_redis_server: RedisServer) -> None:
    with Sandbox() as sandbox, own_redis_server.client() as client:
        harness = WorkerHarness(own_redis_server.url, sandbox)
        campaign = harness.prepared(3)
        client.config_set("appendonly", "no")

        outcome = harness.dispatch()

        assert outcome.startswith("set `appendonly yes`")
        assert harness.batch(campaign).attempts == 0


def test_an_intent_whose_response_is_lost_is_taken_back_and_leaves_no_doubt(redis_url: str) -> None:
    with Sandbox() as sandbox, LossyProxy(int(redis_url.rsplit(":", 1)[1].split("/")[0])) as proxy:
        harness = WorkerHarness(proxy.redis_url, sandbox)
        harness.submitted(1)
        campaign = harness.prepared(3)
        proxy.lose_responses_to(source("dispatch")[1].encode(), times=1)

        outcome = harness.dispatch()

        assert outcome.startswith(f"{campaign}-0 deferred")
        assert outcome.endswith("Redis did not respond")
        assert len(posts(sandbox)) == 1
        assert harness.batch(campaign).state == "pending"


def test_a_response_that_is_recorded_late_shows_no_zone(harness: WorkerHarness) -> None:
    created_at = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2)
    response = CampaignResponse(7, "creation", None, created_at, {}, None, None)

    for hours_ago, campaign in ((2, replace(response, id=7)), (0, replace(response, id=8))):
        record(
            harness.runtime,
            harness.posting(harness.prepared(1)),
            Outcome(OutcomeKind.TAKEN, "taken", campaign=campaign),
            b"",
            Random(),
            begun=clock.monotonic() - hours_ago * 3600,
        )
        zone = harness.runtime.ledger.learnt_zone(harness.runtime.account.id).minutes_off()
        assert zone == (None if hours_ago else -120)


def test_a_wait_that_is_absurd_is_no_longer_than_the_longest_cool_down(redis_url: str) -> None:
    with Sandbox() as sandbox:
        sandbox.fault("throttle", retry_after=999_999_999)
        harness = WorkerHarness(redis_url, sandbox)
        campaign = harness.prepared(1)

        assert harness.dispatch().startswith(f"{campaign}-0 deferred 3600.0 s: HTTP 429")
        client: Any = harness.runtime.redis  # redis-py types its replies as all that they might be
        due_ms = client.zscore(f"bsg:campaign:{campaign}:due", "0")

        assert due_ms - harness.runtime.ledger.due_indexes.now_ms() <= 3_600_000


def test_an_intent_that_has_grown_old_lets_nothing_leave(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.prepared(1)
    real = clock.monotonic
    # A second request would still fit into the lease: so near to its end none is begun.
    slow_disk = harness.settings.lease_seconds - 2 * harness.settings.account.max_request_seconds

    def monotonic() -> float:
        return real() + (slow_disk if harness.batch(campaign).state == "posting" else 0.0)

    monkeypatch.setattr(clock, "monotonic", monotonic)

    assert "intent too old" in harness.dispatch()
    assert harness.sandbox.record().by_reference == {}
    assert harness.batch(campaign).state == "pending"


def test_a_task_names_each_batch_that_it_sent(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="10")
        campaign = harness.prepared(20)

        assert harness.dispatch() == f"{campaign}-0 submitted: taken; {campaign}-1 submitted: taken"


def test_a_small_campaign_is_prepared_and_sent_by_one_task(harness: WorkerHarness) -> None:
    campaign = harness.enqueued(3)

    assert harness.dispatch() == f"{campaign} chunk 0 prepared; {campaign}-0 submitted: taken"
    assert harness.status(campaign).state == "submitted"
    assert harness.queue_length(QUEUE) == 0


@pytest.mark.parametrize("bound", ["MAX_SECONDS", "MAX_PIECES"])
def test_a_task_ends_after_a_while_and_leaves_a_wake_up_for_the_rest(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(dispatch, bound, 0)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        campaign = harness.prepared(3)
        harness.runtime.redis.lpush(QUEUE, b"another one waits")  # so that nothing that is sent wakes anybody

        assert harness.dispatch() == f"{campaign}-0 submitted: taken"
        assert harness.queue_length(QUEUE) == 2


def test_another_worker_is_woken_before_the_request_if_more_is_ready(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.prepared(2)
        queued: list[int] = []
        send = harness.runtime.client.send_individual

        def sent(*arguments: Any) -> Outcome:
            queued.append(harness.queue_length(QUEUE))
            harness.runtime.redis.delete(QUEUE)
            return send(*arguments)

        monkeypatch.setattr(harness.runtime.client, "send_individual", sent)

        harness.dispatch()

        assert queued == [1, 0]  # behind the last one there is nothing


def test_who_waits_long_for_a_slot_is_woken_for_it_and_nobody_else_is(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_RATE_LIMIT="6/m", BSG_RATE_BURST="1", CAMPAIGN_BATCH_SIZE="1")
        campaign = harness.prepared(3)
        harness.dispatch()
        harness.runtime.redis.delete(QUEUE)

        outcomes = [harness.dispatch(), harness.dispatch()]

        assert outcomes == ["", ""]
        assert harness.queue_length(QUEUE) == 0  # the first task waits already
        assert harness.status(campaign).counts["submitted"] == 1


def test_a_process_has_no_more_requests_on_the_wire_than_it_has_permits(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, WORKER_IN_FLIGHT="1")
        for _ in range(2):
            harness.prepared(1)
        with harness.runtime.permits:
            held = harness.dispatch()
            sent_meanwhile = len(posts(sandbox))
        harness.dispatch()

        assert (held, sent_meanwhile) == ("", 0)
        assert len(posts(sandbox)) == 2


def test_while_all_permits_are_on_the_wire_what_is_sent_next_is_prepared(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, WORKER_IN_FLIGHT="1")
        campaign = harness.enqueued(3)
        with harness.runtime.permits:
            ahead = harness.dispatch()

        assert ahead == f"{campaign} chunk 0 prepared"
        assert harness.dispatch() == f"{campaign}-0 submitted: taken"


def test_a_process_has_no_more_threads_at_work_than_are_of_use_and_the_others_end(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, WORKER_IN_FLIGHT="1", CAMPAIGN_BATCH_SIZE="1")
        harness.prepared(3)
        monkeypatch.setattr(dispatch, "MAX_PERMIT_WAIT_SECONDS", 20)
        waiting = [threading.Thread(target=harness.dispatch) for _ in range(3)]
        with harness.runtime.permits:
            for thread in waiting:
                thread.start()
            wait_until(lambda: harness.runtime.threads.enough, within=5)
            another = harness.dispatch()
        for thread in waiting:
            thread.join()

        assert another == ""
        assert not harness.runtime.threads.enough
        assert len(posts(sandbox)) == 3


def test_nobody_is_woken_by_a_process_whose_threads_are_enough(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        harness.prepared(2)
        while not harness.runtime.threads.enough:
            assert harness.runtime.threads.join()
        harness.runtime.threads.leave()

        harness.dispatch()

        assert len(posts(sandbox)) == 2
        assert harness.queue_length(QUEUE) == 0


def test_what_bsg_said_is_recorded_by_a_redis_that_is_back(redis_url: str) -> None:
    with Sandbox() as sandbox, LossyProxy(int(redis_url.rsplit(":", 1)[1].split("/")[0])) as proxy:
        harness = WorkerHarness(proxy.redis_url, sandbox)
        harness.submitted(1)
        campaign = harness.prepared(3)
        proxy.lose_responses_to(source("taken")[1].encode(), times=1)

        harness.dispatch()

        assert harness.batch(campaign).state == "submitted"


def test_a_key_that_bsg_does_not_accept_shuts_the_gate_before_anything_is_dispatched(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_API_KEY="live_nobodys")
        campaign = harness.prepared(1)

        outcome = harness.dispatch()

        assert outcome.startswith("login: ")
        assert harness.runtime.gate.state().reason == GateReason.BAD_KEY
        assert harness.batch(campaign).attempts == 0


def test_nobody_logs_in_for_an_account_whose_gate_is_shut(harness: WorkerHarness) -> None:
    harness.prepared(1)
    harness.runtime.gate.shut(reason=GateReason.OPERATOR, by="test")

    assert harness.dispatch() == ""
    assert logins(harness.sandbox) == 0


@contextmanager
def round_trips() -> Iterator[list[bytes]]:
    """What is sent to Redis meanwhile, each time a list of bytes that are replied to together."""
    sent: list[bytes] = []
    send = Connection.send_packed_command

    def noted(connection: Connection, command: Any, *arguments: Any, **named: Any) -> None:
        sent.append(b"".join(command) if isinstance(command, list) else command)
        send(connection, command, *arguments, **named)  # type: ignore[no-untyped-call]  # redis-py types nothing here

    with patch.object(Connection, "send_packed_command", noted):
        yield sent


def test_a_batch_takes_two_pass_trips_to_redis_and_one_wait_for_its_disk(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        monkeypatch.setattr(dispatch, "MAX_SECONDS", 60)
        harness.submitted(1)
        harness.prepared(20)

        with round_trips() as sent:
            harness.dispatch()

        assert len(posts(sandbox)) == 21
        # Wake-ups, a token and a zone that are looked at once a second, and at the end one that finds nothing.
        assert len(sent) <= 2 * 20 + 8
        assert sum(b"WAITAOF" in each for each in sent) <= 20 + 1
