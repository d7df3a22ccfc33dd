"""The kind of an outcome alone decides what becomes of the batch."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from bsg_client.answers import CampaignAnswer
from bsg_client.outcomes import AccountReason, Outcome, OutcomeKind, RowFault
from bsg_config import clock
from bsg_ledger.gate import GateReason
from bsg_messages.bodies import unpacked
from bsg_worker.submit.recording import record
from tests.worker.bench import Bench


def recorded(bench: Bench, kind: OutcomeKind, **fields: Any) -> tuple[str, str]:
    """A batch of two whose POST came to that; answers the campaign, and the batch's state."""
    campaign = bench.prepared(2)
    lease = bench.posting(campaign)
    outcome = Outcome(kind, "a cause", **fields)
    return campaign, record(
        bench.runtime, lease, outcome, unpacked(lease.body, bench.runtime.cipher), Random(1), begun=clock.monotonic()
    ).state


def a_campaign_at_bsg(bsg_id: int) -> CampaignAnswer:
    return CampaignAnswer(bsg_id, "creation", None, None, {}, None, None)


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
def test_each_kind_leads_to_its_state(bench: Bench, kind: OutcomeKind, state: str) -> None:
    campaign, told = recorded(bench, kind, retry_after=60.0)

    assert told == bench.batch(campaign).state == state
    assert bench.producer.gate().open == (kind is not OutcomeKind.ACCOUNT_CLOSED)
    assert (bench.runtime.submit_limiter.state().cooling_for > 0) == (kind is OutcomeKind.THROTTLED)


def test_what_was_taken_is_submitted_as_the_campaign_that_bsg_named(bench: Bench) -> None:
    campaign, state = recorded(bench, OutcomeKind.TAKEN, campaign=a_campaign_at_bsg(7))

    assert (state, bench.batch(campaign).bsg_campaign_id) == ("submitted", 7)


def test_what_was_taken_under_no_name_or_another_batchs_is_in_doubt(bench: Bench) -> None:
    recorded(bench, OutcomeKind.TAKEN, campaign=a_campaign_at_bsg(7))

    states = [recorded(bench, OutcomeKind.TAKEN, campaign=named)[1] for named in (None, a_campaign_at_bsg(7))]

    assert states == ["unconfirmed", "unconfirmed"]


def test_named_rows_become_rejects_and_the_others_wait(bench: Bench) -> None:
    campaign, state = recorded(bench, OutcomeKind.ROWS_REFUSED, rows=(RowFault(0, "phone", "wrong"),))

    assert state == "pending"
    assert [reject.index for reject in bench.producer.rejects(campaign)] == [0]
    body = bench.runtime.ledger.reading.body(campaign, 0)
    assert body is not None
    assert [row["reference_id"][-1] for row in json.loads(unpacked(body, bench.runtime.cipher))] == ["1"]


def test_rows_that_are_none_of_ours_refuse_the_whole_batch(bench: Bench) -> None:
    _, state = recorded(bench, OutcomeKind.ROWS_REFUSED, rows=(RowFault(0, "phone", ""), RowFault(2, "phone", "")))

    assert state == "refused"


def test_an_account_without_funds_refuses_no_batch_however_often(bench: Bench) -> None:
    campaign = bench.prepared(1)
    outcome = Outcome(OutcomeKind.ACCOUNT_CLOSED, "a cause", account_reason=AccountReason.NO_FUNDS)
    for _ in range(3):
        record(bench.runtime, bench.posting(campaign), outcome, b"", Random(1), begun=clock.monotonic())
        assert bench.producer.gate().reason == GateReason.NO_FUNDS
        bench.runtime.gate.reopen(by="probe")

    assert bench.batch(campaign).state == "pending"


def test_duplicate_notices_cool_nobody_down_and_are_none_of_the_doubts_that_shut_the_gate(bench: Bench) -> None:
    for _ in range(4):
        recorded(bench, OutcomeKind.IN_DOUBT)

    states = [recorded(bench, OutcomeKind.IN_DOUBT, duplicate_notice=True)[1] for _ in range(5)]

    assert states == ["unconfirmed"] * 5
    assert bench.runtime.submit_limiter.state().cooling_for == 0
    assert bench.producer.gate().open
    recorded(bench, OutcomeKind.IN_DOUBT)
    assert bench.producer.gate().reason == GateReason.DOUBTS


def test_a_duplicate_notice_that_asks_to_wait_cools_the_account_down(bench: Bench) -> None:
    _, state = recorded(bench, OutcomeKind.IN_DOUBT, duplicate_notice=True, retry_after=60.0)

    assert state == "unconfirmed"
    assert bench.runtime.submit_limiter.state().cooling_for > 0


def test_five_doubts_in_a_row_shut_the_gate_which_is_one_warning_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    before = [recorded(bench, OutcomeKind.IN_DOUBT) and bench.producer.gate().open for _ in range(5)]

    assert before == [True, True, True, True, False]
    assert bench.producer.gate().reason == GateReason.DOUBTS
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage().startswith("The gate of the account default is shut by ")


def test_a_trial_that_bsg_does_not_answer_shuts_the_gate_and_what_was_never_asked_does_not(bench: Bench) -> None:
    bench.runtime.gate.shut(reason=GateReason.DOUBTS, by="test")
    bench.runtime.gate.reopen(by="probe")
    recorded(bench, OutcomeKind.NOT_TAKEN, bsg_asked=False)
    before = bench.producer.gate().half_open
    recorded(bench, OutcomeKind.NOT_TAKEN)

    assert before
    assert bench.producer.gate().shut


@pytest.mark.parametrize("reason", AccountReason)
def test_an_account_that_is_closed_is_a_warning_in_the_log(
    bench: Bench, caplog: pytest.LogCaptureFixture, reason: AccountReason
) -> None:
    recorded(bench, OutcomeKind.ACCOUNT_CLOSED, account_reason=reason)

    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "is shut by" in warning.getMessage()
