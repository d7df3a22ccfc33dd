"""A campaign that BSG does not show must not keep the status worker from the others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import zstandard

from bsg_config.settings import Settings
from bsg_producer.envelope import check_envelope
from bsg_sandbox.server import Sandbox
from bsg_worker.poll import poll
from bsg_worker.reconcile import reconcile
from bsg_worker.runtime import Runtime, build
from bsg_worker.sweep import stop_at_bsg
from tests.ledger.campaigns import Desk
from tests.processes import QUICK

UNKNOWN_TO_BSG = 5_000_000
MESSAGES = b'[{"phone":380661231231,"sender":"MyShop","text":"Hi","reference_id":"%s"}]'


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def runtime(redis_url: str, sandbox: Sandbox) -> Runtime:
    return build(Settings.from_environment({**QUICK, "REDIS_URL": redis_url, "BSG_BASE_URL": sandbox.url}))


def at_bsg(runtime: Runtime, reference_id: str) -> int:
    outcome = runtime.client.send_individual(MESSAGES % reference_id.encode(), {}, lambda: True)
    assert outcome.campaign is not None
    return outcome.campaign.id


def submitted(runtime: Runtime, desk: Desk, bsg_id: int) -> str:
    envelope = check_envelope({"sender": "MyShop"}, runtime.settings, datetime.now(UTC))
    campaign = desk.prepared(1, envelope=envelope.to_json())
    lease = desk.claimed(campaign, account=runtime.account)
    assert desk.intend(lease, account=runtime.account) == "posting"
    runtime.ledger.batches.taken(
        campaign, lease.batch, account=runtime.account, bsg_campaign_id=bsg_id, bsg_status="creation",
        next_poll_ms=0, cause="taken",
    )  # fmt: skip
    return campaign


def test_a_batch_that_bsg_does_not_know_keeps_no_other_from_being_polled(runtime: Runtime, redis_url: str) -> None:
    desk = Desk.at(redis_url)
    lost = [submitted(runtime, desk, UNKNOWN_TO_BSG + number) for number in range(4)]
    known = [submitted(runtime, desk, at_bsg(runtime, f"known{number}")) for number in range(4)]

    outcome = poll(runtime)

    assert outcome == "read 4 of 8 batches: HTTP 404"
    polled = [record.raw.get("polled_at") for record in runtime.ledger.reading.batch_records(f"{c}-0" for c in known)]
    assert all(polled)
    unread = runtime.ledger.reading.batch_records(f"{campaign}-0" for campaign in lost)
    assert [record.state for record in unread] == ["submitted"] * 4


def test_a_stop_that_bsg_cannot_place_keeps_no_other_from_being_asked(
    runtime: Runtime, sandbox: Sandbox, redis_url: str
) -> None:
    sandbox.configure(sending_seconds=3600.0)
    desk = Desk.at(redis_url)
    for campaign in [
        *(submitted(runtime, desk, UNKNOWN_TO_BSG + number) for number in range(4)),
        *(submitted(runtime, desk, at_bsg(runtime, f"stopped{number}")) for number in range(4)),
    ]:
        runtime.ledger.campaigns.cancel(campaign)

    assert stop_at_bsg(runtime) == "4 of 8 stops answered"


def test_a_look_that_bsg_answers_badly_keeps_no_other_batch_in_doubt(
    runtime: Runtime, sandbox: Sandbox, redis_url: str
) -> None:
    sandbox.fault("server_error_before", times=1, path="/api/messages", method="GET")
    desk = Desk.at(redis_url)
    for number in range(2):
        campaign = desk.prepared(1)
        body = f'[{{"reference_id": "doubt{number}"}}]'.encode()
        desk.client.set(f"bsg:campaign:{campaign}:batch:0:messages", zstandard.compress(body))
        lease = desk.claimed(campaign, account=runtime.account)
        desk.intend(lease, account=runtime.account)
        runtime.ledger.batches.doubtful(lease, account=runtime.account, cause="timeout", doubts_allowed=9)
        desk.client.zadd(f"bsg:account:{runtime.account}:doubt", {lease.batch_id: 1})

    outcome = reconcile(runtime)

    assert sorted(outcome.split("; ")) == ["HTTP 500", "no trace yet"]
