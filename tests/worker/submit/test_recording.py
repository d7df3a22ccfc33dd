"""The kind of an outcome alone decides what becomes of the batch."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from bsg_client.outcomes import AccountReason, Outcome, OutcomeKind
from bsg_client.responses import CampaignResponse
from bsg_config import clock
from bsg_ledger.batch_id import BatchId
from bsg_ledger.gate import GateReason
from bsg_messages.bodies import unpacked
from bsg_messages.rejects import RejectCode, Violation
from bsg_worker.submit.recording import record
from tests.worker.harness import WorkerHarness

WRONG_PHONE = Violation("phone", RejectCode.REFUSED_BY_BSG, "It is wrong.")


def recorded(harness: WorkerHarness, kind: OutcomeKind, **fields: Any) -> tuple[str, str]:
    """Return a batch of two whose POST came to that; return the campaign, and the batch's state."""
    campaign = harness.prepared(2)
    lease = harness.posting(campaign)
    outcome = Outcome(kind, "a cause", **fields)
    return campaign, record(
        harness.runtime,
        lease,
        outcome,
        unpacked(lease.body, campaign, harness.runtime.cipher),
        Random(1),
        begun=clock.monotonic(),
    ).state


def a_campaign_at_bsg(bsg_id: int) -> CampaignResponse:
    return CampaignResponse(bsg_id, "creation", None, None, {}, None, None)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (OutcomeKind.NOT_TAKEN, "pending"),
        (OutcomeKind.THROTTLED, "pending"),
        (OutcomeKind.REFUSED, "refused"),
        (OutcomeKind.IN_DOUBT, "unconfirmed"),
        (OutcomeKind.ACCOUNT_CLOSED, "pending"),
    ],
)
def test_each_kind_leads_to_its_state(harness: WorkerHarness, kind: OutcomeKind, state: str) -> None:
    campaign, outcome = recorded(harness, kind, retry_after=60.0)

    assert outcome == harness.batch(campaign).state == state
    assert harness.producer.gate().open == (kind is not OutcomeKind.ACCOUNT_CLOSED)
    assert (harness.runtime.submit_limiter.state().cooling_for > 0) == (kind is OutcomeKind.THROTTLED)


def test_what_was_taken_is_submitted_as_the_campaign_that_bsg_named(harness: WorkerHarness) -> None:
    campaign, state = recorded(harness, OutcomeKind.TAKEN, campaign=a_campaign_at_bsg(7))

    assert (state, harness.batch(campaign).bsg_campaign_id) == ("submitted", 7)


def test_what_was_taken_under_no_name_or_another_batchs_is_in_doubt(harness: WorkerHarness) -> None:
    recorded(harness, OutcomeKind.TAKEN, campaign=a_campaign_at_bsg(7))

    states = [recorded(harness, OutcomeKind.TAKEN, campaign=named)[1] for named in (None, a_campaign_at_bsg(7))]

    assert states == ["unconfirmed", "unconfirmed"]


def test_named_rows_become_rejects_and_the_others_wait(harness: WorkerHarness) -> None:
    campaign, state = recorded(harness, OutcomeKind.ROWS_REFUSED, violations={0: WRONG_PHONE})

    assert state == "pending"
    assert [reject.index for reject in harness.producer.rejects(campaign)] == [0]
    body = harness.runtime.ledger.reading.body(BatchId.of(campaign, 0))
    assert body is not None
    assert [row["reference_id"][-1] for row in json.loads(unpacked(body, campaign, harness.runtime.cipher))] == ["1"]


def test_rows_that_are_none_of_ours_refuse_the_whole_batch(harness: WorkerHarness) -> None:
    _, state = recorded(harness, OutcomeKind.ROWS_REFUSED, violations={0: WRONG_PHONE, 2: WRONG_PHONE})

    assert state == "refused"


def test_an_account_without_funds_refuses_no_batch_however_often(harness: WorkerHarness) -> None:
    campaign = harness.prepared(1)
    outcome = Outcome(OutcomeKind.ACCOUNT_CLOSED, "a cause", account_reason=AccountReason.NO_FUNDS)
    for _ in range(3):
        record(harness.runtime, harness.posting(campaign), outcome, b"", Random(1), begun=clock.monotonic())
        assert harness.producer.gate().reason == GateReason.NO_FUNDS
        harness.runtime.gate.reopen(by="probe")

    assert harness.batch(campaign).state == "pending"


def test_duplicate_notices_cool_nobody_down_and_are_none_of_the_doubts_that_shut_the_gate(
    harness: WorkerHarness,
) -> None:
    for _ in range(4):
        recorded(harness, OutcomeKind.IN_DOUBT)

    states = [recorded(harness, OutcomeKind.IN_DOUBT, duplicate_notice=True)[1] for _ in range(5)]

    assert states == ["unconfirmed"] * 5
    assert harness.runtime.submit_limiter.state().cooling_for == 0
    assert harness.producer.gate().open
    recorded(harness, OutcomeKind.IN_DOUBT)
    assert harness.producer.gate().reason == GateReason.DOUBTS


def test_a_duplicate_notice_that_asks_to_wait_cools_the_account_down(harness: WorkerHarness) -> None:
    _, state = recorded(harness, OutcomeKind.IN_DOUBT, duplicate_notice=True, retry_after=60.0)

    assert state == "unconfirmed"
    assert harness.runtime.submit_limiter.state().cooling_for > 0


def test_five_doubts_in_a_row_shut_the_gate_which_is_one_warning_in_the_log(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    before = [recorded(harness, OutcomeKind.IN_DOUBT) and harness.producer.gate().open for _ in range(5)]

    assert before == [True, True, True, True, False]
    assert harness.producer.gate().reason == GateReason.DOUBTS
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage().startswith("The gate of the account default is shut by ")


def test_a_trial_without_a_response_shuts_the_gate_and_what_was_never_asked_does_not(
    harness: WorkerHarness,
) -> None:
    harness.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    harness.runtime.gate.reopen(by="probe")
    recorded(harness, OutcomeKind.NOT_TAKEN, bsg_asked=False)
    before = harness.producer.gate().half_open
    recorded(harness, OutcomeKind.NOT_TAKEN)

    assert before
    assert harness.producer.gate().shut


@pytest.mark.parametrize("reason", AccountReason)
def test_an_account_that_is_closed_is_a_warning_in_the_log(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture, reason: AccountReason
) -> None:
    recorded(harness, OutcomeKind.ACCOUNT_CLOSED, account_reason=reason)

    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "is shut by" in warning.getMessage()
