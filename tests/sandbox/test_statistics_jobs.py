from __future__ import annotations

from typing import Any

import pytest

from bsg_sandbox.clock import format_bsg_time
from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import FIRST_PHONE, call, messages, refused_fields, taken

JOBS = "/api/stat/jobs"
NOT_FOUND = {"error": 90, "errorDescription": "File not found"}


def ordered(sandbox: Sandbox, **order: Any) -> str:
    response = call(sandbox, "POST", JOBS, json=order).json()
    assert response["error"] == 0, response
    key: str = response["key"]
    return key


def rows_of(sandbox: Sandbox, key: str) -> list[dict[str, Any]]:
    sandbox.advance(1)
    response = call(sandbox, "GET", f"{JOBS}/{key}").json()
    assert response["error"] == 0, response
    rows: list[dict[str, Any]] = response["result"]
    return rows


def message_ids(sandbox: Sandbox) -> list[int]:
    return [row["id"] for row in call(sandbox, "GET", "/api/messages").json()["data"]]


def period(moment: float) -> dict[str, str]:
    return {"time_in_from": format_bsg_time(moment - 60, 0), "time_in_to": format_bsg_time(moment + 60, 0)}


def test_a_job_by_message_ids_has_a_row_for_each_message_of_the_account(sandbox: Sandbox) -> None:
    taken(sandbox, messages(3))
    first, _, third = message_ids(sandbox)
    sandbox.advance(60)

    rows = rows_of(sandbox, ordered(sandbox, type="message", message_id=[third, first, 5]))

    assert [(row["message_id"], row["msisdn"], row["status"]) for row in rows] == [
        (str(first), str(FIRST_PHONE), "Delivered"),
        (str(third), str(FIRST_PHONE + 2), "Delivered"),
    ]
    assert (rows[0]["price"], rows[0]["country_name"], rows[0]["originator"]) == ("0.0100000", "Ukraine", "SHOP")


def test_a_job_by_time_has_the_messages_of_that_time(sandbox: Sandbox) -> None:
    taken(sandbox, messages(2, "early"))
    now = sandbox.advance(3_600)
    taken(sandbox, messages(2, "late"))

    of_late = rows_of(sandbox, ordered(sandbox, type="params", **period(now)))
    of_one = rows_of(sandbox, ordered(sandbox, type="params", **period(now), phones=[FIRST_PHONE]))
    failed = rows_of(sandbox, ordered(sandbox, type="params", **period(now), status="Failed"))

    assert len(of_late) == 2
    assert [row["msisdn"] for row in of_one] == [str(FIRST_PHONE)]
    assert failed == []


def test_a_job_is_not_found_before_it_is_done_nor_after_it_is_deleted(sandbox: Sandbox) -> None:
    sandbox.configure(stat_job_seconds=30)
    key = ordered(sandbox, type="message", message_id=[])

    assert call(sandbox, "GET", f"{JOBS}/{key}").json() == NOT_FOUND
    assert [job["status"] for job in call(sandbox, "GET", JOBS).json()["result"]] == ["In progress"]
    sandbox.advance(31)
    assert call(sandbox, "GET", JOBS).json()["result"] == [
        {"key": key, "request": {"message_ids": [], "user_id": "50529"}, "status": "Done"}
    ]
    assert rows_of(sandbox, key) == []
    assert call(sandbox, "DELETE", f"{JOBS}/{key}").json() == {"error": 0, "errorDescription": "No errors"}
    assert call(sandbox, "DELETE", f"{JOBS}/{key}").json() == NOT_FOUND
    assert call(sandbox, "GET", f"{JOBS}/{key}").json() == NOT_FOUND


def test_an_account_has_only_so_many_jobs(sandbox: Sandbox) -> None:
    sandbox.configure(stat_jobs_at_most=1)
    key = ordered(sandbox, type="message", message_id=[])

    refused = call(sandbox, "POST", JOBS, json={"type": "message", "message_id": []}).json()
    call(sandbox, "DELETE", f"{JOBS}/{key}")

    assert refused == {"error": 0, "errorDescription": "Maximum count of exports reached"}
    assert ordered(sandbox, type="message", message_id=[]) != key


def test_an_account_without_jobs_is_refused(sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", statistics_jobs=False)

    for method, path in (("GET", JOBS), ("POST", JOBS), ("GET", f"{JOBS}/x"), ("DELETE", f"{JOBS}/x")):
        assert call(sandbox, method, path, json={}).json()["error"] == "4"


@pytest.mark.parametrize(
    ("order", "fields"),
    [
        ({}, {"type"}),
        ({"type": "message"}, {"message_id"}),
        ({"type": "message", "message_id": ["5"]}, {"message_id"}),
        ({"type": "params"}, {"time_in_from", "time_in_to"}),
        ({"type": "params", **period(1e9), "status": "Lost"}, {"status"}),
        ({"type": "params", **period(1e9), "source": "fax", "country": 5}, {"source", "country"}),
        ({"type": "params", **period(1e9), "phones": [5]}, {"phones"}),
        ({"type": "params", **period(1e9), "time_sent_to": "today"}, {"time_sent_to"}),
    ],
)
def test_a_wrong_order_is_refused_by_name(sandbox: Sandbox, order: dict[str, Any], fields: set[str]) -> None:
    assert refused_fields(call(sandbox, "POST", JOBS, json=order)) == fields
