"""The page of streams over HTTP: what waits, how fast it goes, and what became of one message."""

from __future__ import annotations

import re

from bsg_producer import MessageReceipt
from tests.monitor.flower_process import FlowerProcess, Page, Visitor
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment

STREAMS = "/campaigns/streams"
PHONE = 380_661_231_231


def send(scenario: ScenarioEnvironment, stream: str, **fields: object) -> MessageReceipt:
    return scenario.producer.stream(stream, sender="MyShop").send({"phone": PHONE, "text": "Your code: 1", **fields})


def cell(visitor: Visitor, stream: str, column: str) -> str:
    return visitor.get(STREAMS).cell(stream, column, row_of="stream")


def find(visitor: Visitor, text: str) -> Page:
    return visitor.post(STREAMS, {"_xsrf": visitor.get(STREAMS).token, "id": text})


def test_a_stream_is_shown_with_its_speed_and_its_latency(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    send(scenario, "codes")
    assert "/campaigns/streams" in visitor.get("/campaigns").text

    wait_until(lambda: cell(visitor, "codes", "median") not in ("", "–"), within=20, what="BSG to take the message")
    wait_until(lambda: cell(visitor, "codes", "rate") not in ("", "–"), within=10, what="a second look")

    shown = visitor.get(STREAMS)
    seconds = [shown.cell("codes", column, row_of="stream") for column in ("median", "percentile-99")]
    assert all(re.fullmatch(r"\d+\.\d{3} s", value) for value in seconds), seconds
    assert shown.cell("codes", "waiting", row_of="stream") == "0"
    assert shown.cell("codes", "oldest", row_of="stream") == "–"
    assert shown.element("gate") == "open"


def test_a_paused_stream_shows_what_waits_and_for_what(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    stream = scenario.producer.stream("reminders", sender="MyShop")
    stream.pause()
    send(scenario, "reminders")

    wait_until(lambda: cell(visitor, "reminders", "waiting") == "1", within=10, what="the message to be shown")

    shown = visitor.get(STREAMS)
    assert shown.cell("reminders", "name", row_of="stream") == "reminders, paused"
    assert shown.cell("reminders", "waits", row_of="stream") == "an operator: it is paused"
    assert re.fullmatch(r"\d+ s", shown.cell("reminders", "oldest", row_of="stream"))
    stream.cancel()


def test_a_message_is_found_by_its_id_and_by_the_callers_reference_id(
    scenario: ScenarioEnvironment, visitor: Visitor
) -> None:
    message_id = send(scenario, "orders", reference_id="order1742").message_id
    wait_until(
        lambda: scenario.producer.message(message_id).state == "finished", within=20, what="the message to be finished"
    )
    status = scenario.producer.message(message_id)

    for text in (message_id, f" {message_id} ", "order1742"):
        found = find(visitor, text)
        assert f"Message <code>{message_id}</code>" in found.text
        shown = found.counted("message")
        assert (shown["state"], shown["batch"]) == ("finished", str(status.batch))
        assert shown["bsg-campaign"] == f"{status.bsg_campaign_id}, {status.bsg_status} there"


def test_a_rejected_message_shows_the_code_and_no_phone(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    stream = scenario.producer.stream("rejected", sender="MyShop")
    stream.pause()
    message_id = send(scenario, "rejected").message_id
    scenario.producer.suppress([PHONE])
    try:
        stream.resume()
        wait_until(
            lambda: scenario.producer.message(message_id).state == "rejected", within=20, what="it to be rejected"
        )
        found = find(visitor, message_id)
    finally:
        scenario.producer.unsuppress([PHONE])

    assert found.counted("message")["reject"] == "suppressed"
    assert str(PHONE) not in found.text


def test_what_no_stream_has_is_reported_and_a_phone_is_neither_logged_nor_in_an_address(
    flower: FlowerProcess, visitor: Visitor
) -> None:
    for text in ("nothing", "0" * 28, str(PHONE), f"+{PHONE}", "x" * 1000, ""):
        found = find(visitor, text)
        assert found.status == 200
        assert "No stream has a message with that id" in found.text
        assert str(PHONE) not in found.text
    assert str(PHONE) not in flower.log.read_text()
    assert 'method="post"' in visitor.get(STREAMS).text


def test_a_search_without_the_pages_token_is_refused(visitor: Visitor) -> None:
    visitor.get(STREAMS)

    assert visitor.post(STREAMS, {"id": "nothing"}).status == 403


def test_odd_pages_are_shown_as_the_first_or_the_last(visitor: Visitor) -> None:
    for odd in ("0", "-1", "x", "9999999"):
        assert visitor.get(f"{STREAMS}?page={odd}").status == 200
