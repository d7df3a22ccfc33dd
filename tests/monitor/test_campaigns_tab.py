"""The Campaigns tab over HTTP, without a browser: what it shows, what its buttons do, and whom it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import redis

from bsg_config import clock
from tests.monitor.flower_process import FlowerProcess, Visitor
from tests.processes import wait_until
from tests.scenarios.environment import ScenarioEnvironment, messages


def test_a_campaign_is_in_the_table_with_its_counts(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.send(25, name="Autumn sale")

    wait_until(lambda: visitor.get("/campaigns").cell(campaign, "state") == "done", within=20, what="it to be done")
    page = visitor.get("/campaigns")

    assert page.status == 200
    assert page.cell(campaign, "name") == "Autumn sale"
    assert page.cell(campaign, "state") == "done"
    assert [page.cell(campaign, column) for column in ("accepted", "rejected", "sent")] == ["25", "0", "25"]
    assert page.element("gate") == "open"
    assert page.element("limiter").startswith("1000/s, burst 100")


def test_the_table_is_another_when_the_campaign_has_moved(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    scenario.sandbox.fault(kind="throttle", retry_after=3, times=1)
    campaign = scenario.send(25)

    wait_until(
        lambda: visitor.get("/campaigns").cell(campaign, "waits").startswith("the account's cool-down, until "),
        within=20,
        what="the campaign to wait",
    )
    waiting = visitor.get("/campaigns")
    assert waiting.cell(campaign, "sent") != "25"
    assert "cooling down until" in waiting.element("limiter")

    wait_until(lambda: visitor.get("/campaigns").cell(campaign, "sent") == "25", within=20, what="the table to move")


def test_a_shut_gate_is_reported_with_what_waits_for_it(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    scenario.producer.shut_gate()
    campaign = scenario.send(10)
    try:
        wait_until(
            lambda: visitor.get("/campaigns").cell(campaign, "waits") == "the gate: shut, operator",
            within=20,
            what="the campaign to wait for the gate",
        )
        waiting = visitor.get("/campaigns")
        assert waiting.element("gate").startswith("shut: operator")
        assert campaign in waiting.element("oldest-due")
    finally:
        scenario.producer.cancel(campaign)
        scenario.producer.open_gate()


def test_what_bsg_delivered_is_reported_as_far_as_it_reported(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.send(25)

    def delivered() -> list[int]:
        statistics = [batch.statistics for batch in scenario.status(campaign).batches]
        return [one["delivered"] for one in statistics if "delivered" in one]

    wait_until(lambda: len(delivered()) == 3, within=20, what="BSG to report deliveries")

    wait_until(
        lambda: visitor.get("/campaigns").cell(campaign, "delivered") == str(sum(delivered())),
        within=10,
        what="the table to show it",
    )


def test_what_bsg_sends_later_is_not_shown_as_sent(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    tomorrow = clock.now() + timedelta(days=1)
    campaign = scenario.send(25, start_at=tomorrow)
    try:
        wait_until(lambda: scenario.status(campaign).counts["submitted"] == 25, within=20, what="BSG to have all of it")
        wait_until(
            lambda: visitor.get("/campaigns").cell(campaign, "waits").startswith("its start_at: BSG has it"),
            within=10,
            what="the table to show what it waits for",
        )

        table, page = visitor.get("/campaigns"), visitor.get(f"/campaigns/{campaign}")

        assert table.cell(campaign, "sent") == "0"
        assert table.cell(campaign, "waits").endswith(f"until {tomorrow.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC")
        assert 'aria-label="0 delivered, 0 failed, 0 sent, 25 waiting"' in page.text
        assert 'class="campaigns-sent" style' not in page.text, "a bar that is full"
        assert f"bsg-campaigns cancel {campaign}" in page.element("remedy")
    finally:
        scenario.producer.cancel(campaign)


def test_a_campaign_outside_of_its_hours_waits_for_them(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    opens = datetime.now(UTC) + timedelta(hours=3)
    campaign = scenario.send(10, send_between=f"{opens:%H:%M}-{opens + timedelta(hours=2):%H:%M} UTC")
    try:
        wait_until(
            lambda: visitor.get("/campaigns").cell(campaign, "waits").startswith("its sending hours, until "),
            within=20,
            what="the campaign to wait for its hours",
        )
        assert f"until {opens:%Y-%m-%d %H:%M}:00 UTC" in visitor.get("/campaigns").cell(campaign, "waits")
    finally:
        scenario.producer.cancel(campaign)


def test_a_campaigns_page_has_its_batches_history_chart_and_reject_reasons(
    scenario: ScenarioEnvironment, visitor: Visitor
) -> None:
    bad: list[dict[str, object]] = [{"phone": "12", "text": "Hi"}, {"phone": 380_661_112_233}]
    campaign = scenario.producer.enqueue([*messages(25), *bad], sender="MyShop").campaign_id
    scenario.wait_for(campaign, "done")

    page = visitor.get(f"/campaigns/{campaign}")

    assert page.status == 200
    assert page.text.count("data-batch=") == len(scenario.status(campaign).batches)
    assert page.counted("reason") == {"invalid_phone": "1", "missing_text": "1"}
    assert page.counted("count")["finished"] == "25"
    assert "pending → posting" in page.text
    assert "posting → submitted" in page.text
    assert '<polyline class="campaigns-line-finished" points="0,160 ' in page.text


def test_a_batch_in_doubt_is_shown_with_the_way_out_of_it(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    scenario.sandbox.fault(kind="cut_before", after_bytes=10, times=1)
    campaign = scenario.send(10)

    wait_until(
        lambda: f"bsg-campaigns resolve {campaign}-0 --not-sent" in visitor.get(f"/campaigns/{campaign}").text,
        within=30,
        what="an operator to be asked",
    )

    assert visitor.get("/campaigns").cell(campaign, "waits") == "an operator: 1 batch to resolve"
    scenario.producer.resolve(f"{campaign}-0", not_sent=True)
    wait_until(lambda: 'id="in-doubt"' not in visitor.get(f"/campaigns/{campaign}").text, within=20, what="its end")


def test_pause_resume_and_cancel_are_the_command_lines(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    later = scenario.send(25, start_at=clock.now() + timedelta(hours=1))
    paused = visitor.press(later, "pause")
    assert scenario.status(later).paused
    assert "Paused: what has not been sent is held." in paused.text

    visitor.press(later, "resume")
    assert not scenario.status(later).paused

    cancelled = visitor.press(later, "cancel")
    assert scenario.status(later).cancelled
    assert "Cancelled:" in cancelled.text


def test_what_cannot_be_done_is_refused_with_its_reason(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.send(10)
    visitor.press(campaign, "cancel")

    refused = visitor.press(campaign, "retry")
    odd = visitor.press(campaign, "retry", hours="-3")

    assert refused.status == 400
    assert "it was cancelled, which is for good" in refused.text
    assert odd.status == 400
    assert visitor.get("/campaigns/" + "0" * 22).status == 404


def test_a_wrong_token_is_refused_and_changes_nothing(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    campaign = scenario.send(10)
    path = f"/campaigns/{campaign}/cancel"
    visitor.get("/campaigns/" + campaign)  # so that there is a cookie to be held against

    for response in (
        visitor.post(path, {}),
        visitor.post(path, {"_xsrf": "wrong"}),
        visitor.post(path, {"_xsrf": "2|00000000|00000000000000000000000000000000|1700000000"}),
    ):
        assert response.status == 403
    assert visitor.get(path).status == 405
    assert not scenario.status(campaign).cancelled


def test_a_token_of_somebody_elses_browser_is_refused(
    scenario: ScenarioEnvironment, flower: FlowerProcess, visitor: Visitor
) -> None:
    campaign = scenario.send(10)
    token = Visitor(flower).get(f"/campaigns/{campaign}").token
    visitor.get(f"/campaigns/{campaign}")

    assert visitor.post(f"/campaigns/{campaign}/cancel", {"_xsrf": token}).status == 403
    assert not scenario.status(campaign).cancelled


def test_thousands_of_campaigns_come_in_pages(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    sent = [scenario.send(1, first_phone=380_670_000_000 + number) for number in range(30)]

    wait_until(lambda: visitor.get("/campaigns").cell(sent[-1], "name"), within=10, what="the last to be listed")
    first = visitor.get("/campaigns")
    second = visitor.get("/campaigns?page=2")

    assert first.text.count("data-campaign=") == 25
    assert '<a rel="next" href="?page=2">Next</a>' in first.text
    assert '<a rel="prev" href="?page=1">Previous</a>' in second.text
    assert all(f'data-campaign="{campaign}"' in first.text + second.text for campaign in sent)
    for odd in ("0", "-1", "x", "9" * 30, "9999999"):
        assert visitor.get(f"/campaigns?page={odd}").status == 200


def test_a_name_is_never_taken_for_markup(scenario: ScenarioEnvironment, visitor: Visitor) -> None:
    name = "<img src=x onerror=alert(1)>{{ 7*7 }}"
    campaign = scenario.send(1, name=name)

    wait_until(lambda: visitor.get("/campaigns").cell(campaign, "name"), within=10, what="it to be listed")
    for page in (visitor.get("/campaigns"), visitor.get(f"/campaigns/{campaign}")):
        assert "<img src=x" not in page.text
        assert "{{ 7*7 }}" in page.text


def test_a_campaign_whose_record_cannot_be_read_is_a_row_that_says_what_to_do(
    scenario: ScenarioEnvironment, visitor: Visitor
) -> None:
    other, unreadable = scenario.send(1), "0123456789ABCDEFGHIJkl"
    with redis.Redis.from_url(scenario.redis_url) as client:
        client.set(f"bsg:campaign:{unreadable}:record", b"damaged")
        client.zadd("bsg:campaigns", {unreadable: client.zscore("bsg:campaigns", other) or 0})
        try:
            wait_until(
                lambda: visitor.get("/campaigns").cell(unreadable, "state") == "unreadable",
                within=20,
                what="the table to show it",
            )
            table, alone = visitor.get("/campaigns"), visitor.get(f"/campaigns/{unreadable}")
        finally:
            client.delete(f"bsg:campaign:{unreadable}:record")
            client.zrem("bsg:campaigns", unreadable)

    assert table.cell(unreadable, "waits").startswith(
        "an operator: its record is damaged, or of a later release: restore"
    )
    assert table.cell(other, "accepted") == "1"
    assert alone.status == 503
    assert f"campaign {unreadable} cannot be read: its record is damaged" in alone.text
