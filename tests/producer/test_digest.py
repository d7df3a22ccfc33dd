from __future__ import annotations

from collections import UserDict
from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_messages.columns import pack
from bsg_messages.same_names import same_names
from bsg_messages.template import Template
from bsg_producer.digest import ContentDigest, write_column

MESSAGES: list[Any] = [
    {"phone": 380661231231, "text": "Hi", "name": "Олена"},
    {"phone": "380661231232", "n": 1.5, "d": date(2030, 1, 31), "p": Decimal("1.50")},
    {None: 1, "phone": 5, "text": "\ud800"},
    None,
    object(),
    {"phone": float("nan"), "x": {"y": [1, b""]}},
]

ENDLESS: dict[str, Any] = {}
ENDLESS["self"] = ENDLESS


def digest_of(
    *chunks: list[Any], text: str | None = None, sender: str | None = None, account: str = DEFAULT_ACCOUNT
) -> str:
    digest = ContentDigest(text=text, sender=sender, account=account)
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def test_how_messages_are_divided_makes_no_difference() -> None:
    whole = digest_of(MESSAGES)

    assert digest_of(*([message] for message in MESSAGES)) == whole
    assert digest_of(MESSAGES[:3], [], MESSAGES[3:]) == whole


def test_neither_the_order_of_keys_nor_the_kind_of_mapping_makes_a_difference() -> None:
    assert digest_of([{"a": 1, "b": 2}]) == digest_of([{"b": 2, "a": 1}]) == digest_of([UserDict(b=2, a=1)])


@pytest.mark.parametrize(
    "other",
    [
        [{"phone": "1", "text": "Hi"}],
        [{"phone": 1, "text": "Hi "}],
        [{"phone": 1, "text": "Hi", "name": None}],
        [{"phone": 1, "text": "Hi"}, {"phone": 1, "text": "Hi"}],
        [[{"phone": 1, "text": "Hi"}]],
        [],
    ],
)
def test_other_messages_are_other_content(other: list[Any]) -> None:
    assert digest_of(other) != digest_of([{"phone": 1, "text": "Hi"}])


@pytest.mark.parametrize("values", [(time(9), time(10)), (date(2030, 1, 31), "2030-01-31"), (Decimal(5), 5)])
def test_whatever_a_text_can_show_is_content(values: tuple[Any, Any]) -> None:
    first, second = values

    assert digest_of([{"phone": 1, "at": first}]) != digest_of([{"phone": 1, "at": second}])


@pytest.mark.parametrize("odd", [10**5000, {1: {}, "1": {}}, ENDLESS], ids=["huge", "keys of two kinds", "endless"])
def test_a_value_that_cannot_be_written_hides_nothing_beside_it(odd: Any) -> None:
    assert digest_of([{"phone": 1, "odd": odd}]) != digest_of([{"phone": 2, "odd": odd}])
    assert digest_of([{"phone": 1, "odd": odd}]) != digest_of([{"phone": "1", "odd": odd}])
    assert digest_of([{"odd": odd}, {"odd": 1}]) != digest_of([{"odd": odd}, {"odd": 2}])


class Unreadable(UserDict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("the row was closed")


def test_a_mapping_that_raises_has_a_digest_and_hides_no_other_message() -> None:
    unreadable = Unreadable(phone=1)

    assert digest_of([unreadable, *MESSAGES]) == digest_of([unreadable], MESSAGES)
    assert digest_of([unreadable, {"phone": 1}]) != digest_of([unreadable, {"phone": 2}])


def test_the_account_is_content() -> None:
    assert digest_of([{"phone": 1}], account="marketing") != digest_of([{"phone": 1}])


def test_text_and_sender_are_content() -> None:
    digests = {
        digest_of(MESSAGES),
        digest_of(MESSAGES, text="Hi"),
        digest_of(MESSAGES, sender="Hi"),
        digest_of(MESSAGES, text="", sender=None),
        digest_of(MESSAGES, text="a", sender="b"),
    }

    assert len(digests) == 5


def test_the_order_of_messages_is_content() -> None:
    assert digest_of(MESSAGES) != digest_of(MESSAGES[::-1])


def test_what_holds_itself_has_a_digest() -> None:
    endless: dict[str, Any] = {"phone": 1}
    endless["self"] = endless

    assert digest_of([endless, *MESSAGES]) == digest_of([endless], MESSAGES)
    assert digest_of([endless]) != digest_of([{"phone": 2, "self": endless}])


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)


@given(rows=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=5), cut=st.integers(0, 5))
def test_any_messages_have_the_same_digest_however_divided(rows: list[dict[str, Any]], cut: int) -> None:
    assert digest_of(rows) == digest_of(rows[:cut], rows[cut:])


MESSAGES_AS_GIVEN = st.lists(
    st.fixed_dictionaries({}, optional={name: VALUES | st.dates() for name in ("phone", "text", "name", "sender")})
    | st.just("no mapping"),
    min_size=1,
    max_size=6,
)


@given(rows=MESSAGES_AS_GIVEN, cut=st.integers(1, 6), text=st.sampled_from([None, "Hi {{ name }}"]))
def test_columns_that_are_written_for_redis_have_the_digest_of_their_messages(
    rows: list[Any], cut: int, text: str | None
) -> None:
    template = None if text is None else Template.parse(text)
    digest = ContentDigest(text=None, sender=None, account=DEFAULT_ACCOUNT)
    for chunk in filter(None, (rows[:cut], rows[cut:])):
        packed = pack(chunk, template)
        digest.update(chunk, packed.written, packed.names)

    assert digest.hexdigest() == digest_of(rows)


@given(rows=MESSAGES_AS_GIVEN)
def test_names_that_were_asked_for_once_make_no_difference(rows: list[Any]) -> None:
    digest = ContentDigest(text=None, sender=None, account=DEFAULT_ACCOUNT)
    digest.update(rows, None, same_names(rows))

    assert digest.hexdigest() == digest_of(rows)


def test_every_character_is_written_for_redis_as_the_digest_writes_it() -> None:
    characters = [chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000]

    assert pack([{"phone": 1, "text": text} for text in characters], None).written["text"] == write_column(characters)


def test_columns_are_handed_on_as_they_are_written() -> None:
    assert dict(pack([{"phone": 1, "text": "Hi"}, {"phone": 2, "text": "Ho"}], None).written) == {
        "phone": b"1,2",
        "text": b'"Hi","Ho"',
    }
