"""The connections with which the producer reads from BSG."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bsg_client.bsg_client import BSGClient
from bsg_client.under_limits import client_under_limits
from bsg_config.account import Account
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.batch_id import BatchId
from bsg_ledger.ledger import Ledger
from bsg_ledger.limiter import MAX_RESERVATION, status_limiter, submit_limiter
from bsg_messages.bodies import unpacked
from bsg_messages.body_cipher import BodyCipher, DecryptionError
from bsg_producer.queue_errors import queue_errors


@dataclass(frozen=True, slots=True)
class BSGReads:
    ledger: Ledger
    client: BSGClient
    cipher: BodyCipher

    @classmethod
    def of_account(cls, settings: Settings, account: Account, *, timeout: float = MAX_RESERVATION) -> BSGReads:
        """Return them without connecting yet. `timeout`: seconds that a request may wait for its rate-limit slot.

        Raise SettingsInvalid without a key.
        """
        redis = connect(settings)
        ledger = Ledger(redis)
        client = client_under_limits(
            account,
            redis,
            status=status_limiter(redis, account),
            submit=submit_limiter(redis, account),
            failures=ledger.failures(account.id),
            timeout=timeout,
        )
        return cls(ledger, client, BodyCipher(settings.body_key))

    def messages_of(self, batch: BatchId) -> dict[int, Mapping[str, Any]]:
        """Return the batch's messages as they were sent, by their index; empty once they are forgotten.

        Messages that cannot be decrypted here count as forgotten. Raise QueueUnavailable.
        """
        with queue_errors():
            body = self.ledger.reading.body(batch)
            indexes = self.ledger.reading.rows(batch)
        if body is None:
            return {}
        try:
            return dict(zip(indexes, json.loads(unpacked(body, batch.campaign_id, self.cipher)), strict=True))
        except DecryptionError:
            return {}
