"""How long a text may be, and how many segments it takes. 3GPP TS 23.038; BSG: Message length."""

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
# So many characters of any alphabet, even of two UTF-16 units each, are one segment, and so many are not too long.
ALWAYS_ONE_SEGMENT = UCS2_UNITS[0] // 2
ALWAYS_SHORT_ENOUGH = MAX_SEGMENTS * UCS2_UNITS[1] // 2

_GSM = frozenset(GSM_BASIC + GSM_EXTENSION)
_BASIC_LATIN_1 = "".join(character for character in GSM_BASIC if ord(character) < 256).encode("latin-1")


def segments_of(text: str) -> int:
    """Return the number of segments of a text.

    In GSM 03.38 one has 160 septets, and several have 153 each. In UCS-2 one has 70 UTF-16 units, and several have 67.
    """
    if _is_basic(text):
        return _segments(len(text), *GSM_SEPTETS)
    if _GSM.issuperset(text):
        return _segments(len(text) + sum(map(text.count, GSM_EXTENSION)), *GSM_SEPTETS)
    return _segments(len(text.encode("utf-16-le", "surrogatepass")) // 2, *UCS2_UNITS)


def _segments(units: int, alone: int, joined: int) -> int:
    return 1 if units <= alone else -(-units // joined)


def segments_of_all(texts: list[str]) -> int:
    """Return the segments of all texts together. It is fast if all are short, or in GSM's basic alphabet."""
    longest = max(map(len, texts), default=0)
    if longest <= ALWAYS_ONE_SEGMENT:
        return len(texts)
    if _is_basic("".join(texts)):
        if longest <= GSM_SEPTETS[0]:
            return len(texts)
        return sum(map(_segments, map(len, texts), repeat(GSM_SEPTETS[0]), repeat(GSM_SEPTETS[1])))
    return sum(map(segments_of, texts))


def is_gsm(text: str) -> bool:
    """Return whether GSM 03.38 has all characters."""
    return _is_basic(text) or _GSM.issuperset(text)


def _is_basic(text: str) -> bool:
    try:
        return not text.encode("latin-1").translate(None, _BASIC_LATIN_1)
    except UnicodeEncodeError:
        return False
