"""Ask BSG for a campaign's price and for its registered senders, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from bsg_client.outcomes import ReadFailed
from bsg_client.responses import Sender
from bsg_config.account import Account
from bsg_config.settings import Settings
from bsg_producer.bsg_reads import BSGReads
from bsg_producer.errors import ReportUnavailable
from bsg_producer.preview import Price, PriceGroups

PHONES_AT_ONCE = 10_000  # BSG: POST /api/campaigns/price
SLOT_TIMEOUT_SECONDS = 60.0  # shared with the workers' status requests
ACTIVE = "active"


def quote(settings: Settings, account: Account, groups: PriceGroups) -> Price:
    """Return BSG's price. BSG prices one text to many phones, so one text represents all that are priced alike.

    Raise ReportUnavailable when BSG does not respond, and SettingsInvalid without a key.
    """
    client = BSGReads.of_account(settings, account, timeout=SLOT_TIMEOUT_SECONDS).client
    amount, currency, requests = Decimal(0), "", 0
    for alike, (text, phones) in groups.items():
        for first in range(0, len(phones), PHONES_AT_ONCE):
            try:
                price = client.price(
                    sender=alike.sender,
                    text=text,
                    phones=phones[first : first + PHONES_AT_ONCE],
                    tariff_code=alike.tariff_code,
                )
            except ReadFailed as failure:
                raise ReportUnavailable(f"BSG did not report the price ({failure.cause})") from None
            amount, currency, requests = amount + price.amount, price.currency or currency, requests + 1
    return Price(amount, currency, requests)


def sender_warnings(settings: Settings, account: Account, senders: Iterable[str]) -> list[str]:
    """Return a sentence for each sender that BSG has not registered, or not as active.

    They are warnings, not errors, because registration differs by country. It is a warning too if BSG does not respond.
    """
    wanted = sorted(senders)
    if not wanted:
        return []
    try:
        registered = BSGReads.of_account(settings, account, timeout=SLOT_TIMEOUT_SECONDS).client.senders()
    except ReadFailed as failure:
        return [f"BSG did not list which senders are registered ({failure.cause})"]
    return [warning for sender in wanted for warning in _warnings_of(sender, registered)]


def _warnings_of(sender: str, registered: Iterable[Sender]) -> list[str]:
    known = [one for one in registered if one.name == sender]
    if not known:
        return [f"sender {sender!r}: BSG has not registered it; some countries refuse such a sender, or replace it"]
    return [
        f"sender {sender!r}: BSG calls it {one.status}{f' in {one.country}' if one.country else ''}"
        for one in known
        if one.status != ACTIVE
    ]
