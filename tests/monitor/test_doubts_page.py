"""Flower's page of what is in doubt: what is shown, and the two buttons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.due_indexes import DueIndex
from bsg_ledger.ledger import Ledger
from bsg_sandbox.server import Sandbox
from tests.monitor.flower_process import FlowerProcess, Page, Visitor
from tests.worker.harness import WorkerHarness


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def harness(redis_url: str, sandbox: Sandbox) -> WorkerHarness:
    return WorkerHarness(redis_url, sandbox)


@pytest.fixture
def flower(harness: WorkerHarness, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowerProcess]:
    settings = {**harness.environment, "FLOWER_READ_ONLY": "false", "FLOWER_BASIC_AUTH": "ann:secret"}
    with FlowerProcess(tmp_path_factory.mktemp("flower"), settings) as flower:
        yield flower


def ann(flower: FlowerProcess) -> Visitor:
    return Visitor(flower, Authorization="Basic YW5uOnNlY3JldA==")


def in_doubt(harness: WorkerHarness, *, needs_operator: bool) -> str:
    harness.sandbox.fault("server_error_before", status=502, times=1)
    campaign = harness.submitted(3)
    if needs_operator:
        ask(harness, campaign)
    return campaign


def ask(harness: WorkerHarness, campaign: str) -> None:
    harness.runtime.ledger.batches.absent(
        BatchId.of(campaign, 0), attempts=1, duplicate_window_ms=0, delay_ms=0, look_again_ms=60_000, cause="no trace"
    )


def decide(visitor: Visitor, page: Page, action: str, *shown: str) -> Page:
    fields = {"_xsrf": page.token, "account": "default", "action": action}
    return visitor.post("/campaigns/doubts", {**fields, **({"shown": shown[0]} if shown else {})})


def test_what_needs_an_operator_is_shown_and_resolved_as_it_was_shown(
    harness: WorkerHarness, flower: FlowerProcess
) -> None:
    asked, looked_at = in_doubt(harness, needs_operator=True), in_doubt(harness, needs_operator=False)
    visitor = ann(flower)
    page = visitor.get("/campaigns/doubts")
    assert "sent again" in page.text
    assert "left alone: no operator is needed yet" in page.text
    assert 'href="/campaigns/doubts"' in visitor.get("/campaigns").text

    tried_since = decide(visitor, page, "not-sent", f"{asked}-0:7:pending")
    needs_none = decide(visitor, page, "not-sent", f"{looked_at}-0:1:left alone")
    before = harness.batch(asked).state
    done = decide(visitor, page, "not-sent", f"{asked}-0:1:pending")

    assert "Resolved as not sent: 0 batches" in tried_since.text
    assert "Resolved as not sent: 0 batches" in needs_none.text
    assert before == "unconfirmed"
    assert "Resolved as not sent: 1 batches" in done.text
    assert [harness.batch(campaign).state for campaign in (asked, looked_at)] == ["pending", "unconfirmed"]


def test_what_was_shown_as_left_alone_is_left_alone_though_it_needs_an_operator_since(
    harness: WorkerHarness, flower: FlowerProcess
) -> None:
    campaign = in_doubt(harness, needs_operator=False)
    visitor = ann(flower)
    page = visitor.get("/campaigns/doubts")
    (shown,) = re.findall('name="shown" value="([^"]*)"', page.text)
    ask(harness, campaign)

    response = decide(visitor, page, "not-sent", shown)

    assert "Resolved as not sent: 0 batches" in response.text
    assert harness.batch(campaign).state == "unconfirmed"


def test_a_look_up_makes_what_was_shown_due_at_once(harness: WorkerHarness, flower: FlowerProcess) -> None:
    campaign = in_doubt(harness, needs_operator=True)
    due_indexes = Ledger(harness.runtime.redis).due_indexes
    account = Settings.from_environment(harness.environment).account
    (before,) = due_indexes.looks(DueIndex.DOUBT, [f"{campaign}-0"], account=account.id).values()
    visitor = ann(flower)

    response = decide(visitor, visitor.get("/campaigns/doubts"), "look-up", f"{campaign}-0:1:pending")

    (after,) = due_indexes.looks(DueIndex.DOUBT, [f"{campaign}-0"], account=account.id).values()
    assert "Being looked up at BSG: 1 batches" in response.text
    assert after < before


def test_a_read_only_flower_shows_what_is_in_doubt_and_decides_nothing(harness: WorkerHarness, tmp_path: Path) -> None:
    campaign = in_doubt(harness, needs_operator=True)
    with FlowerProcess(tmp_path, harness.environment) as flower:
        visitor = Visitor(flower)
        page = visitor.get("/campaigns/doubts")
        response = decide(visitor, page, "not-sent", f"{campaign}-0:1:pending")

    assert "All not sent" not in page.text
    assert "FLOWER_READ_ONLY=false" in page.element("read-only")
    assert response.status == 403
    assert harness.batch(campaign).state == "unconfirmed"


def test_an_anonymous_visitor_another_site_and_bad_input_change_nothing(
    harness: WorkerHarness, flower: FlowerProcess
) -> None:
    campaign = in_doubt(harness, needs_operator=True)
    visitor = ann(flower)
    page = visitor.get("/campaigns/doubts")

    assert Visitor(flower).get("/campaigns/doubts").status == 401
    assert visitor.post("/campaigns/doubts", {"action": "not-sent", "shown": f"{campaign}-0:1:pending"}).status == 403
    assert decide(visitor, page, "delete").status == 400
    assert visitor.get("/campaigns/doubts?since=yesterday").status == 400
    assert visitor.get("/campaigns/doubts?account=nobody").status == 400
    assert harness.batch(campaign).state == "unconfirmed"
