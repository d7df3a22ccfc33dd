from __future__ import annotations

from typing import Any

import pytest

from bsg_sandbox.clock import format_bsg_time
from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import call, message, messages, refused_fields, taken


def read(sandbox: Sandbox, path: str, **query: Any) -> Any:
    response = call(sandbox, "GET", path, params=query)
    assert response.status_code == 200, response.text
    return response.json()


def status_of(sandbox: Sandbox, campaign: dict[str, Any]) -> str:
    status: str = read(sandbox, f"/api/campaigns/{campaign['id']}")["data"]["status"]
    return status


def slow(sandbox: Sandbox) -> None:
    sandbox.configure(creation_seconds=100, sending_seconds=1_000_000, delivery_seconds=10)


def test_a_campaign_goes_from_creation_to_done_by_the_clock(sandbox: Sandbox) -> None:
    sandbox.configure(creation_seconds=100, moderation_seconds=100, sending_seconds=1_000_000)
    start_at = format_bsg_time(sandbox.advance(0) + 1000, 0)
    campaign = taken(sandbox, messages(2), start_at=start_at)

    seen = [campaign["status"]]
    for seconds in (110, 100, 830, 200):
        sandbox.advance(seconds)
        seen.append(status_of(sandbox, campaign))

    assert seen == ["creation", "moderation", "scheduled", "sending", "done"]


def test_a_marked_text_does_not_pass_moderation(sandbox: Sandbox) -> None:
    campaign = taken(sandbox, [message(text="buy #spam# now")])

    sandbox.advance(1)

    assert status_of(sandbox, campaign) == "spam"


def test_statistics_grow_agree_with_the_messages_and_add_up(sandbox: Sandbox) -> None:
    slow(sandbox)
    sandbox.configure(undelivered_share=0.25)
    campaign = taken(sandbox, messages(40))

    for seconds in (0, 1100, 1000, 3000):
        sandbox.advance(seconds)
        counts = read(sandbox, f"/api/campaigns/{campaign['id']}/detail")["data"]["statistics"]
        rows = read(sandbox, "/api/messages", **{"filter[campaign_id]": campaign["id"]})["data"]
        assert sum(counts.values()) == 40
        listed = [row["status"] for row in rows]
        assert {status: listed.count(status) for status in set(listed)} == {k: v for k, v in counts.items() if v}

    assert (counts["delivered"], counts["undelivered"]) == (30, 10)


def test_the_detail_has_totals_and_a_price_as_a_string(sandbox: Sandbox) -> None:
    campaign = taken(sandbox, messages(3))

    detail = read(sandbox, f"/api/campaigns/{campaign['id']}/detail")["data"]

    assert (detail["total_messages"], detail["total_phones"], detail["total_price"]) == (3, 3, "0.0300000")


@pytest.mark.parametrize("path", ["/api/campaigns/1", "/api/campaigns/x", "/api/campaigns/1000001/detail"])
def test_a_campaign_that_is_none_is_not_found(sandbox: Sandbox, path: str) -> None:
    assert call(sandbox, "GET", path).status_code == 404


def test_a_campaign_can_be_shown_in_a_status_that_nobody_knows(sandbox: Sandbox) -> None:
    campaign = taken(sandbox, messages(1))

    sandbox.force_status(campaign["id"], "levitating")

    assert status_of(sandbox, campaign) == "levitating"


def test_a_campaign_is_stopped_once_and_keeps_what_had_left(sandbox: Sandbox) -> None:
    slow(sandbox)
    campaign = taken(sandbox, messages(100))
    sandbox.advance(100 + 5_050)

    stopped = call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop")
    again = call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop")
    sandbox.advance(100_000)

    assert (stopped.status_code, stopped.json()["data"]["status"]) == (200, "stopped")
    assert again.status_code == 422
    counts = read(sandbox, f"/api/campaigns/{campaign['id']}/detail")["data"]["statistics"]
    assert (counts["delivered"], counts["failed"]) == (50, 50)


@pytest.mark.parametrize("status", ["moderation", "scheduled", "sending", "paused"])
def test_a_campaign_that_is_under_way_can_be_stopped(sandbox: Sandbox, status: str) -> None:
    campaign = taken(sandbox, messages(1))
    sandbox.force_status(campaign["id"], status)

    assert call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop").status_code == 200


@pytest.mark.parametrize("status", ["creation", "spam", "stopped", "done"])
def test_a_campaign_that_is_being_created_or_at_its_end_cannot_be_stopped(sandbox: Sandbox, status: str) -> None:
    campaign = taken(sandbox, messages(1))
    sandbox.force_status(campaign["id"], status)

    refusal = call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop")

    assert (refusal.status_code, refusal.json()["message"]) == (422, "Invalid campaign status")


def test_a_sandbox_may_let_a_campaign_be_stopped_in_creation_as_the_page_says(sandbox: Sandbox) -> None:
    sandbox.configure(stop_in_creation=True, creation_seconds=60)
    campaign = taken(sandbox, messages(1))

    assert call(sandbox, "PATCH", f"/api/campaigns/{campaign['id']}/stop").status_code == 200


def test_campaigns_are_listed_in_pages_both_ways(sandbox: Sandbox) -> None:
    ids = [taken(sandbox, [message(number)])["id"] for number in range(35)]

    first = read(sandbox, "/api/campaigns", **{"page[limit]": 30})
    second = read(sandbox, "/api/campaigns", **{"page[limit]": 30, "page[offset]": 30})
    backwards = read(sandbox, "/api/campaigns", way="desc", sort="id")

    assert [row["id"] for row in first["data"] + second["data"]] == ids
    assert first["meta"]["page"] == {"total": 35, "limit": 30, "offset": 0}
    assert [row["id"] for row in backwards["data"]] == ids[::-1]


def test_campaigns_are_filtered_by_the_time_of_their_making(sandbox: Sandbox) -> None:
    taken(sandbox, [message(1)])
    middle = sandbox.advance(100)
    late = taken(sandbox, [message(2)])

    since = {
        "filter[type]": "sms",
        "filter[from]": format_bsg_time(middle - 50, 0),
        "filter[to]": format_bsg_time(middle + 50, 0),
    }

    assert [row["id"] for row in read(sandbox, "/api/campaigns", **since)["data"]] == [late["id"]]


@pytest.mark.parametrize(("path", "least"), [("/api/campaigns", 30), ("/api/messages", 15)])
def test_a_list_request_is_held_to_its_bounds(sandbox: Sandbox, path: str, least: int) -> None:
    for limit in (least, 500):
        read(sandbox, path, **{"page[limit]": limit})
    three_months = {"filter[from]": "2026-01-01 00:00:00", "filter[to]": "2026-04-01 00:00:00"}
    read(sandbox, path, **three_months)
    wrong = [
        ("page.limit", {"page[limit]": least - 1}),
        ("page.limit", {"page[limit]": 501}),
        ("page.offset", {"page[offset]": -1}),
        ("sort", {"sort": "colour"}),
        ("way", {"way": "up"}),
        ("filter.from", {"filter[from]": "yesterday"}),
        ("filter.to", three_months | {"filter[to]": "2026-05-01 00:00:00"}),
    ]
    for field, query in wrong:
        assert refused_fields(call(sandbox, "GET", path, params=query)) == {field}


def test_messages_are_found_by_campaign_reference_and_id(sandbox: Sandbox) -> None:
    first, second = taken(sandbox, messages(20, "a")), taken(sandbox, messages(20, "b"))

    of_second = read(sandbox, "/api/messages", **{"filter[campaign_id]": second["id"]})
    by_reference = read(sandbox, "/api/messages", **{"filter[reference_id]": "a7"})["data"]
    by_id = read(sandbox, "/api/messages", **{"filter[id]": by_reference[0]["id"]})["data"]
    other_way = read(sandbox, "/api/messages", way="desc", **{"page[limit]": 15, "page[offset]": 10})["data"]

    assert {row["campaign_id"] for row in of_second["data"]} == {second["id"]}
    assert of_second["meta"]["page"]["total"] == 20
    assert [(row["campaign_id"], row["text"]) for row in by_reference] == [(first["id"], "Hello 7")]
    assert by_id == by_reference
    expected = [f"b{number}" for number in range(9, -1, -1)] + [f"a{number}" for number in range(19, 14, -1)]
    assert [row["reference_id"] for row in other_way] == expected
    absent = {"filter[reference_id]": "a7", "filter[campaign_id]": second["id"]}
    assert read(sandbox, "/api/messages", **absent)["data"] == []


def test_campaigns_are_searched_by_sender_and_name_and_sorted_as_the_document_says(sandbox: Sandbox) -> None:
    mine = taken(sandbox, [message(1, sender="MINE")])
    other = taken(sandbox, [message(2, sender="OTHER")], name="Autumn")
    sandbox.force_status(mine["id"], "stopped")

    def ids(**query: str) -> list[int]:
        return [row["id"] for row in read(sandbox, "/api/campaigns", **query)["data"]]

    assert ids(**{"search[field]": "sender", "search[value]": "MINE"}) == [mine["id"]]
    assert ids(**{"search[field]": "taskname", "search[value]": "Autumn"}) == [other["id"]]
    assert ids(**{"filter[type]": "rcs"}) == []
    assert ids(sort="status") == [other["id"], mine["id"]]
    assert ids(sort="date", way="desc") == [other["id"], mine["id"]]
    for field, query in {
        "search.field": {"search[field]": "colour"},
        "search.value": {"search[field]": "sender", "search[value]": ""},
        "filter.type": {"filter[type]": "fax"},
    }.items():
        assert refused_fields(call(sandbox, "GET", "/api/campaigns", params=query)) == {field}


def test_messages_are_sorted_by_phone_and_by_their_delivery(sandbox: Sandbox) -> None:
    slow(sandbox)
    taken(sandbox, [message(2), message(1)])
    sandbox.advance(100 + 150)

    by_phone = read(sandbox, "/api/messages", sort="phone")["data"]
    by_delivery = read(sandbox, "/api/messages", sort="delivered", way="desc")["data"]

    assert [row["text"] for row in by_phone] == ["Hello 1", "Hello 2"]
    assert [row["text"] for row in by_delivery] == ["Hello 2", "Hello 1"]
    assert refused_fields(call(sandbox, "GET", "/api/messages", params={"sort": "created_at"})) == {"sort"}


def test_a_campaign_is_named_by_its_second_when_it_has_no_name(sandbox: Sandbox) -> None:
    campaign = taken(sandbox, messages(1))

    assert campaign["name"] == f"SMS api campaign / {campaign['created_at']}"


def test_tariffs_are_listed_with_their_number(sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", tariffs=[3, 9])

    response = read(sandbox, "/api/accounts/tariff")

    assert response["total"] == 2
    assert [(row["code"], row["is_default"]) for row in response["data"]] == [(3, True), (9, False)]
