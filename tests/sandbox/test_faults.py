from __future__ import annotations

import socket
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from bsg_sandbox.faults import FaultInvalid
from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import (
    INDIVIDUAL,
    balance_status,
    call,
    login,
    message,
    messages,
    post,
    refused_fields,
    taken,
)


def kept(sandbox: Sandbox) -> int:
    return sandbox.summary().campaigns


def test_latency_delays_the_response(sandbox: Sandbox) -> None:
    sandbox.fault("latency", seconds=0.3)
    began = time.monotonic()

    taken(sandbox, messages(1))

    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(("given", "written"), [(None, None), (7, "7"), (1.5, "1.5")])
def test_a_throttle_says_when_to_come_back_only_if_asked_to(sandbox: Sandbox, given: Any, written: str | None) -> None:
    sandbox.fault("throttle", retry_after=given)

    response = post(sandbox, messages(1))

    assert (response.status_code, response.headers.get("Retry-After")) == (429, written)
    assert "duplicate" not in response.json()["message"]
    assert kept(sandbox) == 0


def test_a_duplicate_notice_comes_after_the_campaign_was_kept(sandbox: Sandbox) -> None:
    sandbox.fault("duplicate_notice_after", times=1)

    response = post(sandbox, messages(1))

    assert (response.status_code, response.json()) == (429, {"message": "Too many duplicate request detected"})
    assert "Retry-After" not in response.headers
    assert kept(sandbox) == 1


def test_a_throttle_can_name_a_date(sandbox: Sandbox) -> None:
    sandbox.fault("throttle", retry_after="date")

    named = parsedate_to_datetime(post(sandbox, messages(1)).headers["Retry-After"])

    assert 0 < named.timestamp() - time.time() <= 3


@pytest.mark.parametrize(
    ("kind", "status", "campaigns"), [("server_error_before", 503, 0), ("server_error_after", 504, 1)]
)
def test_a_server_error_comes_before_or_after_the_campaign_is_kept(
    sandbox: Sandbox, kind: str, status: int, campaigns: int
) -> None:
    sandbox.fault(kind, status=status)

    assert post(sandbox, messages(1)).status_code == status
    assert kept(sandbox) == campaigns


@pytest.mark.parametrize(("kind", "campaigns"), [("cut_before", 0), ("cut_after", 1)])
def test_a_connection_is_cut_before_or_after_the_campaign_is_kept(sandbox: Sandbox, kind: str, campaigns: int) -> None:
    sandbox.fault(kind)

    with pytest.raises(requests.ConnectionError):
        post(sandbox, messages(1))

    assert kept(sandbox) == campaigns
    assert [seen.status for seen in sandbox.requests()] == [None]


def test_a_connection_is_cut_in_the_middle_of_the_upload(sandbox: Sandbox) -> None:
    sandbox.fault("cut_before", after_bytes=1000)

    with pytest.raises(requests.ConnectionError):
        post(sandbox, messages(10_000))

    assert kept(sandbox) == 0


@pytest.mark.parametrize(("kind", "campaigns"), [("silence_before", 0), ("silence_after", 1)])
def test_silence_lasts_until_the_client_gives_up(sandbox: Sandbox, kind: str, campaigns: int) -> None:
    sandbox.fault(kind)

    with pytest.raises(requests.ReadTimeout):
        post(sandbox, messages(1), timeout=0.3)

    assert kept(sandbox) == campaigns


def test_silence_can_end_by_itself(sandbox: Sandbox) -> None:
    sandbox.fault("silence_after", seconds=0.2)

    with pytest.raises(requests.ConnectionError):
        post(sandbox, messages(1))


def _is_html(response: requests.Response) -> bool:
    return response.headers["Content-Type"] == "text/html" and response.text.startswith("<!DOCTYPE")


def _is_broken(response: requests.Response) -> bool:
    return response.text.startswith('{"data"') and not response.text.endswith("}")


GARBAGE: list[tuple[str, Callable[[requests.Response], bool]]] = [
    ("html", _is_html),
    ("broken_json", _is_broken),
    ("empty", lambda response: response.content == b""),
    ("no_id", lambda response: "id" not in response.json()["data"]),
]


@pytest.mark.parametrize(("shape", "is_expected"), GARBAGE, ids=[row[0] for row in GARBAGE])
def test_garbage_comes_after_the_campaign_is_kept(
    sandbox: Sandbox, shape: str, is_expected: Callable[[requests.Response], bool]
) -> None:
    sandbox.fault("garbage_after", shape=shape)

    response = post(sandbox, messages(1))

    assert response.status_code == 200
    assert is_expected(response)
    assert kept(sandbox) == 1


def test_half_a_response_comes_after_the_campaign_is_kept(sandbox: Sandbox) -> None:
    sandbox.fault("garbage_after", shape="half")

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        post(sandbox, messages(1))

    assert kept(sandbox) == 1


@pytest.mark.parametrize(
    ("kind", "options", "status", "code"),
    [
        ("no_funds", {}, 200, "8"),
        ("no_funds", {"status": 402}, 402, "8"),
        ("user_blocked", {}, 200, "2"),
        ("http_200_error", {"code": 23}, 200, "23"),
    ],
)
def test_an_error_in_the_older_style_leaves_nothing_behind(
    sandbox: Sandbox, kind: str, options: dict[str, Any], status: int, code: str
) -> None:
    sandbox.fault(kind, **options)

    response = post(sandbox, messages(1))

    assert (response.status_code, response.json()["error"]) == (status, code)
    assert set(response.json()) == {"error", "errorDescription"}
    assert kept(sandbox) == 0


def test_a_token_expires_on_order_and_stays_expired(sandbox: Sandbox) -> None:
    bearer = login(sandbox)
    sandbox.fault("token_expired", first=1)

    assert [balance_status(sandbox, bearer) for _ in range(2)] == [401, 401]
    assert balance_status(sandbox, login(sandbox)) == 200


def test_a_second_login_voids_the_first_token_on_order(sandbox: Sandbox) -> None:
    first = login(sandbox)
    sandbox.fault("token_voided_by_second_login")

    second = login(sandbox)

    assert [balance_status(sandbox, token) for token in (first, second)] == [401, 200]


@pytest.mark.parametrize(
    "options", [{"rows": [0, 2, 99]}, {"phones": [message(0)["phone"], message(2)["phone"], 380990000000]}]
)
def test_rows_are_refused_by_name_and_the_others_with_them(sandbox: Sandbox, options: dict[str, Any]) -> None:
    sandbox.fault("rows_refused", **options)

    assert refused_fields(post(sandbox, messages(3))) == {"messages.0.phone", "messages.2.phone"}
    assert kept(sandbox) == 0


def test_a_request_without_the_refused_phones_passes(sandbox: Sandbox) -> None:
    sandbox.fault("rows_refused", phones=[message(0)["phone"]])

    taken(sandbox, [message(1)])


def test_refused_rows_can_come_as_a_list_and_name_another_field(sandbox: Sandbox) -> None:
    sandbox.fault("rows_refused", rows=[1], shape="list", field="sender")

    errors = post(sandbox, messages(3)).json()["errors"]

    assert errors == ["messages.1.sender: The sender is not allowed."]


def test_messages_are_dropped_without_a_word(sandbox: Sandbox) -> None:
    sandbox.fault("drop", rows=[1, 3])

    campaign = taken(sandbox, messages(5))

    record = sandbox.record()
    assert sorted(record.by_reference) == ["ref0", "ref2", "ref4"]
    assert sandbox.summary().dropped_messages == 2
    detail = call(sandbox, "GET", f"/api/campaigns/{campaign['id']}/detail").json()["data"]
    assert detail["total_messages"] == 3


def test_taken_reference_ids_refuse_the_whole_request(sandbox: Sandbox) -> None:
    sandbox.fault("duplicates", mode="reject_whole")
    taken(sandbox, messages(2))

    assert refused_fields(post(sandbox, messages(3))) == {
        "messages.0.reference_id",
        "messages.1.reference_id",
    }
    assert sandbox.summary().messages == 2


def test_taken_reference_ids_are_dropped_singly(sandbox: Sandbox) -> None:
    sandbox.fault("duplicates", mode="drop_singly")
    taken(sandbox, messages(2))

    second = taken(sandbox, messages(3))

    assert sandbox.record().by_reference["ref2"] == [second["id"]]
    assert sandbox.summary().messages == 3
    assert post(sandbox, messages(3)).status_code == 422


def test_taken_reference_ids_are_allowed_and_recorded(sandbox: Sandbox) -> None:
    sandbox.fault("duplicates", mode="allow")
    ids = [taken(sandbox, messages(2))["id"] for _ in range(2)]

    assert sandbox.record().by_reference == {"ref0": ids, "ref1": ids}
    summary = sandbox.summary()
    assert (summary.repeated_messages, summary.repeated_references, summary.distinct_messages) == (2, 2, 2)
    found = call(sandbox, "GET", "/api/messages?filter[reference_id]=ref1").json()["data"]
    assert [row["campaign_id"] for row in found] == ids


def test_messages_show_late_by_the_clock(sandbox: Sandbox) -> None:
    sandbox.fault("late_visibility", seconds=60)
    taken(sandbox, messages(1))
    query = "/api/messages?filter[reference_id]=ref0"

    assert call(sandbox, "GET", query).json()["data"] == []

    sandbox.advance(60)
    assert len(call(sandbox, "GET", query).json()["data"]) == 1


def test_filters_are_ignored_on_order(sandbox: Sandbox) -> None:
    taken(sandbox, messages(3))
    past = "filter[from]=2020-01-01 00:00:00&filter[to]=2020-01-02 00:00:00"
    sandbox.fault("ignored_filters")

    assert len(call(sandbox, "GET", f"/api/campaigns?{past}").json()["data"]) == 1
    assert len(call(sandbox, "GET", "/api/messages?filter[reference_id]=ref1").json()["data"]) == 3


def test_totals_grow_slowly_by_the_clock(sandbox: Sandbox) -> None:
    sandbox.fault("slow_totals", seconds=1000)
    path = f"/api/campaigns/{taken(sandbox, messages(100))['id']}/detail"

    totals = []
    for seconds in (0, 505, 600):
        sandbox.advance(seconds)
        totals.append(call(sandbox, "GET", path).json()["data"]["total_messages"])

    assert totals == [0, 50, 100]


def test_another_zone_moves_the_dates_that_are_sent_and_read(sandbox: Sandbox) -> None:
    campaign = taken(sandbox, messages(1))
    path = f"/api/campaigns/{campaign['id']}"
    sandbox.fault("zone", offset_hours=-24 + 1)

    moved = call(sandbox, "GET", path).json()["data"]["created_at"]

    assert moved < campaign["created_at"]
    window = {"filter[from]": moved, "filter[to]": moved}
    assert len(call(sandbox, "GET", "/api/campaigns", params=window).json()["data"]) == 1


def test_a_redirect_leaves_nothing_behind(sandbox: Sandbox) -> None:
    sandbox.fault("redirect", status=302, location="/elsewhere")

    response = post(sandbox, messages(1))

    assert (response.status_code, response.headers["Location"]) == (302, "/elsewhere")
    assert kept(sandbox) == 0


def test_a_response_without_end_goes_on_until_the_client_leaves(sandbox: Sandbox) -> None:
    sandbox.fault("endless_response", pause=0)

    with requests.post(
        sandbox.url + INDIVIDUAL,
        json={"messages": messages(1)},
        headers={"X-API-KEY": "live_sandbox"},
        stream=True,
        timeout=5,
    ) as response:
        assert len(response.raw.read(1_000_000)) == 1_000_000

    assert kept(sandbox) == 1


def statuses(sandbox: Sandbox, times: int) -> list[int]:
    return [post(sandbox, [message(number)]).status_code for number in range(times)]


@pytest.mark.parametrize(
    ("when", "struck"),
    [
        ({}, [1, 2, 3, 4]),
        ({"first": 2}, [1, 2]),
        ({"requests": [2, 4]}, [2, 4]),
        ({"times": 3}, [1, 2, 3]),
        ({"requests": [1, 3, 4], "times": 2}, [1, 3]),
        ({"probability": 0.0}, []),
        ({"probability": 1.0}, [1, 2, 3, 4]),
    ],
)
def test_a_fault_happens_to_the_requests_that_were_ordered(
    sandbox: Sandbox, when: dict[str, Any], struck: list[int]
) -> None:
    sandbox.fault("server_error_before", **when)

    assert [number for number, status in enumerate(statuses(sandbox, 4), 1) if status == 500] == struck
    assert sandbox.faults()[0]["happened"] == len(struck)


def test_a_probability_strikes_the_same_requests_for_the_same_seed() -> None:
    def struck(seed: int) -> list[int]:
        with Sandbox() as sandbox:
            sandbox.fault("throttle", probability=0.5, seed=seed)
            return statuses(sandbox, 12)

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert {200, 429} == set(struck(1))


def test_a_fault_happens_only_to_its_path_and_only_to_who_may_ask(sandbox: Sandbox) -> None:
    sandbox.fault("server_error_before", first=1)

    assert post(sandbox, messages(1), key="nobody").status_code == 401
    assert call(sandbox, "GET", "/api/campaigns").status_code == 200
    assert post(sandbox, messages(1)).status_code == 500


def test_faults_can_be_taken_back(sandbox: Sandbox) -> None:
    sandbox.fault("server_error_before")
    sandbox.clear_faults()

    taken(sandbox, messages(1))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("earthquake", {}),
        ("latency", {"minutes": 1}),
        ("latency", {"seconds": "long"}),
        ("garbage_after", {"shape": "round"}),
        ("throttle", {"probability": 2}),
    ],
)
def test_an_order_that_means_nothing_is_refused(sandbox: Sandbox, kind: str, options: dict[str, Any]) -> None:
    with pytest.raises(FaultInvalid):
        sandbox.fault(kind, **options)


def test_a_sandbox_stops_at_once_though_a_client_still_waits_for_a_response() -> None:
    with Sandbox() as sandbox:
        sandbox.fault("silence_before")
        host, port = sandbox.url.removeprefix("http://").split(":")
        waiting = socket.create_connection((host, int(port)))
        request = f"POST {INDIVIDUAL} HTTP/1.1\r\nX-API-KEY: live_sandbox\r\nContent-Length: 2\r\n\r\n{{}}"
        waiting.sendall(request.encode())
        while not sandbox.requests():
            time.sleep(0.001)
        began = time.monotonic()

    assert time.monotonic() - began < 2
    waiting.settimeout(2)
    assert waiting.recv(1) == b""
    waiting.close()
