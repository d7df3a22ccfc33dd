from __future__ import annotations

from typing import Any

import pytest

from bsg_sandbox.clock import format_bsg_time
from bsg_sandbox.server import Sandbox
from tests.sandbox.sandbox_calls import call, message, messages, post, refused_fields, taken

GOOD: list[tuple[str, dict[str, Any]]] = [
    ("a phone of nine digits", {"phone": 100_000_000}),
    ("a phone of fifteen digits", {"phone": 999_999_999_999_999}),
    ("a sender of three letters", {"sender": "ABC"}),
    ("a sender of eleven characters", {"sender": "Shop & Co. 1"[:11]}),
    ("a sender of fifteen digits", {"sender": "1" * 15}),
    ("a text of 765 Latin letters", {"text": "a" * 765}),
    ("a text of 382 extension characters and a letter", {"text": "€" * 382 + "a"}),
    ("a text of 335 Cyrillic letters", {"text": "ж" * 335}),
    ("a text of 167 emoji and a letter", {"text": "😀" * 167 + "ж"}),
    ("a reference id of one character", {"reference_id": "a"}),
    ("a reference id of 32 characters", {"reference_id": "aZ09" * 8}),
    ("a tariff code of its own", {"tariff_code": 9}),
    ("a wish to transliterate", {"transliterate": True}),
]
BAD: list[tuple[str, str, dict[str, Any]]] = [
    ("no phone", "phone", {"phone": ...}),
    ("a phone of eight digits", "phone", {"phone": 99_999_999}),
    ("a phone of sixteen digits", "phone", {"phone": 10**15}),
    ("a phone as a string", "phone", {"phone": "380670000000"}),
    ("a phone that is true", "phone", {"phone": True}),
    ("a phone with a fraction", "phone", {"phone": 380670000000.0}),
    ("no sender", "sender", {"sender": ...}),
    ("an empty sender", "sender", {"sender": ""}),
    ("a sender of twelve characters", "sender", {"sender": "a" * 12}),
    ("a sender of sixteen digits", "sender", {"sender": "1" * 16}),
    ("a Cyrillic sender", "sender", {"sender": "Крамниця"}),
    ("no text", "text", {"text": ...}),
    ("an empty text", "text", {"text": ""}),
    ("a text that is a number", "text", {"text": 5}),
    ("a text of 766 Latin letters", "text", {"text": "a" * 766}),
    ("a text of 383 extension characters", "text", {"text": "€" * 383}),
    ("a text of 336 Cyrillic letters", "text", {"text": "ж" * 336}),
    ("a text of 168 emoji", "text", {"text": "😀" * 168}),
    ("an empty reference id", "reference_id", {"reference_id": ""}),
    ("a reference id of 33 characters", "reference_id", {"reference_id": "a" * 33}),
    ("a reference id with a dash", "reference_id", {"reference_id": "a-b"}),
    ("a reference id of foreign letters", "reference_id", {"reference_id": "ж"}),
    ("a reference id with a line feed at its end", "reference_id", {"reference_id": "a\n"}),
    ("a tariff code of ten", "tariff_code", {"tariff_code": 10}),
]


@pytest.mark.parametrize(("fields"), [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_a_message_at_the_edge_of_the_rules_is_taken(sandbox: Sandbox, fields: dict[str, Any]) -> None:
    campaign = taken(sandbox, [message(**fields)])

    assert campaign["status"] == "creation"
    assert sandbox.record().messages == 1


@pytest.mark.parametrize(("field", "fields"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_a_message_beyond_the_rules_is_refused_by_name(sandbox: Sandbox, field: str, fields: dict[str, Any]) -> None:
    response = post(sandbox, [message(1, reference_id="good1"), message(**fields)])

    assert refused_fields(response) == {f"messages.1.{field}"}
    assert sandbox.record().messages == 0


def test_a_row_that_is_no_object_is_refused_by_name(sandbox: Sandbox) -> None:
    assert refused_fields(post(sandbox, [message(), 7])) == {"messages.1"}


@pytest.mark.parametrize("rows", [[], None, {}, "messages"])
def test_a_campaign_without_messages_is_refused(sandbox: Sandbox, rows: Any) -> None:
    assert refused_fields(post(sandbox, rows)) == {"messages"}


def test_a_body_that_is_no_json_is_refused_as_one_without_messages(sandbox: Sandbox) -> None:
    response = call(sandbox, "POST", "/api/campaigns/sms/send-individual", data=b"{broken")

    assert refused_fields(response) == {"messages"}


def test_10_000_messages_are_taken_and_one_more_is_refused(sandbox: Sandbox) -> None:
    assert refused_fields(post(sandbox, messages(10_001))) == {"messages"}

    taken(sandbox, messages(10_000))

    assert sandbox.summary().messages == 10_000


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [("tariff_code", (0, 9), (-1, 10, "0", None, True)), ("validity", (1, 72), (0, 73, "72", 1.5))],
)
def test_a_number_of_the_options_is_held_to_its_bounds(
    sandbox: Sandbox, name: str, good: tuple[Any, ...], bad: tuple[Any, ...]
) -> None:
    for value in good:
        taken(sandbox, [message()], **{name: value})
    for value in bad:
        assert refused_fields(post(sandbox, [message()], **{name: value})) == {name}


def test_a_start_is_taken_until_thirty_days_ahead(sandbox: Sandbox) -> None:
    now = sandbox.advance(0)
    in_time, too_late = format_bsg_time(now + 30 * 86_400 - 5, 0), format_bsg_time(now + 30 * 86_400 + 5, 0)

    assert taken(sandbox, [message()], start_at=in_time)["start_at"] == in_time
    assert taken(sandbox, [message()], start_code=in_time)["start_at"] == in_time
    assert refused_fields(post(sandbox, [message()], start_at=too_late)) == {"start_at"}


@pytest.mark.parametrize("written", ["2026-01-01", "2026-01-01T10:00:00", "2026-13-01 10:00:00", 5, ""])
def test_a_start_in_another_format_is_refused(sandbox: Sandbox, written: Any) -> None:
    assert refused_fields(post(sandbox, [message()], start_at=written)) == {"start_at"}


def test_a_callback_must_be_an_address(sandbox: Sandbox) -> None:
    taken(sandbox, [message()], callback_url="https://shop.example/reports")

    assert refused_fields(post(sandbox, [message()], callback_url="shop")) == {"callback_url"}


def test_a_callback_address_has_a_hundred_characters_at_most(sandbox: Sandbox) -> None:
    longest = "https://shop.example/".ljust(100, "r")

    taken(sandbox, [message()], callback_url=longest)

    assert refused_fields(post(sandbox, [message()], callback_url=longest + "r")) == {"callback_url"}


def test_a_text_is_written_in_latin_letters_when_that_is_asked_for(sandbox: Sandbox) -> None:
    rows = [message(number, text="Привіт, Ганно" + "!" * 60, transliterate=number == 1) for number in range(3)]
    rows[2]["text"] = "Olé ☺"
    rows[2]["transliterate"] = True

    taken(sandbox, rows)

    read = call(sandbox, "GET", "/api/messages").json()["data"]
    assert [row["text"][:13] for row in read] == ["Привіт, Ганно", "Privit, Ganno", "Olé ☺"]
    assert [row["parts"] for row in read] == [2, 1, 1]


def test_the_length_of_a_text_counts_as_it_is_sent(sandbox: Sandbox) -> None:
    long = message(text="ж" * 340)

    assert refused_fields(post(sandbox, [long])) == {"messages.0.text"}

    taken(sandbox, [long | {"transliterate": True}])
    one_text = {"sender": "SHOP", "text": "ж" * 340, "phones": [{"number": 380670000001}], "transliterate": True}
    assert call(sandbox, "POST", "/api/campaigns/sms/send", json=one_text).status_code == 200


def test_a_tariff_that_the_account_has_not_is_not_found(sandbox: Sandbox) -> None:
    sandbox.put_account("live_sandbox", tariffs=[0])

    response = post(sandbox, [message()], tariff_code=3)

    assert (response.status_code, response.json()) == (422, {"message": "Tariff not found"})


def test_a_phone_twice_in_a_campaign_is_refused_unless_allowed(sandbox: Sandbox) -> None:
    rows = [message(), message(text="another")]

    assert refused_fields(post(sandbox, rows)) == {"messages.1.phone"}

    sandbox.configure(phone_twice="allow")
    taken(sandbox, rows)


@pytest.mark.parametrize("sender", ["AB", "12"])
def test_a_sender_has_three_characters_by_the_document_and_one_by_the_page(sandbox: Sandbox, sender: str) -> None:
    assert refused_fields(post(sandbox, [message(sender=sender)])) == {"messages.0.sender"}

    sandbox.configure(sender_minimum=1)
    taken(sandbox, [message(sender=sender)])


def test_the_same_body_again_makes_a_second_campaign(sandbox: Sandbox) -> None:
    first, second = taken(sandbox, [message()]), taken(sandbox, [message()])

    assert first["id"] != second["id"]
    assert [entry["times"] for entry in sandbox.record().duplicates] == [2]
    assert sandbox.summary().repeated_messages == 1


def test_the_same_body_within_the_window_is_a_duplicate_request(sandbox: Sandbox) -> None:
    sandbox.configure(duplicate_request_window=10)
    taken(sandbox, [message()])

    refused = post(sandbox, [message()])

    assert (refused.status_code, refused.json()) == (429, {"message": "Too many duplicate request detected"})
    assert post(sandbox, [message()], key="test_sandbox").status_code == 422  # another account's is no duplicate
    sandbox.advance(11)
    taken(sandbox, [message()])


def test_a_reference_id_twice_in_a_campaign_is_refused(sandbox: Sandbox) -> None:
    rows = [message(1, reference_id="same"), message(2, reference_id="same")]

    assert refused_fields(post(sandbox, rows)) == {"messages.1.reference_id"}


def test_a_reference_id_is_free_again_after_the_memory_that_is_set(sandbox: Sandbox) -> None:
    sandbox.configure(reference_memory=60)
    taken(sandbox, messages(1))

    assert refused_fields(post(sandbox, messages(1))) == {"messages.0.reference_id"}

    sandbox.advance(61)
    taken(sandbox, messages(1))


def test_one_text_to_many_phones_is_taken_by_the_same_rules(sandbox: Sandbox) -> None:
    path = "/api/campaigns/sms/send"
    body = {"sender": "SHOP", "text": "Hello", "phones": [{"number": 380670000001, "reference_id": "r1"}]}

    assert call(sandbox, "POST", path, json=body).status_code == 200
    assert refused_fields(call(sandbox, "POST", path, json=body)) == {"messages.0.reference_id"}
    wrong = body | {"text": "a" * 766, "phones": [{"number": 5}, 7]}
    assert refused_fields(call(sandbox, "POST", path, json=wrong)) == {"text", "phones.0.number", "phones.1"}
    assert refused_fields(call(sandbox, "POST", path, json=body | {"phones": []})) == {"phones"}


def test_a_price_counts_segments_and_phones(sandbox: Sandbox) -> None:
    rows = [{"phone": 380670000001}, {"phone": 380670000002}]
    body = {"sender": "SHOP", "text": "a" * 161, "messages": rows, "tariff_code": 0}

    response = call(sandbox, "POST", "/api/campaigns/price", json=body)

    assert response.json() == {"price": 0.04, "currency": "EUR"}
    wrong = call(sandbox, "POST", "/api/campaigns/price", json={"messages": [{"phone": 1}]})
    assert refused_fields(wrong) == {"sender", "text", "messages.0.phone"}
