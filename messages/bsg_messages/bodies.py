"""A batch's messages array: packed in Redis, and parsed only if rows have to be removed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import zstandard

from bsg_messages.body_cipher import BodyCipher
from bsg_messages.collected import is_collected, messages_array
from bsg_messages.rejects import Reject, Violation


def unpacked(body: bytes, campaign_id: str, cipher: BodyCipher) -> bytes:
    """Return the messages array as it is sent (JSON). Raise DecryptionError."""
    if is_collected(body):
        return messages_array(body, campaign_id, cipher)
    return zstandard.decompress(cipher.decrypt(body))


def packed(rows: Sequence[Any], cipher: BodyCipher) -> bytes:
    return cipher.encrypt(zstandard.compress(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode(), 1))


def without(rows: Sequence[Any], indexes: Sequence[int], gone: set[int], cipher: BodyCipher) -> tuple[bytes, list[int]]:
    """Return the packed body and the message indexes without the rows at the positions `gone`."""
    left = [position for position in range(len(rows)) if position not in gone]
    return packed([rows[position] for position in left], cipher), [indexes[position] for position in left]


def rejected(rows: Sequence[Any], indexes: Sequence[int], violations: Mapping[int, Violation]) -> list[tuple[int, str]]:
    """Return the rows that break a rule, as the ledger stores rejects."""
    return [
        (
            indexes[position],
            Reject.of(
                violation,
                index=indexes[position],
                phone=str(rows[position]["phone"]),
                reference_id=rows[position]["reference_id"],
            ).to_json(),
        )
        for position, violation in sorted(violations.items())
    ]
