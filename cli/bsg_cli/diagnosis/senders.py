"""Check whether BSG knows the senders of open campaigns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import redis

from bsg_cli.diagnosis.account import of_account
from bsg_cli.diagnosis.findings import Finding, Level
from bsg_config.settings import Settings
from bsg_ledger.ledger import Ledger
from bsg_messages.campaign_options import CampaignOptions
from bsg_producer.preview import short_senders

LOOKED_INTO = 100  # campaigns
_REMEDY = "Register it at BSG, or send by another one. It is a warning: what is needed differs by country."


def look_at_senders(client: redis.Redis, settings: Settings) -> Iterator[Finding]:
    """Yield findings. Raise `redis.exceptions.RedisError` when Redis does not respond."""
    try:
        from bsg_producer.quoting import sender_warnings
    except ImportError:
        return
    used = _senders_by_account(Ledger(client))
    for account in settings.accounts:
        senders = used.get(account.name, set())
        for warning in (*short_senders(senders), *sender_warnings(settings, account, senders)):
            yield Finding(of_account("senders", account), Level.WARNING, warning, _REMEDY)


def _senders_by_account(ledger: Ledger) -> dict[str, set[str]]:
    """Return the senders in the options of open campaigns. Senders of single messages are not read."""
    senders: dict[str, set[str]] = {}
    for campaign in islice(ledger.reading.open_campaigns(), LOOKED_INTO):
        written = ledger.reading.campaign_options(campaign.campaign_id)
        try:
            sender = None if written is None else CampaignOptions.from_json(written).sender
        except ValueError:
            continue  # another check reports unreadable campaigns
        if sender:
            senders.setdefault(campaign.account_name, set()).add(sender)
    return senders
