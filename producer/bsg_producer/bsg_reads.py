"""What reading from BSG takes, for callers of the producer."""

from __future__ import annotations

from dataclasses import dataclass

from bsg_client.bsg_client import BSGClient
from bsg_client.under_limits import client_under_limits
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_ledger.limiter import MAX_RESERVATION, status_limiter, submit_limiter
from bsg_messages.body_cipher import BodyCipher


@dataclass(frozen=True, slots=True)
class BSGReads:
    ledger: Ledger
    client: BSGClient
    cipher: BodyCipher

    @classmethod
    def of_account(cls, settings: Settings, *, timeout: float = MAX_RESERVATION) -> BSGReads:
        """Connect nothing yet. `timeout`: how many seconds a request may wait for its slot of the rate limit.

        Raise SettingsInvalid without a key.
        """
        redis = connect(settings)
        ledger = Ledger(redis)
        client = client_under_limits(
            settings,
            redis,
            status=status_limiter(redis, settings),
            submit=submit_limiter(redis, settings),
            failures=ledger.failures(settings.account),
            timeout=timeout,
        )
        return cls(ledger, client, BodyCipher(settings.body_key))
