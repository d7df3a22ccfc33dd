"""The Campaigns tab keeps to Flower's options: its login, its read-only mode, its prefix, and no other site."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest

from bsg_config.settings import Settings
from bsg_producer import Producer
from tests.monitor.flower_process import FlowerProcess, Visitor
from tests.scenarios.environment import ScenarioEnvironment

LOGIN = "Basic " + b64encode(b"ann:secret").decode()


@pytest.fixture(scope="module")
def guarded(running: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowerProcess]:
    """With a login, under a prefix, not read-only, and with a second account."""
    settings = {
        **running.processes.settings,
        "FLOWER_BASIC_AUTH": "ann:secret",
        "FLOWER_READ_ONLY": "false",
        "BSG_API_KEY__MARKETING": "live_marketing",
        "BSG_RATE_LIMIT__MARKETING": "60/m",
    }
    with FlowerProcess(tmp_path_factory.mktemp("guarded"), settings, prefix="/ops") as flower:
        yield flower


@pytest.fixture(scope="module")
def as_it_comes(running: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowerProcess]:
    """Read-only and without a login, its API opened to everybody."""
    settings = {**running.processes.settings, "FLOWER_UNAUTHENTICATED_API": "true"}
    with FlowerProcess(tmp_path_factory.mktemp("as-it-comes"), settings) as flower:
        yield flower


def test_every_page_asks_for_the_login(scenario: ScenarioEnvironment, guarded: FlowerProcess) -> None:
    campaign = scenario.send(1)
    anonymous = Visitor(guarded)
    ann = Visitor(guarded, Authorization=LOGIN)

    for path in ("/campaigns", f"/campaigns/{campaign}"):
        assert anonymous.get(path).status == 401
        assert anonymous.get(path, Authorization="Basic " + b64encode(b"ann:wrong").decode()).status == 401
        assert ann.get(path).status == 200


def test_a_button_works_under_a_prefix_and_with_the_login(
    scenario: ScenarioEnvironment, guarded: FlowerProcess
) -> None:
    campaign = scenario.send(10)
    ann = Visitor(guarded, Authorization=LOGIN)

    response = ann.press(campaign, "pause")

    assert response.status == 200
    assert scenario.status(campaign).paused
    assert f'href="/ops/campaigns/{campaign}"' in ann.get("/campaigns").text
    script = ann.get("/campaigns").text.partition('<script src="/ops/campaigns/static/campaigns.js?v=')[2]
    assert script
    assert ann.get("/campaigns/static/campaigns.js").status == 200


def test_a_button_needs_login_and_token_together(scenario: ScenarioEnvironment, guarded: FlowerProcess) -> None:
    campaign = scenario.send(10)
    ann = Visitor(guarded, Authorization=LOGIN)
    token = ann.get(f"/campaigns/{campaign}").token
    path = f"/campaigns/{campaign}/cancel"

    # The login alone: what a page of another site could have ann's browser send.
    assert ann.post(path, {}).status == 403
    assert ann.post(path, {"_xsrf": token}, Sec_Fetch_Site="cross-site").status == 403
    # The token alone.
    assert ann.post(path, {"_xsrf": token}, Authorization="Basic " + b64encode(b"ann:wrong").decode()).status == 401
    assert not scenario.status(campaign).cancelled


def test_read_only_shows_no_button_says_why_and_refuses(
    scenario: ScenarioEnvironment, as_it_comes: FlowerProcess
) -> None:
    campaign = scenario.send(10)
    visitor = Visitor(as_it_comes)

    page = visitor.get(f"/campaigns/{campaign}")
    assert "<button form=" not in page.text
    assert "FLOWER_READ_ONLY=false" in page.element("read-only")

    cookie = page.headers["Set-Cookie"].partition("_xsrf=")[2].partition(";")[0]
    refused = visitor.post(f"/campaigns/{campaign}/cancel", {"_xsrf": cookie})
    assert refused.status == 403
    assert "FLOWER_READ_ONLY=false" in refused.text
    assert not scenario.status(campaign).cancelled


def test_no_other_site_may_read_or_frame_the_campaigns(
    scenario: ScenarioEnvironment, as_it_comes: FlowerProcess
) -> None:
    visitor = Visitor(as_it_comes)
    campaign = scenario.send(1)

    assert visitor.get("/workers").headers["Access-Control-Allow-Origin"] == "*"  # Flower's own option
    for path in ("/campaigns", f"/campaigns/{campaign}"):
        headers = visitor.get(path).headers
        assert "Access-Control-Allow-Origin" not in headers
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"


def test_each_account_has_its_gate_limit_and_metrics(scenario: ScenarioEnvironment, guarded: FlowerProcess) -> None:
    settings = Settings.from_environment({**scenario.processes.settings, "BSG_API_KEY__MARKETING": "live_marketing"})
    producer = Producer(settings)
    producer.shut_gate(account="marketing")
    campaign = producer.enqueue(
        [{"phone": 380661231231, "text": "Hi"}], sender="MyShop", account="marketing"
    ).campaign_id
    scenario.wait_for_messages(campaign, "unprepared", 1)
    ann = Visitor(guarded, Authorization=LOGIN)

    page = ann.get(f"/campaigns/{campaign}")

    assert page.element("gate") == "open"
    assert page.element("gate-marketing").startswith("shut: operator")
    assert page.element("limiter").startswith("1000/s, burst 100")
    assert page.element("limiter-marketing").startswith("60/m, burst 100")
    assert page.element("account") == "marketing"
    assert page.element("waits-for") == "the gate: shut, operator"
    assert "live_marketing" not in page.text
    shown = ann.get("/metrics").text
    assert 'bsg_gate_open{account="default"} 1.0' in shown
    assert 'bsg_gate_open{account="marketing"} 0.0' in shown
