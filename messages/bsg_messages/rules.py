"""BSG's rules for a message (BSG: POST /api/campaigns/sms/send-individual).

Each rule takes the caller's value and returns it in BSG's format, or raises `Violation`.
"""

from __future__ import annotations

import re
from typing import Any

from bsg_messages.rejects import RejectCode, Violation

MIN_PHONE_DIGITS = 9
MAX_PHONE_DIGITS = 15
MAX_SENDER_CHARACTERS = 11
MAX_SENDER_DIGITS = 15
MAX_REFERENCE_ID_CHARACTERS = 32
MAX_TARIFF_CODE = 9
MIN_VALIDITY_HOURS = 1
MAX_VALIDITY_HOURS = 72

MAX_SEGMENTS = 5
SEPTETS_SINGLE, SEPTETS_A_SEGMENT = 160, 153
UNITS_SINGLE, UNITS_A_SEGMENT = 70, 67
MAX_SEPTETS = MAX_SEGMENTS * SEPTETS_A_SEGMENT
MAX_UNITS = MAX_SEGMENTS * UNITS_A_SEGMENT
# A text of so many characters fits in any alphabet: a character takes at most two units or two septets.
SURELY_FITS = MAX_UNITS // 2
# A longer text does not fit in any alphabet.
MAX_CHARACTERS = MAX_SEPTETS

# GSM 03.38 (3GPP TS 23.038, 6.2.1): the basic table without ESC, and its extension.
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")
GSM_ALPHABET = GSM_BASIC | GSM_EXTENSION

# The only control characters of a text are line breaks, which web forms and spreadsheets write as CR and LF. The basic
# table has no others. A tab would make the whole text UCS-2, with no visible reason.
TEXT_CONTROLS = "\n\r"

# People and address books write these between digits.
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_BLANKS = " \t\u00a0\u2007\u2009\u202f"
_DIRECTION_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_BETWEEN_DIGITS = str.maketrans("", "", _HYPHENS + _BLANKS + _DIRECTION_MARKS + ".()")
_NATIONAL_ZERO = re.compile(r"(?<=[0-9)])\s*\(0\)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_FRACTION = re.compile(r"[^.]*[0-9]\.[0-9]{1,2}")
_PHONE = re.compile(rf"[1-9][0-9]{{{MIN_PHONE_DIGITS - 1},{MAX_PHONE_DIGITS - 1}}}")
_SENDER = re.compile(rf"[0-9]{{1,{MAX_SENDER_DIGITS}}}|[ -~]{{1,{MAX_SENDER_CHARACTERS}}}")
_REFERENCE_ID = re.compile(rf"[a-zA-Z0-9]{{1,{MAX_REFERENCE_ID_CHARACTERS}}}")
_MAX_PHONE_AS_WRITTEN = 64
_MAX_NUMBER = 10**_MAX_PHONE_AS_WRITTEN

_PHONE_REMEDY = "write 9 to 15 digits with the country code, such as +380 66 123-12-31"
_SENDER_REMEDY = (
    f"take 1 to {MAX_SENDER_CHARACTERS} Latin letters, digits, symbols and blanks, "
    f"or digits alone, {MAX_SENDER_DIGITS} at most"
)


_YES_OR_NO = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def is_blank(value: Any) -> bool:
    """Return whether the value counts as not given: None, or a text of blanks.

    >>> is_blank(None), is_blank("  "), is_blank(0)
    (True, True, False)
    """
    return value is None or (isinstance(value, str) and not value.strip())


def phone(value: Any) -> str:
    """Return the digits of an international number, from an int or from a text as people write it.

    A leading 00 means +, and (0) is left out. A number that begins with a single 0 is refused: as an integer it would
    lose the 0, and be another person's number.

    >>> phone("+380 (66) 123-12-31"), phone(380661231231)
    ('380661231231', '380661231231')
    >>> phone("066 123-12-31")
    Traceback (most recent call last):
    bsg_messages.rejects.Violation: phone: invalid_phone
    """
    if is_blank(value):
        raise Violation("phone", RejectCode.MISSING_PHONE, f"no phone: {_PHONE_REMEDY}")
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Violation(
            "phone", RejectCode.INVALID_PHONE, f"not a phone, but a {type(value).__name__}: {_PHONE_REMEDY}"
        )
    digits = _dialled(value) if isinstance(value, str) else _text_or_number(value)
    if digits is None or _PHONE.fullmatch(digits) is None:  # guard: phone-digits
        raise Violation("phone", RejectCode.INVALID_PHONE, f"not an international phone number: {_PHONE_REMEDY}")
    return digits


def sender(value: Any) -> str:
    """Return a sender's name: 1 to 11 characters, or 1 to 15 digits.

    >>> sender("MyShop"), sender(380661231231)
    ('MyShop', '380661231231')
    >>> sender("Магазин")
    Traceback (most recent call last):
    bsg_messages.rejects.Violation: sender: invalid_sender
    """
    if is_blank(value):
        raise Violation(
            "sender", RejectCode.MISSING_SENDER, "no sender: give the campaign one, or each message its own"
        )
    text = _text_or_number(value)
    if text is None or _SENDER.fullmatch(text) is None:  # guard: sender-valid
        raise Violation("sender", RejectCode.INVALID_SENDER, f"not a sender's name that BSG takes: {_SENDER_REMEDY}")
    return text


def reference_id(value: Any) -> str:
    """Return the caller's reference id: 1 to 32 Latin letters and digits.

    >>> reference_id("order17"), reference_id(17)
    ('order17', '17')
    >>> reference_id("order-17")
    Traceback (most recent call last):
    bsg_messages.rejects.Violation: reference_id: invalid_reference_id
    """
    text = _text_or_number(value)
    if text is None or _REFERENCE_ID.fullmatch(text) is None:  # guard: reference-id-valid
        raise Violation(
            "reference_id",
            RejectCode.INVALID_REFERENCE_ID,
            f"not a reference id: take 1 to {MAX_REFERENCE_ID_CHARACTERS} Latin letters and digits, or none",
        )
    return text


def tariff_code(value: Any) -> int:
    """Return a tariff's code: 0 to 9.

    >>> tariff_code(3), tariff_code("3")
    (3, 3)
    >>> tariff_code(10)
    Traceback (most recent call last):
    bsg_messages.rejects.Violation: tariff_code: invalid_tariff_code
    """
    text = _text_or_number(value)
    text = None if text is None else text.strip()
    if text is None or len(text) != 1 or text not in "0123456789":
        raise Violation(
            "tariff_code",
            RejectCode.INVALID_TARIFF_CODE,
            f"not a tariff code: take 0 to {MAX_TARIFF_CODE}, or leave it out",
        )
    return int(text)


def control_character(value: str, *, allowed: str = TEXT_CONTROLS) -> str | None:
    """Return the first control character that is not allowed, as "U+0000"; None if there is none.

    >>> control_character("Hello\\tOlha"), control_character("Hello\\nOlha")
    ('U+0009', None)
    """
    if value.isprintable():
        return None
    found = next((one for one in _CONTROL.findall(value) if one not in allowed), None)
    return None if found is None else f"U+{ord(found):04X}"


def transliterate(value: Any) -> bool:
    """Return whether BSG transliterates the text: true or false, or as tables have it, 1 or 0, yes or no.

    >>> transliterate(True), transliterate("no"), transliterate(1)
    (True, False, True)
    >>> transliterate("perhaps")
    Traceback (most recent call last):
    bsg_messages.rejects.Violation: transliterate: invalid_transliterate
    """
    if isinstance(value, bool):
        return value
    word = _text_or_number(value)
    found = None if word is None else _YES_OR_NO.get(word.strip().lower())
    if found is None:
        raise Violation(
            "transliterate",
            RejectCode.INVALID_TRANSLITERATE,
            "neither true nor false: give one of them, or leave it out",
        )
    return found


def text(value: Any) -> str:
    """Return a text of at most five segments: 765 septets if GSM 03.38 has all characters, otherwise 335 UTF-16 units.

    Its only control characters are line breaks.

    >>> text("Hello!"), len(text("a" * 765))
    ('Hello!', 765)
    >>> text("я" * 336)
    Traceback (most recent call last):
    bsg_messages.rejects.Violation: text: text_too_long
    """
    if is_blank(value):  # guard: text-not-blank
        raise Violation(
            "text", RejectCode.MISSING_TEXT, "no text: give the campaign a template, or each message its text"
        )
    if not isinstance(value, str):
        raise Violation(
            "text", RejectCode.INVALID_TEXT, f"not a text, but a {type(value).__name__}: give it as a string"
        )
    if (control := control_character(value)) is not None:
        raise Violation(
            "text", RejectCode.INVALID_TEXT, f"has the control character {control}, which no phone shows: remove it"
        )
    if len(value) <= SURELY_FITS:
        return value
    if len(value) > MAX_CHARACTERS:
        raise Violation(
            "text", RejectCode.TEXT_TOO_LONG, f"longer than any SMS ({MAX_CHARACTERS} characters): shorten it"
        )
    size, most, unit = (
        (septets(value), MAX_SEPTETS, "GSM characters")
        if is_gsm(value)
        else (utf16_units(value), MAX_UNITS, "UTF-16 units, as it has characters outside the GSM alphabet")
    )
    if size > most:  # guard: text-length
        raise Violation("text", RejectCode.TEXT_TOO_LONG, f"{size} of at most {most} {unit}: shorten it")
    return value


def is_gsm(value: str) -> bool:
    """Return whether GSM 03.38 has every character of the text.

    >>> is_gsm("10 €"), is_gsm("10 ₴")
    (True, False)
    """
    return GSM_ALPHABET.issuperset(value)


def septets(value: str) -> int:
    """Return the size of a GSM text; characters of the extension count two.

    >>> septets("10 $"), septets("10 €")
    (4, 5)
    """
    return len(value) + sum(map(value.count, GSM_EXTENSION))


def utf16_units(value: str) -> int:
    """Return the size of a text in UCS-2; characters beyond the basic plane, such as most emoji, count two.

    >>> utf16_units("Привіт"), utf16_units("😀")
    (6, 2)
    """
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def segments(value: str) -> int:
    """Return the SMS segments that a text takes.

    >>> segments("a" * 160), segments("a" * 161), segments("я" * 70), segments("я" * 71)
    (1, 2, 1, 2)
    """
    size, single, segment = (
        (septets(value), SEPTETS_SINGLE, SEPTETS_A_SEGMENT)
        if is_gsm(value)
        else (utf16_units(value), UNITS_SINGLE, UNITS_A_SEGMENT)
    )
    return 1 if size <= single else -(-size // segment)


def _dialled(written: str) -> str:
    trimmed = written.strip()
    # Otherwise a spreadsheet's 380661231231.0 would become a number with more digits.
    if len(written) > _MAX_PHONE_AS_WRITTEN or _FRACTION.fullmatch(trimmed):  # guard: phone-not-fraction
        return ""
    digits = _NATIONAL_ZERO.sub("", trimmed).translate(_BETWEEN_DIGITS)
    if digits.startswith("+"):
        return digits[1:]
    return digits.removeprefix("00")


def _text_or_number(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    # Python refuses to write a number of over 4 300 digits.
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_NUMBER:
        return str(value)
    return None
