"""In which order an account's campaigns are served."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from bsg_ledger.work import Prepare, Send, Wait
from tests.ledger.campaigns import ACCOUNT, LedgerHarness

BATCHES = 60
A_SLOT_A_MINUTE_US = 60_000_000


def large(ledger_harness: LedgerHarness, *, batches: int = BATCHES, priority: str = "normal") -> str:
    return ledger_harness.accepted(*[1] * batches, priority=priority)


def small(ledger_harness: LedgerHarness, *, priority: str = "normal") -> str:
    return ledger_harness.accepted(1, priority=priority)


def served(
    ledger_harness: LedgerHarness, requests: int, *, meanwhile: Callable[[], object] = lambda: None
) -> list[str]:
    """Return the campaigns of that many requests, in order. What is to be prepared is prepared on the way."""
    order: list[str] = []
    while len(order) < requests:
        match ledger_harness.next(token=f"token-{len(order)}"):
            case Prepare() as chunk:
                ledger_harness.ledger.chunks.prepared(chunk, [(1, f"{chunk.first_index}+1", b"body")], [])
            case Send() as send:
                order.append(send.batch.campaign_id)
                ledger_harness.taken(send.batch.campaign_id, send.batch.number, len(order), token=send.token)
                meanwhile()
            case other:
                pytest.fail(f"{other} after {len(order)} requests")
    return order


def longest_gap(order: list[str], campaign: str) -> int:
    """Return the most requests of others in a row, while the campaign had something to send."""
    position = [-1, *(position for position, name in enumerate(order) if name == campaign)]
    return max(later - earlier - 1 for earlier, later in zip(position, position[1:], strict=False))


def prepare_ahead(ledger_harness: LedgerHarness) -> list[str]:
    """Prepare while nothing may be sent; returns the campaigns of the chunks, in order."""
    prepared = []
    while isinstance(chunk := ledger_harness.next(interval_us=A_SLOT_A_MINUTE_US), Prepare):
        ledger_harness.ledger.chunks.prepared(chunk, [(1, f"{chunk.first_index}+1", b"body")], [])
        prepared.append(chunk.campaign_id)
    assert isinstance(chunk, Wait)
    return prepared


def take_the_slot(ledger_harness: LedgerHarness) -> None:
    ledger_harness.client.set(
        f"bsg:account:{ACCOUNT}:limit:submit", (ledger_harness.ledger.due_indexes.now_ms() + 59_000) * 1000
    )


def test_campaigns_of_one_priority_are_within_one_request_of_their_share_at_any_time(
    ledger_harness: LedgerHarness,
) -> None:
    campaigns = [large(ledger_harness, batches=25) for _ in range(10)]

    order = served(ledger_harness, 200)

    for requests in range(20, 201):
        counts = Counter(order[:requests])
        assert all(abs(counts[campaign] - requests / 10) <= 1 for campaign in campaigns), (requests, counts)


def test_a_small_campaign_has_the_next_slot_behind_a_large_one(ledger_harness: LedgerHarness) -> None:
    one_that_goes_on = large(ledger_harness)
    served(ledger_harness, 10)
    take_the_slot(ledger_harness)
    prepare_ahead(ledger_harness)
    newcomer = small(ledger_harness)

    assert prepare_ahead(ledger_harness) == [newcomer]
    ledger_harness.client.delete(f"bsg:account:{ACCOUNT}:limit:submit")
    assert served(ledger_harness, 2) == [newcomer, one_that_goes_on]


def test_a_small_campaign_among_many_large_ones_has_the_next_slot(ledger_harness: LedgerHarness) -> None:
    for _ in range(20):
        large(ledger_harness, batches=5)
    served(ledger_harness, 50)
    take_the_slot(ledger_harness)
    prepare_ahead(ledger_harness)
    newcomer = small(ledger_harness)

    assert prepare_ahead(ledger_harness) == [newcomer]
    ledger_harness.client.delete(f"bsg:account:{ACCOUNT}:limit:submit")
    assert served(ledger_harness, 1) == [newcomer]


def test_low_priority_beside_high_is_slow_and_never_starved(ledger_harness: LedgerHarness) -> None:
    low, high = large(ledger_harness, batches=20, priority="low"), large(ledger_harness, batches=170, priority="high")

    order = served(ledger_harness, 170)

    assert Counter(order)[low] == pytest.approx(10, abs=1)
    assert longest_gap(order, low) <= 16
    assert longest_gap(order, high) <= 1


def test_a_flood_of_small_campaigns_that_come_together_stops_no_large_one(ledger_harness: LedgerHarness) -> None:
    one_that_goes_on = large(ledger_harness)
    served(ledger_harness, 5)
    flood = [small(ledger_harness) for _ in range(60)]

    order = served(ledger_harness, 80)

    assert longest_gap(order, one_that_goes_on) <= 4
    assert order[0] in flood
    assert set(flood) < set(order)


def test_a_flood_of_small_campaigns_that_never_ends_stops_no_large_one(ledger_harness: LedgerHarness) -> None:
    one_that_goes_on = large(ledger_harness)
    served(ledger_harness, 5)
    small(ledger_harness)

    order = served(ledger_harness, 60, meanwhile=lambda: small(ledger_harness))

    assert longest_gap(order, one_that_goes_on) <= 4


def test_a_flood_of_low_priority_leaves_the_next_slot_to_a_campaign_of_high_priority(
    ledger_harness: LedgerHarness,
) -> None:
    for _ in range(40):
        small(ledger_harness, priority="low")
    served(ledger_harness, 2)
    urgent = small(ledger_harness, priority="high")

    assert served(ledger_harness, 1) == [urgent]


def test_a_campaign_that_was_paused_for_long_makes_up_for_nothing(ledger_harness: LedgerHarness) -> None:
    first, second = large(ledger_harness), large(ledger_harness)
    served(ledger_harness, 4)
    ledger_harness.ledger.campaigns.pause(second)
    served(ledger_harness, 20)
    ledger_harness.ledger.campaigns.resume(second)

    order = served(ledger_harness, 8)

    assert order[0] == second
    assert Counter(order)[second] == pytest.approx(4, abs=1)
    assert longest_gap(order, first) <= 2
