"""What a campaign would cost, by BSG's own word."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from bsg_cli.errors import BadInput, CommandError, ExitCode
from bsg_cli.rehearsal import Rehearsal
from bsg_config.settings import Settings

PHONES_AT_ONCE = 10_000
PATIENCE_SECONDS = 60.0  # for slots among the workers' own status requests


class NoPrice(CommandError):
    """BSG did not tell."""

    exit_code = ExitCode.UNREACHABLE


@dataclass(frozen=True, slots=True)
class Price:
    """`requests`: by how many BSG was asked. It prices one text to many phones, so one text stands for all alike."""

    amount: Decimal
    currency: str
    requests: int


def price_of(rehearsal: Rehearsal, settings: Settings) -> Price:
    """Raises BadInput where the worker is not installed, NoPrice, and SettingsInvalid."""
    try:
        from bsg_worker.client.outcomes import ReadFailed
        from bsg_worker.runtime import build
    except ImportError:
        raise BadInput("--price: the worker is not installed: pip install 'bsg-campaigns[worker]'") from None
    client = build(settings, patience=PATIENCE_SECONDS).client
    amount, currency, requests = Decimal(0), "", 0
    for alike, (text, phones) in rehearsal.priced_alike.items():
        for first in range(0, len(phones), PHONES_AT_ONCE):
            try:
                price = client.price(
                    sender=alike.sender,
                    text=text,
                    phones=phones[first : first + PHONES_AT_ONCE],
                    tariff_code=alike.tariff_code,
                )
            except ReadFailed as failure:
                raise NoPrice(f"--price: BSG did not tell ({failure.cause}). Try again, or leave it out.") from None
            amount, currency, requests = amount + price.amount, price.currency or currency, requests + 1
    return Price(amount, currency, requests)
