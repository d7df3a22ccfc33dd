"""Who pressed which button is recorded before the button does anything, and the record does not grow without end."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger import operator_log
from bsg_ledger.ledger import Ledger
from bsg_ledger.operator_log import Press
from tests.monitor.flower_process import FlowerProcess, Visitor
from tests.scenarios.environment import ScenarioEnvironment, messages

LOG = "/campaigns/operators"


def login(name: str) -> str:
    return "Basic " + b64encode(f"{name}:secret".encode()).decode()


@pytest.fixture(scope="module")
def guarded(running: ScenarioEnvironment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowerProcess]:
    """With two logins, of which one may see rejected rows."""
    settings = {
        **running.processes.settings,
        "FLOWER_BASIC_AUTH": "ann:secret,bob:secret",
        "FLOWER_READ_ONLY": "false",
        "REJECT_READERS": "ann, eve@example.com",
    }
    with FlowerProcess(tmp_path_factory.mktemp("operators"), settings) as flower:
        yield flower


def test_each_press_is_shown_with_its_operator(scenario: ScenarioEnvironment, guarded: FlowerProcess) -> None:
    campaign, other = scenario.send(10), scenario.send(10)
    ann, bob = (Visitor(guarded, Authorization=login(name)) for name in ("ann", "bob"))

    ann.press(campaign, "pause")
    bob.press(campaign, "resume")
    bob.press(other, "pause")

    shown = ann.get(f"{LOG}?campaign={campaign}").text
    rows = [row for row in shown.split("<tr>") if f"<code>{campaign}</code></td>" in row]
    assert ["ann" in row and "pause" in row for row in rows] == [False, True]
    assert ["bob" in row and "resume" in row for row in rows] == [True, False]
    assert other not in shown
    assert other in ann.get(LOG).text
    assert f'href="{LOG}?campaign={campaign}"' in ann.get(f"/campaigns/{campaign}").text


def test_a_refused_press_is_recorded_too(scenario: ScenarioEnvironment, guarded: FlowerProcess) -> None:
    campaign = scenario.send(10)
    ann = Visitor(guarded, Authorization=login("ann"))
    ann.press(campaign, "cancel")

    assert ann.press(campaign, "retry").status == 400

    presses = Ledger(connect(Settings.from_environment(scenario.processes.settings))).operator_log.latest(
        10, subject=campaign
    )
    assert [(press.operator, press.action, press.address) for press in presses] == [
        ("ann", "retry", "127.0.0.1"), ("ann", "cancel", "127.0.0.1"),
    ]  # fmt: skip


def test_who_may_not_press_a_button_leaves_nothing_in_the_log(
    scenario: ScenarioEnvironment, guarded: FlowerProcess
) -> None:
    campaign = scenario.send(10)
    ann = Visitor(guarded, Authorization=login("ann"))
    ann.get(f"/campaigns/{campaign}")

    assert ann.post(f"/campaigns/{campaign}/cancel", {"_xsrf": "wrong"}).status == 403

    assert campaign not in ann.get(LOG).text


def test_the_rejected_rows_are_for_those_who_may_see_them(
    scenario: ScenarioEnvironment, guarded: FlowerProcess
) -> None:
    bad: list[dict[str, object]] = [{"phone": "=12", "text": "Hi"}, {"phone": 380_661_112_233}]
    campaign = scenario.producer.enqueue([*messages(3), *bad], sender="MyShop").campaign_id
    scenario.wait_for(campaign, "done")
    ann, bob = (Visitor(guarded, Authorization=login(name)) for name in ("ann", "bob"))
    path = f"/campaigns/{campaign}/rejects"

    assert "Download as CSV" in ann.get(f"/campaigns/{campaign}").text
    downloaded = ann.post(path, {"_xsrf": ann.get(f"/campaigns/{campaign}").token})
    assert downloaded.status == 200
    assert downloaded.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert downloaded.headers["Content-Disposition"] == f'attachment; filename="rejects-{campaign}.csv"'
    assert downloaded.headers["Cache-Control"] == "no-store"
    head, *rows = downloaded.text.removeprefix("\ufeff").splitlines()
    assert head == "index,phone,reference_id,field,code,reason"
    assert [row.split(",")[:2] for row in rows] == [["3", "'=12"], ["4", "380661112233"]]
    assert "download rejects" in ann.get(f"{LOG}?campaign={campaign}").text

    assert "Download as CSV" not in bob.get(f"/campaigns/{campaign}").text
    refused = bob.post(path, {"_xsrf": bob.get(f"/campaigns/{campaign}").token})
    assert refused.status == 403
    assert "REJECT_READERS" in refused.text
    assert ann.post(path, {"_xsrf": "wrong"}).status == 403
    assert ann.get(path).status == 405
    unknown = f"/campaigns/{'0' * 22}/rejects"
    assert ann.post(unknown, {"_xsrf": ann.get(f"/campaigns/{campaign}").token}).status == 404


def test_nobody_may_see_rejected_rows_without_a_login(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.producer.enqueue([*messages(1), {"phone": "12", "text": "Hi"}], sender="MyShop").campaign_id
    scenario.wait_for(campaign, "done")
    token = visitor.get(f"/campaigns/{campaign}").token

    assert visitor.post(f"/campaigns/{campaign}/rejects", {"_xsrf": token}).status == 403


def test_a_login_that_flower_has_not_checked_is_none(running: ScenarioEnvironment, tmp_path: Path) -> None:
    settings = {**running.processes.settings, "FLOWER_READ_ONLY": "false", "REJECT_READERS": "ann"}
    campaign = running.producer.enqueue([*messages(1), {"phone": "12", "text": "Hi"}], sender="MyShop").campaign_id
    running.wait_for(campaign, "done")
    with FlowerProcess(tmp_path, settings) as flower:
        pretender = Visitor(flower, Authorization=login("ann"))
        page = pretender.get(f"/campaigns/{campaign}")
        refused = pretender.post(f"/campaigns/{campaign}/rejects", {"_xsrf": page.token})
        pretender.press(campaign, "cancel")
        log = pretender.get(f"{LOG}?campaign={campaign}").text

    assert "Download as CSV" not in page.text
    assert refused.status == 403
    assert "(no login)" in log
    assert "ann" not in log.partition("<tbody")[2]


def test_a_login_is_recorded_however_its_header_is_written(
    scenario: ScenarioEnvironment, guarded: FlowerProcess
) -> None:
    campaign = scenario.send(10)
    ann = Visitor(guarded, Authorization=login("ann").replace(" ", "\t"))

    assert ann.press(campaign, "pause").status == 200

    assert "(no login)" not in ann.get(f"{LOG}?campaign={campaign}").text


def test_the_log_keeps_the_latest_presses_and_cuts_long_values(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operator_log, "PRESSES_KEPT", 100)
    log = Ledger(redis.Redis.from_url(redis_url)).operator_log
    for number in range(500):
        log.note(Press("x" * 1000, "192.0.2.7", "pause", f"campaign {number}"))

    kept = log.latest(1000)

    assert [press.subject for press in kept[:2]] == ["campaign 499", "campaign 498"]
    assert 100 <= len(kept) < 300
    assert {len(press.operator) for press in kept} == {operator_log.MAX_CHARACTERS}
