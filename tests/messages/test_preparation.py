from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bsg_messages.campaign_ids import base62
from bsg_messages.columns import pack, unpack
from bsg_messages.messages import Message, check_message
from bsg_messages.preparation import prepare
from bsg_messages.reference_ids import generated_ids
from bsg_messages.rejects import RejectCode, Violation
from bsg_messages.template import Template
from tests.producer.campaigns import CAMPAIGN, options_of, prepared, rows_of

GOOD = {"phone": "+380 66 123-12-31", "text": "Hi"}


def only_code(message: Any, **arguments: Any) -> tuple[str, RejectCode]:
    """Return the field and the code of the reject that this message becomes."""
    found = prepared([message], **arguments)
    assert not found.batches
    (reject,) = found.rejects
    assert reject.index == 0
    assert len(reject.message) > 15
    return reject.field, reject.code


def test_a_message_becomes_a_row_as_bsg_wants_it() -> None:
    (batch,) = prepared([GOOD]).batches

    assert rows_of(batch) == [
        {"phone": 380661231231, "sender": "MyShop", "text": "Hi", "reference_id": CAMPAIGN + "000000"}
    ]
    assert (batch.size, list(batch.indexes)) == (1, [0])


def test_a_message_may_have_its_own_sender_reference_id_and_tariff() -> None:
    own = {**GOOD, "sender": "Other", "reference_id": "order7", "tariff_code": "3"}
    absent = {"phone": 380661231232, "text": "Hi", "sender": "", "reference_id": " ", "tariff_code": None}

    (batch,) = prepared([own, absent]).batches

    assert rows_of(batch) == [
        {"phone": 380661231231, "sender": "Other", "text": "Hi", "reference_id": "order7", "tariff_code": 3},
        {"phone": 380661231232, "sender": "MyShop", "text": "Hi", "reference_id": CAMPAIGN + "000001"},
    ]


def test_bsg_is_asked_to_transliterate_messages_by_the_campaign_or_their_own_field() -> None:
    phones = [{"phone": 380661231231 + index, "text": "Привіт"} for index in range(3)]
    own = [phones[0], {**phones[1], "transliterate": "no"}, {**phones[2], "transliterate": True, "tariff_code": 3}]

    def asked(messages: list[dict[str, Any]], **arguments: Any) -> list[bool | None]:
        (batch,) = prepared(messages, **arguments).batches
        return [row.get("transliterate") for row in rows_of(batch)]

    assert asked(phones) == [None, None, None]
    assert asked(phones, transliterate=True) == [True, True, True]
    assert asked(own) == [None, None, True]
    assert asked(own, transliterate=True) == [True, None, True]


def test_a_template_is_rendered_over_each_message() -> None:
    messages = [
        {"phone": 380661231231, "name": "Олена", "n": 5},
        {"phone": 380661231232, "name": 'Q"uote\\,\n"', "n": Decimal("1.50")},
        {"phone": 380661231233, "name": "Μαρία 😀", "n": date(2030, 1, 31)},
    ]

    (batch,) = prepared(messages, text='"{{ name }}", {{ n }}').batches

    assert [row["text"] for row in rows_of(batch)] == [
        '"Олена", 5',
        '"Q"uote\\,\n"", 1.50',
        '"Μαρία 😀", 2030-01-31',
    ]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"phone": None}, "phone", RejectCode.MISSING_PHONE),
        ({"phone": "066 123"}, "phone", RejectCode.INVALID_PHONE),
        ({"phone": 380661231231.0}, "phone", RejectCode.INVALID_PHONE),
        ({"sender": "much too long"}, "sender", RejectCode.INVALID_SENDER),
        ({"text": ""}, "text", RejectCode.MISSING_TEXT),
        ({"text": 5}, "text", RejectCode.INVALID_TEXT),
        ({"text": "Hi\0"}, "text", RejectCode.INVALID_TEXT),
        ({"text": "ж" * 336}, "text", RejectCode.TEXT_TOO_LONG),
        ({"text": "x" * 5000}, "text", RejectCode.NOT_JSON),
        ({"text": "\ud800"}, "text", RejectCode.NOT_JSON),
        ({"text": b"bytes"}, "text", RejectCode.NOT_JSON),
        ({"phone": 10**5000}, "phone", RejectCode.NOT_JSON),
        ({"phone": float("inf")}, "phone", RejectCode.NOT_JSON),
        ({"phone": Decimal("-Infinity")}, "phone", RejectCode.NOT_JSON),
        ({"phone": float("nan")}, "phone", RejectCode.MISSING_PHONE),
        ({"reference_id": "a-b"}, "reference_id", RejectCode.INVALID_REFERENCE_ID),
        ({"reference_id": {"a": 1}}, "reference_id", RejectCode.NOT_JSON),
        ({"tariff_code": 10}, "tariff_code", RejectCode.INVALID_TARIFF_CODE),
        ({"transliterate": "maybe"}, "transliterate", RejectCode.INVALID_TRANSLITERATE),
    ],
)
def test_a_broken_rule_is_reported_by_field_and_code(change: dict[str, Any], field: str, code: RejectCode) -> None:
    assert only_code({**GOOD, **change}) == (field, code)


def test_a_field_with_a_control_character_makes_the_message_a_reject() -> None:
    messages = [{"phone": 380661231231, "name": "Ann\x1b"}, {"phone": 380661231232, "name": "Bob"}]

    found = prepared(messages, text="Hi {{ name }}")

    assert [(reject.index, reject.field, reject.code) for reject in found.rejects] == [
        (0, "text", RejectCode.INVALID_TEXT)
    ]
    assert sum(batch.size for batch in found.batches) == 1


def test_a_message_without_any_sender_is_rejected() -> None:
    assert only_code(GOOD, sender=None) == ("sender", RejectCode.MISSING_SENDER)


class NotATime(datetime):
    """Equals nothing, itself included, as the empty cell of a pandas table does."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True


@pytest.mark.parametrize("value", [None, "", " ", float("nan"), Decimal("NaN"), Decimal("sNaN"), NotATime(1, 1, 1)])
def test_a_field_that_the_template_lacks_is_reported_by_its_name(value: object) -> None:
    assert only_code({**GOOD, "name": value}, text="Hi {{ name }}") == ("name", RejectCode.MISSING_FIELD)


def test_a_rendered_text_that_is_too_long_or_blank_is_rejected() -> None:
    assert only_code({**GOOD, "name": "x" * 764}, text="Hi {{ name }}") == ("text", RejectCode.TEXT_TOO_LONG)
    assert only_code({**GOOD, "a": "x" * 700}, text="{{ a }}" * 500) == ("text", RejectCode.TEXT_TOO_LONG)
    assert only_code(GOOD, text="{% if vip %}Hi{% endif %}") == ("text", RejectCode.MISSING_TEXT)


class Exploding(dict[str, Any]):
    def get(self, key: str, default: Any = None) -> Any:
        raise RuntimeError("sesame")


@pytest.mark.parametrize("message", [None, 5, "phone", ["phone"], object()])
def test_a_message_that_is_no_mapping_is_rejected(message: object) -> None:
    assert only_code(message) == ("", RejectCode.NOT_A_MAPPING)


def test_a_mapping_that_raises_is_rejected() -> None:
    assert only_code(Exploding())[1] == RejectCode.NOT_JSON


def test_bad_messages_stop_none_of_the_good_ones() -> None:
    bad = [None, {}, {**GOOD, "text": b""}, Exploding(), {**GOOD, "sender": "x" * 12}]
    good = [{"phone": 380661231231 + n, "text": f"Hi {n}"} for n in range(5)]
    messages = [message for pair in zip(bad, good, strict=True) for message in pair]

    found = prepared(messages, first_index=100)

    (batch,) = found.batches
    assert [row["text"] for row in rows_of(batch)] == [f"Hi {n}" for n in range(5)]
    assert list(batch.indexes) == [101, 103, 105, 107, 109]
    assert [row["reference_id"] for row in rows_of(batch)] == [CAMPAIGN + base62(index, 6) for index in batch.indexes]
    assert [reject.index for reject in found.rejects] == [100, 102, 104, 106, 108]


def test_a_reject_shows_the_phone_and_the_reference_id_as_they_were_given() -> None:
    (reject,) = prepared([{"phone": " 066 123", "text": "Hi", "reference_id": "id7"}]).rejects

    assert (reject.phone, reject.reference_id) == (" 066 123", "id7")


def test_no_phone_is_twice_in_a_batch() -> None:
    messages = [
        {"phone": phone, "text": text} for text in ("one", "two", "three") for phone in (380661231231, "+38067 1112233")
    ]
    messages.append({"phone": 380681112233, "text": "one"})

    batches = prepared(messages).batches

    assert [batch.size for batch in batches] == [3, 2, 2]
    assert [[row["text"] for row in rows_of(batch)] for batch in batches] == [
        ["one", "one", "one"],
        ["two", "two"],
        ["three", "three"],
    ]
    assert sorted(index for batch in batches for index in batch.indexes) == list(range(7))


def test_the_same_phone_with_the_same_text_is_a_reject_unless_allowed() -> None:
    messages = [GOOD, {"phone": 380661231231, "text": "Hi"}, {"phone": "00380661231231", "text": "Hi"}]

    found = prepared(messages)
    assert [batch.size for batch in found.batches] == [1]
    assert [(reject.index, reject.code) for reject in found.rejects] == [
        (1, RejectCode.DUPLICATE),
        (2, RejectCode.DUPLICATE),
    ]
    allowed = prepared(messages, allow_duplicates=True)
    assert [batch.size for batch in allowed.batches] == [1, 1, 1]
    assert not allowed.rejects


@pytest.mark.parametrize("allow_duplicates", [True, False])
def test_a_reference_id_that_was_there_before_is_a_reject(allow_duplicates: bool) -> None:
    messages = [{"phone": 380661231231 + n, "text": "Hi", "reference_id": own} for n, own in enumerate("aab")]

    found = prepared(messages, allow_duplicates=allow_duplicates)

    assert [(reject.index, reject.code) for reject in found.rejects] == [(1, RejectCode.DUPLICATE_REFERENCE_ID)]
    assert [row["reference_id"] for row in rows_of(found.batches[0])] == ["a", "b"]


def test_the_reference_id_of_a_reject_is_free_for_another_message() -> None:
    messages = [
        {"phone": "bad", "text": "Hi", "reference_id": "a"},
        {"phone": 380661231231, "text": "Hi", "reference_id": "a"},
    ]

    assert [batch.size for batch in prepared(messages).batches] == [1]


def test_batches_are_no_larger_than_asked() -> None:
    messages = [{"phone": 380661231231 + n, "text": "Hi"} for n in range(25)]

    batches = prepared(messages, batch_size=10).batches

    assert [batch.size for batch in batches] == [10, 10, 5]
    assert [index for batch in batches for index in batch.indexes] == list(range(25))


def test_a_chunk_of_rejects_alone_makes_no_batch() -> None:
    found = prepared([None, {}])

    assert not found.batches
    assert len(found.rejects) == 2


@pytest.mark.parametrize("first", [0, 3843, 62**4 - 2, 62**5 + 17])
def test_generated_reference_ids_are_campaign_and_index_in_base_62(first: int) -> None:
    ids = generated_ids(CAMPAIGN, first, 9000)

    assert ids == [CAMPAIGN + base62(first + n, 6) for n in range(9000)]
    assert all(re.fullmatch("[a-zA-Z0-9]{28}", own) for own in ids[:100])


def test_whatever_a_body_holds_it_is_the_same_json_as_the_json_module_writes() -> None:
    messages = [
        {"phone": 380661231231 + n, "text": text}
        for n, text in enumerate(['","', '",', "\\", '\\",\n', "\u2028\u2029\u00ad", "é\"'", "a,\nb", "😀"])
    ]

    (batch,) = prepared(messages, sender='"\\').batches

    assert [row["text"] for row in rows_of(batch)] == [message["text"] for message in messages]
    assert {row["sender"] for row in rows_of(batch)} == {'"\\'}


def test_only_the_fields_that_the_template_names_are_kept() -> None:
    message = {**GOOD, "name": "Bob", "secret": "sesame" * 9}

    assert dict(unpack(pack([message], Template.parse("Hi {{ name }}")).content).fields) == {"name": ["Bob"]}
    assert unpack(pack([message], Template.parse("Hi")).content).texts is None


def test_what_is_no_packed_chunk_is_refused() -> None:
    with pytest.raises(ValueError, match="chunk"):
        unpack(b"something else")


def test_a_typical_queued_message_takes_less_than_thirty_bytes() -> None:
    messages = [
        {"phone": f"+38066{(n * 7919) % 10**7:07}", "name": f"Name{n % 977}", "day": ("Monday", "Friday")[n % 2]}
        for n in range(10_000)
    ]
    text = "Hi {{ name }}, your order is ready: see you {{ day }} at the usual place!"

    assert len(pack(messages, Template.parse(text)).content) < 30 * len(messages)
    assert len(prepared(messages, text=text).batches[0].body) < 30 * len(messages)


def test_good_messages_are_accepted_in_a_few_microseconds_each() -> None:
    messages = [{"phone": f"+380 66 {n:07}", "text": f"Hi {n}, see you"} for n in range(10_000)]
    chunk = unpack(pack(messages, None).content)
    options = options_of()
    started = time.process_time()
    prepare(chunk, options, campaign_id=CAMPAIGN, first_index=0, batch_size=10_000)

    # Ping one by one, they would take twenty microseconds each and more.
    assert time.process_time() - started < 10_000 * 8e-6


def mostly(good: st.SearchStrategy[Any], odd: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One odd value in three, so that a message seldom has two and each is seen by itself."""
    return st.one_of(good, good, odd)


ODD_PHONES = st.one_of(
    st.integers(-1, 10**17),
    st.from_regex(r"\+?[0-9 ()./+-]{0,22}", fullmatch=True),
    st.from_regex(r"(00|\+|0)?380 ?66 ?[0-9]{6,8}", fullmatch=True),
    st.sampled_from([None, True, 1.5, "", "\n", "١٢٣٤٥٦٧٨٩", "1\n2", "380661231231\n", "x" * 40]),
)
ODD_TEXTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([None, 5, True, "", " ", "\n", "\u00a0", "\ud800"]),
    st.sampled_from(["a" * 765, "a" * 766, "ж" * 335, "ж" * 336, "€" * 383, "😀" * 168]),
)
ODD_SENDERS = st.one_of(st.text(max_size=13), st.integers(-5, 10**16), st.sampled_from(["", " ", True, 1.0]))
ODD_IDS = st.one_of(st.text(max_size=3), st.from_regex(r"[a-z0-9]{0,34}", fullmatch=True), st.integers(-3, 9))
ODD_TARIFFS = st.one_of(st.integers(-2, 12), st.sampled_from(["", "3", "12", "x", 1.0, True, False]))
MESSAGES = st.fixed_dictionaries(
    {
        "phone": mostly(st.from_regex(r"\+?380 ?66[ -]?[0-9]{7}", fullmatch=True), ODD_PHONES),
        "text": mostly(st.sampled_from(["Hi", "Привіт"]), ODD_TEXTS),
    },
    optional={
        "sender": mostly(st.sampled_from([None, "Shop", 12345]), ODD_SENDERS),
        "reference_id": mostly(st.none(), ODD_IDS),
        "tariff_code": mostly(st.sampled_from([None, 3]), ODD_TARIFFS),
        "transliterate": mostly(st.sampled_from([None, True, False]), ODD_TARIFFS),
    },
)


def asked_alone(message: Mapping[str, Any], sender: str | None) -> Message | RejectCode:
    """Return what the rules say of one message."""
    try:
        json.dumps(message, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return RejectCode.NOT_JSON
    own = message.get("sender")
    lacks_own = own is None or (isinstance(own, str) and not own.strip())
    try:
        return check_message({**message, "sender": sender if lacks_own else own})
    except Violation as violation:
        return violation.code


@settings(max_examples=400, deadline=None)
@given(messages=st.lists(MESSAGES, min_size=1, max_size=6), sender=st.sampled_from([None, "MyShop"]))
def test_the_fast_path_and_the_exact_path_never_disagree(messages: list[dict[str, Any]], sender: str | None) -> None:
    found = prepared(messages, sender=sender, allow_duplicates=True)

    rows = {index: row for batch in found.batches for index, row in zip(batch.indexes, rows_of(batch), strict=True)}
    rejects = {reject.index: reject.code for reject in found.rejects}
    assert sorted([*rows, *rejects]) == list(range(len(messages)))
    for index, message in enumerate(messages):
        alone = asked_alone(message, sender)
        if rejects.get(index) == RejectCode.DUPLICATE_REFERENCE_ID:
            assert isinstance(alone, Message)
        elif isinstance(alone, RejectCode):
            assert rejects.get(index) == alone
        else:
            expected: dict[str, Any] = {"phone": int(alone.phone), "sender": alone.sender, "text": alone.text}
            expected["reference_id"] = alone.reference_id or CAMPAIGN + base62(index, 6)
            if alone.tariff_code is not None:
                expected["tariff_code"] = alone.tariff_code
            if alone.transliterate:
                expected["transliterate"] = True
            assert rows[index] == expected
