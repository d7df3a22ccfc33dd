"""The settings that fit BSG's measured behaviour, and those that contradict it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta

from bsg_config.account import Account
from bsg_config.named_accounts import variable
from bsg_ledger.provider_facts import DuplicateRule, ProviderFacts

DUPLICATE_WINDOW_SECONDS = 3600
LAG_MARGIN = 3  # the lag was measured only once
MIN_CONFIRM_SECONDS = 120
_REJECTING = frozenset({DuplicateRule.REJECTED, DuplicateRule.REJECTED_SINGLY, DuplicateRule.REJECTED_WHOLE})


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A setting that does not fit the facts. `doubles`: it may send messages twice."""

    variable: str
    why: str
    remedy: str
    doubles: bool = False


def settings_lines(facts: ProviderFacts, account: Account) -> list[str]:
    """Return the lines for `.env` that fit the facts. An unknown fact leaves its setting as it is."""
    found: dict[str, str] = {}
    if facts.duplicates in _REJECTING:
        found["BSG_DUPLICATE_WINDOW"] = str(DUPLICATE_WINDOW_SECONDS)
    elif facts.duplicates is DuplicateRule.TAKEN:
        found["BSG_DUPLICATE_WINDOW"] = "0"
    if (lag := _lag(facts)) is not None:
        found["BSG_CONFIRM_WITHIN"] = str(max(MIN_CONFIRM_SECONDS, math.ceil(lag * LAG_MARGIN)))
    if facts.minutes_east is not None and facts.minutes_east % 60 == 0:
        found["BSG_TIMEZONE"] = _zone_name(facts.minutes_east // 60)
    if facts.throttled:
        found["BSG_RATE_LIMIT"] = _sustained(facts)
    return [f"{variable(name, account.name)}={value}" for name, value in found.items()]


def contradictions(facts: ProviderFacts, account: Account) -> list[Contradiction]:
    """Return the settings that do not fit the facts."""
    name = account.name
    found = []
    if facts.duplicates is DuplicateRule.TAKEN and account.bsg_duplicate_window > 0:
        found.append(
            Contradiction(
                variable("BSG_DUPLICATE_WINDOW", name),
                "BSG sends a reference id again that it has already, so a batch in doubt may be sent twice",
                "Set it to 0: an operator then decides about each batch in doubt.",
                doubles=True,
            )
        )
    lag = _lag(facts)
    if lag is not None and account.bsg_confirm_within < lag:
        found.append(
            Contradiction(
                variable("BSG_CONFIRM_WITHIN", name),
                f"BSG showed a message or a campaign only after {lag:g} s: a batch may be called absent too early",
                f"Set it to {math.ceil(lag * LAG_MARGIN)} or more.",
                doubles=account.bsg_duplicate_window > 0,
            )
        )
    if facts.minutes_east is not None and _minutes_east(facts, account) != facts.minutes_east:
        found.append(
            Contradiction(
                variable("BSG_TIMEZONE", name),
                f"BSG's times were {facts.minutes_east:+d} minutes from UTC: scheduled campaigns start at a wrong hour",
                "Set it to BSG's zone.",
            )
        )
    rate = account.bsg_rate_limit
    if facts.throttled and rate.amount / rate.per_seconds > facts.sustained_rate:
        found.append(
            Contradiction(
                variable("BSG_RATE_LIMIT", name),
                f"of {facts.requests} requests at {facts.rate:g}/s, BSG throttled {facts.throttled}",
                f"Set it to {_sustained(facts)}.",
            )
        )
    return found


def _sustained(facts: ProviderFacts) -> str:
    return f"{max(1, int(facts.sustained_rate))}/s"


def _lag(facts: ProviderFacts) -> float | None:
    if facts.message_visible_after is None or facts.campaign_listed_after is None:
        return None
    return max(facts.message_visible_after, facts.campaign_listed_after)


def _minutes_east(facts: ProviderFacts, account: Account) -> float:
    """Return the minutes that the settings' zone was ahead of UTC when the facts were measured."""
    offset = facts.measured_at.astimezone(account.bsg_timezone).utcoffset()
    return (offset or timedelta(0)).total_seconds() / 60


def _zone_name(hours_east: int) -> str:
    return "UTC" if hours_east == 0 else f"Etc/GMT{-hours_east:+d}"  # POSIX counts westwards
