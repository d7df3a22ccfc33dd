"""Generated reference ids. Each names the message's campaign and index.

That of a stream's message ends in random characters, because a ledger that went back numbers its next messages like
those that it has lost, and BSG may know their ids.
"""

from __future__ import annotations

import secrets
from itertools import product

from bsg_messages.campaign_ids import ALPHABET, LENGTH, base62

_PAIRS = tuple(map("".join, product(ALPHABET, repeat=2)))
_INDEX_LENGTH = 6
ATTEMPT_LENGTH = 6
SUFFIX_LENGTH = 3  # 32 characters are allowed, which a caller's own id often has: the digits of a UUID
FIRST_SUFFIX, LAST_SUFFIX = ALPHABET[0] * SUFFIX_LENGTH, ALPHABET[-1] * SUFFIX_LENGTH  # compared as text


def generated_ids(campaign_id: str, first_index: int, size: int) -> list[str]:
    """Return reference ids: each is the campaign's 128 random bits, and the index in base 62 (6 digits).

    >>> generated_ids("0123456789ABCDEFGHIJkl", 61, 2)
    ['0123456789ABCDEFGHIJkl00000z', '0123456789ABCDEFGHIJkl000010']
    """
    ids: list[str] = []
    index, end, pairs = first_index, first_index + size, len(_PAIRS)
    while index < end:
        block, offset = divmod(index, pairs)
        high, low = divmod(block, pairs)
        prefix = campaign_id + _PAIRS[high] + _PAIRS[low]
        last = min(pairs, offset + end - index)
        ids.extend([prefix + pair for pair in _PAIRS[offset:last]])
        index += last - offset
    return ids


def new_attempt() -> str:
    """Return random letters and digits that name one sending of a stream's message."""
    return base62(secrets.randbelow(len(ALPHABET) ** ATTEMPT_LENGTH), ATTEMPT_LENGTH)


def suffix_of(attempt: str) -> str:
    """Return the random characters of the reference id of the message that the attempt has sent."""
    return attempt[:SUFFIX_LENGTH]  # guard: lost-message-has-another-id


def stream_message_id(campaign_id: str, index: int, suffix: str) -> str:
    """Return the id of a stream's message: its reference id, unless the caller gave one.

    >>> stream_message_id("0123456789ABCDEFGHIJkl", 62, suffix_of("x7Tq0a"))
    '0123456789ABCDEFGHIJkl000010x7T'
    """
    return generated_ids(campaign_id, index, 1)[0] + suffix


def campaign_and_index(reference_id: str) -> tuple[str, int] | None:
    """Return the campaign and the message's index in a generated reference id; None for any other id.

    >>> campaign_and_index("0123456789ABCDEFGHIJkl000010"), campaign_and_index("0123456789ABCDEFGHIJkl000010x7T")
    (('0123456789ABCDEFGHIJkl', 62), ('0123456789ABCDEFGHIJkl', 62))
    >>> campaign_and_index("order17")
    """
    end = LENGTH + _INDEX_LENGTH
    if len(reference_id) not in (end, end + SUFFIX_LENGTH) or not set(reference_id) <= set(ALPHABET):
        return None
    index = 0
    for digit in reference_id[LENGTH:end]:
        index = index * len(ALPHABET) + ALPHABET.index(digit)
    return reference_id[:LENGTH], index
