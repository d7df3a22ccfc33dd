"""Messages are found by their phones and by callers' reference ids, of which Redis has nothing but digests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bsg_ledger import message_index
from bsg_ledger.due_indexes import DueIndex
from bsg_messages.search_digests import Searched
from bsg_monitor.campaign_directory import CampaignDirectory
from bsg_monitor.campaign_search import CampaignSearch
from bsg_sandbox.server import Sandbox
from bsg_worker.poll.poll import poll
from bsg_worker.upkeep.message_index import index_messages
from bsg_worker.upkeep.purge import purge
from tests.worker.harness import LONG_TIMEOUTS, WorkerHarness

KEY = "a secret of some length"
PHONE = 380_660_000_000  # of the first message that the harness sends


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, SEARCH_KEY=KEY, **LONG_TIMEOUTS)


def found(harness: WorkerHarness, text: str, *, key: str = KEY) -> list[str]:
    ledger = harness.runtime.ledger
    search = CampaignSearch(ledger, CampaignDirectory(ledger), key)
    return [head.summary.campaign_id for head in search.find(text)]


def test_a_campaign_is_found_by_a_phone_before_it_is_sent_and_after(harness: WorkerHarness) -> None:
    campaign, other = harness.prepared(5), harness.prepared(2)

    assert index_messages(harness.runtime) == "indexed 2 batches"
    assert index_messages(harness.runtime) == ""

    assert found(harness, str(PHONE + 4)) == [campaign]
    assert found(harness, "+380 66 000-00-04") == [campaign]
    assert set(found(harness, str(PHONE))) == {campaign, other}
    assert found(harness, str(PHONE + 9)) == []
    assert found(harness, str(PHONE + 4), key="another secret of a length") == []


def test_a_campaign_is_found_by_a_callers_reference_id(harness: WorkerHarness) -> None:
    rows = [{"phone": PHONE + number, "text": "Hi", "reference_id": f"order{number}"} for number in range(3)]
    campaign = harness.producer.enqueue([*rows, {"phone": "12", "text": "Hi"}], sender="MyShop").campaign_id
    harness.prepare(campaign)

    index_messages(harness.runtime)

    assert found(harness, "order2") == [campaign]
    assert found(harness, "order3") == []


def test_a_message_of_a_stream_is_found_once_it_is_on_its_way(harness: WorkerHarness) -> None:
    stream = harness.producer.stream("codes", sender="MyShop")
    for number in range(3):
        receipt = stream.send({"phone": PHONE + number, "text": "Hi"})
    campaign = harness.producer.message(receipt.message_id).campaign_id
    harness.dispatch()

    index_messages(harness.runtime)

    assert found(harness, str(PHONE + 2)) == [campaign]


def test_redis_has_no_phone_of_the_index_and_the_index_ends_with_the_ledgers_retention(harness: WorkerHarness) -> None:
    campaign = harness.prepared(5)
    index_messages(harness.runtime)
    client: Any = harness.runtime.redis  # redis-py types its replies as all that they might be
    keys = f"bsg:campaign:{campaign}:digests:phones"

    assert client.strlen(keys) == 5 * 6
    assert str(PHONE).encode() not in client.get(keys)
    assert 0 < client.pttl(keys) <= harness.settings.ledger_retention * 1000
    assert client.exists(f"bsg:campaign:{campaign}:digests:{Searched.REFERENCE_ID}") == 0


def test_a_campaign_is_found_by_a_phone_when_its_messages_are_forgotten_and_it_is_compacted(
    harness: WorkerHarness,
) -> None:
    campaign = harness.submitted(3)
    index_messages(harness.runtime)
    harness.sandbox.advance(60)
    for _ in range(2):
        harness.make_due(DueIndex.LIVE)
        poll(harness.runtime)
    harness.runtime.redis.zadd("bsg:closed", {campaign: harness.runtime.ledger.due_indexes.now_ms() - 30 * 86_400_000})
    for _ in range(2):
        purge(harness.runtime)

    assert harness.runtime.ledger.reading.bodies_forgotten([campaign]) == {campaign: True}
    assert found(harness, str(PHONE)) == [campaign]


def test_without_a_key_nothing_is_indexed(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, **LONG_TIMEOUTS)
        campaign = harness.prepared(1)

        assert index_messages(harness.runtime) == ""
        assert harness.runtime.redis.exists(f"bsg:campaign:{campaign}:digests:phones") == 0


def test_an_index_that_is_behind_the_feed_goes_on_with_what_the_feed_has(harness: WorkerHarness) -> None:
    harness.prepared(1)
    index_messages(harness.runtime)
    harness.runtime.redis.hset("bsg:message-index", "position", "1-0.1")
    campaign = harness.prepared(2)

    assert index_messages(harness.runtime) == "indexed 2 batches"
    assert found(harness, str(PHONE + 1)) == [campaign]


def test_a_large_campaign_is_searched_in_steps(harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large, last = (harness.prepared(1) for _ in range(3))
    index = harness.runtime.ledger.message_index
    client: Any = harness.runtime.redis
    for campaign, count in ((small, 3), (large, 100), (last, 10)):
        digests = {number: f"{number:06d}".encode() for number in range(count)}
        index.note(campaign, "phones", digests, keep_ms=60_000)
    monkeypatch.setattr(message_index, "BYTES_AT_ONCE", 65)  # ten digests, and a part of one

    def found(number: int) -> dict[str, int]:
        return index.find("phones", f"{number:06d}".encode(), [small, large, "unknown", last])

    assert found(2) == dict.fromkeys((small, large, last), 2)
    assert found(9) == dict.fromkeys((large, last), 9)
    assert found(10) == {large: 10}
    assert found(100) == {}
    client.config_resetstat()
    assert found(99) == {large: 99}
    assert client.info("commandstats")["cmdstat_evalsha"]["calls"] >= 11


def test_a_digest_is_found_only_where_one_begins(harness: WorkerHarness) -> None:
    campaign = harness.prepared(3)
    index = harness.runtime.ledger.message_index
    index.note(campaign, "phones", {0: b"abcdef", 2: b"ghijkl"}, keep_ms=60_000)

    assert index.find("phones", b"ghijkl", ["unknown", campaign]) == {campaign: 2}
    assert index.find("phones", b"defghi", [campaign]) == {}
    assert index.find("phones", b"def\0\0\0", [campaign]) == {}
