from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bsg_config.settings import Settings
from bsg_ledger.due_indexes import DueIndex
from bsg_messages.reference_ids import campaign_and_index
from bsg_messages.rejects import RejectCode
from bsg_producer import (
    CampaignInvalid,
    IdempotencyConflict,
    MessageInvalid,
    MessageNotFound,
    MessageReceipt,
    Producer,
    Stream,
)
from bsg_worker.poll.poll import poll
from tests.worker.harness import WorkerHarness

PHONE = 380_661_231_200
ORDER: dict[str, Any] = {"phone": "+380 66 123-12-31", "name": "Olena", "order": 1742}


def orders(harness: WorkerHarness, **options: Any) -> Stream:
    text = "Hi {{ name }}, order {{ order }} is on its way"
    return harness.producer.stream("order-updates", **{"sender": "MyShop", "text": text, **options})


def send_codes(stream: Stream, *numbers: int) -> list[MessageReceipt]:
    return [stream.send({"phone": PHONE + number, "code": number}) for number in numbers]


def codes(harness: WorkerHarness, **options: Any) -> Stream:
    return harness.producer.stream("codes", **{"sender": "MyShop", "text": "Your code is {{ code }}", **options})


def arrived(harness: WorkerHarness) -> dict[str, list[int]]:
    return harness.sandbox.record().by_reference


def campaigns_of(harness: WorkerHarness, receipts: Sequence[MessageReceipt]) -> list[str]:
    return [harness.producer.message(receipt.message_id).campaign_id for receipt in receipts]


def test_a_message_of_a_stream_is_rendered_and_sent_once(harness: WorkerHarness) -> None:
    receipt = orders(harness).send(ORDER, idempotency_key="order-1742-sent")
    harness.dispatch()
    harness.dispatch()
    ((reference_id, bsg_campaigns),) = arrived(harness).items()
    assert reference_id == receipt.message_id
    assert len(bsg_campaigns) == 1
    status = harness.producer.message(receipt.message_id)
    assert (status.state, status.bsg_campaign_id) == ("submitted", bsg_campaigns[0])
    (row,) = harness.runtime.messages_of(status.batch)
    assert row["text"] == "Hi Olena, order 1742 is on its way"
    assert row["phone"] == 380_661_231_231
    assert row["sender"] == "MyShop"


def test_what_comes_together_leaves_in_one_request(harness: WorkerHarness) -> None:
    receipts = send_codes(codes(harness), 1, 2, 3)
    harness.dispatch()
    assert list(arrived(harness)) == [receipt.message_id for receipt in receipts]
    assert len(harness.sandbox.record().campaigns) == 1


def test_what_comes_after_a_request_leaves_in_the_next_one(harness: WorkerHarness) -> None:
    stream = codes(harness)
    first = send_codes(stream, 1)
    harness.dispatch()
    second = send_codes(stream, 2)
    harness.dispatch()
    assert list(arrived(harness)) == [receipt.message_id for receipt in (*first, *second)]
    assert len(harness.sandbox.record().campaigns) == 2
    assert len(set(campaigns_of(harness, [*first, *second]))) == 1


def test_no_request_has_a_phone_twice(harness: WorkerHarness) -> None:
    stream = codes(harness)
    receipts = [stream.send({"phone": PHONE, "code": code}) for code in (1, 2)]
    harness.dispatch()
    assert arrived(harness).keys() == {receipt.message_id for receipt in receipts}
    assert [campaign["size"] for campaign in harness.sandbox.record().campaigns] == [1, 1]


def test_a_full_batch_takes_up_no_more_messages(harness: WorkerHarness) -> None:
    settings = Settings.from_environment({**harness.environment, "CAMPAIGN_BATCH_SIZE": "2"})
    send_codes(Producer(settings).stream("codes", sender="MyShop", text="Your code is {{ code }}"), 1, 2, 3)
    harness.dispatch()
    assert sorted(campaign["size"] for campaign in harness.sandbox.record().campaigns) == [1, 2]


def test_a_message_waits_for_others_as_long_as_the_stream_says(harness: WorkerHarness) -> None:
    send_codes(codes(harness, max_wait=60), 1, 2)
    harness.dispatch()
    assert arrived(harness) == {}


def test_a_message_that_takes_the_place_of_a_lost_one_has_another_reference_id(harness: WorkerHarness) -> None:
    stream, client = codes(harness), harness.runtime.redis
    send_codes(stream, 1)
    copy: dict[bytes, Any] = {key: client.dump(key) for key in client.scan_iter()}
    (lost,) = send_codes(stream, 2)
    client.flushall()
    for key, value in copy.items():
        client.restore(key, 0, value)
    (instead,) = send_codes(stream, 3)
    harness.dispatch()
    assert campaign_and_index(instead.message_id) == campaign_and_index(lost.message_id)
    assert instead.message_id != lost.message_id
    assert list(arrived(harness))[1:] == [instead.message_id]


def test_a_key_of_a_stream_with_the_same_content_is_accepted_once(harness: WorkerHarness) -> None:
    first = orders(harness).send(ORDER, idempotency_key="order-1742-sent")
    harness.dispatch()
    again = orders(harness).send(dict(ORDER), idempotency_key="order-1742-sent")
    harness.dispatch()
    assert again == MessageReceipt(first.message_id, duplicate=True)
    assert len(arrived(harness)) == 1


def test_a_key_of_a_stream_with_other_content_is_a_conflict(harness: WorkerHarness) -> None:
    first = orders(harness).send(ORDER, idempotency_key="order-1742-sent")
    with pytest.raises(IdempotencyConflict) as conflict:
        orders(harness).send({**ORDER, "order": 1743}, idempotency_key="order-1742-sent")
    assert conflict.value.message_id == first.message_id
    harness.dispatch()
    assert len(arrived(harness)) == 1


@pytest.mark.parametrize(
    ("message", "field", "code"),
    [
        ({**ORDER, "phone": "12"}, "phone", RejectCode.INVALID_PHONE),
        ({"phone": ORDER["phone"], "order": 1742}, "name", RejectCode.MISSING_FIELD),
        ({**ORDER, "order": object()}, "order", RejectCode.NOT_JSON),
        ([], "", RejectCode.NOT_A_MAPPING),
    ],
)
def test_a_bad_message_is_refused_in_the_caller(
    harness: WorkerHarness, message: Any, field: str, code: RejectCode
) -> None:
    with pytest.raises(MessageInvalid) as refused:
        orders(harness).send(message, idempotency_key="order-1742-sent")
    assert (refused.value.field, refused.value.code) == (field, code)
    assert not list(harness.producer.campaigns())
    assert not orders(harness).send(ORDER, idempotency_key="order-1742-sent").duplicate


def test_a_suppressed_phone_is_refused_in_the_caller(harness: WorkerHarness) -> None:
    harness.producer.suppress([ORDER["phone"]])
    with pytest.raises(MessageInvalid) as refused:
        orders(harness).send(ORDER)
    assert refused.value.code == RejectCode.SUPPRESSED
    assert not list(harness.producer.campaigns())


def test_a_phone_that_is_suppressed_later_becomes_a_reject_before_it_leaves(harness: WorkerHarness) -> None:
    suppressed, sent = send_codes(codes(harness), 1, 2)
    harness.producer.suppress([PHONE + 1])
    harness.dispatch()
    assert list(arrived(harness)) == [sent.message_id]
    status = harness.producer.message(suppressed.message_id)
    assert status.state == "rejected"
    assert status.reject is not None
    assert status.reject.code == RejectCode.SUPPRESSED


def test_a_reference_id_of_the_caller_is_used_once_in_a_stream(harness: WorkerHarness) -> None:
    stream = codes(harness)
    stream.send({"phone": PHONE, "code": 1, "reference_id": "code1"})
    with pytest.raises(MessageInvalid) as refused:
        stream.send({"phone": PHONE + 1, "code": 2, "reference_id": "code1"})
    assert refused.value.code == RejectCode.DUPLICATE_REFERENCE_ID
    harness.dispatch()
    assert list(arrived(harness)) == ["code1"]


def test_old_and_new_options_have_a_campaign_each_that_ends_once_its_time_is_over(harness: WorkerHarness) -> None:
    old, new = codes(harness), codes(harness, priority="high")
    receipts = [receipt for number in range(2) for stream in (old, new) for receipt in send_codes(stream, number)]
    harness.dispatch()
    campaigns = campaigns_of(harness, receipts)
    earlier, later = campaigns[:2]
    assert campaigns == [earlier, later, earlier, later]
    harness.sandbox.advance(3600)
    harness.make_due(DueIndex.LIVE)
    poll(harness.runtime)
    assert harness.producer.status(earlier).state == "collecting"
    harness.runtime.redis.hset(f"bsg:campaign:{earlier}", "collects_until", 1)
    harness.runtime.ledger.streams.stop_collecting(earlier)
    assert harness.producer.status(earlier).state == "done"
    assert harness.producer.status(later).state == "collecting"
    assert len(arrived(harness)) == 4


def test_a_cancelled_campaign_takes_up_no_more_messages(harness: WorkerHarness) -> None:
    stream = codes(harness)
    ended = send_codes(stream, 1)
    (campaign,) = campaigns_of(harness, ended)
    harness.producer.cancel(campaign)
    sent = send_codes(stream, 2)
    harness.dispatch()
    assert list(arrived(harness)) == [receipt.message_id for receipt in sent]
    assert harness.producer.message(ended[0].message_id).state == "cancelled"


def test_a_message_that_could_not_leave_within_its_deadline_expires(harness: WorkerHarness) -> None:
    (late,) = send_codes(codes(harness, deadline=timedelta(milliseconds=50)), 1)
    time.sleep(0.06)  # Redis's own clock decides
    harness.dispatch()
    assert arrived(harness) == {}
    assert harness.producer.message(late.message_id).state == "expired"


def test_messages_of_a_stream_are_always_accounted_for(harness: WorkerHarness) -> None:
    stream = codes(harness)
    receipts = send_codes(stream, 1, 2, 3)
    (campaign,) = set(campaigns_of(harness, receipts))
    assert harness.producer.status(campaign).counts["pending"] == 3
    harness.dispatch()
    send_codes(stream, 4)
    counts = harness.producer.status(campaign).counts
    assert (counts["accepted"], counts["submitted"], counts["pending"]) == (4, 3, 1)
    assert counts["accepted"] == sum(many for state, many in counts.items() if state != "accepted")


def test_a_message_that_is_not_known_is_not_found(harness: WorkerHarness) -> None:
    (receipt,) = send_codes(codes(harness), 1)
    of_next = f"{receipt.message_id[:27]}1{receipt.message_id[28:]}"
    for unknown in (of_next, "x", 5):
        with pytest.raises(MessageNotFound):
            harness.producer.message(unknown)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "options", "field"),
    [
        ("Order Updates", {}, "name"),
        ("codes", {"max_wait": -1}, "max_wait"),
        ("codes", {"max_wait": 60, "deadline": 60}, "max_wait"),
        ("codes", {"deadline": "2030-01-01"}, "deadline"),
        ("codes", {"max_cost_per_day": -1}, "max_cost_per_day"),
        ("codes", {"max_cost_per_day": float("nan")}, "max_cost_per_day"),
        ("codes", {"max_cost_per_day": 10**12}, "max_cost_per_day"),
        ("codes", {"sender": "far too long a sender"}, "sender"),
    ],
)
def test_invalid_options_of_a_stream_are_named(
    harness: WorkerHarness, name: str, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(CampaignInvalid) as invalid:
        harness.producer.stream(name, **options)
    assert list(invalid.value.errors) == [field]


def test_a_campaign_that_its_cap_holds_does_not_hold_the_others_of_its_stream(harness: WorkerHarness) -> None:
    (before,) = send_codes(codes(harness), 1)
    stream = codes(harness, max_cost="0.01")
    (capped,) = send_codes(stream, 2)
    stream.pause()
    campaign_id = harness.producer.message(capped.message_id).campaign_id
    harness.runtime.redis.hset(f"bsg:campaign:{campaign_id}", "cost", "1")
    harness.runtime.redis.hset(f"bsg:campaign:{campaign_id}", "priced", "1")
    with pytest.raises(CampaignInvalid, match="max_cost"):
        stream.resume()
    harness.dispatch()
    assert arrived(harness).keys() == {before.message_id}


def test_a_paused_stream_takes_messages_and_sends_them_once_it_is_resumed(harness: WorkerHarness) -> None:
    stream = codes(harness)
    before = send_codes(stream, 1)
    stream.pause()
    meanwhile = send_codes(codes(harness, priority="high"), 2)
    harness.dispatch()
    held = arrived(harness)
    stream.resume()
    harness.dispatch()
    assert held == {}
    assert arrived(harness).keys() == {receipt.message_id for receipt in (*before, *meanwhile)}


def test_a_cancelled_stream_ends_what_is_unsent_and_takes_messages_again(harness: WorkerHarness) -> None:
    stream = codes(harness)
    send_codes(stream, 1)
    send_codes(codes(harness, priority="high"), 3)
    assert stream.cancel() == 0
    after = send_codes(stream, 2)
    harness.dispatch()
    assert list(arrived(harness)) == [receipt.message_id for receipt in after]
    assert stream.status().counts["cancelled"] == 2


def test_a_stream_counts_the_messages_of_its_campaigns(harness: WorkerHarness) -> None:
    send_codes(codes(harness), 1, 2)
    send_codes(codes(harness, priority="high"), 3)
    (status,) = harness.producer.streams()
    assert (status.name, status.paused, len(status.campaigns)) == ("codes", False, 2)
    assert (status.counts["accepted"], status.counts["pending"]) == (3, 3)


def test_many_messages_are_accepted_until_one_is_bad(harness: WorkerHarness) -> None:
    rows: list[tuple[dict[str, Any], str | None]] = [({"phone": PHONE + n, "code": n}, f"code-{n}") for n in range(3)]
    rows[2] = ({"phone": "12", "code": 2}, None)
    receipts = codes(harness).send_many(rows)
    assert [next(receipts).duplicate for _ in range(2)] == [False, False]
    with pytest.raises(MessageInvalid):
        next(receipts)
    assert [receipt.duplicate for receipt in codes(harness).send_many(rows[:2])] == [True, True]
