"""Digests by which messages are found: of phones and reference ids, with a key, so that nobody can try all phones."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b

DIGEST_BYTES = 6  # among a hundred million messages, one in two million searches finds a wrong one


class Searched(StrEnum):
    """What messages are found by."""

    PHONE = "phones"
    REFERENCE_ID = "reference-ids"


def search_digest(key: str, kind: Searched, value: str) -> bytes:
    """Return the digest of a phone or of a reference id.

    >>> search_digest("a key of sixteen characters", Searched.PHONE, "380661231231").hex()
    '9dadc4edadad'
    """
    return blake2b(value.encode(), digest_size=DIGEST_BYTES, key=key.encode()[:64], person=kind.encode()).digest()
