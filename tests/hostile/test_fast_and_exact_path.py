"""The fast path over whole columns and the exact path for each message never disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bsg_messages import rules
from bsg_messages.fast_path import CheckedColumns, check_columns
from bsg_messages.preparation import Prepared
from tests.hostile.strategies import PYTHON_VALUES
from tests.producer.campaigns import prepared, rows_of

BETWEEN = "".join((" ", "-", "\u2011", "\u00a0", ".", "(", ")", "+", "0", "\n", "\t", "\u200e", "x", "٣"))
PHONES = (
    st.integers(10**7, 10**16)
    | st.integers(10**8, 10**15).map(str)
    | st.text(alphabet="0123456789" + BETWEEN, max_size=20)
    | st.tuples(
        st.sampled_from(["+", "00", "0", "", " "]), st.text(alphabet="123456789- ", min_size=8, max_size=17)
    ).map("".join)
    | st.sampled_from(["1" * 65, "+380 (0) 66 123 12 31", "380661231231.0", 380661231231.0, True, 10**39])
)
EDGES = [rules.SURELY_FITS, rules.MAX_UNITS, rules.MAX_SEPTETS, rules.MAX_SEPTETS // 2]
TEXTS = st.tuples(
    st.sampled_from("aж€😀 \ud800"), st.sampled_from(EDGES), st.integers(-1, 1), st.sampled_from(["", "ж", "€"])
).map(lambda chunks: chunks[0] * (chunks[1] + chunks[2]) + chunks[3]) | st.text(max_size=10)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "phone": PHONES,
    "text": TEXTS,
    "sender": st.sampled_from(["A" * 11, "A" * 12, "1" * 15, "1" * 16, " ", "", "Café", 12345, 1.5, "Shop\n"]),
    "reference_id": st.sampled_from(["a", "x" * 32, "x" * 33, "a b", "", " ", 7, "é"]),
    "tariff_code": st.sampled_from([0, 9, 10, -1, "7", " 7 ", "", True, 1.0, "٣"]),
    "transliterate": st.sampled_from([True, False, 0, 1, 2, "yes", " NO ", "true", "maybe", "", 1.0, "٣"]),
    "name": st.none() | st.text(max_size=5) | st.integers() | st.sampled_from(["x" * 800, " "]),
}
MESSAGES = st.fixed_dictionaries(
    {"phone": PHONES}, optional={name: values | PYTHON_VALUES for name, values in FIELDS.items() if name != "phone"}
)
TEMPLATES = st.sampled_from(
    [None, "Hi {{ name }}", "{{ name|default('you')|upper }}", "{% if name %}a{% endif %}b", " "]
)


def outcome(found: Prepared) -> tuple[Any, Any]:
    rows = {index: row for batch in found.batches for index, row in zip(batch.indexes, rows_of(batch), strict=True)}
    return rows, {reject.index: reject for reject in found.rejects}


def doubting_everything(*arguments: Any, **named: Any) -> CheckedColumns:
    columns = check_columns(*arguments, **named)
    columns.exact_rows.update(range(len(columns.phones)))
    return columns


@given(
    messages=st.lists(MESSAGES | PYTHON_VALUES, min_size=1, max_size=6),
    sender=st.sampled_from([None, "MyShop"]),
    text=TEMPLATES,
)
def test_asking_about_every_message_changes_nothing(messages: list[Any], sender: str | None, text: str | None) -> None:
    arguments: Mapping[str, Any] = {"sender": sender, "text": None if text == " " else text, "allow_duplicates": True}
    quick = outcome(prepared(messages, **arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsg_messages.preparation.check_columns", doubting_everything)
        slow = outcome(prepared(messages, **arguments))

    assert quick == slow


@given(messages=st.lists(MESSAGES, min_size=2, max_size=5), text=TEMPLATES)
def test_what_becomes_of_a_message_does_not_depend_on_its_neighbours(messages: list[Any], text: str | None) -> None:
    # Without ids of their own, as those may repeat each other.
    messages = [{name: value for name, value in message.items() if name != "reference_id"} for message in messages]
    arguments: Mapping[str, Any] = {"text": None if text == " " else text, "allow_duplicates": True}

    together = outcome(prepared(messages, **arguments))

    for index, message in enumerate(messages):
        alone = outcome(prepared([message], first_index=index, **arguments))
        assert alone == tuple({index: kind[index]} if index in kind else {} for kind in together)
