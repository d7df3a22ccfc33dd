"""Campaign ids: 128 random bits in 22 letters and digits, because reference ids are built from them."""

from __future__ import annotations

import secrets
import string

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LENGTH = 22  # 62 ** 22 > 2 ** 128


def new_campaign_id() -> str:
    return base62(secrets.randbits(128), LENGTH)


def is_campaign_id(given: object) -> bool:
    """Return whether the value has the form of a campaign id."""
    return isinstance(given, str) and len(given) == LENGTH and all(map(ALPHABET.__contains__, given))


def base62(value: int, length: int) -> str:
    """Return the number in base 62, padded with zeros to that length."""
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
