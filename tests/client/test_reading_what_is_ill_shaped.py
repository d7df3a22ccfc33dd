from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from bsg_client import AccountReason, BSGClient, ReadFailed
from bsg_client.access import Login
from tests.client.fake_server import (
    Behaviour,
    Conversation,
    FakeServer,
    responding,
    response_bytes,
    settings_for,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def a_client(server: FakeServer, **overrides: Any) -> BSGClient:
    return BSGClient(settings_for(server.url, **overrides).account, None)


def pages(*contents: Any) -> Behaviour:
    """Return with one content after the other, on one connection; the last one over and over."""

    def behaviour(conversation: Conversation) -> None:
        number = 0
        while conversation.read_request()[0]:
            content = contents[min(number, len(contents) - 1)]
            conversation.write(response_bytes(200, json.dumps(content).encode()))
            number += 1

    return behaviour


def rows(*ids: int) -> list[dict[str, Any]]:
    return [{"id": number, "status": "done"} for number in ids]


def listed(server: FakeServer) -> list[int]:
    return [campaign.id for campaign in a_client(server).campaigns(NOW - timedelta(days=1), NOW)]


def test_a_list_without_a_total_ends_with_an_empty_page() -> None:
    with FakeServer(pages({"data": rows(1, 2)}, {"data": rows(3)}, {"data": []})) as server:
        assert listed(server) == [1, 2, 3]


def test_a_list_that_gives_fewer_rows_at_once_than_asked_for_is_read_on() -> None:
    meta = {"page": {"total": 3, "limit": 2}}
    with FakeServer(
        pages(
            {"data": rows(1, 2), "meta": meta},
            {"data": rows(3), "meta": meta},
            {"data": rows(9), "meta": meta},
        )
    ) as server:
        assert listed(server) == [1, 2, 3]


@pytest.mark.parametrize(
    "content",
    [
        {"data": rows(1, 2)},
        {"data": rows(1, 2), "meta": {"page": {"total": 1000}}},
        {"data": [{"status": "done"}]},
        {"data": ["done"]},
        {"data": {"1": {"id": 1}}},
        {"data": None},
        [],
        {"error": "5"},
        {"error": "5", "data": rows(1)},
        {"error": "5", "data": rows(1), "meta": {"page": {"total": 1}}},
        {"data": [{"status": "done"}], "meta": {"page": {"total": 1}}},
    ],
    ids=str,
)
def test_a_list_that_cannot_be_read_whole_fails(content: Any) -> None:
    with FakeServer(pages(content)) as server, pytest.raises(ReadFailed):
        listed(server)


def test_a_list_of_nothing_is_no_failure() -> None:
    with FakeServer(pages({"data": [], "meta": {"page": {"total": 0}}})) as server:
        assert listed(server) == []


def test_the_span_is_asked_for_in_bsgs_zone_and_pages_by_what_has_come() -> None:
    queries: list[dict[str, list[str]]] = []

    def record(conversation: Conversation) -> None:
        for content in ({"data": rows(1, 2)}, {"data": rows()}):
            target = conversation.read_request()[0].split(b" ")[1].decode()
            queries.append(parse_qs(urlsplit(target).query))
            conversation.write(response_bytes(200, json.dumps(content).encode()))

    with FakeServer(record) as server:
        client = a_client(server, bsg_timezone=str(ZoneInfo("Europe/Kyiv")))
        list(client.campaigns(NOW - timedelta(hours=1), NOW))

    assert queries[0] == {
        "filter[type]": ["sms"],
        "filter[from]": ["2026-11-24 13:00:00"],
        "filter[to]": ["2026-11-24 14:00:00"],
        "page[offset]": ["0"],
        "page[limit]": ["500"],
        "sort": ["id"],
        "way": ["asc"],
    }
    assert queries[1]["page[offset]"] == ["2"]


def test_a_page_of_the_longest_cyrillic_texts_is_not_too_long() -> None:
    row = {"reference_id": "r" * 32, "status": "delivered", "text": "ж" * 335, "sender": "Shop"}
    content = {"data": [{**row, "id": number} for number in range(500)], "meta": {"page": {"total": 500}}}
    assert len(json.dumps(content)) > 1 << 20

    with FakeServer(pages(content)) as server:
        assert len(list(a_client(server).messages(campaign_id=1))) == 500


@pytest.mark.parametrize(
    "data",
    [None, [], {}, {"status": 3}, {"id": 8, "status": "done"}, {"id": "7x", "status": "done"}],
    ids=str,
)
def test_details_that_are_no_campaigns_or_another_ones_fail(data: Any) -> None:
    with FakeServer(pages({"data": data})) as server, pytest.raises(ReadFailed):
        a_client(server).campaign(7)


def test_details_are_read_with_what_is_missing_as_none() -> None:
    with FakeServer(pages({"data": {"status": "moderation", "total_messages": "12", "statistics": []}})) as server:
        detail = a_client(server).campaign(7)

    assert (detail.id, detail.status, detail.total_messages) == (7, "moderation", 12)
    assert (detail.created_at, detail.price, detail.statistics) == (None, None, {})


@pytest.mark.parametrize("data", [None, {}, {"balance": "much"}, {"balance": True}, {"balance": "NaN"}], ids=str)
def test_a_balance_that_is_no_number_fails(data: Any) -> None:
    with FakeServer(pages({"data": data})) as server, pytest.raises(ReadFailed):
        a_client(server).balance()


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        ({"data": {"id": 7, "status": "stopped"}}, "stopped"),
        ({"data": {"id": 8, "status": "stopped"}}, None),
        ({"data": {"id": 7, "status": "sending"}}, "sending"),
        ({"data": {"id": 7}}, None),
        ({"data": []}, None),
    ],
    ids=str,
)
def test_a_stop_counts_only_if_the_response_is_the_campaign(content: Any, outcome: str | None) -> None:
    with FakeServer(pages(content)) as server:
        assert a_client(server).stop(7) == outcome


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_other_response_to_a_stop_fails(status: int) -> None:
    behaviour = responding(status, b'{"message":"No."}', "Location: /elsewhere")
    with FakeServer(behaviour) as server, pytest.raises(ReadFailed) as failure:
        a_client(server).stop(7)

    assert failure.value.status == status


def test_an_error_code_in_a_422_to_a_stop_is_not_taken_for_being_past_stopping() -> None:
    with FakeServer(responding(422, b'{"error":"2"}')) as server, pytest.raises(ReadFailed):
        a_client(server).stop(7)


def test_a_read_without_a_response_has_no_status() -> None:
    def silence(conversation: Conversation) -> None:
        conversation.stay_silent()

    with FakeServer(silence) as server, pytest.raises(ReadFailed) as failure:
        a_client(server).balance()

    assert (failure.value.status, failure.value.cause) == (None, "read timeout")


def test_a_lookup_of_everything_is_a_mistake() -> None:
    with FakeServer(pages({"data": []})) as server, pytest.raises(ValueError, match="looked up"):
        a_client(server).messages()


@pytest.mark.parametrize("bearer", [None, "", "two\r\nlines: 1", 7, "x" * 10_000], ids=lambda value: str(value)[:9])
def test_a_login_that_gives_no_token_fails(bearer: Any) -> None:
    with FakeServer(pages({"bearer": bearer})) as server, pytest.raises(ReadFailed, match="login"):
        Login(settings_for(server.url).account)()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, b'{"message":"Unauthenticated."}', AccountReason.BAD_KEY),
        (422, b'{"message":"Invalid.","errors":{"api_key":["Invalid."]}}', AccountReason.BAD_KEY),
        (403, b'{"error":"2"}', AccountReason.BLOCKED),
        (200, b'{"error":"1"}', AccountReason.BAD_KEY),
        (403, b"<html>Forbidden by the firewall</html>", None),
        (500, b'{"message":"Server Error"}', None),
    ],
)
def test_a_refused_login_shows_whether_the_account_is_closed(
    status: int, body: bytes, reason: AccountReason | None
) -> None:
    with FakeServer(responding(status, body)) as server, pytest.raises(ReadFailed) as failure:
        Login(settings_for(server.url).account)()

    assert failure.value.account_reason is reason


def message_rows(*ids: int) -> dict[str, Any]:
    return {"data": [{"id": number, "status": "sent"} for number in ids]}


def read_backwards(*contents: Any) -> list[int]:
    with FakeServer(pages(*contents)) as server:
        newest = a_client(server).newest_messages()
        read = list[int]()
        while not newest.ended:
            read += [row.id or 0 for row in newest.page()]
        return read


def test_a_list_is_read_backwards_and_what_is_added_meanwhile_makes_no_gap() -> None:
    added_meanwhile = message_rows(8, 7, 6)

    assert read_backwards(message_rows(9, 8, 7), added_meanwhile, message_rows(6, 5), message_rows(5)) == [
        9,
        8,
        7,
        6,
        5,
    ]
    assert read_backwards(message_rows()) == []


@pytest.mark.parametrize(("total", "left"), [(1200, 4), (3, 1), (0, None), (None, None), ("many", None)])
def test_a_list_shows_about_how_many_pages_are_left_if_bsg_counts_its_rows(total: Any, left: int | None) -> None:
    with FakeServer(pages({**message_rows(9, 8, 7), "meta": {"page": {"total": total}}})) as server:
        newest = a_client(server).newest_messages()
        newest.page()

        assert newest.pages_left == left


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param([message_rows(7, 8, 9)], id="in another order"),
        pytest.param([message_rows(9, 9)], id="a row twice"),
        pytest.param([{"data": [{"status": "sent"}]}], id="rows without a number"),
        pytest.param([message_rows(9, 8, 7), message_rows(6, 5, 4)], id="with a gap"),
        pytest.param([message_rows(9, 8, 7), message_rows(9, 8, 7)], id="the same page again"),
        pytest.param([message_rows(9, 8, 7), message_rows()], id="that ends before its last row"),
        pytest.param([{"data": "none"}], id="that is none"),
    ],
)
def test_a_list_that_is_not_read_backwards_without_a_gap_fails(contents: list[Any]) -> None:
    with pytest.raises(ReadFailed) as failure:
        read_backwards(*contents)

    assert failure.value.status == 200
