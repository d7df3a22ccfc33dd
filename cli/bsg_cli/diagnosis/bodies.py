"""Check whether the messages in Redis can be read here, and are encrypted."""

from __future__ import annotations

from collections.abc import Iterator

import redis

from bsg_cli.diagnosis.findings import Finding, Level
from bsg_cli.printing import number
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_messages.body_cipher import BodyCipher
from bsg_producer.unreadable import unreadable_campaigns

_SUBJECT = "bodies"


def look_at_bodies(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    if settings.body_key:
        yield Finding(_SUBJECT, Level.OK, "phones and texts are encrypted in Redis (BODY_KEY)")
    else:
        yield Finding(_SUBJECT, Level.NOTE, "phones and texts are in Redis as they are: no BODY_KEY is set here")
    locked = unreadable_campaigns(Ledger(client), BodyCipher(settings.body_key))
    if locked:
        yield Finding(
            _SUBJECT,
            Level.PROBLEM if settings.accounts else Level.NOTE,
            f"{number(len(locked))} of the campaigns that wait are encrypted with a key that BODY_KEY does not have "
            f"here, such as {locked[0]}: workers with these settings send nothing of them",
            "Put that key behind the others in BODY_KEY, here and for the workers.",
        )
