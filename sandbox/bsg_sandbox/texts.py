"""How long a text may be, and how many segments it takes (3GPP TS 23.038, BSG: Message length)."""

from __future__ import annotations

from itertools import repeat

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "^{}\\[]~|€\f"
MAX_SEGMENTS = 5
GSM_SEPTETS = (160, 153)
UCS2_UNITS = (70, 67)
# Whatever the characters, even those of two UTF-16 units: this many are one segment, this many are not too long.
ALWAYS_ONE_SEGMENT = UCS2_UNITS[0] // 2
ALWAYS_SHORT_ENOUGH = MAX_SEGMENTS * UCS2_UNITS[1] // 2

_GSM = frozenset(GSM_BASIC + GSM_EXTENSION)
_BASIC_LATIN_1 = "".join(character for character in GSM_BASIC if ord(character) < 256).encode("latin-1")


def segments_of(text: str) -> int:
    """Count the segments of a text: 160 septets or 153 each, or else 70 UTF-16 units or 67 each."""
    if _is_basic(text):
        return _segments(len(text), *GSM_SEPTETS)
    if _GSM.issuperset(text):
        return _segments(len(text) + sum(map(text.count, GSM_EXTENSION)), *GSM_SEPTETS)
    return _segments(len(text.encode("utf-16-le", "surrogatepass")) // 2, *UCS2_UNITS)


def _segments(units: int, alone: int, joined: int) -> int:
    return 1 if units <= alone else -(-units // joined)


def segments_of_all(texts: list[str]) -> int:
    """Count the segments of many texts together; quick when all are of GSM's basic alphabet or short."""
    longest = max(map(len, texts), default=0)
    if longest <= ALWAYS_ONE_SEGMENT:
        return len(texts)
    if _is_basic("".join(texts)):
        if longest <= GSM_SEPTETS[0]:
            return len(texts)
        return sum(map(_segments, map(len, texts), repeat(GSM_SEPTETS[0]), repeat(GSM_SEPTETS[1])))
    return sum(map(segments_of, texts))


def is_gsm(text: str) -> bool:
    """Say whether all characters are in GSM 03.38."""
    return _is_basic(text) or _GSM.issuperset(text)


def _is_basic(text: str) -> bool:
    try:
        return not text.encode("latin-1").translate(None, _BASIC_LATIN_1)
    except UnicodeEncodeError:
        return False
