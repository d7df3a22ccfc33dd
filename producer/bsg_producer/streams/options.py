"""Check the keyword arguments of `Producer.stream`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from bsg_broker.wakeups import wakeup
from bsg_config.settings import Settings
from bsg_ledger.campaigns import WakeUp
from bsg_ledger.streams import StreamRules
from bsg_messages.campaign_options import CampaignOptions
from bsg_messages.errors import CampaignInvalid
from bsg_producer.campaign_arguments import check_cost, check_options

MAX_WAIT_SECONDS = 3600.0
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_DIGEST_BYTES = 16


def check_stream(
    name: str, arguments: Mapping[str, Any], settings: Settings, now: datetime
) -> tuple[CampaignOptions, StreamRules]:
    """Return the options of the stream's campaigns, and how its messages are sent. Raise CampaignInvalid."""
    errors: dict[str, list[str]] = {}
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        errors["name"] = ["Not a stream's name: give up to 64 small letters, digits, - and _, such as order-updates."]
    given = dict(arguments)
    max_wait = given.pop("max_wait")
    if isinstance(max_wait, bool) or not isinstance(max_wait, (int, float)) or not 0 <= max_wait <= MAX_WAIT_SECONDS:
        errors["max_wait"] = [f"Not a number of seconds from 0 to {MAX_WAIT_SECONDS:.0f}: give one."]
    max_cost_per_day = given.pop("max_cost_per_day")
    if max_cost_per_day is not None:
        try:
            max_cost_per_day = check_cost("max_cost_per_day", max_cost_per_day)
        except CampaignInvalid as invalid:
            errors |= invalid.errors
    if isinstance(given["deadline"], (datetime, str)):
        errors["deadline"] = ["Not a time span: give a timedelta, or seconds, from a message's acceptance."]
        given["deadline"] = None
    try:
        # A message that is accepted outside of the sending hours may expire before they open. The app may start then.
        options = check_options({**given, "allow_duplicates": True}, settings, now, begins_now=False)
    except CampaignInvalid as invalid:
        raise CampaignInvalid({**errors, **invalid.errors}) from None
    if errors:
        raise CampaignInvalid(errors)
    lifetime_ms = 0 if options.deadline is None else round((options.deadline - now).total_seconds() * 1000)
    max_wait_ms = round(max_wait * 1000)
    if max_wait_ms >= lifetime_ms:  # guard: wait-ends-before-deadline
        raise CampaignInvalid({"max_wait": ["Not shorter than the deadline: messages would expire before they leave."]})
    options = replace(options, deadline=None, name=name)
    written = options.to_json()
    account_name = given["account"]
    identity = f"{account_name} {lifetime_ms} {max_wait_ms} {max_cost_per_day} {written}"
    return options, StreamRules(
        stream=name,
        options=written,
        digest=blake2b(identity.encode(), digest_size=_DIGEST_BYTES).hexdigest(),
        priority=options.priority,
        account_name=account_name,
        max_cost=options.max_cost or "",
        max_cost_per_day=max_cost_per_day or "",
        has_hours=options.send_between is not None,
        lifetime_ms=lifetime_ms,
        max_wait_ms=max_wait_ms,
        batch_size=options.batch_size,
        key_retention_ms=round(settings.stream_key_retention * 1000),
        campaign_ms=round(settings.stream_campaign_time * 1000),
        wake_up=WakeUp(*wakeup(account_name)),
    )
