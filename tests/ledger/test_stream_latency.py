"""The latency of a stream, from what its batches have in the ledger."""

from __future__ import annotations

from bsg_ledger.stream_latency import BATCHES_MEASURED, Latency, read_latencies
from tests.ledger.campaigns import ACCOUNT, LedgerHarness
from tests.ledger.test_streams import STREAM, accept


def took(harness: LedgerHarness, campaign: str, batch: int, *, size: int, milliseconds: int) -> None:
    """Let BSG have taken that batch so long after its first message."""
    values = {"size": size, "collects_from": 1_000_000, "submitted_at": 1_000_000 + milliseconds}
    harness.client.hset(f"bsg:campaign:{campaign}:batch:{batch}", mapping=values)


def latency(harness: LedgerHarness) -> Latency | None:
    return read_latencies(harness.client, [STREAM, "other"]).get(STREAM)


def test_each_message_counts_with_the_time_of_its_batch(ledger_harness: LedgerHarness) -> None:
    campaign = [accept(ledger_harness, batch_size=1) for _ in range(3)][0].campaign_id
    took(ledger_harness, campaign, 0, size=60, milliseconds=250)
    took(ledger_harness, campaign, 1, size=39, milliseconds=500)
    took(ledger_harness, campaign, 2, size=1, milliseconds=9_000)

    assert latency(ledger_harness) == Latency(messages=100, median=0.25, percentile_99=0.5)


def test_a_stream_of_which_bsg_has_taken_nothing_has_no_latency(ledger_harness: LedgerHarness) -> None:
    assert latency(ledger_harness) is None
    accept(ledger_harness)
    assert latency(ledger_harness) is None


def test_a_batch_that_bsg_takes_is_measured(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    ledger_harness.sending(account=ACCOUNT)
    ledger_harness.taken(accepted.campaign_id, 0, 7)

    measured = latency(ledger_harness)

    assert measured is not None
    assert measured.messages == 1
    assert 0 <= measured.median < 60


def test_the_latest_batches_alone_are_measured(ledger_harness: LedgerHarness) -> None:
    count = BATCHES_MEASURED + 1
    campaign = [accept(ledger_harness, batch_size=1) for _ in range(count)][0].campaign_id
    took(ledger_harness, campaign, 0, size=1_000_000, milliseconds=60_000)
    for batch in range(1, count):
        took(ledger_harness, campaign, batch, size=1, milliseconds=batch)

    measured = latency(ledger_harness)

    assert measured is not None
    assert (measured.messages, measured.percentile_99) == (BATCHES_MEASURED, 0.099)
