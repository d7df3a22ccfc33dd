"""System checks: of the settings always, and of what they lead to with `manage.py check --deploy`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings as project
from django.core.checks import CheckMessage, Error, Warning, register

from bsg_campaigns_django.configuration import producer, settings
from bsg_campaigns_django.views import SECRET
from bsg_config.redis_connections import connect
from bsg_config.settings import Settings
from bsg_config.settings_invalid import SettingsInvalid
from bsg_ledger.heartbeats import Heartbeats
from bsg_ledger.ledger import Ledger
from bsg_messages.body_cipher import BodyCipher
from bsg_producer import QueueNotDurable, QueueUnavailable
from bsg_producer.callbacks import callbacks
from bsg_producer.queue_errors import queue_errors
from bsg_producer.unreadable import unreadable_campaigns

_NO_REDIS = "It is not set where Redis is."
_SET_REDIS = "Set REDIS_URL in BSG_CAMPAIGNS or in the environment, to the Redis of the workers."


@register
def check_settings(**_: Any) -> list[CheckMessage]:
    """Check the settings by themselves. Nothing is asked."""
    try:
        found = settings()
    except SettingsInvalid as invalid:
        return [
            Error(f"BSG_CAMPAIGNS: {name}: {message}", id="bsg_campaigns.E001")
            for name, messages in invalid.errors.items()
            for message in messages
        ]
    if found.redis_url is None:
        # No error: `manage.py test` begins with these checks, and tests may bring their own Redis.
        return [Warning(_NO_REDIS, hint=_SET_REDIS, id="bsg_campaigns.W002")]
    secret = getattr(project, SECRET, None)
    if secret is None:
        return []
    try:
        callbacks(producer(), secret=secret)
    except (TypeError, ValueError) as error:
        return [Error(f"{SECRET}: {error}", id="bsg_campaigns.E003")]
    return []


@register(deploy=True)
def check_queue(**_: Any) -> list[CheckMessage]:
    """Check that Redis keeps what it accepts, that BODY_KEY is the workers', and that workers run."""
    try:
        found = settings()
    except SettingsInvalid:
        return []  # `check_settings` reports it
    if found.redis_url is None:
        return [Error(_NO_REDIS, hint=_SET_REDIS, id="bsg_campaigns.E100")]
    try:
        with queue_errors():
            return list(_look(found))
    except QueueUnavailable as error:
        return [Error(str(error), id="bsg_campaigns.E101")]


def _look(settings: Settings) -> Iterator[CheckMessage]:
    client = connect(settings)
    relaxed = settings.queue_durability == "relaxed"
    ledger = Ledger(client, relaxed=relaxed, timeout_ms=int(settings.queue_timeout * 1000))
    try:
        with queue_errors():
            ledger.durability.require()
    except QueueNotDurable as error:
        yield Error("Redis may lose what it has accepted.", hint=str(error), id="bsg_campaigns.E102")
    if relaxed:
        remedy = "Remove QUEUE_DURABILITY: then Redis has to prove it."
        yield Warning("Redis is trusted to keep what it accepts.", hint=remedy, id="bsg_campaigns.W103")
    unreadable = unreadable_campaigns(ledger, BodyCipher(settings.body_key))
    if unreadable:
        message = (
            f"Campaigns that wait are encrypted with a key that BODY_KEY does not have here, such as {unreadable[0]}."
        )
        remedy = "Give BODY_KEY the value that it has for the workers: else they cannot read what is sent from here."
        yield Error(message, hint=remedy, id="bsg_campaigns.E104")
    heartbeats = Heartbeats(client)
    if not heartbeats.workers() or heartbeats.since_last_tick() is None:
        remedy = "Start the processes of the Procfile. `bsg-campaigns doctor` shows which are missing."
        yield Warning("No worker, or no beat, has run within a day.", hint=remedy, id="bsg_campaigns.W105")
