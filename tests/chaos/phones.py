"""The phones of a batch as the ledger has them: who sent it through a stream is not known by the batch."""

from __future__ import annotations

import json

from bsg_ledger.batch_id import BatchId
from bsg_ledger.ledger import Ledger
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import BodyCipher


def phones_by_index(ledger: Ledger, batch: BatchId, cipher: BodyCipher) -> dict[int, int]:
    """Return each phone of the batch by its message's index. Raise ValueError if the batch has no body any more."""
    body = ledger.reading.body(batch)
    if body is None:
        raise ValueError(f"{batch} has no body")
    rows = json.loads(unpacked(body, batch.campaign_id, cipher))
    return {index: int(row["phone"]) for index, row in zip(ledger.reading.rows(batch), rows, strict=True)}
