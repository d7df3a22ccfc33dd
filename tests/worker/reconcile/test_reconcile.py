"""What a look at BSG comes to, whatever BSG shows; and how many looks it takes to believe it."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from bsg_client.bsg_client import BSGClient
from bsg_client.lists import NewestFirst
from bsg_client.responses import CampaignDetail, MessageRow
from bsg_config import clock
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.records import BatchRecord
from bsg_ledger.states import BatchState
from bsg_messages.bodies import unpacked
from bsg_sandbox.server import Sandbox
from bsg_worker.bsg_time import BSGTime
from bsg_worker.reconcile.lookup import Finding, Found, Lookup, NoTrace, Undecided, UsedBefore
from bsg_worker.reconcile.reconcile import reconcile
from bsg_worker.runtime import build
from tests.worker.harness import WorkerHarness

INTENT = datetime(2026, 1, 10, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class AtBSG:
    """A campaign at BSG. `has` are the reference ids that it lists, of `total` messages."""

    id: int
    has: Sequence[str] = ()
    total: int | None = 2
    status: str = "sending"
    created: datetime | None = INTENT + timedelta(minutes=1)


@dataclass
class FakeProvider:
    campaigns_there: Sequence[AtBSG]
    filters: bool = True
    of_no_campaign: Sequence[str] = ()

    def campaign(self, bsg_id: int) -> CampaignDetail:
        (there,) = (there for there in self.campaigns_there if there.id == bsg_id)
        printed = None if there.created is None else there.created.replace(tzinfo=None)
        return CampaignDetail(there.id, there.status, None, printed, {}, None, None, there.total, None, None)

    def campaigns(self, since: datetime, until: datetime) -> Iterator[CampaignDetail]:
        return (self.campaign(there.id) for there in self.campaigns_there)

    def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterator[MessageRow]:
        rows = [(there.id, own) for there in self.campaigns_there for own in there.has]
        rows += [(cast(int, None), own) for own in self.of_no_campaign]
        for campaign_id_of_row, own in rows:
            if not self.filters or (campaign_id in (None, campaign_id_of_row) and reference_id in (None, own)):
                yield MessageRow(1, campaign_id_of_row, own, "sent", None, None, None, None, None)


def without(owners: Mapping[int, str]) -> Callable[[Sequence[int]], list[int]]:
    return lambda bsg_ids: [bsg_id for bsg_id in bsg_ids if bsg_id not in owners]


def looked(
    *there: AtBSG,
    size: int = 2,
    owners: dict[int, str] | None = None,
    zone_minutes: int | None = 0,
    suspects: Sequence[int] = (),
    **provider: Any,
) -> Finding:
    """Return a look for a batch c-0 of messages m0, m1, …"""
    record = BatchRecord(
        id=BatchId("c-0"),
        state=BatchState.UNCONFIRMED,
        size=size,
        attempts=1,
        first_intent_at=INTENT,
        doubt=True,
        suspects=suspects,
    )
    zone = SimpleNamespace(minutes_off=lambda: zone_minutes)
    time = BSGTime(cast(Any, zone), ZoneInfo("UTC"))
    known = owners or {}
    look = Lookup(FakeProvider(there, **provider), time, known.get, without(known), INTENT + timedelta(hours=1))
    return look.look(record, [{"reference_id": f"m{number}"} for number in range(size)])


def ids_of(finding: Finding) -> list[int]:
    assert isinstance(finding, Found), finding
    return [campaign.id for campaign in finding.campaigns]


def test_a_campaign_with_our_messages_since_the_intent_is_the_batch() -> None:
    assert ids_of(looked(AtBSG(7, ["m0", "m1"]))) == [7]


@pytest.mark.parametrize(
    "finding",
    [
        pytest.param(lambda: looked(of_no_campaign=["m0"]), id="a message of no campaign"),
        pytest.param(lambda: looked(AtBSG(7, ["m0", "m1"], created=None)), id="a time that is not known"),
        pytest.param(lambda: looked(AtBSG(7, ["m0", "m1"], total=3)), id="a campaign of more messages"),
        pytest.param(lambda: looked(AtBSG(7)), id="an orphan campaign of that size"),
        pytest.param(lambda: looked(AtBSG(7, status="creation", total=1)), id="an orphan campaign in creation"),
        pytest.param(lambda: looked(AtBSG(7, ["x0"])), id="a campaign that lists half"),
    ],
)
def test_what_does_not_fit_is_undecided(finding: Any) -> None:
    assert isinstance(finding(), Undecided)


def test_an_id_in_another_campaign_that_does_not_list_it_is_undecided() -> None:
    class Forgetful(FakeProvider):
        def messages(self, campaign_id: int | None = None, reference_id: str | None = None) -> Iterator[MessageRow]:
            return iter(()) if campaign_id else super().messages(reference_id=reference_id)

    owners = {7: "other-0"}
    look = Lookup(Forgetful([AtBSG(7, ["m0"])]), cast(Any, None), owners.get, without(owners), INTENT)
    record = SimpleNamespace(id="c-0", since=INTENT, suspects=(), size=1)

    assert isinstance(look.look(cast(Any, record), [{"reference_id": "m0"}]), Undecided)


@pytest.mark.parametrize(
    "finding",
    [
        pytest.param(lambda: looked(AtBSG(7), owners={7: "other-0"}), id="it has an owner"),
        pytest.param(lambda: looked(AtBSG(7, created=INTENT - DAY)), id="it is older"),
        pytest.param(
            lambda: looked(AtBSG(7, created=INTENT - 2 * DAY), zone_minutes=None), id="it is older in any zone"
        ),
        pytest.param(lambda: looked(AtBSG(7, total=3)), id="it has another size"),
        pytest.param(lambda: looked(AtBSG(7, ["x0", "x1"])), id="it lists other messages, all of them"),
    ],
)
def test_what_is_surely_another_is_no_trace(finding: Any) -> None:
    assert isinstance(finding(), NoTrace)


def test_a_campaign_without_an_owner_that_lists_ours_is_found() -> None:
    # BSG shows none of the ids that are looked up. Its list of campaigns is the other half of the evidence.
    assert ids_of(looked(AtBSG(7, ["m3"], total=9), size=9)) == [7]


def test_where_filters_are_ignored_another_batch_is_no_trace() -> None:
    assert isinstance(looked(AtBSG(7, ["x0", "x1", "x2"], total=3), filters=False), NoTrace)


def test_a_campaign_of_another_batch_means_that_the_id_was_used_before() -> None:
    assert looked(AtBSG(7, ["m1"]), owners={7: "other-0"}) == UsedBefore(frozenset({1}))


def test_an_older_campaign_means_that_the_id_was_used_before() -> None:
    assert looked(AtBSG(7, ["m1"], created=INTENT - DAY)) == UsedBefore(frozenset({1}))


def test_only_what_the_older_campaign_has_was_used_before_where_filters_are_ignored() -> None:
    older, another = AtBSG(7, ["m0"], created=INTENT - DAY), AtBSG(8, ["m3"])

    assert looked(older, another, size=9, filters=False) == UsedBefore(frozenset({0}))


def test_in_an_unknown_zone_half_a_day_makes_nothing_older() -> None:
    half_a_day_ago = INTENT - timedelta(hours=12)

    assert isinstance(looked(AtBSG(7, ["m0", "m1"], created=half_a_day_ago), zone_minutes=None), Undecided)


def test_what_is_surely_ours_outweighs_what_does_not_fit() -> None:
    assert ids_of(looked(AtBSG(7, ["m0", "m1"]), of_no_campaign=["m0"])) == [7]


def test_ids_from_all_over_the_batch_are_looked_up() -> None:
    assert looked(AtBSG(7, ["m8"], created=INTENT - DAY), size=9) == UsedBefore(frozenset({8}))


def test_an_id_that_bsg_complained_of_is_looked_up() -> None:
    older = AtBSG(7, ["m3"], created=INTENT - DAY)

    assert looked(older, size=9, suspects=[3]) == UsedBefore(frozenset({3}))
    assert isinstance(looked(older, size=9), NoTrace)


# How many looks


def looks(harness: WorkerHarness) -> str:
    harness.make_due(DueIndex.DOUBT)
    return reconcile(harness.runtime)


def test_one_look_without_a_trace_decides_nothing(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_DUPLICATE_WINDOW="3600")
        campaign = harness.prepared(1)
        harness.unconfirmed(campaign)

        assert looks(harness) == "no trace yet"
        assert harness.batch(campaign).state == "unconfirmed"


def test_of_a_list_of_thousands_the_ledger_shows_which_belong_to_no_batch(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        harness.taken(harness.prepared(1), 0, 2_200)
    listed = range(1, 2_501)

    assert harness.runtime.ledger.reading.orphans(harness.runtime.account.id, listed) == {*listed} - {2_200}
    assert harness.runtime.ledger.reading.orphans(harness.runtime.account.id, []) == frozenset()


def test_many_in_doubt_at_once_share_what_is_read_of_bsgs_campaigns(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        array = json.dumps([{"phone": 380_670_000_000, "sender": "MyShop", "text": "x", "reference_id": "x"}]).encode()
        harness.runtime.client.send_individual(array, {}, lambda: True)
        for _ in range(5):
            harness.unconfirmed(harness.prepared(1))
        asked_before = len(sandbox.requests())

        assert looks(harness) == "; ".join(["no trace yet"] * 5)
        asked = Counter(seen.path for seen in sandbox.requests()[asked_before:])

    assert asked["/api/campaigns"] == 1
    assert asked["/api/campaigns/1000001/detail"] == 1
    assert asked["/api/messages"] == 5 + 1  # each one's reference id, and the orphan's messages


def test_a_list_that_has_almost_been_read_is_read_to_its_end(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        for first in range(0, 6000, 500):
            harness.taken(harness.prepared(1), 0, sent_by_others(harness, first, 500))
        campaign = harness.prepared(70)
        for _ in range(70):
            harness.unconfirmed(campaign)
        sandbox.advance(60)
        sandbox.fault("latency", seconds=0.1, method="GET", path="/api/messages")
        asked_before = len(sandbox.requests())

        assert looks(harness) == "; ".join(["no trace yet"] * 70)
        asked = Counter(seen.path for seen in sandbox.requests()[asked_before:])

    assert asked["/api/messages"] < 20, "the reference ids were looked up one by one"


def requests_for_doubts(redis_url: str, count: int, *, at_bsg: bool = False) -> Counter[str]:
    """Return the requests of one pass for so many batches of five messages in doubt, beside 1 000 messages of
    others."""
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="5", BSG_DUPLICATE_WINDOW="3600")
        for first in range(0, 1000, 500):
            harness.taken(harness.prepared(1), 0, sent_by_others(harness, first, 500))
        campaign = harness.prepared(5 * count)
        if at_bsg:
            sandbox.fault("cut_after", times=count)
        for _ in range(count):
            lease = harness.posting(campaign)
            if at_bsg:
                body = unpacked(lease.body, campaign, harness.runtime.cipher)
                harness.runtime.client.send_individual(body, {}, lambda: True)
            harness.doubtful(lease)
        sandbox.advance(60)
        asked_before = len(sandbox.requests())

        outcome = looks(harness)

        assert outcome.split("; ")[:count] == ["submitted" if at_bsg else "no trace yet"] * count
        harness.runtime.redis.flushdb()
        return Counter(re.sub("[0-9]+", "N", seen.path) for seen in sandbox.requests()[asked_before:])


def sent_by_others(harness: WorkerHarness, first: int, count: int) -> int:
    rows = [
        {"phone": 380_671_000_000 + number, "sender": "MyShop", "text": "x", "reference_id": f"x{number}"}
        for number in range(first, first + count)
    ]
    campaign = harness.runtime.client.send_individual(json.dumps(rows).encode(), {}, lambda: True).campaign
    assert campaign is not None
    return campaign.id


def test_many_doubts_cost_as_many_requests_as_few(redis_url: str) -> None:
    assert requests_for_doubts(redis_url, 5) == requests_for_doubts(redis_url, 200)


def test_many_doubts_that_bsg_has_are_found_in_its_lists(redis_url: str) -> None:
    few, many = (requests_for_doubts(redis_url, count, at_bsg=True) for count in (5, 200))

    assert many["/api/campaigns"] == few["/api/campaigns"]
    assert many["/api/messages"] <= few["/api/messages"] + 3  # 1 000 messages more are two pages more
    assert many["/api/campaigns/N/detail"] == few["/api/campaigns/N/detail"]


def test_many_doubts_are_decided_in_a_few_passes_while_three_of_ten_requests_fail(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(
            redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1", BSG_DUPLICATE_WINDOW="3600", BSG_CONFIRM_WITHIN="0"
        )
        campaign = harness.prepared(120)
        for _ in range(120):
            harness.unconfirmed(campaign)
        sandbox.fault("server_error_before", probability=0.15, seed=1, method="GET", path="/api/*")
        sandbox.fault("cut_before", probability=0.15, seed=2, method="GET", path="/api/*")

        passes = [looks(harness) for _ in range(6)]

        assert harness.status(campaign).counts["unconfirmed"] == 0, passes


def test_messages_that_are_not_listed_in_order_are_looked_up_one_by_one(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def oldest_first(client: BSGClient) -> NewestFirst[MessageRow]:
        newest = newest_messages(client)
        get = newest._get
        monkeypatch.setattr(newest, "_get", lambda query: get({**query, "way": "asc"}))
        return newest

    newest_messages = BSGClient.newest_messages
    monkeypatch.setattr(BSGClient, "newest_messages", oldest_first)

    assert requests_for_doubts(redis_url, 5)["/api/messages"] == 1 + 25


def test_a_look_proves_nothing_of_later_than_the_beginning_of_its_pass(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    look = Lookup.among_orphans

    def slow(*arguments: Any) -> Finding:
        nonlocal now
        now += 10
        return look(*arguments)

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="8", BSG_DUPLICATE_WINDOW="3600")
        harness.unconfirmed(harness.prepared(1))
        assert looks(harness) == "no trace yet"
        now += 5
        monkeypatch.setattr(Lookup, "among_orphans", slow)

        assert looks(harness) == "no trace yet"
        assert looks(harness) == "pending"


def test_a_first_look_is_as_young_as_what_its_pass_read_last(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    look = Lookup.among_orphans

    def slow(*arguments: Any) -> Finding:
        nonlocal now
        now += 10
        return look(*arguments)

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="8", BSG_DUPLICATE_WINDOW="3600")
        harness.unconfirmed(harness.prepared(1))
        monkeypatch.setattr(Lookup, "among_orphans", slow)
        assert looks(harness) == "no trace yet"
        monkeypatch.setattr(Lookup, "among_orphans", look)
        now += 1

        assert looks(harness) == "no trace yet", "a second look came a second after the first"
        now += 7
        assert looks(harness) == "pending"


def test_a_pass_proves_nothing_of_an_attempt_that_is_made_in_the_middle_of_it(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    look = Lookup.by_reference_ids
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="8", BSG_DUPLICATE_WINDOW="3600")
        campaign = harness.prepared(1)
        harness.unconfirmed(campaign)

        def sent_again_meanwhile(*arguments: Any) -> Finding | None:
            nonlocal now
            monkeypatch.setattr(Lookup, "by_reference_ids", look)
            found = look(*arguments)
            harness.producer.resolve(f"{campaign}-0", not_sent=True)
            harness.unconfirmed(campaign)
            now += 7
            return found

        monkeypatch.setattr(Lookup, "by_reference_ids", sent_again_meanwhile)
        assert looks(harness) == ""
        now += 2

        assert looks(harness) == "no trace yet", "a look from before the attempt counted"
        now += 8
        assert looks(harness) == "pending"


def test_a_process_looks_in_one_thread_however_many_ticks_come(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once: list[str] = []
    look = Lookup.by_reference_ids

    def another_tick(*arguments: Any) -> Finding | None:
        if not at_once:
            at_once.append("")
            at_once.append(looks(harness))
        return look(*arguments)

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        harness.unconfirmed(harness.prepared(1))
        monkeypatch.setattr(Lookup, "by_reference_ids", another_tick)

        assert looks(harness) == "no trace yet"
        assert at_once[1] == "another pass is running"
        assert looks(harness) == "no trace yet", "the next pass may run"


def test_no_other_process_takes_what_a_pass_is_looking_at(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    look = Lookup.by_reference_ids
    of_another_process: list[str] = []

    def slow(*arguments: Any) -> Finding | None:
        monkeypatch.setattr(Lookup, "by_reference_ids", look)
        time.sleep(2.5)
        of_another_process.append(reconcile(build(harness.settings)))
        return look(*arguments)

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="2")
        harness.unconfirmed(harness.prepared(1))
        monkeypatch.setattr(Lookup, "by_reference_ids", slow)

        assert looks(harness) == "no trace yet"
        assert of_another_process == [""], "both processes looked for the same batch"
        assert 0 < seconds_until_due(harness) <= 2


def test_a_pass_that_is_killed_delays_what_it_has_taken_by_no_more_than_the_gap(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def slow(*_: Any) -> None:
        time.sleep(2)
        raise Killed

    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_CONFIRM_WITHIN="1")
        harness.unconfirmed(harness.prepared(1))
        monkeypatch.setattr(Lookup, "by_reference_ids", slow)

        with pytest.raises(Killed):
            looks(harness)
        assert 0 < seconds_until_due(harness) <= 1


def test_a_pass_that_is_killed_has_recorded_what_bsgs_list_had_shown(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed_at_the_second(newest: NewestFirst[MessageRow]) -> list[MessageRow]:
        if newest.pages_left is not None:
            raise Killed
        return page(newest)

    page = NewestFirst.page
    monkeypatch.setattr(NewestFirst, "page", killed_at_the_second)
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="1")
        for first in range(0, 6000, 500):
            harness.taken(harness.prepared(1), 0, sent_by_others(harness, first, 500))
        campaign = harness.prepared(30)
        sandbox.fault("cut_after", times=10)
        for number in range(30):
            lease = harness.posting(campaign)
            if number < 10:
                harness.runtime.client.send_individual(
                    unpacked(lease.body, campaign, harness.runtime.cipher), {}, lambda: True
                )
            harness.doubtful(lease)
        sandbox.advance(60)
        sandbox.fault("latency", seconds=0.2, method="GET", path="/api/messages")

        with pytest.raises(Killed):
            looks(harness)

        counts = harness.status(campaign).counts
    assert (counts["submitted"], counts["unconfirmed"]) == (10, 20)


def seconds_until_due(harness: WorkerHarness) -> float:
    indexes, account = harness.runtime.ledger.due_indexes, harness.runtime.account.id
    (due_at,) = indexes.looks(
        DueIndex.DOUBT, indexes.members(DueIndex.DOUBT, account=account), account=account
    ).values()
    return (due_at - indexes.now()).total_seconds()


def test_a_pass_looks_for_several_at_once_as_many_as_a_worker_may_have_in_flight(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, WORKER_IN_FLIGHT="3", CAMPAIGN_BATCH_SIZE="1")
        campaign = harness.prepared(8)
        for _ in range(8):
            harness.unconfirmed(campaign)
        sandbox.fault("latency", seconds=0.1, method="GET", path="/api/*")

        outcome = looks(harness)

        assert outcome == "; ".join(["no trace yet"] * 8)
        assert 1 < sandbox.summary().most_requests_at_once <= 3


def test_what_bsg_has_is_found_before_anything_is_looked_for_among_orphans(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox)
        taken = [harness.prepared(1) for _ in range(4)]
        sandbox.fault("silence_after", times=4)
        for campaign in taken:
            harness.prepare_and_submit(campaign)
        missing = harness.prepared(1)
        harness.unconfirmed(missing)
        asked_before = len(sandbox.requests())

        outcomes = looks(harness).split("; ")
        asked = Counter(seen.path for seen in sandbox.requests()[asked_before:])

    assert outcomes == ["submitted"] * 4 + ["no trace yet"]
    assert sum(asked[f"/api/campaigns/{1_000_001 + number}/detail"] for number in range(4)) == 4
    assert asked["/api/messages"] == 5, "what has an owner by now was read as an orphan"


def test_a_trace_makes_the_looks_before_it_worthless(redis_url: str) -> None:
    with Sandbox() as sandbox:
        harness = WorkerHarness(redis_url, sandbox, BSG_DUPLICATE_WINDOW="3600", BSG_CONFIRM_WITHIN="0")
        harness.unconfirmed(harness.prepared(1))
        first = looks(harness)
        sandbox.fault("late_visibility", seconds=3600)
        array = json.dumps([{"phone": 380_670_000_000, "sender": "MyShop", "text": "x", "reference_id": "x"}]).encode()
        harness.runtime.client.send_individual(array, {}, lambda: True)
        second = looks(harness)
        sandbox.clear_faults()
        sandbox.advance(7200)

        third = looks(harness)

    assert (first, third) == ("no trace yet", "no trace yet")
    assert second == "needs_operator: an orphan BSG campaign of that size"
