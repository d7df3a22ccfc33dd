"""A gate that doubts have shut opens half: one batch goes through, and BSG's response to it decides."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from bsg_ledger.gate import GateReason
from bsg_ledger.work import GateShut, Send
from tests.ledger.campaigns import ACCOUNT, LedgerHarness

GATE = f"bsg:account:{ACCOUNT}:gate"
TOKENS = map("token{}".format, count())


@pytest.fixture
def half_open(ledger_harness: LedgerHarness) -> LedgerHarness:
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.DOUBTS, by="test")
    assert ledger_harness.ledger.gate(ACCOUNT).reopen(by="probe") == "half_open"
    return ledger_harness


def state_of(ledger_harness: LedgerHarness) -> str:
    gate = ledger_harness.ledger.gate(ACCOUNT).state()
    return "open" if gate.open else "half open" if gate.half_open else f"shut: {gate.reason}"


def on_trial(ledger_harness: LedgerHarness) -> Send:
    return ledger_harness.posting(ledger_harness.prepared(1, 1), token=next(TOKENS))


def test_after_doubts_a_probe_opens_the_gate_half_only(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.DOUBTS, by="test")

    assert ledger_harness.ledger.gate(ACCOUNT).reopen(by="probe") == "half_open"
    assert state_of(ledger_harness) == "half open"


def test_a_probe_opens_nothing_that_is_not_shut_any_more(half_open: LedgerHarness) -> None:
    half_open.ledger.gate(ACCOUNT).open(reason="", by="operator")

    assert half_open.ledger.gate(ACCOUNT).reopen(by="probe") == "open"
    assert half_open.ledger.gate(ACCOUNT).state().by == "operator"


@pytest.mark.parametrize("reason", [GateReason.BAD_KEY, GateReason.BLOCKED, GateReason.NO_FUNDS])
def test_what_shuts_a_half_open_gate_otherwise_leaves_the_doubts_to_a_trial(
    half_open: LedgerHarness, reason: GateReason
) -> None:
    half_open.ledger.gate(ACCOUNT).shut(reason=reason, by="a read")

    assert half_open.ledger.gate(ACCOUNT).reopen(by="probe") == "half_open"
    CLEAR["taken"](half_open, on_trial(half_open))
    assert state_of(half_open) == "open"
    half_open.ledger.gate(ACCOUNT).shut(reason=reason, by="a read")
    assert half_open.ledger.gate(ACCOUNT).reopen(by="probe") == "open"


def test_one_batch_alone_leaves_while_the_gate_is_half_open(half_open: LedgerHarness) -> None:
    half_open.prepared(1, 1)
    half_open.prepared(1)

    assert isinstance(half_open.next(token="first"), Send)
    assert [half_open.next(token=token) for token in ("first", "other")] == [GateShut()] * 2


def test_a_trial_calls_nobody_else_and_the_next_one_begins_when_it_is_over(half_open: LedgerHarness) -> None:
    campaign = half_open.prepared(1, 1, 1)
    send = half_open.posting(campaign)

    assert not send.wake_another
    half_open.ledger.batches.not_taken(send, delay_ms=0, cause="HTTP 429")
    half_open.withdraw(half_open.posting(campaign))
    assert isinstance(half_open.next(), Send)


Respond = Callable[[LedgerHarness, Send], object]

CLEAR: dict[str, Respond] = {
    "taken": lambda ledger_harness, lease: ledger_harness.taken(
        lease.batch.campaign_id, lease.batch.number, 7, token=lease.token
    ),
    "refused": lambda ledger_harness, lease: ledger_harness.ledger.batches.refused(lease, cause="HTTP 400"),
    "rows refused": lambda ledger_harness, lease: ledger_harness.ledger.batches.rows_refused(
        lease, cause="HTTP 422", rest=b"", rest_rows=[], rejects=[(0, "{}")]
    ),
}


def lose_lease(ledger_harness: LedgerHarness, lease: Send) -> None:
    ledger_harness.end_lease(lease)
    ledger_harness.ledger.batches.take_back(ACCOUNT)


UNCLEAR: dict[str, Respond] = {
    "doubt": lambda ledger_harness, lease: ledger_harness.doubtful(lease),
    "no response": lambda ledger_harness, lease: ledger_harness.ledger.batches.not_taken(
        lease, delay_ms=0, cause="refused", unanswered=True
    ),
    "lost lease": lose_lease,
}

NEITHER: dict[str, Respond] = {
    "throttle": lambda ledger_harness, lease: ledger_harness.ledger.batches.not_taken(
        lease, delay_ms=0, cause="HTTP 429"
    ),
    "reference ids taken": lambda ledger_harness, lease: ledger_harness.ledger.batches.doubtful(
        lease, account=ACCOUNT, cause="reference ids taken", doubts_allowed=5, suspects=[]
    ),
    "taken back": lambda ledger_harness, lease: ledger_harness.withdraw(lease),
}


@pytest.mark.parametrize("response", CLEAR)
def test_a_clear_response_to_the_trial_opens_the_gate_whole(half_open: LedgerHarness, response: str) -> None:
    CLEAR[response](half_open, on_trial(half_open))

    assert state_of(half_open) == "open"


@pytest.mark.parametrize("response", UNCLEAR)
def test_a_trial_without_a_clear_response_shuts_the_gate_again_for_twice_as_long(
    half_open: LedgerHarness, response: str
) -> None:
    waits = []
    for _ in range(8):
        UNCLEAR[response](half_open, on_trial(half_open))
        assert state_of(half_open) == "shut: doubts"
        gate = half_open.ledger.gate(ACCOUNT).state()
        assert gate.next_probe is not None
        assert gate.since is not None
        waits.append((gate.next_probe - gate.since).total_seconds())
        assert not half_open.ledger.gate(ACCOUNT).probe_due(put_off_ms=0)
        half_open.client.hset(GATE, "probe_at", 1)
        assert half_open.ledger.gate(ACCOUNT).probe_due(put_off_ms=0)
        half_open.ledger.gate(ACCOUNT).reopen(by="probe")

    assert waits == [30, 60, 120, 240, 480, 600, 600, 600]


def test_the_first_doubts_shut_the_gate_for_a_while_before_any_probe(ledger_harness: LedgerHarness) -> None:
    ledger_harness.doubtful(ledger_harness.posting(ledger_harness.prepared(1)), doubts_allowed=1)
    gate = ledger_harness.ledger.gate(ACCOUNT).state()

    assert not ledger_harness.ledger.gate(ACCOUNT).probe_due(put_off_ms=0)
    assert gate.next_probe is not None
    assert gate.since is not None
    assert (gate.next_probe - gate.since).total_seconds() == 15


def test_a_gate_that_opened_whole_is_shut_for_the_first_while_again(half_open: LedgerHarness) -> None:
    UNCLEAR["doubt"](half_open, on_trial(half_open))
    half_open.ledger.gate(ACCOUNT).reopen(by="probe")
    CLEAR["taken"](half_open, on_trial(half_open))
    half_open.doubtful(on_trial(half_open), doubts_allowed=1)
    gate = half_open.ledger.gate(ACCOUNT).state()

    assert gate.next_probe is not None
    assert gate.since is not None
    assert (gate.next_probe - gate.since).total_seconds() == 15


@pytest.mark.parametrize("response", NEITHER)
def test_what_says_nothing_of_bsg_leaves_the_gate_half_open_for_the_next_trial(
    half_open: LedgerHarness, response: str
) -> None:
    NEITHER[response](half_open, on_trial(half_open))

    assert state_of(half_open) == "half open"
    on_trial(half_open)


def test_only_the_trial_decides(ledger_harness: LedgerHarness) -> None:
    stragglers = [ledger_harness.posting(ledger_harness.prepared(1), token=f"early{number}") for number in range(4)]
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.DOUBTS, by="test")
    ledger_harness.ledger.gate(ACCOUNT).reopen(by="probe")
    on_trial(ledger_harness)
    ledger_harness.doubtful(stragglers[0])
    after_a_doubt = state_of(ledger_harness)
    ledger_harness.taken(stragglers[1].batch.campaign_id, 0, 8, token=stragglers[1].token)
    ledger_harness.ledger.batches.refused(stragglers[2], cause="HTTP 400")
    ledger_harness.ledger.batches.not_taken(stragglers[3], delay_ms=0, cause="refused", unanswered=True)

    assert (after_a_doubt, state_of(ledger_harness)) == ("half open", "half open")


def test_a_trial_that_is_found_by_a_look_up_opens_nothing(half_open: LedgerHarness) -> None:
    lease = on_trial(half_open)

    assert half_open.taken(lease.batch.campaign_id, lease.batch.number, 7) == "submitted"
    assert state_of(half_open) == "half open"
    on_trial(half_open)


def test_what_a_look_up_finds_does_not_end_a_row_of_doubts(ledger_harness: LedgerHarness) -> None:
    for _ in range(2):
        lease = ledger_harness.posting(ledger_harness.prepared(1))
        ledger_harness.doubtful(lease, doubts_allowed=2)
        ledger_harness.taken(lease.batch.campaign_id, lease.batch.number, 7)

    assert state_of(ledger_harness) == "shut: doubts"


def test_a_campaign_of_another_batch_is_no_clear_response(half_open: LedgerHarness) -> None:
    other, lease = half_open.prepared(1), on_trial(half_open)
    half_open.taken(other, 0, 7)

    assert half_open.taken(lease.batch.campaign_id, lease.batch.number, 7, token=lease.token) == "owned"
    assert state_of(half_open) == "half open"


def test_an_account_closed_to_the_trial_shuts_the_gate_for_that(half_open: LedgerHarness) -> None:
    half_open.ledger.batches.account_closed(
        on_trial(half_open), account=ACCOUNT, reason="no_funds", cause="HTTP 402", shuts_allowed=0
    )

    assert state_of(half_open) == "shut: no_funds"
    assert half_open.ledger.gate(ACCOUNT).probe_due(put_off_ms=0)


def test_an_operator_opens_it_whole_and_shuts_it_for_good_whatever_becomes_of_the_trial(
    half_open: LedgerHarness,
) -> None:
    gate, lease = half_open.ledger.gate(ACCOUNT), on_trial(half_open)
    gate.open(reason="", by="operator")
    half_open.doubtful(lease)
    opened = state_of(half_open)
    gate.shut(reason=GateReason.OPERATOR, by="operator")
    gate.reopen(by="probe")

    assert (opened, state_of(half_open)) == ("open", "shut: operator")
