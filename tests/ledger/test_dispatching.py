"""What the dispatcher lets a worker do next."""

from __future__ import annotations

from bsg_ledger.work import Nothing, Prepare, Send
from tests.ledger.campaigns import ACCOUNT, LedgerHarness


def test_nothing_is_dispatched_for_an_account_without_campaigns(ledger_harness: LedgerHarness) -> None:
    assert ledger_harness.next() == Nothing()


def test_an_accepted_campaign_is_assigned_and_its_chunk_is_to_be_prepared(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.accepted(3)

    work = ledger_harness.next(token="mine")

    assert isinstance(work, Prepare)
    assert (work.campaign_id, work.chunk, work.size, work.packed) == (campaign, 0, 3, b"packed")
    status = ledger_harness.ledger.reading.status(campaign)
    assert status is not None
    assert status.account == ACCOUNT


def test_a_batch_that_is_dispatched_is_posting_with_its_slot_taken(ledger_harness: LedgerHarness) -> None:
    campaign = ledger_harness.prepared(2)

    work = ledger_harness.next(token="mine", interval_us=60_000_000)

    assert isinstance(work, Send)
    assert (work.batch, work.size, work.attempts, work.body) == (f"{campaign}-0", 2, 0, b"body")
    assert ledger_harness.counts(campaign) == {"posting": 2}
    assert ledger_harness.next() == Nothing()
    assert int(ledger_harness.client.get(f"bsg:account:{ACCOUNT}:limit:submit")) > work.now_ms * 1000 + 59_000_000
