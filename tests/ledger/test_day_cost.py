"""The campaigns of a stream do not cost more together in one day than max_cost_per_day allows."""

from __future__ import annotations

from typing import Any

import pytest

from bsg_config.settings import Settings
from bsg_ledger.campaigns import Capped
from bsg_ledger.waiting import WaitReason
from bsg_ledger.waiting_reader import WaitingReader
from bsg_ledger.work import Send
from tests.ledger.campaigns import ACCOUNT, LedgerHarness
from tests.ledger.test_streams import STREAM, accept

RECORD = f"bsg:stream:{STREAM}"
GATE = f"bsg:account:{ACCOUNT}:gate"
DAY_MS = 86_400_000


@pytest.fixture
def priced(ledger_harness: LedgerHarness) -> LedgerHarness:
    """A message costs 1. The stream is one day ahead, so that no midnight comes during a test."""
    ledger_harness.client.hset(GATE, "message_price", "1")
    ledger_harness.client.hset(RECORD, mapping={"day": today(ledger_harness)})
    return ledger_harness


def today(harness: LedgerHarness) -> int:
    return harness.ledger.due_indexes.now_ms() // DAY_MS + 1


def message(harness: LedgerHarness, *, most: str = "2", **options: Any) -> str:
    """Accept a message, which is a batch of its own. Return its campaign."""
    return accept(harness, batch_size=1, max_cost_per_day=most, **options).campaign_id


def cost(harness: LedgerHarness) -> float:
    return float(harness.client.hget(RECORD, "day_cost") or 0)


def leaves(harness: LedgerHarness, token: str = "token") -> bool:
    return isinstance(harness.next(token=token), Send)


def taken(harness: LedgerHarness, send: Send, price: str, bsg_id: int = 1) -> None:
    harness.ledger.batches.taken(
        send.batch, account=ACCOUNT, bsg_campaign_id=bsg_id, bsg_status="", next_poll_ms=0, cause="taken",
        price=price, currency="UAH", token=send.token,
    )  # fmt: skip


def reread(harness: LedgerHarness, campaign: str) -> None:
    """The hold of the campaign is over."""
    harness.client.hset(f"bsg:campaign:{campaign}", "held_until", 1)
    harness.look_at(campaign)


def waiting_for(harness: LedgerHarness, campaign: str) -> WaitReason:
    settings = Settings.build()
    return WaitingReader(harness.client, settings).foremost_of([campaign])[campaign].reason


def expire(harness: LedgerHarness, campaign: str, batch: int = 0) -> None:
    """The deadline of the batch passes, and the sweep sees it."""
    harness.client.hset(f"bsg:campaign:{campaign}:batch:{batch}", "deadline", 1)
    harness.client.zadd(f"bsg:campaign:{campaign}:deadlines", {str(batch): 1})
    harness.ledger.campaigns.expire(campaign)


def begin_day(harness: LedgerHarness) -> None:
    """What the stream and its batches have counted so far was yesterday."""
    yesterday = today(harness) - 2
    for key in (RECORD, *harness.client.keys("bsg:campaign:*:batch:0")):
        harness.client.hset(key, "day", yesterday)


def test_what_would_pass_the_cap_of_the_day_is_held_until_midnight_and_not_paused(priced: LedgerHarness) -> None:
    campaign = [message(priced) for _ in range(3)][0]
    assert [leaves(priced, token) for token in ("one", "two", "three")] == [True, True, False]
    record = priced.client.hgetall(f"bsg:campaign:{campaign}")
    assert (record[b"paused"], record[b"held_for"]) == (b"0", b"max_cost_per_day")
    assert int(record[b"held_until"]) == (today(priced) + 1) * DAY_MS
    assert priced.counts(campaign) == {"posting": 2, "pending": 1}
    assert cost(priced) == 2


def test_all_campaigns_of_a_stream_count_together(priced: LedgerHarness) -> None:
    for options in ("one", "two", "three"):
        message(priced, digest=options)
    assert [leaves(priced, token) for token in ("one", "two", "three")] == [True, True, False]


def test_a_campaign_without_the_cap_is_not_held_by_it(priced: LedgerHarness) -> None:
    message(priced, most="1")
    assert leaves(priced, "one")
    message(priced, most="", digest="others")
    assert leaves(priced, "two")
    assert cost(priced) == 1


def test_a_new_day_begins_with_nothing_spent(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="1") for _ in range(2)][0]
    assert [leaves(priced, token) for token in ("one", "two")] == [True, False]
    begin_day(priced)
    reread(priced, campaign)
    assert leaves(priced, "two")
    assert cost(priced) == 1


def test_a_clock_that_is_set_back_does_not_begin_the_day_anew(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="1") for _ in range(2)][0]
    priced.client.hset(RECORD, "day", today(priced) + 1)
    assert leaves(priced, "one")
    reread(priced, campaign)
    assert not leaves(priced, "two")
    assert int(priced.client.hget(f"bsg:campaign:{campaign}", "held_until")) == (today(priced) + 2) * DAY_MS


def test_an_attempt_that_bsg_did_not_take_keeps_what_is_reserved_and_the_next_reserves_nothing(
    priced: LedgerHarness,
) -> None:
    campaign = message(priced, most="1")
    send = priced.sending()
    priced.ledger.batches.not_taken(send, delay_ms=0, cause="HTTP 500")
    message(priced, most="1")
    assert priced.sending().batch == send.batch
    assert cost(priced) == 1
    assert not leaves(priced, "two")
    assert priced.counts(campaign) == {"posting": 1, "pending": 1}


def test_an_attempt_of_another_day_counts_on_that_day_too(priced: LedgerHarness) -> None:
    campaign = message(priced, most="1")
    send = priced.sending()
    priced.ledger.batches.not_taken(send, delay_ms=0, cause="HTTP 500")
    begin_day(priced)
    assert priced.sending().batch == send.batch
    assert cost(priced) == 1
    message(priced, most="1")
    assert not leaves(priced, "two")
    assert priced.counts(campaign) == {"posting": 1, "pending": 1}


def test_a_batch_that_bsg_refuses_gives_back_what_it_has_reserved(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="1") for _ in range(2)][0]
    send = priced.sending()
    assert not leaves(priced, "two")
    priced.ledger.batches.refused(send, cause="HTTP 400")
    assert cost(priced) == 0
    assert leaves(priced, "two")
    assert priced.counts(campaign) == {"refused": 1, "posting": 1}


def test_a_batch_in_doubt_gives_nothing_back_although_it_is_cancelled(priced: LedgerHarness) -> None:
    campaign = message(priced, most="1")
    send = priced.sending()
    assert priced.doubtful(send) == "unconfirmed"
    priced.ledger.campaigns.cancel(campaign)
    assert priced.absent(send, window_ms=60_000) == "cancelled"
    assert cost(priced) == 1


def test_a_batch_that_ends_on_a_later_day_gives_that_day_nothing(priced: LedgerHarness) -> None:
    campaign = message(priced)
    send = priced.sending()
    priced.ledger.batches.not_taken(send, delay_ms=60_000, cause="HTTP 500")
    begin_day(priced)
    message(priced, digest="others")
    assert leaves(priced, "two")
    priced.ledger.campaigns.cancel(campaign)
    assert cost(priced) == 1


def test_a_price_replaces_the_estimate(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="3") for _ in range(2)][0]
    send = priced.sending()
    taken(priced, send, "2.5")
    assert cost(priced) == 2.5
    assert not leaves(priced, "two")
    priced.ledger.batches.polled(
        send.batch, status="sending", final=False, statistics="{}", price="0.5", currency="UAH",
        total_messages=None, next_poll_ms=1000,
    )  # fmt: skip
    assert cost(priced) == 0.5
    assert leaves(priced, "two")
    assert priced.counts(campaign) == {"submitted": 1, "posting": 1}


def test_a_cancelled_batch_that_bsg_has_after_all_counts(priced: LedgerHarness) -> None:
    campaign = message(priced)
    send = priced.sending()
    priced.ledger.batches.not_taken(send, delay_ms=60_000, cause="HTTP 500")
    priced.ledger.campaigns.cancel(campaign)
    assert cost(priced) == 0
    taken(priced, send, "1.5")
    assert cost(priced) == 1.5


def test_while_no_price_is_known_the_first_batch_of_the_stream_shows_one(priced: LedgerHarness) -> None:
    priced.client.hdel(GATE, "message_price")
    campaigns = {message(priced), message(priced, digest="others")}
    send = priced.sending()
    assert not leaves(priced, "two")
    (other,) = campaigns - {send.batch.campaign_id}
    assert waiting_for(priced, other) is WaitReason.PRICE
    taken(priced, send, "1")
    reread(priced, other)
    assert leaves(priced, "two")
    assert cost(priced) == 2


def test_a_first_batch_that_ends_without_a_price_lets_another_show_one(priced: LedgerHarness) -> None:
    priced.client.hdel(GATE, "message_price")
    first = message(priced)
    send = priced.sending()
    message(priced)
    priced.ledger.batches.refused(send, cause="HTTP 400")
    reread(priced, first)
    assert leaves(priced, "two")


def test_a_first_batch_without_a_price_does_not_leave_once_the_cap_is_spent(priced: LedgerHarness) -> None:
    message(priced, most="1")
    priced.client.hset(RECORD, "day_cost", "1")
    priced.client.hdel(GATE, "message_price")
    assert not leaves(priced)


def test_a_first_batch_that_was_not_taken_does_not_wait_for_its_own_price(priced: LedgerHarness) -> None:
    priced.client.hdel(GATE, "message_price")
    message(priced)
    send = priced.sending()
    priced.ledger.batches.not_taken(send, delay_ms=0, cause="HTTP 500")
    assert priced.sending().batch == send.batch


def test_a_price_of_the_stream_comes_before_that_of_the_account(priced: LedgerHarness) -> None:
    message(priced, most="10", digest="one")
    taken(priced, priced.sending(), "2")
    priced.client.hset(GATE, "message_price", "100")
    message(priced, most="10", digest="two")
    assert leaves(priced, "two")
    assert cost(priced) == 4


def test_a_price_of_the_campaign_comes_before_that_of_its_stream(priced: LedgerHarness) -> None:
    message(priced, most="10")
    taken(priced, priced.sending(), "2")
    priced.client.hset(RECORD, "message_price", "100")
    message(priced, most="10")
    assert leaves(priced, "two")
    assert cost(priced) == 4


def test_what_expires_while_the_cap_holds_it_says_so(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="1") for _ in range(2)][0]
    assert [leaves(priced, token) for token in ("one", "two")] == [True, False]
    assert waiting_for(priced, campaign) is WaitReason.MAX_COST_PER_DAY
    priced.client.hset(f"bsg:campaign:{campaign}:batch:1", "deadline", 1)
    reread(priced, campaign)
    assert not leaves(priced, "two")
    assert priced.counts(campaign) == {"posting": 1, "expired": 1}
    assert priced.causes(campaign)[-1] == "deadline passed, held by max_cost_per_day"


def test_what_expires_after_midnight_was_not_held_by_the_cap(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="1") for _ in range(2)][0]
    assert [leaves(priced, token) for token in ("one", "two")] == [True, False]
    priced.client.hset(f"bsg:campaign:{campaign}:batch:1", "deadline", 2)
    reread(priced, campaign)
    assert not leaves(priced, "two")
    assert priced.causes(campaign)[-1] == "deadline passed"


def test_what_expires_while_it_is_held_for_another_reason_does_not_name_the_cap(priced: LedgerHarness) -> None:
    campaign = message(priced)
    held = {"held_for": "price", "held_until": priced.ledger.due_indexes.now_ms() + 60_000}
    priced.client.hset(f"bsg:campaign:{campaign}", mapping=held)
    expire(priced, campaign)
    assert priced.causes(campaign)[-1] == "deadline passed"


def test_the_sweep_says_so_for_a_batch_and_for_the_campaign(priced: LedgerHarness) -> None:
    campaign = [message(priced, most="1") for _ in range(3)][0]
    assert [leaves(priced, token) for token in ("one", "two")] == [True, False]
    expire(priced, campaign, batch=1)
    priced.pass_deadline(campaign)
    priced.ledger.campaigns.expire(campaign)
    assert priced.causes(campaign)[-2:] == ["deadline passed, held by max_cost_per_day"] * 2


def held(harness: LedgerHarness) -> str:
    """Return a campaign of three batches. The first has left, and the cost of the day holds the others."""
    campaign = [message(harness, most="1") for _ in range(3)][0]
    assert [leaves(harness, token) for token in ("one", "two")] == [True, False]
    return campaign


def test_a_higher_cap_lets_a_held_campaign_go_on_up_to_that_amount(priced: LedgerHarness) -> None:
    campaign = held(priced)

    assert priced.ledger.campaigns.resume(campaign, max_cost_per_day="2") is True

    assert [leaves(priced, token) for token in ("two", "three")] == [True, False]
    assert cost(priced) == 2
    assert waiting_for(priced, campaign) is WaitReason.MAX_COST_PER_DAY


def test_without_a_cap_a_held_campaign_goes_on(priced: LedgerHarness) -> None:
    campaign = held(priced)

    assert priced.ledger.campaigns.resume(campaign, max_cost_per_day="none") is True

    assert [leaves(priced, token) for token in ("two", "three")] == [True, True]
    assert priced.counts(campaign) == {"posting": 3}


def test_a_cap_that_would_hold_it_again_at_once_is_refused_with_what_suffices(priced: LedgerHarness) -> None:
    campaign = held(priced)
    before = priced.client.hgetall(f"bsg:campaign:{campaign}")

    capped = priced.ledger.campaigns.resume(campaign, max_cost="5", max_cost_per_day="1.5")

    assert capped == Capped("max_cost_per_day", "the next batch would pass max_cost_per_day 1.5", "2.000000")
    assert priced.client.hgetall(f"bsg:campaign:{campaign}") == before
    assert not leaves(priced, "two")


def test_a_cap_is_refused_without_an_amount_while_no_price_is_known(priced: LedgerHarness) -> None:
    priced.client.hdel(GATE, "message_price")
    campaign = message(priced, most="1")
    priced.client.hset(RECORD, "day_cost", "1")
    assert not leaves(priced)

    capped = priced.ledger.campaigns.resume(campaign, max_cost_per_day="1")

    assert capped == Capped("max_cost_per_day", "the next batch would pass max_cost_per_day 1", "")


def test_a_resume_without_a_cap_ends_no_hold(priced: LedgerHarness) -> None:
    campaign = held(priced)

    assert priced.ledger.campaigns.resume(campaign) is True

    assert not leaves(priced, "two")
    assert waiting_for(priced, campaign) is WaitReason.MAX_COST_PER_DAY


def test_a_resume_reserves_nothing(priced: LedgerHarness) -> None:
    campaign = held(priced)
    record = priced.client.hgetall(RECORD)

    for most in ("1", "3", "none"):
        priced.ledger.campaigns.resume(campaign, max_cost_per_day=most)

    assert priced.client.hgetall(RECORD) == record
