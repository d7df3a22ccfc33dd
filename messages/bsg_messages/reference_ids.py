"""Generated reference ids. Each names the message's campaign and index."""

from __future__ import annotations

from itertools import product

from bsg_messages.campaign_ids import ALPHABET, LENGTH

_PAIRS = tuple(map("".join, product(ALPHABET, repeat=2)))
_INDEX_LENGTH = 6


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


def generated_id(campaign_id: str, index: int) -> str:
    """Return the reference id of one message, which is also the message id of a stream's message."""
    return generated_ids(campaign_id, index, 1)[0]


def campaign_and_index(reference_id: str) -> tuple[str, int] | None:
    """Return the campaign and the message's index in a generated reference id; None for any other id.

    >>> campaign_and_index("0123456789ABCDEFGHIJkl000010"), campaign_and_index("order17")
    (('0123456789ABCDEFGHIJkl', 62), None)
    """
    if len(reference_id) != LENGTH + _INDEX_LENGTH or not set(reference_id) <= set(ALPHABET):
        return None
    index = 0
    for digit in reference_id[LENGTH:]:
        index = index * len(ALPHABET) + ALPHABET.index(digit)
    return reference_id[:LENGTH], index
