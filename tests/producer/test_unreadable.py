"""A compacted campaign whose record cannot be read is shown as such, and ends no list and no purge."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from bsg_cli.errors import ExitCode
from bsg_cli.main import main
from bsg_config.settings_table import SETTINGS
from bsg_ledger import compacted_record, compaction
from bsg_ledger.states import CampaignState
from bsg_ledger.waiting import WaitReason
from bsg_monitor.campaign_view import CampaignView
from bsg_monitor.observer import Observer, ShownCampaign
from bsg_producer import CampaignNotFound, CampaignUnreadable
from bsg_sandbox.server import Sandbox
from bsg_worker.runtime import Runtime
from bsg_worker.upkeep.purge import purge
from tests.producer.test_compacted import let_days_pass
from tests.worker.harness import WorkerHarness

PHONE = 380_661_231_231
DAY = 86_400.0


@pytest.fixture
def harness(redis_url: str) -> Iterator[WorkerHarness]:
    with Sandbox() as sandbox:
        yield WorkerHarness(redis_url, sandbox, CAMPAIGN_BATCH_SIZE="2", BODY_RETENTION="0")


def rows_in_flower(harness: WorkerHarness) -> Sequence[ShownCampaign]:
    return Observer(harness.settings).campaigns(CampaignView()).campaigns


def compacted(harness: WorkerHarness, name: str) -> str:
    """Return a compacted campaign of two batches and a reject."""
    messages: list[dict[str, Any]] = [{"phone": PHONE + number, "text": "Hi"} for number in range(3)]
    enqueued = harness.producer.enqueue([*messages, {"phone": "12", "text": "Hi"}], sender="MyShop", name=name)
    harness.prepare_and_submit(enqueued.campaign_id)
    let_days_pass(harness, enqueued.campaign_id)
    assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"
    return enqueued.campaign_id


def damage(harness: WorkerHarness, campaign: str, change: Callable[[bytes], bytes]) -> None:
    client: Any = harness.runtime.redis
    key = f"bsg:campaign:{campaign}:record"
    client.set(key, change(client.get(key)))


def flipped(written: bytes) -> bytes:
    return written[:9] + bytes([written[9] ^ 1]) + written[10:]


def what_to_do(campaign: str, key: str = "record") -> str:
    key = f"bsg:campaign:{campaign}:{key}"
    return f"its record is damaged, or of a later release: restore the key {key} from a copy of Redis, or update"


def a_day_of_retention(harness: WorkerHarness) -> Runtime:
    return replace(harness.runtime, settings=replace(harness.settings, ledger_retention=DAY))


@pytest.mark.parametrize(
    "change",
    [flipped, lambda written: written[:-9], lambda written: b"", lambda written: b"\x02" + written[1:]],
    ids=["damaged", "cut off", "empty", "of another version"],
)
def test_a_record_that_cannot_be_read_ends_no_list(harness: WorkerHarness, change: Callable[[bytes], bytes]) -> None:
    campaigns = [compacted(harness, name) for name in ("first", "second", "third")]
    unreadable = campaigns[1]
    damage(harness, unreadable, change)

    shown = {one.campaign_id: one for one in harness.producer.campaigns()}
    rows = {row.listed.summary.campaign_id: row for row in rows_in_flower(harness)}

    assert sorted(shown) == sorted(rows) == sorted(campaigns)
    assert [shown[one].name for one in campaigns] == ["first", "", "third"]
    assert [shown[one].state for one in campaigns] == ["done", CampaignState.UNREADABLE, "done"]
    assert shown[unreadable].state.final
    waits = [rows[one].waits_for for one in campaigns]
    assert [wait and (wait.reason, wait.cause) for wait in waits] == [
        None,
        (WaitReason.UNREADABLE_RECORD, what_to_do(unreadable)),
        None,
    ]


def test_what_reads_that_campaign_alone_raises_an_error_that_says_what_to_do(harness: WorkerHarness) -> None:
    campaign = compacted(harness, "News")
    damage(harness, campaign, flipped)
    producer = harness.producer

    for read in (
        producer.status,
        producer.pause,
        producer.resume,
        producer.cancel,
        producer.retry,
        lambda name: list(producer.rejects(name)),
        lambda name: list(producer.watch(name)),
        lambda name: Observer(harness.settings).campaign(name, 1),
    ):
        with pytest.raises(CampaignUnreadable, match=what_to_do(campaign)) as raised:
            read(campaign)
        assert raised.value.campaign_id == campaign


def test_a_purge_logs_and_keeps_it_and_goes_on_with_the_others(
    harness: WorkerHarness, caplog: pytest.LogCaptureFixture
) -> None:
    campaigns = [compacted(harness, name) for name in ("first", "second", "third")]
    damage(harness, campaigns[1], flipped)

    with caplog.at_level(logging.WARNING, "bsg_ledger"):
        outcome = purge(a_day_of_retention(harness))

    assert outcome == "forgot 2 campaigns and the bodies of 0, compacted 0"
    assert [one.campaign_id for one in harness.producer.campaigns()] == [campaigns[1]]
    logged = f"Campaign {campaigns[1]} cannot be read and is left out: {what_to_do(campaigns[1])}"
    assert [one.getMessage() for one in caplog.records if one.name.startswith("bsg_ledger")] == [logged]


def test_a_record_that_is_restored_is_read_and_forgotten_as_ever(harness: WorkerHarness) -> None:
    campaign = compacted(harness, "News")
    damage(harness, campaign, flipped)
    assert purge(a_day_of_retention(harness)) == ""

    damage(harness, campaign, flipped)

    assert harness.producer.status(campaign).name == "News"
    assert purge(a_day_of_retention(harness)) == "forgot 1 campaigns and the bodies of 0, compacted 0"
    with pytest.raises(CampaignNotFound):
        harness.producer.status(campaign)


def test_a_page_that_cannot_be_read_ends_neither_a_list_nor_a_purge(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for kind in compaction.ROWS_INSIDE:
        monkeypatch.setitem(compaction.ROWS_INSIDE, kind, 0)
        monkeypatch.setitem(compacted_record.ROWS_A_PAGE, kind, 1)
    campaigns = [compacted(harness, name) for name in ("first", "second", "third")]
    client: Any = harness.runtime.redis
    pages = f"bsg:campaign:{campaigns[1]}:pages"
    client.hset(pages, "batches:1", flipped(client.hget(pages, "batches:1")))

    rows = {row.listed.summary.name: row.listed.delivered for row in rows_in_flower(harness)}
    outcome = purge(a_day_of_retention(harness))

    assert rows == {"first": 3, "second": 2, "third": 3}
    assert outcome == "forgot 2 campaigns and the bodies of 0, compacted 0"
    assert what_to_do(campaigns[1], "pages") in caplog.text
    with pytest.raises(CampaignUnreadable, match=pages):
        harness.producer.status(campaigns[1])


def test_the_events_of_other_streams_have_their_messages(harness: WorkerHarness) -> None:
    receipts = []
    for name in ("codes", "orders"):
        stream = harness.producer.stream(name, sender="MyShop", text="Your code is 1")
        receipts.append(stream.send({"phone": PHONE}))
        campaign = harness.producer.message(receipts[-1].message_id).campaign_id
        harness.dispatch()
        harness.runtime.redis.hset(f"bsg:campaign:{campaign}", "collects_until", 1)
        assert harness.runtime.ledger.streams.stop_collecting(campaign)
        let_days_pass(harness, campaign)
        assert purge(harness.runtime) == "forgot 0 campaigns and the bodies of 0, compacted 1"
    damage(harness, campaign, flipped)

    ranges = [event.messages for event in harness.producer.events() if event.batch]
    streams = {stream.name: stream for stream in harness.producer.streams()}

    assert {messages.stream for messages in ranges if messages} == {"codes"}
    assert None in ranges
    assert sorted(streams) == ["codes", "orders"]
    assert harness.producer.message(receipts[0].message_id).state == "finished"
    with pytest.raises(CampaignUnreadable):
        harness.producer.message(receipts[1].message_id)


def test_the_command_line_lists_it_with_what_to_do_and_fails_to_show_it_alone(
    harness: WorkerHarness,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    monkeypatch.setenv("REDIS_URL", redis_url)
    campaigns = [compacted(harness, name) for name in ("first", "second")]
    damage(harness, campaigns[0], flipped)

    assert main(["list"]) == ExitCode.OK
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "done" in lines[campaigns[1]]
    assert "unreadable" in lines[campaigns[0]]
    assert f"an operator: {what_to_do(campaigns[0])}" in lines[campaigns[0]]

    assert main(["status", campaigns[0]]) == ExitCode.FAILED
    assert (
        capsys.readouterr().err
        == f"bsg-campaigns: campaign {campaigns[0]} cannot be read: {what_to_do(campaigns[0])}\n"
    )
