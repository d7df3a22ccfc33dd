from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import pytest

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger.campaigns import WakeUp
from bsg_ledger.durability import Durability
from bsg_ledger.gate import GateReason
from bsg_ledger.streams import MESSAGES_A_CALL, AcceptedMessage, NewNames, StreamMessage, StreamRules
from bsg_ledger.work import Recheck, Send
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, QUEUE, LedgerHarness

STREAM = "codes"
RETENTION_MS = 60_000


def rules(**changes: Any) -> StreamRules:
    values: dict[str, Any] = {
        "stream": STREAM,
        "options": "{}",
        "digest": "options",
        "priority": "normal",
        "account_name": DEFAULT_ACCOUNT,
        "max_cost": "",
        "max_cost_per_day": "",
        "has_hours": False,
        "lifetime_ms": HOUR_MS,
        "max_wait_ms": 0,
        "batch_size": 10,
        "key_retention_ms": RETENTION_MS,
        "campaign_ms": HOUR_MS,
        "wake_up": WakeUp(QUEUE, b"wake up"),
    }
    return StreamRules(**{**values, **changes})


def message(**changes: Any) -> StreamMessage:
    """Return a message that differs from all others in its key and its phone."""
    values: dict[str, Any] = {
        "key": secrets.token_hex(8),
        "content": "content",
        "attempt": secrets.token_hex(4),
        "phone": str(380_000_000_000 + secrets.randbelow(10**9)),
        "reference_id": "",
        "row": b'{"phone":1',
    }
    return StreamMessage(**{**values, **changes})


def accept_all(
    harness: LedgerHarness, messages: Sequence[StreamMessage], *, in_order: bool = False, **changes: Any
) -> list[AcceptedMessage]:
    """Return the results of one call."""
    durability = Durability(harness.client, relaxed=True, timeout_ms=1000)
    new = NewNames(secrets.token_hex(11), "incarnation")
    results, _ = harness.ledger.streams.accept(rules(**changes), messages, new, durability, in_order=in_order)
    return results


def accept(harness: LedgerHarness, one: StreamMessage | None = None, **changes: Any) -> AcceptedMessage:
    (result,) = accept_all(harness, [one or message()], **changes)
    return result


def sizes(harness: LedgerHarness, campaign: str) -> list[int]:
    status = harness.ledger.reading.status(campaign)
    assert status is not None
    return [batch.size for batch in status.batches]


def test_messages_gather_in_one_batch_with_the_indexes_of_their_campaign(ledger_harness: LedgerHarness) -> None:
    accepted = [accept(ledger_harness) for _ in range(3)]
    (campaign,) = {one.campaign_id for one in accepted}
    send = ledger_harness.sending()
    assert [one.index for one in accepted] == [0, 1, 2]
    assert ledger_harness.ledger.reading.rows(send.batch) == [0, 1, 2]
    assert send.size == 3
    assert send.body.count(b'{"phone":1') == 3
    assert ledger_harness.counts(campaign) == {"posting": 3}


def test_the_first_message_of_a_batch_wakes_a_worker_unless_a_wake_up_waits(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness)
    accept(ledger_harness, batch_size=1, digest="others")
    assert ledger_harness.client.lrange(QUEUE, 0, -1) == [b"wake up"]


def test_a_message_whose_response_was_lost_is_accepted_once(ledger_harness: LedgerHarness) -> None:
    one = message()
    first = accept(ledger_harness, one)
    again = accept(ledger_harness, one)
    assert again == first
    assert first.kind == "accepted"
    assert sizes(ledger_harness, first.campaign_id) == [1]


def test_another_attempt_with_the_key_is_a_duplicate_or_a_conflict(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness, message(key="order-1742"))
    duplicate = accept(ledger_harness, message(key="order-1742"))
    conflict = accept(ledger_harness, message(key="order-1742", content="other"))
    assert (duplicate.kind, duplicate.campaign_id, duplicate.index) == ("duplicate", first.campaign_id, first.index)
    assert (conflict.kind, conflict.campaign_id, conflict.index) == ("conflict", first.campaign_id, first.index)
    assert sizes(ledger_harness, first.campaign_id) == [1]


def test_each_message_of_a_call_has_a_result_of_its_own(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.suppressions.add(["380661231231"])
    earlier = accept(ledger_harness, message(key="order-1", reference_id="one"))
    results = accept_all(
        ledger_harness,
        [
            message(key="order-1"),
            message(key="order-1", content="other"),
            message(phone="380661231231"),
            message(reference_id="one"),
            message(key="order-2"),
        ],
    )
    assert [one.kind for one in results] == ["duplicate", "conflict", "suppressed", "reference_id", "accepted"]
    assert {one.index for one in results if one.campaign_id and one.kind != "accepted"} == {earlier.index}
    assert sizes(ledger_harness, earlier.campaign_id) == [2]


def test_a_key_and_a_reference_id_are_known_within_their_call(ledger_harness: LedgerHarness) -> None:
    twice = [message(key="order-1"), message(key="order-1"), message(key="order-1", content="other")]
    results = accept_all(ledger_harness, [*twice, message(reference_id="one"), message(reference_id="one")])
    assert [(one.kind, one.index) for one in results] == [
        ("accepted", 0), ("duplicate", 0), ("conflict", 0), ("accepted", 1), ("reference_id", 1),
    ]  # fmt: skip
    assert sizes(ledger_harness, results[0].campaign_id) == [2]


def test_a_call_leaves_the_messages_that_need_more_batches_than_a_script_may_write(
    ledger_harness: LedgerHarness,
) -> None:
    messages = [message(phone="380661231231") for _ in range(30)]
    first = accept_all(ledger_harness, messages)
    left = accept_all(ledger_harness, messages[len(first) :])
    assert (len(first), len(left)) == (25, 5)
    assert [one.index for one in (*first, *left)] == list(range(30))
    assert sizes(ledger_harness, first[0].campaign_id) == [1] * 30


def test_a_call_in_order_ends_at_the_first_message_that_is_refused(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.suppressions.add(["380661231231"])
    messages = [message(key="order-1"), message(key="order-1"), message(phone="380661231231"), message()]
    results = accept_all(ledger_harness, messages, in_order=True)
    assert [one.kind for one in results] == ["accepted", "duplicate", "suppressed"]
    assert sizes(ledger_harness, results[0].campaign_id) == [1]


def test_a_call_whose_response_was_lost_is_accepted_once(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness, message(phone="1"), batch_size=3)
    messages = [message(phone=phone) for phone in ("1", "2", "3", "4", "5")]
    first = accept_all(ledger_harness, messages, batch_size=3)
    again = accept_all(ledger_harness, messages, batch_size=3)
    assert again == first
    assert {one.kind for one in first} == {"accepted"}
    assert sizes(ledger_harness, first[0].campaign_id) == [1, 3, 2]


def test_a_call_takes_its_maximum_of_messages(ledger_harness: LedgerHarness) -> None:
    messages = [message(reference_id=f"order{number}") for number in range(MESSAGES_A_CALL)]
    results = accept_all(ledger_harness, messages, batch_size=10_000)
    assert [(one.kind, one.index) for one in results] == [("accepted", index) for index in range(MESSAGES_A_CALL)]
    (campaign,) = {one.campaign_id for one in results}
    send = ledger_harness.sending()
    assert (send.size, send.body.count(b'{"phone":1')) == (MESSAGES_A_CALL, MESSAGES_A_CALL)
    assert ledger_harness.ledger.reading.rows(send.batch) == list(range(MESSAGES_A_CALL))
    assert ledger_harness.counts(campaign) == {"posting": MESSAGES_A_CALL}


def begin_other_keys(harness: LedgerHarness) -> None:
    """The time of the keys in use is over: the next message begins others."""
    harness.client.hset(f"bsg:stream:{STREAM}", "keys_until", 1)
    accept(harness)


def test_a_key_is_known_for_its_retention_and_is_forgotten_after_two(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness, message(key="order-1742"))
    begin_other_keys(ledger_harness)
    known = accept(ledger_harness, message(key="order-1742"))
    begin_other_keys(ledger_harness)
    forgotten = accept(ledger_harness, message(key="order-1742"))
    assert (known.kind, known.index) == ("duplicate", first.index)
    assert forgotten.kind == "accepted"


def test_keys_expire_by_themselves_once_their_retention_is_over(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness)
    accept(ledger_harness)
    (keys,) = ledger_harness.client.keys(f"bsg:stream:{STREAM}:keys:*")
    assert RETENTION_MS < ledger_harness.client.pttl(keys) <= 2 * RETENTION_MS


def test_keys_expire_after_the_retention_that_they_began_with_though_it_has_been_raised_or_lowered(
    ledger_harness: LedgerHarness,
) -> None:
    accept(ledger_harness, message(key="order-1742"))
    (keys,) = ledger_harness.client.keys(f"bsg:stream:{STREAM}:keys:*")
    for retention in (1, 2 * RETENTION_MS, 1):
        time.sleep(0.002)
        accept(ledger_harness, key_retention_ms=retention)
    assert ledger_harness.client.keys(f"bsg:stream:{STREAM}:keys:*") == [keys]
    assert RETENTION_MS < ledger_harness.client.pttl(keys) <= 2 * RETENTION_MS
    assert accept(ledger_harness, message(key="order-1742")).kind == "duplicate"


def test_the_same_key_in_another_stream_is_another_key(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness, message(key="order-1742"))
    assert accept(ledger_harness, message(key="order-1742"), stream="others").kind == "accepted"


def test_a_suppressed_phone_is_not_accepted(ledger_harness: LedgerHarness) -> None:
    ledger_harness.ledger.suppressions.add(["380661231231"])
    assert accept(ledger_harness, message(phone="380661231231")).kind == "suppressed"
    assert list(ledger_harness.ledger.reading.campaigns()) == []


def test_a_reference_id_names_one_message_of_the_stream(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness, message(reference_id="code1"))
    other = accept(ledger_harness, message(reference_id="code1"))
    assert (other.kind, other.campaign_id, other.index) == ("reference_id", first.campaign_id, first.index)


def test_a_phone_that_waits_already_closes_its_batch(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness, message(phone="1"))
    accept(ledger_harness, message(phone="2"))
    again = accept(ledger_harness, message(phone="1"))
    accept(ledger_harness, message(phone="2"))
    assert sizes(ledger_harness, again.campaign_id) == [2, 2]


def test_a_phone_twice_in_a_call_closes_its_batch(ledger_harness: LedgerHarness) -> None:
    (first, *_) = accept_all(ledger_harness, [message(phone=phone) for phone in ("1", "2", "1", "2", "3")])
    assert sizes(ledger_harness, first.campaign_id) == [2, 3]
    assert [ledger_harness.ledger.reading.rows(ledger_harness.sending().batch) for _ in range(2)] == [[0, 1], [2, 3, 4]]


def test_a_call_fills_batches_and_the_full_ones_leave_at_once(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness, batch_size=2, max_wait_ms=HOUR_MS)
    ledger_harness.client.delete(QUEUE)
    (first, *_) = accept_all(ledger_harness, [message() for _ in range(4)], batch_size=2, max_wait_ms=HOUR_MS)
    assert sizes(ledger_harness, first.campaign_id) == [2, 2, 1]
    assert ledger_harness.client.lrange(QUEUE, 0, -1) == [b"wake up"]
    assert [ledger_harness.sending().batch.number for _ in range(2)] == [0, 1]
    assert not isinstance(ledger_harness.next(), Send)


def test_a_full_batch_leaves_at_once_and_the_next_message_opens_another(ledger_harness: LedgerHarness) -> None:
    accepted = [accept(ledger_harness, batch_size=2, max_wait_ms=HOUR_MS) for _ in range(3)]
    send = ledger_harness.sending()
    assert sizes(ledger_harness, accepted[0].campaign_id) == [2, 1]
    assert send.batch.number == 0
    assert not isinstance(ledger_harness.next(), Send)


def test_a_batch_that_is_full_before_its_time_wakes_a_worker(ledger_harness: LedgerHarness) -> None:
    accept(ledger_harness, batch_size=2, max_wait_ms=HOUR_MS)
    ledger_harness.client.delete(QUEUE)
    accept(ledger_harness, batch_size=2, max_wait_ms=HOUR_MS)
    assert ledger_harness.client.lrange(QUEUE, 0, -1) == [b"wake up"]


def test_a_batch_takes_up_messages_for_a_short_part_of_their_lifetime(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    ledger_harness.client.hincrby(f"bsg:campaign:{first.campaign_id}:batch:0", "collects_from", -rules().collects_ms)
    accept(ledger_harness)
    assert sizes(ledger_harness, first.campaign_id) == [1, 1]


def test_a_batch_that_was_opened_before_the_clock_was_set_back_takes_up_no_more_messages(
    ledger_harness: LedgerHarness,
) -> None:
    first = accept(ledger_harness)
    ledger_harness.client.hincrby(f"bsg:campaign:{first.campaign_id}:batch:0", "collects_from", HOUR_MS)
    accept(ledger_harness)
    assert sizes(ledger_harness, first.campaign_id) == [1, 1]


def test_a_batch_that_was_on_its_way_takes_up_no_more_messages(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    send = ledger_harness.sending()
    accept(ledger_harness)
    assert ledger_harness.withdraw(send) == "pending"
    accept(ledger_harness)
    assert sizes(ledger_harness, accepted.campaign_id) == [1, 2]


def test_a_withdrawn_batch_takes_up_no_more_messages(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    ledger_harness.withdraw(ledger_harness.sending())
    accept(ledger_harness)
    assert sizes(ledger_harness, accepted.campaign_id) == [1, 1]


def test_a_batch_that_is_checked_against_the_suppression_list_takes_up_no_more_messages(
    ledger_harness: LedgerHarness,
) -> None:
    accepted = accept(ledger_harness)
    ledger_harness.ledger.suppressions.add(["380661231231"])
    recheck = ledger_harness.next()
    accept(ledger_harness)
    assert isinstance(recheck, Recheck)
    assert ledger_harness.dispatcher().suppression_checked(recheck) == "pending"
    assert sizes(ledger_harness, accepted.campaign_id) == [1, 1]


def test_messages_with_other_options_have_a_campaign_of_their_own_and_both_collect(
    ledger_harness: LedgerHarness,
) -> None:
    digests = ("old", "new", "old", "new")
    old, new, *again = [accept(ledger_harness, digest=digest) for digest in digests]
    assert old.campaign_id != new.campaign_id
    assert [(one.campaign_id, one.index) for one in again] == [(old.campaign_id, 1), (new.campaign_id, 1)]
    collecting = ledger_harness.client.zrange("bsg:collecting", 0, -1)
    assert sorted(collecting) == sorted([old.campaign_id.encode(), new.campaign_id.encode()])


def test_a_stream_forgets_which_campaign_took_up_messages_once_its_time_is_over(ledger_harness: LedgerHarness) -> None:
    old, new = accept(ledger_harness, digest="old"), accept(ledger_harness, digest="new")
    stop(ledger_harness, old.campaign_id)
    ledger_harness.ledger.streams.stop_collecting(old.campaign_id)
    assert ledger_harness.client.hget(f"bsg:stream:{STREAM}", "campaign:old") is None
    assert accept(ledger_harness, digest="new").campaign_id == new.campaign_id


def test_a_sweep_that_comes_late_ends_no_later_campaign(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    stop(ledger_harness, first.campaign_id)
    second = accept(ledger_harness)
    ledger_harness.ledger.streams.stop_collecting(first.campaign_id)
    assert accept(ledger_harness).campaign_id == second.campaign_id


def test_a_campaign_collects_no_more_once_the_ledger_went_back(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    other_stream = accept(ledger_harness, stream="others")
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.LEDGER_WENT_BACK, by="test")
    second = accept(ledger_harness)
    assert (second.campaign_id != first.campaign_id, second.index) == (True, 0)
    assert accept(ledger_harness, stream="others").campaign_id != other_stream.campaign_id
    assert sizes(ledger_harness, first.campaign_id) == [1]


def test_a_gate_that_shuts_for_another_reason_ends_no_collecting(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    ledger_harness.ledger.gate(ACCOUNT).shut(reason=GateReason.OPERATOR, by="test")
    assert accept(ledger_harness).campaign_id == first.campaign_id


def stop(harness: LedgerHarness, campaign: str) -> None:
    harness.client.hset(f"bsg:campaign:{campaign}", "collects_until", 1)


def test_a_campaign_whose_time_is_over_is_followed_by_another(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    stop(ledger_harness, first.campaign_id)
    second = accept(ledger_harness)
    assert second.campaign_id != first.campaign_id
    assert ledger_harness.client.zrange("bsg:collecting", 0, -1) == [second.campaign_id.encode()]
    ledger_harness.submitted(first.campaign_id)
    assert ledger_harness.state(first.campaign_id) == "submitted"


@pytest.mark.parametrize("change", [{"messages_a_campaign": 1}, {"campaign_ms": 0}])
def test_a_campaign_has_only_so_many_messages_and_so_much_time(
    ledger_harness: LedgerHarness, change: dict[str, Any]
) -> None:
    first, second = accept(ledger_harness, **change), accept(ledger_harness, **change)
    assert first.campaign_id != second.campaign_id


def test_a_campaign_that_is_full_within_a_call_is_followed_by_another(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness, messages_a_campaign=2)
    ends, *begins = accept_all(ledger_harness, [message() for _ in range(3)], messages_a_campaign=2)
    assert (ends.campaign_id, ends.index) == (first.campaign_id, 1)
    assert [one.index for one in begins] == [0, 1]
    assert {one.campaign_id for one in begins} != {first.campaign_id}
    assert [sizes(ledger_harness, one.campaign_id) for one in (ends, *begins)] == [[2], [2], [2]]
    assert ledger_harness.client.zrange("bsg:collecting", 0, -1) == [begins[0].campaign_id.encode()]


def test_a_call_begins_one_campaign_and_leaves_the_messages_that_need_a_second_one(
    ledger_harness: LedgerHarness,
) -> None:
    messages = [message() for _ in range(3)]
    first = accept_all(ledger_harness, messages, messages_a_campaign=2)
    left = accept_all(ledger_harness, messages[2:], messages_a_campaign=2)
    assert [one.index for one in (*first, *left)] == [0, 1, 0]
    assert first[0].campaign_id == first[1].campaign_id != left[0].campaign_id
    assert sizes(ledger_harness, first[0].campaign_id) == [2]


def test_a_campaign_whose_deadline_a_retry_has_moved_before_that_of_the_message_is_followed_by_another(
    ledger_harness: LedgerHarness,
) -> None:
    first = accept(ledger_harness)
    soon = ledger_harness.ledger.due_indexes.now_ms() + HOUR_MS // 2
    ledger_harness.ledger.campaigns.retry(first.campaign_id, deadline_ms=soon)
    assert accept(ledger_harness).campaign_id != first.campaign_id


def test_a_cancelled_campaign_is_followed_by_another(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness)
    ledger_harness.ledger.campaigns.cancel(first.campaign_id)
    assert ledger_harness.client.zscore("bsg:closed", first.campaign_id) is not None
    second = accept(ledger_harness)
    assert second.campaign_id != first.campaign_id
    assert ledger_harness.counts(first.campaign_id) == {"cancelled": 1}
    assert ledger_harness.state(first.campaign_id) == "cancelled"


def test_a_campaign_that_collects_is_open_until_its_time_is_over(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    send = ledger_harness.submitted(accepted.campaign_id)
    ledger_harness.polled(send, "done", final=True)
    early = ledger_harness.ledger.streams.stop_collecting(accepted.campaign_id)
    collecting = ledger_harness.state(accepted.campaign_id)
    closed_early = ledger_harness.client.zscore("bsg:closed", accepted.campaign_id)
    stop(ledger_harness, accepted.campaign_id)
    over = ledger_harness.ledger.streams.stop_collecting(accepted.campaign_id)
    assert (early, collecting, closed_early) == (False, "collecting", None)
    assert (over, ledger_harness.state(accepted.campaign_id)) == (True, "done")
    assert ledger_harness.client.zscore("bsg:closed", accepted.campaign_id) is not None
    assert ledger_harness.causes(accepted.campaign_id)[-1] == "ended"


def pass_deadline_of_batch(harness: LedgerHarness, campaign: str, number: int = 0) -> None:
    harness.client.hset(f"bsg:campaign:{campaign}:batch:{number}", "deadline", 1)
    harness.client.zadd(f"bsg:campaign:{campaign}:deadlines", {str(number): 1})


def test_batches_of_a_paused_campaign_expire_in_time_and_the_others_wait(ledger_harness: LedgerHarness) -> None:
    first = accept(ledger_harness, batch_size=1)
    later = accept(ledger_harness, lifetime_ms=HOUR_MS, batch_size=1)
    ledger_harness.ledger.campaigns.pause(first.campaign_id)
    now = ledger_harness.ledger.due_indexes.now_ms()
    swept_at = ledger_harness.client.zscore("bsg:deadlines", first.campaign_id)
    pass_deadline_of_batch(ledger_harness, first.campaign_id)
    assert not ledger_harness.ledger.campaigns.expire(first.campaign_id)
    assert later.campaign_id == first.campaign_id
    assert ledger_harness.counts(first.campaign_id) == {"expired": 1, "pending": 1}
    assert swept_at is not None
    assert swept_at <= now + HOUR_MS
    assert ledger_harness.client.zscore("bsg:deadlines", first.campaign_id) == ledger_harness.client.zscore(
        f"bsg:campaign:{first.campaign_id}:deadlines", "1"
    )


def test_a_batch_on_its_way_or_with_its_deadline_lifted_is_left_by_the_sweep(ledger_harness: LedgerHarness) -> None:
    posting, lifted = (accept(ledger_harness, batch_size=1) for _ in range(2))
    send = ledger_harness.sending()
    for number in range(2):
        pass_deadline_of_batch(ledger_harness, posting.campaign_id, number)
    ledger_harness.client.hdel(f"bsg:campaign:{lifted.campaign_id}:batch:1", "deadline")
    ledger_harness.ledger.campaigns.expire(posting.campaign_id)
    assert ledger_harness.counts(posting.campaign_id) == {"posting": 1, "pending": 1}
    assert ledger_harness.withdraw(send) == "expired"


def test_a_batch_whose_messages_are_past_their_deadline_expires_instead_of_leaving(
    ledger_harness: LedgerHarness,
) -> None:
    accepted = accept(ledger_harness)
    pass_deadline_of_batch(ledger_harness, accepted.campaign_id)
    assert not isinstance(ledger_harness.next(), Send)
    assert ledger_harness.counts(accepted.campaign_id) == {"expired": 1}


def test_a_batch_that_comes_back_after_the_deadline_of_its_messages_expires(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    send = ledger_harness.sending()
    pass_deadline_of_batch(ledger_harness, accepted.campaign_id)
    assert ledger_harness.withdraw(send) == "expired"


def test_a_batch_that_has_expired_takes_up_no_more_messages(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    pass_deadline_of_batch(ledger_harness, accepted.campaign_id)
    ledger_harness.next()
    accept(ledger_harness)
    assert ledger_harness.counts(accepted.campaign_id) == {"expired": 1, "pending": 1}


def test_a_retry_lifts_the_deadline_of_the_messages(ledger_harness: LedgerHarness) -> None:
    accepted = accept(ledger_harness)
    pass_deadline_of_batch(ledger_harness, accepted.campaign_id)
    ledger_harness.next()
    ledger_harness.ledger.campaigns.retry(accepted.campaign_id, deadline_ms=None)
    assert ledger_harness.sending().batch.campaign_id == accepted.campaign_id


def test_a_message_is_found_by_campaign_and_index(ledger_harness: LedgerHarness) -> None:
    accepted = [accept(ledger_harness, batch_size=2) for _ in range(7)]
    campaign = accepted[0].campaign_id
    streams = ledger_harness.ledger.streams
    found = [streams.batch_of(campaign, index) for index in range(8)]
    assert [batch and batch.number for batch in found] == [0, 0, 1, 1, 2, 2, 3, None]
    assert streams.batch_of(ledger_harness.accepted(1), 0) is None
