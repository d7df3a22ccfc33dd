"""What all parts of the producer share: settings, the ledger and the wake-ups."""

from __future__ import annotations

from typing import Self, TypeVar

import redis

from bsg_broker.wakeups import Wakeups
from bsg_config.named_accounts import DEFAULT_ACCOUNT
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_messages.body_cipher import BodyCipher
from bsg_messages.campaign_ids import is_campaign_id
from bsg_producer.errors import CampaignNotFound
from bsg_producer.queue_errors import queue_errors

T = TypeVar("T")

MAX_WAIT_MS = 1000


class ProducerBase:
    """One connection to the ledger, with the settings of the process."""

    def __init__(self, settings: Settings | None = None) -> None:
        settings = settings or Settings.from_environment()
        self._begin(connect(settings), settings)

    @classmethod
    def over(cls, client: redis.Redis, settings: Settings) -> Self:
        """Return a producer that uses an existing Redis client, which must not retry: a repeated command may run twice.

        The client returns bytes. `bsg_config.redis_connections.connect` returns such a client.

        >>> settings = Settings.from_environment()
        >>> Producer.over(connect(settings), settings).gate().open
        True
        """
        producer = cls.__new__(cls)
        producer._begin(client, settings)
        return producer

    def _begin(self, client: redis.Redis, settings: Settings) -> None:
        self._settings = settings
        self._client = client
        self._ledger = Ledger(
            client,
            relaxed=settings.queue_durability == "relaxed",
            timeout_ms=int(settings.queue_timeout * 1000),
            delivery_reports_kept=settings.delivery_reports_kept,
        )
        self._wakeups = Wakeups(client)
        self._cipher = BodyCipher(settings.body_key)

    @property
    def _wait_ms(self) -> int:
        # Well under the socket's timeout, because a longer silence counts as a lost connection.
        return min(MAX_WAIT_MS, int(self._settings.queue_timeout * 500))

    def _wake(self, campaign_id: str) -> None:
        """Wake a worker of the campaign's account: something may have become ready."""
        with queue_errors():
            _, account_name = self._ledger.reading.account_of(campaign_id)
        self._wakeups.notify(account_name or DEFAULT_ACCOUNT)


def checked(campaign_id: str) -> str:
    """Return the id. Raise CampaignNotFound for an invalid one: in a key it might name something else."""
    if not is_campaign_id(campaign_id):
        raise CampaignNotFound(campaign_id)
    return campaign_id


def known(campaign_id: str, response: T | None) -> T:
    if response is None:
        raise CampaignNotFound(campaign_id)
    return response
