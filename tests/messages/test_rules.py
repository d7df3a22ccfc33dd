from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bsg_messages import rules
from bsg_messages.rejects import Reject, RejectCode, Violation


def code_of(rule: Callable[[Any], Any], value: Any) -> RejectCode:
    with pytest.raises(Violation) as raised:
        rule(value)
    return raised.value.code


@pytest.mark.parametrize(
    "written",
    [
        380661231231,
        "380661231231",
        "+380661231231",
        "+380 66 123-12-31",
        "+38 (066) 123.12.31",
        "00380661231231",
        "  +380\u00a066\u202f123\u201112\u201331\u200e",
        "+380 (0) 66 123 12 31",
    ],
)
def test_a_phone_is_read_as_people_write_it(written: object) -> None:
    assert rules.phone(written) == "380661231231"


@pytest.mark.parametrize("digits", ["123456789", "123456789012345"])
def test_a_phone_of_nine_to_fifteen_digits_is_accepted(digits: str) -> None:
    assert rules.phone(digits) == rules.phone(int(digits)) == rules.phone(f"+{digits}") == digits


@pytest.mark.parametrize("digits", ["12345678", "1234567890123456"])
def test_a_phone_of_eight_or_sixteen_digits_is_rejected(digits: str) -> None:
    assert code_of(rules.phone, digits) == RejectCode.INVALID_PHONE
    assert code_of(rules.phone, int(digits)) == RejectCode.INVALID_PHONE


@pytest.mark.parametrize(
    "written",
    [
        "0661231231",
        "000661231231",
        "+0661231231",
        "380661231231.0",
        "+380661231231.0",
        "380 661 231 231.00",
        "380-661-231-231.0",
        "3.80661231231E11",
        "380+661231231",
        "++380661231231",
        "+380661231231 ext 5",
        "+380661231231/32",
        "+380661231231, +380661231232",
        "٣٨٠٦٦١٢٣١٢٣١",
        "³80661231231",
        "+380661231231\n1",
        "-",
        380661231231.0,
        -380661231231,
        True,
        "1" * 65,
    ],
)
def test_what_could_be_read_as_another_number_is_rejected(written: object) -> None:
    assert code_of(rules.phone, written) == RejectCode.INVALID_PHONE


@pytest.mark.parametrize("written", [None, "", "  "])
def test_no_phone_is_missing(written: object) -> None:
    assert code_of(rules.phone, written) == RejectCode.MISSING_PHONE


@pytest.mark.parametrize("name", ["A", "MyShop", "Shop & Co.!", "a" * 11, "1", "1" * 15, " x", 12345])
def test_senders_that_bsg_takes(name: object) -> None:
    assert rules.sender(name) == str(name)


@pytest.mark.parametrize(
    "name", ["a" * 12, "1" * 16, "1" * 11 + "a", "Магазин", "Shop\n", "Café", "shop\x7f", 1.5, True]
)
def test_senders_that_bsg_refuses(name: object) -> None:
    assert code_of(rules.sender, name) == RejectCode.INVALID_SENDER


@pytest.mark.parametrize("own", ["a", "Z9", "x" * 32, 42])
def test_reference_ids_that_bsg_takes(own: object) -> None:
    assert rules.reference_id(own) == str(own)


@pytest.mark.parametrize("own", ["x" * 33, "a-b", "a b", "é", "٣", "a\n", -1, 1.0, False])
def test_reference_ids_that_bsg_refuses(own: object) -> None:
    assert code_of(rules.reference_id, own) == RejectCode.INVALID_REFERENCE_ID


@pytest.mark.parametrize(("given", "code"), [(0, 0), (9, 9), ("7", 7), (" 7 ", 7)])
def test_tariff_codes_that_bsg_takes(given: object, code: int) -> None:
    assert rules.tariff_code(given) == code


@pytest.mark.parametrize("given", [-1, 10, "10", "x", "٣", 1.0, True])
def test_tariff_codes_that_bsg_refuses(given: object) -> None:
    assert code_of(rules.tariff_code, given) == RejectCode.INVALID_TARIFF_CODE


@pytest.mark.parametrize(
    "longest",
    ["a" * 765, "é" * 765, "€" * 382 + "a", "[" * 382, "ж" * 335, "😀" * 167 + "ж", "a" * 334 + "ж"],
)
def test_the_longest_texts_are_accepted_and_one_character_more_is_not(longest: str) -> None:
    assert rules.text(longest) == longest
    assert code_of(rules.text, longest + longest[0]) == RejectCode.TEXT_TOO_LONG


@pytest.mark.parametrize("blank", [None, "", " \n\t", "\u00a0"])
def test_a_blank_text_is_missing(blank: object) -> None:
    assert code_of(rules.text, blank) == RejectCode.MISSING_TEXT


@pytest.mark.parametrize("control", ["\0", "\t", "\v", "\f", "\x1b", "\x7f", "\x85", "\x9f"])
def test_a_text_with_a_control_character_is_rejected(control: str) -> None:
    with pytest.raises(Violation) as raised:
        rules.text(f"Hi {control} you")

    assert raised.value.code == RejectCode.INVALID_TEXT
    assert f"U+{ord(control):04X}" in raised.value.message


@pytest.mark.parametrize("text", ["one\ntwo", "one\r\ntwo", "a\u00a0b", "👨\u200d👩", "\u200eשלום", "soft\u00adhyphen"])
def test_line_breaks_and_what_only_looks_like_a_control_character_are_texts(text: str) -> None:
    assert rules.text(text) == text


def test_a_text_that_is_no_string_is_rejected() -> None:
    assert code_of(rules.text, 5) == RejectCode.INVALID_TEXT


def test_the_gsm_alphabet_has_127_characters_and_ten_more_in_its_extension() -> None:
    assert len(rules.GSM_BASIC) == 127
    assert len(rules.GSM_EXTENSION) == 10
    assert not rules.GSM_BASIC & rules.GSM_EXTENSION


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 765, 5),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ж" * 335, 5),
    ],
)
def test_segments_are_counted_by_alphabet(text: str, segments: int) -> None:
    assert rules.segments(text) == segments


@pytest.mark.parametrize(
    ("given", "expected"), [(True, True), (False, False), (1, True), ("0", False), (" Yes ", True), ("false", False)]
)
def test_transliteration_is_asked_for_as_tables_have_it(given: object, expected: bool) -> None:
    assert rules.transliterate(given) is expected


@pytest.mark.parametrize("given", [2, "maybe", 1.0, "٣", "on"])
def test_what_is_neither_true_nor_false_asks_for_nothing(given: object) -> None:
    assert code_of(rules.transliterate, given) == RejectCode.INVALID_TRANSLITERATE


def test_whatever_surely_fits_fits_in_either_alphabet() -> None:
    for character in ("a", "€", "ж", "😀"):
        assert rules.text(character * rules.SURELY_FITS)


def test_a_violation_repeats_nothing_of_what_was_given() -> None:
    for rule in (rules.phone, rules.sender, rules.reference_id, rules.tariff_code, rules.transliterate):
        with pytest.raises(Violation) as raised:
            rule("sesame, open sesame, and again sesame")
        assert "sesame" not in raised.value.message


def test_a_reject_survives_being_written_and_read() -> None:
    reject = Reject(7, "+380 66", "id7", "phone", RejectCode.INVALID_PHONE, "write 9 to 15 digits")

    assert Reject.from_json(reject.to_json()) == reject
    assert Reject.from_json(reject.to_json().encode()) == reject
    assert "+380 66" not in repr(reject)
