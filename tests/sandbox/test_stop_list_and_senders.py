from __future__ import annotations

from typing import Any

import pytest

from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import FIRST_PHONE, call, refused_fields

ATTACH, DETACH, LIST = "/api/stoplist/attach", "/api/stoplist/detach", "/api/stoplist"


def attached(sandbox: Sandbox, phones: list[int], *types: str) -> list[dict[str, Any]]:
    response = call(sandbox, "POST", ATTACH, json={"phones": phones, "types": types or ["sms"]})
    assert response.status_code == 200, response.text
    contacts: list[dict[str, Any]] = response.json()["data"]
    return contacts


def phones_on_list(sandbox: Sandbox, path: str = LIST, key: str = "live_sandbox", **query: Any) -> list[int]:
    response = call(sandbox, "GET", path, params=query, key=key)
    assert response.status_code == 200, response.text
    return [row["phone"] for row in response.json()["data"]]


def test_phones_are_attached_by_type_and_keep_their_id(sandbox: Sandbox) -> None:
    first, second = attached(sandbox, [FIRST_PHONE, FIRST_PHONE + 1])
    again = attached(sandbox, [FIRST_PHONE], "viber")[0]

    assert (first["sms_stoplist"], first["viber_stoplist"], first["rcs_stoplist"]) == (True, False, False)
    assert (again["id"], again["sms_stoplist"], again["viber_stoplist"]) == (first["id"], True, True)
    assert second["id"] != first["id"]
    assert phones_on_list(sandbox) == [FIRST_PHONE, FIRST_PHONE + 1]
    assert phones_on_list(sandbox, type="viber") == [FIRST_PHONE]
    assert phones_on_list(sandbox, key="test_sandbox") == []


def test_a_contact_is_gone_when_it_is_detached_from_its_last_list(sandbox: Sandbox) -> None:
    contact = attached(sandbox, [FIRST_PHONE], "sms", "viber")[0]

    call(sandbox, "POST", DETACH, json={"ids": [contact["id"]], "types": ["sms"]})
    assert phones_on_list(sandbox, type="sms") == []
    assert phones_on_list(sandbox) == [FIRST_PHONE]

    call(sandbox, "POST", DETACH, json={"ids": [contact["id"]], "types": ["viber"]})
    assert phones_on_list(sandbox) == []


def test_the_stop_list_is_read_in_pages_of_twenty_unless_asked_otherwise(sandbox: Sandbox) -> None:
    phones = [FIRST_PHONE + number for number in range(40)]
    attached(sandbox, phones)

    first = call(sandbox, "GET", LIST)
    rest = phones_on_list(sandbox, **{"page[limit]": "15", "page[offset]": "30"})

    assert [row["phone"] for row in first.json()["data"]] == phones[:20]
    assert first.json()["total"] == 40
    assert rest == phones[30:]


def test_a_thousand_phones_are_attached_at_a_time_and_two_hundred_ids_detached(sandbox: Sandbox) -> None:
    phones = [FIRST_PHONE + number for number in range(1_001)]

    too_many = call(sandbox, "POST", ATTACH, json={"phones": phones, "types": ["sms"]})
    contacts = attached(sandbox, phones[:1_000])
    ids = [contact["id"] for contact in contacts][:201]
    too_many_ids = call(sandbox, "POST", DETACH, json={"ids": ids, "types": ["sms"]})

    assert refused_fields(too_many) == {"phones"}
    assert len(contacts) == 1_000
    assert refused_fields(too_many_ids) == {"ids"}


@pytest.mark.parametrize(
    ("method", "path", "order", "field"),
    [
        ("POST", ATTACH, {"phones": [FIRST_PHONE]}, "types"),
        ("POST", ATTACH, {"types": ["sms"]}, "phones"),
        ("POST", ATTACH, {"phones": [5], "types": ["sms"]}, "phones.0"),
        ("POST", ATTACH, {"phones": [FIRST_PHONE], "types": ["fax"]}, "types.0"),
        ("POST", DETACH, {"ids": ["x"], "types": ["sms"]}, "ids.0"),
        ("GET", LIST, {"type": "fax"}, "type"),
        ("GET", LIST, {"page[limit]": "14"}, "page.limit"),
        ("GET", "/api/stoplist/search", {"search[field]": "colour"}, "search.field"),
        ("GET", "/api/stoplist/search", {"search[field]": "id", "search[operator]": "!"}, "search.operator"),
        ("GET", "/api/stoplist/search", {"contact_group_id": "x"}, "contact_group_id"),
        ("GET", "/api/stoplist/search", {"sort": "created_at"}, "sort"),
        ("GET", "/api/senders", {}, "type"),
        ("GET", "/api/senders", {"type": "rcs"}, "type"),
    ],
)
def test_what_the_document_forbids_is_refused_by_name(
    sandbox: Sandbox, method: str, path: str, order: dict[str, Any], field: str
) -> None:
    given: dict[str, Any] = {"json": order} if method == "POST" else {"params": order}

    assert refused_fields(call(sandbox, method, path, **given)) == {field}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"search[field]": "phone", "search[value]": str(FIRST_PHONE + 1)}, [1]),
        ({"search[field]": "phone", "search[operator]": "like", "search[value]": "67000000"}, [0, 1, 2]),
        ({"search[field]": "phone", "search[operator]": ">=", "search[value]": str(FIRST_PHONE + 1)}, [1, 2]),
        ({"search[field]": "type", "search[value]": "viber"}, [2]),
        ({"search[field]": "created_at", "search[operator]": "<", "search[value]": "2020-01-01 00:00:00"}, []),
        ({"search[field]": "phone", "search[value]": "x"}, []),
        ({"search[field]": "phone"}, [0, 1, 2]),
        ({"search_fields[0][field]": "phone", "search_fields[0][value]": str(FIRST_PHONE)}, [0]),
        ({"sort": "phone", "way": "desc"}, [2, 1, 0]),
        ({"contact_group_id": "7"}, []),
    ],
)
def test_the_stop_list_is_searched_by_field_operator_and_value(
    sandbox: Sandbox, query: dict[str, str], expected: list[int]
) -> None:
    attached(sandbox, [FIRST_PHONE, FIRST_PHONE + 1])
    attached(sandbox, [FIRST_PHONE + 2], "viber")

    found = phones_on_list(sandbox, "/api/stoplist/search", **query)

    assert found == [FIRST_PHONE + number for number in expected]


def test_a_repeated_attach_within_the_window_is_a_duplicate_request(sandbox: Sandbox) -> None:
    sandbox.configure(duplicate_request_window=10)
    attached(sandbox, [FIRST_PHONE])

    again = call(sandbox, "POST", ATTACH, json={"phones": [FIRST_PHONE], "types": ["sms"]})

    assert (again.status_code, again.json()) == (429, {"message": "Too many duplicate request detected"})


def test_senders_are_listed_with_their_state_and_country(sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", senders=[{"sender": "MINE"}, {"sender": "OLD", "status": "blocked"}])

    response = call(sandbox, "GET", "/api/senders", params={"type": "sms"}).json()

    assert response["total"] == 2
    assert [(row["sender"], row["status"], row["is_default"]) for row in response["data"]] == [
        ("MINE", "active", True),
        ("OLD", "blocked", False),
    ]
    assert call(sandbox, "GET", "/api/senders", params={"type": "viber"}).json()["data"] == []


@pytest.mark.parametrize(
    "sender", [{"status": "active"}, {"sender": "A", "status": "asleep"}, {"sender": "A", "age": 5}]
)
def test_a_sender_that_cannot_be_is_refused(sandbox: Sandbox, sender: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="sender"):
        sandbox.put_account("live_sandbox", senders=[sender])
