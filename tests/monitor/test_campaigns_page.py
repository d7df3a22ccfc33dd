"""The page of all campaigns over HTTP: its filters, its order, its search, and what it keeps apart."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bsg_config.settings import Settings
from bsg_producer import Producer
from tests.monitor.flower_process import FlowerProcess, Page, Visitor
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment

PHONE = 380_669_998_877
OTHER = 380_669_998_866


def listed(page: Page) -> list[str]:
    return re.findall(r'<tr data-campaign="([^"]+)">', page.text)


def search(visitor: Visitor, text: str) -> Page:
    return visitor.post("/campaigns", {"_xsrf": visitor.get("/campaigns").token, "search": text})


def found(visitor: Visitor, text: str) -> list[str]:
    return listed(search(visitor, text))


def test_the_messages_of_streams_do_not_flood_the_list(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.send(1, name="Not of a stream")
    receipt = scenario.producer.stream("receipts", sender="MyShop").send({"phone": PHONE, "text": "Hello!"})
    of_stream = scenario.producer.message(receipt.message_id).campaign_id

    wait_until(lambda: campaign in listed(visitor.get("/campaigns")), within=10, what="the campaign to be listed")

    assert of_stream not in listed(visitor.get("/campaigns"))
    assert of_stream not in listed(visitor.get("/campaigns?order=name"))
    assert visitor.get("/campaigns/streams").cell("receipts", "name", row_of="stream") == "receipts"
    assert found(visitor, receipt.message_id) == [of_stream]


def test_campaigns_are_filtered_by_their_state(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    done = scenario.send(5)
    scenario.wait_for(done, "done")
    scenario.producer.shut_gate()
    try:
        live, paused = scenario.send(5), scenario.send(5)
        scenario.producer.pause(paused)
        wait_until(lambda: {live, paused} <= set(listed(visitor.get("/campaigns?state=live"))), within=10)

        assert done not in listed(visitor.get("/campaigns?state=live"))
        assert {live, done} & set(listed(visitor.get("/campaigns?state=paused"))) == set()
        assert paused in listed(visitor.get("/campaigns?state=paused"))
        assert done in listed(visitor.get("/campaigns?state=done"))
        assert {live, paused} & set(listed(visitor.get("/campaigns?state=done"))) == set()
    finally:
        for campaign in (live, paused):
            scenario.producer.cancel(campaign)
        scenario.producer.open_gate()
    assert visitor.get("/campaigns?state=unheard-of&account=default&order=none").status == 200


def test_campaigns_are_filtered_by_their_account(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    usual = scenario.send(1)
    settings = Settings.from_environment({**scenario.processes.settings, "BSG_API_KEY__MARKETING": "live_marketing"})
    message = {"phone": PHONE, "text": "Hi"}
    other = Producer(settings).enqueue([message], sender="MyShop", account="marketing").campaign_id
    try:
        wait_until(lambda: other in listed(visitor.get("/campaigns?account=marketing")), within=10)
        wait_until(lambda: usual in listed(visitor.get("/campaigns?account=default")), within=10)

        assert usual not in listed(visitor.get("/campaigns?account=marketing"))
        assert other not in listed(visitor.get("/campaigns?account=default"))
        assert "<option selected>marketing</option>" in visitor.get("/campaigns?account=marketing").text
    finally:
        scenario.producer.cancel(other)


def test_the_server_sorts_all_pages_and_not_one(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    sent = {count: scenario.send(count, name=f"Sorted {count}") for count in (3, 60, 17)}
    scenario.wait_for(sent[60], "done")

    wait_until(lambda: set(sent.values()) <= set(found(visitor, "sorted ")), within=10)
    address = urlsplit(search(visitor, "sorted ").text.partition('name="search" value="')[2].partition('"')[0]).path
    for order, expected in (
        ("-messages", [60, 17, 3]),
        ("messages", [3, 17, 60]),
        ("accepted", [3, 60, 17]),
        ("-name", [60, 3, 17]),
    ):
        page = visitor.get(f"/campaigns?search={address}&order={order}")
        assert listed(page) == [sent[count] for count in expected], order
    by_messages = visitor.get("/campaigns?order=-messages")
    assert listed(by_messages)[0] == sent[60]
    assert 'aria-sort="descending"><a href="?order=messages">Messages</a>' in by_messages.text


def test_a_campaign_is_found_by_its_name_and_by_ids_of_any_kind(
    scenario: ScenarioEnvironment, visitor: Visitor
) -> None:
    campaign = scenario.send(3, name="Winter sale at the Überseehafen")
    scenario.wait_for(campaign, "done")

    for text in ("winter SALE", "überseehafen", campaign, f" {campaign} ", f"{campaign}-0", f"{campaign}000002"):
        assert found(visitor, text) == [campaign], text
    for text in ("no such name", "0" * 22, "<script>", "x" * 1000):
        assert found(visitor, text) == []
        assert "No campaign is like this." in search(visitor, text).text
        assert "SEARCH_KEY" not in search(visitor, text).text


def test_a_search_leads_to_an_address_without_its_text(
    scenario: ScenarioEnvironment, flower: FlowerProcess, visitor: Visitor
) -> None:
    campaign = scenario.send(1, name="Confidential")
    wait_until(lambda: found(visitor, "confidential") == [campaign], within=10, what="the campaign to be found")

    page = search(visitor, "confidential")
    name = re.search(r'name="search" value="([0-9a-f]{32})"', page.text)
    assert name
    assert listed(visitor.get(f"/campaigns?search={name[1]}")) == [campaign]
    assert "confidential" not in flower.log.read_text().lower()

    expired = visitor.get(f"/campaigns?search={'0' * 32}")
    assert "search again" in expired.text
    assert listed(expired) == []


def test_a_campaign_is_found_by_a_phone_which_is_in_no_address_and_in_no_log(
    scenario: ScenarioEnvironment, flower: FlowerProcess, visitor: Visitor
) -> None:
    phone = 380_669_123_456
    campaign = scenario.producer.enqueue([{"phone": phone, "text": "Hi"}], sender="MyShop").campaign_id

    wait_until(lambda: found(visitor, str(phone)) == [campaign], within=20, what="its messages to be indexed")
    assert found(visitor, "+380 66 912-34-56") == [campaign]
    assert str(phone) not in search(visitor, str(phone)).text
    assert str(phone) not in flower.log.read_text()
    assert str(phone) not in scenario.processes.logs()


def test_a_flower_without_a_search_key_says_that_it_finds_no_phone(
    scenario: ScenarioEnvironment, tmp_path: Path
) -> None:
    settings = {**scenario.processes.settings, "SEARCH_KEY": ""}
    with FlowerProcess(tmp_path, settings) as flower:
        visitor = Visitor(flower)
        found_nothing, plain = search(visitor, "380669123456"), visitor.get("/campaigns?state=expired")

    assert "because SEARCH_KEY is not set" in found_nothing.text
    assert "SEARCH_KEY" not in plain.text


def test_a_search_needs_the_pages_token(visitor: Visitor) -> None:
    visitor.get("/campaigns")

    assert visitor.post("/campaigns", {"search": "anything"}).status == 403


def test_a_campaign_shows_its_cost_and_how_far_it_is(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    bad = [{"phone": "12", "text": "Hi"}]
    campaign = scenario.producer.enqueue(
        [*bad, {"phone": PHONE, "text": "Hi"}, {"phone": OTHER, "text": "Hi"}], sender="MyShop"
    ).campaign_id
    scenario.wait_for(campaign, "done")

    def reported() -> dict[str, int]:
        return next((dict(batch.statistics) for batch in scenario.status(campaign).batches), {})

    wait_until(lambda: reported().get("delivered", 0) + reported().get("undelivered", 0) == 2, within=20)
    delivered = reported()["delivered"]
    bar = f'aria-label="{delivered} delivered, {3 - delivered} failed, 0 sent, 0 waiting"'
    wait_until(lambda: bar in visitor.get("/campaigns").text, within=10, what="the bar to show what BSG has delivered")
    cost = visitor.get("/campaigns").cell(campaign, "cost")
    assert re.fullmatch(r"0\.0\d+ EUR", cost), cost
    assert visitor.get(f"/campaigns/{campaign}").counted("count")["cost"] == cost
    for kind in ("delivered", "failed", "sent", "waiting"):
        assert f'<span class="campaigns-key campaigns-{kind}"></span> {kind}' in visitor.get("/campaigns").text


@pytest.mark.parametrize("odd", ["0", "-1", "x", "9" * 30, "9999999"])
def test_odd_pages_are_the_first_or_the_last_under_a_filter_too(visitor: Visitor, odd: str) -> None:
    assert visitor.get(f"/campaigns?state=done&order=-cost&page={odd}").status == 200
