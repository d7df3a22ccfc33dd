"""A closed campaign is one record, which says the same as its keys did, whatever dies or changes meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from typing import Any

import pytest
from redis.connection import Connection

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_ledger import compacted_record, compaction
from bsg_ledger.batch_id import BatchId
from bsg_ledger.delivery_reports import PushedReport
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.ledger import Ledger
from bsg_ledger.scripts import Scripts, decoded
from tests.ledger.campaigns import ACCOUNT, HOUR_MS, LedgerHarness

DAY_MS = 86_400_000
SIZES = {"batches": 2, "events": 3, "rejects": 2}


class CompactionHarness(LedgerHarness):
    """Its ledger takes steps of two batches."""

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.client, batches_a_step=2)
        self.scripts = Scripts(self.client, batches_a_step=2)

    def closed(self, *batch_sizes: int, rejects: int = 0, **changes: Any) -> str:
        """Return a campaign that was sent, and has been done for two days. Its messages are forgotten."""
        campaign = self.prepared(*batch_sizes, rejects=rejects, **changes)
        for _ in batch_sizes:
            self.finished(campaign)
        return self.aged(campaign)

    def finished(self, campaign: str) -> None:
        lease = self.submitted(campaign, 100 + self.client.hlen(f"bsg:account:{ACCOUNT}:owners"))
        self.polled(lease, "done", final=True)
        self.last_poll(lease.batch)

    def last_poll(self, batch: BatchId, *, statistics: str = '{"delivered": 1}') -> str:
        return self.ledger.batches.polled(
            batch,
            status="done",
            final=True,
            statistics=statistics,
            price="0.01",
            currency="EUR",
            total_messages=1,
            next_poll_ms=None,
        )

    def aged(self, campaign: str) -> str:
        assert self.ledger.campaigns.forget_bodies(campaign)
        self.client.zadd("bsg:closed", {campaign: self.ledger.due_indexes.now_ms() - 2 * DAY_MS})
        return campaign

    def compact(self, campaign: str) -> bool:
        return self.ledger.compaction.compact(campaign, closed_for_ms=DAY_MS)

    def commit(self, campaign: str) -> bool:
        return self.ledger.compaction.commit(campaign, closed_for_ms=DAY_MS)

    def keys(self, campaign: str) -> list[str]:
        return sorted(key.decode() for key in self.client.scan_iter(f"bsg:campaign:{campaign}*"))

    def reads(self, campaign: str) -> dict[str, Any]:
        """Return what every read of a campaign returns."""
        reading, status = self.ledger.reading, self.ledger.reading.status(campaign)
        assert status is not None
        numbers = range(len(status.batches))
        ids = [BatchId.of(campaign, number) for number in numbers]
        transitions = list(reading.transitions(campaign))
        return {
            "status": status,
            "summary": reading.summary(campaign),
            "campaigns": list(reading.campaigns()),
            "batches from the middle on": list(reading.batches(campaign, numbers[1:])),
            "each batch": [reading.batch(batch) for batch in ids],
            "rejects": list(reading.rejects(campaign)),
            "each reject": [reading.reject_at(campaign, index) for index in range(20)],
            "transitions": [list(reading.transitions(campaign, after=one.position)) for one in transitions],
            "awaited": [
                reading.wait_for_transitions(campaign, after=one.position, at_most_ms=1) for one in transitions
            ],
            "latest": [reading.latest_transitions(campaign, count) for count in range(1, len(transitions) + 2)],
            "records": reading.batch_records(ids),
            "rows": [reading.rows(batch) for batch in ids],
            "options": reading.campaign_options(campaign),
            "count": reading.batch_count(campaign),
            "account": reading.account_of(campaign),
            "priority": reading.priority(campaign),
            "by state": reading.messages_by_state(),
            "owned": sorted(reading.owned(ACCOUNT)),
            "orphans": reading.orphans(ACCOUNT, [100, 101, 7]),
            "open": list(reading.open_campaigns()),
            "page": self.ledger.listing.campaigns(self.ledger.listing.campaign_ids(10)),
            "outlines": self.ledger.listing.outlines(campaign, numbers),
        }


@pytest.fixture
def harness(ledger_harness: LedgerHarness) -> CompactionHarness:
    return CompactionHarness(ledger_harness.client)


@pytest.fixture(params=[False, True], ids=["in the record", "in pages"])
def in_pages(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With pages of two or three rows, few batches are as many as thousands."""
    if request.param:
        for kind, rows in SIZES.items():
            monkeypatch.setitem(compaction.ROWS_INSIDE, kind, 1)
            monkeypatch.setitem(compacted_record.ROWS_A_PAGE, kind, rows)
    return bool(request.param)


def everything(harness: CompactionHarness) -> str:
    """Return a closed campaign with batches of each end, and rejects."""
    campaign = harness.prepared(1, 2, 3, 1, 1, rejects=5, name="News", priority="high", options='{"text": "Hi"}')
    harness.finished(campaign)
    refused = harness.posting(campaign)
    assert harness.ledger.batches.refused(refused, cause="HTTP 422") == "refused"
    harness.finished(campaign)
    harness.pass_deadline(campaign)
    assert harness.ledger.campaigns.expire(campaign)
    return harness.aged(campaign)


@contextmanager
def before_request(number: int, change: Callable[[], Any]) -> Iterator[None]:
    """Let something happen before the request of that number that is sent to Redis."""
    send: Any = Connection.send_packed_command
    sent = count(0)
    with pytest.MonkeyPatch.context() as patch:

        def changed_first(connection: Connection, *arguments: Any, **options: Any) -> None:
            if next(sent) == number:
                patch.undo()
                change()
            send(connection, *arguments, **options)

        patch.setattr(Connection, "send_packed_command", changed_first)
        yield


def reads_at_once(harness: CompactionHarness, campaign: str) -> list[Any]:
    """Return what the reads return that take several requests."""
    reading, listing = harness.ledger.reading, harness.ledger.listing
    return [
        reading.status(campaign),
        list(reading.campaigns()),
        list(reading.rejects(campaign)),
        [reading.reject_at(campaign, index) for index in (0, 3)],
        reading.wait_for_transitions(campaign, after="-", at_most_ms=1),
        reading.latest_transitions(campaign, 3),
        reading.batch_records([BatchId.of(campaign, 0), BatchId.of(campaign, 2)]),
        reading.rows(BatchId.of(campaign, 1)),
        reading.account_of(campaign),
        listing.campaigns(listing.campaign_ids(10)),
        listing.outlines(campaign, range(3)),
    ]


@pytest.mark.usefixtures("in_pages")
def test_what_is_read_during_a_compaction_is_the_same_as_before(harness: CompactionHarness) -> None:
    campaign = everything(harness)
    before = reads_at_once(harness, campaign)
    keys = {key: harness.client.dump(key) for key in harness.client.scan_iter()}
    compacted, requests = [True], 0
    while compacted:
        harness.client.flushdb()
        for key, content in keys.items():
            harness.client.restore(key, 0, content)
        compacted.clear()

        with before_request(requests, lambda: compacted.append(harness.compact(campaign))):
            during = reads_at_once(harness, campaign)

        assert during == before, f"compacted before request {requests}"
        requests += 1
    assert requests > 20


@pytest.mark.usefixtures("in_pages")
def test_every_read_returns_the_same_as_before(harness: CompactionHarness) -> None:
    campaign = everything(harness)
    harness.accepted(1)
    before = harness.reads(campaign)

    assert harness.compact(campaign)

    assert harness.reads(campaign) == before


def test_a_compacted_campaign_has_one_key_of_its_own(harness: CompactionHarness, in_pages: bool) -> None:
    campaign = harness.closed(1, 1, 1, 1, 1, rejects=3)

    assert harness.compact(campaign)

    pages = [f"bsg:campaign:{campaign}:pages"] if in_pages else []
    assert harness.keys(campaign) == [*pages, f"bsg:campaign:{campaign}:record"]
    assert all(harness.client.ttl(key) == -1 for key in harness.keys(campaign))
    assert harness.client.zscore("bsg:closed", campaign) is None
    assert harness.ledger.due_indexes.take_due(DueIndex.UNFINISHED, at_most=9, put_off_ms=0) == []


@pytest.mark.usefixtures("in_pages")
def test_a_compaction_that_dies_between_two_steps_is_finished_by_upkeep(harness: CompactionHarness) -> None:
    campaign = harness.closed(1, 1, 1, 1, 1, rejects=3)
    before = harness.reads(campaign)
    assert harness.commit(campaign)
    after_commit, keys = harness.reads(campaign), harness.keys(campaign)
    due = harness.ledger.due_indexes.take_due(DueIndex.UNFINISHED, at_most=9, put_off_ms=0)
    assert harness.scripts.step("remove_compacted", campaign) == "more"
    after_step = harness.reads(campaign)

    harness.ledger.campaigns.finish(campaign)

    assert f"bsg:campaign:{campaign}:batch:0" in keys
    assert due == [campaign]
    assert after_commit == after_step == harness.reads(campaign) == before
    assert not [key for key in harness.keys(campaign) if ":batch:" in key or ":chunk:" in key or key.endswith(":left")]
    assert harness.ledger.due_indexes.take_due(DueIndex.UNFINISHED, at_most=9, put_off_ms=0) == []


def test_pages_of_a_compaction_that_dies_before_its_commit_expire(
    harness: CompactionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.closed(1, 1, rejects=3)
    monkeypatch.setitem(compaction.ROWS_INSIDE, "rejects", 1)
    before = harness.reads(campaign)
    run = Scripts.run

    def dying(scripts: Scripts, name: str, *arguments: Any) -> Any:
        if name == "compact":
            raise KeyboardInterrupt
        return run(scripts, name, *arguments)

    with monkeypatch.context() as dies:
        dies.setattr(Scripts, "run", dying)
        with pytest.raises(KeyboardInterrupt):
            harness.compact(campaign)

    (stored,) = [key for key in harness.keys(campaign) if ":pages:" in key]
    assert 0 < harness.client.pttl(stored) <= 600_000
    assert harness.reads(campaign) == before
    assert harness.compact(campaign)
    assert harness.reads(campaign) == before


@pytest.mark.parametrize("lost", ["one", "all"])
def test_a_campaign_whose_pages_expired_is_not_compacted(
    harness: CompactionHarness, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    campaign = harness.closed(1, 1, 1, rejects=3)
    monkeypatch.setitem(compaction.ROWS_INSIDE, "rejects", 1)
    monkeypatch.setitem(compaction.ROWS_INSIDE, "batches", 1)
    before = harness.reads(campaign)

    def expire() -> None:
        (stored,) = [key for key in harness.keys(campaign) if ":pages:" in key]
        if lost == "all":
            harness.client.delete(stored)
        else:
            harness.client.hdel(stored, "rejects:0")

    with before_the_commit(expire):
        assert not harness.compact(campaign)

    assert harness.reads(campaign) == before


@contextmanager
def before_the_commit(change: Callable[[], Any]) -> Iterator[None]:
    """Let something happen when everything is read, and nothing is written yet."""
    run = Scripts.run
    with pytest.MonkeyPatch.context() as patch:

        def changed_first(scripts: Scripts, name: str, *arguments: Any) -> Any:
            if name == "compact":
                patch.undo()
                change()
            return run(scripts, name, *arguments)

        patch.setattr(Scripts, "run", changed_first)
        yield


def changes(harness: CompactionHarness, campaign: str) -> dict[str, Callable[[], Any]]:
    deadline_ms = harness.ledger.due_indexes.now_ms() + HOUR_MS
    return {
        "pause": lambda: harness.ledger.campaigns.pause(campaign),
        "cancel": lambda: harness.ledger.campaigns.cancel(campaign),
        "begun cancel": lambda: harness.scripts.run("cancel", campaign),
        "retry of nothing": lambda: harness.ledger.campaigns.retry(campaign, deadline_ms=deadline_ms),
        "second id": lambda: harness.taken(campaign, 0, 900 + harness.client.hlen(f"bsg:account:{ACCOUNT}:owners")),
        "rejects": lambda: harness.shrink(campaign, (0, '{"index": 0}'), state="finished", size=1),
        "field": lambda: harness.client.hset(f"bsg:campaign:{campaign}", "held_until", 1),
    }


@pytest.mark.parametrize(
    "change", ["pause", "cancel", "begun cancel", "retry of nothing", "second id", "rejects", "field"]
)
def test_what_changes_between_reading_and_writing_is_not_lost(
    harness: CompactionHarness, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    campaign, other = harness.closed(1, 1), harness.closed(1, 1)
    changes(harness, other)[change]()

    with before_the_commit(changes(harness, campaign)[change]):
        assert not harness.compact(campaign)

    assert harness.counts(campaign) == harness.counts(other)
    assert harness.causes(campaign) == harness.causes(other)
    assert harness.client.exists(f"bsg:campaign:{campaign}:record") == 0


def test_a_poll_that_comes_after_the_last_one_changes_nothing(harness: CompactionHarness) -> None:
    campaign = harness.closed(1)
    before = harness.reads(campaign)

    assert harness.last_poll(BatchId.of(campaign, 0), statistics='{"delivered": 7}') == "stale"

    assert harness.reads(campaign) == before


def test_the_last_poll_between_the_reading_of_a_batch_and_of_its_indexes_is_not_lost(
    harness: CompactionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.closed(1)
    batch = BatchId.of(campaign, 0)
    harness.client.zadd(f"bsg:account:{ACCOUNT}:live", {batch: 1})

    def polled_meanwhile(raw: dict[bytes, bytes]) -> dict[str, str]:
        if b"bsg_campaign_id" in raw:
            harness.last_poll(batch, statistics='{"delivered": 7}')
        return decoded(raw)

    with monkeypatch.context() as polls:
        polls.setattr(compaction, "decoded", polled_meanwhile)
        compacted = harness.compact(campaign)

    assert not compacted
    assert harness.last_poll(batch, statistics='{"delivered": 7}') == "finished"
    assert harness.compact(campaign)
    assert harness.ledger.reading.batch(batch).statistics == {"delivered": 7}


def test_two_workers_that_compact_at_once_write_one_record(
    harness: CompactionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(compaction.ROWS_INSIDE, "rejects", 1)
    campaign = harness.closed(1, 1, 1, rejects=3)
    before, second = harness.reads(campaign), list[bool]()

    with before_the_commit(lambda: second.append(harness.compact(campaign))):
        first = harness.compact(campaign)

    assert (first, second) == (False, [True])
    assert harness.reads(campaign) == before
    assert len([key for key in harness.keys(campaign) if ":pages:" in key]) == 1, "it expires"


# What is not compacted


def test_a_campaign_that_has_just_closed_is_not_compacted(harness: CompactionHarness) -> None:
    campaign = harness.closed(1)
    harness.client.zadd("bsg:closed", {campaign: harness.ledger.due_indexes.now_ms() - DAY_MS + HOUR_MS})

    assert not harness.compact(campaign)
    assert harness.ledger.compaction.compact(campaign, closed_for_ms=0)


def test_an_open_campaign_is_not_compacted(harness: CompactionHarness) -> None:
    campaign = harness.prepared(1)

    assert not harness.compact(campaign)
    with_a_row_of_the_index = harness.closed(1)
    harness.client.zrem("bsg:closed", with_a_row_of_the_index)
    assert not harness.compact(with_a_row_of_the_index)


def test_a_campaign_that_is_opened_between_reading_and_writing_is_not_compacted(
    harness: CompactionHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = harness.closed(1)

    with before_the_commit(lambda: harness.client.zrem("bsg:closed", campaign)):
        assert not harness.compact(campaign)


@pytest.mark.parametrize("half", [False, True])
def test_a_campaign_whose_messages_may_be_retried_is_not_compacted(harness: CompactionHarness, half: bool) -> None:
    campaign = harness.prepared(1, 1, 1)
    harness.pass_deadline(campaign)
    harness.ledger.campaigns.expire(campaign)
    harness.client.zadd("bsg:closed", {campaign: 1})
    if half:
        assert harness.scripts.step("forget_bodies", campaign) == "more"

    assert not harness.compact(campaign)
    harness.ledger.campaigns.forget_bodies(campaign)
    assert harness.compact(campaign)


@pytest.mark.parametrize(
    "index", ["leases", "doubt", "live", "needs-operator", "paused-at-bsg", "in-moderation", "spam-at-bsg", "stops"]
)
def test_a_campaign_with_a_batch_in_an_index_is_not_compacted(harness: CompactionHarness, index: str) -> None:
    campaign = harness.closed(1, 1)
    member = "101" if index == "stops" else f"{campaign}-1"
    harness.client.zadd(f"bsg:account:{ACCOUNT}:{index}", {member: 1})

    assert not harness.compact(campaign)
    harness.client.zrem(f"bsg:account:{ACCOUNT}:{index}", member)
    assert harness.compact(campaign)


def test_a_campaign_is_not_compacted_while_bsg_may_turn_out_to_have_an_unsent_batch(
    harness: CompactionHarness,
) -> None:
    campaign = harness.prepared(1)
    lease = harness.unconfirmed(campaign)
    assert harness.absent(lease, window_ms=HOUR_MS) == "pending"
    harness.pass_deadline(campaign)
    harness.ledger.campaigns.expire(campaign)
    harness.aged(campaign)

    compacted = harness.compact(campaign)

    assert not compacted
    assert harness.taken(campaign, 0, 100) == "submitted", "a late id is recorded"


def test_a_campaign_with_steps_left_is_not_compacted(harness: CompactionHarness) -> None:
    campaign = harness.closed(1)
    harness.client.zadd("bsg:unfinished", {campaign: 1})

    assert not harness.compact(campaign)


# A compacted campaign


def compacted(harness: CompactionHarness, **changes: Any) -> str:
    campaign = harness.closed(1, 1, 1, rejects=2, **changes)
    assert harness.compact(campaign)
    return campaign


def test_a_compacted_campaign_is_found_by_its_idempotency_key(harness: CompactionHarness) -> None:
    acceptance = harness.acceptance([1], idempotency_key="order-7")
    campaign = compacted(harness, idempotency_key="order-7")

    assert harness.accept(acceptance).kind == "duplicate"
    assert harness.accept(acceptance).campaign_id == campaign


def test_a_known_id_of_a_compacted_batch_is_known_and_another_is_an_alarm(harness: CompactionHarness) -> None:
    campaign = compacted(harness)
    before, alarms = harness.reads(campaign), harness.ledger.reading.alarms()

    assert harness.taken(campaign, 0, 100) == "known"
    assert harness.ledger.reading.alarms() == alarms
    assert harness.taken(campaign, 0, 777) == "gone"
    assert harness.ledger.reading.alarms() == alarms + 1
    assert harness.reads(campaign) == before


def test_nothing_changes_a_batch_that_a_compaction_has_not_removed_yet(harness: CompactionHarness) -> None:
    campaign = harness.closed(1, 1, 1, 1)
    assert harness.commit(campaign)
    before, batch = harness.reads(campaign), BatchId.of(campaign, 0)
    assert harness.client.exists(f"bsg:campaign:{campaign}:batch:0")
    harness.client.zadd(f"bsg:account:{ACCOUNT}:live", {batch: 1})

    earlier = harness.ledger.batches.taken_earlier(
        batch, account=ACCOUNT, counted=100, counts=777, bsg_status="done", next_poll_ms=0, others={}
    )
    replies = (
        harness.taken(campaign, 0, 777),
        harness.last_poll(batch),
        harness.shrink(campaign, (0, "{}"), state="finished", size=1),
        earlier,
    )

    assert replies == ("gone", "stale", "stale", "stale")
    assert harness.client.exists(f"bsg:campaign:{campaign}") == 0
    assert harness.reads(campaign) == before


def test_delivery_reports_of_a_compacted_campaign_are_recorded(harness: CompactionHarness) -> None:
    campaign = compacted(harness)
    id = f"{campaign}000000"
    report = PushedReport(campaign, 0, id, id, "delivered", None, None, None, None)

    harness.ledger.delivery_reports.record([report, PushedReport("unknown", 0, "x", "x", "delivered", *[None] * 4)])

    assert [one.campaign_id for one in harness.ledger.delivery_reports.after(None)] == [campaign]


def test_a_compacted_campaign_is_controlled_without_effect(harness: CompactionHarness) -> None:
    campaign = compacted(harness)
    before, campaigns = harness.reads(campaign), harness.ledger.campaigns

    assert campaigns.pause(campaign)
    assert campaigns.resume(campaign) is True
    assert campaigns.cancel(campaign) == (0, 3)
    assert campaigns.retry(campaign, deadline_ms=None) == ("retried", 0)
    assert campaigns.retry(campaign, deadline_ms=1) == ("late", 0)
    assert harness.reads(campaign) == before


def test_a_retry_of_a_compacted_campaign_says_why_it_comes_too_late(harness: CompactionHarness) -> None:
    expired = everything(harness)
    cancelled = harness.prepared(1)
    harness.ledger.campaigns.cancel(cancelled)
    harness.aged(cancelled)
    deadline_ms = harness.ledger.due_indexes.now_ms() + HOUR_MS
    before = [harness.ledger.campaigns.retry(one, deadline_ms=deadline_ms) for one in (expired, cancelled)]

    assert harness.compact(expired)
    assert harness.compact(cancelled)

    after = [harness.ledger.campaigns.retry(one, deadline_ms=deadline_ms) for one in (expired, cancelled)]
    assert before == after == [("forgotten", 0), ("cancelled", 0)]


# Forgetting


@pytest.mark.usefixtures("in_pages")
def test_nothing_is_left_of_a_compacted_campaign_that_is_forgotten(harness: CompactionHarness) -> None:
    kept = compacted(harness)
    before = everything_in(harness)
    campaign = everything(harness)
    assert harness.compact(campaign)

    assert harness.ledger.compaction.forget(campaign)

    assert everything_in(harness) == before
    assert not harness.ledger.compaction.forget(campaign)
    assert everything_in(harness) == before
    assert harness.ledger.reading.summary(campaign) is None
    assert harness.ledger.reading.summary(kept) is not None


def everything_in(harness: CompactionHarness) -> dict[str, Any]:
    """Return the keys that only campaigns write."""
    client = harness.client
    hashes = ("bsg:messages", f"bsg:account:{ACCOUNT}:owners")
    return {
        "keys": sorted(key for pattern in ("bsg:campaign:*", "bsg:idempotency:*") for key in client.scan_iter(pattern)),
        "indexes": [client.zrange(f"bsg:{index}", 0, -1) for index in ("campaigns", "open", "closed", "unfinished")],
        **{key: {name: value for name, value in client.hgetall(key).items() if value != b"0"} for key in hashes},
    }


def test_a_compacted_campaign_with_steps_left_is_forgotten_when_they_are_taken(harness: CompactionHarness) -> None:
    campaign = harness.closed(1, 1, 1, 1, 1)
    assert harness.commit(campaign)

    early = harness.ledger.compaction.forget(campaign)
    harness.ledger.campaigns.finish(campaign)

    assert not early
    assert harness.ledger.compaction.forget(campaign)
    assert harness.keys(campaign) == []


def test_owners_that_were_copied_to_another_key_are_forgotten_too_and_those_of_other_batches_stay(
    harness: CompactionHarness,
) -> None:
    campaign = compacted(harness)
    harness.ledger.keys.note("new", name="default", address="https://bsg", bsg_account="")
    harness.client.hset("bsg:account:new:owners", mapping={"100": f"{campaign}-0", "101": "other-7"})

    assert harness.ledger.compaction.forget(campaign)

    assert harness.client.hgetall("bsg:account:new:owners") == {b"101": b"other-7"}
    assert harness.client.hgetall(f"bsg:account:{ACCOUNT}:owners") == {}


def test_compacted_campaigns_are_due_for_forgetting_by_their_end_and_not_by_their_acceptance(
    harness: CompactionHarness,
) -> None:
    campaign = compacted(harness)
    now_ms = harness.ledger.due_indexes.now_ms()
    harness.client.zadd("bsg:campaigns", {campaign: now_ms - 100 * DAY_MS})

    assert harness.ledger.compaction.closed_before(now_ms - 3 * DAY_MS) == []
    assert harness.ledger.compaction.closed_before(now_ms - DAY_MS) == [campaign]


def test_a_campaign_that_is_not_compacted_is_neither_removed_nor_forgotten_as_one(harness: CompactionHarness) -> None:
    campaign = harness.closed(1)
    harness.client.zadd("bsg:unfinished", {campaign: 1})
    before = harness.reads(campaign)

    assert harness.scripts.step("remove_compacted", campaign) == "done"
    assert harness.client.zscore("bsg:unfinished", campaign) == 1
    assert not harness.ledger.compaction.forget(campaign)
    assert harness.scripts.run("forget_compacted", campaign, "", "", "finished", "1") == [b"gone"]
    assert harness.reads(campaign) == before


# Another key


def rekeyed(harness: CompactionHarness, campaign: str, **changes: str) -> str:
    values = {"name": DEFAULT_ACCOUNT, "address": "https://bsg", "bsg_account": "208", "by": "worker", **changes}
    return harness.ledger.keys.rekey(campaign, old=ACCOUNT, account="new", **values).kind.value


def under_an_old_key(harness: CompactionHarness, *, seconds_ago: float = 60, bsg_account: str = "208") -> str:
    """Return a compacted campaign of a key that no process has any more."""
    campaign = compacted(harness)
    harness.ledger.keys.note(ACCOUNT, name=DEFAULT_ACCOUNT, address="https://bsg", bsg_account=bsg_account)
    harness.client.zincrby("bsg:keys", -1000 * seconds_ago, ACCOUNT)
    return campaign


@pytest.mark.usefixtures("in_pages")
def test_a_compacted_campaign_moves_to_another_key_of_its_account_at_bsg(harness: CompactionHarness) -> None:
    campaign = under_an_old_key(harness)
    before = harness.reads(campaign)
    harness.ledger.keys.inherit("new", old=ACCOUNT, bsg_account="208")

    listed = list(harness.ledger.keys.campaigns_of(ACCOUNT, name=DEFAULT_ACCOUNT))
    assert rekeyed(harness, campaign) == "moved"

    after = harness.reads(campaign)
    assert listed == [campaign]
    assert after["account"] == ("new", DEFAULT_ACCOUNT)
    assert (after["rejects"], after["transitions"], after["each batch"]) == (
        before["rejects"],
        before["transitions"],
        before["each batch"],
    )
    assert harness.client.hlen(f"bsg:account:{ACCOUNT}:owners") == 0
    assert harness.client.hlen("bsg:account:new:owners") == 3
    assert harness.ledger.keys.owners(DEFAULT_ACCOUNT) == {"new"}
    assert rekeyed(harness, campaign) == "stale"
    assert harness.ledger.compaction.forget(campaign)
    assert harness.client.hlen("bsg:account:new:owners") == 0


@pytest.mark.parametrize(
    ("old", "claimed", "kind"),
    [
        ({"seconds_ago": 20}, {}, "in_use"),
        ({"bsg_account": ""}, {}, "unproved"),
        ({"bsg_account": ""}, {"bsg_account": ""}, "unproved"),
        ({}, {"bsg_account": "209"}, "unproved"),
        ({}, {"address": "https://sandbox"}, "unproved"),
    ],
)
def test_a_compacted_campaign_stays_where_nothing_proves_that_both_keys_are_of_one_account(
    harness: CompactionHarness, old: dict[str, Any], claimed: dict[str, str], kind: str
) -> None:
    campaign = under_an_old_key(harness, **old)
    before = harness.reads(campaign)

    assert rekeyed(harness, campaign, **claimed) == kind

    assert harness.reads(campaign) == before


def test_a_compacted_campaign_that_is_moved_or_forgotten_meanwhile_is_not_written_again(
    harness: CompactionHarness,
) -> None:
    campaign = under_an_old_key(harness)
    record = harness.client.get(f"bsg:campaign:{campaign}:record")
    assert harness.ledger.compaction.forget(campaign)

    reply = harness.scripts.run("rekey_record", campaign, ACCOUNT, "https://bsg", "208", record, record)

    assert reply == [b"stale"]
    assert harness.keys(campaign) == []


# Many of them


def test_the_first_of_many_campaigns_are_read_without_the_others(harness: CompactionHarness) -> None:
    campaign = compacted(harness)
    record = harness.client.get(f"bsg:campaign:{campaign}:record")
    with harness.client.pipeline(transaction=False) as pipe:
        for number in range(2_000):
            pipe.set(f"bsg:campaign:c{number}:record", record)
            pipe.zadd("bsg:campaigns", {f"c{number}": number})
        pipe.execute()
    harness.client.config_resetstat()

    newest = [summary.campaign_id for summary in islice(harness.ledger.reading.campaigns(), 3)]
    ids = harness.ledger.listing.campaign_ids(2_001)
    page = [listed.summary.campaign_id for listed in harness.ledger.listing.campaigns(ids[1_000:1_002])]

    commands = harness.client.info("commandstats")
    assert newest == [campaign, "c1999", "c1998"]
    assert page == ["c1000", "c999"]
    assert commands["cmdstat_get"]["calls"] <= 510
    assert commands["cmdstat_hgetall"]["calls"] <= 510
