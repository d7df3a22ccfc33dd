"""What `enqueue` promises: all of a campaign or nothing of it, and a clear word about which."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import UserDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import redis

from bsg_config.settings import Settings
from bsg_producer import (
    CampaignInvalid,
    CampaignNotFound,
    EnqueueUnconfirmed,
    IdempotencyConflict,
    Producer,
    QueueNotDurable,
    QueueUnavailable,
    enqueueing,
)
from tests.failpoints.arming import arm
from tests.failpoints.doors import watched
from tests.lossy_proxy import LossyProxy
from tests.servers import RedisServer, free_port


def messages(count: int) -> Iterator[Mapping[str, Any]]:
    for number in range(count):
        yield {"phone": 380_660_000_000 + number, "text": f"Hello number {number}"}


def producer_at(url: str, **settings: Any) -> Producer:
    return Producer(Settings.build(redis_url=url, **settings))


def campaign_keys(url: str) -> list[bytes]:
    return list(redis.Redis.from_url(url).scan_iter("bsg:campaign:*"))


def test_a_campaign_is_accepted_before_any_worker_runs(redis_url: str) -> None:
    producer = producer_at(redis_url)

    receipt = producer.enqueue(messages(3), sender="MyShop")

    status = producer.status(receipt.campaign_id)
    assert (receipt.messages, receipt.duplicate) == (3, False)
    assert (status.state, status.counts["unprepared"]) == ("accepted", 3)


def test_no_messages_are_no_campaign(redis_url: str) -> None:
    with pytest.raises(CampaignInvalid, match="messages"):
        producer_at(redis_url).enqueue([], sender="MyShop")


@pytest.mark.parametrize("wrong", ["text", {"phone": 1}, 5, None])
def test_what_is_no_iterable_of_mappings_is_reported_at_once(redis_url: str, wrong: Any) -> None:
    with pytest.raises(CampaignInvalid, match="iterable of mappings"):
        producer_at(redis_url).enqueue(wrong, sender="MyShop")


def test_an_iterable_that_fails_leaves_nothing_behind(redis_url: str) -> None:
    def failing() -> Iterator[Mapping[str, Any]]:
        yield from messages(25)
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="database"):
        producer_at(redis_url, campaign_batch_size=10).enqueue(failing(), sender="MyShop")

    assert campaign_keys(redis_url) == []


def test_of_a_second_try_with_the_same_key_nothing_remains(redis_url: str) -> None:
    producer = producer_at(redis_url, campaign_batch_size=10)
    first = producer.enqueue(messages(25), sender="MyShop", idempotency_key="key")
    before = sorted(campaign_keys(redis_url))

    again = producer.enqueue(messages(25), sender="MyShop", idempotency_key="key")
    with pytest.raises(IdempotencyConflict):
        producer.enqueue(messages(24), sender="MyShop", idempotency_key="key")
    with pytest.raises(IdempotencyConflict):
        producer.enqueue(messages(25), sender="Other", idempotency_key="key")
    with pytest.raises(IdempotencyConflict):
        producer.enqueue(messages(25), sender="MyShop", account="other", idempotency_key="key")

    assert (again.campaign_id, again.duplicate) == (first.campaign_id, True)
    assert sorted(campaign_keys(redis_url)) == before


def test_times_are_not_chunk_of_the_content(redis_url: str) -> None:
    producer = producer_at(redis_url)
    first = producer.enqueue(messages(2), sender="MyShop", idempotency_key="key", validity=1)

    assert producer.enqueue(messages(2), sender="MyShop", idempotency_key="key", validity=2).duplicate
    assert first.duplicate is False


def test_an_unreachable_redis_is_reported_within_the_queue_timeout() -> None:
    producer = producer_at(f"redis://127.0.0.1:{free_port()}/0", queue_timeout=1)
    began = time.monotonic()

    with pytest.raises(QueueUnavailable, match="REDIS_URL"):
        producer.enqueue(messages(3), sender="MyShop")

    assert time.monotonic() - began < 2.0


@pytest.mark.server_kinds("valkey")
def test_a_silent_redis_is_reported_within_the_queue_timeout_and_the_campaign_does_not_exist(
    own_redis_server: RedisServer,
) -> None:
    producer = producer_at(own_redis_server.url, queue_timeout=0.5)
    producer.enqueue(messages(1), sender="MyShop")
    own_redis_server.pause()
    began = time.monotonic()

    with pytest.raises(QueueUnavailable, match="in time"):
        producer.enqueue(messages(3), sender="MyShop")

    assert time.monotonic() - began < 2.0
    own_redis_server.resume()
    assert len(list(producer.campaigns())) == 1


@pytest.mark.server_kinds("valkey", "redis")
def test_a_full_redis_is_reported_and_the_campaign_does_not_exist(own_redis_server: RedisServer) -> None:
    producer = producer_at(own_redis_server.url)
    producer.enqueue(messages(1), sender="MyShop")
    own_redis_server.client().config_set("maxmemory", "1mb")

    with pytest.raises(QueueUnavailable, match="full"):
        producer.enqueue(messages(3), sender="MyShop")

    assert len(list(producer.campaigns())) == 1


@pytest.mark.server_kinds("valkey", "redis")
def test_a_read_only_redis_is_reported(own_redis_server: RedisServer, redis_server: RedisServer) -> None:
    client = own_redis_server.client()
    client.execute_command("REPLICAOF", "127.0.0.1", str(redis_server.port))

    with pytest.raises(QueueUnavailable, match="read-only|replica"):
        producer_at(own_redis_server.url).enqueue(messages(3), sender="MyShop")


@pytest.mark.server_kinds("redis")
def test_a_server_that_cannot_prove_durability_is_refused_with_the_remedy(own_redis_server: RedisServer) -> None:
    own_redis_server.client().config_set("appendfsync", "everysec")

    with pytest.raises(QueueNotDurable, match="appendfsync always"):
        producer_at(own_redis_server.url).enqueue(messages(3), sender="MyShop")

    relaxed = producer_at(own_redis_server.url, queue_durability="relaxed")
    assert relaxed.enqueue(messages(3), sender="MyShop").messages == 3


@pytest.mark.server_kinds("valkey")
def test_a_server_without_an_append_only_file_is_refused_before_anything_is_stored(
    own_redis_server: RedisServer,
) -> None:
    own_redis_server.client().config_set("appendonly", "no")

    with pytest.raises(QueueNotDurable, match="appendonly yes"):
        producer_at(own_redis_server.url).enqueue(messages(3), sender="MyShop")

    assert campaign_keys(own_redis_server.url) == []


@pytest.mark.server_kinds("valkey")
def test_a_server_with_waitaof_proves_it_by_being_asked(own_redis_server: RedisServer) -> None:
    own_redis_server.client().config_set("appendfsync", "everysec")

    assert producer_at(own_redis_server.url, queue_timeout=5).enqueue(messages(3), sender="MyShop").messages == 3


def test_a_commit_whose_response_is_lost_once_is_asked_again_and_accepted(
    redis_server: RedisServer, redis_url: str
) -> None:
    with LossyProxy(redis_server.port) as proxy:
        producer = producer_at(proxy.redis_url, queue_timeout=1)
        producer.enqueue(messages(1), sender="MyShop")
        proxy.lose_responses_to(b"the name of the campaign", times=1)

        receipt = producer.enqueue(messages(3), sender="MyShop", name="the name of the campaign")

    assert producer_at(redis_url).status(receipt.campaign_id).counts["accepted"] == 3
    assert len(list(producer_at(redis_url).campaigns())) == 2


def test_a_commit_whose_response_stays_lost_is_unconfirmed_and_its_key_makes_trying_again_safe(
    redis_server: RedisServer, redis_url: str
) -> None:
    with LossyProxy(redis_server.port) as proxy:
        producer = producer_at(proxy.redis_url, queue_timeout=1)
        producer.enqueue(messages(1), sender="MyShop")
        proxy.lose_responses_to(b"the name of the campaign", times=2)

        with pytest.raises(EnqueueUnconfirmed) as caught:
            producer.enqueue(messages(3), sender="MyShop", name="the name of the campaign")
        again = producer.enqueue(messages(3), sender="MyShop", idempotency_key=caught.value.idempotency_key)

    assert again.duplicate
    assert len(list(producer_at(redis_url).campaigns())) == 2


def test_chunks_that_vanish_before_the_commit_are_reported_and_the_campaign_does_not_exist(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)

    def pausing_for_hours() -> Iterator[Mapping[str, Any]]:
        yield from messages(15)
        client.delete(*client.scan_iter("bsg:campaign:*"))

    with pytest.raises(QueueUnavailable, match="enqueue them again"):
        producer_at(redis_url, campaign_batch_size=10).enqueue(pausing_for_hours(), sender="MyShop")

    assert campaign_keys(redis_url) == []


def test_chunks_are_kept_for_as_long_as_the_iterable_goes_on(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client: Any = redis.Redis.from_url(redis_url)
    monkeypatch.setattr(enqueueing, "RENEW_CHUNKS_SECONDS", 0.0)
    left: list[int] = []

    def slow() -> Iterator[Mapping[str, Any]]:
        yield from messages(10)
        yield from messages(1)
        (key,) = client.scan_iter("bsg:campaign:*")
        client.pexpire(key, 5_000)
        yield from messages(1)
        left.append(client.pttl(key))

    producer_at(redis_url, campaign_batch_size=10).enqueue(slow(), sender="MyShop", allow_duplicates=True)

    assert left[0] > 5_000


def test_a_mapping_that_raises_is_one_reject_and_stops_no_other_message(redis_url: str) -> None:
    class Closed(UserDict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            raise RuntimeError("the row was closed")

    receipt = producer_at(redis_url).enqueue([Closed(phone=1), *messages(2)], sender="MyShop")

    assert receipt.messages == 3


def test_a_dict_that_the_caller_fills_again_and_again_is_as_many_messages(redis_url: str) -> None:
    def refilled() -> Iterator[Mapping[str, Any]]:
        message: dict[str, Any] = {}
        for row in messages(3):
            message.update(row)
            yield message

    producer = producer_at(redis_url)
    producer.enqueue(messages(3), sender="MyShop", idempotency_key="key")

    assert producer.enqueue(refilled(), sender="MyShop", idempotency_key="key").duplicate


@pytest.mark.parametrize("key", ["", " \n", "k" * 201, 5, "\ud800", "key\0"])
def test_an_idempotency_key_is_printable_text_of_bounded_length(redis_url: str, key: Any) -> None:
    with pytest.raises(CampaignInvalid, match="idempotency_key"):
        producer_at(redis_url).enqueue(messages(1), sender="MyShop", idempotency_key=key)

    assert campaign_keys(redis_url) == []


def then(happens: Callable[[], object], *, after: int, of: int) -> Iterator[Mapping[str, Any]]:
    """So many messages, and that happens after some of them: after all, before the iterable is known to have ended."""
    rows = messages(of)
    yield from islice(rows, after)
    happens()
    yield from rows


@contextmanager
def before_the_commit(happens: Callable[[], object]) -> Iterator[None]:
    """That happens between Redis's last response and the first try to commit."""
    commits: list[str] = []

    def observe(point: str) -> None:
        if point == "before script accept" and not commits:
            commits.append(point)
            happens()

    with watched(observe):
        yield


# With ten messages a chunk: the second is stored, all are stored, or the second goes with the commit.
STEPS = pytest.mark.parametrize(
    ("after", "of"),
    [(15, 20), (20, 20), (15, 15)],
    ids=["storing a chunk", "the commit", "the commit with the last chunk"],
)


@STEPS
@pytest.mark.server_kinds("valkey", "redis")
def test_a_redis_that_becomes_full_at_any_step_has_no_campaign_and_nothing_of_one(
    own_redis_server: RedisServer, after: int, of: int
) -> None:
    producer = producer_at(own_redis_server.url, campaign_batch_size=10)
    fill = partial(own_redis_server.client().config_set, "maxmemory", "1mb")

    with pytest.raises(QueueUnavailable, match="full"):
        producer.enqueue(then(fill, after=after, of=of), sender="MyShop")

    assert campaign_keys(own_redis_server.url) == []


@STEPS
@pytest.mark.server_kinds("valkey", "redis")
def test_a_redis_that_becomes_read_only_at_any_step_has_no_campaign(
    own_redis_server: RedisServer, redis_server: RedisServer, after: int, of: int
) -> None:
    producer = producer_at(own_redis_server.url, campaign_batch_size=10)
    client = own_redis_server.client()
    demote = partial(client.execute_command, "REPLICAOF", "127.0.0.1", str(redis_server.port))

    with pytest.raises(QueueUnavailable, match="read-only"):
        producer.enqueue(then(demote, after=after, of=of), sender="MyShop")


@STEPS
@pytest.mark.server_kinds("valkey")
def test_a_redis_that_falls_silent_at_any_step_costs_no_more_than_that_steps_timeout(
    own_redis_server: RedisServer, after: int, of: int
) -> None:
    timeout = 1.0
    producer = producer_at(own_redis_server.url, campaign_batch_size=10, queue_timeout=timeout)
    silent_since: list[float] = []

    def fall_silent() -> None:
        own_redis_server.pause()
        silent_since.append(time.monotonic())

    with pytest.raises(QueueUnavailable):
        producer.enqueue(then(fall_silent, after=after, of=of), sender="MyShop")

    assert time.monotonic() - silent_since[0] < 1.8 * timeout


@pytest.mark.server_kinds("valkey")
def test_a_redis_that_falls_silent_at_the_commit_is_asked_twice(own_redis_server: RedisServer) -> None:
    timeout = 1.0
    producer = producer_at(own_redis_server.url, queue_timeout=timeout)
    began = time.monotonic()

    with before_the_commit(own_redis_server.pause), pytest.raises(EnqueueUnconfirmed):
        producer.enqueue(messages(3), sender="MyShop")

    assert time.monotonic() - began < 2.8 * timeout


@STEPS
@pytest.mark.server_kinds("valkey")
def test_a_redis_that_dies_at_any_step_has_no_campaign_until_it_is_enqueued_again(
    own_redis_server: RedisServer, after: int, of: int
) -> None:
    producer = producer_at(own_redis_server.url, campaign_batch_size=10)
    with pytest.raises(QueueUnavailable):
        producer.enqueue(then(own_redis_server.kill, after=after, of=of), sender="MyShop", idempotency_key="key")
    own_redis_server.start()
    assert list(producer.campaigns()) == []

    receipt = producer.enqueue(messages(of), sender="MyShop", idempotency_key="key")

    assert (receipt.messages, receipt.duplicate) == (of, False)


@pytest.mark.server_kinds("valkey")
def test_a_redis_that_dies_at_the_commit_leaves_it_unconfirmed_until_it_is_enqueued_again(
    own_redis_server: RedisServer,
) -> None:
    producer = producer_at(own_redis_server.url)
    with before_the_commit(own_redis_server.kill), pytest.raises(EnqueueUnconfirmed):
        producer.enqueue(messages(3), sender="MyShop", idempotency_key="key")
    own_redis_server.start()

    receipt = producer.enqueue(messages(3), sender="MyShop", idempotency_key="key")

    assert (receipt.messages, receipt.duplicate) == (3, False)


@pytest.mark.server_kinds("valkey")
def test_a_full_redis_is_reported_as_full_where_durability_is_proven_by_asking(own_redis_server: RedisServer) -> None:
    own_redis_server.client().config_set("appendfsync", "everysec")
    own_redis_server.client().config_set("maxmemory", "1mb")

    with pytest.raises(QueueUnavailable, match="full"):
        producer_at(own_redis_server.url).enqueue(messages(3), sender="MyShop")


@pytest.mark.server_kinds("valkey")
def test_a_commit_that_is_not_proven_to_be_on_disk_is_unconfirmed_however_often_it_is_tried(
    own_redis_server: RedisServer,
) -> None:
    client = own_redis_server.client()
    client.config_set("appendfsync", "everysec")
    producer = producer_at(own_redis_server.url)

    def fill_when_committed(point: str) -> None:
        if point == "after script accept":
            client.config_set("maxmemory", "1mb")

    for _ in range(2):
        with watched(fill_when_committed), pytest.raises(EnqueueUnconfirmed):
            producer.enqueue(messages(3), sender="MyShop", idempotency_key="key")
        client.config_set("maxmemory", "0")

    assert producer.enqueue(messages(3), sender="MyShop", idempotency_key="key").duplicate


@pytest.mark.parametrize("timeout", [0.3, 1.0])
def test_watching_outlasts_silence_whatever_the_queue_timeout(redis_url: str, timeout: float) -> None:
    producer = producer_at(redis_url, queue_timeout=timeout)
    campaign = producer.enqueue(messages(1), sender="MyShop").campaign_id
    cancelling = threading.Timer(1.5 * timeout, producer.cancel, [campaign])
    cancelling.start()

    transitions = list(producer.watch(campaign))
    cancelling.join()

    assert (transitions[0].to_state, transitions[-1].to_state) == ("accepted", "cancelled")


def test_many_threads_may_share_a_producer(redis_url: str) -> None:
    producer = producer_at(redis_url)
    receipts: list[str] = []

    def enqueue() -> None:
        receipts.extend(producer.enqueue(messages(2), sender="MyShop").campaign_id for _ in range(5))

    threads = [threading.Thread(target=enqueue) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(receipts)) == 80
    assert {summary.campaign_id for summary in producer.campaigns()} == set(receipts)


def test_a_producer_that_was_used_before_a_fork_works_on_both_sides(redis_url: str) -> None:
    producer = producer_at(redis_url)
    producer.enqueue(messages(1), sender="MyShop")
    child = os.fork()
    if child == 0:
        exit_code = 1
        try:
            for _ in range(20):
                producer.enqueue(messages(1), sender="MyShop")
            exit_code = 0
        finally:
            os._exit(exit_code)
    for _ in range(20):
        producer.enqueue(messages(1), sender="MyShop")
    _, ended = os.waitpid(child, 0)

    assert ended == 0
    assert len(list(producer.campaigns())) == 41


@pytest.mark.parametrize(
    "point",
    ["after script store_chunk", "before script accept", "after script accept"],
)
def test_a_web_process_that_dies_while_it_enqueues_leaves_a_campaign_or_nothing(
    redis_url: str, point: str, tmp_path: Path
) -> None:
    program = (
        "from bsg_producer import Producer\n"
        "from tests.failpoints.arming import install\n"
        "install()\n"
        "Producer().enqueue([{'phone': 380660000000, 'text': 'Hi'}], sender='MyShop', idempotency_key='key')"
    )
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "FAILPOINTS": str(arm(tmp_path, point)),
        "CAMPAIGN_BATCH_SIZE": "1",  # a chunk that is not full goes with the commit
    }

    died = subprocess.run([sys.executable, "-c", program], env=environment, check=False)

    campaigns = list(producer_at(redis_url).campaigns())
    assert died.returncode == -9
    assert len(campaigns) == (1 if point == "after script accept" else 0)
    if not campaigns:
        client = redis.Redis.from_url(redis_url)
        assert all(client.ttl(key) > 0 for key in campaign_keys(redis_url))


@pytest.mark.parametrize(
    "wrong", ["nothing", "", "\ud800", None, 5, "CAMPAIGN:chunk:0", "CAMPAIGN:chunks", "CAMPAIGN\n"]
)
def test_an_unknown_campaign_is_reported_as_such(redis_url: str, wrong: Any) -> None:
    producer = producer_at(redis_url)
    campaign = producer.enqueue(messages(1), sender="MyShop").campaign_id
    unknown = wrong.replace("CAMPAIGN", campaign) if isinstance(wrong, str) else wrong

    for ask in (producer.status, producer.pause, producer.resume, producer.cancel, producer.retry):
        with pytest.raises(CampaignNotFound):
            ask(unknown)
    with pytest.raises(CampaignNotFound):
        list(producer.rejects(unknown))
    with pytest.raises(CampaignNotFound):
        list(producer.watch(unknown))


def test_enqueueing_many_messages_adds_less_than_64_mib_to_the_process(redis_url: str) -> None:
    program = (
        "import resource, sys\n"
        "from bsg_producer import Producer\n"
        "from tests.producer.test_enqueueing import messages\n"
        "unit = 1 if sys.platform == 'darwin' else 1024\n"
        "def most(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit\n"
        "producer = Producer()\n"
        "producer.enqueue(messages(1), sender='MyShop')\n"
        "before = most()\n"
        "producer.enqueue(messages(300_000), sender='MyShop')\n"
        "print(most() - before)\n"
    )
    environment = {**os.environ, "REDIS_URL": redis_url}

    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    # What is held at once does not grow with the number of chunks: 30 of them show as much as 100.
    assert int(ran.stdout) < 64 * 2**20


def test_a_queued_message_costs_redis_less_than_30_bytes(redis_url: str) -> None:
    client: Any = redis.Redis.from_url(redis_url)
    before = client.info("memory")["used_memory_dataset"]

    producer_at(redis_url).enqueue(
        (
            {"phone": 380_660_000_000 + 37 * number, "name": f"Customer{number}", "day": number % 28}
            for number in range(100_000)
        ),
        sender="MyShop",
        text="Dear {{ name }}, your order is ready and waits for you on day {{ day }} at 9.",
    )

    assert (client.info("memory")["used_memory_dataset"] - before) / 100_000 < 30


def test_importing_the_producer_imports_neither_requests_nor_flower_nor_the_worker(tmp_path: Path) -> None:
    program = (
        "import sys, bsg_producer; "
        "print([name for name in ('requests', 'flower', 'tornado', 'bsg_worker') if name in sys.modules])"
    )

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert loaded.stdout.strip() == "[]"
