"""Campaign metrics in Flower's own /metrics, and the dashboard and alert rules that ask for them."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import bsg_monitor
from bsg_broker.queues import STATUS_QUEUE, dispatch_queue
from bsg_client.outcomes import OutcomeKind
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger import schema
from bsg_ledger.failures import FailureKind
from bsg_ledger.gate import GateState
from bsg_ledger.measurements import SECONDS, Histogram, Measured, Measurements
from bsg_monitor.account_states import COUNTED, AccountFigures, AccountState
from bsg_monitor.metrics import CampaignMetrics
from bsg_monitor.observer import Figures, Observer, Overview
from bsg_monitor.stream_figures import MeasuredStream, StreamFigures
from tests.ledger.campaigns import LedgerHarness
from tests.monitor.flower_process import Visitor
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment
from tests.servers import RedisServer

SHIPPED = Path(bsg_monitor.__file__).parent
DASHBOARD = SHIPPED / "grafana" / "dashboards" / "campaigns.json"
ALERTS = SHIPPED / "prometheus" / "alerts.yml"
NAME = re.compile(r"bsg_[a-z_]+")


def samples(page: str, account: str = DEFAULT_ACCOUNT) -> dict[tuple[str, str], float]:
    """Return each sample of ours of one account or of none, by its name and the value of its other label."""
    return {
        (sample.name, next((value for name, value in sample.labels.items() if name != "account"), "")): sample.value
        for family in text_string_to_metric_families(page)
        if family.name.startswith("bsg_")
        for sample in family.samples
        if sample.labels.get("account", account) == account
    }


def metrics(visitor: Visitor) -> dict[tuple[str, str], float]:
    page = visitor.get("/metrics")
    assert page.status == 200
    return samples(page.text)


def test_the_metrics_follow_a_campaign(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    before = metrics(visitor)

    scenario.wait_for(scenario.send(25), "done")

    after = metrics(visitor)
    assert after["bsg_messages", "finished"] - before["bsg_messages", "finished"] == 25
    assert after["bsg_submissions_total", "taken"] - before["bsg_submissions_total", "taken"] == 3
    assert after["bsg_post_seconds_count", ""] - before["bsg_post_seconds_count", ""] == 3
    assert after["bsg_slot_wait_seconds_count", ""] - before["bsg_slot_wait_seconds_count", ""] == 3
    assert after["bsg_post_seconds_sum", ""] > before["bsg_post_seconds_sum", ""]
    assert after["bsg_gate_open", ""] == 1
    assert after["bsg_ledger_up", ""] == 1


def test_a_gate_that_is_shut_and_what_waits_are_reported(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    scenario.producer.shut_gate()
    try:
        campaign = scenario.send(10)
        shown = metrics(visitor)
    finally:
        scenario.producer.open_gate()
    scenario.wait_for(campaign, "done")

    assert shown["bsg_gate_open", ""] == 0
    assert shown["bsg_messages", "unprepared"] >= 10
    assert ("bsg_queue_length", "dispatch.default") in shown


@pytest.mark.parametrize("settings", [{}, {"bsg_api_key": "live_test"}])
def test_what_waits_for_an_account_that_nobody_knows_is_reported(redis_url: str, settings: dict[str, str]) -> None:
    ledger_harness = LedgerHarness.at(redis_url)
    campaign = ledger_harness.prepared(10, account_name="marketng")
    ledger_harness.client.zadd(f"bsg:campaign:{campaign}:due", {"0": 1})
    observer = Observer(Settings.build(redis_url=redis_url, **settings))

    (due,) = [family for family in CampaignMetrics(observer.figures).collect() if "oldest_due" in family.name]

    waited = {sample.labels["account"]: sample.value for sample in due.samples}
    assert waited["marketng"] > 1_000_000
    assert waited[DEFAULT_ACCOUNT] == 0


def test_every_outcome_is_counted_from_nothing_on(redis_url: str) -> None:
    observer = Observer(Settings.build(redis_url=redis_url, bsg_api_key="live_test"))

    (submissions,) = [family for family in CampaignMetrics(observer.figures).collect() if "submissions" in family.name]

    assert {(sample.labels["outcome"], sample.value) for sample in submissions.samples} == {
        (kind.value, 0.0) for kind in OutcomeKind
    }


def test_open_campaigns_are_counted_by_what_they_wait_for(redis_url: str) -> None:
    ledger_harness = LedgerHarness.at(redis_url)
    settings = Settings.build(redis_url=redis_url, bsg_api_key="live_test")
    for campaign in (ledger_harness.prepared(10), ledger_harness.prepared(10)):
        ledger_harness.ledger.campaigns.pause(campaign)
    ledger_harness.prepared(10, account_name="marketng")
    ledger_harness.prepared(rejects=1)

    (waiting,) = [
        family
        for family in CampaignMetrics(Observer(settings).figures).collect()
        if family.name == "bsg_campaigns_waiting"
    ]

    counted = {tuple(sample.labels.values()): sample.value for sample in waiting.samples}
    assert {labels: value for labels, value in counted.items() if value} == {
        ("default", "paused"): 2,
        ("marketng", "no_key"): 1,
    }
    assert counted["default", "no_worker"] == 0, "an alert must see that it is over"


def of_stream(page: str, name: str, stream: str) -> float | None:
    """Return the value of a stream's metric; None if the stream has no such metric."""
    return next(
        (
            sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == name and sample.labels.get("stream") == stream
        ),
        None,
    )


def test_a_stream_reports_what_it_accepts_and_what_waits(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    stream = scenario.producer.stream("counted", sender="MyShop")
    visitor.get("/metrics")
    stream.pause()
    for number in range(3):
        stream.send({"phone": 380_661_000_000 + number, "text": "Your code: 1"})
    time.sleep(0.1)

    held = visitor.get("/metrics").text
    stream.resume()
    wait_until(lambda: stream.status().counts["finished"] == 3, within=20, what="BSG to have the messages")
    sent = visitor.get("/metrics").text

    names = ("bsg_stream_accepted_total", "bsg_stream_waiting", "bsg_stream_paused")
    assert [of_stream(held, name, "counted") for name in names] == [3, 3, 1]
    assert [of_stream(sent, name, "counted") for name in names] == [3, 0, 0]
    assert 0.1 <= (of_stream(held, "bsg_stream_oldest_waiting_seconds", "counted") or 0) < 20
    assert of_stream(sent, "bsg_stream_oldest_waiting_seconds", "counted") == 0


def forget_failures(scenario: ScenarioEnvironment) -> None:
    with connect(Settings.build(redis_url=scenario.redis_url)) as client:
        for key in client.scan_iter(schema.FAILURES("*")):
            client.delete(key)


def test_failed_requests_are_counted_and_shown(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    forget_failures(scenario)  # the page shows one kind, and other tests have had failures of theirs
    before = metrics(visitor)["bsg_failed_requests_total", "throttled"]
    scenario.sandbox.fault(kind="throttle", retry_after=1, times=1)

    scenario.wait_for(scenario.send(10), "done")

    assert metrics(visitor)["bsg_failed_requests_total", "throttled"] - before == 1
    assert "throttles the account (HTTP 429): " in visitor.get("/campaigns").element("failures")


def test_no_metric_names_a_campaign(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.send(10, name="Autumn sale")
    scenario.wait_for(campaign, "done")

    page = visitor.get("/metrics").text

    assert campaign not in page
    assert "Autumn sale" not in page


def test_flowers_own_metrics_are_still_there(visitor: Visitor) -> None:
    assert "flower_" in visitor.get("/metrics").text


def test_a_ledger_that_cannot_be_read_is_reported_and_nothing_else(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        url = server.url
    observer = Observer(Settings.build(redis_url=url, bsg_api_key="live_test", queue_timeout=0.5))

    families = list(CampaignMetrics(observer.figures).collect())

    assert [(family.name, family.samples[0].value) for family in families] == [("bsg_ledger_up", 0.0)]


def test_what_was_forgotten_is_no_longer_counted(scenario: ScenarioEnvironment) -> None:
    campaign = scenario.send(10)
    status = scenario.wait_for(campaign, "done")
    observer = Observer(Settings.from_environment(scenario.processes.settings))
    before = observer.figures().messages["finished"]

    assert observer._ledger.campaigns.forget(campaign)

    assert before - observer.figures().messages["finished"] == status.counts["finished"] == 10


def test_buckets_add_up_from_the_quick_to_the_slow(redis_url: str) -> None:
    observer = Observer(Settings.build(redis_url=redis_url, bsg_api_key="live_test"))
    measurements = Measurements(observer._client, Settings.build(bsg_api_key="live_test").account.id)
    for seconds in (0.05, 0.06, 99.0):
        measurements.count(OutcomeKind.TAKEN, post_seconds=seconds, slot_wait_seconds=0.0)
    measurements.flush()

    page = list(CampaignMetrics(observer.figures).collect())

    (histogram,) = [family for family in page if family.name == "bsg_post_seconds"]
    counted = {sample.labels.get("le", sample.name): sample.value for sample in histogram.samples}
    assert [counted[end] for end in ("0.05", "0.1", "60.0", "+Inf")] == [1, 2, 2, 3]
    assert counted["bsg_post_seconds_sum"] == pytest.approx(99.11)


def every_metric() -> set[str]:
    histogram = Histogram([0] * (len(SECONDS) + 1), 0.0)
    gate = GateState(open=True, reason="", by="", since=None, balance=None)
    account = AccountState(DEFAULT_ACCOUNT, gate, "5/s", 0.0, 0.0, None)
    measured = AccountFigures(
        dict.fromkeys(COUNTED, 0), Measured({"taken": 1}, histogram, histogram), {FailureKind.ERROR: 1}
    )
    overview = Overview([account], datetime.now(UTC))
    streams = StreamFigures(1, [MeasuredStream("codes", paused=False, waiting=0, oldest_waiting=0.0, accepted=0)])
    figures = Figures({"pending": 1}, dict.fromkeys(queues(), 0), 0, overview, {DEFAULT_ACCOUNT: measured}, {}, streams)
    return {sample.name for family in CampaignMetrics(lambda: figures).collect() for sample in family.samples}


def queues() -> list[str]:
    return [dispatch_queue(DEFAULT_ACCOUNT), STATUS_QUEUE]


def test_the_dashboard_asks_for_metrics_that_there_are_and_leaves_none_out() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {name for panel in panels for target in panel["targets"] for name in NAME.findall(target["expr"])}

    assert asked <= every_metric()
    assert {name.removesuffix("_bucket") for name in asked} == {
        re.sub("_(bucket|sum|count)$", "", name) for name in every_metric()
    }


def test_the_alert_rules_ask_for_metrics_that_there_are() -> None:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]

    for rule in group["rules"]:
        assert set(NAME.findall(rule["expr"])) <= every_metric(), rule["alert"]
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["description"]
