"""Campaign ids: 128 random bits in 22 letters and digits, because reference ids are built from them."""

from __future__ import annotations

import secrets
import string

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
LENGTH = 22  # 62 ** 22 > 2 ** 128


def new_campaign_id() -> str:
    """Return a new campaign id: 22 letters and digits, of 128 random bits.

    >>> len(new_campaign_id()), is_campaign_id(new_campaign_id())
    (22, True)
    """
    return base62(secrets.randbits(128), LENGTH)


def is_campaign_id(given: object) -> bool:
    """Return whether the value has the form of a campaign id.

    >>> is_campaign_id("0123456789ABCDEFGHIJkl"), is_campaign_id("news-7")
    (True, False)
    """
    return isinstance(given, str) and len(given) == LENGTH and all(map(ALPHABET.__contains__, given))


def base62(value: int, length: int) -> str:
    """Return the number in base 62, padded with zeros to that length.

    >>> base62(61, 2), base62(62, 2)
    ('0z', '10')
    """
    digits = []
    for _ in range(length):
        value, digit = divmod(value, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
