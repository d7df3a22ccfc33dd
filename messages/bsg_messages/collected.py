"""The messages of a stream's batch, stored one behind the other as they were accepted.

A batch that still collects grows by one message at a time, so its body is not one compressed text. It is a mark, and
then for each message its index in the campaign, its length, and its row. A row is a JSON object as BSG's request has
it. If the caller gave no reference id, the row has the last characters of the generated one instead of it and of the
closing bracket: the index is known only once the message is accepted. Behind a NUL, which neither has, a row may have
the traceparent of its sender.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from itertools import islice

import orjson

from bsg_messages.body_cipher import BodyCipher
from bsg_messages.messages import Message
from bsg_messages.reference_ids import SUFFIX_LENGTH, stream_message_id

MARK = b"\x01"  # zstd's frames and Fernet's tokens begin with other bytes
_BEFORE_TRACEPARENT = b"\0"
HEAD = struct.Struct(">II")  # index and length; accept_messages.lua writes the same


def row_to_collect(message: Message, *, transliterate: bool) -> bytes:
    """Return the row of a checked message, without a suffix. `transliterate` is the stream's own option."""
    text = orjson.dumps(message.text).decode()
    row = f'{{"phone":{message.phone},"sender":{json.dumps(message.sender)},"text":{text}'
    if message.tariff_code is not None:
        row += f',"tariff_code":{message.tariff_code}'
    if transliterate if message.transliterate is None else message.transliterate:
        row += ',"transliterate":true'
    if message.reference_id is not None:
        row += f',"reference_id":"{message.reference_id}"}}'
    return row.encode()


def with_suffix(row: bytes, suffix: str, traceparent: str | None = None) -> bytes:
    """Return the row with the random characters of its generated reference id, if it has no other one.

    Behind them is the traceparent, if there is one.
    """
    row = row if row.endswith(b"}") else row + suffix.encode()
    return row if traceparent is None else row + _BEFORE_TRACEPARENT + traceparent.encode()


def is_collected(body: bytes) -> bool:
    """Return whether a batch's body has this form."""
    return body.startswith(MARK)


def messages_array(body: bytes, campaign_id: str, cipher: BodyCipher) -> bytes:
    """Return the messages array as it is sent (JSON). Raise DecryptionError."""
    return b"[" + b",".join(_objects(body, campaign_id, cipher)) + b"]"


def traceparents(body: bytes, cipher: BodyCipher, *, rows: int) -> list[str]:
    """Return the traceparents of the senders of the first `rows` messages, each once. Raise DecryptionError."""
    found = (row.partition(_BEFORE_TRACEPARENT)[2] for _, row in islice(_rows(body, cipher), rows))
    return [traceparent.decode() for traceparent in dict.fromkeys(found) if traceparent]


def _objects(body: bytes, campaign_id: str, cipher: BodyCipher) -> Iterator[bytes]:
    for index, whole in _rows(body, cipher):
        row, _, _ = whole.partition(_BEFORE_TRACEPARENT)
        if not row.endswith(b"}"):
            row, suffix = row[:-SUFFIX_LENGTH], row[-SUFFIX_LENGTH:].decode()
            row += f',"reference_id":"{stream_message_id(campaign_id, index, suffix)}"}}'.encode()
        yield row


def _rows(body: bytes, cipher: BodyCipher) -> Iterator[tuple[int, bytes]]:
    position = len(MARK)
    while position < len(body):
        index, length = HEAD.unpack_from(body, position)
        position += HEAD.size
        yield index, cipher.decrypt(body[position : position + length])
        position += length
